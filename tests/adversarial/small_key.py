"""A small exercise that needs no PyTorch, answers to it, and one judgement with what must hold of every judgement.

Ten points are checked and two marked by hand. Of the wrong answers `double` alone is right: an honest 2 points.
"""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vae_tutorial.grading.book.autograded import autograded
from vae_tutorial.grading.judging.key import Key
from vae_tutorial.grading.judging.marking import Settings, mark
from vae_tutorial.grading.records import Submission, Verdict
from vae_tutorial.grading.reports.feedback import feedback_page

Notebook = dict[str, Any]
ROOT = Path(__file__).parents[2]
ASSIGNMENT = "small"
HONEST, ALL = 2.0, 10.0
SECRETS = ("48611", "27183", "61803", "14142")  # digits that stand in hidden checks alone, as inputs or as truths
MOST_OF_A_VERDICT = 300_000  # characters

BLANK = {
    "double": "def double(x):\n    pass",
    "mean": "def mean(xs):\n    pass",
    "answer": "answer = None",
    "step": "def step(total, x):\n    pass",
}
RIGHT = {
    "double": "def double(x):\n    return 2 * x",
    "mean": "def mean(xs):\n    return math.fsum(xs) / len(xs)",
    "answer": "answer = 6 * 7",
    "step": "def step(total, x):\n    return total + double(x)",
}
WRONG = {
    "double": RIGHT["double"],
    "mean": "def mean(xs):\n    return math.fsum(xs)",
    "answer": "answer = 41",
    "step": "def step(total, x):\n    return total + x",
}
CHECKS = {
    "double-checks": (
        2,
        'assert double(4) == 8, f"double(4) has to be 8, and is {double(4)}"',
        "assert double(48611.5) == 97223.0",
        "",
    ),
    "mean-checks": (
        3,
        "earned = 0.0\nif abs(mean([1, 2, 6]) - 3) <= 1e-9:\n    earned += 1",
        "if abs(mean([27183.0, 27185.0]) - 27184) <= 1e-9 and abs(mean([-4.0]) + 4) <= 1e-9:\n    earned += 2",
        "earned",
    ),
    "answer-checks": (1, 'assert answer == 42, f"six times seven is not {answer}"', "", ""),
    "step-checks": (
        4,
        'assert run_steps([1, 2, 3]) == 12, "three steps from 0 lead to 12"',
        "assert run_steps([61803, 14142]) == 151890",
        "",
    ),
}
GIVEN = "def run_steps(xs):\n    total = 0\n    for x in xs:\n        total = step(total, x)\n    return total"
STUB = "*Your answer here.*"


def nbgrader(grade_id: str, *, points: float | None = None, solution: bool = False, locked: bool = True) -> Notebook:
    about = {"grade": points is not None, "grade_id": grade_id, "locked": locked, "schema_version": 3}
    about |= {"solution": solution, "task": False}
    return {"nbgrader": about if points is None else about | {"points": points}}


def code(source: str, id: str, metadata: Notebook | None = None) -> Notebook:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": id,
        "metadata": metadata or {},
        "outputs": [],
        "source": source,
    }


def text(source: str, id: str, metadata: Notebook | None = None) -> Notebook:
    return {"cell_type": "markdown", "id": id, "metadata": metadata or {}, "source": source}


def checks(grade_id: str, *, key: bool) -> Notebook:
    points, seen, hidden, last = CHECKS[grade_id]
    region = ["### BEGIN HIDDEN TESTS", hidden, "### END HIDDEN TESTS"] if key and hidden else []
    source = "\n".join(part for part in (seen, *region, last) if part)
    return code(source, grade_id, nbgrader(grade_id, points=points))


def notebook(answers: Mapping[str, str], words: str = STUB, *, key: bool = False) -> Notebook:
    """The exercise with these answers; as the key with its hidden checks."""

    def answer(name: str) -> Notebook:
        if not key:
            return code(answers[name], name, nbgrader(name, solution=True, locked=False))
        source = f"{BLANK[name]}\n### BEGIN SOLUTION\n{answers[name]}\n### END SOLUTION"
        return code(source, name, nbgrader(name, solution=True, locked=False))

    cells = [text("# Small", "title"), code("import math", "imports")]
    for number, name in enumerate(answers, 1):
        cells += [text(f"## {number}. About {name} (some points)", f"{name}-task"), answer(name)]
        if name == "step":
            cells.append(code(GIVEN, "given", nbgrader("given")))
        cells.append(checks(f"{name}-checks", key=key))
    cells.append(text("## 5. In words", "words-task"))
    cells.append(text(words, "words", nbgrader("words", points=2, solution=True, locked=False)))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


KEY = Key(ASSIGNMENT, json.dumps(notebook(RIGHT, "Because it is.", key=True)).encode())


def cell(content: Notebook, id: str) -> Notebook:
    return next(cell for cell in content["cells"] if cell["id"] == id)


def with_code(content: Notebook, source: str, behind: str = "imports") -> Notebook:
    """The notebook with one more cell of code."""
    content = copy.deepcopy(content)
    at = [each["id"] for each in content["cells"]].index(behind)
    content["cells"].insert(at + 1, code(source, f"more-{len(content['cells'])}"))
    return content


def answered(base: Mapping[str, str], **answers: str) -> Notebook:
    return notebook({**base, **answers})


def judged(
    content: Notebook | bytes,
    files: Mapping[str, bytes] | None = None,
    *,
    key: Key = KEY,
    learner: str = "a",
    settings: Settings = Settings(),  # noqa: B008
) -> Verdict:
    """The verdict, of which all that holds for every submission has been seen to hold."""
    handed_in = content if isinstance(content, bytes) else json.dumps(content).encode()
    verdict = mark(key, Submission(learner, key.assignment, handed_in, files or {}), settings)
    assert [each.id for each in verdict.marks] == [item.id for item in key.items]
    assert all(each.points is None or 0 <= each.points <= each.most for each in verdict.marks)
    told = verdict.to_json()
    assert len(told) < MOST_OF_A_VERDICT, f"{len(told)} characters"
    assert Verdict.from_json(told) == verdict
    page = feedback_page(verdict)
    page.encode()
    assert "<script" not in page
    if key is KEY:
        assert not [secret for secret in SECRETS if secret in told or secret in page], told
    autograded(handed_in, key.notebook, verdict)
    return verdict


def earned(verdict: Verdict) -> dict[str, float | None]:
    return {each.id.removesuffix("-checks"): each.points for each in verdict.marks if not each.by_hand}


def said(verdict: Verdict) -> str:
    """All that a learner or a marker reads."""
    lines = [line.text for each in verdict.marks for line in each.lines]
    return "\n".join([*lines, *(each.reason for each in verdict.marks), *verdict.remarks])
