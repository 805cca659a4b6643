"""What must not leave the course: lines of the solutions that stand in a file for students."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

REGION = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')  # of JSON
SHORTEST = 13  # characters of a line that tells anything


@dataclass
class Secrets:
    """Stripped lines of solutions. The package and the lessons have many a line that an answer has, but not two.

    alone: of hidden checks, of rubrics, and answers of one line. pairs: successive lines of longer answers. Each with
    the name of its solution.
    """

    alone: dict[str, str] = field(default_factory=dict)
    pairs: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, name: str, cells: list[dict[str, Any]]) -> None:
        """The secrets of one solution. What it shows elsewhere too is none."""
        written = [_source(cell) for cell in cells if _is_written(cell)]
        regions = [found for cell in cells if not _is_written(cell) for found in REGION.findall(_source(cell))]
        shown = "\n".join(REGION.sub("", _source(cell)) for cell in cells if not _is_written(cell))
        for kind, text in [*regions, *(("RUBRIC", text) for text in written)]:
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            secret = [line for line in lines if len(line) >= SHORTEST and line not in shown]
            if kind != "SOLUTION" or len(lines) == 1:
                self.alone |= dict.fromkeys(secret, name)
            else:
                self.pairs |= {pair: name for pair in pairwise(lines) if set(pair) & set(secret)}


def secrets_of(solutions: Path) -> Secrets:
    """Of all notebooks in `solutions`/*/. Raises ValueError where there are none."""
    found = Secrets()
    for path in sorted(solutions.glob("*/*.ipynb")):
        found.add(path.parent.name, json.loads(path.read_text(encoding="utf-8"))["cells"])
    if not found.alone:
        raise ValueError(f"solutions must be a folder with the course's solutions, got {solutions}")
    return found


def leaks(files: Iterable[tuple[str, bytes]], secrets: Secrets) -> Iterator[str]:
    """A sentence for each secret in a text among `files`, which are pairs of name and content."""
    for name, content in files:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            continue
        lines = list(_lines(text, name.endswith((".ipynb", ".json"))))
        joined = "\n".join(line for _, line in lines)
        for secret, solution in secrets.alone.items():
            if secret in joined:
                number = next(number for number, line in lines if secret in line)
                yield _sentence(name, number, secret, solution)
        for (number, first), (_, second) in pairwise(lines):
            if (first, second) in secrets.pairs:
                yield _sentence(name, number, f"{first} / {second}", secrets.pairs[first, second])


def _lines(text: str, is_json: bool) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, stripped, with their numbers from 1; of JSON those in its strings."""
    for number, line in enumerate(text.splitlines(), 1):
        for part in (json.loads(found, strict=False) for found in STRING.findall(line)) if is_json else (line,):
            yield from ((number, stripped) for within in part.splitlines() if (stripped := within.strip()))


def _sentence(name: str, number: int, secret: str, solution: str) -> str:
    return f"{name}, line {number}, has what only solutions/{solution} may have: {secret}"


def _is_written(cell: dict[str, Any]) -> bool:
    about = cell["metadata"].get("nbgrader", {})
    return cell["cell_type"] == "markdown" and bool(about.get("grade"))


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])
