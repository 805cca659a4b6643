"""An exercise as its first cell names it: the learner's variant, hints that open step by step, files that fit."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import nbformat
import pytest
from exercise_runs import LESSONS, SOLUTIONS
from IPython.core.formatters import DisplayFormatter

from vae_tutorial.course import Exercise, reading
from vae_tutorial.course.hints import LOG

LESSON = "01_autoencoder_to_vae"
LEARNERS = [f"learner {i}" for i in range(400)]
OFFER = re.compile(r'exercise\.hint\("([\w-]+)", 1\)`(?: (?:to|and) (\d+))?')
TABLES = {lesson: reading.read(lesson) for lesson in LESSONS}


def cells(lesson):
    return nbformat.read(SOLUTIONS / lesson / f"{lesson}.ipynb", as_version=4).cells


@pytest.fixture
def two_hints(monkeypatch):
    tables = {"hints": {"kl": ["first", "second <b>"]}, "variant": {"size": [1, 2, 3]}}
    monkeypatch.setattr("vae_tutorial.course.exercise.read", lambda lesson: tables)
    return Exercise(LESSON)


# Variants


def test_no_learner_has_the_first_option_of_everything():
    mine = vars(Exercise(LESSON).variant)
    assert mine == {"seed": 0} | {name: options[0] for name, options in TABLES[LESSON]["variant"].items()}


def test_a_lesson_without_variants_has_a_seed():
    assert "variant" not in reading.read("00_start_here")
    assert vars(Exercise("00_start_here").variant) == {"seed": 0}
    assert 0 < Exercise("00_start_here", learner="a").variant.seed < 10_000


def test_a_learner_has_one_variant_on_every_machine_and_in_every_session():
    code = f"from vae_tutorial.course import Exercise; print(vars(Exercise({LESSON!r}, 'Zoë 7').variant))"
    seen = set()
    for hash_seed in ("1", "2"):  # of Python's own hash, which differs between sessions
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-c", code]
        seen.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip())
    assert seen == {str(vars(Exercise(LESSON, learner="Zoë 7").variant))}


@pytest.mark.parametrize("lesson", LESSONS)
def test_learners_spread_evenly_over_the_options(lesson):
    variants = [vars(Exercise(lesson, learner=learner).variant) for learner in LEARNERS]
    for name, options in TABLES[lesson].get("variant", {}).items():
        counts = Counter(str(variant[name]) for variant in variants)
        for option, times in Counter(map(str, options)).items():  # an option that stands twice is drawn twice as often
            share = times / len(options)
            error = (len(LEARNERS) * share * (1 - share)) ** 0.5
            assert abs(counts.pop(option) - len(LEARNERS) * share) <= 4 * error, (name, option)
        assert not counts
    seeds = [variant["seed"] for variant in variants]
    assert all(0 <= seed < 10_000 for seed in seeds)
    assert len(set(seeds)) > 0.95 * len(seeds)


def test_options_are_drawn_by_themselves_and_anew_in_each_lesson(monkeypatch):
    """The choice of one thing tells nothing of the choice of another: all pairs of options are met equally often."""
    monkeypatch.setattr("vae_tutorial.course.exercise.read", lambda lesson: {"variant": {"a": [0, 1], "b": [0, 1]}})
    pairs = Counter()
    for learner in LEARNERS:
        here, there = (Exercise(lesson, learner=learner).variant for lesson in LESSONS[:2])
        pairs["in one lesson", here.a, here.b] += 1
        pairs["in two lessons", here.a, there.a] += 1
    assert len(pairs) == 8
    assert all(abs(count - 100) <= 4 * (400 * 0.25 * 0.75) ** 0.5 for count in pairs.values()), pairs


@pytest.mark.parametrize("lesson", LESSONS)
def test_what_the_exercise_takes_from_its_variant_is_there(lesson):
    used = {name for cell in cells(lesson) for name in re.findall(r"\bmine\.(\w+)", cell.source)}
    assert used
    assert used <= {"seed", *TABLES[lesson].get("variant", {})}


def test_an_unknown_lesson_is_refused_by_name():
    with pytest.raises(ValueError, match=r"lesson must be one of 00_start_here, 01_.*, got '99_nothing'"):
        Exercise("99_nothing")


# Hints


def test_hints_open_step_by_step_and_say_how_many_there_are(two_hints):
    assert str(two_hints.hint("kl")) == "Hint 1 of 2: first"
    assert str(two_hints.hint("kl", 2)) == "Hint 1 of 2: first\nHint 2 of 2: second <b>"


@pytest.mark.parametrize(
    ("item", "step", "error", "words"),
    [
        ("elbo", 1, ValueError, "item must be one of kl, got 'elbo'"),
        (3, 1, ValueError, "item must be one of kl, got 3"),
        ("kl", 0, ValueError, "step must be a whole number of at least 1, got 0"),
        ("kl", 3, ValueError, "step must be a whole number from 1 to 2 for 'kl', got 3"),
        ("kl", 1.0, TypeError, "step must be a whole number of at least 1, got 1.0"),
        ("kl", True, TypeError, "step must be a whole number of at least 1, got True"),
    ],
)
@pytest.mark.usefixtures("plain")
def test_a_hint_that_there_is_not_is_refused_by_name(two_hints, item, step, error, words):
    with pytest.raises(error) as raised:
        two_hints.hint(item, step)
    assert str(raised.value) == words


def test_a_lesson_without_hints_says_so():
    with pytest.raises(ValueError, match="item must be one of , got 'kl'"):
        Exercise("00_start_here").hint("kl")


def test_a_hint_is_shown_and_stays_in_the_notebook_with_its_time(two_hints):
    before = datetime.now(UTC) - timedelta(seconds=1)
    data, _ = DisplayFormatter().format(two_hints.hint("kl", 2))
    opened = datetime.fromisoformat(data[LOG].pop("opened"))
    assert before <= opened <= datetime.now(UTC)
    assert data[LOG] == {"lesson": LESSON, "item": "kl", "steps": 2}
    assert two_hints.hint("kl")._repr_mimebundle_()[LOG]["steps"] == 1
    assert data["text/plain"] == str(two_hints.hint("kl", 2))
    assert data["text/markdown"] == "- **Hint 1 of 2.** first\n- **Hint 2 of 2.** second <b>"
    output = nbformat.v4.new_output("execute_result", data, execution_count=1)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("hint", outputs=[output])])
    assert json.loads(nbformat.writes(notebook))["cells"][0]["outputs"][0]["data"][LOG]["item"] == "kl"
    nbformat.validate(notebook)


# The files of the course


@pytest.mark.parametrize("lesson", LESSONS)
def test_hints_have_one_to_three_steps(lesson):
    for item, steps in TABLES[lesson]["hints"].items():
        assert 1 <= len(steps) <= 3, item
        assert all(isinstance(step, str) and step.strip() for step in steps), item
        assert all(step.count("`") % 2 == 0 for step in steps), item


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_task_tells_of_all_its_hints_and_of_none_else(lesson):
    offered = {}
    for cell in cells(lesson):
        if cell.cell_type == "markdown" and cell.id.endswith("-task"):
            offered |= {item: int(last or 1) for item, last in OFFER.findall(cell.source)}
    assert offered == {item: len(steps) for item, steps in TABLES[lesson]["hints"].items()}
    elsewhere = {item for cell in cells(lesson) for item, _ in OFFER.findall(cell.source)}
    assert elsewhere <= set(offered)
