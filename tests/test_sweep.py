"""Sweeps: one table, whatever happens to the runs, the processes and the file."""

import csv
import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import mean, stdev
from threading import Thread

import numpy as np
import pytest
import sweep_runs
import torch
from sweep_runs import SLOW, broken, fatal, hanging, noted, pid_of_hanging, quick, settings, times, wait_for

from vae_tutorial import data
from vae_tutorial.measures import code_dataset, prior_test
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import DIP, KL, MMD, Capacity, TotalCorrelation
from vae_tutorial.sweep import MEASURES, Processes, Setting, Table, measure, measuring, read, sweep
from vae_tutorial.sweep.measuring import mean_abs_correlation
from vae_tutorial.sweep.summary import summarize
from vae_tutorial.sweep.table import COLUMNS
from vae_tutorial.vae import VAE


@pytest.fixture
def table(tmp_path) -> Path:
    return tmp_path / "table.csv"


@pytest.fixture
def thread():
    with ThreadPoolExecutor(1) as executor:
        yield executor


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def expected(wanted: list[Setting]) -> set[tuple]:
    """What the table should say of settings that were measured by `quick`."""
    return {(str(s.weight), str(s.seed), str(quick(s)["kl"]), "") for s in wanted}


def found(table: Path) -> list[tuple]:
    return [(row["weight"], row["seed"], row["kl"], row["error"]) for row in rows(table)]


def assert_each_once(table: Path, wanted: list[Setting]) -> None:
    assert sorted(found(table)) == sorted(expected(wanted))


class TestSettings:
    @pytest.mark.parametrize(
        ("method", "weight", "objective"),
        [
            ("beta-vae", 4, Objective(KL(4.0))),
            ("capacity", 20, Objective(Capacity(weight=1000.0, c_max=20.0, steps=50))),
            ("beta-tcvae", 6, Objective(KL(), TotalCorrelation(5.0))),
            ("dip-vae-i", 5, Objective(KL(), DIP("i", off_diagonal=5.0))),
            ("dip-vae-ii", 5, Objective(KL(), DIP("ii", off_diagonal=5.0))),
            ("wae-mmd", 200, Objective(MMD(200.0))),
        ],
    )
    def test_a_method_is_its_objective(self, method, weight, objective):
        assert repr(Setting("digits", method, weight, steps=100).objective()) == repr(objective)

    def test_a_wae_pays_the_squared_error_and_others_cross_entropy(self):
        x, logits = torch.rand(3, 1, 4, 4), torch.rand(3, 1, 4, 4)
        wae = Setting("digits", "wae-mmd", 1).likelihood()
        costs = wae.nll(logits, x) - wae.nll(x, x)
        torch.testing.assert_close(
            costs, (x - wae.mean(logits)).square().sum((1, 2, 3)) - (x - wae.mean(x)).square().sum((1, 2, 3))
        )
        coins = torch.distributions.Bernoulli(logits=logits, validate_args=False)
        torch.testing.assert_close(
            Setting("digits", "capacity", 1).likelihood().nll(logits, x), -coins.log_prob(x).sum((1, 2, 3))
        )

    @pytest.mark.usefixtures("plain")
    def test_one_setting_has_one_key_however_its_numbers_are_written(self):
        assert Setting("digits", "beta-vae", 4).key == Setting("digits", "beta-vae", np.float64(4.0), np.int64(0)).key

    @pytest.mark.usefixtures("plain")
    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"data": "faces"}, "data must be one of mnist, .*, got 'faces'"),
            ({"method": "gan"}, "method must be one of beta-vae, .*, got 'gan'"),
            ({"weight": -1.0}, "weight must be a finite number of at least 0, got -1.0"),
            ({"method": "beta-tcvae", "weight": 0.5}, "weight must be at least 1 for beta-tcvae.*, got 0.5"),
            ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
            ({"z_dim": 1}, "z_dim must be a whole number of at least 2, got 1"),
            ({"lr": 0.0}, "lr must be a finite number above 0, got 0.0"),
        ],
    )
    def test_a_wrong_field_is_named(self, wrong, words):
        with pytest.raises(ValueError, match=words):
            Setting(**({"data": "digits", "method": "beta-vae", "weight": 1.0} | wrong))


