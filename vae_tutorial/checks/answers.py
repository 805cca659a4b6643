"""What a learner's code gives back: plain values, or the trouble that stood in their way."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

MOST_LETTERS = 120


@dataclass(frozen=True)
class Answer:
    """A value of the learner's, or a sentence that says why there is none. unwritten: nothing was tried yet."""

    value: Any = None
    trouble: str = ""
    unwritten: bool = False

    def then(self, function: Callable[[Tensor], Tensor]) -> "Answer":
        """What a function of ours makes of the answer's numbers, or the trouble there was."""
        if self.trouble:
            return self
        value = numbers(self.value)
        return Answer(trouble="numbers are asked for") if value is None else Answer(function(value))


def ask(function: Callable[..., Any], *arguments: Any) -> Answer:
    """Call a learner's function, or its stand-in from another process, with copies of `arguments`.

    Arguments are data: numbers, strings, tensors, and lists, tuples and dicts of them. Whatever the function raises
    becomes a sentence; so does a missing return.
    """
    if not callable(function):
        return Answer(trouble=f"a function is asked for, and this is {_shown(function)}")
    name = function.__name__ if isinstance(getattr(function, "__name__", None), str) else "your function"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = function(*map(copied, arguments))
    except NotImplementedError:
        return Answer(trouble=f"{name} is not written yet", unwritten=True)
    except (Exception, SystemExit) as error:
        return Answer(trouble=f"{name} stops with {type(error).__name__}: {_shown(error)}")
    if _nothing(value):
        return Answer(trouble=f"{name} gives nothing back: it is not written yet, or lacks a return", unwritten=True)
    return Answer(value)


def given(value: Any) -> Answer:
    """A value that the learner has written down."""
    if _nothing(value):
        return Answer(trouble="there is no answer yet", unwritten=True)
    return Answer(value)


def copied(value: Any) -> Any:
    """A copy that shares no memory, so that a function which writes into its arguments harms nobody."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Mapping):
        return {key: copied(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(copied, value))
    return value


def numbers(value: Any) -> Tensor | None:
    """A value as a float64 tensor of its own shape: numbers, arrays, tensors and lists of them; None for all else."""
    if isinstance(value, str | bytes):
        return None
    if isinstance(value, list | tuple):
        parts = [numbers(part) for part in value]
        alike = bool(parts) and all(part is not None and part.shape == parts[0].shape for part in parts)  # type: ignore[union-attr]
        return torch.stack(parts) if alike else None  # type: ignore[arg-type]
    try:
        if isinstance(value, np.ndarray):
            value = value.copy()  # torch takes no array that runs backwards, and warns of one that is read-only
        kind = torch.float64 if isinstance(value, float) else None  # torch would make float32 of it
        tensor = torch.as_tensor(value, dtype=kind).detach()
        return None if tensor.is_complex() else tensor.to("cpu", torch.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def _nothing(value: Any) -> bool:
    """What a function without a return gives, what stands in a stub, and lists and dicts with such a part."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return any(map(_nothing, value))
    return value is None or value is ...


def _shown(value: Any) -> str:
    try:
        text = " ".join(str(value).split())
    except Exception:
        text = type(value).__name__
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"
