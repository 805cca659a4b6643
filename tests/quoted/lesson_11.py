"""Lesson 11, WAE: the crowd and the prior."""

from collections.abc import Iterator
from statistics import mean, median

from quoted.quotes import Quote, claim, given, near, says
from quoted.sources import Rows, finding, outputs, printed

FILE = "notebooks/11_wae_mmd.ipynb"
IMQ = ("WAE-MMD, weight 10", "WAE-MMD, weight 200", "WAE-MMD, weight 2000")
VAES = ("VAE", "VAE, sigma 0.3", "VAE, sigma fitted")


def runs(method: str) -> Rows:
    return finding("wae_mmd").where(method=method)


def times(key: str, method: str, than: str) -> float:
    return runs(method).mean(key) / runs(than).mean(key)


def quotes() -> Iterator[Quote]:
    yield from given(
        "with a width of [0.1], of [1.4] or of 20", "Distance 8, width [1.4]", "multiplies by [0.05]", "sigma [0.3]"
    )
    yield says("1/201 = {} is the least", f"{1 / 201:.3f}")
    yield from cells()
    yield from weights()
    yield from kernels()
    yield from samples()


def cells() -> Iterator[Quote]:
    (point,) = printed(FILE, "wa-04", r"WAE's points ([\d.]+)")
    yield says('("{}": the package', f"{point:.3f}")
    (spread,) = printed(FILE, "wa-16", r"\n +128 +-?[\d.]+ ([\d.]+)")
    yield claim("chance moves the loss by nearly 2 nats", 1.5 < 200 * spread < 2)
    factors = [float(line.split()[-1]) for line in outputs(FILE, "wa-34").splitlines()[1:] if line]
    yield claim("some 200,000 to 600,000 times too small", min(factors) > 1.6e-6 and max(factors) < 6e-6)
    yield claim("a weight of 5,000 acts as one of about 0.02", near(5000 * mean(factors), 0.02, 0.25))
    yield claim("it acts as one of some 7 to 22", [round(784 * 5000 * end(factors)) for end in (min, max)] == [7, 22])
    alike = printed(FILE, "wa-33", r"all from ([\d.]+) to ([\d.]+)")
    yield claim("With all likenesses near 0.99", all(near(value, 0.99, 0.01) for value in alike))
    (one,) = printed(FILE, "wa-28", r"one mean image for all: SSE ([\d.]+)")
    yield says("({} in section 6)", f"{one:.1f}")
    worse = sum(error > one for error in runs("WAE-MMD, with clouds").values("squared_error"))
    yield runs("VAE").claim("in two seeds of three reconstructs worse than one mean image would", worse == 2)


def weights() -> Iterator[Quote]:
    finds = finding("wae_mmd")
    null = median(finds.values("mmd2_null"))
    yield finds.claim("Chance alone gives an MMD² of about ± 0.001 here", round(null, 3) == 0.001)
    eighth = times("mmd2", IMQ[0], "WAE-MMD, weight 1")
    yield finds.claim("From 1 to 10 MMD² falls to an eighth", near(eighth, 1 / 8))
    pairs = zip(runs(IMQ[0]).values("mmd2"), runs(IMQ[1]).values("mmd2"), strict=True)
    yield finds.claim("At 200 it is higher again in every seed", all(b > a for a, b in pairs))
    yield finds.claim("while the squared error has grown by half", near(times("squared_error", IMQ[2], IMQ[0]), 1.5))
    yield finds.claim("**not above the autoencoder's**", times("squared_error", IMQ[0], "autoencoder") <= 1)
    averaged = times("squared_error", "WAE-MMD, pixels averaged", IMQ[1])
    yield finds.claim("a quarter more error than SSE with the same 200", near(averaged, 1.25))


def kernels() -> Iterator[Quote]:
    finds, bell = finding("wae_mmd"), runs("WAE-MMD, RBF, weight 200")
    widest = bell.values("variance_most")
    yield finds.says("keeps a variance of {} to {} along its widest axis", f"{min(widest):.0f}", f"{max(widest):.0f}")
    most = max(value for method in IMQ for value in runs(method).values("variance_most"))
    yield finds.claim("none is above 1.4", most <= 1.4)
    frechet = [rows.spread("frechet_samples", 0) for rows in (bell, runs(IMQ[1]))]
    yield finds.says("Fréchet {} against {} in the next table", *frechet)


def samples() -> Iterator[Quote]:
    finds, best = finding("wae_mmd"), runs(IMQ[0])
    template = "{} against {}, {} and {}. - The fair rival"
    yield finds.says(template, *(runs(method).said("precision", 2) for method in (IMQ[0], *VAES)))
    for key, sign in (("frechet_samples", -1), ("recall", 1), ("sharpness_samples", 1)):
        ours = [sign * value for value in best.values(key)]
        ahead = all(min(ours) > max(sign * value for value in runs(vae).values(key)) for vae in VAES)
        yield finds.claim("yes, weight 10 against each VAE, in all seeds", ahead)
    yield finds.claim("twice the prior's variance", near(runs(VAES[1]).mean("variance_most"), 2, 0.15))
    farther = best.mean("frechet_samples") / best.mean("frechet_reconstructions")
    yield finds.claim("more than three times as far off as its own reconstructions", 3 < farther < 4)
    clouds = runs("WAE-MMD, with clouds")
    yield finds.says("has a precision of {} at a recall of {}.", clouds.said("precision", 2), clouds.said("recall", 0))
    data = [finds.settings[key] for key in ("precision_data", "recall_data")]
    yield finds.claim("the training images' own 0.87 in both", {f"{value:.2f}" for value in data} == {"0.87"})
    critic = runs("WAE-GAN, weight 5").values("mmd2")
    yield finds.claim("differed tenfold from seed to seed", near(max(critic) / min(critic), 10, 0.15))
    failed = runs("WAE-GAN, weight 200").values("squared_error")
    yield finds.says("an error of {} to {}", f"{min(failed):.0f}", f"{max(failed):.0f}")
