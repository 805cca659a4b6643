"""Cheats on an exercise of the course, whose checks compare tensors."""

import pytest
from adversarial.attack import Attack, proved
from adversarial.attacks_course import ALL_OF_COURSE, ATTACKS, COURSE_KEY, right_answers
from adversarial.small_key import judged, said

from vae_tutorial.grading.marking import Settings


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_an_attack_earns_what_is_right_in_it(attack: Attack):
    proved(attack, COURSE_KEY)


def test_right_answers_in_the_variant_of_its_learner_earn_all():
    verdict = judged(right_answers("b"), key=COURSE_KEY, learner="b", settings=Settings(assigned=True))
    assert verdict.points == ALL_OF_COURSE, said(verdict)


def test_right_answers_in_the_variant_of_another_learner_are_left_to_a_person():
    verdict = judged(right_answers("b"), key=COURSE_KEY, learner="a")
    assert [mark.id for mark in verdict.marks if mark.points is None and not mark.by_hand] == ["price-checks"]
    assert "the notebook is in the variant of 'b', not of 'a'" in said(verdict)


@pytest.mark.parametrize(
    "named", ["'\\ud800'", "'a\\u2028b'", "'../../b'", "'x' * 3", "'b' 'c'", "{[]: 1}", "10 ** 9", "'\\n'", "'%s'" % ("c" * 10_000)]
)
def test_a_variant_of_nonsense_is_no_crash(named: str):
    content = right_answers("b")
    cell = next(cell for cell in content["cells"] if cell["id"] == "variant")
    cell["source"] = [line.replace('"b"', named) for line in cell["source"]]
    verdict = judged(content, key=COURSE_KEY)
    assert verdict.points is not None
    assert verdict.points <= ALL_OF_COURSE
