"""A sandbox stops what takes too much: every attack ends by itself, so that one that is not stopped does no harm."""

import sys
import threading
from dataclasses import replace

import pytest
from grading_sandboxes import SHORT, Run, bubblewrap, ran, ran_by_user

from vae_tutorial.grading.sandbox import Limits

MIB = 2**20
GROWING = """
import os, time
for step in range(100):
    grown.append(bytearray(os.urandom(4096)) * 1024)
    time.sleep(0.005)
print("grown")
"""


@pytest.fixture(params=[ran, ran_by_user], ids=["caller", "user"])
def run(request: pytest.FixtureRequest) -> Run:
    bubblewrap()
    return request.param


def test_memory_of_one_process(run: Run) -> None:
    done = run(f"grown = []{GROWING}", replace(SHORT, memory=120 * MIB))
    assert (done.output, done.reason) == ("", "it used more than 120 MB of memory")


def test_memory_of_a_tree_whose_processes_each_stay_below(run: Run) -> None:
    code = f"import os\ngrown = []\nfor fork in range(3): os.fork(){GROWING.replace('100', '20')}"
    done = run(code, replace(SHORT, memory=300 * MIB))
    assert done.reason == "it used more than 300 MB of memory"


def test_memory_that_forks_share_counts_once(run: Run) -> None:
    code = """
import os, time
shared = bytearray(os.urandom(2**20)) * 60
for fork in range(8):
    if not os.fork():
        time.sleep(1)
        os._exit(0)
time.sleep(0.6)
print("still there")
"""
    done = run(code, replace(SHORT, memory=200 * MIB))
    assert (done.output, done.reason) == ("still there\n", "it ended by itself (exit status 0)")


def test_memory_of_a_process_that_hides_itself(run: Run) -> None:
    hidden = "import ctypes\nassert ctypes.CDLL(None).prctl(4, 0, 0, 0, 0) == 0\ngrown = []"
    done = run(hidden + GROWING, replace(SHORT, memory=120 * MIB))
    assert done.reason == "it used more than 120 MB of memory"


def test_memory_that_no_limit_counts_is_refused(run: Run) -> None:
    code = """
import ctypes, mmap, os
def refused(action):
    try:
        action()
    except OSError as error:
        return error.errno
libc = ctypes.CDLL(None, use_errno=True)
def shmget():
    if libc.shmget(0, 4096, 0o1600) < 0:
        raise OSError(ctypes.get_errno(), "")
print(refused(lambda: os.memfd_create("a")), refused(lambda: mmap.mmap(-1, 4096)), refused(shmget),
      refused(lambda: open("/dev/zero")), refused(lambda: mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)))
"""
    assert run(code).output == "1 1 1 2 None\n"


def test_address_space(run: Run) -> None:
    code = "import mmap\nfor size in (2**28, 2**31):\n    mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)"
    done = run(code, replace(SHORT, address_space=2**30))
    assert done.reason == "it ended by itself (exit status 1)"
    assert "Cannot allocate memory" in done.complaint


def test_data(run: Run) -> None:
    done = run("bytearray(2**26); print('small', flush=True); bytearray(2**28)", replace(SHORT, data=2**27))
    assert done.output == "small\n"
    assert "MemoryError" in done.complaint


def test_a_fork_bomb(run: Run) -> None:
    code = """
import os, time
count = 0
for fork in range(200):
    try:
        if not os.fork():
            time.sleep(5)
            os._exit(0)
    except OSError:
        break
    count += 1
print(count)
"""
    assert 20 <= int(run(code, replace(SHORT, processes=40)).output) < 40


def test_threads_count_as_processes(run: Run) -> None:
    code = """
import threading, time
count = 0
try:
    for each in range(200):
        threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
        count += 1
except RuntimeError:
    pass
print(count)
"""
    assert 20 <= int(run(code, replace(SHORT, processes=40)).output) < 40


@pytest.mark.parametrize("ignoring", ["", "import signal; [signal.signal(n, signal.SIG_IGN) for n in (2, 15, 24)]"])
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(wall=1.0), "it took longer than 1 s"),
        (Limits(wall=60, cpu=1), "it used more than 1 s of processor time"),
    ],
)
def test_an_endless_loop(run: Run, ignoring: str, limits: Limits, reason: str) -> None:
    done = run(f"{ignoring}\nimport time\nend = time.time() + 30\nwhile time.time() < end: pass", limits)
    assert (done.output, done.reason) == ("", reason)


def test_processor_time_of_a_tree_whose_processes_each_stay_below(run: Run) -> None:
    code = """
import os, time
for fork in range(20):
    if not os.fork():
        while time.process_time() < 0.4: pass
        os._exit(0)
    os.wait()
"""
    assert run(code, Limits(wall=60, cpu=1)).reason == "it used more than 1 s of processor time"


def test_one_thread_watches_a_sandbox() -> None:
    before = threading.active_count()
    command = [sys.executable, "-I", "-c", "input()"]
    with bubblewrap().start(command), bubblewrap().start(command):
        assert threading.active_count() - before == 2
    assert threading.active_count() == before
