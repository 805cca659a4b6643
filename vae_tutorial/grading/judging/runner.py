"""The program inside a learner's sandbox: runs the cells, then answers what the checks ask.

Whatever it says is the learner's claim, since the learner's code shares its process.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from vae_tutorial.grading import wire
from vae_tutorial.grading.judging.channel import Channel

MOST_LETTERS = 300


class OutOfTime(BaseException):
    """Not an Exception, so that `except Exception` in a loop does not catch it."""


class Shell(InteractiveShell):
    """Shows nothing, since nobody looks."""

    def showtraceback(self, *args: Any, **options: Any) -> None: ...

    def showsyntaxerror(self, *args: Any, **options: Any) -> None: ...

    def enable_gui(self, gui: str | None = None) -> None: ...


class Runner:
    """An IPython shell without a terminal, and its answers to frames."""

    def __init__(self) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        self.shell = Shell.instance(config=config)

    def step(self, payload: bytes) -> tuple[str, bytes]:
        """Run a cell; what stopped it, or ""."""
        request = json.loads(payload)
        with within(request["seconds"]):
            done = self.shell.run_cell(request["source"], store_history=False, silent=True)
        error = done.error_before_exec or done.error_in_exec
        return "stepped", json.dumps("" if error is None else "{type}: {text}".format(**told(error))).encode()

    def kinds(self, payload: bytes) -> tuple[str, bytes]:
        """What stands behind each name: a function, a value or nothing."""
        space = self.shell.user_ns
        kinds = {
            name: ("function" if callable(space[name]) else "value") if name in space else "nothing"
            for name in json.loads(payload)
        }
        return "kinds", json.dumps(kinds).encode()

    def get(self, payload: bytes) -> tuple[str, bytes]:
        """The value of a name."""
        request = json.loads(payload)
        return self._answer(lambda: self.shell.user_ns[request["name"]], request["seconds"])

    def call(self, payload: bytes) -> tuple[str, bytes]:
        """What a function gives for arguments that follow the request."""
        head, _, blob = payload.partition(b"\n")
        request = json.loads(head)
        arguments, options = wire.decode(blob)
        return self._answer(lambda: self.shell.user_ns[request["name"]](*arguments, **options), request["seconds"])

    def _answer(self, value: Callable[[], Any], seconds: float) -> tuple[str, bytes]:
        try:
            with within(seconds):
                return "value", wire.encode(value())
        except BaseException as error:
            return "raised", json.dumps(told(error)).encode()


def told(error: BaseException) -> dict[str, str]:
    """An error in words."""
    if isinstance(error, OutOfTime):
        return {"type": "TimeoutError", "text": str(error)}
    try:
        text = str(error)[:MOST_LETTERS].encode(errors="replace").decode()
    except BaseException:
        text = ""
    return {"type": type(error).__name__[:60], "text": text}


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer; code that does not let itself be interrupted is ended from outside."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise OutOfTime(f"it took longer than {seconds:g} s")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    """Answer frames until nobody asks any more."""
    for name, value in (("OMP_NUM_THREADS", "1"), ("MPLBACKEND", "agg"), ("TQDM_DISABLE", "1")):
        os.environ.setdefault(name, value)
    channel = Channel(quiet=True)
    sys.path.append(os.getcwd())  # files that were handed in beside the notebook; last, so that none hides a package
    runner = Runner()
    answers = {"step": runner.step, "kinds": runner.kinds, "get": runner.get, "call": runner.call}
    owner = os.getpid()
    channel.write("ready")
    while True:
        try:
            kind, payload = channel.read()
        except EOFError:
            os._exit(0)
        answer = answers[kind](payload)
        if os.getpid() != owner:  # a fork that a cell has made and not ended
            os._exit(0)
        channel.write(*answer)


if __name__ == "__main__":
    main()
