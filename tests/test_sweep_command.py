"""`vae-tutorial sweep`: what it prints, writes and refuses."""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from command_line import said

from vae_tutorial import cli, data
from vae_tutorial.measures import mig
from vae_tutorial.sweep import command, measuring

pytestmark = pytest.mark.usefixtures("nothing_to_be_had")


SWEEP = [
    "sweep",
    "beta-vae=1,4",
    "wae-mmd=10",
    "--data",
    "digits",
    "--steps",
    "2",
    "--z-dim",
    "2",
    "--batch-size",
    "16",
]


@pytest.fixture
def in_this_process(monkeypatch):
    """Runs of a sweep in a thread, where the few images of these tests are, with the quickest score."""
    measuring.images.cache_clear()
    monkeypatch.setattr(command, "Processes", ThreadPoolExecutor)
    monkeypatch.setattr("vae_tutorial.sweep.run.interactive", lambda: False)  # no bar among what is said
    monkeypatch.setattr(measuring, "disentanglement", lambda codes, factors: {"MIG": mig(codes, factors)})
    yield
    measuring.images.cache_clear()


@pytest.mark.usefixtures("in_this_process")
def test_a_sweep_writes_its_table_prints_it_in_short_and_is_not_run_twice(capsys, tmp_path):
    table = tmp_path / "table.csv"
    assert cli.main([*SWEEP, "--seeds", "2", "--jobs", "1", "-o", str(table)]) == 0
    out, err = said(capsys)
    assert [line.split()[:3] for line in out] == [
        ["method", "weight", "runs"],
        ["beta-vae", "1", "2"],
        ["beta-vae", "4", "2"],
        ["wae-mmd", "10", "2"],
    ]
    assert [line.split(",")[:4] for line in table.read_text().splitlines()[1:]] == [
        ["digits", method, weight, seed]
        for seed in "01"
        for method, weight in (("beta-vae", "1.0"), ("beta-vae", "4.0"), ("wae-mmd", "10.0"))
    ]
    assert err == []
    before = table.read_bytes()
    assert cli.main([*SWEEP, "--seeds", "2", "-o", str(table)]) == 0
    assert table.read_bytes() == before
    assert said(capsys) == (out, [])


@pytest.mark.usefixtures("in_this_process")
def test_a_run_of_a_sweep_that_fails_is_named_and_the_others_are_told(capsys, tmp_path, monkeypatch):
    def diverge(model, objective, *args, **options):
        if "4.0" in repr(objective):
            raise ArithmeticError("the kl term is nan")
        return fit(model, objective, *args, **options)

    fit = measuring.fit
    monkeypatch.setattr(measuring, "fit", diverge)
    assert cli.main([*SWEEP, "--seeds", "1", "--jobs", "1", "-o", str(tmp_path / "table.csv")]) == 1
    out, err = said(capsys)
    assert [line.split()[0] for line in out] == ["method", "beta-vae", "wae-mmd"]
    assert err == ["beta-vae, weight 4.0, seed 0 failed: ArithmeticError: the kl term is nan"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["beta-vae"], "METHOD=WEIGHTS must be a method and numbers, such as beta-vae=1,4,16, got beta-vae"),
        (["beta-vae=1,,4"], "METHOD=WEIGHTS must be a method and numbers, such as beta-vae=1,4,16, got beta-vae=1,,4"),
        (["gan=1"], "method must be one of beta-vae, capacity, beta-tcvae, dip-vae-i, dip-vae-ii, wae-mmd, got 'gan'"),
        (["beta-vae=-1"], "weight must be a finite number of at least 0, got -1.0"),
        (["beta-vae=1", "--steps", "0"], "steps must be a whole number of at least 1, got 0"),
        (["beta-vae=1", "--seeds", "0"], "--seeds must be a whole number of at least 1, got 0"),
        (["beta-vae=1", "--data", "digits", "--jobs", "0"], "jobs must be a whole number of at least 1, got 0"),
    ],
)
def test_a_sweep_that_cannot_be_gets_a_sentence_and_no_table(arguments, words, capsys, tmp_path):
    assert cli.main(["sweep", *arguments, "-o", str(tmp_path / "table.csv")]) == 2
    assert said(capsys) == ([], [words])
    assert not (tmp_path / "table.csv").exists()


def test_a_sweep_says_what_its_cluster_its_data_or_its_table_lacks(capsys, tmp_path, monkeypatch):
    place = ["-o", str(tmp_path / "table.csv")]
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert cli.main(["sweep", "beta-vae=1", "--scheduler", "tcp://127.0.0.1:1", *place]) == 1
    assert cli.main(["sweep", "beta-vae=1", "--data", "mnist", *place]) == 1
    assert cli.main([*SWEEP, "-o", str(tmp_path / "missing" / "table.csv")]) == 2
    _, (cluster, images, table) = said(capsys)
    assert cluster == 'a cluster needs distributed: pip install "distributed>=2025.1"'
    assert images.startswith("mnist cannot be read (")
    assert table.startswith("table must be a file in a folder that exists, got ")


def test_both_splits_are_asked_for_before_the_processes_start(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(data, "load", lambda name, split, limit, fallback: asked.append((name, split, limit)))
    monkeypatch.setattr(command, "sweep", lambda settings, table, executor: asked.append("sweep") or [])
    assert cli.main([*SWEEP, "--jobs", "1", "-o", str(tmp_path / "table.csv")]) == 0
    assert asked == [("digits", "train", 1), ("digits", "test", 1), "sweep"]


def test_there_is_a_process_for_each_core_that_may_be_used(monkeypatch):
    def jobs() -> int:
        parser = argparse.ArgumentParser()
        command.add_options(parser)
        return parser.parse_args(["beta-vae=1", "-o", "table.csv"]).jobs

    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
    assert jobs() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert jobs() == 7


def test_a_sweep_that_is_stopped_says_how_it_goes_on(capsys, tmp_path, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "sweep", stop)
    assert cli.main([*SWEEP, "-o", str(tmp_path / "table.csv")]) == 130
    assert said(capsys)[1] == ["stopped; the runs that are done are stored, the same command goes on with the others"]
