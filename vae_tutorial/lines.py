"""Files of lines that only grow, for one writer at a time."""

import logging
import os
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from filelock import FileLock, Timeout

logger = logging.getLogger("vae_tutorial")

AnyLines = TypeVar("AnyLines", bound="Lines")


def complete(path: Path) -> tuple[bytes, bytes]:
    """The lines of a file that are complete, and what is behind them; nothing where there is no file."""
    content = path.read_bytes() if path.exists() else b""
    end = content.rfind(b"\n") + 1
    return content[:end], content[end:]


class Lines:
    """A file opened by one writer alone; as a context manager it holds the file's lock.

    name: what the file is; writer: who writes it. A last line without its end, of a process killed while writing, is
    taken out. Raises ValueError, with nothing written, for a file in no folder, one that a subclass does not `_take`,
    and one to which another process is writing.
    """

    def __init__(self, path: str | Path, *, name: str, writer: str):
        path = Path(path)
        if not path.parent.is_dir() or path.is_dir():
            raise ValueError(f"{name} must be a file in a folder that exists, got {path}")
        self.path, self._lock = path, FileLock(f"{path}.lock", timeout=0)
        self._taken = f"{name} must be of one {writer} at a time, but another one is writing to {path}"

    def __enter__(self: AnyLines) -> AnyLines:
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ValueError(self._taken) from error
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._lock.release()

    def _take(self, whole: bytes, rest: bytes) -> None:
        """Read what `complete` gives. Raises ValueError for a file that must be left as it is."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Write what stands above all other lines."""

    def _open(self) -> None:
        whole, rest = complete(self.path)
        self._take(whole, rest)
        self._file = self.path.open("ab", buffering=0)
        try:
            if rest:
                logger.warning("%s ended in half a line, which is taken out; what it was of is done again", self.path)
                self._file.truncate(len(whole))
            if not whole:
                self._begin()
        except BaseException:
            self._file.close()
            raise

    def _write(self, line: bytes) -> None:
        """Add a line, down to the disk. Raises OSError, with nothing added, for a full disk."""
        end = self._file.seek(0, os.SEEK_END)
        try:
            # In one piece, unbuffered: Ctrl-C comes before it or after it.
            if self._file.write(line) != len(line):
                raise OSError(f"{self.path} took only part of a line: is the disk full?")
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(end)
            raise
