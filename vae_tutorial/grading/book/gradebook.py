"""nbgrader's gradebook, for its formgrader, its exports, and marks given by hand."""

import hashlib
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import sqlalchemy
from nbgrader import api, utils  # type: ignore[import-untyped]
from sqlalchemy import delete, select

from vae_tutorial.grading.book.autograded import COURSE
from vae_tutorial.grading.book.database import Database
from vae_tutorial.grading.judging.key import Cell, Key
from vae_tutorial.grading.records import Mark, Verdict

logger = logging.getLogger("vae_tutorial")

# What each grade was given for, as a hash: a table of ours beside nbgrader's.
JUDGED = sqlalchemy.Table(
    "vae_tutorial_judged",
    sqlalchemy.MetaData(),
    sqlalchemy.Column("grade_id", sqlalchemy.String(32), primary_key=True),
    sqlalchemy.Column("sha256", sqlalchemy.String(64), nullable=False),
)


class Book(Database):
    """The gradebook of a folder, gradebook.db; made where there is none. A context manager.

    Formgrader may be at work on it. Raises ValueError for a folder that does not exist, or whose gradebook nbgrader
    cannot open.
    """

    def __init__(self, folder: Path):
        super().__init__(folder, JUDGED.metadata)

    def __enter__(self) -> "Book":
        return self

    def add_assignment(self, name: str, key_notebook: bytes, due: str = "") -> None:
        """Write down what the key asks. due: ISO 8601 with its zone; "" leaves a deadline as it is.

        nbgrader itself refuses another set of cells once something was handed in. Here cells are added at any time,
        and points follow the key. A cell that has left the key goes with its grades; where there are marks or comments
        given by hand, it stays with these. Raises ValueError for a key or a deadline that is none.
        """
        key = Key(name, key_notebook)
        deadline = _utc(due, "due") if due else None
        with self.transaction():
            assignment = self.put(api.Assignment, {"name": name}, {"course_id": COURSE})
            assignment.duedate = deadline or assignment.duedate
            notebook = self.put(api.Notebook, {"name": name, "assignment_id": assignment.id}, {})
            notebook.kernelspec = json.dumps(json.loads(key_notebook)["metadata"].get("kernelspec", {}))
            nodes = nbformat.reads(key_notebook.decode(), as_version=4).cells
            rows = [self._keep(notebook.id, c, nodes[c.position]) for c in key.cells if c.grade_id]
            self._drop_others(notebook.id, {row.id for kept in rows for row in kept})

    def record(self, verdict: Verdict) -> None:
        """Write down a verdict, all of it or nothing; once more is the same as once.

        Marks and comments given by hand stay. Where they were given for another answer, or for other code or points
        of an item that is checked, the item needs a mark again. Raises ValueError for an assignment or an item that
        `add_assignment` has not seen.
        """
        handed_in = _utc(verdict.handed_in, "handed_in") if verdict.handed_in else None
        with self.transaction():
            notebook, cells = self._added(verdict)
            student = self.put(api.Student, {"id": verdict.learner}, {})
            place = {"assignment_id": notebook.assignment_id, "student_id": student.id}
            handed = self.put(api.SubmittedAssignment, place, {"timestamp": handed_in})
            place = {"notebook_id": notebook.id, "assignment_id": handed.id}
            submitted = self.put(api.SubmittedNotebook, place, {})
            for mark in verdict.marks:
                grade = self.put(api.Grade, {"cell_id": cells[mark.id].id, "notebook_id": submitted.id}, {})
                self._grade(grade, mark, verdict.submission)
            for cell in self.by_name(api.SolutionCell, notebook.id).values():
                self.put(api.Comment, {"cell_id": cell.id, "notebook_id": submitted.id}, {})

    def hand_marks(self, assignment: str) -> dict[str, dict[str, float | None]]:
        """The points that somebody gave, with extra credit, by learner and item; None where they are needed again."""
        given = api.Grade.manual_score.is_not(None)
        more = api.Grade.extra_credit.is_not(None) & api.Grade.auto_score.is_not(None)
        rows = self.session.execute(
            select(
                api.SubmittedAssignment.student_id, api.GradeCell.name, api.Grade.score, api.Grade.needs_manual_grade
            )
            .join(api.SubmittedNotebook, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
            .join(api.Grade, api.Grade.notebook_id == api.SubmittedNotebook.id)
            .join(api.GradeCell, api.GradeCell.id == api.Grade.cell_id)
            .join(api.Assignment, api.Assignment.id == api.SubmittedAssignment.assignment_id)
            .where(api.Assignment.name == assignment, given | more)
        ).all()
        self.session.rollback()
        marks: dict[str, dict[str, float | None]] = {}
        for learner, item, points, needed in rows:
            marks.setdefault(learner, {})[item] = None if needed else float(points)
        return marks

    def comments(self, assignment: str) -> dict[str, dict[str, str]]:
        """What somebody wrote in formgrader, by learner and by the cell that it was written to."""
        rows = self.session.execute(
            select(api.SubmittedAssignment.student_id, api.SolutionCell.name, api.Comment.manual_comment)
            .join(api.SubmittedNotebook, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
            .join(api.Comment, api.Comment.notebook_id == api.SubmittedNotebook.id)
            .join(api.SolutionCell, api.SolutionCell.id == api.Comment.cell_id)
            .join(api.Assignment, api.Assignment.id == api.SubmittedAssignment.assignment_id)
            .where(api.Assignment.name == assignment, api.Comment.manual_comment.is_not(None))
        ).all()
        self.session.rollback()
        written: dict[str, dict[str, str]] = {}
        for learner, cell, text in rows:
            written.setdefault(learner, {})[cell] = str(text)
        return written

    def _added(self, verdict: Verdict) -> tuple[Any, dict[str, Any]]:
        """The notebook that a verdict is on, and its graded cells."""
        assignment = self.one(api.Assignment, {"name": verdict.assignment})
        place = {"name": verdict.assignment, "assignment_id": assignment and assignment.id}
        notebook = self.one(api.Notebook, place)
        if notebook is None:
            raise ValueError(f"verdict must be on an assignment that was added, got {verdict.assignment}")
        cells = self.by_name(api.GradeCell, notebook.id)
        if strangers := [mark.id for mark in verdict.marks if mark.id not in cells]:
            raise ValueError(f"verdict must be on items that were added, got {', '.join(strangers)}")
        return notebook, cells

    def _grade(self, grade: Any, mark: Mark, submission: str) -> None:
        judged = _sha256([mark.most, mark.answer] if mark.by_hand else [mark.most, mark.points, submission])
        before = self.session.scalar(select(JUDGED.c.sha256).where(JUDGED.c.grade_id == grade.id))
        grade.auto_score = mark.points
        if grade.manual_score is None:
            grade.needs_manual_grade = mark.needs_marking
        elif judged != before:
            grade.needs_manual_grade = True
        if judged != before:
            self.session.execute(delete(JUDGED).where(JUDGED.c.grade_id == grade.id))
            self.session.execute(sqlalchemy.insert(JUDGED).values(grade_id=grade.id, sha256=judged))

    def _keep(self, notebook: str, cell: Cell, node: Any) -> list[Any]:
        """The rows of a cell of the key, as the key has it; of an answer's source nothing, for it is the solution."""
        kind, locked = node.cell_type, utils.is_locked(node)
        source = {"cell_type": kind, "locked": locked, "source": "", "checksum": None}
        if locked:
            source |= {"source": node.source, "checksum": utils.compute_checksum(node)}
        place = {"name": cell.grade_id, "notebook_id": notebook}
        rows = [self.put(api.SourceCell, place, source)]
        if cell.role in ("checks", "written"):
            rows.append(self.put(api.GradeCell, place, {"max_score": cell.points, "cell_type": kind}))
        if cell.role in ("answer", "written"):
            rows.append(self.put(api.SolutionCell, place, {}))
        return rows

    def _drop_others(self, notebook: str, kept: set[str]) -> None:
        hand_given = api.Grade.manual_score.is_not(None) | api.Grade.extra_credit.is_not(None)
        for model, marks, marked in (
            (api.GradeCell, api.Grade, hand_given),
            (api.SolutionCell, api.Comment, api.Comment.manual_comment.is_not(None)),
        ):
            for cell in self.by_name(model, notebook).values():
                if cell.id not in kept:
                    self.session.execute(delete(marks).where(marks.cell_id == cell.id, ~marked))
                    if self.session.scalar(select(marks.id).where(marks.cell_id == cell.id).limit(1)):
                        logger.warning("%s has left the key, but not the gradebook: somebody marked it", cell.name)
                    else:
                        self.session.delete(cell)
        for source in self.by_name(api.SourceCell, notebook).values():
            if source.id not in kept:
                self.session.delete(source)


def _utc(text: str, name: str) -> datetime:
    """A time as nbgrader keeps it: in UTC, without saying so."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = datetime.min
    if time.tzinfo is None:
        raise ValueError(f"{name} must be a time in ISO 8601 with its zone, as 2030-01-31T23:59+01:00, got {text!r}")
    return time.astimezone(UTC).replace(tzinfo=None)


def _sha256(judged: list[Any]) -> str:
    return hashlib.sha256(json.dumps(judged).encode()).hexdigest()
