"""What formgrader shows to who marks: the notebook as it was handed in, with what the checks say."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from vae_tutorial.grading.book.harmless import Room
from vae_tutorial.grading.judging.key import Cell, Key
from vae_tutorial.grading.judging.sheet import Found, SheetError, cells_of, content_of, matched
from vae_tutorial.grading.records import Mark, Verdict

COURSE = "vae_tutorial"
CONFIG = f'''"""nbgrader's settings for marking by hand: run `jupyter lab` in this folder and open Formgrader."""

from pathlib import Path

c = get_config()  # noqa: F821

folder = Path(__file__).resolve().parent
c.CourseDirectory.course_id = "{COURSE}"
c.CourseDirectory.root = str(folder)
c.CourseDirectory.db_url = f"sqlite:///{{folder}}/gradebook.db"
# What a learner prints must not run in a marker's browser.
c.HTMLExporter.sanitize_html = True
'''
EMPTY = "*No answer was handed in.*"


def prepare_folder(folder: Path, assignment: str) -> None:
    """Make a folder one in which formgrader and `nbgrader export` work; what is there stays.

    Formgrader lists the assignments that have a folder in source/; it may be empty. There is no submitted/, so that
    nobody has nbgrader run what was handed in. Raises ValueError for a folder with settings of its own, as a checkout.
    """
    path = folder / "nbgrader_config.py"
    if path.exists() and not path.read_text(encoding="utf-8").startswith(CONFIG.partition("\n")[0]):
        raise ValueError(f"folder must be one for grading alone, got {folder}, which has its own {path.name}")
    (folder / "source" / assignment).mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(CONFIG, encoding="utf-8")


def autograded(notebook: bytes, key: bytes, verdict: Verdict) -> bytes:
    """The notebook that is shown beside the marks.

    Cells stand in the learner's order with sources as handed in; checks and given code are the key's, without what is
    hidden. Each graded cell and each answer is there once, so that nbgrader finds it. Of outputs, text and pictures
    are kept (`Room`); those of checks are the verdict's. Of bytes that are no notebook, the key's cells are shown.
    """
    page = _Page(Key(verdict.assignment, key), json.loads(key), verdict)
    return page.notebook(notebook)


class _Page:
    def __init__(self, key: Key, content: dict[str, Any], verdict: Verdict):
        self.key, self.content, self.verdict, self.room = key, content, verdict, Room()
        self.marks = {mark.id: mark for mark in verdict.marks}

    def notebook(self, handed_in: bytes) -> bytes:
        try:
            content = content_of(handed_in)
            found = list(matched(cells_of(content), self.key))
            groups = self._in_order(found, [content["cells"][cell.position] for cell in found])
            remarks = list(self.verdict.remarks)
        except SheetError as error:
            groups, remarks = [self._unseen(cell) for cell in self.key.cells], [*self.verdict.remarks, str(error)]
        cells = [self._head(remarks), *(cell for group in groups for cell in group)]
        for number, cell in enumerate(cells):
            cell["id"] = f"cell-{number}"
        about = self.content["metadata"]
        metadata = {name: about[name] for name in ("kernelspec", "language_info") if name in about}
        page = new_notebook(cells=cells, metadata=metadata)
        nbformat.validate(page)
        return (nbformat.writes(page) + "\n").encode()

    def _head(self, remarks: Iterable[str]) -> NotebookNode:
        """When this was handed in, and what was odd; not by whom, which formgrader hides until it is asked."""
        verdict = self.verdict
        when = f"Handed in: {verdict.handed_in or 'nobody knows when'}. From checks: {verdict.points:g} points."
        shown = "Outputs are as they were handed in; those of checks are from marking."
        odd = [f"- {Room().markdown(' '.join(remark.split()))}" for remark in dict.fromkeys(remarks)]
        return new_markdown_cell("\n\n".join([f"*{when} {shown}*", *odd]))

    def _in_order(self, found: Sequence[Found], raw: Sequence[dict[str, Any]]) -> list[list[NotebookNode]]:
        """What is shown for each cell, with what is missing behind what stands before it in the key."""
        last = {cell.of_key.position: cell.position for cell in found if cell.of_key}
        places, groups = [], []
        for cell, content in zip(found, raw, strict=True):
            counts = cell.of_key is not None and last[cell.of_key.position] == cell.position
            places.append(cell.of_key.position if cell.of_key and counts else -1)
            groups.append(self._seen(cell, content, counts))
        for missing in self.key.cells:
            if missing.grade_id and missing.position not in last:
                before = [i for i, place in enumerate(places) if 0 <= place < missing.position]
                at = before[-1] + 1 if before else 0
                places.insert(at, missing.position)
                note = self._note(f"`{missing.grade_id}` was not in the file; it is put back here.")
                groups.insert(at, [note, *self._unseen(missing)])
        return groups

    def _seen(self, cell: Found, raw: dict[str, Any], counts: bool) -> list[NotebookNode]:
        """A cell of the learner's. counts: it is the only one of its kind, or the last."""
        of_key = cell.of_key
        if of_key is not None and of_key.grade_id and counts:
            return self._graded(of_key, cell, raw)
        note = [self._note(f"Another copy of `{of_key.grade_id}`.")] if of_key and of_key.grade_id else []
        if cell.code:
            return [*note, new_code_cell(self.room.cut(cell.source), outputs=self.room.outputs(raw))]
        if cell.role == "text" and cell.untouched:
            return [new_markdown_cell(cell.source)]
        return [*note, *self._text(cell.source, raw)]

    def _graded(self, of_key: Cell, cell: Found, raw: dict[str, Any]) -> list[NotebookNode]:
        if of_key.role == "written":
            return self._text(cell.source, raw, self._about(of_key))
        if of_key.role == "answer":
            outputs = self.room.outputs(raw)
            return [new_code_cell(self.room.cut(cell.source), outputs=outputs, metadata=self._about(of_key))]
        note = [] if cell.untouched else [self._note(f"`{of_key.grade_id}` was edited; this is the key's.")]
        outputs = self._said(of_key) if of_key.role == "checks" else self.room.outputs(raw)
        return [*note, new_code_cell(of_key.released, outputs=outputs, metadata=self._about(of_key))]

    def _unseen(self, of_key: Cell) -> list[NotebookNode]:
        """A cell of the key that the learner does not have."""
        about = self._about(of_key)
        if of_key.role in ("text", "written"):
            return [new_markdown_cell(EMPTY if of_key.role == "written" else of_key.source, metadata=about)]
        source = "" if of_key.role == "answer" else of_key.released
        return [new_code_cell(source, outputs=self._said(of_key), metadata=about)]

    def _text(self, source: str, raw: dict[str, Any], about: dict[str, Any] | None = None) -> list[NotebookNode]:
        pictures = self.room.attachments(raw)
        attached = [new_code_cell("# pictures attached to the text above", outputs=pictures)] if pictures else []
        return [new_markdown_cell(self.room.markdown(source), metadata=about or {}), *attached]

    def _about(self, cell: Cell) -> dict[str, Any]:
        about = self.content["cells"][cell.position]["metadata"].get("nbgrader")
        return {"nbgrader": dict(about)} if about else {}

    def _said(self, cell: Cell) -> list[NotebookNode]:
        mark = self.marks.get(cell.grade_id)
        return [new_output("display_data", {"text/plain": Room().cut(_words(mark))})] if mark else []

    def _note(self, text: str) -> NotebookNode:
        return new_markdown_cell(f"*{text}*")


def _words(mark: Mark) -> str:
    """What the checks of an item say, as plain text."""
    earned = "to be marked" if mark.points is None else f"{mark.points:g}"
    head = f"{mark.title}: {earned} of {mark.most:g}"
    lines = [f"  {'✓' if line.good else '✗'} {line.text}{' (hidden)' * line.hidden}" for line in mark.lines]
    return "\n".join([head, *lines, *([mark.reason] if mark.reason else [])])
