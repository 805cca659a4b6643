"""The journal of a grading: all verdicts for ever, whatever happens to the process, the disk and the file."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vae_tutorial.grading.book.journal import Journal
from vae_tutorial.grading.records import Line, Mark, Verdict


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "01_autoencoder_to_vae.jsonl"


def verdict(learner: str = "a", submission: str = "s1", key: str = "k1", answer: str = "Words.") -> Verdict:
    marks = (
        Mark(
            "kl-checks", "The price of a cloud", 3.0, points=1.5, lines=(Line(True, "is zero"), Line(False, "b", True))
        ),
        Mark("words", "In your own words", 3.0, by_hand=True, answer=answer),
    )
    weights = {"grid": [0.25, 1e-300], "n": 3}
    return Verdict(learner, "01_autoencoder_to_vae", submission, key, marks, ("edited: kl",), weights=weights)


def test_verdicts_come_back_equal_and_in_order(path):
    written = [verdict("a"), verdict("b"), verdict("a", "s2"), verdict("zoe-7", answer="Zoë: “σ²”,\nnext\u2028line\r")]
    with Journal(path) as journal:
        for one in written:
            journal.append(one)
        assert journal.verdicts() == written
    with Journal(path) as journal:
        assert journal.verdicts() == written
        journal.append(verdict("b", "s9"))
    with Journal(path) as journal:
        assert journal.verdicts() == [*written, verdict("b", "s9")]
    assert [json.loads(line)["learner"] for line in path.read_text().split("\n")[:-1]] == ["a", "b", "a", "zoe-7", "b"]


def test_text_that_no_file_can_hold_is_kept_all_the_same(path):
    broken = verdict(answer="half a pair \ud83d, a nul \0, an end \x1a")
    with Journal(path) as journal:
        journal.append(broken)
    path.read_bytes().decode()  # is UTF-8
    with Journal(path) as journal:
        assert journal.verdicts() == [broken]


def test_the_last_verdict_on_each_learner_is_the_latest(path):
    with Journal(path) as journal:
        for one in (verdict("a"), verdict("b"), verdict("a", "s2"), verdict("b", key="k2")):
            journal.append(one)
        assert journal.latest() == {"a": verdict("a", "s2"), "b": verdict("b", key="k2")}


def test_what_the_last_verdict_was_on_need_not_be_judged_again(path):
    with Journal(path) as journal:
        assert journal.holds("a", "s1", "k1") is None
        journal.append(verdict("a"))
        journal.append(verdict("b"))
        assert journal.holds("a", "s1", "k1") == verdict("a")
        assert journal.holds("a", "s2", "k1") is None
        assert journal.holds("a", "s1", "k2") is None
        assert journal.holds("c", "s1", "k1") is None
        journal.append(verdict("a", "s2"))
        # The learner went back to the first submission: the latest verdict must be on it.
        assert journal.holds("a", "s1", "k1") is None


@pytest.mark.parametrize("cut", [1, 2, 40, len(verdict("b").to_json().encode())])
def test_half_a_last_line_is_taken_out(path, cut, caplog):
    with Journal(path) as journal:
        journal.append(verdict("a"))
        whole = path.read_bytes()
        journal.append(verdict("b"))
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(path) as journal:
        assert journal.verdicts() == [verdict("a")]
        assert path.read_bytes() == whole
        journal.append(verdict("c"))
    assert "ended in half a line, which is taken out" in caplog.text
    with Journal(path) as journal:
        assert journal.verdicts() == [verdict("a"), verdict("c")]
    assert caplog.text.count("half a line") == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"\n", "line 2: "),
        (b"{}\n", "line 2: "),
        (b"[1, 2]\n", "line 2: "),
        (b"learner,points\n", "line 2: "),
        (b'{"learner": "b", "assignment": "x"}\n', "line 2: "),
        (verdict("b").to_json().encode()[:-9] + b"\n", "line 2: "),
        (verdict("b").to_json().replace("kl-checks", "é").encode("latin-1") + b"\n", "line 2: "),
        (b"no end, and no verdict", "line 2: it is no verdict, and has no end"),
        (b'{"cells": [', "line 2: it is no verdict, and has no end"),
    ],
)
def test_a_line_that_is_no_verdict_is_named_and_nothing_is_lost(path, line, words):
    content = verdict("a").to_json().encode() + b"\n" + line
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"journal must hold a verdict in each line, got .*\.jsonl, {words}"):
        Journal(path).__enter__()
    assert path.read_bytes() == content
    path.write_bytes(verdict("a").to_json().encode() + b"\n")
    with Journal(path) as journal:  # the lock was given back
        assert journal.verdicts() == [verdict("a")]


def test_a_second_grading_is_refused_until_the_first_is_done(path):
    with Journal(path) as journal:
        with pytest.raises(ValueError, match=r"journal must be of one grading at a time, .* writing to .*\.jsonl"):
            Journal(path).__enter__()
        journal.append(verdict("a"))
    with Journal(path) as journal:
        assert journal.verdicts() == [verdict("a")]


def test_a_journal_lies_in_a_folder_that_exists(tmp_path):
    for place in (tmp_path, tmp_path / "missing" / "x.jsonl"):
        with pytest.raises(ValueError, match="journal must be a file in a folder that exists, got"):
            Journal(place)


def run(script: str, path: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


WRITER = """
import sys
from vae_tutorial.grading.book.journal import Journal
from vae_tutorial.grading.records import Mark, Verdict
with Journal(sys.argv[1]) as journal:
    number = len(journal.verdicts())
    print("open", flush=True)
    while True:
        marks = (Mark("words", "In your own words", 3.0, by_hand=True, answer=str(number) * 20_000),)
        journal.append(Verdict(str(number), "x", "s", "k", marks))
        number += 1
        print(number, flush=True)
