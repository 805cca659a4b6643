"""Lesson 04, Batch norm."""

from collections.abc import Iterator

from quoted.quotes import Quote, claim, given, near, says
from quoted.sources import Rows, finding, printed

FILE = "notebooks/04_batchnorm.ipynb"


def runs(network: str, lr: float) -> Rows:
    return finding("batchnorm").where(network=network, lr=lr)


def gains(lr: float) -> list[float]:
    pairs = zip(*(runs(network, lr).values("minus_elbo") for network in ("plain", "batch norm")), strict=True)
    return [plain - norm for plain, norm in pairs]


def quotes() -> Iterator[Quote]:
    yield from given("(variance of $\\mu$ above [0.01])", "at [0.01] the plain network")
    short = printed(FILE, "bn-34", r"before +-ELBO +([\d.]+).*\nafter +-ELBO +([\d.]+)")
    yield claim("It has, by tens of nats", 20 < short[1] - short[0] < 100)
    (price,) = printed(FILE, "bn-13", r"mu normalised .* price: ([\d.]+) nats")
    yield says("costs at least half a nat, {} in all", f"{price:.0f}")
    norm = finding("batchnorm")
    usual, slow = gains(1e-3), gains(1e-4)
    template = "by {} nats at a rate of [0.001], by {} at [0.0001]"
    yield norm.says(template, f"{sum(usual) / len(usual):.0f}", f"{sum(slow) / len(slow):.0f}")
    yield norm.claim("After three passes, yes, in every seed", min(usual + slow) > 0)
    ends = runs("plain", 1e-2).values("minus_elbo")
    yield norm.says("ends anywhere from {} to {} nats", f"{min(ends):.0f}", f"{max(ends):.0f}")
    best = min(runs("batch norm", lr).mean("minus_elbo") for lr in (1e-4, 1e-3, 1e-2))
    yield norm.claim("batch norm near its best", runs("batch norm", 1e-2).mean("minus_elbo") < best + 1)
    yield norm.says("But {} of its 32 latents stay active", runs("batch norm", 1e-2).said("active_units", 0))
    usual_norm = runs("batch norm", 1e-3)
    worse = [usual_norm.mean(f"train_mode_among_{mates}") - usual_norm.mean("minus_elbo") for mates in (128, 8)]
    yield norm.claim("look 2 nats worse than they are; among 8, over 30", near(worse[0], 2) and 30 < worse[1] < 35)
    among_few = usual_norm.mean("train_mode_among_8") > runs("plain", 1e-3).mean("train_mode_among_8")
    yield norm.claim("and batch norm seems to lose", among_few)
