"""Checks of exercise 11, tasks 1 to 4: distances, two kernels, MMD²."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from vae_tutorial.checks.answers import ask, given, numbers
from vae_tutorial.checks.comparing import Verdict, holds, matches
from vae_tutorial.checks.toys import draw

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
FAR = 300.0  # from the origin, where |a|² + |b|² − 2 ab has lost its digits
SEVEN = "is also right where a code is alike to itself by 7, as in seven sizes"
WITHIN = "is right within one crowd, too, also for a code and itself"
ROUNDING = 2e-5  # of an MMD² in float32, a difference of likenesses


def distances(function: Callable, *, seed: int = 0, n: int = 5, m: int = 4, d: int = 3) -> Iterator[Verdict]:
    """A learner's (a [n, d], b [m, d]) -> squared distances [n, m]."""
    a, b = draw(seed, n, d), draw(seed + 1, m, d)
    parts, truth = a[:, None] - b, _squared(a, b)
    yield matches(
        "is the squared distance of every code in a from every code in b",
        ask(function, a, b),
        truth,
        slips={
            "this is the distance: is its root asked for?": truth.sqrt(),
            "this is an average over the latents: what does a squared distance do with them?": truth / d,
            "this is one number for each latent of each pair: which axis is summed?": parts.square(),
            "the differences are added up without their squares": parts.abs().sum(-1),
            "the square is taken after the sum, so that differences cancel": parts.sum(-1).square(),
            "rows and columns are exchanged: whose codes are the rows?": truth.T,
            "this is one number: keep one for each pair": truth.sum(),
            "this is the average of all pairs: keep one number for each": truth.mean(),
        },
    )
    far = a + FAR
    near = far + 0.01 * draw(seed + 2, n, d)
    measured, right = ask(function, far, near), _squared(far, near)
    yield holds("is never below 0, also far from the origin", _below_zero, measured)
    yield matches("is as good as right far from the origin", measured, right, atol=0.05 * d)


def rbf(
    function: Callable, *, seed: int = 0, n: int = 5, m: int = 4, d: int = 3, width: float = 1.5
) -> Iterator[Verdict]:
    """A learner's (a [n, d], b [m, d], width) -> likenesses [n, m]."""
    a, b = draw(seed, n, d), draw(seed + 1, m, d)
    r2, s = _squared(a, b), 2 * width**2
    truth, own = torch.exp(-r2 / s), torch.exp(-_squared(a, a) / s)
    yield matches(
        "is the RBF likeness of every pair",
        ask(function, a, b, width),
        truth,
        slips={
            "r² is averaged over the latents: the number of latents belongs in the width alone": torch.exp(-r2 / d / s),
            "r² is divided by the number of latents twice": torch.exp(-r2 / d**2 / s),
            "the width is not squared": torch.exp(-r2 / (2 * width)),
            "is the 2 there?": torch.exp(-r2 / width**2),
            "is the 2 above or below the line? In Python, x / 2 * y is (x / 2) * y": torch.exp(-r2 / 2 * width**2),
            "r stands where r² belongs": torch.exp(-r2.sqrt() / s),
            "r⁴ stands where r² belongs: distances are squared already": torch.exp(-r2.square() / s),
            "the likeness grows with the distance: look at the sign": torch.exp(r2 / s),
            "this is a density, which sums to 1: a kernel is not divided by its volume": truth
            / (torch.pi * s) ** (d / 2),
            "this is the average of all pairs: keep one number for each": truth.mean(),
        },
    )
    yield matches(WITHIN, ask(function, a, a, width), own, slips=_without_own(own))


def imq(function: Callable, *, seed: int = 0, n: int = 5, m: int = 4, d: int = 3) -> Iterator[Verdict]:
    """A learner's (a [n, d], b [m, d], scales) -> likenesses [n, m], added up over the scales."""
    a, b = draw(seed, n, d), draw(seed + 1, m, d)
    r2, c = _squared(a, b), 2 * d
    one, seven = c / (c + r2), [s * c / (s * c + r2) for s in SCALES]
    truth, own = torch.stack(seven).sum(0), torch.stack([s * c / (s * c + _squared(a, a)) for s in SCALES]).sum(0)
    yield matches(
        "is the IMQ likeness of every pair, in one size",
        ask(function, a, b, (1.0,)),
        one,
        slips={
            "C does not grow with the latents": 2 / (2 + r2),
            "this C is the number of latents: how far apart in the square are two draws of the prior?": d / (d + r2),
            "r stands where r² belongs": c / (c + r2.sqrt()),
            "this C counts the codes, not their latents": 2 * n / (2 * n + r2),
            "r² is averaged over the latents": c / (c + r2 / d),
            "a root is taken of it all": one.sqrt(),
            "this is how unlike they are": 1 - one,
            "C is missing above the line: how alike is a code to itself?": 1 / (c + r2),
            "this is one number: a kernel says something of every pair": one.sum(),
            "this is the average of all pairs: a kernel says something of every pair": one.mean(),
        },
    )
    yield matches(
        "is their sum in seven sizes",
        ask(function, a, b, SCALES),
        truth,
        slips={
            "this is the average of the sizes": truth / 7,
            "this is the last size alone: what happens to the others in the loop?": seven[-1],
            "this is the first size alone: does `return` end the loop?": seven[0],
            "the sizes are multiplied": torch.stack(seven).prod(0),
            "the size changes C below the line, not above": sum(c / (s * c + r2) for s in SCALES),
            "the sizes are added up first, and make one C": sum(SCALES) * c / (sum(SCALES) * c + r2),
            "this is one number: a kernel says something of every pair": truth.sum(),
        },
    )
    yield matches(WITHIN, ask(function, a, a, SCALES), own, slips=_without_own(own))


