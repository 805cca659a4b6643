"""Checks of exercise 06: KL of each latent, active units, the bound, a fair comparison, a collapse and its cure."""

from collections.abc import Callable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_tutorial import data
from vae_tutorial.checks.answers import ask, given, numbers
from vae_tutorial.checks.comparing import Truth, Verdict, holds, matches, one_of
from vae_tutorial.checks.toys import draw, toy_images
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import History, evaluate, fit
from vae_tutorial.vae import VAE

IMAGES = 60  # that two models have both answered
GAINS = {"A": 1.2, "B": -1.0, "C": 0.2}  # nats, with a standard error of 0.26
CONCLUSIONS = ("the one with 64 is better", "the one with 16 is better", "these images cannot tell")
RUNS = {"A": (KL(28 * 28), 3e-3), "B": (KL(), 0.1)}
FAULTS = ("too few latents", "learning rate", "KL not charged", "mean over pixels")


def kl_per_dimension(function: Callable, *, seed: int = 0, n: int = 12, z: int = 5) -> Iterator[Verdict]:
    """A learner's (mu, logvar), both [n, z] -> the mean KL of each latent, from most to least [z]."""
    mu, logvar = draw(seed, 2, n, z) * torch.linspace(0.2, 1.5, z).roll(2)
    terms, average = DiagGaussian(mu, logvar).kl_terms(), DiagGaussian(mu.mean(0)[None], logvar.mean(0)[None])
    truth = _down(terms.mean(0))
    yield matches(
        "is the mean KL of each latent, from most to least",
        ask(function, mu, logvar),
        truth,
        slips={
            "these are the right numbers in the latents' own order: sort them": terms.mean(0),
            "these are the right numbers from least to most: turn them round": truth.flip(0),
            "`sort` gives two things, the values and their places: the values are asked for": torch.stack(
                [truth, terms.mean(0).argsort(descending=True)]
            ),
            "every image is sorted by itself: average first, then sort": _down(terms).mean(0),
            "this is summed over the images: it is their mean": _down(terms.sum(0)),
            "this is one number for each image: which axis is averaged?": terms.mean(1),
            "this is one number for each image, summed over its latents: which axis is averaged?": terms.sum(1),
            "this is one number for each image, in order: which axis is averaged?": _down(terms.mean(1)),
            "this is the KL of all latents together: keep them apart": terms.sum(1).mean(),
            "this is one number: average over the images only": terms.mean(),
            "is the ½ there?": 2 * truth,
            "the − 1 is missing": truth + 0.5,
            "this is the KL of an average cloud: first each cloud's KL, then the average": _down(average.kl_terms()[0]),
            "this takes log σ² for log σ": _down(0.5 * (mu**2 + torch.exp(2 * logvar) - 1 - 2 * logvar).mean(0)),
        },
    )


def active_units(
    function: Callable, *, seed: int = 0, active: int = 3, faint: int = 4, shifted: int = 2, quiet: int = 2
) -> Iterator[Verdict]:
    """A learner's (mu, logvar, threshold) -> how many latents have a variance of mu above it.

    Of the others, `faint` ones have a standard deviation above it, `shifted` ones a mean square.
    """
    counts = (active, faint, shifted, quiet)
    for threshold, other in ((0.01, 0.2), (0.2, 0.01)):  # each with clouds of its own
        mu, logvar = _latents(seed, threshold, *counts)
        said: dict[str, Truth] = {
            "latents whose σ is about 1 are counted too: is this the variance of the sampled z?": sum(counts),
            "latents that stand still away from 0 are counted too: does your number take their mean away?": active
            + shifted,
            "too many: is it the variance that you compare, or its root?": active + faint,
            "this counts images, not latents: along which axis does μ have to vary?": len(mu),
            "these are those that stand still": sum(counts) - active,
            "this marks the active ones: how many are they?": mu.var(0) > threshold,
            "these are the variances: how many lie above the threshold?": mu.var(0),
        }
        if threshold > other:
            said = {"does the threshold that is given play a part?": int((mu.var(0) > other).sum())} | said
        claim = f"counts the latents that move, with a threshold of {threshold}"
        yield matches(claim, ask(function, mu, logvar, threshold), active, slips=said)