class TestGoingOn:
    def test_what_is_done_is_not_done_again(self, table, thread, tmp_path):
        (tmp_path / "runs").mkdir()
        run = partial(noted, tmp_path / "runs")
        sweep(settings(2), table, thread, measure=run)
        returned = sweep([*settings(4), *settings(4)], table, thread, measure=run)
        assert_each_once(table, settings(4))
        assert {times(tmp_path / "runs", str(s.weight), str(s.seed)) for s in settings(4)} == {1}
        assert [(row["weight"], row["seed"]) for row in returned] == [(str(s.weight), str(s.seed)) for s in settings(4)]
        assert table.read_text().count("method") == 1

    @pytest.mark.parametrize("cut", [1, 5, 20, len("a line")])
    def test_a_last_line_without_its_end_is_run_again(self, table, thread, cut, caplog):
        sweep(settings(2), table, thread, measure=quick)
        whole = table.read_bytes()
        table.write_bytes(whole[:-cut])
        assert len(read(table)) == 3
        sweep(settings(2), table, thread, measure=quick)
        assert table.read_bytes() == whole
        assert "ended in half a line" in caplog.text

    def test_a_header_without_its_end_is_written_again(self, table, thread):
        table.write_bytes(",".join(COLUMNS).encode()[:30])
        sweep(settings(1), table, thread, measure=quick)
        assert_each_once(table, settings(1))

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("a,b\n1,2\n", "it has another header"),
            ("no line", "it has another header"),
            (",".join((*COLUMNS, "more")) + "\n", "it has another header"),
            (",".join(COLUMNS) + "\n1,2\n", "its line 2 has 2 columns instead of 24"),
            (",".join(COLUMNS) + "\n\0\0\0\n", "its line 2 has 1 columns instead of 24"),
        ],
    )
    def test_another_file_is_refused_and_left_as_it_is(self, table, thread, content, words):
        table.write_text(content)
        with pytest.raises(ValueError, match=f"table must be a new file or one .* got .*table.csv: {words}"):
            sweep(settings(1), table, thread, measure=quick)
        assert table.read_text() == content

    def test_no_file_can_lie_in_no_folder(self, tmp_path, thread):
        for place in (tmp_path, tmp_path / "missing" / "table.csv"):
            with pytest.raises(ValueError, match="table must be a file in a folder that exists"):
                sweep(settings(1), place, thread, measure=quick)

    def test_a_second_sweep_on_the_same_table_is_refused(self, table, thread):
        with Table(table) as first:
            with pytest.raises(ValueError, match="table must be of one sweep at a time"):
                sweep(settings(1), table, thread, measure=quick)
            first.append(settings(1)[0], {"kl": 1.0})
        sweep(settings(1), table, thread, measure=quick)
        assert [row["kl"] for row in rows(table)] == ["1.0", "40.0"]

    def test_a_failed_run_is_a_row_the_others_go_on_and_it_is_tried_again(self, table, thread, tmp_path):
        returned = sweep(settings(5), table, thread, measure=partial(broken, tmp_path))
        bad = [row for row in rows(table) if row["error"]]
        assert {row["error"] for row in bad} == {"ArithmeticError: the loss, is not finite"}
        assert [row["seed"] for row in bad] == [str(SLOW)] * 2
        assert len(returned) == len(rows(table)) == 10
        (tmp_path / "well").touch()
        returned = sweep(settings(5), table, thread, measure=partial(broken, tmp_path))
        assert len(rows(table)) == 12
        assert expected(settings(5)) == {(r["weight"], r["seed"], r["kl"], r["error"]) for r in returned}

    def test_an_executor_that_is_lost_is_no_result(self, table):
        class Lost(ThreadPoolExecutor):
            def submit(self, fn, setting):
                future: Future = Future()
                if setting.seed:
                    future.set_exception(BrokenExecutor("gone"))
                else:
                    future.set_result(fn(setting))
                return future

        with Lost(1) as executor, pytest.raises(BrokenExecutor):
            sweep(settings(2), table, executor, measure=quick)
        assert set(found(table)) <= expected(settings(1))

    def test_a_full_disk_leaves_the_lines_that_were_whole(self, table):
        class Full:
            def __init__(self, file):
                self.file = file

            def __getattr__(self, name):
                return getattr(self.file, name)

            def write(self, content):
                return self.file.write(content[: len(content) // 2])

        first, second = settings(1)
        with Table(str(table)) as file:
            file.append(first, quick(first))
            whole = table.read_bytes()
            kept, file._file = file._file, Full(file._file)
            with pytest.raises(OSError, match=r"table\.csv took only part of a line: is the disk full\?"):
                file.append(second, quick(second))
            assert table.read_bytes() == whole
            file._file = kept
            file.append(second, quick(second))
        assert len(read(str(table))) == 2
        assert_each_once(table, settings(1))

    def test_a_table_that_cannot_be_begun_is_closed_and_free(self, table, thread, monkeypatch):
        def fail(descriptor):
            raise OSError("no space left")

        monkeypatch.setattr(os, "fsync", fail)
        begun = Table(table)
        with pytest.raises(OSError, match="no space left"), begun:
            pass
        assert begun._file.closed
        monkeypatch.undo()
        sweep(settings(1), table, thread, measure=quick)
        assert_each_once(table, settings(1))

    def test_a_measure_without_a_column_is_refused(self, table, thread):
        with pytest.raises(ValueError, match="fid"):
            sweep(settings(1), table, thread, measure=lambda setting: {"fid": 1.0})


class TestProcesses:
    def test_a_killed_process_loses_and_doubles_nothing(self, table, tmp_path):
        killer = Thread(target=lambda: os.kill(pid_of_hanging(tmp_path), signal.SIGKILL))
        killer.start()
        with Processes(2) as executor:
            sweep(settings(), table, executor, measure=partial(hanging, tmp_path))
        killer.join()
        assert_each_once(table, settings())
        assert {times(tmp_path, str(s.weight), str(s.seed)) for s in settings()} == {1}

    def test_a_setting_that_always_kills_is_named_and_the_others_are_done(self, table):
        with Processes(2) as executor:
            sweep(settings(5), table, executor, measure=fatal)
        (bad,) = [row for row in rows(table) if row["error"]]
        assert (bad["weight"], bad["seed"], bad["kl"]) == ("4.0", str(SLOW), "")
        assert bad["error"].startswith("RuntimeError: its process ended without an answer, 2 times: killed, out of")
        good = [s for s in settings(5) if (s.weight, s.seed) != (4, SLOW)]
        assert sorted(row for row in found(table) if not row[3]) == sorted(expected(good))

    def test_a_process_that_cannot_be_made_loses_one_call_and_not_its_place(self, monkeypatch):
        def fail(executor):
            monkeypatch.undo()
            raise OSError("too many open files")

        monkeypatch.setattr(Processes, "_pool", fail)
        with Processes(1) as executor:
            with pytest.raises(OSError, match="too many open files"):
                executor.submit(abs, -1).result(timeout=60)
            assert executor.submit(abs, -2).result(timeout=60) == 2

    def test_a_script_without_its_guard_is_told_so(self, tmp_path):
        script = tmp_path / "script.py"
        script.write_text(
            "from vae_tutorial.sweep import Processes\n"
            "with Processes(1) as executor:\n"
            "    executor.submit(abs, -1).result()\n"
        )
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].endswith('or started by a script that lacks `if __name__ == "__main__":`')

    @pytest.mark.parametrize("how", ["interrupt", "kill"])
    def test_a_sweep_that_is_ended_leaves_whole_rows_and_no_process(self, table, tmp_path, thread, how):
        script = tmp_path / "script.py"
        script.write_text(SCRIPT)
        environment = os.environ | {"PYTHONPATH": str(Path(sweep_runs.__file__).parent)}
        command = [sys.executable, str(script), str(table), str(tmp_path)]
        with subprocess.Popen(
            command, env=environment, start_new_session=True, stdout=subprocess.PIPE, text=True
        ) as child:
            pid_of_hanging(tmp_path)
            wait_for(lambda: len(read(table)) == 2 * SLOW + 1)  # the run that hangs is the next
            if how == "interrupt":
                os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to all processes
            else:
                child.kill()
            said, _ = child.communicate(timeout=300)  # until no process has its standard output; the run hangs for 600
        assert said == ("stopped\n" if how == "interrupt" else "")
        done = found(table)
        assert len(done) == len(set(done))
        assert set(done) < expected(settings())
        sweep(settings(), table, thread, measure=quick)
        assert_each_once(table, settings())


SCRIPT = """
import sys
from functools import partial
from pathlib import Path
import sweep_runs
from vae_tutorial.sweep import Processes, sweep

if __name__ == "__main__":
    try:
        with Processes(1) as executor:
            run = partial(sweep_runs.hanging, Path(sys.argv[2]))
            sweep(sweep_runs.settings(), sys.argv[1], executor, measure=run)
    except KeyboardInterrupt:
        print("stopped")
"""


class TestMeasure:
    @pytest.fixture(autouse=True)
    def few_images(self, monkeypatch):
        load, images = data.load, measuring.images
        monkeypatch.setattr(data, "load", lambda name, split, fallback: load(name, split, 300, fallback=fallback))
        images.cache_clear()
        yield
        images.cache_clear()

    def test_a_run_measures_everything_and_is_the_same_again(self, table, thread):
        setting = Setting("digits", "beta-vae", 1, steps=60, z_dim=3, batch_size=16, lr=3e-3)
        (row,) = sweep([setting], table, thread)
        assert row["error"] == ""
        values = {name: row[name] for name in MEASURES}
        assert all(values.values())
        assert float(row["minus_elbo"]) == pytest.approx(float(row["reconstruction"]) + float(row["kl"]))
        again = measure(setting)
        assert {n: str(v) for n, v in again.items() if n != "seconds"} == {
            n: values[n] for n in values if n != "seconds"
        }

    def test_a_run_that_diverges_is_a_failed_run(self, table, thread):
        (row,) = sweep([Setting("digits", "beta-vae", 1, steps=100, z_dim=2, lr=1e30)], table, thread)
        assert row["error"].startswith("TrainingDivergedError: training stopped at step")

    def test_images_whose_factors_nobody_knows_have_no_scores(self, monkeypatch):
        known = measuring.images("digits", "test")
        unknown = data.Images(known.x, known.y)
        monkeypatch.setattr(measuring, "images", lambda name, split: unknown)
        results = measure(Setting("mnist", "wae-mmd", 10, steps=5, z_dim=2, batch_size=16))
        assert {"kl", "prior_mmd2"} <= set(results)
        assert not {"MIG", "SAP"} & set(results)

    def test_codes_from_all_over_the_set_are_compared_with_the_prior(self, monkeypatch):
        compared = []
        monkeypatch.setattr(measuring, "disentanglement", lambda codes, factors: {})
        monkeypatch.setattr(measuring, "PRIOR_CODES", 90)
        monkeypatch.setattr(measuring, "prior_test", lambda z: compared.append(z) or prior_test(z))
        monkeypatch.setattr(torch, "randn_like", torch.zeros_like)  # a code is its mean
        model, test = VAE(*mlp((1, 28, 28), (8,), 3)), measuring.images("digits", "test")
        measuring._of_codes(model, test)
        assert len(test) == 300
        torch.testing.assert_close(compared, [code_dataset(model, test.x).mu[range(0, 270, 3)]])

    def test_latents_that_do_not_move_are_counted_out(self, monkeypatch):
        monkeypatch.setattr(measuring, "disentanglement", lambda codes, factors: {})
        model, test = VAE(*mlp((1, 28, 28), (8,), 4)), measuring.images("digits", "test")
        head = model.encoder.body[-1]
        with torch.no_grad():
            head.weight[:4] *= 20
            head.weight[[0, 2]] = 0
        mu = code_dataset(model, test.x).mu.double().numpy()
        results = measuring._of_codes(model, test)
        assert results["active_units"] == 2
        assert results["mean_abs_correlation"] == pytest.approx(abs(np.corrcoef(mu[:, 1], mu[:, 3])[0, 1]), rel=1e-4)

    def test_a_run_that_ctrl_c_cut_short_is_no_result(self, monkeypatch):
        fit = measuring.fit
        monkeypatch.setattr(measuring, "fit", lambda *a, steps, **o: fit(*a, steps=steps // 2, **o))
        with pytest.raises(RuntimeError, match="interrupted after 2 of 4 steps"):
            measure(Setting("digits", "beta-vae", 1, steps=4, batch_size=16))

    def test_the_callers_threads_and_random_numbers_are_left_as_found(self, monkeypatch):
        monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
        told: list[int] = []
        monkeypatch.setattr(torch, "set_num_threads", told.append)
        before = torch.get_rng_state()
        measure(Setting("digits", "beta-vae", 1, steps=2, batch_size=16))
        assert told == [1, 7]
        assert torch.equal(torch.get_rng_state(), before)

    def test_correlations_are_averaged_over_pairs_whatever_their_sign(self):
        codes = torch.randn(200, 4, dtype=torch.float64) @ torch.randn(4, 4, dtype=torch.float64)
        pairs = [abs(np.corrcoef(codes[:, i], codes[:, j])[0, 1]) for i, j in combinations(range(4), 2)]
        assert mean_abs_correlation(codes.float()) == pytest.approx(mean(pairs), rel=1e-5)
        with pytest.raises(ValueError, match="at least 2"):
            mean_abs_correlation(codes[:, :1].float())


def test_the_summary_has_means_and_deviations_over_seeds(table, thread):
    kept = sweep(settings(3), table, thread, measure=quick)
    failed = [{**kept[0], "error": "ValueError: no"}]
    header, *lines = [line.split() for line in summarize([*kept, *failed])]
    assert header == ["method", "weight", "runs", "kl"]
    for line, weight in zip(lines, (1, 4), strict=True):
        values = [10.0 * weight + seed for seed in range(3)]
        assert line == ["beta-vae", str(weight), "3", f"{mean(values):.4g}", "±", f"{stdev(values):.2g}"]
