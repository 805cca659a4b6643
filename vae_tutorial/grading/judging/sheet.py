"""What a learner handed in, read beside the key: code to run, texts to mark, and what was odd."""

import ast
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vae_tutorial.grading.judging.key import Cell, Key, text_of
from vae_tutorial.grading.judging.names import LONGEST, Names, names_of, python, statements

MOST_CELLS = 2000
MOST_PARTS = 1_000_000  # brackets, before the file is read: each may cost 60 bytes
MOST_CODE = 1_000_000  # characters; to read more would take gigabytes
LONGEST_NAME = 200  # characters of a learner's
VARIANT = "variant"  # the tag of the cell that draws it
OF_LEARNER = re.compile(r', learner="[^"\n]*"')
KEPT = ("given", "variant")  # code that is put back as the key has it


class SheetError(ValueError):
    """A file that is no notebook; a sentence for who marks."""


@dataclass(frozen=True)
class Found:
    """A cell of the learner's, and the cell of the key that it is, if any. position: from 0."""

    position: int
    code: bool
    source: str
    of_key: Cell | None = None

    @property
    def untouched(self) -> bool:
        return self.of_key is not None and self.source.strip() == self.of_key.released

    @property
    def role(self) -> str:
        return self.of_key.role if self.of_key else "own"


@dataclass(frozen=True)
class Step:
    """Code to run in the learner's process. label: which cell it is, in words. always: whatever needs it."""

    label: str
    source: str
    names: Names
    always: bool
    place: int = -1  # in the key


@dataclass
class Sheet:
    """A notebook read beside its key.

    steps: code in the order of the learner's notebook, given code as the key has it, and of what the learner left as it
    was only what is needed. texts: by grade id, what stands in the place of an item that is marked by hand. remarks:
    sentences on what was odd. variant: the learner whose variant the notebook is in, "" for the plain one.
    """

    steps: list[Step] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    variant: str = ""


def read_sheet(notebook: bytes, key: Key) -> Sheet:
    """Read a notebook beside its key. Raises SheetError for what is no notebook."""
    content = content_of(notebook)
    found = list(matched(cells_of(content), key))
    if (size := sum(len(cell.source) for cell in found if cell.code)) > MOST_CODE:
        raise SheetError(f"the notebook has {size:,} characters of code, and {MOST_CODE:,} is the most that is read")
    wanted = {name for item in key.items for name in item.theirs}
    return Sheet(
        steps=_needed(_in_order(found, key), wanted),
        texts={cell.of_key.grade_id: cell.source for cell in found if cell.of_key and cell.role == "written"},
        remarks=list(_remarks(found, key, content)),
        variant=_variant(found),
    )


def content_of(notebook: bytes) -> dict[str, Any]:
    """A notebook's JSON, with its list of cells. Raises SheetError."""
    if (parts := notebook.count(b"[") + notebook.count(b"{")) > MOST_PARTS:
        raise SheetError(f"the file has {parts:,} lists and dicts, and {MOST_PARTS:,} is the most that is read")
    try:
        content = json.loads(notebook)
    except (ValueError, RecursionError) as error:
        raise SheetError(f"the file is no notebook: {str(error)[:100]}") from error
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise SheetError("the file is no notebook of format 4: it has no list of cells")
    if len(content["cells"]) > MOST_CELLS:
        raise SheetError(f"the notebook has {len(content['cells'])} cells, and {MOST_CELLS} is the most that is read")
    return content


def cells_of(content: Mapping[str, Any]) -> Iterable[tuple[Found, str, str]]:
    """The readable cells, with the grade id and the id that they tell; the variant's is known by its tag too."""
    for position, cell in enumerate(content["cells"]):
        if isinstance(cell, dict) and cell.get("cell_type") in ("code", "markdown", "raw"):
            metadata = cell.get("metadata")
            metadata = metadata if isinstance(metadata, dict) else {}
            about, tags = metadata.get("nbgrader"), metadata.get("tags")
            grade_id = about.get("grade_id") if isinstance(about, dict) else None
            id = VARIANT if isinstance(tags, list) and VARIANT in tags else text_of(cell.get("id"))
            source = text_of(cell.get("source", "")).encode(errors="replace").decode()
            yield Found(position, cell["cell_type"] == "code", source), text_of(grade_id), id


def matched(cells: Iterable[tuple[Found, str, str]], key: Key) -> Iterable[Found]:
    """Each cell with the cell of the key that it is: by its grade id, else by its id, else by its source."""
    by_grade_id = {cell.grade_id: cell for cell in key.cells if cell.grade_id}
    by_id = {cell.id: cell for cell in key.cells if cell.id}
    for drawn in (cell for cell in key.cells if cell.role == "variant"):
        by_id[VARIANT] = drawn
    by_source = {cell.released: cell for cell in key.cells if cell.released}
    for found, grade_id, id in cells:
        of_key = by_grade_id.get(grade_id) or by_id.get(id) or by_source.get(OF_LEARNER.sub("", found.source).strip())
        alike = of_key is not None and found.code == (of_key.role not in ("text", "written"))
        yield Found(found.position, found.code, found.source, of_key if alike else None)


