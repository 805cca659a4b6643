"""Exercise 12: what a plain recipe and a tuned one reach on drawn digits, over ten seeds, and windows made of that.

python results/capstone.py     writes capstone.json beside this file, which says how long it took
"""

import math
import time
from functools import cache
from itertools import product
from typing import Any

import torch
from _recording import PROCESSES, in_processes, record

from vae_tutorial import data
from vae_tutorial.checks.capstone import build, measure, unseen
from vae_tutorial.likelihoods import Bernoulli
from vae_tutorial.objectives import Objective
from vae_tutorial.pixels import as_float
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit

NETWORK = {"network": "mlp", "hidden": [256, 128], "z_dim": 10, "activation": "relu"}
RECIPES = {
    "plain": (  # lesson 12's VAE
        NETWORK | {"batch_norm": False},
        {"steps": 3000, "batch_size": 64, "lr": 1e-3, "schedule": "constant"},
    ),
    "tuned": (
        NETWORK | {"batch_norm": True},
        {"steps": 1500, "batch_size": 128, "lr": 5e-3, "schedule": "cosine"},
    ),
}
SETTINGS = {
    "data": "digits",
    "likelihood": "Bernoulli",
    "recipes": {name: {"model": model, "training": training} for name, (model, training) in RECIPES.items()},
    "seeds": 10,
    "parts": 10,  # of 1,000 images each
    "standard_deviations": 4,  # by which a window lies above the mean of seeds and parts
    "processes": PROCESSES,
}
Row = dict[str, Any]


@cache
def training_set() -> data.Images:
    return data.load("digits")


def measured(recipe: str, seed: int) -> Row:
    """One row: -ELBO of each part in nats per image, the KL of the first, seconds of one processor for the training."""
    settings, options = RECIPES[recipe]
    torch.manual_seed(seed)
    model = build(settings)
    began = time.process_time()
    fit(model, Objective(KL()), training_set(), seed=seed, progress=False, **options)
    seconds = time.process_time() - began
    parts = [measure(settings, model.state_dict(), part) for part in range(SETTINGS["parts"])]
    return {
        "recipe": recipe,
        "seed": seed,
        "minus_elbo": [round(part.minus_elbo, 3) for part in parts],
        "kl": round(parts[0].kl, 3),
        "seconds": round(seconds, 1),
    }


def average_picture() -> float:
    """The least that a model without a code pays, in nats per image: every pixel by its mean in the training set."""
    logits = torch.logit(as_float(training_set().x).mean(0, keepdim=True), eps=1e-6)
    costs = [Bernoulli().nll(logits.expand(len(x), -1, -1, -1), x) for x in map(pixels, range(SETTINGS["parts"]))]
    return torch.cat(costs).mean().item()


def pixels(part: int) -> torch.Tensor:
    return as_float(unseen(part).x)


def window(rows: list[Row], recipe: str) -> float:
    """Mean over seeds and parts plus so many standard deviations, rounded up to a tenth of a nat."""
    costs = torch.tensor([row["minus_elbo"] for row in rows if row["recipe"] == recipe], dtype=torch.double)
    return math.ceil(10 * (costs.mean() + SETTINGS["standard_deviations"] * costs.std()).item()) / 10


def main() -> None:
    started = time.perf_counter()
    rows = in_processes(measured, [(recipe, seed) for seed, recipe in product(range(SETTINGS["seeds"]), RECIPES)])
    windows = {"average picture": round(average_picture(), 1)} | {recipe: window(rows, recipe) for recipe in RECIPES}
    print(record("capstone", SETTINGS | {"windows": windows}, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
