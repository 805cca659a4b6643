"""The same sweeps on a cluster: two workers of dask on this machine."""

import os
import signal
import sys
from functools import partial
from threading import Thread

import pytest
from distributed import LocalCluster
from sweep_runs import hanging, pid_of_hanging, quick, settings, times, wait_for

from vae_tutorial.sweep import cluster, read, sweep


@pytest.fixture
def address():
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as machines:
        yield machines.scheduler_address


def test_a_killed_worker_loses_and_doubles_nothing(address, tmp_path):
    table, stored = tmp_path / "table.csv", []

    def kill_half_way():
        pid = pid_of_hanging(tmp_path)
        wait_for(lambda: len(read(table)) >= 8)
        stored.extend(read(table).values())
        os.kill(pid, signal.SIGKILL)

    killer = Thread(target=kill_half_way)
    killer.start()
    with cluster(address) as executor:
        rows = sweep(settings(), table, executor, measure=partial(hanging, tmp_path))
    killer.join()
    assert [(r["weight"], r["seed"], r["kl"], r["error"]) for r in rows] == [
        (str(s.weight), str(s.seed), str(quick(s)["kl"]), "") for s in settings()
    ]
    assert len(table.read_text().splitlines()) == 1 + len(settings())
    assert 8 <= len(stored) < len(settings())
    assert {times(tmp_path, row["weight"], row["seed"]) for row in stored} == {1}  # what is stored is not done anew


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere at all", ""])
def test_a_wrong_address_is_named(address, monkeypatch):
    monkeypatch.setattr("vae_tutorial.sweep.machines.SECONDS", 0.5)
    with (
        pytest.raises(ValueError, match=f"address must be that of a dask scheduler .* got '{address}'"),
        cluster(address),
    ):
        pass


def test_without_distributed_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"a cluster needs distributed: pip install"), cluster("tcp://127.0.0.1:1"):
        pass
