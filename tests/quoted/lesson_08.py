"""Lesson 08, Convolutional VAE."""

from collections.abc import Iterator

from quoted.quotes import Quote, claim, near
from quoted.sources import Rows, finding, printed

FILE = "notebooks/08_convolutional_vae.ipynb"


def runs(network: str, budget: str = "epochs") -> Rows:
    return finding("convolutional_vae").where(network=network, budget=budget)


def shift(rows: Rows) -> float:
    """What two pixels cost, in nats."""
    return rows.mean("minus_elbo_shifted") - rows.mean("minus_elbo")


def quotes() -> Iterator[Quote]:
    finds, conv, plain = finding("convolutional_vae"), runs("conv 16-32"), runs("conv 16-32, no batch norm")
    small, large = ([runs(name + norm) for norm in ("", ", batch norm")] for name in ("MLP 54", "MLP 512-256"))
    behind = [mlp.mean("minus_elbo") - rows.mean("minus_elbo") for mlp, rows in zip(small, (plain, conv), strict=True)]
    template = "without batch norm the MLP with as many is {} nats behind after two passes, with it {}"
    yield finds.says(template, *(f"{nats:.0f}" for nats in behind))
    times = [steps / small[0].mean("steps") for steps in runs("MLP 54", "seconds").values("steps")]
    sooner, later = min(times), max(times)
    yield finds.claim("after fifteen to twenty-two times the steps", sooner >= 14.5 and later <= 22.5)
    ahead = [rows.mean("minus_elbo") for rows in (conv, large[1])]
    yield finds.says(
        "with batch norm is {} nats ahead, in well under a third of the time", f"{ahead[0] - ahead[1]:.0f}"
    )
    times_as_long = conv.mean("seconds") / large[1].mean("seconds")
    yield finds.claim("in well under a third of the time", times_as_long > 3.4)
    gap = plain.mean("minus_elbo") - runs("MLP 512-256", "seconds").mean("minus_elbo")
    yield finds.says("even the plain one is, by {}", f"{gap:.0f}")
    yield finds.says("two pixels cost {} nats", f"{shift(conv):.0f}")
    others = [*map(shift, (*small, large[1]))]
    yield finds.claim("as much as they cost all MLPs but the large plain one", all(near(nats, 38) for nats in others))
    yield finds.claim("but the large plain one", shift(large[0]) > 50)
    mlp, small_conv = (printed(FILE, "co-04", rf"{name} +([\d,]+) parameters")[0] for name in ("MLP", "conv"))
    yield claim("with a twelfth of the parameters. Was it", near(mlp / small_conv, 12))
    work = [
        printed(FILE, "co-27", rf"{name} +([\d,]+) multiplications an image, +([\d.]+) ms") for name in ("MLP", "conv")
    ]
    yield claim("A twelfth of the parameters, and as many multiplications", near(work[1][0] / work[0][0], 1))
    yield claim("takes several times as long", 3 < work[1][1] / work[0][1] < 10)
    early = [printed(FILE, "co-29", r"\nconv +([\d.]+) +([\d.]+)")]
    yield claim("The 30 nats that it gave the convolutions after 200 steps", near(early[0][0] - early[0][1], 30))
    gone = near(plain.mean("minus_elbo"), conv.mean("minus_elbo"), 0.01)
    yield finds.claim("are gone after two passes; the large MLP keeps 10", gone)
    yield finds.says("the large MLP keeps {}", f"{large[0].mean('minus_elbo') - large[1].mean('minus_elbo'):.0f}")
    seeds = sorted(conv.values("minus_elbo"))
    yield finds.says("ended {} nats behind the other two", f"{seeds[2] - sum(seeds[:2]) / 2:.0f}")
