"""Exercises: numbers of the lessons and of findings in their tasks and model answers."""

from collections.abc import Iterator

from quoted.quotes import Quote, claim, given, near, says
from quoted.readme import of_recipes
from quoted.side_by_side import runs as side_by_side
from quoted.sources import Rows, finding, printed

LESSONS = {
    "01": "01_autoencoder_to_vae",
    "02": "02_bce_vs_mse",
    "06": "06_latent_dimension",
    "07": "07_conditional_vae",
    "08": "08_convolutional_vae",
    "10": "10_dip_vae",
    "11": "11_wae_mmd",
}
CODES = ("prior", "0.7 x prior", "like class's codes")


def lesson(number: str, cell: str, pattern: str) -> tuple[float, ...]:
    """Numbers that a cell of a lesson has printed."""
    return printed(f"notebooks/{LESSONS[number]}.ipynb", cell, pattern)


def exercise_01() -> Iterator[Quote]:
    lengths = lesson("01", "cell-08", r"test images: length +([\d.]+) .*\nrandom codes: +length +([\d.]+)")
    yield says("({} on average in the lesson against {} for random codes)", *(f"{length:.1f}" for length in lengths))
    costs = (lesson("01", "cell-27", rf"\n{name} .* ([\d.]+)(?:\n|$)")[0] for name in ("autoencoder", "VAE"))
    yield says("with the KL charged: {} nats against {}.", *(f"{cost:.0f}" for cost in costs))


def exercise_02() -> Iterator[Quote]:
    (constant,) = lesson("02", "cell-06", r"constant ([\d.]+)")
    yield says("without its constant, {} nats", f"{constant:.0f}")


def exercise_04() -> Iterator[Quote]:
    norm, plain = (finding("batchnorm").where(network=name, lr=1e-3) for name in ("batch norm", "plain"))
    trained, measured = ([rows.said(key) for rows in (norm, plain)] for key in ("train_mode_among_8", "minus_elbo"))
    template = "(section 10, rate [0.001], five seeds) the order turned round: {} against {} nats in train mode among 8"
    yield norm.says(template, *trained)
    yield norm.says("but {} against {} in eval mode", *measured)
    yield from given("The momentum is [0.1], PyTorch's default")


def dropout(change: str) -> Rows:
    return finding("dropout").where(images="few", change=change)


def exercise_05() -> Iterator[Quote]:
    finds, none, half, tenth = (finding("dropout"), *map(dropout, ("none", "hidden 0.5", "hidden 0.1")))
    gaps = (none.said("gap", 0), half.said("gap", 0))
    yield finds.says("training and test images fell from {} to {} nats", *gaps)
    yield finds.says("with p = [0.5] had the smallest gap, {} nats instead of {}", *reversed(gaps))
    template = (
        "a test −ELBO of {} against {} without dropout: nothing gained. p = [0.1] left a gap of {} and reached {}"
    )
    yield finds.says(
        template, half.said("minus_elbo"), none.said("minus_elbo"), tenth.said("gap", 0), tenth.said("minus_elbo")
    )
    yield from given("hidden [0.5] with the smallest gap and no gain, or [0.1] and [0.25] with larger gaps")


def exercise_06() -> Iterator[Quote]:
    average = finding("capstone").settings["windows"]["average picture"]  # of other digits of the same kind
    yield claim("costs about 177 nats", near(average, 177, 0.01))
    some, many = (lesson("06", "ld-11", rf"\n +{n} +([\d.]+) +([\d.]+) ±.* ([\d.]+)(?:\n|$)") for n in (16, 64))
    template = "the test $-$ELBO was {} nats, with 64 it was {}"
    yield says(template, f"{some[0]:.1f}", f"{many[0]:.1f}")
    yield says("the two models then stood at {} and {}", f"{some[1]:.1f}", f"{many[1]:.1f}")
    yield says("(the lesson found {} nats for 16 and {} for 64)", f"{some[2]:.1f}", f"{many[2]:.1f}")


def exercise_07() -> Iterator[Quote]:
    seen = {codes: lesson("07", "cv-31", rf"\n{codes} +[\d.]+% +([\d.]+)%")[0] for codes in CODES}
    variety = {codes: lesson("07", "cv-37", rf"(?:^|\n){codes} +variety ([\d.]+)")[0] for codes in CODES}
    prior, nearer, own = CODES
    yield says("({} % seen as asked against {} %, shipped model)", f"{seen[nearer]:.1f}", f"{seen[prior]:.1f}")
    yield says("their variety fell from {} to {}", f"{variety[prior]:.1f}", f"{variety[nearer]:.1f}")
    yield says("({} %, variety {})", f"{seen[own]:.1f}", f"{variety[own]:.1f}")
    yield from given("With [0.7] times the prior", "[0.7] gains obedience")