def bound(function: Callable, *, seed: int = 0, k: int = 6, b: int = 4) -> Iterator[Verdict]:
    """A learner's log_w [k, b] -> the importance-weighted bound of each image [b]."""
    log_w = 5 * draw(seed, k, b) - 80
    exact = log_w.double()  # exp(-100) is an exact number there
    truth = exact.exp().mean(0).log()
    yield matches(
        "is the logarithm of each image's average weight",
        ask(function, log_w),
        truth,
        slips={
            "this is the average of the logarithms, which is the ELBO: which comes first?": exact.mean(0),
            "this is the logarithm of the sum: how many draws are there?": exact.exp().sum(0).log(),
            "this subtracts K, not its logarithm": exact.exp().sum(0).log() - k,
            "this divides the logarithm by K: the average is taken inside": exact.exp().sum(0).log() / k,
            "this is the sum of the logarithms": exact.sum(0),
            "this is the best draw alone: the others count too": exact.amax(0),
            "this is one number for each draw: over which axis does the average go?": exact.exp().mean(1).log(),
            "this is the average over the images: keep one number for each": truth.mean(),
            "this is the average weight: take its logarithm": truth.exp(),
            "the sign is turned: the bound itself is asked for": -truth,
        },
    )
    shift = torch.full((b,), -1920.0)
    shift[1::2] = 0  # no number taken out of all images serves both kinds
    answer = ask(function, log_w + shift)
    yield holds("stays finite where some images cost 2,000 nats", _lost, answer)
    yield matches("is right for these, too", answer, truth + shift)


