"""After its end nothing of a sandbox is left: no process, no file, no mount, no open file of the caller."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from grading_sandboxes import SHORT, bubblewrap, by_user

from vae_tutorial.grading.sandbox import Sandbox
from vae_tutorial.grading.sandbox.trusted import Trusted

# A process that ignores what it can, and two in another session.
STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if not os.fork():
    os.setsid()
    if not os.fork():
        print("up", flush=True)
    time.sleep(60)
time.sleep(60)
"""
# A daemon: its parent has ended.
LEAVING = """
import os, time
if not os.fork():
    os.setsid()
    if not os.fork():
        os.close(1)
        time.sleep(60)
    os._exit(0)
os.wait()
print("up")
"""
PARENT = """
import sys, time
from vae_tutorial.grading.sandbox import choose
contained = choose().start([sys.executable, "-I", "-c", sys.argv[1], sys.argv[2]])
assert contained.stdout.readline() == b"up\\n"
print("up", flush=True)
time.sleep(60)
"""


def alive(marker: str) -> list[str]:
    """The processes whose command line has a marker, those that died and wait to be noticed left out."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


def gone(marker: str) -> bool:
    deadline = time.monotonic() + 20
    while alive(marker) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(marker)


@pytest.fixture(params=[bubblewrap, Trusted])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    make: Callable[[], Sandbox] = request.param
    return make()


def test_no_process_is_left_when_stop_returns(sandbox: Sandbox) -> None:
    marker = uuid.uuid4().hex
    contained = sandbox.start([sys.executable, "-I", "-c", STUBBORN, marker], limits=SHORT)
    assert contained.stdout.readline() == b"up\n"
    assert len(alive(marker)) >= 3
    contained.stop()
    assert alive(marker) == []


def test_no_process_is_left_when_the_command_ends() -> None:
    marker = uuid.uuid4().hex
    with bubblewrap().start([sys.executable, "-I", "-c", LEAVING, marker]) as contained:
        assert contained.stdout.read() == b"up\n"
        assert contained.reason == "it ended by itself (exit status 0)"
        assert contained._watch.settled.wait(20)
        assert alive(marker) == []


def test_nothing_else_is_left(sandbox: Sandbox) -> None:
    def state() -> list[object]:
        folders = ("/tmp", "/dev/shm", "/mnt", "/scratch")
        files = {name for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)}
        mine = {name for name in files if "vae-tutorial" in name or name.isdigit() or name == "left"}
        return [mine, Path("/proc/self/mountinfo").read_text(), sorted(os.listdir("/proc/self/fd"))]

    code = "open('left', 'w'); print('up', flush=True); input()"
    before = state()
    for _ in range(3):
        with sandbox.start([sys.executable, "-I", "-c", code], files={"a": b"a"}) as contained:
            assert contained.stdout.readline() == b"up\n"
    assert state() == before


def test_a_start_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox, before = bubblewrap(), sorted(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(sandbox, "_bwrap", "/bin/false")
    for _ in range(3):
        with pytest.raises(RuntimeError, match="bubblewrap does not work here: it said nothing"):
            sandbox.start([sys.executable])
    assert sorted(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("who", ["caller", "user"])
def test_it_dies_with_the_process_that_started_it(number: signal.Signals, who: str) -> None:
    bubblewrap()
    marker = uuid.uuid4().hex
    command = [sys.executable, "-c", PARENT, STUBBORN, marker]
    command = by_user(command) if who == "user" else command
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/") as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        assert len(alive(marker)) >= 4
        parent.send_signal(number)
        parent.wait(20)
    assert gone(marker)


def test_a_fork_of_the_caller_does_not_stop_it() -> None:
    with bubblewrap().start([sys.executable, "-I", "-c", "input(); print('on')"]) as contained:
        assert contained._watch._owner == os.getpid()
        contained._watch._owner += 1  # as in a fork, where everything is somebody else's
        contained._unwatched()
        contained.stdin.write(b"\n")
        contained.stdin.flush()
        assert contained.stdout.read() == b"on\n"
