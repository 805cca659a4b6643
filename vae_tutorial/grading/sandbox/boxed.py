"""The processes in a sandbox of bubblewrap."""

import json
import os
import select
import signal
import subprocess
from contextlib import suppress

from vae_tutorial.grading.sandbox import mending, processes
from vae_tutorial.grading.sandbox.contained import SandboxUnavailable
from vae_tutorial.grading.sandbox.inside import WRITABLE
from vae_tutorial.grading.sandbox.limits import Limits

START = 30.0  # seconds until bubblewrap has made its first process
END = 10.0  # seconds until the kernel has ended the last one


class Boxed:
    """process: bwrap. status: a pipe on which it tells the first process inside, and the exit status of the command.

    Raises SandboxUnavailable where there is no first process.
    """

    def __init__(self, process: subprocess.Popen[bytes], status: int, limits: Limits):
        self.process, self._status, self._limits, self._told = process, status, limits, b""
        try:
            self._first = self._find_first()
            self._handle = os.pidfd_open(self._first)
        except ProcessLookupError as error:
            process.wait()
            os.close(status)
            raise SandboxUnavailable("the first process of a sandbox ended at once") from error
        except BaseException:
            process.kill()
            process.wait()
            os.close(status)
            raise

    def excess(self) -> str:
        if self._entries() > self._limits.entries:
            return f"it made more than {self._limits.entries} files"
        return processes.excess(processes.descendants(self._first), self._limits)

    def kill(self) -> None:
        """The first process takes all others with it; the kernel reports its end when they are gone."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        _ready(self._handle, END)
        try:
            self.process.wait(END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._handle)
        os.close(self._status)

    def ending(self, tail: str) -> str:
        status = self.process.returncode
        if b"exit-code" not in self._rest():
            return f"it could not start: {_last_line(tail)}"
        return processes.ending(128 - status if status > 128 else status, self._limits)

    def _find_first(self) -> int:
        """Its number, from the first line on the pipe."""
        while b"\n" not in self._told:
            piece = os.read(self._status, 4096) if _ready(self._status, START) else b""
            self._told += piece
            if not piece:
                self.process.kill()
                _, complaint = self.process.communicate()
                tail = complaint.decode(errors="replace")
                raise SandboxUnavailable(f"bubblewrap does not work here: {_last_line(tail)}. {mending.advice(tail)}")
        return int(json.loads(self._told.splitlines()[0])["child-pid"])

    def _rest(self) -> bytes:
        """All that it told, of a process that has ended."""
        os.set_blocking(self._status, False)
        with suppress(BlockingIOError):
            while piece := os.read(self._status, 4096):
                self._told += piece
        return self._told

    def _entries(self) -> int:
        """Files and folders in what is writable: no option of bubblewrap bounds them, and each takes memory."""
        root = f"/proc/{self._first}/root"
        try:
            if os.stat(root).st_dev == os.stat("/").st_dev:  # not moved into its own yet
                return 0
            rooms = [os.statvfs(root + folder) for folder in WRITABLE]
        except OSError:  # it is about to begin, or has just ended
            return 0
        return sum(room.f_files - room.f_ffree for room in rooms)


def _ready(number: int, seconds: float) -> bool:
    """Whether something can be read; poll, as select knows no file beyond 1024."""
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(1000 * seconds))


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]
