"""Lesson 09, What does one weight trade?"""

from collections.abc import Iterator
from statistics import mean

from quoted.quotes import Quote, claim, given, near, says
from quoted.sources import Rows, finding, outputs, printed

FILE = "notebooks/09_beta_vae.ipynb"
SCORES = ("MIG", "SAP", "DCI", "FactorVAE", "BetaVAE", "modularity")
LADDER = ("beta 1", "beta 2", "beta 4", "beta 8", "beta 16")


def runs(run: str) -> Rows:
    return finding("beta_vae").where(run=run)


def reference(code: str, score: str) -> float:
    return finding("beta_vae").settings["references"][code][score]


def quotes() -> Iterator[Quote]:
    yield from given(
        "goes from −[1.5] to [1.5] in the codes",
        "the middling code, [5] nats of rate",
        "rises to [12] nats in 300",
        "10,000 steps: [12] nats",
        "[0.00025] in its settings",
        "without that [0.00025]",
    )
    (hidden,) = printed(FILE, "bv-58", r"sprites, 32 by 32 +1024 +([\d.]+)")
    yield says('"4" is {} (for a sum', f"{hidden:.2f}")
    yield from cells()
    yield from references()
    yield from rungs()
    yield from capacity()


def cells() -> Iterator[Quote]:
    short = outputs(FILE, "bv-35").split("\n\n")[0]
    ((known,),) = [[float(line.split()[4]) for line in short.splitlines() if line.startswith("z[0]")]]
    yield says('and "knows" {} of x', f"{known:.2f}")
    listed = {line.split(":")[0] for line in outputs(FILE, "bv-19").splitlines() if line.startswith("z[")}
    yield claim(
        "of the short model has a KL below 0.1 nats", "z[0]" not in listed
    )  # six are listed, all those above 0.1
    orientation = [float(line.split()[3]) for line in outputs(FILE, "bv-35").splitlines() if line.startswith("z[")]
    yield claim("No **single** latent tells the orientation: 0.04 nats", max(orientation) <= 0.04)
    (off,) = printed(FILE, "bv-53", r"weight +1: in the second half ([\d.]+) nats off")
    yield claim("after 600 steps about 16 nats", near(12 + off, 16))


def references() -> Iterator[Quote]:
    finds = finding("beta_vae")
    yield finds.says("pure noise has a modularity of {}", f"{reference('noise', 'modularity'):.2f}")
    rotated = [reference("the factors, rotated", score) for score in ("FactorVAE", "BetaVAE", "modularity")]
    yield finds.says("still give {} to {}", f"{min(rotated):.2f}", f"{max(rotated):.2f}")
    best = max(finds.where().values("MIG"))
    yield finds.says(
        "The best MIG, {}, is far below the factors' {}", f"{best:.2f}", f"{reference('the factors', 'MIG'):.2f}"
    )
    played = [runs(run).said("FactorVAE") for run in ("beta 4", "beta 8", "beta 16")]
    yield finds.claim("And FactorVAE's 0.6, the same again and again?", set(played) == {"0.6"})


def rungs() -> Iterator[Quote]:
    finds, first, last = finding("beta_vae"), runs("beta 1"), runs("beta 16")
    ends = [rows.said(score, 2) for score in ("MIG", "modularity") for rows in (first, last)]
    yield finds.says("MIG ({} to {}) and modularity ({} to {}) rise in each seed", *ends)
    for score in ("MIG", "modularity"):
        pairs = zip(first.values(score), last.values(score), strict=True)
        yield finds.claim("rise in each seed", all(b > a for a, b in pairs))
    falls = max(first.mean(score) - last.mean(score) for score in SCORES)
    yield finds.claim("From the first rung to the last no mean falls by more than 0.01", falls <= 0.01)
    less = [
        runs(run).mean(s) < reference("the factors, rotated", s) for run in LADDER for s in ("FactorVAE", "BetaVAE")
    ]
    yield finds.claim("on average give every rung **less** than the rotated factors", all(less))
    migs = runs("beta 8").values("MIG")
    yield finds.says("MIG from {} to {} at [8]", f"{min(migs):.2f}", f"{max(migs):.2f}")
    of_x = sorted(row["knows"][3] for row in runs("beta 8").rows)
    yield finds.says("latent tells {} of x, another's {}", f"{of_x[2]:.0%}", f"{of_x[0]:.0%}")
    rates = [first.said("kl", 0), runs("beta 8").said("kl", 0), last.said("kl")]
    yield finds.says("the rate has fallen from {} nats to {} and {}", *rates)


def capacity() -> Iterator[Quote]:
    finds, held, first = finding("beta_vae"), runs("capacity 12 nats"), runs("beta 1")
    yield finds.says("its $-$ELBO is {} nats worse", f"{held.mean('minus_elbo') - first.mean('minus_elbo'):.0f}")
    yield finds.claim("it copies no better than", held.mean("reconstruction") > runs("beta 2").mean("reconstruction"))
    kept = set(held.values("active_units")) == {3} and {*first.values("active_units")} <= {4, 5, 6}
    yield finds.claim("It holds three latents in every seed, where $\\beta = 1$ holds four to six", kept)
    yield finds.claim(
        "its MIG is about that of $\\beta = 8$", near(held.mean("MIG"), mean(runs("beta 8").values("MIG")))
    )
