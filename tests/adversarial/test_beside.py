"""Files beside the notebook: none runs in the place of ours, and those that the learner needs are there."""

import pytest
from adversarial.attack import Attack, proved
from adversarial.attacks_beside import ATTACKS


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_files_beside_change_nothing_but_what_imports_them(attack: Attack):
    proved(attack)
