"""Lesson 12, Side by side; its first sections are in `side_by_side`."""

from collections.abc import Iterator
from functools import cache

from scipy.stats import spearmanr

from quoted.quotes import Quote, given, near
from quoted.side_by_side import FAR, SCORES, apart, cards, methods, of_seeds, runs
from quoted.sources import finding

DRAWING = ("minus_elbo", "minus_bound_refitted", "squared_error", "frechet", "recall")
TURNED = {"minus_elbo", "minus_bound_refitted", "squared_error", "frechet", "mmd2", "correlation_z"}  # less is better


def quotes() -> Iterator[Quote]:
    yield from cards()
    yield from pairs()
    yield from orders()
    yield from choices()
    chance = [63 / 4096 * off * 90 + 127 / 4096 * on * 10 for off, on in ((10, 100), (10, 10))]  # lesson 10, section 6
    yield finding("side_by_side").says(
        "charges DIP-I about {} nats in each batch, DIP-II up to {}", *(f"{nats:.0f}" for nats in chance)
    )


def pairs() -> Iterator[Quote]:
    finds = finding("side_by_side")
    counts = {key: apart(key) for key in (*DRAWING, *SCORES)}
    yield finds.says("Fewest: modularity, {} of 66", f"{counts['modularity']}")
    fewest = min(counts, key=counts.__getitem__) == "modularity"
    yield finds.claim("Fewest: modularity", fewest)
    yield finds.claim("about nine pairs in ten are apart", all(near(counts[key] / 66, 0.9) for key in DRAWING))
    ratios = [[of_seeds(key, without) for key in DRAWING] for without in ((), FAR)]
    template = "models differ {} to {} times as much as seeds do, and still {} to {} times without the two far off"
    yield finds.says(template, *(f"{end(values):.0f}" for values in ratios for end in (min, max)))
    yield finds.says("nearly everything: {}, then {}.", f"{of_seeds('mmd2'):.0f}", f"{of_seeds('mmd2', FAR):.1f}")
    scores = [of_seeds(key) for key in SCORES]
    yield finds.says("the factor is {} to {}:", f"{min(scores):.0f}", f"{max(scores):.0f}")
    shares = [counts[key] / 66 for key in SCORES]
    yield finds.claim("Three to five pairs in ten are apart", min(shares) > 0.28 and max(shares) <= 0.5)


@cache
def order(a: str, b: str, without: tuple[str, ...] = ()) -> float:
    """The rank correlation of two measures over all runs, each turned so that more is better."""
    values = [[v for name in methods(without) for v in runs(name).values(key)] for key in (a, b)]
    signs = [-1 if key in TURNED else 1 for key in (a, b)]
    return signs[0] * signs[1] * spearmanr(*values).statistic


def ends(keys: tuple[str, ...], others: tuple[str, ...], without: tuple[str, ...] = ()) -> tuple[float, float]:
    found = [order(a, b, without) for a in keys for b in others if a != b]
    return min(found), max(found)


def orders() -> Iterator[Quote]:
    finds, drawing, five = finding("side_by_side"), ("minus_bound_refitted", "frechet", "recall"), SCORES[:5]
    all_runs, working = ends(drawing, drawing), ends(drawing, drawing, FAR)
    agreed = (f"{all_runs[0]:.1f}", f"{all_runs[1]:.2f}", *(f"{value:.1f}" for value in working))
    yield finds.says("({} to {}; without the two far off {} to {})", *agreed)
    odd = [order("recall", "precision", without) for without in ((), FAR)]
    yield finds.says("with recall {}, then −{}.", f"{abs(odd[0]):.0f}", f"{-odd[1]:.1f}")
    latents = ends(five, five)
    yield finds.says("FactorVAE and BetaVAE agree ({} to {})", f"{latents[0]:.1f}", f"{latents[1]:.0f}")
    prior = [order("mmd2", "correlation_z", without) for without in ((), FAR)]
    yield finds.says("of the sampled z agree ({}; {})", *(f"{value:.1f}" for value in prior))
    between = [ends(drawing, five, without) for without in ((), FAR)]
    yield finds.claim("about 0 above the diagonal", max(map(abs, between[0])) < 0.15)
    yield finds.says("but −{} to −{} below it", *(f"{-value:.1f}" for value in reversed(between[1])))
    yield from given("only twelve models: [0.3] is little")


def choices() -> Iterator[Quote]:
    finds, vae, norm, wae = finding("side_by_side"), runs("VAE"), runs("VAE, batch norm"), runs("WAE-MMD")
    yield finds.says("bound {}; VAE {}, the rest above", norm.said("minus_bound"), vae.said("minus_bound"))
    others = [name for name in methods() if name not in ("VAE", "VAE, batch norm")]
    yield finds.claim(
        "the rest above", min(runs(name).mean("minus_bound") for name in others) > vae.mean("minus_bound")
    )
    copies = [runs(name).mean("squared_error") for name in ("VAE, batch norm", "autoencoder", "WAE-MMD")]
    yield finds.claim("error about 5; VAE 5.9", all(near(error, 5, 0.05) for error in copies))
    yield finds.says("error about 5; VAE {}", vae.said("squared_error"))
    drawn = [rows.said("frechet", 0) for rows in (wae, norm)]
    precise = [rows.said("precision", 2) for rows in (norm, wae)]
    template = "Fréchet {} to {} (WAE-GAN {}, not apart); precision {} against {}"
    yield finds.says(template, *drawn, runs("WAE-GAN").spread("frechet", 0), *precise)
    best = [runs(name).mean("MIG") for name in ("beta-VAE, beta 4", "beta-TCVAE, beta 6", "DIP-VAE-II")]
    even = [runs(name).said("MIG", 2) for name in ("capacity, weight 10", "WAE-MMD, with clouds")]
    template = "MIG {} to {}; capacity 10 and the WAE with clouds ({}, {}) are not apart either; VAE {}"
    yield finds.says(template, f"{min(best):.2f}", f"{max(best):.2f}", *even, vae.said("MIG", 2))
    held = sorted(runs(name).mean("mmd2") for name in ("WAE-MMD", "WAE-MMD, with clouds"))
    yield finds.says("MMD² {} to {}; beta 4", *(f"{value:.3f}" for value in held))
