"""Cheats in cells: no value and no process of the learner's earns what was not earned."""

import pytest
from adversarial import attacks_leaks, attacks_process, attacks_values
from adversarial.attack import Attack, proved

ATTACKS = [*attacks_values.ATTACKS, *attacks_process.ATTACKS, *attacks_leaks.ATTACKS]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_an_attack_earns_what_is_right_in_it(attack: Attack):
    proved(attack)
