"""A referee is kept for the next submission, which nothing that became of it may cost a verdict."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from adversarial.small_key import ALL, RIGHT, judged, notebook, said

from vae_tutorial.grading.judging.referees import MODULE
from vae_tutorial.grading.judging.talking import ended
from vae_tutorial.grading.sandbox.processes import descendants


def _killed() -> None:
    """As the system ends processes when their memory is needed."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in descendants(os.getpid())}
    referees = [pid for pid, command in commands.items() if command.endswith(f"{MODULE}\0".encode())]
    assert referees
    for pid in referees:
        with suppress(ProcessLookupError):  # bwrap ends with the process in it
            os.kill(pid, signal.SIGKILL)


def _ended() -> None:
    with ended():
        pass


@pytest.mark.usefixtures("a_sandbox")
@pytest.mark.parametrize("lose", [_killed, _ended])
def test_one_that_was_lost_between_two_submissions_is_started_anew(lose: Callable[[], None]):
    for _ in range(2):
        verdict = judged(notebook(RIGHT))
        assert verdict.points == ALL, said(verdict)
        lose()
