"""What belongs to a lesson beside its notebook: questions, hints and variants, one TOML file for each lesson."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from vae_tutorial.arguments import check_choice

FOLDER = Path(__file__).parent
LESSONS = tuple(sorted(path.stem for path in FOLDER.glob("[0-9]*.toml")))


@cache
def read(lesson: str) -> dict[str, Any]:
    """The tables of one lesson's file, as TOML has them. Raises ValueError for a lesson without one."""
    check_choice(lesson, LESSONS, name="lesson")
    return tomllib.loads((FOLDER / f"{lesson}.toml").read_text(encoding="utf-8"))
