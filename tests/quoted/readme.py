"""README.md, "What was measured": lines on findings in results/."""

from collections.abc import Iterator
from statistics import mean, stdev

from quoted.quotes import Quote
from quoted.side_by_side import of_seeds
from quoted.sources import Rows, finding

BETAS = ("beta 1", "beta 16")
MLPS = ("MLP 54", "MLP 512-256")
RISE = ("minus_elbo", "MIG")
DRAWING = ("minus_elbo", "minus_bound_refitted", "squared_error", "frechet")
SCORES = ("MIG", "SAP", "DCI", "FactorVAE", "BetaVAE", "modularity")


def quotes() -> Iterator[Quote]:
    yield from likelihood_and_training()
    yield from networks()
    yield from objectives()
    yield from comparisons()


def likelihood_and_training() -> Iterator[Quote]:
    classic = finding("classic")
    constant, cosine = (classic.where(schedule=name) for name in ("constant", "cosine"))
    yield classic.says(
        "−ELBO {} nats, {} by the importance-weighted bound with [100] samples; a cosine schedule did not help ({})",
        constant.said("minus_elbo"),
        constant.said("minus_iwae_bound"),
        cosine.said("minus_elbo"),
    )
    losses = finding("bce_vs_mse")
    fitted, bce = (losses.where(likelihood=name) for name in ("Gaussian, sigma fitted", "Bernoulli (BCE)"))
    sentence = "squared error reconstructs at {} SSE an image, BCE at {}; its samples are hardly sharper"
    yield losses.says(sentence, fitted.spread("squared_error"), bce.spread("squared_error"))
    yield from gains_of_training()
    yield losses.claim("its samples are hardly sharper", share(fitted, bce, "sharpness_samples") < 1.15)


def share(some: Rows, others: Rows, key: str) -> float:
    return some.mean(key) / others.mean(key)


def gains_of_training() -> Iterator[Quote]:
    runs = finding("training_well")
    plain = runs.where(change="none: ReLU, default weights").mean("minus_elbo")
    names = ("leaky ReLU, slope 0.2", "xavier", "KL warm-up, 1 epoch", "clip at 100", "clip at 1", "weight decay 1e-5")
    gains = [plain - runs.where(change=name).mean("minus_elbo") for name in names]
    template = (
        "leaky ReLU (slope [0.2]) gains {} nats, Xavier {}, a KL warm-up {}; clipping and weight decay under half"
    )
    yield runs.says(template, *(f"{gain:.1f}" for gain in gains[:3]))
    yield runs.claim("clipping and weight decay under half a nat", all(abs(gain) < 0.5 for gain in gains[3:]))


def networks() -> Iterator[Quote]:
    norm = finding("batchnorm")
    usual = [norm.where(network=name, lr=1e-3).spread("minus_elbo") for name in ("batch norm", "plain")]
    high = [norm.where(network=name, lr=1e-2).said("minus_elbo") for name in ("batch norm", "plain")]
    template = "−ELBO {} against {} without; at a rate of [0.01] (three seeds) {} against {}"
    yield norm.says(template, *usual, *high)
    yield from dropout()
    sizes = finding("latent_dimension")
    bounds = [sizes.where(part="latents", run=f"{n} latents") for n in (2, 8, 16, 32, 64)]
    template = "bound on −log p(x) {}, {}, {}, {}, {}; about two dozen of [64] are used"
    yield sizes.says(template, *(rows.said("bound") for rows in bounds))
    yield sizes.claim("about two dozen of 64", 22 <= bounds[-1].mean("latents_with_kl") <= 26)
    asked = finding("conditional_vae").where(model="CVAE", z_dim=4)
    seen = [asked.said(f"seen_right{codes}", 0, scale=100) for codes in ("", "_class_gaussians")]
    yield asked.says("in {} % of samples from the prior, in {} % with codes like the class's own", *seen)
    yield from convolutions()


def dropout() -> Iterator[Quote]:
    def gain(images: str, change: str) -> float:
        rows = finding("dropout").where(images=images)
        return rows.where(change="none").mean("minus_elbo") - rows.where(change=change).mean("minus_elbo")

    runs, changes = finding("dropout"), ("hidden 0.1", "hidden 0.25", "hidden 0.5", "latent 0.2", "latent 0.5")
    yield runs.claim("on all of MNIST every dropout costs", all(gain("all", change) < 0 for change in changes))
    yield runs.says(
        "on [500] images a hidden one of [0.1] gains {} nats; [0.2] on the code costs {} and {}",
        f"{gain('few', 'hidden 0.1'):.0f}",
        *(f"{-gain(images, 'latent 0.2'):.0f}" for images in ("all", "few")),
    )


