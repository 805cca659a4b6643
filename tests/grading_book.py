"""A grading folder for tests: verdicts made from a key, marks given as formgrader gives them, and plain SQL."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook

from vae_tutorial.grading.judging.key import Key
from vae_tutorial.grading.records import Line, Mark, Verdict

LESSON = "01_autoencoder_to_vae"
KEY = (Path(__file__).parents[1] / "solutions" / LESSON / f"{LESSON}.ipynb").read_bytes()
STUDENTS = (Path(__file__).parents[1] / "exercises" / LESSON / f"{LESSON}.ipynb").read_bytes()
ITEMS = {item.id: item for item in Key(LESSON, KEY).items}


def verdict(learner: str = "a", answer: str = "In words.", key: bytes = KEY, **points: float | None) -> Verdict:
    """All points but where `points` says otherwise, by item with _ for -; what is marked by hand is open."""
    marks = []
    for item in Key(LESSON, key).items:
        given = points.get(item.id.replace("-", "_"), None if item.by_hand else item.most)
        lines = () if item.by_hand else (Line(given == item.most, "is zero where it costs nothing"),)
        text = answer if item.by_hand else ""
        marks.append(Mark(item.id, item.title, item.most, item.by_hand, given, lines, answer=text))
    return Verdict(
        learner, LESSON, f"submission of {learner}", "k", tuple(marks), handed_in="2030-01-31T23:30:00+01:00"
    )


def again(one: Verdict) -> Verdict:
    """The same marks for another file."""
    return replace(one, submission=one.submission + ", again")


def changed(key: bytes, **points: float | None) -> bytes:
    """A key in which cells have other points, or by None are gone; _ for - in names."""
    content = json.loads(key)
    wanted = {name.replace("_", "-"): value for name, value in points.items()}
    name_of = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in content["cells"]]
    cells = zip(name_of, content["cells"], strict=True)
    content["cells"] = [cell for name, cell in cells if name not in wanted or wanted[name] is not None]
    for cell in content["cells"]:
        about = cell["metadata"].get("nbgrader", {})
        if about.get("grade_id") in wanted:
            about["points"] = wanted[about["grade_id"]]
    return json.dumps(content).encode()


def sql(folder: Path, statement: str, *values: Any) -> list[tuple]:
    with closing(sqlite3.connect(folder / "gradebook.db")) as database, database:
        return database.execute(statement, values).fetchall()


def mark_by_hand(folder: Path, learner: str, item: str, score: float | None, extra: float | None = None) -> None:
    """What formgrader does when a score is typed."""
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "vae_tutorial") as gradebook:
        grade = gradebook.find_grade(item, LESSON, LESSON, learner)
        grade.manual_score, grade.extra_credit = score, extra
        grade.needs_manual_grade = score is None and grade.auto_score is None
        gradebook.db.commit()


def comment(folder: Path, learner: str, cell: str, text: str) -> None:
    """What formgrader does when a comment is typed."""
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "vae_tutorial") as gradebook:
        gradebook.find_comment(cell, LESSON, LESSON, learner).manual_comment = text
        gradebook.db.commit()


GRADES = """
select student_id, base_cell.name, auto_score, manual_score, extra_credit, needs_manual_grade
from grade join base_cell on base_cell.id = cell_id join submitted_notebook on submitted_notebook.id = grade.notebook_id
join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
"""


def grades(folder: Path) -> dict[tuple[str, str], tuple]:
    """By learner and item: auto score, manual score, extra credit, whether it needs a mark."""
    rows = sql(folder, GRADES)
    found = {(learner, item): (auto, manual, extra, bool(needs)) for learner, item, auto, manual, extra, needs in rows}
    assert len(found) == len(rows)
    return found
