"""nbgrader's gradebook as grading writes it: what nbgrader makes of it, and that nothing given by hand is lost."""

import csv
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from grading_book import ITEMS, KEY, LESSON, again, changed, comment, grades, mark_by_hand, sql, verdict

from vae_tutorial.grading.book.autograded import prepare_folder
from vae_tutorial.grading.book.gradebook import Book

SOLUTIONS = Path(__file__).parents[1] / "solutions"
TOTAL = 17.0  # points of the exercise, of which WORDS are marked by hand
WORDS = 3.0


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """A gradebook with an assignment, made once."""
    folder = tmp_path_factory.mktemp("fresh")
    with Book(folder) as book:
        book.add_assignment(LESSON, KEY)
    return folder


@pytest.fixture
def folder(tmp_path, fresh) -> Path:
    shutil.copy(fresh / "gradebook.db", tmp_path)
    return tmp_path


def nbgrader(folder: Path, *arguments: str) -> str:
    """Run nbgrader as an instructor does, with the environment active."""
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder), "TQDM_DISABLE": "1"}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def cells(folder: Path) -> list[tuple]:
    graded = "select 'grade', base_cell.name, max_score, cell_type, '' from grade_cells natural join base_cell"
    solution = "select 'solution', base_cell.name, 0, '', '' from solution_cells natural join base_cell"
    return sorted(sql(folder, f"{graded} union all {solution}"))


def sources(folder: Path) -> dict[str, tuple]:
    rows = sql(folder, "select name, cell_type, locked, source, checksum from source_cell")
    return {name: (kind, *((source, checksum) if locked else ())) for name, kind, locked, source, checksum in rows}