def convolutions() -> Iterator[Quote]:
    runs = finding("convolutional_vae").where(budget="epochs")
    conv, conv_norm = (runs.where(network=name) for name in ("conv 16-32, no batch norm", "conv 16-32"))
    small, large = ([runs.where(network=name + norm) for norm in ("", ", batch norm")] for name in MLPS)
    yield runs.says(
        "−ELBO {} (with batch norm {}); an MLP of as many {} ({}), one of {} million {} ({})",
        *(rows.spread("minus_elbo") for rows in (conv, conv_norm, *small)),
        large[0].said("parameters", 1, scale=1e-6),
        *(rows.spread("minus_elbo") for rows in large),
    )
    shares = (share(conv, large[0], "seconds"), share(conv_norm, large[1], "seconds"))
    yield runs.claim("in a quarter to two fifths of the time", min(shares) >= 2.4 and max(shares) <= 4.2)


def objectives() -> Iterator[Quote]:
    beta = finding("beta_vae")
    ladder = [beta.where(run=name) for name in BETAS]
    yield beta.says(
        "from β = [1] to [16] −ELBO goes from {} to {} nats, MIG from {} to {}, in each seed",
        *(rows.said("minus_elbo") for rows in ladder),
        *(rows.said("MIG", 2) for rows in ladder),
    )
    rises = [all(b > a for a, b in zip(*(rows.values(key) for rows in ladder), strict=True)) for key in RISE]
    yield beta.claim("in each seed", all(rises))
    moved = [abs(ladder[1].mean(key) - ladder[0].mean(key)) for key in ("FactorVAE", "BetaVAE")]
    yield beta.claim("FactorVAE and BetaVAE scores hardly move", max(moved) < 0.05)
    yield from dip()
    wae = finding("wae_mmd")
    weighted, vae = wae.where(method="WAE-MMD, weight 10"), wae.where(method="VAE")
    yield wae.says(
        "WAE-MMD (weight [10]) {}, VAE {}; precision {} against {}",
        *(rows.spread("frechet_samples", 0) for rows in (weighted, vae)),
        *(rows.said("precision", 2) for rows in (weighted, vae)),
    )


def dip() -> Iterator[Quote]:
    runs = finding("dip_vae").where(data="mnist")
    models = [runs.where(method=name) for name in ("VAE", "DIP-I 10, 100", "DIP-II 10, 10", "published 5, 10")]
    yield runs.says(
        "{} in the VAE, {} with DIP-I, {} with DIP-II, {} with a much-copied form of the penalty; −ELBO {}, {}, {}, {}",
        *(rows.said("correlation_active", 2) for rows in models),
        *(rows.said("minus_elbo", 0) for rows in models),
    )


def comparisons() -> Iterator[Quote]:
    runs = finding("side_by_side")
    ratios = [[of_seeds(key) for key in keys] for keys in (DRAWING, SCORES)]
    yield runs.says(
        "models differ {} to {} times as much as seeds in likelihood, error and Fréchet distance, "
        "{} to {} times in scores of disentanglement",
        *(f"{end(measured):.0f}" for measured in ratios for end in (min, max)),
    )
    capstone = finding("capstone")
    costs = of_recipes()
    yield capstone.says(
        "−ELBO {} nats with a plain recipe, {} with a tuned one",
        *(f"{mean(costs[recipe]):.1f} ± {stdev(costs[recipe]):.1f}" for recipe in ("plain", "tuned")),
    )
    above = [mean(parts) + 4 * stdev(parts) for parts in costs.values()]
    limits = [capstone.settings["windows"][recipe] for recipe in costs]
    small = all(0 <= limit - level < 0.1 for limit, level in zip(limits, above, strict=True))
    yield capstone.claim("the limits for marks lie four standard deviations above", small)


def of_recipes() -> dict[str, list[float]]:
    """What the capstone's recipes cost, in nats: one number for each seed and part of the unseen digits."""
    rows = finding("capstone").rows
    recipes = dict.fromkeys(row["recipe"] for row in rows)
    return {
        recipe: [cost for row in rows if row["recipe"] == recipe for cost in row["minus_elbo"]] for recipe in recipes
    }
