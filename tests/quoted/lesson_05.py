"""Lesson 05, Dropout."""

from collections.abc import Iterator

from quoted.quotes import Quote, claim, given, near
from quoted.sources import Rows, finding, printed

FILE = "notebooks/05_dropout.ipynb"
HIDDEN = ("hidden 0.1", "hidden 0.25", "hidden 0.5")
MODELS = ("none", "hidden 0.25", "latent 0.2")
LATENT = ("latent 0.2", "latent 0.5")


def runs(images: str, change: str = "none") -> Rows:
    return finding("dropout").where(images=images, change=change)


def gain(images: str, change: str) -> float:
    """Nats by which a change is better than none."""
    return runs(images).mean("minus_elbo") - runs(images, change).mean("minus_elbo")


def short_runs() -> Iterator[Quote]:
    trained = {name: printed(FILE, "do-12", rf"\n{name} +([\d.]+) +([\d.]+) +([\d.]+)") for name in MODELS}
    curve, known, _ = trained["none"]
    yield claim("(Two to three nats are no dropout's", 2 < curve - known < 3)
    gaps = [new - known for _, known, new in trained.values()]
    yield claim("Then the gap is below one nat for all three", max(gaps) < 1)
    behind = trained["latent 0.2"][2] - trained["none"][2]
    yield claim("the model without dropout was about eight nats better", near(behind, 8))
    dropped, kept = printed(FILE, "do-18", r"dropped ([\d.]+), nothing dropped ([\d.]+) nats")
    yield claim("test images cost several nats *less* with nothing dropped", 3 < dropped - kept < 9)
    costs = [
        printed(FILE, "do-22", rf"trained with {share} +([\d.]+) +([\d.]+) +[\d.]+ +[\d.]+(?:\n|$)")
        for share in (0.0, 0.2)
    ]
    times = (costs[0][1] - costs[0][0]) / (costs[1][1] - costs[1][0])
    yield claim("about three times the nats it costs", near(times, 3, 0.2))


def quotes() -> Iterator[Quote]:
    yield from given("The rate falls little up to [0.5]", "(At [0.8], nothing lost")
    yield from short_runs()
    dropout = finding("dropout")
    few = [gain("few", change) for change in HIDDEN]
    yield dropout.says(
        "[0.1] and [0.25] gain {} to {} nats on test images", f"{min(few[:2]):.0f}", f"{max(few[:2]):.0f}"
    )
    yield dropout.claim("and beat half the steps", min(few[:2]) > gain("few", "half the steps"))
    changes = dict.fromkeys(row["change"] for row in dropout.where(images="few").rows)
    gaps = {change: runs("few", change).mean("gap") for change in changes}
    smallest = min(gaps, key=gaps.__getitem__) == "hidden 0.5"
    yield dropout.claim("At 0.5 the gap is the smallest of all, and nothing is gained", smallest and abs(few[2]) < 0.5)
    costs = [-gain("all", change) for change in (*HIDDEN, *LATENT)]
    yield dropout.says("and **every** dropout costs, from {} nats at [0.1] to", f"{min(costs):.0f}")
    yield dropout.claim("nats at 0.1 to over 30 at 0.5", 30 < costs[2] < 35 and max(costs) == costs[2])
    yield dropout.says("half the steps cost {}", f"{-gain('all', 'half the steps'):.0f}")
    yield dropout.claim("0.2 gains nothing with 500 images", gain("few", "latent 0.2") < 0)
    yield dropout.says("and costs {} nats with all, [0.5] is worse on both", f"{-gain('all', 'latent 0.2'):.0f}")
    worse = all(gain(images, "latent 0.5") < gain(images, "latent 0.2") for images in ("all", "few"))
    yield dropout.claim("0.5 is worse on both", worse)
    yield from decay_and_code()


def decay_and_code() -> Iterator[Quote]:
    dropout = finding("dropout")
    little = all(abs(gain(images, "weight decay 1e-4")) < 0.5 for images in ("all", "few"))
    yield dropout.claim("*Weight decay* of 0.0001 does nothing to the −ELBO", little)
    decay = (f"{gain('few', 'weight decay 1e-2'):.0f}", f"{-gain('all', 'weight decay 1e-2'):.0f}")
    yield dropout.says("[0.01] gains {} nats with 500 images and costs {} with all", *decay)
    code = [runs("all", change).said("kl", 0) for change in ("none", *HIDDEN)]
    yield dropout.says("KL {}, {}, {} and {} with all images", *code)
    kept = all(runs(images, change).mean("active_units") == 32 for images in ("all", "few") for change in LATENT)
    yield dropout.claim("keeps all 32 latents active", kept)
    own = [runs(images, change) for images in ("all", "few") for change in (*HIDDEN, *LATENT)]
    better = all(rows.mean("minus_elbo") < rows.mean("minus_elbo_train_mode") for rows in own)
    yield dropout.claim("Each model with dropout is better in eval mode", better)
    part = near(gain("few", "hidden 0.1"), gain("few", "hidden 0.25"), 0.15)
    yield dropout.claim("little of it helped most", part and gain("few", "hidden 0.1") > gain("few", "hidden 0.5"))