def compare(
    function: Callable, *, seed: int = 0, sizes: tuple[int, ...] = (2, 6), trainings: int = 3
) -> Iterator[Verdict]:
    """A learner's (sizes, seeds, train, test, steps, lr) -> −ELBO of the test images [sizes, seeds], trained alike."""
    train, test, steps, lr = _pixels(seed), _pixels(seed + 1), 12, 0.02
    seeds = [seed + 3 + 2 * i for i in range(trainings)]

    def table(cost: Callable[[int, int], float]) -> Tensor:
        return torch.tensor([[cost(z, s) for s in seeds] for z in sizes])

    truth = table(lambda z, s: _cost(seed, z, s, steps, lr))
    yield matches(
        "has each number of latents in a row, each seed in a column, all trained alike",
        ask(function, list(sizes), seeds, train, test, steps, lr),
        truth,
        slips={
            "each row is a seed: the numbers of latents belong there": truth.T,
            "these are the training images: a comparison asks the test images": table(
                lambda z, s: _cost(seed, z, s, steps, lr, tested=False)
            ),
            "the models were trained on the test images": table(
                lambda z, s: _cost(seed, z, s, steps, lr, trained=False)
            ),
            "every column has the same seed": table(lambda z, s: _cost(seed, z, seeds[0], steps, lr)),
            "every training has the seed 0: which seeds are given?": table(lambda z, s: _cost(seed, z, 0, steps, lr)),
            "the seeds are counted from 0: which ones are given?": table(
                lambda z, s: _cost(seed, z, seeds.index(s), steps, lr)
            ),
            "more latents had more steps: what may differ between the rows?": table(
                lambda z, s: _cost(seed, z, s, steps * z // sizes[0], lr)
            ),
            "this is the mean over the seeds: keep every run": truth.mean(1),
        },
    )


def bounds(variant: SimpleNamespace) -> tuple[Tensor, Tensor]:
    """Bounds on log p(x) of the same images [60], in nats, by a model with 16 latents and by one with 64."""
    image, difference = draw(variant.seed + 21, 2, IMAGES).double()
    difference = 2 * (difference - difference.mean()) / difference.std() + GAINS[variant.pair]
    few = -105 - 24 * (image - image.mean()) / image.std()
    return few, few + difference


def gain(value: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """A learner's (mean gain, its standard error) from 16 to 64 latents; either divisor."""
    few, many = bounds(variant)
    mean, spread = (many - few).mean(), (many - few).std()
    error = spread / IMAGES**0.5
    yield matches(
        "gives the mean gain and its standard error",
        given(value),
        {"gain": mean, "standard error": error},
        atol=0.03 * error,
        secret=True,
        slips={
            "this standard error is of two sets of images; but both models answered the same ones": {
                "standard error": ((few.var() + many.var()) / IMAGES) ** 0.5
            },
            "this is the spread of single images: how sure is their mean?": {"standard error": spread},
            "the spread is divided by the number of images: is it that, or its root?": {
                "standard error": spread / IMAGES
            },
            "this is a variance: a standard error is in nats": {"standard error": error**2},
            "the sign is turned: a gain is what 64 have more than 16": {"gain": -mean, "standard error": error},
            "this gain is the bound of one model: what is the difference to the other?": {"gain": many.mean()},
            "the standard error is rounded: keep three digits": {"standard error": round(error.item(), 1)},
        },
    )


def conclusion(word: Any) -> Iterator[Verdict]:
    """One of CONCLUSIONS."""
    yield one_of("is one of the three conclusions", given(word), CONCLUSIONS)


def sick_runs(run: str) -> dict[str, History]:
    """The curves of a healthy training on drawn digits, and of one that has a fault."""
    images, runs = data.load("digits", limit=4000), {"healthy": (KL(), 3e-3), "yours": RUNS[run]}
    curves = {}
    for name, (charge, lr) in runs.items():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = VAE(*mlp(hidden=(128,), z_dim=16))
        curves[name] = fit(model, Objective(charge), images, steps=400, batch_size=64, lr=lr, progress=False)
    return curves


def fault(word: Any) -> Iterator[Verdict]:
    """One of FAULTS."""
    yield one_of("is one of the four faults", given(word), FAULTS)


def mended_loss(function: Callable, *, seed: int = 0, b: int = 5, warmup: int = 40) -> Iterator[Verdict]:
    """A learner's (logits, x, kl, step, warmup) -> loss; logits and x [b, 1, h, w], kl [b]."""
    logits, x, kl = 2 * draw(seed, b, 1, 4, 4), toy_images(seed + 1, b), 3 + 2 * draw(seed + 2, b).square()
    pixels = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    rec, price = pixels.sum() / b, kl.mean()
    yield matches(
        "charges the reconstruction alone at step 0, a sum over pixels",
        ask(function, logits, x, kl, 0, warmup),
        rec,
        slips={
            "the reconstruction is averaged over the pixels: this is what collapsed": pixels.mean(),
            "the reconstruction is summed over the images too: it is their mean": pixels.sum(),
            "MNIST has 784 pixels, these images have fewer: count those of `x`": 784 * pixels.mean(),
            "the weight is not 0 yet: it grows from step 0 on, not from step 1": rec + price / warmup,
            "the KL has its full weight at the first step": rec + price,
            "the KL has its full weight, and the reconstruction is averaged over the pixels": pixels.mean() + price,
            "the loss is 0 at the first step: which of the two terms is eased in?": torch.zeros(()),
            "the sigmoid is taken twice": F.binary_cross_entropy_with_logits(logits.sigmoid(), x, reduction="sum") / b,
        },
    )
    for step, claim in ((warmup // 4, "charges a part of the KL on the way"), (3 * warmup, "charges all of it after")):
        share = min(1.0, step / warmup)
        yield matches(
            claim,
            ask(function, logits, x, kl, step, warmup),
            rec + share * price,
            slips={
                "the weight goes on growing: where does it end?": rec + step / warmup * price,
                "the weight falls: it begins at 0": rec + (1 - share) * price,
                "the KL is summed over the images: it is their mean": rec + share * kl.sum(),
                "both terms are eased in: only the KL is": share * (rec + price),
                "the KL has its full weight already": rec + price,
                "the KL is left out": rec,
                "the KL, too, is divided by the number of pixels": rec + share * price / x[0].numel(),
                "the weight is right, and the reconstruction is averaged over the pixels": pixels.mean()
                + share * price,
            },
        )


def _down(values: Tensor) -> Tensor:
    return values.sort(descending=True).values


def _latents(seed: int, threshold: float, active: int, faint: int, shifted: int, quiet: int) -> tuple[Tensor, Tensor]:
    """mu and logvar [50, z]: variances of mu far above and far below the threshold, in mixed order."""
    kinds = [(9 * threshold, 0.0, -2.0)] * active + [(max(threshold / 4, 4 * threshold**2) / 1.5, 0.0, 0.0)] * faint
    kinds += [(threshold**2 / 100, 3 * threshold**0.5, 0.0)] * shifted + [(threshold**2 / 2, 0.0, 0.0)] * quiet
    variance, mean, logvar = torch.tensor(kinds)[draw(seed, len(kinds)).argsort()].T
    codes = draw(seed + 1, 50, len(kinds))
    codes = (codes - codes.mean(0)) / codes.std(0)
    return variance.sqrt() * codes + mean, logvar.expand(50, -1).clone()


def _lost(value: Any) -> str | None:
    found = numbers(value)
    if found is None or found.isfinite().all():
        return None
    return "the weights are too small for the computer, exp(−2000) is 0: what can be taken out of each image's average?"


def _pixels(seed: int) -> Tensor:
    return toy_images(seed, 64)


@cache
def _cost(seed: int, z: int, run: int, steps: int, lr: float, trained: bool = True, tested: bool = True) -> float:
    """-ELBO of a small VAE, as the exercise gives it: `run` is its seed, `seed` that of the images."""
    train, test = _pixels(seed), _pixels(seed + 1)
    with torch.random.fork_rng():
        torch.manual_seed(run)
        model = VAE(*mlp((1, 4, 4), hidden=(16,), z_dim=z))
    images = train if trained else test
    fit(model, Objective(KL()), images, steps=steps, lr=lr, batch_size=16, seed=run, progress=False)
    return evaluate(model, Objective(KL()), test if tested else train).loss.item()
