"""The concept questions of a lesson, read strictly: a mistake in a file is an error that names file and question."""

import hashlib
import re
import tomllib
from collections.abc import Collection
from functools import cache
from typing import Any

from vae_tutorial.arguments import check_choice
from vae_tutorial.course.question import Choice, ChoiceQuestion, NumberQuestion, Question, Slip, is_number
from vae_tutorial.course.reading import FOLDER, read

PLACES = ("lesson", "exercise")
SET = "before_and_after"
KINDS = {
    "single": ("choices",),
    "multiple": ("choices",),
    "numeric": ("answer", "tolerance", "unit", "feedback", "otherwise"),
}
KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FEWEST, MOST = 2, 6  # choices


def questions(lesson: str, where: str = "lesson") -> tuple[Question, ...]:
    """The questions that stand in the lesson's notebook ("lesson") or in its exercise ("exercise"), none or more.

    Raises ValueError for an unknown lesson or place, and for any mistake in the lesson's file.
    """
    check_choice(where, PLACES, name="where")
    try:
        tables = read(lesson)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{lesson}.toml must be TOML: {error}") from error
    return tuple(question for question in parse(tables, f"{lesson}.toml", PLACES) if question.where == where)


@cache
def before_and_after() -> tuple[Question, ...]:
    """The set that learners answer twice, before the course and after it. Raises ValueError as `questions`."""
    text = (FOLDER / f"{SET}.toml").read_text(encoding="utf-8")
    return parse(tomllib.loads(text), f"{SET}.toml")


@cache
def version_of_set() -> str:
    """SHA-256 of the file of `before_and_after`: answers to another one cannot be compared."""
    return hashlib.sha256((FOLDER / f"{SET}.toml").read_bytes()).hexdigest()


def parse(tables: dict[str, Any], file: str, places: Collection[str] = ()) -> tuple[Question, ...]:
    """The questions in a file's tables; each must say `where` it stands if there are `places` to choose from."""
    accepted = ("questions", "hints", "variant") if places else ("questions",)
    _check_keys(tables, (), accepted, file)
    listed = _tables(tables, "questions", file) if "questions" in tables else []
    found = tuple(
        _question(table, f"{file}, question {table.get('id', i)!r}", places) for i, table in enumerate(listed, start=1)
    )
    ids = [question.id for question in found]
    for id in ids:
        if ids.count(id) > 1:
            raise ValueError(f"{file}, question {id!r}: id must be unique in the file, it stands {ids.count(id)} times")
    return found


def _question(table: dict[str, Any], name: str, places: Collection[str]) -> Question:
    kind = _one_of(table, "kind", KINDS, name)
    required = ("id", "kind", "text", *(("where",) if places else ()), *KINDS[kind])
    _check_keys(table, required, (*required, *(("slips",) if kind == "numeric" else ())), name)
    if not (isinstance(table["id"], str) and KEBAB.fullmatch(table["id"])):
        raise ValueError(f"{name}: id must be words of a-z and 0-9 joined by hyphens, got {table['id']!r}")
    where = _one_of(table, "where", places, name) if places else ""
    text = _text(table, "text", name)
    if kind == "numeric":
        return _number_question(table, name, text, where)
    choices = _choices(table, name)
    count = sum(choice.right for choice in choices)
    if count == 0 or (kind == "single" and count > 1):
        raise ValueError(f"{name}: choices must have {'1' if kind == 'single' else '1 or more'} right, got {count}")
    return ChoiceQuestion(table["id"], text, choices, kind == "multiple", where)


def _choices(table: dict[str, Any], name: str) -> tuple[Choice, ...]:
    listed = _tables(table, "choices", name)
    if not FEWEST <= len(listed) <= MOST:
        raise ValueError(f"{name}: choices must be {FEWEST} to {MOST}, got {len(listed)}")
    choices = tuple(_choice(entry, f"{name}, choice {i}") for i, entry in enumerate(listed, start=1))
    if len({choice.text for choice in choices}) < len(choices):
        raise ValueError(f"{name}: choices must have different texts")
    return choices


def _choice(table: dict[str, Any], name: str) -> Choice:
    _check_keys(table, ("text", "feedback"), ("text", "feedback", "right"), name)
    right = table.get("right", False)
    if not isinstance(right, bool):
        raise ValueError(f"{name}: right must be true or false, got {right!r}")
    return Choice(_text(table, "text", name), _text(table, "feedback", name), right)


def _number_question(table: dict[str, Any], name: str, text: str, where: str) -> NumberQuestion:
    answer, tolerance = (_number(table, key, name) for key in ("answer", "tolerance"))
    if tolerance < 0:
        raise ValueError(f"{name}: tolerance must be a number of at least 0, got {tolerance}")
    if not isinstance(table["unit"], str):
        raise ValueError(f'{name}: unit must be a text, "" for none, got {table["unit"]!r}')
    slips = []
    for i, entry in enumerate(_tables(table, "slips", name) if "slips" in table else [], start=1):
        _check_keys(entry, ("value", "feedback"), ("value", "feedback"), f"{name}, slip {i}")
        slips.append(Slip(_number(entry, "value", f"{name}, slip {i}"), _text(entry, "feedback", f"{name}, slip {i}")))
    said = _text(table, "feedback", name), _text(table, "otherwise", name)
    question = NumberQuestion(table["id"], text, answer, tolerance, table["unit"], *said, tuple(slips), where)
    for i, slip in enumerate(slips):
        for value in (answer, *(other.value for other in slips[:i])):
            if question.near(slip.value, value):
                accepted = f"further than the tolerance of {tolerance} from the answer and from other slips"
                raise ValueError(
                    f"{name}, slip {i + 1}: value must lie {accepted}, got {slip.value}, as near as {value}"
                )
    return question


def _check_keys(table: dict[str, Any], required: Collection[str], accepted: Collection[str], name: str) -> None:
    for key in table:
        if key not in accepted:
            raise ValueError(f"{name} may have {', '.join(accepted)}, got {key!r}")
    for key in required:
        if key not in table:
            raise ValueError(f"{name} must have {', '.join(required)}, {key!r} is missing")


def _tables(table: dict[str, Any], key: str, name: str) -> list[dict[str, Any]]:
    listed = table[key]
    if not (isinstance(listed, list) and all(isinstance(entry, dict) for entry in listed)):
        raise ValueError(f"{name}: {key} must be tables, each under [[...{key}]], got {listed!r}")
    return listed


def _one_of(table: dict[str, Any], key: str, accepted: Collection[str], name: str) -> str:
    value = table.get(key)
    if not (isinstance(value, str) and value in accepted):
        raise ValueError(f"{name}: {key} must be one of {', '.join(accepted)}, got {value!r}")
    return value


def _text(table: dict[str, Any], key: str, name: str) -> str:
    value = table[key]
    if not (isinstance(value, str) and value.strip()):
        raise ValueError(f"{name}: {key} must be a text that is not empty, got {value!r}")
    if value.count("`") % 2:
        raise ValueError(f"{name}: {key} must close each backtick that it opens, got {value!r}")
    return value


def _number(table: dict[str, Any], key: str, name: str) -> float:
    if not is_number(table[key]):
        raise ValueError(f"{name}: {key} must be a finite number, got {table[key]!r}")
    return float(table[key])
