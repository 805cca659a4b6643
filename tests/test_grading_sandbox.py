"""A command in a sandbox: talk with it, why it ended, what it is given, what is refused."""

import gc
import math
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import pytest
from grading_sandboxes import SHORT, Run, bubblewrap, ran, ran_by_user

from vae_tutorial.grading.sandbox import Limits, SandboxUnavailable
from vae_tutorial.grading.sandbox.limits import size

ECHO = "import sys\nfor line in sys.stdin: print(line[::-1].strip(), flush=True)"


@pytest.fixture(params=[ran, ran_by_user], ids=["caller", "user"])
def run(request: pytest.FixtureRequest) -> Run:
    bubblewrap()
    return request.param


def test_talk_both_ways() -> None:
    with bubblewrap().start([sys.executable, "-I", "-c", ECHO]) as contained:
        for word in (b"abc", b"defg"):
            contained.stdin.write(word + b"\n")
            contained.stdin.flush()
            assert contained.stdout.readline() == word[::-1] + b"\n"
        assert contained.reason == ""
        contained.stdin.close()
        assert contained.stdout.read() == b""
        assert contained.reason == "it ended by itself (exit status 0)"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; print('no', file=sys.stderr); sys.exit(3)", "it ended by itself (exit status 3)"),
        (
            "import os, sys; print('no', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)",
            "it ended by itself (signal 9)",
        ),
        ("import os, sys; print('no', file=sys.stderr, flush=True); os.abort()", "it ended by itself (signal 6)"),
    ],
)
def test_the_end_has_a_reason_and_a_complaint(run: Run, code: str, reason: str) -> None:
    done = run(code)
    assert (done.reason, done.complaint) == (reason, "no\n")


def test_a_command_that_does_not_exist_says_so() -> None:
    with bubblewrap().start(["/does/not/exist"]) as contained:
        assert contained.stdout.read() == b""
        assert contained.reason.startswith("it ended by itself")
        assert "No such file" in contained.complaint()


def test_a_sandbox_that_cannot_be_made_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bwrap = tmp_path / "bwrap"
    bwrap.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    bwrap.chmod(0o755)
    sandbox = bubblewrap()
    monkeypatch.setattr(sandbox, "_bwrap", str(bwrap))
    tmp_path.chmod(0o755)
    with pytest.raises(SandboxUnavailable, match=r"bubblewrap does not work here: .*[Pp]ermission denied"):
        sandbox.start([sys.executable])


def test_stop_may_be_called_at_any_time_and_again() -> None:
    for wait in (0, 0.01, 0.05):
        contained = bubblewrap().start([sys.executable, "-I", "-c", "input()"])
        time.sleep(wait)
        contained.stop()
        assert contained.reason == "it was stopped"
        contained.stop()
        assert contained.stdin.closed
        assert contained.stdout.closed


def test_stop_wakes_who_reads() -> None:
    contained = bubblewrap().start([sys.executable, "-I", "-c", "input()"])
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(contained.stdout.read)
        contained.stop()
        assert reading.result(20) == b""


@pytest.mark.parametrize("leave", ["unreferenced", "closed"])
def test_without_a_reader_it_is_stopped(leave: str) -> None:
    contained = bubblewrap().start([sys.executable, "-I", "-c", "import time; time.sleep(60)"])
    watch = contained._watch
    if leave == "unreferenced":
        del contained
        gc.collect()
    else:
        contained.stdout.close()
        contained.stdin.close()
    assert watch.settled.wait(20)
    assert watch.reason == {"unreferenced": "it was stopped", "closed": "its output was closed by who read it"}[leave]


def test_it_outlives_the_thread_that_started_it() -> None:
    with ThreadPoolExecutor(1) as pool:
        contained = pool.submit(bubblewrap().start, [sys.executable, "-I", "-c", ECHO]).result()
    assert threading.active_count() < 20
    with contained:
        time.sleep(0.3)
        contained.stdin.write(b"ab\n")
        contained.stdin.flush()
        assert contained.stdout.readline() == b"ba\n", contained.reason


def test_many_at_the_same_time_do_not_count_each_other() -> None:
    code = """
import os, sys, time
for fork in range(14):
    if not os.fork():
        time.sleep(60)
print("all", flush=True)
sys.stdin.read()
"""
    few = replace(SHORT, processes=20)
    start = [sys.executable, "-I", "-c", code]
    with ThreadPoolExecutor(6) as pool:
        boxes = list(pool.map(lambda _: bubblewrap().start(start, limits=few), range(6)))
    assert [box.stdout.readline() for box in boxes] == [b"all\n"] * 6
    for box in boxes:
        box.stop()


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_a_limit_must_be_above_0(name: str) -> None:
    for value in (0, -1):
        with pytest.raises(ValueError, match=f"{name} must be a number above 0, got {value}"):
            replace(Limits(), **{name: value})
    with pytest.raises(ValueError, match="wall must be a number above 0, got nan"):
        Limits(wall=math.nan)


def test_sizes_in_words() -> None:
    assert [size(count) for count in (3 * 2**30, 2**30, 8 * 2**20, 2**19)] == ["3.0 GB", "1.0 GB", "8 MB", "0.5 MB"]


def test_torch_trains_inside() -> None:
    code = """
import torch
model = torch.nn.Sequential(torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 784))
optimizer = torch.optim.Adam(model.parameters())
x = torch.rand(32, 784)
losses = []
for step in range(5):
    loss = (model(x) - x).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
import vae_tutorial.vae
print(losses[-1] < losses[0])
"""
    with bubblewrap().start([sys.executable, "-I", "-c", code]) as contained:
        assert contained.stdout.read() == b"True\n", contained.complaint()
