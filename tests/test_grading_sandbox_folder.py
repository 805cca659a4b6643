"""What lies in a sandbox's folder, and what of the machine is shown to it."""

import sys

import pytest
from grading_sandboxes import Run, bubblewrap, ran, ran_by_user

from vae_tutorial.grading.sandbox import Limits


@pytest.fixture(params=[ran, ran_by_user], ids=["caller", "user"])
def run(request: pytest.FixtureRequest) -> Run:
    bubblewrap()
    return request.param


def test_files_lie_in_the_current_folder(run: Run) -> None:
    code = """
import os
for name in ("a.txt", "b/c d/ü.bin"):
    print(len(open(name, "rb").read()), oct(os.stat(name).st_mode))
    open(name, "ab").write(b"more")
print(os.getcwd(), sorted(os.listdir()), os.getuid())
"""
    done = run(code, files={"a.txt": b"x", "b/c d/ü.bin": bytes(300_000)})
    assert done.output == "1 0o100644\n300000 0o100644\n/scratch ['a.txt', 'b'] 1000\n"


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "b/../../a", "", "a\0b"])
def test_a_file_outside_of_the_folder_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="files must have names inside the current folder, got"):
        bubblewrap().start([sys.executable], files={name: b""})


def test_files_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="files must fit into 1 MB, got 2 MB"):
        bubblewrap().start([sys.executable], files={"a": bytes(2**21)}, limits=Limits(scratch=2**20))
