"""A process in a sandbox, as its user sees it, and what every kind of sandbox offers."""

import select
import weakref
from collections.abc import Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import IO, Protocol, runtime_checkable

from vae_tutorial.grading.sandbox.limits import Limits
from vae_tutorial.grading.sandbox.watching import Watch

NO_FILES: Mapping[str, bytes] = MappingProxyType({})
SETTLE = 0.5  # seconds between the end of a process's output and the news of its end


class SandboxUnavailable(RuntimeError):  # noqa: N818
    """No sandbox can be had here; its text says why, and how to mend it."""


class Contained:
    """A command that runs in a sandbox; a context manager that stops it.

    stdin, stdout: the process's, binary. stdout is bounded by who reads it. What is left without a reference to it is
    stopped too, as is one whose stdout was closed.
    """

    def __init__(self, watch: Watch):
        self._watch = watch
        self.stdin: IO[bytes] = watch.stdin
        self.stdout: IO[bytes] = watch.stdout
        self._unwatched = weakref.finalize(self, watch.leave)

    @property
    def reason(self) -> str:
        """Why it ended, a clause; "" while it runs."""
        if not self._watch.reason and self._hung_up():
            self._watch.settled.wait(SETTLE)
        return self._watch.reason

    def complaint(self) -> str:
        """The last that it wrote to stderr."""
        return self._watch.tail.decode(errors="replace")

    def stop(self) -> None:
        """End it with all processes that it started, wait for that, and close its streams."""
        if not self.reason:
            self._watch.ask()
        self._watch.settled.wait()
        self._watch.close()

    def __enter__(self) -> "Contained":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _hung_up(self) -> bool:
        """Whether nothing can write to stdout any more."""
        if self.stdout.closed:
            return False
        poll = select.poll()
        poll.register(self.stdout.fileno(), 0)
        return bool(poll.poll(0))


@runtime_checkable
class Sandbox(Protocol):
    """A way to run a command that may be hostile. name: "bubblewrap", "container" or "trusted"."""

    name: str

    def start(
        self,
        command: Sequence[str],
        *,
        files: Mapping[str, bytes] = NO_FILES,
        limits: Limits = Limits(),  # noqa: B008
    ) -> Contained:
        """Start a command, whose current folder is a new one.

        command: the program and its arguments, usually sys.executable first. files: what stands in the current folder,
        by name. Of this machine it sees this Python, this package, and the system's programs and libraries.
        Raises SandboxUnavailable where it does not start, ValueError for a name that cannot be.
        """
        ...
