"""Talk with a process in a sandbox: a frame there, a frame back, each within some seconds."""

import io
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Lock
from weakref import WeakSet

from vae_tutorial.grading.judging.channel import MOST
from vae_tutorial.grading.sandbox import Contained, Limits, Sandbox
from vae_tutorial.grading.wire import FrameReader, WireError, write_frame

STARTING = 120.0  # seconds, on a crowded machine
_open: "WeakSet[Talk]" = WeakSet()
_ended, _lock = Event(), Lock()


class LostError(Exception):
    """The process is gone, or does not answer; a clause that says why."""


class Talk:
    """A program of this package in a sandbox of its own.

    module: such as "vae_tutorial.grading.judging.runner". Raises SandboxUnavailable where no sandbox starts, LostError
    where grading was stopped, and for files that no folder can hold.
    """

    def __init__(self, sandbox: Sandbox, module: str, files: Mapping[str, bytes], limits: Limits):
        if _ended.is_set():
            raise LostError("grading was stopped")
        command = [sys.executable, "-P", "-m", module]
        try:
            self._contained: Contained = sandbox.start(command, files=files, limits=limits)
        except (ValueError, UnicodeError) as error:
            raise LostError(f"it cannot be given these files: {error}") from error
        self._reader = FrameReader(self._contained.stdout.fileno())
        os.set_blocking(self._contained.stdin.fileno(), False)
        with _lock:
            _open.add(self)
        if _ended.is_set():  # while it started
            raise self._lost(LostError(), 0)

    @property
    def over(self) -> bool:
        """Whether the process has ended."""
        return self._contained.reason != ""

    def ask(self, kind: str, payload: bytes, seconds: float) -> tuple[str, bytes]:
        """Send a frame, wait for one. Raises LostError, and ends the process, where none comes in time."""
        self.send(kind, payload, seconds)
        return self.read(seconds)

    def send(self, kind: str, payload: bytes, seconds: float) -> None:
        """Send a frame. Raises LostError where it is not taken in time."""
        frame, deadline = io.BytesIO(), time.monotonic() + seconds
        write_frame(frame, kind, payload)
        rest, poll = memoryview(frame.getvalue()), select.poll()
        try:
            fd = self._contained.stdin.fileno()
            poll.register(fd, select.POLLOUT)
            while rest:
                if not poll.poll(1000 * max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                rest = rest[os.write(fd, rest) :]
        except (OSError, ValueError) as error:
            raise self._lost(error, seconds) from error

    def read(self, seconds: float) -> tuple[str, bytes]:
        """The next frame. Raises LostError where none comes in time."""
        try:
            return self._reader.read(MOST, seconds)
        except (EOFError, OSError, WireError, ValueError) as error:
            raise self._lost(error, seconds) from error

    def stop(self) -> None:
        self._contained.stop()

    def _lost(self, error: Exception, seconds: float) -> LostError:
        why = self._contained.reason
        if not why:
            late = isinstance(error, TimeoutError)
            why = f"it took longer than {seconds:g} s" if late else "it sent what is no answer"
        self.stop()
        return LostError(why)


@contextmanager
def ended() -> Iterator[None]:
    """End every process that this one talks with; inside, none is started."""
    _ended.set()
    try:
        with _lock:
            talks = list(_open)
        for talk in talks:
            talk.stop()
        yield
    finally:
        _ended.clear()
