"""Measured numbers in README.md, in the lessons' prose and in exercises: each stands as stored measurements give it.

No kernel, no training: rows of results/*.json and benchmarks/*.json, and outputs stored in the notebooks.
"""

from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from quoted import exercises
from quoted.quotes import Quote, says
from quoted.sources import ROOT, Rows, finding
from quoted.texts import Text, lesson, line_of, names, readme

MODULES = sorted(path.stem for path in (Path(__file__).parent / "quoted").glob("*.py"))
LESSONS = [name for name in MODULES if name.startswith("lesson_")]
EXERCISES = sorted(name for name in vars(exercises) if name.startswith("exercise_"))
NOTEBOOKS = [*LESSONS, *EXERCISES]
README = ["readme", "benchmarks"]


@cache
def quotes(name: str) -> list[Quote]:
    return list(getattr(exercises, name)() if name in EXERCISES else import_module(f"quoted.{name}").quotes())


def path_of(name: str) -> str:
    kind, number = name.split("_")
    (path,) = ROOT.glob(f"notebooks/{number}_*.ipynb" if kind == "lesson" else f"solutions/{number}_*/*.ipynb")
    return path.relative_to(ROOT).as_posix()


def text_of(name: str) -> Text:
    return readme() if name in README else lesson(path_of(name))


def unsettled(text: Text, quoted: list[Quote]) -> list[str]:
    settled = set()
    for quote in quoted:
        for place in text.places(quote.text):
            settled |= {at for start, end in quote.settled for at in range(place + start, place + end)}
    return text.unsettled(settled)


def test_every_notebook_with_numbers_has_its_list_of_quotes():
    paths = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("solutions/*/*.ipynb")]
    held = {path for path in (path.relative_to(ROOT).as_posix() for path in paths) if lesson(path).unsettled(set())}
    assert held == set(map(path_of, NOTEBOOKS))


@pytest.mark.parametrize("name", [*NOTEBOOKS, *README])
def test_a_quote_stands_in_its_text_with_the_numbers_that_were_measured(name):
    text = text_of(name)
    missing = [quote.text for quote in quotes(name) if not text.places(quote.text)]
    assert not missing, "as measured it would read like this, which does not stand there"


@pytest.mark.parametrize("name", [*NOTEBOOKS, *README])
def test_what_is_claimed_without_a_digit_to_compare_holds(name):
    assert [quote.text for quote in quotes(name) if not quote.holds] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_lesson_names_the_command_of_every_finding_that_it_or_its_exercise_quotes(name):
    commands = {quote.command for quote in quotes(name) if quote.command}
    lesson_of = path_of(name.replace("exercise", "lesson"))
    known = readme().plain if name in EXERCISES else ""  # the capstone's, which no lesson reads
    assert [command for command in commands if not names(lesson_of, command) and command not in known] == []


@pytest.mark.parametrize("name", README)
def test_a_line_of_the_readme_names_the_command_that_repeats_it(name):
    for quote in quotes(name):
        assert f"`{quote.command}`" in line_of(quote.text), quote.text


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_number_in_a_lesson_or_an_exercise_is_without_a_source(name):
    assert unsettled(text_of(name), quotes(name)) == []


def test_no_number_in_the_readmes_table_is_without_a_source():
    assert unsettled(readme(), [quote for name in README for quote in quotes(name)]) == []


# The test itself


@pytest.mark.parametrize("name", [*NOTEBOOKS, "readme"])
def test_any_changed_digit_would_be_noticed(name):
    text = text_of(name)
    quoted = [quote for known in (README if name in README else [name]) for quote in quotes(known)]
    for number in text.number.finditer(text.open):
        last = max(at for at in range(*number.span()) if text.open[at].isdigit())
        changed = text.with_digit(last, (int(text.plain[last]) + 3) % 10)
        gone = any(not changed.places(quote.text) for quote in quoted)
        assert gone or unsettled(changed, quoted), number[0]


def test_another_measurement_asks_for_another_text():
    rows = finding("classic").where(schedule="constant")
    quote = rows.says("−ELBO {} nats", rows.said("minus_elbo"))
    (row,) = rows.rows
    other = Rows((row | {"minus_elbo": row["minus_elbo"] + 0.1},), rows.command, rows.settings)
    assert readme().places(quote.text)
    assert not readme().places(rows.says("−ELBO {} nats", other.said("minus_elbo")).text)


def test_a_number_typed_into_a_template_settles_nothing():
    assert says("at [0.01] it costs {} nats, at 0.1 more", "27").settled == ((3, 7), (17, 19))
    text = lesson("notebooks/02_bce_vs_mse.ipynb")
    assert any(found.startswith("449: ") for found in unsettled(text, [says("it alone is 449 nats")]))
    assert not any(found.startswith("449: ") for found in unsettled(text, [says("it alone is {} nats", "449")]))


def test_fields_and_numbers_must_be_equally_many():
    with pytest.raises(ValueError, match="no field"):
        says("it costs 27 nats", "27")
    with pytest.raises(ValueError, match="more fields"):
        says("it costs {} nats")
