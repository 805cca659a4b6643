"""A class graded: nothing lost by a kill, nothing changed by a second run, marks by hand kept, on any executor."""

import csv
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from adversarial.small_key import ALL, ASSIGNMENT, HONEST, KEY, RIGHT, WRONG, notebook
from distributed import Client, LocalCluster

from vae_tutorial.grading import grade as grading
from vae_tutorial.grading.book.gradebook import Book
from vae_tutorial.grading.book.journal import Journal
from vae_tutorial.grading.grade import Outcome, grade, read_key
from vae_tutorial.grading.judging.marking import Settings, mark, unjudged
from vae_tutorial.grading.records import Submission, Verdict
from vae_tutorial.grading.sandbox import SandboxUnavailable
from vae_tutorial.sweep import cluster

pytestmark = pytest.mark.usefixtures("a_sandbox")

GRADE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from vae_tutorial.grading.grade import grade, read_key
print("ready", flush=True)
grade(read_key("small", Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]), ThreadPoolExecutor(2))
"""


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def hand_in(folder: Path, learner: str, content: Mapping | str, stamp: str = "") -> None:
    place = folder / learner / ASSIGNMENT
    place.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (place / f"{ASSIGNMENT}.ipynb").write_text(text)
    if stamp:
        (place / "timestamp.txt").write_text(stamp)


@pytest.fixture
def output(tmp_path: Path, empty_book: Path) -> Path:
    """The folder to grade into."""
    folder = tmp_path / "grading"
    folder.mkdir()
    shutil.copy(empty_book, folder)
    return folder


@pytest.fixture
def submitted(tmp_path: Path) -> Path:
    """Eight learners: five right, two wrong, one whose file is broken."""
    for learner in "abcde":
        hand_in(tmp_path / "submitted", learner, notebook(RIGHT, f"The words of {learner}."))
    for learner in "fg":
        hand_in(tmp_path / "submitted", learner, notebook(WRONG))
    hand_in(tmp_path / "submitted", "h", "{")
    return tmp_path / "submitted"


EXPECTED = {**dict.fromkeys("abcde", ALL), **dict.fromkeys("fg", HONEST), "h": 0.0}


def grades(output: Path) -> list[tuple]:
    """All that the gradebook knows of points, without ids and times of its own."""
    with sqlite3.connect(output / "gradebook.db") as book:
        return sorted(
            book.execute(
                "select s.id, c.name, g.auto_score, g.manual_score, g.needs_manual_grade from grade g"
                " join base_cell c on c.id = g.cell_id"
                " join submitted_notebook n on n.id = g.notebook_id"
                " join submitted_assignment a on a.id = n.assignment_id join student s on s.id = a.student_id"
            ),
            key=str,
        )


def points(outcome: Outcome) -> dict[str, float]:
    return {verdict.learner: verdict.points for verdict in outcome.verdicts}


def table(output: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((output / "small.csv").read_text().splitlines()))


def everything(output: Path) -> dict[str, bytes]:
    kept = (path for path in output.rglob("*") if path.is_file() and path.suffix not in (".db", ".lock"))
    return {str(path.relative_to(output)): path.read_bytes() for path in kept}


def test_a_class_gets_its_points_and_everybody_a_page(submitted, output, executor):
    outcome = grade(KEY, submitted, output, executor)
    assert points(outcome) == EXPECTED
    assert outcome.marked == 8
    assert outcome.failed == {}
    broken = next(verdict for verdict in outcome.verdicts if verdict.learner == "h")
    assert all(mark.needs_marking and "no notebook" in mark.reason for mark in broken.marks)
    for learner in EXPECTED:
        assert (output / "feedback" / learner / "small.html").is_file()
        assert (output / "autograded" / learner / "small" / "small.ipynb").is_file()
    rows = table(output)
    assert {row["learner"] for row in rows} == set(EXPECTED)
    words = {row["learner"]: (row["needs_marking"], row["reason"]) for row in rows if row["item"] == "words"}
    assert {words[learner][0] for learner in "abcdeh"} == {"yes"}
    assert {words[learner] for learner in "fg"} == {("no", "nothing was written")}
    assert "8 submissions" in (output / "small.html").read_text()


def test_a_second_run_marks_nothing_and_changes_nothing(submitted, output, executor, monkeypatch):
    grade(KEY, submitted, output, executor)
    before, book = everything(output), grades(output)
    monkeypatch.setattr(grading, "mark", lambda *args: pytest.fail("marked again"))
    again = grade(KEY, submitted, output, executor)
    assert (again.marked, points(again)) == (0, EXPECTED)
    assert everything(output) == before
    assert grades(output) == book


def test_what_was_handed_in_again_is_marked_again_and_the_old_verdict_is_kept(submitted, output, executor):
    grade(KEY, submitted, output, executor)
    hand_in(submitted, "f", notebook(RIGHT))
    outcome = grade(KEY, submitted, output, executor)
    assert (outcome.marked, points(outcome)) == (1, EXPECTED | {"f": ALL})
    with Journal(output / "verdicts" / "small.jsonl") as journal:
        kept = [(verdict.points, verdict.key) for verdict in journal.verdicts() if verdict.learner == "f"]
    assert kept == [(HONEST, KEY.version), (ALL, KEY.version)]


def test_another_key_marks_all_again_beside_the_old_verdicts(submitted, output, tmp_path, executor):
    grade(KEY, submitted, output, executor)
    changed = tmp_path / "changed.ipynb"
    changed.write_bytes(KEY.notebook.replace(b"== 42", b"== 41"))
    outcome = grade(read_key("small", changed), submitted, output, executor)
    assert outcome.marked == 8
    assert points(outcome) == {**dict.fromkeys("abcde", ALL - 1), **dict.fromkeys("fg", HONEST + 1), "h": 0.0}
    with Journal(output / "verdicts" / "small.jsonl") as journal:
        assert len({verdict.key for verdict in journal.verdicts()}) == 2
        assert len(journal.verdicts()) == 16


def test_marks_given_by_hand_survive_and_are_told(submitted, output, executor):
    grade(KEY, submitted, output, executor)
    with sqlite3.connect(output / "gradebook.db") as book:
        book.execute(
            "update grade set manual_score = 1.5, needs_manual_grade = 0 where cell_id ="
            " (select id from base_cell where name = 'words') and auto_score is null"
        )
    hand_in(submitted, "b", notebook(WRONG, "The words of b."))
    outcome = grade(KEY, submitted, output, executor)
    assert outcome.hand_marks == {learner: {"words": 1.5} for learner in "abcdeh"}
    rows = [row for row in table(output) if row["learner"] == "b"]
    assert [row["hand_mark"] for row in rows] == ["", "", "", "", "1.5"]
    assert next(verdict for verdict in outcome.verdicts if verdict.learner == "b").points == HONEST


def test_late_is_told_and_nothing_is_taken_off(submitted, output, executor):
    hand_in(submitted, "a", notebook(RIGHT), stamp="2030-01-31 23:00:30 UTC")
    hand_in(submitted, "b", notebook(RIGHT), stamp="2030-01-31 22:59:00 UTC")
    outcome = grade(KEY, submitted, output, executor, due="2030-02-01T00:00+01:00")
    late = {verdict.learner: verdict.late for verdict in outcome.verdicts if verdict.late}
    assert late == {"a": 30.0}
    assert points(outcome)["a"] == ALL
    with Book(output) as book:
        assert book.hand_marks("small") == {}
    with sqlite3.connect(output / "gradebook.db") as book:
        (due,) = book.execute("select duedate from assignment").fetchone()
    assert due.startswith("2030-01-31 23:00:00")


def test_a_killed_grading_goes_on_and_ends_with_the_same_gradebook(submitted, tmp_path, executor):
    key = tmp_path / "key.ipynb"
    key.write_bytes(KEY.notebook)
    whole, output = tmp_path / "whole", tmp_path / "killed"
    grade(KEY, submitted, whole, executor)
    command = [sys.executable, "-c", GRADE, str(key), str(submitted), str(output)]
    dice, journal = random.Random(0), output / "verdicts" / "small.jsonl"
    counts = []
    for least in (1, 3, 5):
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert run.stdout is not None
        run.stdout.readline()
        while run.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") >= least):
            time.sleep(0.01)
        time.sleep(dice.random() / 5)
        run.send_signal(signal.SIGKILL)
        run.wait()
        run.stdout.close()
        counts.append(journal.read_bytes().count(b"\n"))
    outcome = grade(KEY, submitted, output, executor)
    assert points(outcome) == EXPECTED
    assert outcome.marked == 8 - counts[-1] > 0, counts
    assert grades(output) == grades(whole)
    with Journal(journal) as kept:
        assert sorted(verdict.learner for verdict in kept.verdicts()) == sorted(EXPECTED), "none twice"
    judged = {name for name in everything(output) if name.startswith(("autograded", "feedback"))}
    assert judged == {name for name in everything(whole) if name.startswith(("autograded", "feedback"))}


class Failing(Executor):
    """Loses the calls for some learners, as a cluster does that has lost a worker too often."""

    def __init__(self, learners: str, executor: Executor):
        self.learners, self.executor = learners, executor

    def submit(self, function, key, submission, settings) -> Future[Verdict]:
        if submission.learner not in self.learners:
            return self.executor.submit(function, key, submission, settings)
        future: Future[Verdict] = Future()
        future.set_exception(RuntimeError("the worker is lost"))
        return future


def test_a_lost_call_is_told_by_name_and_tried_again_by_the_next_run(submitted, output, executor):
    outcome = grade(KEY, submitted, output, Failing("bf", executor))
    assert outcome.failed == dict.fromkeys("bf", "RuntimeError: the worker is lost")
    assert points(outcome) == EXPECTED | {"b": 0, "f": 0}
    outcome = grade(KEY, submitted, output, executor)
    assert (outcome.failed, points(outcome), outcome.marked) == ({}, EXPECTED, 2)


def test_two_gradings_of_one_folder_are_refused(submitted, output, executor):
    (output / "verdicts").mkdir()
    with (
        Journal(output / "verdicts" / "small.jsonl"),
        pytest.raises(ValueError, match="journal must be of one grading at a time"),
    ):
        grade(KEY, submitted, output, executor)


def test_a_folder_that_is_not_there_and_a_key_that_is_none_are_named(tmp_path, executor):
    with pytest.raises(ValueError, match="submissions must be a folder"):
        grade(KEY, tmp_path / "nothing", tmp_path / "grading", executor)
    with pytest.raises(ValueError, match="the key must be a solution's notebook"):
        read_key("small", tmp_path / "nothing.ipynb")
    assert Settings().version(KEY) != Settings(assigned=True).version(KEY)


def test_on_a_cluster_a_killed_worker_loses_and_doubles_nothing(submitted, output):
    journal = output / "verdicts" / "small.jsonl"
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as machines:
        with Client(machines.scheduler_address) as client:
            pids = list(client.run(os.getpid).values())

        def kill_half_way() -> None:
            while not (journal.exists() and journal.read_bytes().count(b"\n") >= 3):
                time.sleep(0.01)
            os.kill(pids[0], signal.SIGKILL)

        killer = Thread(target=kill_half_way)
        killer.start()
        with cluster(machines.scheduler_address) as workers:
            outcome = grade(KEY, submitted, output, workers)
        killer.join()
    assert (outcome.failed, points(outcome), outcome.marked) == ({}, EXPECTED, 8)
    with Journal(journal) as kept:
        assert sorted(verdict.learner for verdict in kept.verdicts()) == sorted(EXPECTED)


def test_learners_without_a_verdict_stand_in_the_table_too(submitted, output, executor):
    outcome = grade(KEY, submitted, output, Failing("b", executor))
    rows = [row for row in table(output) if row["learner"] == "b"]
    assert {row["reason"] for row in rows} == {"no verdict: RuntimeError: the worker is lost"}
    assert {row["needs_marking"] for row in rows} == {"yes"}
    assert [verdict.learner for verdict in outcome.verdicts] == list("abcdefgh")
    assert "no verdict" in (output / "feedback" / "b" / "small.html").read_text()
    with Journal(output / "verdicts" / "small.jsonl") as journal:
        assert "b" not in journal.latest()


def test_what_could_not_be_judged_is_tried_again_once(submitted, output, executor, monkeypatch):
    undecided = unjudged(KEY, Submission("a", "small", json.dumps(notebook(RIGHT)).encode()), Settings(), "crowded")
    calls = []

    def trying(key, submission, settings):
        calls.append(submission.learner)
        return replace(undecided, learner=submission.learner, submission=submission.sha256)

    monkeypatch.setattr(grading, "mark", trying)
    for marked in (8, 8, 0):
        assert grade(KEY, submitted, output, executor).marked == marked
    assert sorted(calls) == sorted("abcdefgh" * 2)


def test_three_machines_without_a_sandbox_end_it_and_one_does_not(submitted, output, executor, monkeypatch):
    tries = iter("nynnn")

    def marking(key, submission, settings):
        if next(tries) == "n":
            raise SandboxUnavailable("bubblewrap does not work here")
        return mark(key, submission, settings)

    monkeypatch.setattr(grading, "mark", marking)
    with ThreadPoolExecutor(1) as one, pytest.raises(SandboxUnavailable):
        grade(KEY, submitted, output, one)
    with Journal(output / "verdicts" / "small.jsonl") as journal:
        assert len(journal.verdicts()) == 1, "what was judged is kept"


def test_a_time_that_becomes_known_later_counts(submitted, output, executor):
    grade(KEY, submitted, output, executor)
    hand_in(submitted, "a", notebook(RIGHT, "The words of a."), stamp="2030-02-01 00:00:10 UTC")
    outcome = grade(KEY, submitted, output, executor, due="2030-02-01T00:00+00:00")
    assert (outcome.marked, outcome.verdicts[0].late) == (0, 10)
