"""Our disentanglement scores on sprites beside published ones: python benchmarks/disentanglement.py

Writes disentanglement.md beside this file, from the findings of lessons 09 and 10; `make results` makes those.
"""

import statistics
from pathlib import Path

from vae_tutorial.lesson import findings
from vae_tutorial.measures.disentanglement import SCORES

PAGE = Path(__file__).with_suffix(".md")
# Read off the violin plots of Locatello et al. 2019, over all methods, weights and seeds; there is no table.
RANGES = {
    "MIG": (0.05, 0.35), "SAP": (0.02, 0.10), "DCI": (0.1, 0.5), "FactorVAE": (0.4, 0.9), "BetaVAE": (0.7, 0.9)
}  # fmt: skip

INTRODUCTION = """\
# Disentanglement scores on sprites, ours and published

Made by `python benchmarks/disentanglement.py` from what `python results/beta_vae.py` and `python results/dip_vae.py`
measured; nothing in the first two tables was typed.

## Known codes: how high and how low each score goes

Ten numbers for each of 10,000 test sprites. A score of a model says little without these rows: most ceilings are not 1,
and the floor of modularity is far from 0.
"""
OURS = """
## Our models

Fully connected networks (1024-256-256-10 and back), {steps:,} and {dip_steps:,} steps of 64 images, 32 by 32 pixels;
mean ± standard deviation of 3 seeds.
"""
PUBLISHED = """
## Published

| source | model | MIG | SAP | DCI | FactorVAE | BetaVAE |
|---|---|---|---|---|---|---|
| Saha, Joshi & Whitaker 2025, the table in their code's README: 6 latents, mean of 5 runs | VAE | .06 | | | .65 | |
| | beta-TCVAE | .20 | | | .76 | |
| | DIP-VAE-I | .05 | | | .59 | |
| | DIP-VAE-II | .08 | | | .61 | |
| Locatello et al. 2019: 10 latents, 6 methods, 6 weights, 50 seeds; violin plots, no table: rough ranges over all of \
them | all | {MIG} | {SAP} | {DCI} | {FactorVAE} | {BetaVAE} |

Of our means these lie outside those ranges: {outside}.

## Why the numbers of the two cannot be compared digit by digit

- **Data.** Theirs is dSprites, 64 by 64 pixels; ours is drawn in code on the same grid of factors, with outlines of our
  own, 40 different orientations (theirs count 0 and 2π as two), and 32 by 32 pixels.
- **Networks and length.** Locatello et al. train convolutions with 300,000 steps of 64 images, of all 737,280; we train
  small fully connected networks for a few per cent of that, on 60,000 images.
- **Scores.** Means of the posteriors, 20 bins for MIG and modularity, as Locatello et al.; DCI from 3,000 points and 10
  trees for each class in place of 15,000 and 100; FactorVAE and BetaVAE from 3,000 groups in place of 15,000, drawn
  from the 10,000 test images, not from the whole grid. Chen et al. 2018 leave shape out of MIG and estimate it
  otherwise: their values, near .5 for beta-TCVAE, are of another score with the same name.
- **Spread.** In Locatello et al., as here, seeds of one method differ as much as methods do.
"""


def table(rows: dict[str, dict[str, list[float]]], name: str) -> str:
    """A Markdown table: row -> score -> one number for each seed."""
    lines = [f"| {name} | {' | '.join(SCORES)} |", f"|---|{'---|' * len(SCORES)}"]
    lines += [f"| {row} | {' | '.join(cell(scores[s]) for s in SCORES)} |" for row, scores in rows.items()]
    return "\n".join(lines)


def cell(values: list[float]) -> str:
    said = f"{statistics.mean(values):.2f}"
    return f"{said} ± {statistics.stdev(values):.2f}" if len(values) > 1 else said


def grouped(rows: list[tuple[str, dict[str, float]]]) -> dict[str, dict[str, list[float]]]:
    """Rows of one name together, in the order in which the names first come."""
    names = dict.fromkeys(name for name, _ in rows)
    return {n: {s: [scores[s] for name, scores in rows if name == n] for s in SCORES} for n in names}


def page() -> str:
    """The whole page."""
    beta, dip = findings("beta_vae"), findings("dip_vae")
    known = {name: {s: [scores[s]] for s in SCORES} for name, scores in beta["settings"]["references"].items()}
    ours = grouped(
        [(row["run"], row) for row in beta["rows"]]
        + [(f"{row['method']}, of lesson 10", row["scores"]) for row in dip["rows"] if row["data"] == "sprites"]
    )
    steps = {"steps": beta["settings"]["steps"], "dip_steps": dip["settings"]["sprites"]["steps"]}
    ranges = {score: f"{low:g} to {high:g}" for score, (low, high) in RANGES.items()}
    published = PUBLISHED.format(**ranges, outside="; ".join(outside(ours)) or "none")
    return "\n".join([INTRODUCTION, table(known, "codes"), OURS.format(**steps), table(ours, "model"), published])


def outside(rows: dict[str, dict[str, list[float]]]) -> list[str]:
    """Which means lie outside RANGES."""
    means = {(row, score): statistics.mean(scores[score]) for row, scores in rows.items() for score in RANGES}
    beyond = {at: mean for at, mean in means.items() if not RANGES[at[1]][0] <= round(mean, 2) <= RANGES[at[1]][1]}
    return [f"{score} of {row} ({mean:.2f})" for (row, score), mean in beyond.items()]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
