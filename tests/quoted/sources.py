"""What was measured: the rows of stored findings, and what the cells of a lesson have printed."""

import json
import re
import statistics
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from quoted.quotes import Quote, claim, says

ROOT = Path(__file__).parents[2]
Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """Some rows of a finding; a key may name an entry of a row's dictionary, as in "scores.MIG"."""

    rows: tuple[Row, ...]
    command: str
    settings: Row

    def where(self, **known: object) -> "Rows":
        """Those that hold these values. Raises ValueError where there is none."""
        rows = tuple(row for row in self.rows if {key: row[key] for key in known} == known)
        if not rows:
            raise ValueError(f"no row of `{self.command}` has {known}")
        return Rows(rows, self.command, self.settings)

    def values(self, key: str) -> list[float]:
        return [_entry(row, key) for row in self.rows]

    def mean(self, key: str) -> float:
        return statistics.mean(self.values(key))

    def sd(self, key: str) -> float:
        return statistics.stdev(self.values(key))

    def said(self, key: str, digits: int = 1, scale: float = 1.0) -> str:
        """The mean as it is printed."""
        return f"{scale * self.mean(key):.{digits}f}"

    def spread(self, key: str, digits: int = 1) -> str:
        """Mean ± standard deviation over seeds."""
        return f"{self.mean(key):.{digits}f} ± {self.sd(key):.{digits}f}"

    def says(self, template: str, *numbers: str) -> Quote:
        return says(template, *numbers, command=self.command)

    def claim(self, text: str, holds: bool) -> Quote:
        return claim(text, holds, command=self.command)


def _entry(row: Row, key: str) -> Any:
    for part in key.split("."):
        row = row[part]
    return row


@cache
def finding(name: str, folder: str = "results") -> Rows:
    """All rows of results/NAME.json, or of another folder's."""
    stored = json.loads((ROOT / folder / f"{name}.json").read_text())
    return Rows(tuple(stored["rows"]), stored["command"], stored["settings"])


@cache
def card(model: str) -> dict[str, Any]:
    """What is known of a shipped model."""
    return json.loads((ROOT / "vae_tutorial" / "zoo" / f"{model}.json").read_text())


@cache
def notebook(path: str) -> dict[str, Any]:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def outputs(path: str, cell: str | None = None) -> str:
    """The text that a notebook's cells, or the one of that id, have printed, as it is stored."""
    cells = [c for c in notebook(path)["cells"] if c["cell_type"] == "code" and cell in (None, c["id"])]
    shown = [output for c in cells for output in c["outputs"]]
    return "\n".join("".join(o["text"] if "text" in o else o.get("data", {}).get("text/plain", "")) for o in shown)


def printed(path: str, cell: str, pattern: str) -> tuple[float, ...]:
    """The numbers in the groups of the first match in what that cell printed. Raises ValueError where there is none."""
    match = re.search(pattern, outputs(path, cell))
    if match is None:
        raise ValueError(f"{pattern!r} does not stand in the output of cell {cell} of {path}")
    return tuple(float(group.replace(",", "")) for group in match.groups())
