"""Cheats in cells: no value and no process of the learner's earns what was not earned, or tells what is hidden."""

import pytest
from adversarial import attacks_leaks, attacks_process, attacks_values
from adversarial.attack import Attack, proved
from adversarial.small_key import judged

ATTACKS = [*attacks_values.ATTACKS, *attacks_process.ATTACKS, *attacks_leaks.ATTACKS]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_an_attack_earns_what_is_right_in_it(attack: Attack):
    proved(attack)


@pytest.mark.parametrize("attack", attacks_leaks.ACROSS, ids=str)
def test_a_later_item_tells_nothing_of_an_earlier_hidden_check(attack: Attack):
    judged(attack.make())
