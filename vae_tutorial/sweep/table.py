"""The table of a sweep: one CSV file that only grows, a line for each run."""

import csv
import io
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from vae_tutorial.lines import Lines, complete
from vae_tutorial.sweep.measuring import MEASURES
from vae_tutorial.sweep.settings import Setting

FIELDS = tuple(field.name for field in fields(Setting))
COLUMNS = (*FIELDS, *MEASURES, "error")


def read(path: str | Path) -> dict[tuple[str, ...], dict[str, str]]:
    """The last row of each setting in the table, by `Setting.key`; none where there is no file.

    A last line without its end, of a process killed while writing, counts for nothing. Raises ValueError for a file
    that is not such a table.
    """
    path = Path(path)
    return _by_key(path, *complete(path))


class Table(Lines):
    """A table opened for one sweep alone; as a context manager it holds the file's lock.

    `rows` is what it held, as from `read`. Raises ValueError, with nothing written, for a file in no folder, one that
    is not such a table, and one to which another sweep is writing.
    """

    def __init__(self, path: str | Path):
        super().__init__(path, name="table", writer="sweep")

    def holds(self, setting: Setting) -> bool:
        """Whether the setting was run when the table was opened, and did not fail."""
        return setting.key in self.rows and not self.rows[setting.key]["error"]

    def append(self, setting: Setting, results: Mapping[str, object]) -> None:
        """Write the row of a run, down to the disk.

        Raises ValueError for a result that the table has no column for, OSError, with nothing added, for a full disk.
        """
        row = {**dict(zip(FIELDS, setting.key, strict=True)), **results}
        self._write(_line({name: " ".join(str(value).split()) for name, value in row.items()}))  # a line is a line

    def _take(self, whole: bytes, rest: bytes) -> None:
        self.rows = _by_key(self.path, whole, rest)

    def _begin(self) -> None:
        self._write(_line(dict(zip(COLUMNS, COLUMNS, strict=True))))


def _line(row: dict[str, str]) -> bytes:
    line = io.StringIO()
    csv.DictWriter(line, COLUMNS, lineterminator="\n").writerow(row)
    return line.getvalue().encode()


def _by_key(path: Path, whole: bytes, rest: bytes) -> dict[tuple[str, ...], dict[str, str]]:
    if not whole and not ",".join(COLUMNS).encode().startswith(rest):
        raise _refusal(path, "it has another header")
    return {tuple(row[name] for name in FIELDS): row for row in _rows(path, whole)}


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
