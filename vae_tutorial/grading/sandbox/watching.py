"""The thread that starts a sandbox, looks at what it uses, and ends it."""

import os
import selectors
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import IO, Protocol, runtime_checkable

from vae_tutorial.grading.sandbox.limits import Limits, size

LOOK = 0.1  # seconds from one look at a tree to the next
TAIL = 16 * 1024  # bytes of stderr that are kept
PIECE = 64 * 1024
LEAVE = 5.0  # seconds


@runtime_checkable
class Tree(Protocol):
    """The processes of one sandbox, as its kind of sandbox knows them."""

    process: subprocess.Popen[bytes]

    def excess(self) -> str:
        """What it has used too much of, as a reason; "" for nothing."""
        ...

    def kill(self) -> None:
        """Return when none of its processes lives."""
        ...

    def ending(self, tail: str) -> str:
        """Why it ended by itself, from its exit status. tail: the last of its stderr."""
        ...


class Watch:
    """Starts a tree by `launch` and watches it until its end.

    All in one thread: the kernel kills a sandbox when the thread that started it ends, so this one lasts as long.
    reason: why it ended. settled: set when all is over. Raises what `launch` raises.
    """

    def __init__(self, launch: Callable[[], Tree], limits: Limits):
        self.reason, self.tail = "", bytearray()
        self.settled = threading.Event()
        self._launch, self._limits, self._written = launch, limits, 0
        self._asked, self._ask = os.pipe()
        self._asking, self._owner = threading.RLock(), os.getpid()
        launched: Future[Tree] = Future()
        self._thread = threading.Thread(target=self._run, args=(launched,), name="sandbox", daemon=True)
        self._thread.start()
        process = launched.result().process
        assert process.stdin is not None
        assert process.stdout is not None
        self.stdin: IO[bytes] = process.stdin
        self.stdout: IO[bytes] = process.stdout

    def ask(self) -> None:
        """Have the tree ended, soon."""
        with self._asking:
            if not self.settled.is_set():
                os.write(self._ask, b"x")

    def leave(self) -> None:
        """End a tree that nobody refers to any more."""
        if os.getpid() != self._owner:  # a copy of it in a fork
            return
        self.ask()
        if threading.current_thread() is not self._thread:  # garbage may be collected in any thread
            self.settled.wait(LEAVE)
        self.close()

    def close(self) -> None:
        """Close the streams."""
        for stream in (self.stdin, self.stdout):
            with suppress(OSError):  # of what was written and could not be sent
                stream.close()

    def _run(self, launched: "Future[Tree]") -> None:
        started = time.monotonic()
        try:
            tree = self._launch()
        except BaseException as error:
            self._settle()
            launched.set_exception(error)
            return
        launched.set_result(tree)
        try:
            self.reason = self._watch(tree, started + self._limits.wall)
        except Exception as error:  # an unwatched tree must not go on
            self.reason = f"its watcher failed ({type(error).__name__}: {error})"
        try:
            tree.kill()
        finally:
            self._drain(tree.process)
            assert tree.process.stderr
            tree.process.stderr.close()
            self._settle()

    def _settle(self) -> None:
        with self._asking:
            os.close(self._ask)
            os.close(self._asked)
            self.settled.set()  # last: who waits for it finds nothing left

    def _watch(self, tree: Tree, deadline: float) -> str:
        """Why it ended or must end."""
        process, look = tree.process, 0.0
        assert process.stderr is not None
        assert process.stdout is not None
        os.set_blocking(process.stderr.fileno(), False)
        with selectors.DefaultSelector() as events:
            events.register(self._asked, selectors.EVENT_READ)
            events.register(process.stderr, selectors.EVENT_READ)
            with _noticed(process.pid, events):
                while True:
                    ready = {key.fileobj for key, _ in events.select(max(0.0, look - time.monotonic()))}
                    if process.stderr in ready and not self._read(process):
                        events.unregister(process.stderr)
                    if process.poll() is not None:
                        self._drain(process)
                        return tree.ending(self.tail.decode(errors="replace"))
                    if self._asked in ready:
                        return "it was stopped"
                    if self._written > self._limits.output:
                        return f"it wrote more than {size(self._limits.output)}"
                    if time.monotonic() < look:
                        continue
                    if time.monotonic() > deadline:
                        return f"it took longer than {self._limits.wall:g} s"
                    if process.stdout.closed:
                        return "its output was closed by who read it"
                    if excess := tree.excess():
                        return excess
                    look = time.monotonic() + LOOK

    def _read(self, process: subprocess.Popen[bytes]) -> bool:
        """Take a piece of stderr; whether there may be more."""
        assert process.stderr
        try:
            piece = os.read(process.stderr.fileno(), PIECE)
        except BlockingIOError:
            return True
        self._written += len(piece)
        self.tail += piece
        del self.tail[:-TAIL]
        return bool(piece)

    def _drain(self, process: subprocess.Popen[bytes]) -> None:
        """Take what a pipe still holds of a process that has ended."""
        written = -1
        while written < self._written <= self._limits.output:
            written = self._written
            self._read(process)


@contextmanager
def _noticed(pid: int, events: selectors.BaseSelector) -> Iterator[None]:
    """Wake `events` when the process ends; where the system cannot tell, that is seen at the next look."""
    if not hasattr(os, "pidfd_open"):
        yield
        return
    handle = os.pidfd_open(pid)
    try:
        events.register(handle, selectors.EVENT_READ)
        yield
    finally:
        os.close(handle)
