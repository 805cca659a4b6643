"""A learner's answers to the set that is asked before and after the course, as a JSON file."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vae_tutorial.course.questions import SET, before_and_after, version_of_set

BEFORE, AFTER = RECORDS = ("before.json", "after.json")
KEYS = ("set", "version", "time", "answers")
LARGEST = 100_000  # bytes of a file that is read


@dataclass(frozen=True)
class Record:
    """Answers by the question's id, those not answered left out; `time` is ISO 8601. Raises ValueError if unusable."""

    answers: dict[str, Any]
    time: str

    def __post_init__(self) -> None:
        known = {question.id: question for question in before_and_after()}
        if not isinstance(self.answers, dict):
            raise ValueError(f"answers must be by id, got a {type(self.answers).__name__}")
        for id, answer in self.answers.items():
            if id not in known:
                raise ValueError(f"answers must be to questions of {SET}, got one to {id[:60]!r}")
            known[id].check(answer)
        try:
            datetime.fromisoformat(self.time)
        except (TypeError, ValueError):
            raise ValueError(f"time must be a time in ISO 8601, got {str(self.time)[:60]!r}") from None

    def right(self) -> dict[str, bool]:
        """For every question of the set whether it was answered rightly."""
        return {
            question.id: question.id in self.answers and question.is_right(self.answers[question.id])
            for question in before_and_after()
        }

    def write(self, path: Path) -> None:
        """Put the record in the place of what is at `path`; the file is never seen half-written."""
        content = {"set": SET, "version": version_of_set(), "time": self.time, "answers": self.answers}
        partial = path.with_name(f"{path.name}.partial")
        try:
            partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def now() -> str:
    """The time as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_record(path: Path) -> Record:
    """The record at `path`. Raises ValueError, naming the file and the reason, for one that cannot be used."""
    try:
        return _read(path)
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ValueError(f"{path}: {reason}") from error


def _read(path: Path) -> Record:
    if not path.is_file():
        raise ValueError("it is no file")
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"it must have at most {LARGEST:,} bytes, it has {size:,}")
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or set(content) != set(KEYS):
        raise ValueError(f"it must hold {', '.join(KEYS)}, nothing else")
    if (content["set"], content["version"]) != (SET, version_of_set()):
        raise ValueError(f"it holds answers to another set, or to another version of {SET}")
    return Record(content["answers"], content["time"])
