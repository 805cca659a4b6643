"""The key: a solution's notebook, what it asks, and what of it judges each item."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from vae_tutorial import __version__
from vae_tutorial.grading.judging.names import Names, Origins, Unit, names_of, statements

Role = Literal["text", "free", "variant", "given", "answer", "checks", "written"]
PACKAGE = Path(__file__).parents[2]
REGION = re.compile(r"^[ \t]*### BEGIN (SOLUTION|HIDDEN TESTS)\n.*?^[ \t]*### END \1\n?", re.DOTALL | re.MULTILINE)
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS", re.DOTALL)
HEADING = re.compile(r"^##+ (?:\d+\. )?(.*?)(?: \([\d.]+ points?\))?$", re.MULTILINE)
NAMED = re.compile(r'\bItem\("((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Cell:
    """A cell of the key.

    role: "free" code asks for nothing, "variant" draws the learner's variant, "given" code is locked, "answer" is for
    the learner to write, "checks" judge it, "written" is a text that somebody marks.
    """

    position: int
    id: str
    grade_id: str
    role: Role
    source: str
    points: float = 0.0

    @property
    def released(self) -> str:
        """The source as learners get it; of an answer, without what stands in its place."""
        return REGION.sub("", self.source).strip()

    @cached_property
    def names(self) -> Names:
        return Names() if self.role in ("text", "written") else names_of(self.source)

    def check(self) -> None:
        """Raises ValueError for code of ours that is not Python, and for marks of regions that would not be seen."""
        for mark, found in (("BEGIN SOLUTION", REGION), ("BEGIN HIDDEN TESTS", HIDDEN), ("END HIDDEN TESTS", HIDDEN)):
            regions = [region for region in found.finditer(self.source) if mark in region[0]]
            if self.source.count(mark) != len(regions):
                raise ValueError(f"cell {self.position + 1} of the key: {mark!r} must stand alone in a line behind ###")
        if self.role in ("checks", "given", "variant", "free"):
            try:
                statements(self.position, self.source)
            except SyntaxError as error:
                raise ValueError(f"cell {self.position + 1} of the key must be Python: {error}") from error

    @property
    def hidden_lines(self) -> frozenset[int]:
        """The numbers, from 1, of lines that stand in the key alone."""
        found: set[int] = set()
        for region in HIDDEN.finditer(self.source):
            first, last = (self.source.count("\n", 0, end) + 1 for end in region.span())
            found.update(range(first, last + 1))
        return frozenset(found)


@dataclass(frozen=True)
class Item:
    """One graded item.

    ours: statements that run where it is judged, before `source`. theirs: names that are asked of the learner's
    process. glue: statements of given code that run in that process just before, so that it is the key's.
    """

    id: str
    title: str
    most: float
    by_hand: bool
    source: str = ""
    hidden_lines: frozenset[int] = frozenset()
    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    glue: tuple[str, ...] = ()


@dataclass(frozen=True)
class Key:
    """A solution's notebook as what judges; made of its bytes alone, so that it can be sent to other machines.

    Raises ValueError for bytes that are no notebook, for one without a graded item, and for two of one name.
    """

    assignment: str
    notebook: bytes

    def __reduce__(self) -> tuple[Any, ...]:
        return Key, (self.assignment, self.notebook)  # another machine finds out by itself which checks it has

    def __post_init__(self) -> None:
        for cell in self.cells:
            cell.check()
        ids = [item.id for item in self.items]
        if not ids or len(set(ids)) < len(ids):
            raise ValueError(f"the key of {self.assignment} must have graded items with names of their own, got {ids}")

    @cached_property
    def version(self) -> str:
        """SHA-256 of all that judges: the key's sources and points, the course's checks, the package's version."""
        judging = [[cell.role, cell.grade_id, cell.source, cell.points] for cell in self.cells]
        return hashlib.sha256(json.dumps([judging, checks_version(), __version__]).encode()).hexdigest()

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        try:
            cells = json.loads(self.notebook)["cells"]
            return tuple(_cell(position, cell) for position, cell in enumerate(cells))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the key of {self.assignment} must be a notebook with nbgrader's metadata") from error

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """What is graded, in the order of the notebook."""
        return tuple(self._item(cell) for cell in self.cells if cell.role in ("checks", "written"))

    @cached_property
    def preload(self) -> tuple[str, ...]:
        """Import statements of the judging, for a process that judges many submissions."""
        lines = (line for item in self.items for line in item.ours if line.startswith(("import ", "from ")))
        return tuple(dict.fromkeys(lines))

    @cached_property
    def drawn(self) -> frozenset[str]:
        """The items whose checks depend on the learner's variant, by their names."""
        cells = {unit.source for cell in self.cells if cell.role == "variant" for unit in statements(0, cell.source)}
        return frozenset(item.id for item in self.items if cells & set(item.ours))

    @cached_property
    def _origins(self) -> Origins:
        units: list[Unit] = []
        for cell in self.cells:
            if cell.role == "answer":
                units.append(Unit(cell.position, cell.source, learners=True))
            elif cell.role not in ("text", "written"):
                units += statements(cell.position, cell.source)
        return Origins(units)

    def _item(self, cell: Cell) -> Item:
        title = self._title(cell)
        if cell.role == "written":
            return Item(cell.grade_id, title, cell.points, by_hand=True, source=cell.source)
        needed = sorted(cell.names.loads - cell.names.binds)
        theirs = [name for name in needed if self._origins.learners(name, cell.position)]
        ours = self._origins.of([name for name in needed if name not in theirs], cell.position)
        kept = [c.position for c in self.cells if c.role in ("given", "variant")]
        behind = self._origins.of(theirs, cell.position, past_learners=False)
        glue = [unit for unit in behind if unit.cell in kept or _imports(unit)]
        return Item(
            cell.grade_id,
            title,
            cell.points,
            by_hand=False,
            source=cell.source,
            hidden_lines=cell.hidden_lines,
            ours=tuple(unit.source for unit in ours),
            theirs=tuple(theirs),
            glue=tuple(unit.source for unit in glue),
        )

    def _title(self, cell: Cell) -> str:
        """What the checks call the item, or else the last heading above it."""
        if cell.role == "checks" and (named := NAMED.search(cell.source)):
            return named[1]
        texts = "\n".join(above.source for above in self.cells[: cell.position] if above.role == "text")
        return [cell.grade_id, *HEADING.findall(texts)][-1]


@cache
def checks_version() -> str:
    """SHA-256 of the checks that come with the package, and of what variants are drawn from."""
    digest = hashlib.sha256()
    for path in sorted([*PACKAGE.glob("checks/*.py"), *PACKAGE.glob("course/*.toml")]):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def text_of(source: Any) -> str:
    """A cell's source, which notebooks hold as a text or as a list of lines; anything else in its place is no text."""
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def _cell(position: int, cell: Mapping[str, Any]) -> Cell:
    about = cell["metadata"].get("nbgrader") or {}
    code, grade = cell["cell_type"] == "code", bool(about.get("grade"))
    role: Role = "free" if code else "text"
    if about:
        answer = bool(about.get("solution"))
        kinds: dict[bool, Role] = {True: "checks" if not answer else "answer", False: "written"}
        role = kinds[code] if grade else "answer" if answer else "given"
    elif "variant" in cell["metadata"].get("tags", []):
        role = "variant"
    points = float(about.get("points", 0)) if grade else 0.0
    return Cell(
        position, str(cell.get("id", "")), str(about.get("grade_id", "")), role, text_of(cell["source"]), points
    )


def _imports(unit: Unit) -> bool:
    return unit.source.startswith(("import ", "from "))
