"""Checks of exercise 11, tasks 5 to 9: chance, a WAE's loss, its weight, a kernel mended."""

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from vae_tutorial.checks.answers import ask, given, numbers
from vae_tutorial.checks.comparing import Verdict, holds, matches, one_of
from vae_tutorial.checks.mmd import ROUNDING, unbiased
from vae_tutorial.checks.toys import draw, toy_images, toy_vae
from vae_tutorial.regularizers import imq, mmd2

FAULTS = ("kernel too narrow", "kernel too wide", "weight too small", "clouds in place of points", "pixels averaged")
LEAST = {0.5: 0.015, 2.0: 0.03}  # spread of a crowd: the MMD² that a fitting kernel finds, in shares of its largest


def chance(function: Callable, *, seed: int = 0, n: int = 10, d: int = 2, deals: int = 30) -> Iterator[Verdict]:
    """A learner's (z [n, d], p [n, d], deals [r, 2 n]) -> (MMD² of every deal [r], the p-value)."""
    generator = torch.Generator().manual_seed(seed + 9)
    anew = [torch.randperm(2 * n, generator=generator) for _ in range(deals - 1)]
    dealt = torch.stack([torch.arange(2 * n), *anew])  # the first is no change: as large as the measured
    p = draw(seed, n, d)
    for name, z in {
        "a crowd far away": 0.3 * draw(seed + 1, n, d) + 1,
        "a crowd near by": draw(seed + 1, n, d),
    }.items():
        pooled, measured = torch.cat([z, p]).double(), mmd2(z.double(), p.double(), imq)
        values = torch.stack([mmd2(pooled[i[:n]], pooled[i[n:]], imq) for i in dealt])
        above, below, larger = (values >= measured).sum(), (values <= measured).sum(), (values > measured).sum()
        told = partial(_told, values)
        turned = torch.cat([p, z]).double()
        other = torch.stack([mmd2(turned[i[:n]], turned[i[n:]], imq) for i in dealt])
        yield matches(
            f"deals out anew, and counts, for {name}",
            ask(function, z, p, dealt),
            told(1 + above, 1 + deals),
            atol=ROUNDING,
            slips={
                "the p-value leaves out the measured one: it is one of the possible deals": told(above, deals),
                "the measured one is counted above the line, but not below": told(1 + above, deals),
                "a deal as large as the measured one counts, too: at least as large": told(1 + larger, 1 + deals),
                "this counts the deals that come out smaller": told(1 + below, 1 + deals),
                "this is a number of deals: which share is it?": told(1 + above),
                "the draws stand first in the pool: the deals count from the codes on": {"values": other},
                "the values below 0 are cut": {"values": values.clamp(min=0)},
            },
        )


def wae_loss(function: Callable, *, seed: int = 0, b: int = 8, z: int = 3, weight: float = 5.0) -> Iterator[Verdict]:
    """A learner's descent (seed, x [3, b, ...], p [3, b, z], weight, lr) -> losses, errors, MMD² [3], weights [w]."""
    x, p, lr = toy_images(seed, 3, b), draw(seed + 1, 3, b, z), 0.02

    def descended(**slip: Any) -> dict[str, Tensor]:
        return _descend(seed, x, p, weight, lr, **slip)

    def only(*names: str, **slip: Any) -> dict[str, Tensor]:
        return {name: part for name, part in descended(**slip).items() if name in names}

    answer = ask(function, seed, x, p, weight, lr)
    yield holds("says the same of the same batch", _same, answer, ask(function, seed, x, p, weight, lr))
    yield matches(
        "gives loss, squared error and MMD², and a descent to the right weights",
        answer,
        descended(),
        slips={
            "the squared error is averaged over the pixels: a hidden weight": descended(error=lambda e: e.mean()),
            "the squared error is summed over the images too": descended(error=lambda e: e.flatten(1).sum(1).sum()),
            "the weight stands on the reconstruction": descended(price=lambda e, m, _: weight * e + m),
            "the weight is missing": descended(price=lambda e, m, _: e + m),
            "the loss is the squared error alone": descended(price=lambda e, m, _: e),
            "MMD² is taken off, so that crowds are driven apart": descended(price=lambda e, m, _: e - weight * m),
            "every code is charged for its own distance from 0, as by a KL: a WAE looks at the crowd": descended(
                price=lambda e, m, q: e + weight * m + 0.5 * q.mu.square().sum(-1).mean()
            ),
            "the KL of a VAE is charged, too": descended(price=lambda e, m, q: e + weight * m + q.kl().mean()),
            "a root is taken of each squared error": descended(error=lambda e: e.flatten(1).sum(1).sqrt().mean()),
            "a root is taken of MMD²": descended(distance=lambda m: m.sqrt()),
            "these images are logits: what makes pixels of them?": descended(image=lambda logits: logits),
            "the penalty is in the loss, but pulls on no weight: where does its gradient get lost?": only(
                "weights", distance=lambda m: m.detach()
            ),
        },
    )


