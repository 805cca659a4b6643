"""Lesson 12, sections 2 to 6: the three cards."""

from collections.abc import Iterator
from itertools import combinations
from math import exp
from statistics import mean, stdev

from quoted.quotes import Quote, given, near, says
from quoted.sources import Rows, card, finding

FILE = "notebooks/12_side_by_side.ipynb"
FAR = ("autoencoder", "capacity, weight 100")
TOLD = "VAE told the label"
DISENTANGLED = ("DIP-VAE-II", "beta-TCVAE, beta 6", "beta-VAE, beta 4")
SCORES = ("MIG", "SAP", "DCI", "FactorVAE", "BetaVAE", "modularity")


def runs(method: str) -> Rows:
    return finding("side_by_side").where(method=method)


def methods(without: tuple[str, ...] = ()) -> list[str]:
    """All that are ranked: the one told the label is not."""
    return list(
        dict.fromkeys(row["method"] for row in finding("side_by_side").rows if row["method"] not in (TOLD, *without))
    )


def of_seeds(key: str, without: tuple[str, ...] = ()) -> float:
    """How much models differ, in units of how much their seeds do."""
    groups = [runs(name).values(key) for name in methods(without)]
    return stdev(mean(group) for group in groups) / mean(stdev(group) for group in groups)


def apart(key: str) -> int:
    """How many pairs of models have no seed of the one among those of the other."""
    groups = [runs(name).values(key) for name in methods()]
    return sum(max(a) < min(b) or max(b) < min(a) for a, b in combinations(groups, 2))


def reference(code: str, key: str) -> float:
    return finding("side_by_side").settings["references"][code][key]


def cards() -> Iterator[Quote]:
    yield from given("Capacity is to end at [17] nats", "the judge gives [99] % or more", "p below [0.05]: no accident")
    judge = card("classifier-mnist")
    right = f"{100 * judge['test']['digits']['accuracy']:.1f}"
    yield says("is right about {} % of them", right, command=judge["command"])
    sigma = exp(-5)  # of a log variance of -10
    yield says("(its $\\sigma$ is fixed at {})", f"{sigma:.4f}")
    yield says("Of its KL, {} nats are the price", f"{10 * (sigma**2 - 1 + 10) / 2:.0f}")
    yield says("p of {} is the least that 200 deals can give", f"{1 / 201:.3f}")
    yield from probability()
    yield from rates()
    yield from latents()
    yield from samples()


def probability() -> Iterator[Quote]:
    finds, vae = finding("side_by_side"), runs("VAE")
    errors = {name: mean(runs(name).values("minus_bound_error")) for name in methods(FAR)}
    yield finds.says(
        "is about {} to {} nats for most models",
        f"{min(errors.values()):.1f}",
        f"{round(max(errors.values()) + 0.05, 1):.1f}",
    )
    most = [runs(name).values("minus_bound_error") for name in FAR]
    yield finds.claim(
        "2 for capacity 100, and up to 6 for the autoencoder", near(mean(most[1]), 2) and round(max(most[0])) == 6
    )
    new = "minus_elbo_refitted"
    yield finds.says("about what the VAE spends ({})", vae.said("kl", 0))
    yield finds.says("its *decoder* still stands at about {}", runs(FAR[0]).said(new, 0))
    wae = runs("WAE-MMD")
    yield finds.says(
        "its decoder comes from {} to {}, two nats from the VAE's", wae.said("minus_elbo", 0), wae.said(new, 0)
    )
    yield finds.claim("two nats from the VAE's", near(wae.mean(new) - vae.mean(new), 2))
    yield finds.says("still costs the VAE's own decoder {} nats", f"{vae.mean(new) - vae.mean('minus_elbo'):.0f}")
    norm = vae.mean("minus_elbo") - runs("VAE, batch norm").mean("minus_elbo")
    yield finds.says("which is no objective at all, gains {} nats", f"{norm:.0f}")
    slower = [runs(name).mean("seconds") / vae.mean("seconds") for name in ("WAE-MMD", "WAE-GAN")]
    in_words = near(slower[0], 1.33) and near(slower[1], 1.5)
    yield finds.claim("with MMD about a third more, with a critic half", in_words)


