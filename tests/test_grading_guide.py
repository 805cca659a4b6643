"""The instructor's guide stays true: its commands, its links, its pictures, its columns, its class."""

import argparse
import re
import shlex
from pathlib import Path

import pytest
from made_class import LESSON, class_of_twelve, write

from vae_tutorial import cli
from vae_tutorial.grading.grade import read_key
from vae_tutorial.grading.intake.collect import collect
from vae_tutorial.grading.judging.marking import Settings, mark
from vae_tutorial.grading.records import Submission
from vae_tutorial.grading.reports.table import COLUMNS, LEGEND
from vae_tutorial.grading.session import SOLUTIONS

GUIDE = Path(__file__).parents[1] / "docs" / "grading.md"
TEXT = GUIDE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("vae-tutorial ")]
COMMANDS += re.findall(r"`(vae-tutorial \w+ [^`]+)`", TEXT)
LARGEST = 150_000  # bytes of a picture
# What the table of the guide's section 4 says of a sample; each costs seconds, and j the time limit.
POINTS = {"b": 14, "c": 8, "h": 13, "i": 2, "k": 3, "l": 0}


class Parsed(Exception):  # noqa: N818
    """A command line was accepted."""


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS))
def test_its_commands_are_accepted(command, monkeypatch):
    parse = argparse.ArgumentParser.parse_args

    def stop(self, *given):
        parse(self, *given)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    with pytest.raises(Parsed):
        cli.main(shlex.split(command)[1:])


def test_it_has_every_sub_command_and_every_option_of_grade(capsys):
    with pytest.raises(SystemExit):
        cli.main(["grade", "--help"])
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    assert options <= set(re.findall(r"--[a-z]+", TEXT))
    assert {command.split()[1] for command in COMMANDS} >= {"doctor", "release", "assign", "grade"}


def test_its_options_are_those_of_grade(capsys):
    table = TEXT.partition("| Option |")[2].partition("\n\n")[0]
    with pytest.raises(SystemExit):
        cli.main(["grade", "--help"])
    known = capsys.readouterr().out
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    named = [option for row in rows for option in re.findall(r"`(-{1,2}[a-z]+)`", row)]
    assert len(named) > 6
    assert [option for option in named if option not in known] == []


def test_its_links_and_pictures_are_there():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if not link.startswith("https://")]
    assert len(links) >= 6
    assert [link for link in links if not (GUIDE.parent / link).exists()] == []
    pictures = [GUIDE.parent / link for link in links if link.endswith(".png")]
    assert len(pictures) == 3
    assert [picture.name for picture in pictures if picture.stat().st_size > LARGEST] == []


def test_its_columns_are_those_of_the_table_and_of_the_file():
    about = TEXT.partition("**In the CSV**")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"`(\w+)`", about.replace("the place of `points`", ""))) == COLUMNS
    assert LEGEND.split() == TEXT[TEXT.index("points: decided") :].split()[: len(LEGEND.split())]
    assert "learner     points   to mark        late   remarks" in TEXT


def test_it_names_no_place_of_a_machine():
    assert re.findall(r"(?:/home|/root|/tmp|/work|/usr/local)\S*", TEXT) == []


def test_its_class_is_the_same_every_time_and_in_every_layout(tmp_path):
    assert class_of_twelve() == class_of_twelve()
    write(tmp_path)
    folder, archive = collect(tmp_path / "submitted", LESSON), collect(tmp_path / "moodle.zip", LESSON)
    assert [one.learner for one in folder] == [one.learner for one in archive] == list("abcdefghijkl")
    assert [one.load().notebook for one in folder] == [one.load().notebook for one in archive]
    assert {one.handed_in[:10] for one in folder if one.learner != "f"} == {"2026-11-20"}
    with pytest.raises(FileExistsError):
        write(tmp_path)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([LESSON, "--due", "tomorrow"], "--due must be a time with its zone, as 2030-01-31T23:59+01:00, got tomorrow"),
        ([LESSON, "--due", "2026-11-20"], "--due must be a time with its zone"),
        (["01_autoencoder"], f"ASSIGNMENT must be of {LESSON}, 02_"),
        (["small", "--key", "none.ipynb"], "the key must be a solution's notebook, got none.ipynb"),
        ([LESSON, "--jobs", "0"], "--jobs must be a whole number"),
    ],
)
@pytest.mark.usefixtures("a_sandbox")
def test_what_cannot_be_ends_with_status_2_and_is_named(given, said, tmp_path, capsys):
    assert cli.main(["grade", *given, "--submissions", str(tmp_path), "-o", str(tmp_path / "grading")]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("learner", POINTS)
@pytest.mark.usefixtures("a_sandbox")
def test_each_of_its_class_gets_the_points_it_says(learner):
    key = read_key(LESSON, SOLUTIONS / LESSON / f"{LESSON}.ipynb")
    _, text, _ = class_of_twelve()[learner]
    verdict = mark(key, Submission(learner, LESSON, text.encode()), Settings(assigned=True))
    assert verdict.points == POINTS[learner], verdict.marks
    shown = re.search(rf"^{learner} +(\d+) / 17", TEXT, re.MULTILINE)
    assert shown is not None
    assert int(shown[1]) == POINTS[learner]
