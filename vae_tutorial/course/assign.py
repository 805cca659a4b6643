"""Exercises in the variant of one learner, as files to hand out."""

import json
from pathlib import Path
from typing import Any

from vae_tutorial.course.exercise import Exercise

EXERCISES = Path(__file__).parents[2] / "exercises"


def exercises() -> list[str]:
    """The lessons that have an exercise, in order; none outside a checkout."""
    return sorted(path.name for path in EXERCISES.glob("*/")) if EXERCISES.is_dir() else []


def assign(lesson: str, learner: str, folder: Path) -> Path:
    """Write the exercise of `lesson` for `learner` as folder/learner/lesson/lesson.ipynb; returns the path.

    The same key grades it: checks compute what is right from the variant, and the variant from the learner. A file
    that is there may hold the learner's work, so it is left alone: FileExistsError. Raises ValueError for an unknown
    lesson or a learner that cannot name a folder, FileNotFoundError outside a checkout, which alone has exercises.
    """
    Exercise(lesson)
    check_learner(learner)
    source = EXERCISES / lesson / f"{lesson}.ipynb"
    if not source.is_file():
        raise FileNotFoundError(f"exercises belong to a checkout of the course: there is no {source}")
    path = folder / learner / lesson / source.name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(assigned(source.read_text(encoding="utf-8"), lesson, learner))
    return path


def assigned(notebook: str, lesson: str, learner: str) -> str:
    """The text of a notebook whose variant cell names the learner."""
    content: dict[str, Any] = json.loads(notebook)
    cell = next(cell for cell in content["cells"] if "variant" in cell["metadata"].get("tags", []))
    plain, named = f'Exercise("{lesson}")', f'Exercise("{lesson}", learner={json.dumps(learner, ensure_ascii=False)})'
    cell["source"] = [line.replace(plain, named) for line in cell["source"]]
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def check_learner(learner: str) -> None:
    """Raise ValueError unless `learner` is a word that can name a folder on every system."""
    if not learner or learner.strip(" .") != learner or any(c in '/\\:*?"<>|' or ord(c) < 32 for c in learner):
        raise ValueError(f"learner must be a text that can name a folder, got {learner!r}")
