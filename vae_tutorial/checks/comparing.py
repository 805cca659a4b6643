"""Compare a learner's answer with the truth, and with what likely slips would have given instead."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_tutorial.checks.answers import Answer, numbers

Number = Tensor | float
Truth = Number | Mapping[str, Number]
Slips = Mapping[str, Truth]

RTOL = 1e-4
TYPING = ("NameError", "AttributeError", "UnboundLocalError", "SyntaxError")  # what mistyped code stops with


@dataclass(frozen=True)
class Verdict:
    """Whether one property holds: `claim` says which, `problem` is a sentence on what is wrong, or "".

    unwritten: there was nothing to judge yet.
    """

    claim: str
    problem: str = ""
    unwritten: bool = False


def holds(claim: str, problem: Callable[..., str | None], *answers: Answer) -> Verdict:
    """Judge the answers' values by a function of them, which returns what is wrong in a sentence, or None."""
    for answer in answers:
        if answer.trouble:
            return Verdict(claim, answer.trouble, answer.unwritten)
    return Verdict(claim, problem(*(answer.value for answer in answers)) or "")


def matches(
    claim: str,
    answer: Answer,
    truth: Truth,
    *,
    or_else: Iterable[Truth] = (),
    slips: Slips | None = None,
    atol: Number | None = None,
    secret: bool = False,
) -> Verdict:
    """Compare numbers: shape and values, to `atol` or to a ten-thousandth of the largest of the truth.

    truth: a tensor or number; where the answer has several parts, a mapping of their names, in the order returned.
    or_else: truths that are as right. slips: for each sentence what the answer would be if it were true of the
    learner's code; of several parts those named are enough. atol: absolute, such as four standard errors.
    secret: the truth is the answer itself, and not told.
    """
    return holds(claim, lambda value: _problem(value, truth, [truth, *or_else], slips or {}, atol, secret), answer)


def one_of(claim: str, answer: Answer, accepted: Iterable[str]) -> Verdict:
    """Whether the answer is one of the words to choose from; not whether it is the right one."""
    words = tuple(accepted)
    return holds(
        claim, lambda value: None if value in words else f"{value!r} is none of {', '.join(map(repr, words))}", answer
    )


def refuses(claim: str, answer: Answer, through: str) -> Verdict:
    """Whether the answer names an error that is a refusal. through: what is said where it is "nothing"."""

    def problem(name: Any) -> str | None:
        if name == "nothing":
            return through
        return f"it stops with {name}, which is a slip in the code, not a refusal" if name in TYPING else None

    return holds(claim, problem, answer)


def _problem(
    value: Any, truth: Truth, right: list[Truth], slips: Slips, atol: Number | None, secret: bool
) -> str | None:
    names = list(truth) if isinstance(truth, Mapping) else None
    yours = _parts(value, names)
    if isinstance(yours, str):
        return yours
    if any(_agree(yours, other, atol) for other in right):
        return None
    told = "not yet" if secret else _difference(yours, _named(truth), atol)
    told_apart = {sentence: wrong for sentence, wrong in slips.items() if not _agree(_named(truth), wrong, atol)}
    slip = next((sentence for sentence, wrong in told_apart.items() if _agree(yours, wrong, atol)), None)
    if slip is None:
        return told
    return slip if secret else f"{slip} ({told})"


def _parts(value: Any, names: list[str] | None) -> dict[str, Tensor] | str:
    """The answer by parts, or what stands against reading it so."""
    if names is None:
        raw = {"": value}
    else:
        listed = list(value.values()) if isinstance(value, Mapping) else value
        if not isinstance(listed, list | tuple) or len(listed) != len(names):
            return f"{len(names)} results are asked for: {', '.join(names)}; got {_kind(value)}"
        raw = dict(zip(names, listed, strict=True))
    found: dict[str, Tensor] = {}
    for name, part in raw.items():
        read = numbers(part)
        if read is None:
            return f"{name or 'the result'} has to be numbers, and is {_kind(part)}"
        found[name] = read
    return found


def _named(truth: Truth) -> dict[str, Tensor]:
    parts = truth if isinstance(truth, Mapping) else {"": truth}
    return {name: torch.as_tensor(part).detach().to("cpu", torch.float64) for name, part in parts.items()}


def _agree(yours: dict[str, Tensor], truth: Truth, atol: Number | None) -> bool:
    return all(name in yours and _close(yours[name], right, atol) for name, right in _named(truth).items())


def _close(yours: Tensor, right: Tensor, atol: Number | None) -> bool:
    if yours.shape != right.shape and not (yours.numel() == right.numel() == 1):
        return False
    room = _room(right) if atol is None else torch.as_tensor(atol, dtype=torch.float64)
    return bool(((yours.view_as(right) - right).abs() <= room).all())  # not a number is not close


def _room(right: Tensor) -> Tensor:
    """How far an answer may lie from the truth: rounding, also of float32, whose zero may read 1e-7."""
    largest = right.abs().max() if right.numel() else torch.zeros(())
    return RTOL * largest if largest > 0 else torch.tensor(1e-6, dtype=torch.float64)


def _difference(yours: dict[str, Tensor], truth: dict[str, Tensor], atol: Number | None) -> str:
    """Of every part that differs: how."""
    differing = [name for name, right in truth.items() if not _close(yours[name], right, atol)]
    return "; ".join(_how(yours[name], truth[name], f" of {name}" if name else "") for name in differing)


def _how(a: Tensor, b: Tensor, of: str) -> str:
    """By shape, by what is no number, by a factor, or where they differ most."""
    if a.shape != b.shape and not (a.numel() == b.numel() == 1):
        return f"the shape{of} is {_shape(a)}, expected {_shape(b)}"
    if not a.isfinite().all():
        bad = a[~a.isfinite()].flatten()[0].item()
        return f"{(~a.isfinite()).sum()} of {a.numel()} numbers{of} are not finite, such as {bad}"
    a = a.view_as(b)
    at = int((a - b).abs().argmax())
    told = "yours{} {}, expected {}".format(of, *_told_apart(a.flatten()[at].item(), b.flatten()[at].item()))
    if a.numel() == 1:
        return told
    told += f" at {[int(i) for i in torch.unravel_index(torch.tensor(at), a.shape)]}"
    factor = (a * b).sum() / (b * b).sum()  # least squares; not finite where all of the truth is 0
    alike = (
        factor.isfinite()
        and f"{factor.item():.3g}" != "1"
        and bool((a - factor * b).abs().max() < 1e-3 * a.abs().max())
    )
    return f"every number{of} is {factor.item():.3g} times what it should be: {told}" if alike else told


def _told_apart(a: float, b: float) -> tuple[str, str]:
    """Two numbers with four digits, or as many as it takes to see that they differ."""
    return next(((f"{a:.{n}g}", f"{b:.{n}g}") for n in range(4, 17) if f"{a:.{n}g}" != f"{b:.{n}g}"), (str(a), str(b)))


def _shape(tensor: Tensor) -> str:
    return str(list(tensor.shape)) if tensor.ndim else "a single number"


def _kind(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return "one tensor" if isinstance(value, Tensor) else f"{type(value).__name__}"