def exercise_08() -> Iterator[Quote]:
    (mlp, normed), (_, conv) = (lesson("08", "co-29", rf"\n{name} +([\d.]+) +([\d.]+)") for name in ("MLP", "conv"))
    yield says("−ELBO {} nats, and a plain MLP, {}.", f"{conv:.1f}", f"{mlp:.1f}")
    yield says("with batch norm the MLP reached {} after 200 steps", f"{normed:.1f}")
    finds = finding("convolutional_vae").where(budget="epochs")
    later = [finds.where(network=name).mean("minus_elbo") for name in ("conv 16-32", "MLP 512-256, batch norm")]
    yield finds.says("with batch norm was {} nats ahead", f"{later[0] - later[1]:.0f}")


def exercise_09() -> Iterator[Quote]:
    finds, codes = finding("beta_vae"), finding("beta_vae").settings["references"]
    first, wide, last = (finds.where(run=f"beta {beta}") for beta in (1, 8, 16))
    yield finds.says("reaches a MIG of {}, with $\\beta = 1$ only {}", last.said("MIG", 2), first.said("MIG", 2))
    apart = [max(rows.values("MIG")) - min(rows.values("MIG")) for rows in (first, wide, last)]
    yield finds.claim("differed by as much as 0.16 in MIG", near(max(apart), 0.16))
    factors = (f"{codes[code]['MIG']:.2f}" for code in ("the factors", "the factors, rotated"))
    yield finds.says("({}) and the factors rotated ({})", *factors)
    yield finds.says("({} against {} nats in the lesson)", first.said("reconstruction"), last.said("reconstruction"))
    yield from given("is to rise to [8] nats", "on sprites up to [10] nats")


def exercise_10() -> Iterator[Quote]:
    codes = finding("dip_vae").settings["references"]
    factors = (f"{codes[code]['MIG']:.2f}" for code in ("the factors, rotated", "the factors"))
    yield finding("dip_vae").says("its MIG was {} where the factors had {}", *factors)
    small, large = (lesson("10", "dv-35", rf"batch of +{size}: .*formula +([\d.]+)")[0] for size in (64, 256))
    yield says("it is {} nats at 64 images and {} at 256", f"{small:.0f}", f"{large:.1f}")
    yield from given("went down to [0.3] nats", "before [0.3] nats say", "So [0.3] nats mean nothing")


def exercise_11() -> Iterator[Quote]:
    yield says("1/201 = {} at the least", f"{1 / 201:.3f}")
    (few,), (mean, spread, cut) = (
        lesson("11", "wa-16", r"\n +32 +-?[\d.]+ ([\d.]+)"),
        lesson("11", "wa-16", r"\n +128 +-([\d.]+) ([\d.]+) .* ([\d.]+)\n"),
    )
    yield says("({} in place of −{} with 128 codes in the lesson)", f"{cut:.4f}", f"{mean:.4f}")
    yield says("by about ± {} with 32 codes and ± {} with 128", f"{few:.3f}", f"{spread:.3f}")
    clouds = finding("wae_mmd").where(method="WAE-MMD, with clouds")
    (one,) = lesson("11", "wa-28", r"one mean image for all: SSE ([\d.]+)")
    yield clouds.says("({} against {})", clouds.said("squared_error", 0), f"{one:.1f}")
    yield from given("MMD² was −[0.004]", "a real difference of [0.01] would")


def exercise_12() -> Iterator[Quote]:
    finds = finding("capstone")
    costs = of_recipes()
    reached = {recipe: f"{sum(parts) / len(parts):.1f}" for recipe, parts in costs.items()}
    limits = {recipe: f"{finds.settings['windows'][recipe]}" for recipe in costs}
    yield finds.says("of lesson 12 reaches {} nats per unseen digit", reached["plain"])
    yield finds.says("yours may cost at most {}.", limits["plain"])
    yield finds.says("reaches {} nats after as many images", reached["tuned"])
    yield finds.says("in the same way: at most {}.", limits["tuned"])
    vae = side_by_side("VAE")
    yield vae.says("against the lesson's {}, which", vae.spread("minus_elbo"))
    # An example of a learner's report; its own runs are stored nowhere.
    own = 77.5
    yield from given(
        "within [3] nats of what",
        "about [15] seconds on one core, [1.9] MB",
        "a learning rate of [0.01]",
        f"is [{own}] ± [0.4] nats",
    )
    yield vae.says("which is {} less", f"{vae.mean('minus_elbo') - own:.1f}")
