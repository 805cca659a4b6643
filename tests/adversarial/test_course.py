"""Cheats on an exercise of the course, whose checks compare tensors."""

import json

import pytest
from adversarial.attack import Attack, proved
from adversarial.attacks_course import ATTACKS, COURSE_KEY, find, right_answers

from vae_tutorial.grading.judging.marking import in_variant
from vae_tutorial.grading.judging.sheet import read_sheet

NONSENSE = ["'\\ud800'", "'a\\u2028b'", "{[]: 1}", "10 ** 9", "7", "'\\n'", "b'b'", "'" + 1000 * "c" + "'", "(" * 5000]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_an_attack_earns_what_is_right_in_it(attack: Attack):
    proved(attack, COURSE_KEY)


@pytest.mark.parametrize("named", NONSENSE)
def test_a_variant_of_nonsense_is_nobodys(named: str):
    content = right_answers("b")
    cell = find(content, "variant")
    cell["source"] = [line.replace('"b"', named) for line in cell["source"]]
    sheet = read_sheet(json.dumps(content).encode(), COURSE_KEY)
    assert sheet.variant == ""
    assert in_variant(COURSE_KEY, sheet.variant) is COURSE_KEY


@pytest.mark.parametrize("learner", ["zo\u00eb-7", '"+x+"', "100%", "{b}", "\\", "### END SOLUTION"])
def test_a_name_is_never_code_in_the_key(learner: str):
    key = in_variant(COURSE_KEY, learner)
    assert [item.id for item in key.items] == [item.id for item in COURSE_KEY.items]
    assert [item.theirs for item in key.items] == [item.theirs for item in COURSE_KEY.items]
