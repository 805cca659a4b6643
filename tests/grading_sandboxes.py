"""Python in a sandbox for tests, started by whoever runs them, or by an ordinary user where that is root."""

import atexit
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

import pytest

import vae_tutorial
from vae_tutorial.grading.sandbox import Limits, Sandbox, SandboxUnavailable, choose

USER = 61234
SHORT = Limits(wall=60)
MOST = 2**20  # bytes of output that a test reads
ANSWER = 120  # seconds that an ordinary user's process may take for one program
# A line for each program, and one for how it ended: starting a Python for each takes longer than most programs.
ASKED = """
import json, sys
sys.path.insert(0, sys.argv[1])
from grading_sandboxes import Limits, ran
for line in sys.stdin:
    asked = json.loads(line)
    files = {name: bytes.fromhex(content) for name, content in asked["files"].items()}
    done = ran(asked["code"], Limits(**asked["limits"]), files)
    print(json.dumps([done.output, done.reason, done.complaint]), flush=True)
"""
# Arguments: how many folders, then the folders that others cannot enter, each with its topmost closed folder before it.
OPENED = """
set -e
mount -t tmpfs none /mnt
count=$1; shift
number=0
for each in "$@"; do
    [ $number -ge $((2 * count)) ] && break
    if [ $((number % 2)) = 1 ]; then mkdir /mnt/$number && mount --bind "$each" /mnt/$number; fi
    number=$((number + 1))
done
number=0
while [ $number -lt $((2 * count)) ]; do
    mountpoint -q "$1" || mount -t tmpfs -o mode=755 none "$1"
    mkdir -p "$2" && mount --bind /mnt/$((number + 1)) "$2"
    number=$((number + 2)); shift 2
done
umount -l /mnt
exec setpriv --reuid USER --regid USER --clear-groups -- "$@"
""".replace("USER", str(USER))


@dataclass(frozen=True)
class Ran:
    """What a program in a sandbox wrote, and why it ended."""

    output: str
    reason: str
    complaint: str = field(default="", compare=False)


Run = Callable[..., Ran]


@cache
def _chosen() -> Sandbox | str:
    try:
        return choose()
    except SandboxUnavailable as error:
        return str(error)


def bubblewrap() -> Sandbox:
    """The sandbox. Where there is none a test is skipped, but fails in the continuous integration."""
    sandbox = _chosen()
    if not isinstance(sandbox, str) and sandbox.name == "bubblewrap":
        return sandbox
    _give_up(f"bubblewrap does not work here: {sandbox}")
    raise AssertionError


def ran(code: str, limits: Limits = SHORT, files: Mapping[str, bytes] | None = None) -> Ran:
    """Run a program to its end."""
    with bubblewrap().start([sys.executable, "-I", "-c", code], files=files or {}, limits=limits) as contained:
        output = contained.stdout.read(MOST).decode()
        contained.stdout.read()
        return Ran(output, contained.reason, contained.complaint())


def ran_by_user(code: str, limits: Limits = SHORT, files: Mapping[str, bytes] | None = None) -> Ran:
    """The same, the sandbox being made by an ordinary user."""
    contents = {name: content.hex() for name, content in (files or {}).items()}
    asked = json.dumps({"code": code, "limits": asdict(limits), "files": contents})
    with _user() as (questions, answers):
        questions.write(asked + "\n")
        questions.flush()
        assert select.select([answers], [], [], ANSWER)[0], "no answer from the ordinary user's process"
        return Ran(*json.loads(answers.readline()))


@contextmanager
def _user() -> Iterator[tuple[IO[str], IO[str]]]:
    """Streams to and from the ordinary user's process; one that failed is ended, and the next has a new one."""
    process = _user_process()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdin, process.stdout
    except BaseException as error:
        _user_process.cache_clear()
        process.kill()
        error.add_note(process.communicate()[1])
        raise


@cache
def _user_process() -> subprocess.Popen[str]:
    """It ends when its questions do: with this process, at the latest."""
    command = by_user([sys.executable, "-c", ASKED, str(Path(__file__).parent)])
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd="/")
    atexit.register(process.communicate)
    return process


def by_user(command: list[str]) -> list[str]:
    """The command that runs another one as an ordinary user, who sees this Python though it may lie in root's home."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user, and whoever runs this is an ordinary one already")
    if problem := _closed_to_users():
        _give_up(f"an ordinary user cannot run Python here: {problem}")
    return [*_opening(), *command]


@cache
def _closed_to_users() -> str:
    command = [*_opening(), sys.executable, "-c", "import pytest"]
    return subprocess.run(command, capture_output=True, text=True, cwd="/").stderr


@cache
def _opening() -> tuple[str, ...]:
    places = [Path(sys.base_prefix), Path(sys.prefix), Path(vae_tutorial.__file__).parent, Path(__file__).parent]
    closed = [(top, place) for place in map(Path.resolve, places) if (top := _closed(place))]
    pairs = [str(path) for pair in closed for path in pair]
    shell = ("sh", "-c", OPENED, "sh", str(len(closed)), *pairs)
    return ("unshare", "--mount", "--propagation", "private", *shell)


def _closed(place: Path) -> Path | None:
    """The topmost folder on the way to a place that others cannot enter."""
    return next((path for path in [*reversed(place.parents), place] if not path.stat().st_mode & 1), None)


def _give_up(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
