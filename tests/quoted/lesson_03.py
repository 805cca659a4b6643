"""Lesson 03, Training well."""

from collections.abc import Iterator

from quoted.quotes import Quote, claim, given, near, says
from quoted.sources import finding, printed

FILE = "notebooks/03_training_well.ipynb"
PLAIN = "none: ReLU, default weights"


def quotes() -> Iterator[Quote]:
    yield from given(
        "a decay of [0.00001] change most",
        "*Weight decay* of [0.00001] changes",
        "*A learning rate of [0.01]* puts",
        "At [0.1], in section 10,",
    )
    (freak,) = printed(FILE, "tw-16", r"no clipping .*at the freak ([\d.]+)")
    yield says("the freak makes a step {} times too long", f"{freak:.1f}")
    (black,) = printed(FILE, "tw-37", r"\nD +[\d.]+ +([\d.]+)")
    yield claim("real ones cost it over 1,000 nats", black > 1000)
    (floor,) = printed("notebooks/02_bce_vs_mse.ipynb", "cell-21", r"perfect reconstruction: ([\d.]+)")
    yield says("no BCE on grey MNIST can be below {} nats", f"{floor}")
    yield from short_runs()
    yield from gains()
    yield from three_seeds()
    yield from grid()


def short_runs() -> Iterator[Quote]:
    seeds = [printed(FILE, "tw-18", rf"\nseed {seed} +([\d.]+) +([\d.]+) +([\d.]+)") for seed in range(3)]
    in_order = all(3 < plain - clipped < 9 and fresh < clipped for plain, clipped, fresh in seeds)
    yield claim("Clipping at 1 gains several nats in each run, and the fresh Adam", in_order)
    asleep = printed(FILE, "tw-27", r"after 400 .*1': '(\d+) of (\d+)', 'encoder 2': '(\d+) of (\d+)'")
    yield claim(
        "In the encoder about a quarter is killed", near((asleep[0] + asleep[2]) / (asleep[1] + asleep[3]), 0.25, 0.15)
    )


def gain(change: str, seed: int | None = None) -> float:
    runs = finding("training_well") if seed is None else finding("training_well").where(seed=seed)
    return runs.where(change=PLAIN).mean("minus_elbo") - runs.where(change=change).mean("minus_elbo")


def gains() -> Iterator[Quote]:
    runs = finding("training_well")
    slope, small = "leaky ReLU, slope 0.2", "leaky ReLU, slope 0.01"
    yield runs.says("Slope [0.2] gains {} nats on average", f"{gain(slope):.1f}")
    yield runs.claim("and gains in every seed", all(gain(slope, seed) > 0 for seed in range(3)))
    shorter = runs.where(change=slope).mean("norm_median") < runs.where(change=PLAIN).mean("norm_median")
    yield runs.claim("But its gradients are **shorter**, not longer", shorter)
    sleepers = runs.where(change=small).mean("dead_units") < runs.where(change=PLAIN).mean("dead_units") / 2
    yield runs.claim(
        "slope 0.01 wakes most of them as well, and gains less than 1 nat", sleepers and 0 < gain(small) < 1
    )
    yield runs.says("Xavier gains {} nats and Kaiming {}", *(f"{gain(name):.1f}" for name in ("xavier", "kaiming")))
    warm_up = "KL warm-up, 1 epoch"
    yield runs.says("*Warm-up* gains {} nats, and wakes no latents", f"{gain(warm_up):.1f}")
    active = [runs.where(change=name).mean("active_units") for name in (warm_up, PLAIN)]
    yield runs.claim("there are no more active ones than without", active[0] <= active[1])
    yield runs.claim(
        "was worth about 3 nats after three epochs", 2.4 <= min(map(gain, (slope, "xavier", "kaiming"))) < 3.5
    )
    habits = ("clip at 1", "clip at 100", "weight decay 1e-5")
    yield runs.claim("clipping and decay less than half a nat", all(abs(gain(name)) < 0.5 for name in habits))


def three_seeds() -> Iterator[Quote]:
    runs = finding("training_well")
    rarely = runs.where(change="clip at 100")
    template = "At 100 it acts in {} % of the steps, as a protection should, and gains about {} nats, in every seed"
    yield runs.says(template, rarely.said("clipped_share", 1, scale=100), f"{gain('clip at 100'):.1f}")
    yield runs.claim("nats, in every seed. - *Weight", all(gain("clip at 100", seed) > 0 for seed in range(3)))
    decay, plain = (runs.where(change=name) for name in ("weight decay 1e-5", PLAIN))
    yield runs.claim("by less than the seeds do", abs(gain("weight decay 1e-5")) < plain.sd("minus_elbo"))
    more = zip(decay.values("active_units"), plain.values("active_units"), strict=True)
    yield runs.claim("Each seed has a few more active latents", all(a > b for a, b in more))
    fast, clipped = (runs.where(change=name) for name in ("lr 1e-2", "lr 1e-2, clip at 1"))
    asleep = fast.mean("dead_units") / runs.settings["hidden_units"]
    yield runs.claim("puts two units in three to sleep", near(asleep, 2 / 3))
    stuck = sorted(fast.values("minus_elbo"))[1:]
    none_stuck = max(clipped.values("minus_elbo")) < 150
    yield runs.claim(
        "Two of three seeds stay near 187 nats; clipped, none does", near(sum(stuck) / 2, 187, 0.01) and none_stuck
    )
    yield runs.claim("near 140 they are far behind", near(clipped.mean("minus_elbo"), 140, 0.01))


def grid() -> Iterator[Quote]:
    runs = finding("training_grid")

    def cost(lr: float, clip: float | None, key: str = "minus_elbo") -> float:
        return runs.where(lr=lr, clip_norm=clip).mean(key)

    yield runs.claim("Clipping matters most at 0.01", cost(1e-2, None) - cost(1e-2, 1.0) > 30)
    yield runs.says("this run stays on a plateau near {} nats", f"{cost(1e-2, None):.0f}")
    yield runs.claim("At 0.001 it changes next to nothing", abs(cost(1e-3, None) - cost(1e-3, 1.0)) < 2)
    alike = max(abs(cost(lr, 10.0) - cost(lr, 1.0)) for lr in (1e-5, 1e-4, 1e-3))
    yield runs.claim("Clip 10 and clip 1 hardly differ up to 0.001", alike < 1.5)
    yield runs.says("At [0.00001] clipping *costs* {} nats", f"{cost(1e-5, 1.0) - cost(1e-5, None):.0f}")
    dead = (f"{cost(0.1, 10.0, 'kl'):.1f}", f"{cost(0.1, 10.0):.0f}")
    yield runs.says("those of [0.1] with clip 10, and they are no good sign: with a KL of {} and {} nats", *dead)
