"""Checks of exercise 03: warm-up, dead units, how weights start, clipping, a leaky encoder, a step that is mended."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vae_tutorial.checks.answers import Answer, ask, given, numbers
from vae_tutorial.checks.comparing import Verdict, matches
from vae_tutorial.checks.toys import draw, toy_images
from vae_tutorial.checks.training_by_hand import descend, forward, sums_of_units

FAULTS = (
    "learning rate too low",
    "learning rate too high",
    "weights start too large",
    "gradients never cleared",
    "every gradient clipped",
)


def kl_weight(function: Callable, *, epochs: int = 3, steps_per_epoch: int = 8) -> Iterator[Verdict]:
    """A learner's (step, epochs, steps_per_epoch) -> weight of the KL at that step, the first one being step 0."""
    total = epochs * steps_per_epoch
    steps = torch.tensor([0, 1, total // 3, total // 2, total - 1, total, total + 1, 4 * total + 3])
    share = steps / total
    done = torch.div(steps, steps_per_epoch, rounding_mode="floor")
    yield matches(
        f"rises from 0 to 1 in {epochs} epoch{'s' * (epochs > 1)} of {steps_per_epoch} steps, and stays there",
        _each(function, [(step, epochs, steps_per_epoch) for step in steps.tolist()]),
        share.clamp(max=1),
        slips={
            "it goes on rising above 1": share,
            "this counts epochs where steps are meant: how many steps does the warm-up last?": (steps / epochs).clamp(
                max=1
            ),
            "it is 1 after the first epoch already": (steps / steps_per_epoch).clamp(max=1),
            "it is 0 until the end and 1 at once: a division that drops the remainder": share.floor().clamp(max=1),
            "it rises in stairs, one for each epoch: a division that drops the remainder": (done / epochs).clamp(max=1),
            "it rises in stairs, and the first stands above 0": ((done + 1) / epochs).clamp(max=1),
            "it is a step early: which weight does the first step have?": ((steps + 1) / total).clamp(max=1),
            "it falls, and has to rise": 1 - share.clamp(max=1),
        },
    )
    none = _each(function, [(step, 0, steps_per_epoch) for step in (0, 1, 50)])
    yield matches("is 1 from the first step where there are 0 epochs of warm-up", none, torch.ones(3))


def dead_units(
    function: Callable, *, seed: int = 0, sizes: Sequence[int] = (5, 3, 6), units: int = 9
) -> Iterator[Verdict]:
    """A learner's list of sums [b, k], one for each batch -> which of the k units are dead, [k]."""
    batches = sums_of_units(seed, sizes, units)
    sums = torch.cat(batches)
    truth = (sums <= 0).all(0)
    yield matches(
        "finds the units that no image wakes",
        ask(function, batches),
        truth,
        slips={
            "these are the units that are awake": ~truth,
            "asleep for one image is not dead": (sums <= 0).any(0),
            "asleep in one batch is not dead": torch.stack([(batch <= 0).all(0) for batch in batches]).any(0),
            "this is what the first batch alone says": (batches[0] <= 0).all(0),
            "this is what the last batch alone says": (batches[-1] <= 0).all(0),
            "a sum of exactly 0 is not above 0 either": (sums < 0).all(0),
            "these sums come before the ReLU: those of a dead unit are mostly below 0": (sums == 0).all(0),
            "negative on average is not dead: one image may wake it": sums.mean(0) <= 0,
            "this is one answer for each image: which axis are the units?": (sums <= 0).all(1),
            "this is how many are dead: which ones?": truth.sum(),
        },
    )
    awake = ask(function, [batch.abs() + 1 for batch in batches])
    yield matches("finds none where all are awake", awake, torch.zeros(units))


def start(value: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """A learner's standard deviation of the sums in layer `layer`, of weights `gain` times as large as Kaiming's."""
    gain, layer = variant.gain, variant.layer
    truth = math.sqrt(2) * gain**layer
    yield matches(
        "is the standard deviation of the sums in that layer",
        given(value),
        truth,
        atol=0.02 * truth,
        secret=True,
        slips={
            "this is the variance: give the standard deviation": truth**2,
            "this leaves out the ReLUs: what do they do to the mean square?": (math.sqrt(2) * gain) ** layer,
            "this is the first layer: what happens in those behind it?": math.sqrt(2) * gain,
            "a weight that is g times as large has not a variance g times as large": math.sqrt(2 * gain**layer),
            "this is one layer too few": truth / gain,
            "this is one layer too many": truth * gain,
            "this is what a ReLU leaves of these sums: they are asked for before it": gain**layer,
            "this is what Kaiming's own weights give": math.sqrt(2),
        },
    )


def clip(function: Callable, *, seed: int = 0, c: float = 1.5, size: float = 1.0) -> Iterator[Verdict]:
    """A learner's (gradients, c) -> (clipped gradients, norm before), of a list of tensors of any shapes."""
    gradients = [size * draw(seed + i, *shape) for i, shape in enumerate([(4, 3), (4,), (2, 4), (1,)])]
    norms = torch.stack([g.norm() for g in gradients])
    norm, names = norms.square().sum().sqrt(), [f"gradient {i}" for i in range(1, len(gradients) + 1)]

    def results(scaled: Sequence[Tensor], told: Tensor = norm) -> dict[str, Tensor]:
        return dict(zip(names, scaled, strict=True)) | {"norm": told}

    right = [g * (c / norm) for g in gradients]
    after, total = norm.clamp(max=c), norms.sum()
    by_mean = torch.cat([g.flatten() for g in gradients]).square().mean().sqrt()
    yield matches(
        "makes a long gradient c long, and tells how long it was",
        _flat(ask(function, gradients, c), len(gradients)),
        results(right),
        slips={
            "each tensor is clipped by itself, which turns the direction: they are one long vector": dict(
                zip(names, [g * (c / g.norm()).clamp(max=1) for g in gradients], strict=True)
            ),
            "each number is clipped by itself, which turns the direction": dict(
                zip(names, [g.clamp(-c, c) for g in gradients], strict=True)
            ),
            "the norm is the one from after clipping: tell the one from before": results(right, after),
            "the norms of the tensors are added: how long is a vector of which one part is 3 long, the other 4?": (
                results([g * (c / total) for g in gradients], total)
            ),
            "the norm is not a root yet": results([g * (c / norm**2) for g in gradients], norm**2),
            "this is the root of a mean of squares: a length has their sum": {"norm": by_mean},
            "the norm is right, and nothing was clipped": results(gradients),
            "all have length 1 now, and c is asked for": results([g / norm for g in gradients]),
        },
    )
    short = 10 * norm.item()
    yield matches(
        "leaves a short gradient as it is",
        _flat(ask(function, gradients, short), len(gradients)),
        results(gradients),
        slips={"it was made longer: clipping only shortens": results([g * (short / norm) for g in gradients])},
    )
    nothing = [torch.zeros_like(g) for g in gradients]
    yield matches(
        "leaves a gradient of zeros alone",
        _flat(ask(function, nothing, c), len(gradients)),
        results(nothing, torch.zeros(())),
    )


def leaky_encoder(
    function: Callable, *, seed: int = 0, b: int = 6, hidden: Sequence[int] = (7, 5), z: int = 3, slope: float = 0.2
) -> Iterator[Verdict]:
    """A learner's (seed, x, hidden, z, slope) -> (number of weights, answers [b, 2 z]) with weights of the seed."""
    x = toy_images(seed, b)
    sizes = [x[0].numel(), *hidden, 2 * z]
    count = sum((before + 1) * after for before, after in pairwise(sizes))

    def answers(activate: Callable[[Tensor], Tensor], *, first: int = len(sizes)) -> Tensor:
        """first: how many layers have the activation behind them, counted from the first; usually all but the last."""
        return forward(draw(seed, count) / 2, x, sizes, activate, min(first, len(sizes) - 1))

    def leaky(total: Tensor) -> Tensor:
        return torch.where(total > 0, total, slope * total)

    but_last = len(hidden)
    yield matches(
        "has the layers asked for, and answers as they do",
        ask(function, seed, x, list(hidden), z, slope),
        {"weights": float(count), "answers": answers(leaky, first=but_last)},
        slips={
            "what is negative becomes 0: that is the plain ReLU": {"answers": answers(torch.relu, first=but_last)},
            "this is PyTorch's own slope, 0.01: the argument is not used": {
                "answers": answers(F.leaky_relu, first=but_last)
            },
            "the sign of the slope is turned": {
                "answers": answers(lambda t: torch.where(t > 0, t, -slope * t), first=but_last)
            },
            "the slope is on the side of the positive sums": {
                "answers": answers(lambda t: torch.where(t > 0, slope * t, t), first=but_last)
            },
            "behind the last layer stands nothing: means and log variances may be as negative as they like": {
                "answers": answers(leaky)
            },
            "there is no activation between the layers": {"answers": answers(leaky, first=0)},
            "behind one of the hidden layers the activation is missing": {"answers": answers(leaky, first=1)},
        },
    )


def training_step(function: Callable, *, seed: int = 0, b: int = 6, c: float = 1.0) -> Iterator[Verdict]:
    """A learner's (seed, x, c, lr) -> (what each step returned, weights) after steps with x [3, b, ...].

    Of a step the loss and the gradient's norm are asked for.
    """
    x = toy_images(seed, 3, b)

    def descended(c: float = c, lr: float = 0.02, **slip: Any) -> dict[str, Tensor]:
        return dict(zip(("losses", "norms", "weights"), descend(seed, x, c, lr, **slip), strict=True))

    truth = descended()
    yield matches(
        "three steps, clipped, end at the weights of gradient descent",
        _steps(ask(function, seed, x, c, 0.02), len(x)),
        truth,
        slips={
            "old gradients are added to the new ones: the friend's fault is still there": descended(fresh=False),
            "the friend's fault is still there, and nothing is clipped": descended(fresh=False, clip="not"),
            "the weights do not move: who takes the optimizer's step?": descended(lr=0.0),
            "no gradient reaches the step: is there a backward, and is nothing cleared behind it?": {
                "norms": torch.zeros(len(x)),
                "weights": descended(lr=0.0)["weights"],
            },
            "the loss rises: it is −ELBO already, and is to fall": {"weights": descended(lr=-0.02)["weights"]},
            "the weights are those of unclipped steps: is the gradient clipped before the step?": descended(clip="not"),
            "these are the weights of unclipped steps: was there a gradient when it was clipped?": {
                "weights": descended(clip="not")["weights"]
            },
            "the norm is the one from after clipping: tell the one from before": truth
            | {"norms": truth["norms"].clamp(max=c)},
            "each tensor is clipped by itself, which turns the direction": descended(clip="tensors"),
            "each number is clipped by itself, which turns the direction": descended(clip="numbers"),
        },
    )
    yield matches(
        "clips nothing where c is far above the norm",
        _steps(ask(function, seed, x, 1e6, 0.02), len(x)),
        descended(c=1e6),
        slips={"old gradients are added to the new ones": descended(c=1e6, fresh=False)},
    )


def _each(function: Callable, cases: Sequence[tuple]) -> Answer:
    """The answers to several questions as one list, or the first trouble there was."""
    answers = [ask(function, *case) for case in cases]
    return next((answer for answer in answers if answer.trouble), Answer([answer.value for answer in answers]))


def _flat(answer: Answer, count: int) -> Answer:
    """(list of tensors, norm) as one list; trouble where it is not that."""
    if answer.trouble:
        return answer
    value = answer.value
    if isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], list | tuple):
        if len(value[0]) == count:
            return Answer([*value[0], value[1]])
        return Answer(trouble=f"{count} gradients went in, and {len(value[0])} came out")
    return Answer(trouble="two results are asked for, the list of clipped gradients and the norm")


def _steps(answer: Answer, count: int) -> Answer:
    """(what each step returned, weights) as losses, norms and weights; trouble where a step gave no two numbers."""
    if answer.trouble:
        return answer
    told = numbers(answer.value[0])
    if told is None or told.shape != (count, 2):
        return Answer(trouble="two numbers are asked for of each step, the loss and the norm")
    return Answer([told[:, 0], told[:, 1], answer.value[1]])