class TestAssignments:
    def test_its_cells_are_those_that_nbgrader_itself_finds_in_the_key(self, tmp_path, fresh):
        (tmp_path / "source" / LESSON).mkdir(parents=True)
        shutil.copy(SOLUTIONS / LESSON / f"{LESSON}.ipynb", tmp_path / "source" / LESSON)
        nbgrader(tmp_path, "generate_assignment", LESSON)
        assert cells(fresh) == cells(tmp_path)
        assert sources(fresh) == sources(tmp_path)
        assert sum(row[2] for row in cells(fresh)) == TOTAL
        version = "select version_num from alembic_version"
        assert sql(fresh, version) == sql(tmp_path, version)
        assert sql(fresh, "select name, kernelspec from notebook") == sql(
            tmp_path, "select name, kernelspec from notebook"
        )

    def test_it_is_made_where_the_environment_is_not_active(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", "/usr/bin")
        (tmp_path / "gradebook.db").touch()  # as sqlite3 leaves it
        for left in ("gradebook.db.new", "gradebook.db.new-journal"):  # as a killed process leaves them
            (tmp_path / left).write_text("half a database")
        with Book(tmp_path) as book:
            book.add_assignment(LESSON, KEY)
        assert os.environ["PATH"] == "/usr/bin"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["gradebook.db", "gradebook.db.lock"]

    def test_the_same_key_once_more_changes_nothing(self, folder):
        with Book(folder) as book:
            book.record(verdict())
            before = list(sqlite3.connect(folder / "gradebook.db").iterdump())
            book.add_assignment(LESSON, KEY)
        assert list(sqlite3.connect(folder / "gradebook.db").iterdump()) == before

    def test_a_deadline_is_kept_in_utc_until_another_is_given(self, folder):
        with Book(folder) as book:
            for due in ("2030-02-01T00:30:00+01:00", ""):
                book.add_assignment(LESSON, KEY, due)
                assert sql(folder, "select duedate from assignment") == [("2030-01-31 23:30:00.000000",)]
            book.add_assignment(LESSON, KEY, "2030-03-01T00:00:00+00:00")
            assert sql(folder, "select duedate from assignment") == [("2030-03-01 00:00:00.000000",)]

    @pytest.mark.parametrize("due", ["tomorrow", "2030-02-01", "2030-02-01T00:30:00"])
    def test_a_deadline_without_a_zone_is_refused(self, folder, due):
        with (
            Book(folder) as book,
            pytest.raises(ValueError, match=r"due must be a time in ISO 8601 with its zone, .*got '" + due),
        ):
            book.add_assignment(LESSON, KEY, due)

    def test_a_cell_that_is_new_in_the_key_gets_grades_where_much_was_handed_in(self, folder):
        without = changed(KEY, kl=None, kl_checks=None)
        with Book(folder) as book:
            book.add_assignment(LESSON, without)
            book.record(verdict("a", key=without))
            mark_by_hand(folder, "a", "words", 2.0)
            book.add_assignment(LESSON, KEY)
            assert ("a", "kl-checks") not in grades(folder)
            book.record(verdict("a"))
        assert grades(folder)["a", "kl-checks"] == (3.0, None, None, False)
        assert grades(folder)["a", "words"] == (None, 2.0, None, False)

    def test_points_follow_the_key(self, folder):
        dearer = changed(KEY, kl_checks=5, words=4)
        with Book(folder) as book:
            book.record(verdict("a"))
            book.record(verdict("b"))
            mark_by_hand(folder, "a", "words", 2.0)
            book.add_assignment(LESSON, dearer)
            for learner in "ab":
                book.record(verdict(learner, key=dearer))
        assert dict(sql(folder, "select name, max_score from grade_cells natural join base_cell"))["kl-checks"] == 5.0
        assert grades(folder)["b", "kl-checks"] == (5.0, None, None, False)
        # A mark out of 3 stays, and has to be looked at again.
        assert grades(folder)["a", "words"] == (None, 2.0, None, True)

    def test_a_cell_that_left_the_key_goes_unless_somebody_marked_it(self, folder, caplog):
        without = changed(KEY, kl=None, kl_checks=None, price=None, price_checks=None, words=None)
        with Book(folder) as book:
            for learner in "ab":
                book.record(verdict(learner))
            mark_by_hand(folder, "a", "words", 2.0)
            mark_by_hand(folder, "b", "price-checks", None, extra=1.0)
            comment(folder, "a", "kl", "neat")
            book.add_assignment(LESSON, without)
            left = {name for kind, name, *_ in cells(folder)}
            assert {"words", "price-checks", "kl"} < left
            assert not {"kl-checks", "price"} & left
            assert "words has left the key, but not the gradebook" in caplog.text
            assert {"words", "kl", "price"}.isdisjoint(sources(folder))
            kept = {(learner, item) for learner, item in grades(folder) if item in ("words", "price-checks")}
            assert kept == {("a", "words"), ("b", "price-checks")}
            book.record(verdict("a", key=without))
            assert book.hand_marks(LESSON) == {"a": {"words": 2.0}, "b": {"price-checks": 2.0}}
            book.add_assignment(LESSON, KEY)  # and back
            book.record(verdict("a"))
        assert grades(folder)["a", "words"][1] == 2.0
        assert sql(folder, "select manual_comment from comment where manual_comment is not null") == [("neat",)]
        assert len(grades(folder)) == len(ITEMS) + len(ITEMS) - 2  # all of a; of b all but kl-checks and words

    @pytest.mark.parametrize("key", [b"", b"[]", b'{"cells": []}'])
    def test_a_key_that_is_none_is_refused(self, folder, key):
        with Book(folder) as book, pytest.raises(ValueError, match="the key of "):
            book.add_assignment("02_bce_vs_mse", key)
        assert sql(folder, "select name from assignment") == [(LESSON,)]


class TestVerdicts:
    def test_what_is_decided_counts_and_the_rest_waits_for_a_mark(self, folder):
        with Book(folder) as book:
            book.record(verdict("a", kl_checks=0.0, price_checks=0.5, grid_checks=None))
            book.record(verdict("b", answer="", words=0.0))
        found = grades(folder)
        assert found["a", "kl-checks"] == (0.0, None, None, False)
        assert found["a", "price-checks"] == (0.5, None, None, False)
        assert found["a", "grid-checks"] == (None, None, None, True)
        assert found["a", "words"] == (None, None, None, True)
        assert found["b", "words"] == (0.0, None, None, False)
        assert len(found) == 2 * len(ITEMS)

    def test_nbgrader_exports_it(self, folder):
        prepare_folder(folder, LESSON)
        with Book(folder) as book:
            book.add_assignment(LESSON, KEY, "2030-01-31T00:00:00+00:00")
            for learner in ("a", "zoe-7"):
                book.record(verdict(learner, kl_checks=0.0))
        mark_by_hand(folder, "zoe-7", "words", 2.5, extra=1.0)
        nbgrader(folder, "export")
        with (folder / "grades.csv").open(newline="") as file:
            rows = {row["student_id"]: row for row in csv.DictReader(file)}
        assert {name: float(row["score"]) for name, row in rows.items()} == {
            "a": TOTAL - WORDS - 3, "zoe-7": TOTAL - WORDS - 3 + 2.5 + 1
        }  # fmt: skip
        assert {float(row["max_score"]) for row in rows.values()} == {TOTAL}
        assert {row["timestamp"] for row in rows.values()} == {"2030-01-31 22:30:00"}

    def test_once_more_is_the_same_as_once(self, folder):
        with Book(folder) as book:
            book.record(verdict("a"))
            book.record(verdict("b"))
            mark_by_hand(folder, "a", "words", 2.0)
            mark_by_hand(folder, "b", "kl-checks", 1.0)
            before = list(sqlite3.connect(folder / "gradebook.db").iterdump())
            book.record(verdict("a"))
            book.record(verdict("b"))
        assert list(sqlite3.connect(folder / "gradebook.db").iterdump()) == before

    def test_it_has_the_time_of_handing_in_in_utc_or_none(self, folder):
        with Book(folder) as book:
            book.record(verdict("a"))
            book.record(replace(verdict("b"), handed_in=""))
            with pytest.raises(ValueError, match="handed_in must be a time in ISO 8601 with its zone"):
                book.record(replace(verdict("c"), handed_in="yesterday"))
        times = dict(sql(folder, "select student_id, timestamp from submitted_assignment"))
        assert times == {"a": "2030-01-31 22:30:00.000000", "b": None}

    def test_a_student_whom_the_gradebook_knows_keeps_the_name(self, folder):
        sql(folder, "insert into student (id, first_name, last_name) values ('a', 'A', 'Name')")
        with Book(folder) as book:
            book.record(verdict("a"))
        assert sql(folder, "select id, first_name, last_name from student") == [("a", "A", "Name")]

    def test_what_was_not_added_is_refused_and_nothing_is_written(self, folder):
        with Book(folder) as book:
            with pytest.raises(ValueError, match="verdict must be on an assignment that was added, got 02_bce_vs_mse"):
                book.record(replace(verdict("a"), assignment="02_bce_vs_mse"))
            book.add_assignment(LESSON, changed(KEY, kl=None, kl_checks=None))
            with pytest.raises(ValueError, match="verdict must be on items that were added, got kl-checks"):
                book.record(verdict("a"))
        assert sql(folder, "select count(*) from student") == [(0,)]

    def test_a_folder_that_is_none_and_a_file_that_is_no_gradebook_are_refused(self, tmp_path):
        with pytest.raises(ValueError, match="folder must exist, got"):
            Book(tmp_path / "missing")
        (tmp_path / "gradebook.db").write_text("no database" * 100)
        with pytest.raises(ValueError, match=r"folder must have a gradebook that nbgrader opens, got .*: file is not"):
            Book(tmp_path)
        assert (tmp_path / "gradebook.db").read_text().startswith("no database")


class TestHandMarks:
    @pytest.fixture
    def marked(self, folder):
        with Book(folder) as book:
            for learner in "abc":
                book.record(verdict(learner, answer=f"The answer of {learner}."))
        mark_by_hand(folder, "a", "words", 2.5)
        mark_by_hand(folder, "b", "kl-checks", 1.0)
        mark_by_hand(folder, "b", "price-checks", None, extra=0.5)
        comment(folder, "a", "words", "well said")
        comment(folder, "b", "kl", "look at the sign")
        return folder

    @staticmethod
    def comments(folder: Path) -> list[tuple]:
        query = "select base_cell.name, manual_comment from comment join base_cell on base_cell.id = cell_id"
        return sorted(sql(folder, f"{query} where manual_comment is not null"))

    def test_they_are_told_with_extra_credit(self, marked):
        with Book(marked) as book:
            assert book.hand_marks(LESSON) == {"a": {"words": 2.5}, "b": {"kl-checks": 1.0, "price-checks": 1.5}}
            assert book.hand_marks("02_bce_vs_mse") == {}
            assert book.comments(LESSON) == {"a": {"words": "well said"}, "b": {"kl": "look at the sign"}}
            assert book.comments("02_bce_vs_mse") == {}

    @pytest.mark.parametrize("answer", ["The answer of a.", "Another answer."])
    def test_a_mark_stays_and_is_asked_for_again_where_the_answer_is_another(self, marked, answer):
        with Book(marked) as book:
            book.record(again(verdict("a", answer=answer)))
            needs = answer == "Another answer."
            assert grades(marked)["a", "words"] == (None, 2.5, None, needs)
            book.record(again(verdict("a", answer=answer)))  # a second run leaves it so
            assert grades(marked)["a", "words"] == (None, 2.5, None, needs)
            assert book.hand_marks(LESSON)["a"] == {"words": None if needs else 2.5}
            mark_by_hand(marked, "a", "words", 3.0)
            book.record(again(verdict("a", answer=answer)))
            assert grades(marked)["a", "words"] == (None, 3.0, None, False)
        assert self.comments(marked) == [("kl", "look at the sign"), ("words", "well said")]

    def test_an_answer_taken_back_after_it_was_marked_keeps_its_mark(self, marked):
        with Book(marked) as book:
            book.record(again(verdict("a", answer="", words=0.0)))
        assert grades(marked)["a", "words"] == (0.0, 2.5, None, True)

    def test_points_that_somebody_changed_stay_and_are_asked_for_again_for_other_code(self, marked):
        with Book(marked) as book:
            book.record(verdict("b"))
            assert grades(marked)["b", "kl-checks"] == (3.0, 1.0, None, False)
            book.record(verdict("b", kl_checks=0.0))  # a stricter key
            assert grades(marked)["b", "kl-checks"] == (0.0, 1.0, None, True)
            mark_by_hand(marked, "b", "kl-checks", 2.0)
            book.record(again(verdict("b", kl_checks=0.0)))
            assert grades(marked)["b", "kl-checks"] == (0.0, 2.0, None, True)
            assert grades(marked)["b", "price-checks"] == (1.0, None, 0.5, False)

    def test_a_mark_from_before_any_verdict_of_ours_is_asked_for_again(self, marked):
        sql(marked, "delete from vae_tutorial_judged")
        with Book(marked) as book:
            book.record(verdict("a", answer="The answer of a."))
        assert grades(marked)["a", "words"] == (None, 2.5, None, True)

    def test_a_mark_given_while_the_book_is_open_is_seen(self, folder):
        with Book(folder) as book:
            book.record(verdict("a"))
            assert book.hand_marks(LESSON) == {}
            mark_by_hand(folder, "a", "words", 1.5)
            assert book.hand_marks(LESSON) == {"a": {"words": 1.5}}
            book.record(verdict("a"))
        assert grades(folder)["a", "words"] == (None, 1.5, None, False)

    def test_it_waits_for_whoever_is_writing(self, folder):
        other = sqlite3.connect(folder / "gradebook.db", isolation_level=None, check_same_thread=False)
        with Book(folder) as book:
            book.record(verdict("a"))
            other.execute("begin immediate")
            other.execute("update grade set manual_score = 2, needs_manual_grade = 0 where auto_score is null")
            done = threading.Timer(0.5, other.execute, ["commit"])
            done.start()
            book.record(verdict("a"))
            done.join()
        other.close()
        assert grades(folder)["a", "words"] == (None, 2.0, None, False)


WRITER = """
import sys
from pathlib import Path
from grading_book import verdict
from vae_tutorial.grading.book.gradebook import Book
with Book(Path(sys.argv[1])) as book:
    print("open", flush=True)
    number = int(sys.argv[2])
    while True:
        book.record(verdict(str(number)))
        number += 1
        print(number, flush=True)
"""


def test_a_killed_writer_leaves_each_submission_whole_or_absent(folder):
    moments, known = random.Random(1), 0
    for _ in range(2):
        command = [sys.executable, "-c", WRITER, str(folder), str(known)]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
            assert writer.stdout.readline() == "open\n"
            time.sleep(moments.uniform(0.05, 0.3))
            writer.kill()
            acknowledged = max([known, *map(int, writer.stdout.read().split())])
        learners = {learner for learner, _ in grades(folder)}
        assert set(grades(folder)) == {(learner, item) for learner in learners for item in ITEMS}
        assert {row for (row,) in sql(folder, "select id from student")} == learners
        assert sql(folder, "pragma integrity_check") == [("ok",)]
        assert acknowledged <= len(learners) <= acknowledged + 1
        known = len(learners)
    assert known > 2
