"""Lesson 02, BCE or MSE?"""

from collections.abc import Iterator

from quoted.quotes import Quote, given, near, says
from quoted.sources import finding, printed

FILE = "notebooks/02_bce_vs_mse.ipynb"


def quotes() -> Iterator[Quote]:
    (constant,) = printed(FILE, "cell-06", r"constant ([\d.]+)")
    yield says("it alone is {} nats", f"{constant:.0f}")
    yield from given(
        "([0.00025] stands in a much-copied implementation",
        "comes out far below [0.71]",  # the square root of a half
        "nearly its full strength of [1] nat per logit",  # the sigmoid of 4
    )
    yield from five_seeds()


def five_seeds() -> Iterator[Quote]:
    losses = finding("bce_vs_mse")
    names = ("Gaussian, sigma fitted", "Bernoulli (BCE)", "Gaussian, sigma^2 = 1/2 (SSE)", "Gaussian, sigma^2 = 1")
    fitted, bce, half, one = (losses.where(likelihood=name) for name in names)
    sharp = [rows.mean("sharpness_reconstructions") for rows in (one, half, bce)]
    yield losses.claim("and more so with 1", sharp == sorted(sharp))
    pairs = zip(*(rows.values("sharpness_reconstructions") for rows in (fitted, bce)), strict=True)
    yield losses.claim("MSE is sharper than BCE in every seed", all(a > b for a, b in pairs))
    errors = {
        name: losses.where(likelihood=name).mean("squared_error") for name in {r["likelihood"] for r in losses.rows}
    }
    yield losses.claim("at half the squared error", near(errors[names[0]] / errors[names[1]], 0.5))
    yield losses.claim("The fitted $\\sigma$ pays several times BCE's KL", fitted.mean("kl") > 3 * bce.mean("kl"))
    samples = fitted.mean("sharpness_samples") / bce.mean("sharpness_samples")
    yield losses.claim("its samples are hardly sharper", 1 < samples < 1.15)
    continuous = losses.where(likelihood="continuous Bernoulli")
    beyond = continuous.mean("sharpness_reconstructions") > losses.settings["sharpness_data"]
    yield losses.claim("reconstructions are sharper than the data", beyond)
    largest = max(errors, key=errors.__getitem__)
    yield losses.claim("the **largest** squared error of all", largest == "continuous Bernoulli")
