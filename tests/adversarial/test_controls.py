"""What is right earns all, however it is written; what is wrong and honest earns its points exactly."""

import pytest
from adversarial.attack import Attack, proved
from adversarial.controls import HONEST_ANSWERS, RIGHT_ANSWERS


@pytest.mark.parametrize("answer", RIGHT_ANSWERS, ids=str)
def test_right_answers_earn_all(answer: Attack):
    proved(answer)


@pytest.mark.parametrize("answer", HONEST_ANSWERS, ids=str)
def test_honest_answers_earn_what_is_right_in_them(answer: Attack):
    proved(answer)
