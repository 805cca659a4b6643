"""Run an exercise's graded part in this process: its given code, answers and checks, without the cells to look at."""

import ast
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from vae_tutorial.checks import Points

ROOT = Path(__file__).parents[1]
SOLUTIONS, EXERCISES = ROOT / "solutions", ROOT / "exercises"
LESSONS = sorted(path.name for path in SOLUTIONS.iterdir())
FIRST = ("imports", "variant")


class Run:
    """One notebook, all of its graded part run from top to bottom: `points` of each graded cell by task."""

    def __init__(self, folder: Path, lesson: str, learner: str = ""):
        notebook = nbformat.read(folder / lesson / f"{lesson}.ipynb", as_version=4)
        self.names: dict[str, Any] = {"__name__": "exercise"}
        self.graded: dict[str, str] = {}
        self.points: dict[str, Points] = {}
        for cell in notebook.cells:
            about = cell.metadata.get("nbgrader", {})
            if cell.cell_type != "code" or not (about or cell.id in FIRST):
                continue
            source = python(cell.source)
            if cell.id == "variant" and learner:
                source = source.replace(f'"{lesson}"', f'"{lesson}", learner={learner!r}')
            value = execute(source, self.names)
            if about.get("grade"):
                task = about["grade_id"].removesuffix("-checks")
                self.graded[task], self.points[task] = source, value

    def regrade(self, task: str, **answers: Any) -> Points:
        """The points of one task with other answers in the place of the notebook's."""
        with replaced(self.names, answers):
            return execute(self.graded[task], self.names)


def python(source: str) -> str:
    """A cell without its magics."""
    return "\n".join(line for line in source.splitlines() if not line.startswith("%"))


def execute(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, if that is an expression."""
    body = ast.parse(source).body
    last = ast.Expression(body.pop().value) if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
    return eval(compile(last, "<cell>", "eval"), names) if last else None


@contextmanager
def replaced(names: dict[str, Any], others: dict[str, Any]) -> Iterator[None]:
    before = copy.copy(names)
    names.update(others)
    try:
        yield
    finally:
        names.clear()
        names.update(before)