"""


def test_a_killed_writer_loses_and_doubles_nothing(path):
    moments, known = random.Random(0), 0
    for _ in range(8):
        with run(WRITER, path) as writer:
            assert writer.stdout.readline() == "open\n"
            time.sleep(moments.uniform(0, 0.05))
            writer.kill()
            said = writer.stdout.read().splitlines()
        # A line is whole or taken out, and what was told to be written is there.
        acknowledged = max([known, *(int(line) for line in said)])
        with Journal(path) as journal:
            learners = [one.learner for one in journal.verdicts()]
            assert learners == [str(number) for number in range(len(learners))]
            assert all(one.marks[0].answer == one.learner * 20_000 for one in journal.verdicts())
        assert acknowledged <= len(learners) <= acknowledged + 1
        known = len(learners)
    assert known > 8


FULL = """
import resource, signal, sys
from pathlib import Path
from vae_tutorial.grading.book.journal import Journal
from vae_tutorial.grading.records import Verdict
with Journal(sys.argv[1]) as journal:
    journal.append(Verdict("a", "x", "s", "k", ()))
    whole = Path(sys.argv[1]).read_bytes()
    for room in (0, 60):  # of a second line, none fits, then a part
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + room, resource.RLIM_INFINITY))
        try:
            journal.append(Verdict("b", "x", "s", "k", ()))
        except OSError as error:
            print(error)
        assert Path(sys.argv[1]).read_bytes() == whole
        assert [one.learner for one in journal.verdicts()] == ["a"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    journal.append(Verdict("c", "x", "s", "k", ()))
"""


def test_a_full_disk_leaves_the_lines_that_were_whole(path):
    with run(FULL, path) as writer:
        said, trouble = writer.communicate(timeout=60)
    assert (writer.returncode, trouble) == (0, "")
    assert said.splitlines() == ["[Errno 27] File too large", f"{path} took only part of a line: is the disk full?"]
    with Journal(path) as journal:
        assert [one.learner for one in journal.verdicts()] == ["a", "c"]
