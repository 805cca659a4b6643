"""The table of a sweep: one CSV file that only grows, a line for each run."""

import csv
import io
import logging
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from vae_tutorial.sweep.measuring import MEASURES
from vae_tutorial.sweep.settings import Setting

logger = logging.getLogger("vae_tutorial")

FIELDS = tuple(field.name for field in fields(Setting))
COLUMNS = (*FIELDS, *MEASURES, "error")


def read(path: str | Path) -> dict[tuple[str, ...], dict[str, str]]:
    """The last row of each setting in the table, by `Setting.key`; none where there is no file.

    A last line without its end, of a process killed while writing, counts for nothing. Raises ValueError for a file
    that is not such a table.
    """
    path = Path(path)
    return {tuple(row[name] for name in FIELDS): row for row in _rows(path, _complete(path))}


class Table:
    """A table opened for one sweep alone; as a context manager it holds the file's lock.

    `rows` is what it held, as from `read`. Raises ValueError, with nothing written, for a file in no folder, one that
    is not such a table, and one to which another sweep is writing.
    """

    def __init__(self, path: str | Path):
        path = Path(path)
        if not path.parent.is_dir() or path.is_dir():
            raise ValueError(f"table must be a file in a folder that exists, got {path}")
        self.path, self._lock = path, FileLock(f"{path}.lock", timeout=0)

    def __enter__(self) -> "Table":
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ValueError(
                f"table must be of one sweep at a time, but another one is writing to {self.path}"
            ) from error
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

    def holds(self, setting: Setting) -> bool:
        """Whether the setting was run when the table was opened, and did not fail."""
        return setting.key in self.rows and not self.rows[setting.key]["error"]

    def append(self, setting: Setting, results: Mapping[str, object]) -> None:
        """Write the row of a run, down to the disk.

        Raises ValueError for a result that the table has no column for, OSError, with nothing added, for a full disk.
        """
        row = {**dict(zip(FIELDS, setting.key, strict=True)), **results}
        self._write({name: " ".join(str(value).split()) for name, value in row.items()})  # a line is a line

    def _open(self) -> None:
        self.rows = read(self.path)
        whole = len(_complete(self.path))
        self._file = self.path.open("ab", buffering=0)
        try:
            if self._file.tell() > whole:
                logger.warning("%s ended in half a line, which is taken out; its run is done again", self.path)
                self._file.truncate(whole)
            if not whole:
                self._write(dict(zip(COLUMNS, COLUMNS, strict=True)))
        except BaseException:
            self._file.close()
            raise

    def _write(self, row: dict[str, str]) -> None:
        line = io.StringIO()
        csv.DictWriter(line, COLUMNS, lineterminator="\n").writerow(row)
        content, end = line.getvalue().encode(), self._file.seek(0, os.SEEK_END)
        # In one piece, unbuffered: Ctrl-C comes before it or after it.
        if self._file.write(content) != len(content):
            self._file.truncate(end)
            raise OSError(f"{self.path} took only part of a line: is the disk full?")
        os.fsync(self._file.fileno())


def _complete(path: Path) -> bytes:
    """The lines of the file that are complete."""
    content = path.read_bytes() if path.exists() else b""
    whole = content[: content.rfind(b"\n") + 1]
    if not whole and not ",".join(COLUMNS).encode().startswith(content):
        raise _refusal(path, "it has another header")
    return whole


def _rows(path: Path, content: bytes) -> list[dict[str, str]]:
    lines = list(csv.reader(content.decode(errors="replace").split("\n")[:-1]))
    if lines and tuple(lines[0]) != COLUMNS:
        raise _refusal(path, "it has another header")
    for number, line in enumerate(lines, 1):
        if len(line) != len(COLUMNS):
            raise _refusal(path, f"its line {number} has {len(line)} columns instead of {len(COLUMNS)}")
    return [dict(zip(COLUMNS, line, strict=True)) for line in lines[1:]]


def _refusal(path: Path, reason: str) -> ValueError:
    return ValueError(f"table must be a new file or one that a sweep of this version wrote, got {path}: {reason}")
