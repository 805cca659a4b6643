"""Checks of exercise 02: squared error and its Gaussian, hidden betas, the floor of BCE, the continuous Bernoulli."""

import math
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_tutorial.checks.answers import ask, given, numbers
from vae_tutorial.checks.comparing import Verdict, holds, matches
from vae_tutorial.checks.toys import draw

FAULTS = ("too few steps", "network too small", "KL left out", "hidden beta", "sigmoid taken twice")
CHANNELS = 3  # of the images whose hidden beta is asked for
LARGE_LOGITS = (60.0, -200.0)  # where formulas of log C overflow
SMALL_LOGITS = (0.0, 1e-3, -0.02)  # where they lose digits or divide by 0
ADDED = tuple(-(10.0**-n) for n in range(4, 13))  # and the same, for who adds 0.0001 or less to a logit


def squared_error(function: Callable, *, seed: int = 0, b: int = 6, c: int = 1, h: int = 4) -> Iterator[Verdict]:
    """A learner's (logits, x, kl [b]) -> (loss, squared error, kl), means over the batch."""
    logits, x, kl = _batch(seed, b, c, h)
    errors = (torch.sigmoid(logits) - x).square()
    sse, pixels = errors.sum() / b, x[0].numel()
    yield matches(
        "gives loss, squared error and KL of an image",
        ask(function, logits, x, kl),
        {"loss": sse + kl.mean(), "squared error": sse, "kl": kl.mean()},
        slips={
            "these numbers are right, in another order: the loss comes first, then the squared error and the KL": {
                "loss": sse,
                "squared error": kl.mean(),
                "kl": sse + kl.mean(),
            },
            "an image in colour has several channels: sum over them too": {
                "squared error": errors.flatten(2).sum(2).mean()
            },
            "the squared error is averaged over the pixels: which hidden β does that make?": {
                "squared error": sse / pixels
            },
            "the squared error is summed over the images too: it is their mean": {"squared error": sse * b},
            "the squared error is one number for each image: give the mean": {
                "squared error": errors.flatten(1).sum(1)
            },
            "the squared error is halved: that is another σ": {"squared error": sse / 2},
            "logits were compared with pixels: what makes the decoder's answer of a logit?": {
                "squared error": (logits - x).square().sum() / b
            },
            "these errors are not squared": {"squared error": errors.sqrt().sum() / b},
            "the KL is summed over the images: it is their mean": {"kl": kl.sum()},
            "the KL is one number for each image: give the mean": {"kl": kl},
            "the KL has to be added: the loss is what both cost together": {"loss": sse - kl.mean()},
            "the loss is the squared error alone": {"loss": sse},
        },
    )


def gaussian_nll(
    function: Callable, *, seed: int = 0, sigma: float = 0.3, b: int = 6, c: int = 1, h: int = 4
) -> Iterator[Verdict]:
    """A learner's (logits, x, sigma) -> -log p(x|z) of each image [b], in nats."""
    logits, x, _ = _batch(seed, b, c, h)
    mean, pixels, variance = torch.sigmoid(logits), x[0].numel(), sigma**2
    sse = (mean - x).square().flatten(1).sum(1)
    truth = -torch.distributions.Normal(mean, sigma).log_prob(x).flatten(1).sum(1)
    log = math.log(2 * math.pi * variance)
    yield matches(
        f"is −log p(x|z) of each image, for σ = {sigma:g}",
        ask(function, logits, x, sigma),
        truth,
        slips={
            "the constant is missing: what does a density pay for its width?": sse / (2 * variance),
            "this is the constant of one pixel: how many pixels pay it?": sse / (2 * variance) + log / 2,
            "this is the constant of the whole batch: how many pixels has one image?": sse / (2 * variance)
            + x.numel() / 2 * log,
            "784 is the number of pixels of other images": sse / (2 * variance) + 784 / 2 * log,
            "an image in colour has several channels: all their numbers pay the constant": sse / (2 * variance)
            + h * h / 2 * log,
            "σ² stands inside the logarithm: log(2πσ²)": sse / (2 * variance)
            + pixels / 2 * math.log(2 * math.pi) * variance,
            "the squared error is multiplied by σ², not divided: in Python a / 2 * b is (a / 2) · b": sse / 2 * variance
            + pixels / 2 * log,
            "σ stands where σ² belongs": sse / (2 * sigma) + pixels / 2 * math.log(2 * math.pi * sigma),
            "a ½ is missing in front of the squared error": sse / variance + pixels / 2 * log,
            "a ½ is missing in front of the constant": sse / (2 * variance) + pixels * log,
            "2π is missing": sse / (2 * variance) + pixels / 2 * math.log(variance),
            "the constant has the wrong sign: does a wider σ cost more or less of it?": sse / (2 * variance)
            - pixels / 2 * log,
            "this is the sum of squares alone: where is σ?": sse,
            "this is log p(x|z): a cost has the other sign": -truth,
            "this is the average over the images: keep one number for each": truth.mean(),
            "this is the average over the pixels: keep their sum": truth / pixels,
            "logits were compared with pixels: what makes the decoder's answer of a logit?": (
                (logits - x).square().flatten(1).sum(1) / (2 * variance) + pixels / 2 * log
            ),
        },
    )


