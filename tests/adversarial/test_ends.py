"""Code that ends, stops, floods or fills: the right rest of a notebook keeps its points, and marking ends."""

import pytest
from adversarial.attack import Attack, proved
from adversarial.attacks_ends import ENDS, SLOW


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("attack", ENDS, ids=str)
def test_the_rest_of_the_notebook_keeps_its_points(attack: Attack):
    proved(attack)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("attack", SLOW, ids=str)
def test_what_takes_too_long_is_ended(attack: Attack):
    verdict = proved(attack)
    assert verdict.seconds < 15  # the attack alone would take twenty
