"""Checks of exercise 09, its scores: what a latent tells of a factor, and the mutual information gap."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vae_tutorial.checks.answers import ask
from vae_tutorial.checks.comparing import Verdict, matches
from vae_tutorial.data import sprites
from vae_tutorial.measures import mutual_information, reference_codes

LEVELS = (3, 4, 6)  # of the factors of toy codes


def information(function: Callable, *, seed: int = 0, n: int = 400) -> Iterator[Verdict]:
    """A learner's (code [n], factor [n]) -> their mutual information in nats, the code cut into 20 bins."""
    codes, factors = _toy_codes(seed, n)
    code, factor = codes[:, 0].contiguous(), factors[:, 0].contiguous()
    known, entropies = mutual_information(codes, factors)
    truth, alone = known[0, 0], entropies[0]
    bins, share = _cut(code, 20), (code - code.min()) / (code.max() - code.min())
    quantiles = torch.bucketize(code, code.quantile(torch.linspace(0, 1, 21, dtype=torch.double))[1:-1])
    of_its_own = torch.where(code == code.max(), 20, bins)
    yield matches(
        "is what this latent tells of this factor, in nats",
        ask(function, code, factor),
        truth,
        slips={
            "these are bits: which logarithm gives nats?": truth / math.log(2),
            "these bins hold equal numbers of codes: theirs is an equal width": _told(quantiles, factor),
            "the code is not cut: of numbers that never come twice, each tells all": _told(code, factor),
            "the largest code has a bin of its own, the 21st": _told(of_its_own, factor),
            "these are ten bins": _told(_cut(code, 10), factor),
            "these are 19 bins: how many lie between 20 edges?": _told(_cut(code, 19), factor),
            "these are 19 bins, and one more for the largest code alone": _told((19 * share).floor(), factor),
            "these are 19 bins, and one more for the least code alone": _told((19 * share).ceil(), factor),
            "rounding makes the first and the last bin half as wide": _told((19 * share).round(), factor),
            "rounding makes 21 bins": _told((20 * share).round(), factor),
            "a bin is a twentieth of the code's range, not of 1": _told((20 * code).long(), factor),
            "whole numbers are no twentieths of the code's range": _told(code.round(), factor),
            "this is the factor's entropy: all there is to know": alone,
            "this is what the latent leaves open: how much does it tell?": alone - truth,
            "this is the entropy of the pair": _entropy(bins, factor),
            "this is a share of the factor's entropy: how many nats?": truth / alone,
            "this is below 0: which entropies are added, and which is taken away?": -truth,
        },
    )
    yield matches(
        "gives all of a factor's entropy where the code is the factor", ask(function, 2.0 * factor, factor), alone
    )


def gap(function: Callable, *, seed: int = 0, n: int = 400) -> Iterator[Verdict]:
    """A learner's (codes [n, z], factors [n, f]) -> the mutual information gap."""
    codes, factors = _toy_codes(seed, n)
    known, entropies = mutual_information(codes, factors)
    (first, second), (last, next_last) = known.topk(2, dim=0).values, known.sort(0).values[:2]
    own = known.topk(2, dim=1)
    of_latents = ((own.values[:, 0] - own.values[:, 1]) / entropies[own.indices[:, 0]]).mean()
    ranks = codes.argsort(0).argsort(0).double()
    best, next_best = mutual_information(ranks, factors)[0].topk(2, dim=0).values
    levels = torch.tensor([len(factor.unique()) for factor in factors.T]).log()
    truth = ((first - second) / entropies).mean()
    yield matches(
        "is the mean gap of the factors, each as a share of its entropy",
        ask(function, codes, factors),
        truth,
        slips={
            "the gaps are in nats: of which whole are they a share?": (first - second).mean(),
            "this is what the best latent tells: how far ahead of the second is it?": (first / entropies).mean(),
            "the best is set against the worst: who comes second?": ((first - last) / entropies).mean(),
            "each gap is a share of what the best latent tells": ((first - second) / first).mean(),
            "the logarithm of the number of levels is the entropy only where all levels come equally often": (
                (first - second) / levels
            ).mean(),
            "this is the sum over the factors": truth * len(entropies),
            "all gaps are added before they are divided: each has an entropy of its own": (first - second).sum()
            / entropies.sum(),
            "the gap is between the factors of each latent: it asks of each factor who knows it": of_latents,
            "the gap is between the factors of each latent, and in nats": (own.values[:, 0] - own.values[:, 1]).mean(),
            "these two know least: at which end of the sorted ones stands the best?": (
                (last - next_last) / entropies
            ).mean(),
            "bits are divided by nats": truth / math.log(2),
            "the bins hold equal numbers of codes: theirs is an equal width": ((best - next_best) / entropies).mean(),
        },
    )


def known_gaps(function: Callable, *, n: int = 0) -> Iterator[Verdict]:
    """The same of codes about which all is known; with n also of n sprites' own factors, as they are and turned."""
    side, size = factors = torch.tensor([[0, 0, 1, 1], [0, 1, 0, 1]])
    for claim, code, truth in (
        ("gives 1 where each factor has a latent of its own", (side, size), 1.0),
        ("gives ½ where two latents know the side", (side, size, side), 0.5),
        ("gives 0 where all is mixed", (side + size, side - size), 0.0),
    ):
        yield matches(claim, ask(function, torch.stack(code, dim=1).double(), factors.T), truth, atol=1e-5)
    if n:
        levels = sprites.CELLS.shuffled(n, 0, 0)
        for name, codes in reference_codes(levels, 6).items():
            known, entropies = mutual_information(codes, levels)
            first, second = known.topk(2, dim=0).values
            yield matches(
                f"is right for {name}", ask(function, codes, levels), ((first - second) / entropies).mean(), atol=1e-4
            )


def _toy_codes(seed: int, n: int) -> tuple[Tensor, Tensor]:
    """Codes [n, 4] that know something of three factors [n, 3], whose levels do not come equally often.

    No code lies near the edge of a bin but the least and the largest, which stand on one, the largest several times.
    """
    generator = torch.Generator().manual_seed(seed)
    shares = torch.rand(n, 3, generator=generator, dtype=torch.double).square()
    factors = (shares * torch.tensor(LEVELS)).long()
    mixed = factors.double() @ torch.tensor([[1.0, 0.1, 0.0, 0.0], [0.0, 0.8, 0.3, 0.0], [0.1, 0.0, 0.5, 0.0]]).double()
    noisy = mixed + torch.rand(n, 4, generator=generator, dtype=torch.double)
    places = (noisy - noisy.min(0).values) / (noisy.max(0).values - noisy.min(0).values)
    bins = (20 * places.square()).clamp(max=19.99)  # squared: bins of equal width and of equal counts differ
    inside = (bins.floor() + 0.2 + 0.6 * bins.frac()) / 20
    inside[0], inside[1 : n // 30 + 2] = 0.0, 1.0
    return 3 * inside - 1, factors


def _cut(code: Tensor, bins: int) -> Tensor:
    share = (code - code.min()) / (code.max() - code.min())
    return (share * bins).long().clamp(max=bins - 1)


def _entropy(*columns: Tensor) -> Tensor:
    counts = torch.unique(torch.stack([column.double() for column in columns]), dim=1, return_counts=True)[1]
    return torch.distributions.Categorical(counts.double()).entropy()


def _told(code: Tensor, factor: Tensor) -> Tensor:
    """Mutual information of two columns of levels, in nats."""
    return _entropy(code) + _entropy(factor) - _entropy(code, factor)