def hidden_beta(value: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """A learner's {"beta": ..., "sigma2": ...} of mean squared error + `weight` * KL, of `side` x `side` in colour."""
    w, pixels, grey = variant.weight, CHANNELS * variant.side**2, variant.side**2
    yield matches(
        "are the β and the σ² that this loss hides",
        given(value),
        {"beta": w * pixels, "sigma2": w * pixels / 2},
        atol=0.01 * w * pixels / 2,
        secret=True,
        slips={
            "an image in colour holds three numbers where a grey one holds one": {"beta": w * grey},
            "this is the weight as typed, or a part of it: which of the two terms has the mean made smaller?": {
                "beta": w
            },
            "β and σ² are exchanged, or β is halved: which of them stands beside the sum of squares?": {
                "beta": w * pixels / 2
            },
            "this is σ, and σ² is asked for": {"sigma2": math.sqrt(w * pixels / 2)},
            "σ² is not β: a Gaussian has 1 / (2σ²) in front of the squares": {"sigma2": w * pixels},
        },
    )


def fitted_sigma(function: Callable, *, seed: int = 0, b: int = 6, c: int = 1, h: int = 4) -> Iterator[Verdict]:
    """A learner's (logits, x) -> the one sigma of the batch for which -log p(x|z) is least."""
    logits, x, _ = _batch(seed, b, c, h)
    mean = torch.sigmoid(logits)
    errors = mean - x
    of_images = errors.square().flatten(1).mean(1).sqrt()
    answer = ask(function, logits, x)
    result = matches(
        "is the σ that fits this batch",
        answer,
        errors.square().mean().sqrt(),
        slips={
            "this is σ²: give σ": errors.square().mean(),
            "the squared error is summed: what is it of one pixel?": errors.square().sum().sqrt(),
            "the squared error of an image is not yet that of a pixel": (errors.square().sum() / b).sqrt(),
            "this is a σ for each image: the batch has one": of_images,
            "this is the average of the images' σ: the formula has one σ² for all of them": of_images.mean(),
            "this is a σ for each pixel: the batch has one": errors.square().mean(0).sqrt(),
            "this is the average size of an error: they have to be squared first": errors.abs().mean(),
            "an average error was taken off first: σ is measured from the decoder's answer": errors.std(),
            "logits were compared with pixels: what makes the decoder's answer of a logit?": (logits - x)
            .square()
            .mean()
            .sqrt(),
        },
    )
    yield result
    if not result.problem:
        yield holds("costs less than a σ two per cent above or below", lambda s: _not_least(mean, x, s), answer)


def floor(function: Callable, *, seed: int = 0, b: int = 6, c: int = 1, h: int = 4) -> Iterator[Verdict]:
    """A learner's x -> the least BCE that any decoder can reach for each image [b], in nats."""
    x = toy_greys(seed, b, c, h)
    one, other = torch.special.entr(x), torch.special.entr(1 - x)
    truth = (one + other).flatten(1).sum(1)
    yield matches(
        "is the BCE of a perfect reconstruction of each image",
        ask(function, x),
        truth,
        slips={
            "a grey pixel costs something even with the answer that is best for it": torch.zeros(b),
            "the pixels were taken for logits: what does that make of a black one?": (
                F.binary_cross_entropy_with_logits(x, x, reduction="none").flatten(1).sum(1)
            ),
            "the sign is turned: BCE is never negative": -truth,
            "these are bits: a nat is 1.44 of them": truth / math.log(2),
            "a pixel has two terms: what does its black part cost?": one.flatten(1).sum(1),
            "this is the average over the pixels: keep their sum": truth / x[0].numel(),
            "this is the sum over the images: keep one number for each": truth.sum(),
            "this is the average over the images: keep one number for each": truth.mean(),
            "this is one number for each pixel: sum them": one + other,
        },
    )
    yield matches("is 0 for black and white pixels", ask(function, x.round()), torch.zeros(b), atol=2e-3)


def log_constant(function: Callable, *, seed: int = 0, b: int = 4, h: int = 4) -> Iterator[Verdict]:
    """A learner's logits -> (log C of each, its gradient), both of the logits' shape."""
    logits = 4 * draw(seed, b, 1, h, h)
    logits.view(-1)[: len(LARGE_LOGITS)] = torch.tensor(LARGE_LOGITS)
    yield _log_c("is log C of logits of all sizes, with its gradient", function, logits)
    near = torch.tensor(SMALL_LOGITS + ADDED)
    yield _log_c("is log C of logits at 0 and near it, with its gradient", function, near.view(len(near), 1, 1, 1))


def _log_c(claim: str, function: Callable, logits: Tensor) -> Verdict:
    """Judges log C and its gradient for these logits, by a formula in float64."""
    exact = logits.double()
    size = exact.abs().clamp_min(1e-4)  # keeps ten digits of both; at 0 they are log 2 and 0
    log_c = size.log() + torch.log1p(torch.exp(-size)) - torch.log(-torch.expm1(-size))
    slope = exact.sign() * (1 / size - 1 / torch.sinh(size))
    return matches(
        claim,
        ask(function, logits),
        {"log C": log_c, "gradient": slope},
        atol=1e-3,
        slips={
            "this is C: where is the logarithm?": {"log C": log_c.exp()},
            "this is −log C: C is what the density is multiplied by": {"log C": -log_c},
            "tanh takes half the logit": {"log C": torch.log(size / torch.tanh(size))},
            "the series stands for logits that are too large for it": {
                "log C": torch.where(size < 1, math.log(2) + size**2 / 12, log_c)
            },
            "at logit 0 log C is not 0: what does λ^x (1 − λ)^(1 − x) integrate to where λ is ½?": {
                "log C": torch.where(exact == 0, 0.0, log_c)
            },
        },
    )


def mended_loss(function: Callable, *, seed: int = 0, b: int = 6, c: int = 1, h: int = 4) -> Iterator[Verdict]:
    """A learner's (logits, x, kl [b]) -> (loss, reconstruction, kl), means over the batch, in nats per image."""
    logits, x, kl = _batch(seed, b, c, h)
    pixels = x[0].numel()
    costs = -torch.distributions.Bernoulli(logits=logits, validate_args=False).log_prob(x).flatten(1).sum(1)
    rec = costs.sum() / b
    yield matches(
        "gives loss, reconstruction and KL in nats per image",
        ask(function, logits, x, kl),
        {"loss": rec + kl.mean(), "reconstruction": rec, "kl": kl.mean()},
        slips={
            "these numbers are right, in another order: the loss comes first, then the reconstruction and the KL": {
                "loss": rec,
                "reconstruction": kl.mean(),
                "kl": rec + kl.mean(),
            },
            "the reconstruction is one number for each image: give the mean": {"reconstruction": costs},
            "the sigmoid is taken twice: this function takes the logits as they are": {
                "reconstruction": F.binary_cross_entropy_with_logits(torch.sigmoid(logits), x, reduction="sum") / b
            },
            "the KL is divided as the reconstruction is: now β is 1, but these are no nats per image": {
                "loss": (rec + kl.mean()) / pixels
            },
            "the KL now weighs even more: by what was the reconstruction divided?": {
                "loss": rec / pixels + kl.mean() * pixels
            },
            "the fault is still there: what is done with the pixels where nobody says how to reduce?": {
                "reconstruction": rec / pixels
            },
            "784 is the number of pixels of other images": {"reconstruction": rec / pixels * 784},
            "the reconstruction is summed over the images too: it is their mean": {"reconstruction": rec * b},
            "the KL is summed over the images: it is their mean": {"kl": kl.sum()},
            "the KL is one number for each image: give the mean": {"kl": kl},
            "the KL has to be added: the loss is what both cost together": {"loss": rec - kl.mean()},
            "the loss is the reconstruction alone": {"loss": rec},
            "this is a squared error: the friend asked for a binary cross-entropy": {
                "reconstruction": F.mse_loss(torch.sigmoid(logits), x, reduction="sum") / b
            },
        },
    )


def toy_greys(seed: int, b: int, c: int = 1, h: int = 4) -> Tensor:
    """Images [b, c, h, h], of whose pixels some are black, some white and some grey."""
    return (1.5 * torch.sigmoid(2 * draw(seed, b, c, h, h)) - 0.25).clamp(0, 1)


def _batch(seed: int, b: int, c: int, h: int) -> tuple[Tensor, Tensor, Tensor]:
    """Logits and images [b, c, h, h], and what each image's code costs [b]."""
    return 1.5 * draw(seed, b, c, h, h), toy_greys(seed + 1, b, c, h), 1 + draw(seed + 2, b).square()


def _not_least(mean: Tensor, x: Tensor, value: Any) -> str | None:
    """Says so if a sigma near the learner's makes the images likelier; any likelihood, here the one of PyTorch."""

    def cost(sigma: Tensor) -> Tensor:
        return -torch.distributions.Normal(mean.double(), sigma).log_prob(x.double()).sum()

    sigma = numbers(value)
    if sigma is None:
        return "a number is asked for"
    better: Mapping[str, bool] = {
        name: bool(cost(factor * sigma) < cost(sigma)) for name, factor in (("larger", 1.02), ("smaller", 0.98))
    }
    return next((f"a σ two per cent {name} costs less" for name, found in better.items() if found), None)
