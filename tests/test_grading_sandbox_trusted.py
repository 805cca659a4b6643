"""Without a sandbox: the limits hold, the folder is gone afterwards."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from grading_sandboxes import SHORT

from vae_tutorial.grading.sandbox import Limits, choose

MIB = 2**20


def ran(code: str, limits: Limits = SHORT) -> tuple[bytes, str]:
    with choose(trusted=True).start(
        [sys.executable, "-I", "-c", code], files={"a/b": b"x"}, limits=limits
    ) as contained:
        return contained.stdout.read(MIB), contained.reason


def test_it_is_the_caller_in_a_folder_of_its_own() -> None:
    said, reason = ran(
        "import os\nprint(os.getcwd(), open('a/b').read(), os.getuid(), os.environ.get('PYTEST_CURRENT_TEST'))"
    )
    folder, *rest = said.decode().split()
    assert rest == ["x", str(os.getuid()), "None"]
    assert reason == "it ended by itself (exit status 0)"
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        ("import time; time.sleep(30)", Limits(wall=0.5), "it took longer than 0.5 s"),
        ("while True: pass", Limits(wall=60, cpu=1), "it used more than 1 s of processor time"),
        ("import os\nfor i in range(4000): os.write(2, b'x' * 65536)", SHORT, "it wrote more than 8 MB"),
        (
            "import time\ngrown = bytearray(b'x') * 2**28\ntime.sleep(30)",
            replace(SHORT, memory=100 * MIB),
            "it used more than 100 MB of memory",
        ),
        (
            "import os, time\nfor i in range(8): os.fork() or time.sleep(30)\ntime.sleep(30)",
            replace(SHORT, processes=5),
            "it started more than 5 processes",
        ),
        (
            "import time\nopen('big', 'wb').write(bytes(2**24))\ntime.sleep(30)",
            replace(SHORT, scratch=8 * MIB),
            "it wrote more than 8 MB into its folder",
        ),
        ("import os; os.kill(os.getpid(), 9)", SHORT, "it ended by itself (signal 9)"),
    ],
)
def test_limits(code: str, limits: Limits, reason: str) -> None:
    assert ran(code, limits)[1] == reason


def test_limits_of_one_process() -> None:
    names = ["DATA", "AS", "FSIZE", "NOFILE"]
    code = f"import resource as r\nprint([r.getrlimit(getattr(r, 'RLIMIT_' + name))[0] for name in {names}])"
    limits = Limits(data=2**30, address_space=2**33, file_size=2**20, open_files=40)
    assert ran(code, limits)[0].decode().strip() == str([2**30, 2**33, 2**20, 40])


def test_a_name_outside_of_the_folder_is_refused() -> None:
    with pytest.raises(ValueError, match="files must have names inside the current folder"):
        choose(trusted=True).start([sys.executable], files={"../a": b""})
