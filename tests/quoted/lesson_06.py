"""Lesson 06, How many latents?"""

from collections.abc import Iterator

from quoted.quotes import Quote, given, near
from quoted.sources import Rows, finding

CURES = ("mean, then warm-up", "mean, then KL / 10, then sum")


def runs(part: str, run: str) -> Rows:
    return finding("latent_dimension").where(part=part, run=run)


def latents(n: int) -> Rows:
    return runs("latents", f"{n} latents")


def quotes() -> Iterator[Quote]:
    yield from given(
        "has a variance above [0.01]",
        "Compare the counts above [0.1] and above [0.01] nats",
        "Sections 5 and 8 count above [0.01]",
        "(KL above [0.01])",
        "a learning rate of [0.01].",
        "A rate of [0.01] loses",
        "constant rate of [0.01]",
    )
    yield from sizes()
    yield from overfitting()
    yield from collapse()


def sizes() -> Iterator[Quote]:
    finds = finding("latent_dimension")
    lost = {n: latents(n).mean("bound") - latents(64).mean("bound") for n in (2, 8, 16, 32)}
    yield finds.says('*"64 latents are richer than 16."* By {} nats', f"{lost[16]:.0f}")
    yield finds.claim("and 32 have all of it", abs(lost[32]) < 0.1)
    yield finds.says("8 are too few by {} nats", f"{lost[8]:.0f}")
    yield finds.claim("2 by more than 50", 50 < lost[2] < 60)
    used = latents(64).values("latents_with_kl")
    yield finds.says("Of 64, {} to {} are used", f"{min(used)}", f"{max(used)}")
    left = finding("batchnorm").where(network="batch norm", lr=1e-2)
    yield finds.says("lesson 04 ended with {} at a constant rate", left.said("active_units", 0))
    yield finds.says("but only {} of 32 latents active", left.said("active_units", 0))
    yield finds.claim("About two dozen of 64 stayed in use", 22 <= latents(64).mean("latents_with_kl") <= 26)


def overfitting() -> Iterator[Quote]:
    finds = finding("latent_dimension")
    gaps = {n: latents(n).mean("gap") for n in (2, 8, 16, 32, 64)}
    largest = max(finds.where(part="latents").values("gap"))
    yield finds.claim("On all images no gap reaches 2 nats, and that of 64 is not above that of 16", largest < 2)
    yield finds.claim("that of 64 is not above that of 16", gaps[64] <= gaps[16])
    few = {n: runs("few images", f"{n} latents") for n in (16, 64)}
    yield finds.claim("by some 30 nats", all(near(rows.mean("gap"), 30, 0.15) for rows in few.values()))
    less = few[64].mean("gap") < few[16].mean("gap") and few[64].mean("bound") < few[16].mean("bound")
    yield finds.claim("and 64 **less** than 16, with the better bound", less)


def collapse() -> Iterator[Quote]:
    finds, fresh, right = finding("latent_dimension"), runs("collapse", "sum"), runs("collapse", "mean, then sum")
    cured = [right, *(runs("collapse", run) for run in CURES)]
    back = min(min(rows.values("kl")) for rows in cured)
    yield finds.claim("in every seed the three cures bring back most of the KL", back > 0.75 * fresh.mean("kl"))
    farther = [right.mean("minus_elbo") - rows.mean("minus_elbo") for rows in cured[1:]]
    yield finds.says("gets {} nats farther than the right weight at once", f"{sum(farther) / 2:.0f}")
    level = all(near(rows.mean("minus_elbo"), fresh.mean("minus_elbo"), 0.005) for rows in cured[1:])
    yield finds.claim("no farther than a fresh start", level)
    fast, warm = runs("collapse", "lr 0.01"), runs("collapse", "lr 0.01, warm-up")
    yield finds.claim("loses half the KL on average", near(fast.mean("kl"), fresh.mean("kl") / 2))
    gains = sorted(a - b for a, b in zip(fast.values("minus_elbo"), warm.values("minus_elbo"), strict=True))
    best = min(warm.values("minus_elbo")) - fresh.mean("minus_elbo")
    yield finds.claim("one seed of three ends nearly 40 nats better, if 11 behind *sum*", 37 < gains[-1] < 40)
    yield finds.says("if {} behind *sum*; the others no better", f"{best:.0f}")
    yield finds.claim("the others no better", gains[1] < 1)