def rates() -> Iterator[Quote]:
    finds, line = finding("side_by_side"), runs("VAE").mean("minus_elbo_refitted")
    left = [runs(name).mean("kl_refitted") for name in DISENTANGLED]
    above = [runs(name).mean("minus_elbo_refitted") - line for name in DISENTANGLED]
    ends = [f"{end(values):.0f}" for values in (left, above) for end in (min, max)]
    yield finds.says("at {} to {} nats, and {} to {} nats *above* the VAE's line", *ends)
    yield finds.claim("decoder needs nearly 50 nats", 45 < runs(FAR[0]).mean("kl_refitted") < 50)
    yield finds.says("it holds its own KL near {} nats", runs(FAR[1]).said("kl", 0))
    lighter = runs("capacity, weight 10").mean("minus_elbo_refitted") - line
    yield finds.says("the same method is {} nats above the VAE's line", f"{lighter:.0f}")


def latents() -> Iterator[Quote]:
    finds, key = finding("side_by_side"), "correlation_mu"
    found = [runs(name).mean("MIG") for name in DISENTANGLED]
    yield finds.says(
        "MIG {} to {} against {} (of beta 4", f"{min(found):.2f}", f"{max(found):.2f}", runs("VAE").said("MIG", 2)
    )
    active = [runs(name).mean("active_units") for name in DISENTANGLED]
    yield finds.says("(first card: {} to {} of 10)", f"{min(active):.0f}", f"{max(active):.0f}")
    yield finds.says("capacity with weight 100 uses {} and scores lowest", runs(FAR[1]).said("active_units", 0))
    gaps = {}
    for score in SCORES:
        means = [runs(name).mean(score) for name in methods()]
        gaps[score] = (max(means) - min(means)) / (reference("the factors", score) - reference("noise", score))
    shown = [f"{gaps[score]:.2f}" for score in ("MIG", "SAP", "FactorVAE", "BetaVAE")]
    yield finds.says("MIG and SAP {} and {}, FactorVAE {}, BetaVAE {}", *shown)
    least = sorted(methods(), key=lambda name: runs(name).mean(key))[:2]
    yield finds.claim(
        "those of WAE-MMD and DIP-I are least correlated (0.03)",
        {*least} == {"WAE-MMD", "DIP-VAE-I"} and {runs(name).said(key, 2) for name in least} == {"0.03"},
    )
    sampled = min(methods(), key=lambda name: runs(name).mean("correlation_z"))
    yield finds.says("DIP-II's are least correlated ({})", runs("DIP-VAE-II").said("correlation_z", 2))
    yield finds.claim("DIP-II's are least correlated", sampled == "DIP-VAE-II")
    yield finds.says("three latents of noise, at about {} each", f"{reference('noise', 'modularity'):.1f}")


def samples() -> Iterator[Quote]:
    finds, wae, vae = finding("side_by_side"), runs("WAE-MMD"), runs("VAE")
    norm = runs("VAE, batch norm")
    yield finds.says(
        "By Fréchet and recall, yes: {} against the VAE's {}", wae.said("frechet", 0), vae.said("frechet", 0)
    )
    yield finds.says("By precision **no**: {} against {}", wae.said("precision", 2), vae.said("precision", 2))
    yield finds.says("batch norm alone takes the VAE to {},", norm.said("frechet", 0))
    close = [runs(name) for name in ("beta-VAE, beta 4", "DIP-VAE-II")]
    yield finds.says("Fréchet distances of {} and {}.", *(rows.said("frechet", 0) for rows in close))
    yield finds.says("say least (KL {} and {})", *(rows.said("kl", 0) for rows in close))
    passed = sum(p > 0.05 for p in finds.values("p_value"))
    yield finds.claim("in all but three of 39 runs", passed == 3)
    yield finds.claim(
        "training images get a Fréchet distance of 1", round(reference("training images", "frechet")) == 1
    )
