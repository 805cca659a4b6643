"""What a class has gained: against a hand computation and SciPy's bootstrap; and every file that cannot be used."""

import csv
import json

import numpy as np
import pytest
from command_line import said
from scipy.stats import bootstrap

from vae_tutorial import cli
from vae_tutorial.course.gain import COLUMNS, interval, normalised_gain, read_class
from vae_tutorial.course.question import ChoiceQuestion
from vae_tutorial.course.questions import before_and_after
from vae_tutorial.course.record import LARGEST, Record, read_record

TIME = "2026-01-02T03:04:05+00:00"


def answers(right):
    """Right answers to the first `right` questions, wrong ones or none to the others."""
    given = {}
    for i, question in enumerate(before_and_after()):
        if isinstance(question, ChoiceQuestion):
            truth = [place for place, choice in enumerate(question.choices) if choice.right]
            wrong = [place for place, choice in enumerate(question.choices) if not choice.right][:1]
            given[question.id] = truth if i < right else wrong
        elif i < right:
            given[question.id] = question.answer
    return given


@pytest.fixture
def hand_in(tmp_path):
    """Files of learners as nbgrader collects them: hand_in(name, before=4, after=9) of 12 right."""

    def write(learner, **right):
        for record, count in right.items():
            folder = tmp_path / "submitted" / learner / ("ps00" if record == "before" else "ps12")
            folder.mkdir(parents=True, exist_ok=True)
            Record(answers(count), TIME).write(folder / f"{record}.json")
        return tmp_path / "submitted" / learner

    return write


@pytest.fixture
def submitted(tmp_path):
    return tmp_path / "submitted"


# The numbers


def test_the_gain_of_a_class_by_hand(hand_in, submitted, capsys):
    for learner, before, after in (("a1", 3, 6), ("b2", 6, 12), ("c3", 0, 9)):
        hand_in(learner, before=before, after=after)
    assert cli.main(["gain", str(submitted)]) == 0
    out, err = said(capsys)
    assert err == []
    assert out[0].split() == ["question", "right", "before", "right", "after", "n"]
    shares = [line.split() for line in out[1:13]]
    assert [row[0] for row in shares] == [question.id for question in before_and_after()]
    assert [row[1] for row in shares] == ["67%"] * 3 + ["33%"] * 3 + ["0%"] * 6
    assert [row[2] for row in shares] == ["100%"] * 6 + ["67%"] * 3 + ["33%"] * 3
    assert {row[3] for row in shares} == {"3"}
    assert out[13].split() == ["all", "25%", "75%", "3"]  # 9 and 27 of 36
    assert out[14].startswith("normalised gain 0.67, 95 % interval ")  # (27 - 9) / (36 - 9)
    assert out[14].endswith("(bootstrap over 3 learners)")
    assert len(out) == 15


def test_the_interval_is_scipys():
    rng = np.random.default_rng(3)
    before = rng.binomial(12, 0.35, size=40) / 12
    after = np.clip(before + rng.binomial(12, 0.3, size=40) / 12, 0, 1)
    ours = interval(before, after)

    def statistic(before, after, axis=-1):
        pre, post = before.mean(axis=axis), after.mean(axis=axis)
        return (post - pre) / (1 - pre)

    truth = bootstrap(
        (before, after), statistic, paired=True, method="percentile", n_resamples=50_000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours == pytest.approx((truth.low, truth.high), abs=0.006)  # 5 times what the two bounds vary by over seeds
    assert ours[0] < normalised_gain(before, after) < ours[1]
    assert interval(before, after) == ours
    order = rng.permutation(40)
    assert interval(before[order], after[order]) == pytest.approx(ours, abs=0.006)


def test_a_loss_is_negative_and_nothing_left_to_gain_is_no_number(hand_in, submitted, capsys):
    assert normalised_gain([0.5, 0.5], [0.25, 0.25]) == -0.5
    assert np.isnan(normalised_gain([1.0, 1.0], [1.0, 0.5]))
    hand_in("a1", before=12, after=12)
    assert cli.main(["gain", str(submitted)]) == 0
    assert said(capsys)[0][-1] == "normalised gain: none can be computed, all answers were right before"


def test_draws_without_anything_to_gain_are_left_out():
    low, high = interval([1.0, 0.5], [1.0, 1.0])  # (both first: none); else everything is gained
    assert (low, high) == (1.0, 1.0)


def test_one_learner_has_a_gain_and_no_interval(hand_in, submitted, capsys):
    hand_in("a1", before=6, after=9)
    assert cli.main(["gain", str(submitted)]) == 0
    assert said(capsys)[0][-1] == "normalised gain 0.50, of 1 learner: an interval needs at least 2"
    with pytest.raises(ValueError, match="before and after must be of at least 2 learners, got 1"):
        interval([0.5], [0.75])


# Files


def test_the_table_has_a_row_for_each_learner_and_question(hand_in, submitted, tmp_path, capsys):
    hand_in("a1", before=3, after=12)
    hand_in("b2", before=0, after=1)
    table = tmp_path / "table.csv"
    assert cli.main(["gain", str(submitted), "-o", str(table)]) == 0
    assert said(capsys)[0][-1] == f"{table}: 24 rows"
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["learner"] for row in rows] == ["a1"] * 12 + ["b2"] * 12
    assert [row["right_before"] for row in rows] == ["1"] * 3 + ["0"] * 21
    assert [row["right_after"] for row in rows] == ["1"] * 13 + ["0"] * 11
    by_id = {(row["learner"], row["question"]): row for row in rows}
    assert by_id["a1", "train-mode"]["answer_after"] == "0 1"
    assert by_id["a1", "dropout-variance"]["answer_before"] == ""
    assert by_id["a1", "dropout-variance"]["answer_after"] == "1.25"