def weights(larger: Any, averaged: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """Two weights of a learner's that keep a bargain: for sides `times` as long, and for an average over the pixels."""
    weight, times, pixels = variant.weight, variant.times, variant.side**2
    slips = {
        "this follows the side: do the pixels?": weight * times,
        "the penalty does not know of pixels: does the squared error?": weight,
        "this is smaller: which of the two terms has grown?": weight / times**2,
        "this is the number of pixels, by which the error grows: the weight was not 1": times**2,
        "the factor of the pixels is taken twice": weight * times**4,
    }
    yield matches(
        "`larger` keeps the bargain", given(larger), weight * times**2, atol=1e-2 * weight, secret=True, slips=slips
    )
    slips = {
        "this is the hidden weight, the other way round: is the average larger or smaller than the sum?": weight
        * pixels,
        "an average divides by the pixels of an image, not by those of a side": weight / variant.side,
        "with the same weight the penalty counts far more than before": weight,
        "these are the pixels of the larger images": weight / (pixels * times**2),
    }
    truth = weight / pixels
    yield matches("`averaged` keeps the bargain", given(averaged), truth, atol=1e-2 * truth, secret=True, slips=slips)


def fault(value: Any) -> Iterator[Verdict]:
    """A learner's word for what is wrong with a run."""
    yield one_of("is a fault from the list", given(value), FAULTS)


def mended(function: Callable, *, seed: int = 0, n: int = 100, latents: tuple[int, ...] = (2, 12)) -> Iterator[Verdict]:
    """A learner's kernel (a [n, d], b [m, d]) -> likenesses [n, m], any that fits the prior."""
    for d in latents:
        p, few = draw(seed, n, d), draw(seed + 1, 7, d)
        shape = matches(
            f"of {d} latents: one likeness for every pair",
            ask(function, p, few).then(torch.ones_like),
            torch.ones(n, 7),
        )
        yield shape
        if shape.problem:
            return
        own = ask(function, p, p)
        yield holds(f"of {d} latents: no pair is more alike than a code and itself", _more_alike, own)
        for spread, least in LEAST.items():
            z = spread * draw(seed + 2, n, d)
            tables = ask(function, z, z), own, ask(function, z, p)
            name = f"of {d} latents: notices codes spread {spread:g} times as far as the prior"
            yield holds(name, lambda *seen, least=least: _overlooked(*seen, least=least), *tables)


def _told(values: Tensor, count: Tensor, of: int = 1) -> dict[str, Tensor]:
    """Right values, and a p-value that is a count of deals as a share."""
    return {"values": values, "p-value": count / of}


def _same(first: Any, second: Any) -> str | None:
    """What is wrong if the losses of two descents differ."""
    losses = [numbers(value[0]) if isinstance(value, list | tuple) and value else None for value in (first, second)]
    if losses[0] is None or losses[1] is None or torch.equal(losses[0].nan_to_num(), losses[1].nan_to_num()):
        return None
    return "twice the same images and draws gave two losses: what is left to chance? A code is a point, `p` is given"


def _more_alike(own: Any) -> str | None:
    """What is wrong with the likenesses of a crowd with itself."""
    table = numbers(own)
    if table is None or table.ndim != 2 or len(table) != len(table.T):
        return "one likeness is asked for, for every pair"
    self_likeness = table.diagonal()
    if self_likeness.min() <= 0 or not table.isfinite().all():
        return f"a code is alike to itself by {self_likeness.min().item():.3g}: it should be a number above 0"
    if table.max() > 1.01 * self_likeness.min():  # roots of rounded squares may be off by 0.001
        return f"one pair has {table.max().item():.3g}, a code with itself {self_likeness.min().item():.3g}"
    return None


def _overlooked(within: Any, own: Any, across: Any, *, least: float) -> str | None:
    """What is wrong if MMD² is below `least` times the likeness of a code to itself."""
    tables = [table for value in (within, own, across) if (table := numbers(value)) is not None]
    if len(tables) < 3 or any(table.shape != tables[0].shape for table in tables):
        return "one likeness is asked for, for every pair"
    largest = tables[1].diagonal().mean()
    found, typical = unbiased(*tables) / largest, tables[2].median() / largest
    if found >= least:
        return None
    return (
        f"where a code is alike to itself by 1, MMD² is {found:.2g}: next to no pull. A typical pair of a code and a "
        f"draw has the likeness {typical:.3g}. Which likeness would let near and far pairs differ most?"
    )


def _descend(
    seed: int,
    x: Tensor,
    p: Tensor,
    weight: float,
    lr: float,
    *,
    image: Callable = torch.sigmoid,
    error: Callable = lambda e: e.flatten(1).sum(1).mean(),
    distance: Callable = lambda m: m,
    price: Callable | None = None,
) -> dict[str, Tensor]:
    """Gradient descent by hand: w - lr * gradient, one step for each batch, with or without a slip."""
    model = toy_vae(seed, p.shape[-1])
    parameters, rows = list(model.parameters()), []
    for images, draws in zip(x, p, strict=True):
        q = model.encoder(images)
        squared = error((image(model.decoder(q.mu)) - images).square())
        crowd = distance(mmd2(q.mu, draws, imq))
        loss = squared + weight * crowd if price is None else price(squared, crowd, q)
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        rows.append(torch.stack([loss, squared, crowd]).detach())
        with torch.no_grad():
            for w, gradient in zip(parameters, gradients, strict=True):
                w.sub_(lr * gradient)
    named = dict(zip(("losses", "squared errors", "MMD²"), torch.stack(rows).T, strict=True))
    return named | {"weights": torch.cat([w.detach().flatten() for w in parameters])}
