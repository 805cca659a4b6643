"""What lies in a sandbox's folder, and what of the machine is shown to it."""

import sys
from pathlib import Path

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


@pytest.mark.parametrize("path", [Path("relative"), Path("/does/not/exist"), Path("/")])
def test_what_cannot_be_shown_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="shown must be absolute paths of what exists"):
        bubblewrap().start([sys.executable], shown=[path])


def test_shown_folders_are_read_only_at_their_paths(tmp_path: Path) -> None:
    (tmp_path / "shown").mkdir(mode=0o700)
    (tmp_path / "beside").mkdir()
    (tmp_path / "shown" / "a").write_text("seen")
    (tmp_path / "file").write_text("too")
    (tmp_path / "shown").chmod(0o755)
    code = f"""
import os
os.chdir({str(tmp_path)!r})
print(open("shown/a").read(), open("file").read(), sorted(os.listdir()), os.statvfs("shown").f_flag & os.ST_RDONLY)
"""
    shown = [tmp_path / "shown", tmp_path / "file"]
    with bubblewrap().start([sys.executable, "-I", "-c", code], shown=shown) as contained:
        assert contained.stdout.read() == b"seen too ['file', 'shown'] 1\n", contained.complaint()
