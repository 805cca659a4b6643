"""The referee alone: what a cell that ran to its end gives, and what of a hidden check a learner is told."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch

from vae_tutorial.grading import wire
from vae_tutorial.grading.judging.referee import WITHHELD, judge


def judged(source: str, value: Any = None, *, hidden: tuple[int, ...] = (), most: float = 4) -> tuple[Any, list[str]]:
    """What the referee says of a cell whose one function `f` gives a value or raises it, and which kinds were asked."""
    asked = []

    def ask(kind: str, payload: bytes) -> tuple[str, bytes]:
        asked.append(kind)
        if isinstance(value, Exception):
            return "raised", json.dumps({"type": type(value).__name__, "text": str(value)}).encode()
        return "value", wire.encode(value)

    request = {"ours": [], "source": source, "hidden_lines": hidden, "functions": ["f"], "values": [], "most": most}
    return judge(request, ask), asked


@pytest.mark.parametrize(
    ("last", "value", "points"),
    [
        ("None", 0, 4),
        ("x = 1", 0, 4),
        ("f()", 3, 3),
        ("f()", 2.5, 2.5),
        ("sum([f() == 2, f() == 2]) / 2 * 4", np.array(0.0), 0),
        ("sum([f() == 2, f() == 2]) / 2 * 4", torch.tensor(0.0), 0),
        ("sum([f() == 2, f() == 3]) / 2 * 4", torch.tensor(2.0), 2),
        ("f() == 2", 2, 4),
        ("f() == 2", 3, 0),
        ("f() == 2", np.float64(2), 4),
    ],
)
def test_the_last_line_is_the_points(last, value, points):
    found, _ = judged(last, value)
    assert found["points"] == points


@pytest.mark.parametrize(
    ("last", "value"),
    [
        ("f()", math.nan),
        ("f()", -1),
        ("f()", 4.01),
        ("f()", 10**400),
        ("f()", "4"),
        ("f()", [4]),
        ("f()", {}),
        ("sum([f() == 2, f() == 2]) / 2 * 4", np.zeros(2)),
        ("f()", torch.zeros(2)),
        ("f()", lambda: 4),
        ("f", None),
    ],
)
def test_what_is_no_number_of_points_is_left_to_a_person(last, value):
    found, _ = judged(last, value)
    assert "points" not in found
    assert "number of points" in found["broken"] or "of 4 points" in found["broken"]


HELPER = "def check(n):\n    assert f(n) == 2 * n, f'{n} is wrong'\ncheck(3)\ncheck(7331)"


def test_a_hidden_line_that_calls_a_visible_helper_stays_hidden():
    found, asked = judged(HELPER, ValueError("I saw 7331"), hidden=(3, 4))
    assert asked == ["hidden"]
    assert found["lines"] == [[False, "a check at marking does not hold", True]]
    found, asked = judged(HELPER, ValueError("I saw 7331"), hidden=(4,))
    assert asked == ["call"]
    assert "I saw 7331" in found["lines"][0][1], "of the visible one"


def test_words_of_an_error_in_a_hidden_check_are_withheld():
    source = "try:\n    f(1)\nexcept Exception as error:\n    seen = str(error), type(error).__name__\n"
    source += "assert seen == 0, seen"
    for error, name in ((ValueError("1"), "ValueError"), (type("Odd_1", (Exception,), {})("1"), "an error of its own")):
        found, _ = judged(source, error, hidden=(1, 2))
        assert found["lines"][0][1] == str((WITHHELD, name))
