"""As _sections.py, for likelihoods: published ones beside ours, and where the curve of ours is heading."""

from _measuring import Row
from _tables import table

# -log p(x) of MNIST's test set by L_5000, one stochastic layer of 50 latents. Burda, Grosse & Salakhutdinov 2016, table
# 1 and appendix D; a rerun by others as their code's README gives it (nbip/IWAE).
PUBLISHED = {"VAE": 86.76, "IWAE-5": 85.54}
RERUN = {"VAE": 87.75, "IWAE-5": 85.50}
STATIC = {"VAE": 88.71, "IWAE-5": 87.63}
EPOCHS, STAGES = 3_280, 8
CURVE = 500  # the k whose bound was measured after every stage


def curve(stored: Row) -> dict[str, list[Row]]:
    """method -> the bound after each stage, by one k on all test images."""
    rows = [row for row in stored["rows"] if row["k"] == CURVE]
    return {method: [row for row in rows if row["method"] == method] for method in PUBLISHED}


def heading(rows: list[Row]) -> float:
    """Where the curve would end, were each stage left to gain the same share of the gain before it."""
    first, second, last = (row["minus_bound"] for row in rows[-3:])
    share = (second - last) / (first - second)
    return last - (second - last) * sum(share**n for n in range(1, STAGES - len(rows) + 1))


def burda_in_short(stored: Row) -> str:
    said = [
        f"{method} {rows[-1]['minus_bound']:.2f} nats after {rows[-1]['epochs']:,} epochs, heading for "
        f"{heading(rows):.1f} ({PUBLISHED[method]} published)"
        for method, rows in curve(stored).items()
    ]
    return "the set-up of Burda et al. 2016: " + ", ".join(said)


def burda(stored: Row) -> str:
    curves = curve(stored)
    epochs = sorted({row["epochs"] for rows in curves.values() for row in rows})
    stages, lines = [], []
    for method, rows in curves.items():
        known = {row["epochs"]: f"{row['minus_bound']:.2f}" for row in rows}
        stages.append([method, *(known.get(n) for n in epochs)])
        (most,) = (row for row in stored["rows"] if row["method"] == method and row["k"] == 5000)
        ours = [f"{row['minus_bound']:.2f} ± {row['error']:.2f}" for row in (rows[-1], most)]
        published = [f"{values[method]:.2f}" for values in (PUBLISHED, RERUN, STATIC)]
        lines.append([method, rows[-1]["epochs"], *ours, f"{heading(rows):.1f}", *published])
    titles = ["", "epochs", "all images, k = 500", "every fifth image, k = 5,000", "heading for, k = 500"]
    return f"""\
MNIST binarised anew each time an image is seen, 784-200-200-50 with tanh and back, batches of
{stored["settings"]["batch_size"]}. The bound L_k on −log p(x) of test images, in nats; ± is the standard error over
images, of one run. Each stage is three times as long as the one before; theirs are {STAGES}, {EPOCHS:,} epochs, ours
end earlier. L_{CURVE} on all 10,000 images after so many epochs:

{table(["method", *(f"{n:,}" for n in epochs)], stages)}

Were each stage that is left to gain the same share of the gain before it as the last one measured did, the curves would
end where the table below says; that is an extrapolation of two gains, no measurement.

{table([*titles, "published", "rerun", "published, static"], lines)}

Published: Burda, Grosse & Salakhutdinov 2016, table 1 and, for images binarised once before training (static), appendix
D; rerun: by others, in the README of nbip/IWAE. What differs from their protocol:

- **Length**: at our end the learning rate was {curves["VAE"][-1]["lr"]:.2g} and {curves["IWAE-5"][-1]["lr"]:.2g}, at
  theirs 1e-4; most of their epochs are in the two longest stages, which ours have not reached.
- **Adam** starts its averages anew at each stage, with epsilon 1e-8 in place of 1e-4.
- **Test images** are binarised once, with one seed, for all rows; MNIST's grey is taken as the probability of white.
- **k**: the curve has k = {CURVE}; the bound with 5,000 samples lies a little lower, on one image in five here, whose
  mean is not that of all.

Other published likelihoods of MNIST (VampPrior, Rezende & Mohamed 2015, pythae's 89.78 with 200 samples) are of static
binarisation or of other networks, and Fréchet distances of MNIST samples in the literature are of Inception's features:
nothing here can be put beside them. Scores of disentanglement stand beside published ones on
[a page of their own](disentanglement.md)."""
