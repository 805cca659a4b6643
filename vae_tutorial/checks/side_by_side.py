"""Checks of exercise 12: spread, paired difference, bits, ranks, an honest ranking, and a model to hand in."""

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from vae_tutorial.checks.answers import ask, given
from vae_tutorial.checks.capstone import GREY, NARROW, SAYING, Measured, flaw, measure
from vae_tutorial.checks.comparing import Verdict, holds, matches
from vae_tutorial.checks.toys import draw

# Nats per image of unseen drawn digits: windows of results/capstone.json, which an installed package lacks.
AVERAGE_PICTURE = 176.3
PLAIN = 88.7
TUNED = 82.5
ROOM = 3.0  # nats between the means of 10,000 digits and of 1,000 others, which lie up to 2 apart

# Seeds of each model, lower is better. Three are not apart from the one with the best mean, three are.
# "close" is apart from "steady", which counts for nothing: "steady" is not the best.
RACE = {
    "best": (10.0, 10.2, 10.4),
    "close": (10.3, 11.0, 12.0),
    "steady": (10.25, 10.26, 10.27),
    "lucky": (9.5, 12.5, 12.6),
    "near": (10.5, 10.6, 10.7),
    "wild": (10.45, 13.0, 17.0),
    "worst": (20.0, 21.0, 22.0),
}


def mean_sd(function: Callable, *, seed: int = 0, n: int = 4) -> Iterator[Verdict]:
    """A learner's values [n] -> (mean, standard deviation with divisor n - 1)."""
    values = 90 + 3 * draw(seed, n).double()
    mean, sd, around = values.mean(), values.std(), values - values.mean()
    yield matches(
        "gives the mean and the standard deviation over the seeds",
        ask(function, values.tolist()),
        {"mean": mean, "sd": sd},
        slips={
            "this divides by n: a few seeds lie closer to their own mean than to the true one": {
                "sd": values.std(correction=0)
            },
            "this is the standard error of the mean: the spread of the seeds is asked for": {"sd": sd / n**0.5},
            "this is the variance: a standard deviation is in nats": {"sd": sd**2},
            "this is half of the range": {"sd": (values.max() - values.min()) / 2},
            "this is the range": {"sd": values.max() - values.min()},
            "this is the mean distance from the mean: square first": {"sd": around.abs().mean()},
            "this is the median": {"mean": values.quantile(0.5)},
            "this is the lower one of the two in the middle": {"mean": values.median()},
            "the mean stands first, then the spread": {"mean": sd, "sd": mean},
        },
    )


def difference(function: Callable, *, seed: int = 0, n: int = 12) -> Iterator[Verdict]:
    """A learner's (a, b), both [n] -> (mean of a - b, its standard error); either divisor."""
    images, noise = draw(seed, 2, n).double()
    a, b = 85 + 20 * images, 84 + 20 * images + noise
    mean, sd = (a - b).mean(), (a - b).std()
    error = sd / n**0.5
    unpaired = ((a.var() + b.var()) / n) ** 0.5
    yield matches(
        "gives the mean difference of the pairs and its standard error",
        ask(function, a.tolist(), b.tolist()),
        {"difference": mean, "standard error": error},
        or_else=[{"difference": mean, "standard error": error * (1 - 1 / n) ** 0.5}],
        slips={
            "this is the spread of the differences: how sure is their mean?": {"standard error": sd},
            "this is the spread of the differences, divided by n: how sure is the mean?": {
                "standard error": (a - b).std(correction=0)
            },
            "this standard error takes a and b for unrelated: but they come in pairs": {"standard error": unpaired},
            "this takes a and b for unrelated: but they come in pairs": {
                "standard error": unpaired * (1 - 1 / n) ** 0.5
            },
            "this adds up the errors of a and of b: but they come in pairs": {
                "standard error": (a.std() + b.std()) / n**0.5
            },
            "this takes the errors of a and of b from each other: but they come in pairs": {
                "standard error": (a.std() - b.std()) / n**0.5
            },
            "the spread is divided by n: is it that, or its root?": {"standard error": sd / n},
            "this is a variance: a standard error is in nats": {"standard error": error**2},
            "the sign is turned: a − b is asked for": {"difference": -mean, "standard error": error},
            "the direction is lost: keep the sign of each difference": {"difference": (a - b).abs().mean()},
        },
    )


