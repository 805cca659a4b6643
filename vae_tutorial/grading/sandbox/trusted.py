"""No sandbox: a process with limits, for code that the grader trusts."""

import functools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from vae_tutorial.grading.sandbox import inside, processes
from vae_tutorial.grading.sandbox.bounded import BOUNDED, bounds
from vae_tutorial.grading.sandbox.contained import NO_FILES, Contained
from vae_tutorial.grading.sandbox.limits import Limits, size
from vae_tutorial.grading.sandbox.watching import Watch

DYING = 10.0  # seconds that killed processes are waited for


class Trusted:
    """Runs a command as the grader, with the grader's files and network, in a temporary folder.

    At the end its processes are killed, but for one that has left both its parent and its group.
    """

    name = "trusted"

    def start(
        self,
        command: Sequence[str],
        *,
        files: Mapping[str, bytes] = NO_FILES,
        limits: Limits = Limits(),  # noqa: B008
    ) -> Contained:
        """As in Sandbox; it sees all of this machine."""
        inside.checked(files, limits)
        return Contained(Watch(functools.partial(_launch, command, files, limits), limits))


def _launch(command: Sequence[str], files: Mapping[str, bytes], limits: Limits) -> "Plain":
    folder = tempfile.TemporaryDirectory(prefix="vae-tutorial-", ignore_cleanup_errors=True)
    try:
        for name, content in files.items():
            path = Path(folder.name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", BOUNDED, *bounds(limits), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder.name,
            env=inside.variables(folder.name),
            start_new_session=True,
        )
    except BaseException:
        folder.cleanup()
        raise
    return Plain(process, folder, limits)


class Plain:
    """The process, and what comes from it."""

    def __init__(self, process: subprocess.Popen[bytes], folder: "tempfile.TemporaryDirectory[str]", limits: Limits):
        self.process, self._folder, self._limits = process, folder, limits

    def excess(self) -> str:
        pids = processes.descendants(self.process.pid)
        if len(pids) > self._limits.processes:
            return f"it started more than {self._limits.processes} processes"
        if _written(Path(self._folder.name)) > self._limits.scratch:
            return f"it wrote more than {size(self._limits.scratch)} into its folder"
        return processes.excess(pids, self._limits)

    def kill(self) -> None:
        pids = processes.descendants(self.process.pid)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in pids[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        end = time.monotonic() + DYING
        while any(map(processes.lives, pids)) and time.monotonic() < end:
            time.sleep(0.01)
        self._folder.cleanup()

    def ending(self, tail: str) -> str:
        return processes.ending(self.process.returncode, self._limits)


def _written(folder: Path) -> int:
    """Bytes of the files in a folder."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(where, name)).st_size
    return total
