"""A sandbox stops what writes too much: into files, and to who reads it."""

import resource
import sys
from dataclasses import replace

import pytest
from grading_sandboxes import SHORT, Run, bubblewrap, ran, ran_by_user

from vae_tutorial.grading.sandbox import Limits

MIB = 2**20


@pytest.fixture(params=[ran, ran_by_user], ids=["caller", "user"])
def run(request: pytest.FixtureRequest) -> Run:
    bubblewrap()
    return request.param


@pytest.mark.parametrize(("folder", "most"), [("/scratch", 24), ("/tmp", 64), ("/dev/shm", 64)])
def test_disk(run: Run, folder: str, most: int) -> None:
    code = f"""
import os
filled = 0
try:
    for each in range(40):
        with open(f"{folder}/{{each}}", "wb", buffering=0) as file:
            for piece in range(4):
                filled += file.write(bytes(2**20))
except OSError as error:
    print(filled // 2**20, error.errno)
"""
    assert run(code, replace(SHORT, scratch=24 * MIB)).output == f"{most} 28\n"


def test_one_file(run: Run) -> None:
    code = "print(open('a', 'wb', 0).write(bytes(2**22)), flush=True)\nopen('a', 'ab', 0).write(b'x')"
    done = run(code, replace(SHORT, file_size=2**22))
    assert done.output == f"{2**22}\n"
    assert "File too large" in done.complaint


def test_open_files(run: Run) -> None:
    done = run("import os\nfor each in range(200): print(os.dup(0), flush=True)", replace(SHORT, open_files=50))
    assert done.output.splitlines()[-1] == "49"
    assert "Too many open files" in done.complaint


def test_number_of_files(run: Run) -> None:
    code = "import os\nfor each in range(300_000): os.close(os.open(f'{each}', os.O_CREAT))\nprint('made')"
    done = run(code, replace(SHORT, entries=5000))
    assert (done.output, done.reason) == ("", "it made more than 5000 files")


def test_a_flood_of_complaints_takes_no_memory_here() -> None:
    code = "import os\nfor piece in range(4000): os.write(2, b'x' * 65536)\nprint('written')"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = ran(code, replace(SHORT, output=8 * MIB))
    assert (done.output, done.reason) == ("", "it wrote more than 8 MB")
    assert len(done.complaint) <= 16 * 1024
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


def test_output_that_nobody_reads_waits_in_the_pipe() -> None:
    code = "import os\nfor piece in range(4000): os.write(1, b'x' * 65536)"
    with bubblewrap().start([sys.executable, "-I", "-c", code], limits=Limits(wall=1)) as contained:
        assert contained.stdout.read(1) == b"x"
        contained._watch.settled.wait(20)
        assert contained.reason == "it took longer than 1 s"
