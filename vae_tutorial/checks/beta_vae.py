"""Checks of exercise 09, its objectives: beta-VAE, dominated runs, a hidden beta, capacity and its count."""

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from vae_tutorial.checks.answers import ask, given
from vae_tutorial.checks.comparing import Verdict, matches, one_of
from vae_tutorial.checks.toys import draw
from vae_tutorial.data import sprites
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import Capacity
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE

FAULTS = (
    "the step is not passed on",
    "evaluation counts as training",
    "the count is lost on resuming",
    "the capacity is not capped",
    "the weight is too small",
)
# Rate and distortion of made-up runs: a twin pair, ties in one of the two, and one that is cheapest at no price.
RUNS = ((12, 29), (9, 34), (7, 40), (7, 40), (7, 44), (5, 49), (5, 60), (3.5, 67), (12, 34.5), (6.5, 50), (4.5, 64))
# What three colleagues' runs count at step t. All were evaluated on 30 batches after every 20 updates, and stopped and
# resumed once, after 150.
COUNTS: dict[str, Callable[[Tensor], Tensor]] = {
    "A": torch.zeros_like,
    "B": lambda t: t + 30 * (t // 20),
    "C": lambda t: torch.where(t < 150, t, t - 150),
}


def beta_objective(
    function: Callable, *, seed: int = 0, b: int = 6, z: int = 3, beta: float = 4.0
) -> Iterator[Verdict]:
    """A learner's (reconstruction [b], kl [b, z], beta) -> (J, distortion, rate), in nats per image."""
    reconstruction, kl = _batch(seed, b, z)
    d, r = reconstruction.mean(), kl.sum(-1).mean()
    yield matches(
        "gives J, distortion and rate in nats per image",
        ask(function, reconstruction, kl, beta),
        {"J": d + beta * r, "distortion": d, "rate": r},
        slips={
            "beta stands at the reconstruction: what does it price?": {"J": beta * d + r, "distortion": d},
            "beta stands at both terms: what does it price?": {"J": beta * (d + r), "distortion": d},
            "the KL is charged beta times and once more": {"J": d + (1 + beta) * r},
            "the price is charged twice": {"J": d + beta**2 * r},
            "the rate has its price in it: in nats, what does the code itself cost?": {
                "J": d + beta * r,
                "rate": beta * r,
            },
            "this is J at a price of 1": {"J": d + r, "distortion": d, "rate": r},
            "the KL is averaged over latents: the code costs all of them": {"rate": r / z},
            "the KL is summed over the images: it is their mean": {"rate": r * b},
            "the reconstruction is summed over the images: it is their mean": {"distortion": d * b},
            "the distortion is one number for each image: give the mean": {"distortion": reconstruction},
            "the rate is one number for each image: give the mean": {"rate": kl.sum(-1)},
            "the rate is one number for each latent: the code costs their sum": {"rate": kl.mean(0)},
            "the KL is summed over the images and averaged over latents: it is the other way round": {
                "rate": kl.sum(0).mean()
            },
            "distortion and rate have changed places": {"distortion": r, "rate": d},
        },
    )
    free = ask(function, reconstruction, kl, 0.0)
    yield matches("charges nothing for the code at a price of 0", free, {"J": d, "distortion": d, "rate": r})


def dominated(function: Callable, *, seed: int = 0) -> Iterator[Verdict]:
    """A learner's (rates [n], distortions [n]) -> for each run whether another one dominates it, [n]."""
    order = torch.randperm(len(RUNS), generator=torch.Generator().manual_seed(seed))
    rate, distortion = (1 + seed / 100) * torch.tensor(RUNS, dtype=torch.double)[order].T
    no_more = _beats(rate, distortion, torch.le)
    less = _beats(rate, distortion, torch.lt)
    truth = (no_more.all(0) & less.any(0)).any(1)
    others = no_more.all(0) & ~torch.eye(len(rate), dtype=torch.bool)
    prices = torch.logspace(-3, 3, 3001, dtype=torch.double)
    cheapest = (distortion + prices[:, None] * rate).argmin(1).unique()
    costs = rate + distortion
    yield matches(
        "finds the runs that another one dominates",
        ask(function, rate, distortion),
        truth.double(),
        slips={
            "these are the runs that nothing dominates: turn the answer round": (~truth).double(),
            "this dooms every run, the best too: is each set against itself, or is less of one thing enough?": (
                torch.ones(len(rate))
            ),
            "two runs are alike to the last digit: is one of them better?": others.any(1).double(),
            "a tie in one of the two is overlooked: less of the other is enough": less.all(0).any(1).double(),
            "these are all but the runs of least −ELBO: a sum hides which of the two is less": (
                costs > costs.min()
            ).double(),
            "these are the runs that dominate another: which are dominated?": (
                (no_more.all(0) & less.any(0)).any(0).double()
            ),
            "these are the runs that are cheapest at no price. A sharper question: is there one run as good in both?": (
                ~torch.isin(torch.arange(len(rate)), cheapest)
            ).double(),
        },
    )
    alone = ask(function, rate[:1], distortion[:1])
    yield matches("lets a run alone in peace", alone, torch.zeros(1))


def capacity_objective(function: Callable, *, seed: int = 0, b: int = 6, z: int = 3) -> Iterator[Verdict]:
    """A learner's (reconstruction [b], kl [b, z], run) -> (J, C), in nats per image; `run` is a dict of numbers."""
    reconstruction, kl = _batch(seed, b, z)
    c_max = 1.5 * kl.sum(-1).mean().item()
    for when, step in {"on the way up": 30, "after the way up": 80}.items():
        run = {"weight": 10.0, "c_max": c_max, "steps": 50, "step": step, "epoch": step // 8}
        yield matches(
            f"gives J and C {when}",
            ask(function, reconstruction, kl, run),
            _charged(reconstruction, kl, run),
            slips={
                "C counts epochs: of what does the ramp have `steps`?": _charged(
                    reconstruction, kl, run, count=step // 8
                ),
                "C grows for ever": _charged(reconstruction, kl, run, cap=math.inf),
                "C has run ahead: `step` counts the updates that are done, and this one is not": _charged(
                    reconstruction, kl, run, count=min(step + 1, 50)
                ),
                "C stands at its end from the first step": _charged(reconstruction, kl, run, count=50),
                "C is 0 until its end: is a share rounded down to a whole number?": _charged(
                    reconstruction, kl, run, count=50 * (step // 50)
                ),
                "the bars are missing: below C this pays for a cheaper code": _charged(
                    reconstruction, kl, run, bars=lambda off: off.mean()
                ),
                "each image is held to C by itself: what stands inside the bars, and what outside?": _charged(
                    reconstruction, kl, run, bars=lambda off: off.abs().mean()
                ),
                "nothing is charged below C: there the KL is to be pushed up": _charged(
                    reconstruction, kl, run, bars=lambda off: off.mean().clamp(min=0)
                ),
                "this is a square: the force is to be the same near C and far from it": _charged(
                    reconstruction, kl, run, bars=lambda off: off.mean().square()
                ),
                "the weight is missing": _charged(reconstruction, kl, run | {"weight": 1.0}),
                "the KL is charged once more beside the bars": _charged(reconstruction, kl, run, again=1.0),
                "the KL is averaged over latents: C is for all of them": _charged(reconstruction, kl / z, run),
                "the KL is summed over the images: C is for their mean": _charged(
                    reconstruction, kl, run, bars=lambda off: (off.mean() + (b - 1) * kl.sum(-1).mean()).abs()
                ),
            },
        )


def hidden_beta(value: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """A learner's beta beside the sum of squared errors, of a run that averages them over its pixels."""
    weight, beta, pixels = variant.weight, variant.beta, variant.channels * variant.side**2
    wrong = {
        "how many numbers has an image in colour?": weight * beta * variant.side**2,
        "how many pixels has a square of that side?": weight * beta * variant.channels * variant.side,
        "two numbers weigh the KL: which one is left out?": weight * pixels,
        "two numbers weigh the KL, one of them small": beta * pixels,
        "this is what its settings say; the mean over the pixels is not in it": weight * beta,
        "from a mean to a sum you multiply: by what, and both terms?": weight * beta / pixels,
        "this is its beta alone: what else stands before the KL?": beta,
        "this is for half the squared error": weight * beta * pixels / 2,
    }
    yield matches(
        "is the beta that this run has",
        given(value).then(torch.log),  # by factors: wrong answers lie many powers of ten apart
        math.log(weight * beta * pixels),
        atol=0.005,
        secret=True,
        slips={sentence: math.log(other) for sentence, other in wrong.items()},
    )


def fault(value: Any) -> Iterator[Verdict]:
    """A learner's name for what is wrong with a colleague's run: whether it is one of those to choose from."""
    yield one_of("is one of the five faults", given(value), FAULTS)


def sick_run(run: str) -> tuple[Tensor, dict[str, Tensor]]:
    """Steps, and the KL of a colleague's run "A", "B" or "C" beside the C that was planned; two seconds."""
    charge, count = Capacity(weight=40.0, c_max=8.0, steps=300), COUNTS[run]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = VAE(*mlp((1, 32, 32), hidden=(64,), z_dim=5))

    def counted(q: DiagGaussian, z: Tensor, step: Any = None) -> Tensor:
        return charge(q, z, count(torch.as_tensor(step)))

    images = sprites.make(4_000, seed=0, side=32)
    history = fit(model, Objective(counted), images, steps=500, batch_size=32, lr=2e-3, progress=False)
    steps = torch.arange(500)
    return steps, {"KL of each batch": history.terms.kl, "C as planned": torch.as_tensor(charge.capacity(steps))}


def advance(function: Callable, *, c_max: float = 12.0, steps: int = 300) -> Iterator[Verdict]:
    """A learner's (count, training, c_max, steps) -> (C of this batch, the count to hand on)."""
    for claim, count, training in (
        ("begins at 0 nats, and counts the first update", 0, True),
        ("counts an update on the way up", steps // 3, True),
        ("leaves the count alone in evaluation", steps // 3, False),
        ("stays at c_max after the way up", 2 * steps, True),
    ):
        now, then = c_max * min(1, count / steps), c_max * min(1, (count + 1) / steps)
        yield matches(
            claim,
            ask(function, count, training, c_max, steps),
            {"C": now, "count": count + training},
            slips={
                "evaluation has moved the count": {"C": now, "count": count + 1},
                "this update is not counted": {"C": now, "count": count},
                "C has run ahead: the update at hand is not done yet": {"C": then, "count": count + training},
                "C grows for ever": {"C": c_max * count / steps, "count": count + training},
                "C has run to its end, though training is not over": {"C": c_max, "count": count + training},
                "the count stops with C: the updates go on": {"C": now, "count": min(count + training, steps)},
                "C starts from 0 again": {"C": 0.0, "count": count + training},
            },
        )


def _batch(seed: int, b: int, z: int) -> tuple[Tensor, Tensor]:
    """Reconstructions [b] and KLs [b, z] of a toy batch, in nats."""
    mu, logvar = draw(seed, 2, b, z)
    return 40 + 8 * draw(seed + 1, b), DiagGaussian(2 * mu, logvar).kl_terms()


def _beats(rate: Tensor, distortion: Tensor, compare: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """By rate and by distortion, whether run j stands so to run i: [2, i, j]."""
    return torch.stack([compare(measure[None, :], measure[:, None]) for measure in (rate, distortion)])


def _charged(
    reconstruction: Tensor,
    kl: Tensor,
    run: dict[str, float],
    *,
    count: float | None = None,
    cap: float = 1.0,
    bars: Callable[[Tensor], Tensor] = lambda off: off.mean().abs(),
    again: float = 0.0,
) -> dict[str, Any]:
    """J and C, with or without a slip."""
    capacity = run["c_max"] * min(cap, (run["step"] if count is None else count) / run["steps"])
    rates = kl.sum(-1)
    J = reconstruction.mean() + again * rates.mean() + run["weight"] * bars(rates - capacity)
    return {"J": J, "C": capacity}
