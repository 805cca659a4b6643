"""Checks of arguments: each error names the argument, what was given and what is accepted."""

import math
from numbers import Integral, Real
from typing import Any


def check_whole(value: Any, *, name: str, least: int = 1) -> int:
    """Return `value` as int. Raises TypeError unless it is a whole number, ValueError if it is below `least`."""
    if isinstance(value, bool) or not isinstance(value, int | Integral):
        raise TypeError(f"{name} must be a whole number of at least {least}, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value}")
    return int(value)


def check_number(value: Any, *, name: str, positive: bool = False) -> float:
    """Return `value` as float. Raises TypeError unless it is a number, ValueError unless finite and >= 0 (> 0)."""
    accepted = f"{name} must be a finite number {'above' if positive else 'of at least'} 0"
    if isinstance(value, bool) or not isinstance(value, float | int | Real):
        raise TypeError(f"{accepted}, got {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (math.isfinite(number) and (number > 0 if positive else number >= 0)):
        raise ValueError(f"{accepted}, got {value}")
    return number


def check_choice(value: Any, accepted: Any, *, name: str) -> None:
    """Raise ValueError unless `value` is one of the strings in `accepted`."""
    if not isinstance(value, str) or value not in accepted:
        raise ValueError(f"{name} must be one of {', '.join(accepted)}, got {value!r}")


def check_share(value: Any, *, name: str) -> float:
    """Return `value` as float. Raises ValueError unless it is a number of at least 0 and below 1."""
    known = isinstance(value, float | int | Real) and not isinstance(value, bool)
    if not (known and 0 <= value < 1):  # before it is made a float, for which a whole number may be too large
        raise ValueError(f"{name} must lie in [0, 1), got {value!r}")
    return float(value)
