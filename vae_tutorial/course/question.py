"""A concept question: what may be answered, what is right, and what is said about an answer."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

ROUNDING = 1e-9  # 0.4 lies within 0.1 of 0.3, though their difference in binary is a little more than 0.1


@dataclass(frozen=True)
class Choice:
    """One of the answers to choose from, and what is said to who chose it."""

    text: str
    feedback: str
    right: bool = False


@dataclass(frozen=True)
class ChoiceQuestion:
    """A question with choices: one of them is right, or, if `multiple`, one or more.

    An answer is the list of the places of the choices, from 0, in their order in the file.
    """

    id: str
    text: str
    choices: tuple[Choice, ...]
    multiple: bool = False
    where: str = ""

    def check(self, answer: Any) -> None:
        """Raise ValueError unless `answer` is one that can be given."""
        places = range(len(self.choices))
        known = isinstance(answer, list) and all(type(place) is int and place in places for place in answer)
        if not (known and 1 <= len(set(answer)) == len(answer) and (self.multiple or len(answer) == 1)):
            count = "1 or more different places" if self.multiple else "1 place"
            raise ValueError(f"{self.id} must have a list of {count} from 0 to {places[-1]}, got {_short(answer)}")

    def is_right(self, answer: list[int]) -> bool:
        """Whether all right choices were chosen, and no other."""
        return set(answer) == {place for place, choice in enumerate(self.choices) if choice.right}

    def said(self, answer: list[int]) -> list[str]:
        """What is told about each choice."""
        return [self.choices[place].feedback for place in sorted(answer)]


@dataclass(frozen=True)
class Slip:
    """A number that a known mistake leads to, and what is said about it."""

    value: float
    feedback: str


@dataclass(frozen=True)
class NumberQuestion:
    """A question whose answer is a number, right within an absolute `tolerance`."""

    id: str
    text: str
    answer: float
    tolerance: float
    unit: str
    feedback: str
    otherwise: str
    slips: tuple[Slip, ...] = ()
    where: str = ""

    def check(self, answer: Any) -> None:
        """Raise ValueError unless `answer` is one that can be given."""
        if not is_number(answer):
            raise ValueError(f"{self.id} must have a finite number, got {_short(answer)}")

    def is_right(self, answer: float) -> bool:
        """Whether it lies within the tolerance."""
        return self.near(answer, self.answer)

    def said(self, answer: float) -> list[str]:
        """What is told about the number: that it is right, which slip it comes from, or how to find it."""
        if self.is_right(answer):
            return [self.feedback]
        return [next((slip.feedback for slip in self.slips if self.near(answer, slip.value)), self.otherwise)]

    def near(self, number: float, value: float) -> bool:
        """Whether a number lies within the tolerance of a value, up to rounding."""
        return abs(number - value) <= self.tolerance + ROUNDING * max(self.tolerance, abs(value))


Question = ChoiceQuestion | NumberQuestion


def is_number(value: Any) -> bool:
    """Whether a value read from a file is a number that is finite, also as a float."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