def mmd2(function: Callable, *, seed: int = 0, n: int = 6, d: int = 3) -> Iterator[Verdict]:
    """A learner's (within_z, within_p, across), tables [n, n] of likenesses -> the unbiased MMD²."""
    p = draw(seed, n, d)
    apart, close = _tables(0.5 * draw(seed + 1, n, d) + 1, p), _tables(p + 0.1 * draw(seed + 2, n, d), p)
    seven = [7 * table for table in apart]
    for claim, tables in {"is the distance of two crowds": apart, "may fall below 0": close, SEVEN: seven}.items():
        truth = unbiased(*tables)
        yield matches(claim, ask(function, *tables), truth, slips=_slips_of_mmd2(truth, *tables), atol=ROUNDING)
    crowds = zip(0.5**0.5 * draw(seed + 3, 200, 4, d), draw(seed + 4, 200, 4, d), strict=True)
    batches = [_tables(*crowd) for crowd in crowds]
    answers = [ask(function, *tables) for tables in batches]
    on_average = next(
        (a for a in answers if a.trouble), given([a.value for a in answers]).then(lambda values: values.mean())
    )
    error = torch.stack([unbiased(*tables) for tables in batches]).std() / len(batches) ** 0.5
    biased = {"it is too large for small batches: which pairs say nothing of the crowd?": _exact(d) + _own_share(d)}
    yield matches(
        "over 200 batches of 4 codes is, on average, what can be worked out exactly",
        on_average,
        _exact(d),
        atol=4 * error,
        slips=biased,
    )


def _squared(a: Tensor, b: Tensor) -> Tensor:
    return (a.double()[:, None] - b.double()).square().sum(-1)


def _tables(z: Tensor, p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Likenesses within z, within p and across, of an RBF kernel that fits the prior."""
    return tuple(torch.exp(-_squared(a, b) / (2 * z.shape[1])).float() for a, b in ((z, z), (p, p), (z, p)))  # type: ignore[return-value]


def unbiased(within_z: Tensor, within_p: Tensor, across: Tensor) -> Tensor:
    """MMD² of tables [n, n] of likenesses, the pairs of a code and itself left out (Gretton et al. 2012, lemma 6)."""
    n = len(across)
    others = 1 - torch.eye(n)
    return ((within_z + within_p) * others).sum() / (n * (n - 1)) - 2 * across.mean()


def _slips_of_mmd2(truth: Tensor, zz: Tensor, pp: Tensor, zp: Tensor) -> dict[str, Tensor]:
    n = len(zp)
    kept, off = zz.mean() + pp.mean(), 1 - torch.eye(n)
    biased, doubled = kept - 2 * zp.mean(), 2 * zp.mean()
    return {
        "a code's likeness to itself is kept": biased,
        "a code's likeness to itself is kept, though the pairs without it are counted": kept * n / (n - 1) - doubled,
        "those pairs are left out of the sum, but not out of their number": (truth + doubled) * (n - 1) / n - doubled,
        "each pair is counted once, and the formula counts it twice, as i, j and as j, i": (truth + doubled) / 2
        - doubled,
        "a code's likeness to itself is taken to be 1: the diagonal says what it is": (zz.sum() + pp.sum() - 2 * n)
        / (n * (n - 1))
        - doubled,
        "a root is taken": truth.sqrt(),
        "the value is cut at 0: what should its average be for equal crowds?": truth.clamp(min=0),
        "the average is divided by n (n − 1) once more": biased / (n * (n - 1)),
        "the mean across counts as often as the two others: how often in the formula?": truth + zp.mean(),
        "the mean across is added: do likenesses across make crowds far apart?": truth + 2 * doubled,
        "the sign is turned: which pairs may be the more alike, those within or those across?": -truth,
        "across, only the pairs i = i are taken: no bias, but far more chance. The formula takes all": truth
        + doubled
        - 2 * zp.diagonal().mean(),
        "across, the pairs i = i are left out: no bias, but z_i and p_i are no more alike than others": truth
        + doubled
        - 2 * (zp * off).sum() / (n * (n - 1)),
    }


def _exact(d: int, variance: float = 0.5) -> float:
    """MMD² of N(0, variance I) and N(0, I) under the kernel of `_tables`, worked out as in the lesson's section 3."""

    def likeness(spread: float) -> float:
        return (d / (d + spread)) ** (d / 2)

    return likeness(2) + likeness(2 * variance) - 2 * likeness(1 + variance)


def _own_share(d: int, variance: float = 0.5, n: int = 4) -> float:
    """By how much the pairs of a code with itself raise the two means of n codes."""
    return sum(1 - (d / (d + 2 * v)) ** (d / 2) for v in (1.0, variance)) / n


def _below_zero(value: Any) -> str | None:
    seen = numbers(value)
    if seen is None or not seen.numel() or seen.min() >= -1e-6:
        return None
    return (
        f"the least is {seen.min().item():.2g}. |a|² + |b|² − 2 a·b takes large numbers off each other: what if the "
        "difference of the codes comes first?"
    )


def _without_own(own: Tensor) -> dict[str, Tensor]:
    others = 1 - torch.eye(len(own))
    return {
        "the likeness of a code to itself is left out: a kernel gives all pairs, and who needs fewer drops them": own
        * others,
        "this is one number, of the pairs i ≠ j: a kernel gives every pair": (own * others).sum(),
    }