def bits_per_pixel(value: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """A learner's bits per pixel of an image of `side` by `side` pixels that costs `nats`."""
    pixels = variant.side**2
    truth = variant.nats / math.log(2) / pixels
    yield matches(
        "is the cost of a pixel in bits",
        given(value),
        truth,
        atol=0.01 * truth,
        secret=True,
        slips={
            "these are nats per pixel": variant.nats / pixels,
            "these are bits per image": variant.nats / math.log(2),
            "is a bit more than a nat, or less? 1 nat is 1.44 bits": variant.nats * math.log(2) / pixels,
            "an image has side times side pixels": variant.nats / math.log(2) / variant.side,
            "this takes the logarithm to base 10: a bit is a choice of two": variant.nats / math.log(10) / pixels,
        },
    )


def rank_correlation(function: Callable, *, seed: int = 0, n: int = 9) -> Iterator[Verdict]:
    """A learner's (a, b), both [n] without ties -> Spearman's rank correlation."""
    a, noise = draw(seed, 2, n).double()
    b = a + noise
    b[b.argmax()] += 30  # one far off, which ranks do not mind
    ranks, order = (torch.stack([a, b]).argsort(1).argsort(1).double(), torch.stack([a, b]).argsort(1).double())
    truth = _correlation(*ranks)
    yield matches(
        "is the correlation of the places",
        ask(function, a.tolist(), b.tolist()),
        truth,
        slips={
            "this is the correlation of the numbers themselves: one far off outvotes the others": _correlation(a, b),
            "`argsort` once says who stands at each place: which place has each run?": _correlation(*order),
            "both lists are sorted: which numbers belong to one run?": _correlation(a.sort().values, b.sort().values),
            "this is the whole table of correlations: where is that of a with b?": torch.corrcoef(ranks),
            "the second one is still numbers, not places": _correlation(ranks[0], b),
            "the first one is still numbers, not places": _correlation(a, ranks[1]),
            "one of them is ordered the other way round": -truth,
            "this is the covariance of the places: what makes it lie between −1 and 1?": torch.cov(ranks)[0, 1],
            "this is the share of the spread, the square": truth**2,
        },
    )
    yield matches("is −1 for opposite orders", ask(function, a.tolist(), (-a.exp()).tolist()), -1.0)


def leaders(function: Callable, *, seed: int = 0, shift: float = 0.0, more: int = 0) -> Iterator[Verdict]:
    """A learner's runs {name: values}, lower is better -> the names that are not apart from the best mean, and it."""
    order = draw(seed, len(RACE)).argsort().tolist()
    codes = [f"model {chr(65 + i)}" for i in range(len(RACE))]
    names = dict(zip([list(RACE)[i] for i in order], codes, strict=True))
    middles = {name: sum(values) / len(values) for name, values in RACE.items()}
    runs = {  # further seeds at the mean change nothing that counts
        names[name]: [shift + value for value in (*values, *[middles[name]] * more)] for name, values in RACE.items()
    }
    runs = dict(sorted(runs.items()))
    slips = {
        "the best mean alone: which others does it not leave behind with every seed?": ("best",),
        "the best one belongs to the list": ("close", "lucky", "steady"),
        "one seed that is not worse is enough to be not left behind": ("best", "steady"),
        "only the best model leaves others behind: a model that is not the best does not": ("best", "lucky", "steady"),
        "these have the best single seed: it is the best mean that leads": ("lucky",),
        "these are not apart from the best single seed: it is the best mean that leads": (
            *("best", "close", "lucky", "near", "steady", "wild"),
        ),
        "one whose every seed lies above every seed of the best is there: is it mean ± sd that you compare?": (
            *("best", "close", "lucky", "steady", "wild"),
        ),
        "lower is better here": ("worst",),
        "these are the ones left behind": ("near", "wild", "worst"),
        "all are there: which does the best leave behind with every seed?": tuple(RACE),
    }

    def problem(value: Any) -> str | None:
        if not isinstance(value, list | tuple | set | frozenset) or not all(isinstance(name, str) for name in value):
            return "a list of names is asked for"
        if unknown := set(value) - set(runs):
            return f"{min(unknown)!r} is none of the models"
        if set(value) == {names[name] for name in ("best", "close", "lucky", "steady")}:
            return None
        said = [text for text, wrong in slips.items() if set(value) == {names[name] for name in wrong}]
        return (said or ["first the best mean; then everyone whose seeds it does not leave behind, all of them"])[0]

    yield holds("names the best mean and all that are not apart from it", problem, ask(function, runs))


def is_vae(handed_in: Any, *, part: int = 0) -> Iterator[Verdict]:
    """A learner's (settings, weights): one model, within the size, whose code says something and was charged."""
    fits, seen = _measured(handed_in, part)
    yield fits
    if seen is None:
        return
    yield Verdict(f"is a VAE that has learned digits ({_told(seen)})", _unlearned(seen))


def at_most(handed_in: Any, limit: float, *, part: int = 0) -> Iterator[Verdict]:
    """A learner's (settings, weights): −ELBO of at most `limit` nats per unseen image."""
    fits, seen = _measured(handed_in, part)
    yield fits
    if seen is None:
        return
    problem = ""
    if not seen.minus_elbo <= limit:  # so that what is no number fails
        problem = _unlearned(seen) or f"it costs {seen.minus_elbo:.1f}: which change gained most in the lessons?"
    yield Verdict(f"costs at most {limit:.1f} nats per unseen digit ({_told(seen)})", problem)


def reported(report: Any, limit: float, *, part: int = 0) -> Iterator[Verdict]:
    """A learner's (settings, weights, claimed): as `at_most`, and −ELBO is about what is claimed of it."""
    *handed_in, claimed = report
    yield from at_most(handed_in, limit, part=part)
    if flaw(handed_in):
        return
    settings, weights = handed_in
    seen = measure(settings, weights, part)
    yield matches(
        f"is what is claimed of it, within {ROOM:g} nats",
        given(claimed),
        seen.minus_elbo,
        atol=ROOM,
        slips={
            "this is the ELBO: which sign has what an image costs?": -seen.minus_elbo,
            "this is the reconstruction alone: what do the codes cost?": seen.reconstruction,
            "this is the KL alone: what do the copies cost?": seen.kl,
        },
    )


def _measured(handed_in: Any, part: int) -> tuple[Verdict, Measured | None]:
    """Whether settings and weights make one model, and what it measures on a part of the unseen digits."""
    fits = holds("settings and weights make one model, of at most 3 MB", flaw, given(handed_in))
    if fits.problem:
        return fits, None
    settings, weights = handed_in
    return fits, measure(settings, weights, part)


def _told(seen: Measured) -> str:
    return f"yours: −ELBO {seen.minus_elbo:.1f}, of which reconstruction {seen.reconstruction:.1f}, KL {seen.kl:.1f}"


def _unlearned(seen: Measured) -> str:
    """What is wrong with a model that costs more than the average picture does, or whose code says nothing, or ""."""
    if not math.isfinite(seen.minus_elbo):
        return "its −ELBO is no finite number: are these the weights of a training that went well?"
    if seen.reconstruction > GREY:
        if seen.darkest > 0.25 and seen.brightest > 0.65:  # sigmoid of numbers from 0 to 1; untrained ones lie near 0.5
            extremes = f"its pictures' pixels lie between {seen.darkest:.2f} and {seen.brightest:.2f}, none is black"
            return f"{extremes}: the decoder gives logits; were they taken for probabilities in training?"
        return f"its copies cost {seen.reconstruction:.0f} nats, like grey pictures: are these the trained weights?"
    if seen.kl < SAYING:
        return f"its KL is {seen.kl:.2f}: the code says nothing of the image (lesson 06, section 7)"
    if seen.kl > NARROW:
        parts = f"its copies cost {seen.reconstruction:.0f} nats, their codes {seen.kl:.0f}"
        return f"{parts}: was the KL charged in training?"
    if seen.minus_elbo > AVERAGE_PICTURE:
        return f"always drawing the average picture costs {AVERAGE_PICTURE:.0f}: it has to train longer"
    return ""


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    return torch.corrcoef(torch.stack([a, b]))[0, 1]
