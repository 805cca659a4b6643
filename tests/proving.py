"""Proof of an exercise's checks, by a bank of wrong and of right answers to each graded item.

A module in tests/mutants/ has LESSON, BANKS and the tests of this one, imported.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from exercise_runs import EXERCISES, SOLUTIONS, Run

from vae_tutorial.checks import Points

LEAST_WRONG, LEAST_RIGHT = 4, 2
LEARNERS = ("", "a", "b")
PUBLISHED_AND_ASSIGNED = LEARNERS[:2]  # a file without answers is the same to its checks in every variant


@dataclass(frozen=True)
class Bank:
    """Answers to one graded item.

    name: what they are called in the notebook. wrong: pairs of a part of the sentence meant for it and an answer.
    right: answers that are as right as the solution, written differently. of_variant: each answer is a function of the
    learner's variant, not the answer itself.
    """

    name: str
    wrong: Sequence[tuple[str, Any]]
    right: Sequence[Any]
    of_variant: bool = False


@cache
def solution(lesson: str, learner: str = "") -> Run:
    return Run(SOLUTIONS, lesson, learner)


@pytest.fixture
def lesson(request: pytest.FixtureRequest) -> str:
    return request.module.LESSON


@pytest.fixture
def banks(request: pytest.FixtureRequest) -> dict[str, Bank]:
    return request.module.BANKS


def regraded(lesson: str, task: str, bank: Bank, answer: Any, learner: str = "") -> Points:
    run = solution(lesson, learner)
    return run.regrade(task, **{bank.name: answer(run.names["mine"]) if bank.of_variant else answer})


def test_a_wrong_answer_earns_nothing_and_is_told_its_slip(lesson, banks, task, wrong):
    sentence, answer = banks[task].wrong[wrong]
    points = regraded(lesson, task, banks[task], answer)
    assert points == 0, f"passes: {sentence}"
    problems = [verdict.problem for verdict in points.report.verdicts if verdict.problem]
    assert any(sentence in problem for problem in problems), problems


def test_a_right_answer_earns_all(lesson, banks, task, right):
    for learner in LEARNERS if banks[task].of_variant else LEARNERS[:1]:
        points = regraded(lesson, task, banks[task], banks[task].right[right], learner)
        assert points == points.report.worth, str(points.report)


def test_every_item_has_its_bank_and_every_answer_its_own_sentence(lesson, banks):
    assert set(banks) == set(solution(lesson).graded)
    for bank in banks.values():
        assert len(bank.wrong) >= LEAST_WRONG
        assert len(bank.right) >= LEAST_RIGHT
        assert all(sentence for sentence, _ in bank.wrong)


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_solution_earns_all_in_every_variant(lesson, learner):
    points = solution(lesson, learner).points
    assert 4 <= len(points) <= 8
    assert all(earned == earned.report.worth > 0 for earned in points.values()), [
        str(e.report) for e in points.values()
    ]


@pytest.mark.parametrize("learner", PUBLISHED_AND_ASSIGNED)
def test_the_untouched_file_earns_nothing_and_is_told_so(lesson, learner):
    points = Run(EXERCISES, lesson, learner).points
    assert points.keys() == solution(lesson).points.keys()
    for earned in points.values():
        assert earned == 0
        assert earned.report.unwritten, str(earned.report)
        assert not earned.report.unseen


PROOFS = [name for name, value in list(globals().items()) if name.startswith("test_") and inspect.isfunction(value)]
__all__ = ["Bank", "banks", "lesson", *PROOFS]
