"""Cheats on the file: whatever stands in it, the key's checks judge, and the grader does not crash."""

import pytest
from adversarial.attack import Attack, proved
from adversarial.attacks_file import ATTACKS, CONTROLS
from adversarial.small_key import ALL, RIGHT, judged, notebook, said


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_an_attack_earns_what_is_right_in_it(attack: Attack):
    proved(attack)


@pytest.mark.parametrize("change", CONTROLS)
def test_a_right_notebook_that_was_changed_earns_all(change: str):
    content = notebook(RIGHT)
    CONTROLS[change](content)
    verdict = judged(content)
    assert verdict.points == ALL, said(verdict)


@pytest.mark.parametrize("depth", [900, 930, 950, 970, 990])
def test_a_nest_as_deep_as_the_reader_can_go_is_no_crash(depth: int):
    nest = b"[" * depth + b"]" * depth
    verdict = judged(b'{"cells": [{"cell_type": "code", "id": ' + nest + b', "source": ' + nest + b"}]}")
    assert verdict.points == 0
