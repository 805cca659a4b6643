"""Checks of exercise 05: dropout by hand, its mean and variance, its place, an honest gap, and eval() ignored."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from vae_tutorial.checks.answers import Answer, ask, given
from vae_tutorial.checks.comparing import Verdict, holds, matches, one_of
from vae_tutorial.checks.layers import dropout, modes_kept, part, placed, weight
from vae_tutorial.checks.toys import SIDE, draw, toy_images
from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE

FAULTS = ("train mode", "eval() is ignored", "other codes", "the weights change", "nothing is scaled up")


def dropped(function: Callable, *, seed: int = 0, b: int = 5, k: int = 6, p: float = 0.3) -> Iterator[Verdict]:
    """A learner's (h, u, p, training) -> h [b, k] behind dropout, a number being lost where u lies below p."""
    h, u = draw(seed, b, k), torch.rand(b, k, generator=torch.Generator().manual_seed(seed + 1))
    lost, truth = u < p, torch.where(u < p, 0, h / (1 - p))
    yield matches(
        "loses the right numbers in train mode and scales up the others",
        ask(function, h, u, p, True),
        truth,
        slips={
            "what is left is not scaled up: what becomes of the mean?": h * ~lost,
            "what is left is divided by p: which share of the numbers is kept?": h * ~lost / p,
            "what is left is scaled down: what becomes of the mean?": h * ~lost * (1 - p),
            "the wrong numbers are lost: this drops with probability 1 − p": h * lost / (1 - p),
            "the wrong numbers are lost, and divided by p: with which probability is a number dropped?": h * lost / p,
            "the wrong numbers are lost, and nothing is scaled": h * lost,
            "nothing is lost": h,
            "nothing is lost, and all is scaled": h / (1 - p),
            "what is lost becomes 1 / (1 − p), not 0": torch.where(lost, 1 / (1 - p), h / (1 - p)),
        },
    )
    yield matches(
        "changes nothing in eval mode",
        ask(function, h, u, p, False),
        h,
        slips={
            "in eval mode numbers are lost, too": truth,
            "in eval mode numbers are lost, too, and the rest is not scaled": h * ~lost,
            "all is scaled down: inverted dropout has done its scaling in training already": h * (1 - p),
            "all is scaled up: what was the scaling in training for?": h / (1 - p),
        },
    )


def moments(function: Callable, *, seed: int = 0, k: int = 5, p: float = 0.3) -> Iterator[Verdict]:
    """A learner's (z, p) -> mean and variance [k] of each number of z [k] behind dropout."""
    z = draw(seed, k)
    chance, outcomes = torch.tensor([p, 1 - p])[:, None], torch.stack([torch.zeros(k), z / (1 - p)])
    mean = (chance * outcomes).sum(0)
    variance = (chance * (outcomes - mean).square()).sum(0)
    yield matches(
        "are the mean and the variance over all ways to drop it",
        ask(function, z, p),
        {"mean": mean, "variance": variance},
        slips={
            "the mean is that without scaling: what is 1 − p times z / (1 − p)?": {"mean": (1 - p) * z},
            "the mean is that of what is left; with probability p there is a 0": {"mean": z / (1 - p)},
            "the two are exchanged: the mean comes first": {"mean": variance, "variance": mean},
            "the variance is that without scaling": {"variance": p * (1 - p) * z**2},
            "the variance is p / (1 − p) times a number: of z, or of its square?": {"variance": p / (1 - p) * z},
            "this is the mean square: what has to be subtracted from it?": {"variance": z**2 / (1 - p)},
            "this is the standard deviation: the variance is its square": {"variance": variance.sqrt()},
            "p and 1 − p are exchanged in the variance": {"variance": (1 - p) / p * z**2},
            "this is the variance of a code drawn from N(0, 1), dropped; here z is known": {
                "variance": torch.full((k,), 1 / (1 - p))
            },
            "a number does not stay as it is: each draw of the mask gives another one": {"variance": torch.zeros(k)},
        },
    )