def test_who_lacks_a_file_is_named(hand_in, submitted, capsys):
    hand_in("a1", before=3, after=6)
    hand_in("b2", before=3)
    hand_in("c3", after=3)
    (submitted / "d4").mkdir()
    (submitted / ".cache").mkdir()
    assert cli.main(["gain", str(submitted)]) == 0
    out, err = said(capsys)
    assert out[-3:] == ["b2 has no after.json", "c3 has no before.json", "d4 has no before.json and no after.json"]
    assert err == []
    assert list(read_class(submitted).pairs) == ["a1"]


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("torn", "Expecting value"),
        (b"\xff\xfe", "can't decode byte"),
        ("[" * 50_000, "recursion"),
        (" " * (LARGEST + 1), "it must have at most 100,000 bytes, it has 100,001"),
        ("[]", "it must hold set, version, time, answers, nothing else"),
        ({"name": 1}, "it must hold set, version, time, answers, nothing else"),
        ({"set": "other"}, "another set, or to another version of before_and_after"),
        ({"version": "0" * 64}, "another set, or to another version of before_and_after"),
        ({"time": "yesterday"}, "time must be a time in ISO 8601, got 'yesterday'"),
        ({"time": 3}, "time must be a time in ISO 8601, got '3'"),
        ({"answers": []}, "answers must be by id, got a list"),
        ({"answers": {"x": [0]}}, "answers must be to questions of before_and_after, got one to 'x'"),
        ({"answers": {"half-a-nat": [7]}}, "half-a-nat must have a list of 1 place from 0 to 3, got [7]"),
        ({"answers": {"dropout-variance": float("nan")}}, "dropout-variance must have a finite number, got nan"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_reason(hand_in, submitted, capsys, changes, words):
    hand_in("a1", before=3, after=6)
    path = hand_in("b2", before=3, after=6) / "ps12" / "after.json"
    if isinstance(changes, dict):
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    else:
        path.write_bytes(changes.encode() if isinstance(changes, str) else changes)
    assert cli.main(["gain", str(submitted)]) == 1
    out, (sentence,) = said(capsys)
    assert sentence.startswith(f"not counted: {path}: ")
    assert words in sentence
    assert out[13].split() == ["all", "25%", "50%", "1"]
    assert not any("b2" in line for line in out)


def test_two_files_of_one_name_are_not_chosen_from(hand_in, submitted, capsys):
    hand_in("a1", before=3, after=6)
    folder = hand_in("b2", before=3, after=6)
    Record(answers(12), TIME).write(folder / "after.json")
    assert cli.main(["gain", str(submitted)]) == 1
    first, second = folder / "after.json", folder / "ps12" / "after.json"
    assert said(capsys)[1] == [f"not counted: b2 has 2 files after.json: {first}, {second}"]
    assert list(read_class(submitted).pairs) == ["a1"]


def test_a_file_outside_of_a_learners_folder_is_named(hand_in, submitted, capsys):
    hand_in("a1", before=3, after=6)
    Record({}, TIME).write(submitted / "before.json")
    assert cli.main(["gain", str(submitted)]) == 1
    assert "it must lie in a learner's sub-folder of" in said(capsys)[1][0]


def test_a_folder_that_stands_in_a_files_place_is_named(tmp_path):
    (tmp_path / "before.json").mkdir()
    with pytest.raises(ValueError, match=r"before\.json: it is no file"):
        read_record(tmp_path / "before.json")


def test_nothing_to_compare_and_places_that_are_none(submitted, tmp_path, capsys):
    assert cli.main(["gain", str(submitted)]) == 2
    assert said(capsys)[1] == [f"folder must be one that exists, got {submitted}"]
    submitted.mkdir()
    assert cli.main(["gain", str(submitted), "-o", str(tmp_path / "t.csv")]) == 1
    assert said(capsys) == ([], [f"no learner in {submitted} has a usable before.json and after.json"])
    assert not (tmp_path / "t.csv").exists()
    assert cli.main(["gain", str(submitted), "-o", str(tmp_path / "gone" / "t.csv")]) == 2
    assert said(capsys)[1] == [f"--output must be a file in a folder that exists, got {tmp_path / 'gone' / 't.csv'}"]
