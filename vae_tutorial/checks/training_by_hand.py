"""Exercise 03 by hand: sums of units of every kind, layers without torch.nn, descent without an optimizer."""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from vae_tutorial.checks.toys import draw, toy_vae
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL


def sums_of_units(seed: int, sizes: Sequence[int], units: int) -> list[Tensor]:
    """Sums [b, units] of several batches, of which each of the first eight units is a case of its own."""
    sums = -draw(seed, sum(sizes), units).abs() - 0.1
    last = len(sums) - sizes[-1]
    sums[:, 1] = 0  # asleep by a hair
    sums[0, 2] = sums[-1, 3] = 0.5  # woken by one image alone, the first or the last
    sums[:last, 4] *= -1  # awake in all batches but the last
    sums[last:, 5] *= -1  # awake in the last batch alone
    sums[:, 6] *= -1
    for start in accumulate(sizes[:-1], initial=0):
        sums[start, 7] = 0.5  # woken once in each batch
    order = torch.randperm(units, generator=torch.Generator().manual_seed(seed))
    return list(sums[:, order].split(list(sizes)))


def forward(
    weights: Tensor, x: Tensor, sizes: Sequence[int], activate: Callable[[Tensor], Tensor], first: int
) -> Tensor:
    """What layers of these sizes answer, with the activation behind the `first` of them; weights: one long vector."""
    h = x.flatten(1)
    for i, (before, after) in enumerate(pairwise(sizes)):
        matrix, bias, weights = weights.split([before * after, after, len(weights) - (before + 1) * after])
        total = h @ matrix.view(after, before).T + bias
        h = activate(total) if i < first else total
    return h


def descend(
    seed: int, x: Tensor, c: float, lr: float, *, fresh: bool = True, clip: str = "all"
) -> tuple[Tensor, Tensor, Tensor]:
    """Losses, norms and weights of gradient descent by hand, w - lr * clipped gradient; step i has the noise of seed i.

    clip: "all" as one vector, "tensors" or "numbers" each by itself, or "not".
    """
    model, objective = toy_vae(seed), Objective(KL())
    weights = list(model.parameters())
    losses, norms, held = [], [], [torch.zeros_like(w) for w in weights]
    for i, images in enumerate(x):
        with torch.random.fork_rng():
            torch.manual_seed(i)
            loss = objective(model, images).loss
        new = torch.autograd.grad(loss, weights)
        held = [g if fresh else old + g for old, g in zip(held, new, strict=True)]
        norm = torch.cat([g.flatten() for g in held]).norm()
        factors = {"all": c / norm, "not": math.inf, "numbers": math.inf}
        if clip == "numbers":
            held = [g.clamp(-c, c) for g in held]
        held = [g * torch.as_tensor(factors.get(clip, c / g.norm())).clamp(max=1) for g in held]
        losses.append(loss.detach())
        norms.append(norm)
        with torch.no_grad():
            for w, g in zip(weights, held, strict=True):
                w.sub_(lr * g)
    return torch.stack(losses), torch.stack(norms), torch.cat([w.detach().flatten() for w in weights])