def predicted(values: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """A learner's variance, kurtosis and share of zeros of a code from N(0, 1) behind dropout with `p`."""
    keep = 1 - variant.p
    second, fourth = keep * 1 / keep**2, keep * 3 / keep**4  # a normal code has E z^2 = 1 and E z^4 = 3
    yield matches(
        "are variance, kurtosis and share of zeros of what the decoder sees",
        _listed(given(values)),
        {"variance": second, "kurtosis": fourth / second**2, "zeros": 1 - keep},
        atol=0.01,
        secret=True,
        slips={
            "variance and kurtosis are exchanged: the variance comes first": {
                "variance": fourth / second**2,
                "kurtosis": second,
            },
            "the variance is that without scaling": {"variance": keep},
            "p is the probability to be lost: which share is kept?": {"variance": 1 / (1 - keep)},
            "dropout keeps the mean; does it keep the variance?": {"variance": 1.0},
            "this is the variance of what is left; some of the numbers are 0": {"variance": 1 / keep**2},
            "this is the standard deviation: the variance is its square": {"variance": second**0.5},
            "this is the variance that dropout adds; the code has one of its own": {"variance": second - 1},
            "this is the kurtosis of a normal: are numbers far out as rare behind dropout?": {"kurtosis": 3.0},
            "this is the mean fourth power: by what is it divided?": {"kurtosis": fourth},
            "the mean fourth power is divided by the variance: by which power of it?": {"kurtosis": fourth / second},
            "this counts a normal's kurtosis as 0; lesson 05 counts it as 3": {"kurtosis": fourth / second**2 - 3},
            "this is the share of what is left": {"zeros": keep},
            "a share lies between 0 and 1": {"zeros": 100 * (1 - keep)},
        },
    )


def measured(function: Callable, *, seed: int = 0, n: int = 25_000, p: float = 0.25) -> Iterator[Verdict]:
    """A learner's codes [2n] -> variance, kurtosis, share of exact zeros.

    So many that it does not show whether a variance is divided by their number or by one less.
    """
    half = draw(seed, n) * (draw(seed + 1, n) > p)
    z = torch.cat([half, -half])  # of mean 0, so that it does not matter whether the mean is subtracted
    v, fourth, zeros = z.square().mean(), z.pow(4).mean(), (z == 0).double().mean()
    yield matches(
        "gives variance, kurtosis and share of zeros",
        _listed(ask(function, z)),
        {"variance": v, "kurtosis": fourth / v**2, "zeros": zeros},
        slips={
            "this is the standard deviation: the variance is its square": {"variance": v.sqrt()},
            "this is the mean fourth power: by what is it divided?": {"kurtosis": fourth},
            "the mean fourth power is divided by the variance: by which power of it?": {"kurtosis": fourth / v},
            "this counts a normal's kurtosis as 0; lesson 05 counts it as 3": {"kurtosis": fourth / v**2 - 3},
            "the zeros are counted: which share of all numbers are they?": {"zeros": (z == 0).sum()},
            "this is the share of what is left": {"zeros": 1 - zeros},
        },
    )


def networks(
    function: Callable,
    *,
    seed: int = 0,
    b: int = 6,
    pixels: int = 16,
    hidden: Sequence[int] = (12, 8),
    z: int = 3,
    p: float = 0.2,
) -> Iterator[Verdict]:
    """A learner's (seed, x, codes, hidden, p) -> of encoder and decoder, layers in words and what they say in eval."""
    x, codes = draw(seed + 50, b, pixels), draw(seed + 51, b, z)
    answer = ask(function, seed, x, codes, list(hidden), p)
    parts = {"encoder": (x, [pixels, *hidden, 2 * z]), "decoder": (codes, [z, *reversed(hidden), pixels])}
    orders = [("ReLU", dropout(p)), (dropout(p), "ReLU")]  # the same function for the same mask
    verdicts = [
        placed(f"the {name} has dropout where it belongs", part(answer, name), sizes, orders)
        for name, (_, sizes) in parts.items()
    ]
    yield from verdicts
    if any(verdict.problem for verdict in verdicts):
        return
    for name, (values, sizes) in parts.items():
        h = values
        for number, (before, after) in enumerate(pairwise(sizes)):
            h = (h.clamp(min=0) if number else h) @ weight(seed, number, before, after).T
        yield matches(f"the {name} answers in eval mode as if there were no dropout", part(answer, f"{name} says"), h)


def gap(function: Callable, *, seed: int = 0, known: int = 6, new: int = 9) -> Iterator[Verdict]:
    """A learner's (seed, known, new, mode) -> gap of `toy_dropout_vae(seed)` in nats, and the modes it is left in."""
    images = toy_images(seed, known), 1 - toy_images(seed + 1, new)
    in_eval, in_train = ([loss(toy_dropout_vae(seed).train(mode), x) for x in images] for mode in (False, True))
    modules = len(list(toy_dropout_vae(seed).modules()))
    found = {"train": ask(function, seed, *images, 1), "eval": ask(function, seed, *images, 0)}
    for name, answer in found.items():
        yield matches(
            f"is the gap in nats per image, of a model found in {name} mode",
            part(answer, "gap"),
            in_eval[1] - in_eval[0],
            slips={
                "both losses are measured in train mode, with units missing": in_train[1] - in_train[0],
                "the known images are measured in train mode, the new ones in eval mode": in_eval[1] - in_train[0],
                "the new images are measured in train mode, the known ones in eval mode": in_train[1] - in_eval[0],
                "the sign is turned: which of the two losses is the higher one if a model overfits?": in_eval[0]
                - in_eval[1],
                "this is the loss of the new images: of what is it the excess?": in_eval[1],
                "this is a ratio: a gap is a difference": in_eval[1] / in_eval[0],
            },
        )
    for mode, (name, answer) in zip((1, 0), found.items(), strict=True):
        yield modes_kept(f"leaves a model that it finds in {name} mode in it", part(answer, "modes"), [mode] * modules)


def fault(word: Any) -> Iterator[Verdict]:
    """A learner's name of what is wrong."""
    yield one_of("is one of the faults to choose from", given(word), FAULTS)


def mended(function: Callable, *, seed: int = 0, b: int = 200, z: int = 40, p: float = 0.2) -> Iterator[Verdict]:
    """A learner's (seed, z, p, training) -> what a decoder with the body `Marked` says of codes z [b, z], twice."""
    codes = draw(seed, b, z)
    for training, claim, problem in (
        (False, "hands on whole codes in eval mode, in every pass", _not_whole),
        (True, "still loses numbers in train mode, others in every pass, and scales up the rest", _not_lossy),
    ):
        passes = ask(function, seed, codes, p, training).then(torch.clone)
        yield holds(claim, partial(_reached, problem, codes.double(), p), passes)


class Marked(nn.Module):
    """A body that shows what reached it: the codes, and beside them the codes plus 1, [b, z] -> [b, 2z]."""

    def forward(self, z: Tensor) -> Tensor:
        return torch.cat([z, z + 1], dim=1)


def loss(model: VAE, x: Tensor) -> float:
    """-ELBO of images x in nats per image, in the mode that the model is in, always with the same noise."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        q, _, logits = model(x)
        return (model.likelihood.nll(logits, x) + q.kl()).mean().item()


def toy_dropout_vae(seed: int) -> VAE:
    """An untrained VAE of images [b, 1, 4, 4] with much dropout in its hidden layer."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = VAE(*mlp((1, SIDE, SIDE), hidden=(12,), z_dim=3, dropout=0.5))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model


def _listed(answer: Answer) -> Answer:
    """Several numbers in one tensor or array as a list of them."""
    return Answer(answer.value.tolist()) if hasattr(answer.value, "tolist") else answer


def _reached(problem: Callable[..., str | None], codes: Tensor, p: float, passes: Tensor) -> str | None:
    """What is wrong with two answers [2, b, 2z] of `Marked`: around the body, or by `problem` with what reached it."""
    b, z = codes.shape
    if passes.shape[1:] == codes.shape:
        return "the codes come back as if there were no layers: where does `self.body` get them?"
    if passes.shape[1:] != (b, 2 * z):
        return f"the shape is {list(passes.shape[1:])}, expected {[b, 2 * z]}"
    reached, marks = passes.split(z, dim=2)
    if not torch.allclose(marks, reached + 1, atol=1e-5):
        return "what the layers say is changed: what is to be dropped, their answer or the code?"
    return problem(codes, p, reached)


def _not_whole(codes: Tensor, p: float, passes: Tensor) -> str | None:
    """What is wrong with two passes in eval mode [2, b, z]."""
    if (passes == 0).any():
        return "numbers are still lost: what does `F.dropout` have to be told?"
    return None if torch.allclose(passes, codes.expand(2, -1, -1), rtol=1e-4) else _scaled(passes[0], codes, 1.0)


def _not_lossy(codes: Tensor, p: float, passes: Tensor) -> str | None:
    """What is wrong with two passes in train mode [2, b, z]."""
    lost = passes == 0
    share, room = lost.double().mean().item(), 4 * (p * (1 - p) / lost.numel()) ** 0.5
    if share == 0:
        return "nothing is lost any more: how would the code learn to survive losses?"
    if lost.all(2).any() or lost.all(1).any():
        return "whole codes or whole latents are lost: each number has a chance of its own"
    if (lost[0] == lost[1]).all():
        return "the same numbers are lost in both passes"
    if abs(share - p) > room:
        return f"a share of {share:.3f} is lost, expected {p:g}, give or take {room:.3f}"
    left = codes.expand(2, -1, -1)[~lost]
    return (
        None if torch.allclose(passes[~lost], left / (1 - p), rtol=1e-4) else _scaled(passes[~lost], left, 1 / (1 - p))
    )


def _scaled(yours: Tensor, codes: Tensor, expected: float) -> str:
    times = (yours * codes).sum() / codes.square().sum()
    return f"what is handed on is {times:.3g} times the code, expected {expected:.3g} times"