def _in_order(found: Sequence[Found], key: Key) -> list[Step]:
    """All code but checks; given code once, and where it is gone, behind what stands before it in the key."""
    steps: list[Step] = []
    seen: set[int] = set()
    for cell in found:
        if cell.code and cell.role != "checks" and not (cell.role in KEPT and _place(cell) in seen):
            seen.add(_place(cell))
            steps += _steps(cell)
    for gone in (of_key for of_key in key.cells if of_key.role in KEPT and of_key.position not in seen):
        before = [i for i, step in enumerate(steps) if 0 <= step.place < gone.position]
        step = Step(f"given code ({gone.id})", gone.source, gone.names, False, gone.position)
        steps.insert(before[-1] + 1 if before else 0, step)
    return steps


def _steps(cell: Found) -> list[Step]:
    """A cell as what is run: as a whole, but imports that the learner left as they were one by one."""
    label, place = f"cell {cell.position + 1}", _place(cell)
    source = cell.of_key.source if cell.of_key and cell.role in KEPT else cell.source
    if cell.role == "free" and cell.untouched and all(map(_imports, python(source).split("\n"))):
        return [Step(label, unit.source, unit.names, False, place) for unit in statements(place, source)]
    always = cell.role in ("own", "answer") or (cell.role == "free" and not cell.untouched)
    return [Step(label, source, names_of(source), always, place)]


def _imports(line: str) -> bool:
    return not line or line.startswith(("import ", "from ", "#"))


def _place(cell: Found) -> int:
    return cell.of_key.position if cell.of_key else -1


def _needed(steps: Sequence[Step], wanted: set[str]) -> list[Step]:
    """The steps that always run, and those that make a name which they or the checks read.

    All imports, where code that is run does not tell what it reads, as `files = !ls` does not.
    """
    kept = {i for i, step in enumerate(steps) if step.always}
    if any(steps[i].names == Names() and python(steps[i].source).strip() for i in kept):
        kept |= {i for i, step in enumerate(steps) if _imports(step.source)}
    loads = wanted.union(*(steps[i].names.loads for i in kept))
    while more := {i for i, step in enumerate(steps) if i not in kept and step.names.stores & loads}:
        kept |= more
        loads = loads.union(*(steps[i].names.loads for i in more))
    return [steps[i] for i in sorted(kept)]


def _remarks(found: Sequence[Found], key: Key, content: Mapping[str, Any]) -> Iterable[str]:
    places = [_place(cell) for cell in found]
    for role, what, then in (
        ("checks", "checks", "; the key's were used"),
        ("given", "given code", "; the key's was used"),
        ("answer", "an answer's cell", ""),
        ("written", "the cell of a written answer", ""),
    ):
        of_role = [cell for cell in key.cells if cell.role == role]
        if gone := [cell.grade_id for cell in of_role if cell.position not in places]:
            yield f"not there: {what} of {', '.join(gone)}{then}"
        if twice := [cell.grade_id for cell in of_role if places.count(cell.position) > 1]:
            last = {"answer": "; all ran in their order", "written": "; the last one counts"}
            yield f"more than once: {what} of {', '.join(twice)}{last.get(role, then)}"
        changed = [cell.of_key.grade_id for cell in found if cell.of_key and cell.role == role and not cell.untouched]
        if changed and then:
            yield f"edited: {what} of {', '.join(dict.fromkeys(changed))}{then}"
    kernel = content.get("metadata", {}).get("kernelspec", {}) if isinstance(content.get("metadata"), dict) else {}
    language = kernel.get("language", "python") if isinstance(kernel, dict) else "python"
    if text_of(language).lower() != "python":
        yield "its kernel is not Python's; it was run as Python"


def _variant(found: Sequence[Found]) -> str:
    """The learner whom the variant cell names, "" where it names none."""
    sources = [cell.source for cell in found if cell.role == "variant"]
    try:
        calls = [node for node in ast.walk(ast.parse(python(sources[0][:LONGEST]))) if isinstance(node, ast.Call)]
        named = [word.value for call in calls for word in call.keywords if word.arg == "learner"]
        learner = ast.literal_eval(named[0]) if named else ""
    except (IndexError, SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return ""
    plain = isinstance(learner, str) and learner.isprintable() and len(learner) <= LONGEST_NAME
    return learner if plain else ""
