"""Lesson 06: 2 to 64 latents trained alike, many and few images, and collapse with its cures; binarised MNIST.

python results/latent_dimension.py     writes latent_dimension.json beside this file, which says how long it took
"""

import copy
import math
import time

import torch
from _recording import record
from tqdm import tqdm

from vae_tutorial import data
from vae_tutorial.measures import active_units, kl_per_dimension, log_likelihood
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit, generalization_gap
from vae_tutorial.vae import VAE

LATENTS = (2, 8, 16, 32, 64)
SEEDS = range(3)
SETTINGS = {
    "data": "mnist, binarised",
    "batch_size": 128,
    "lr": 1e-2,
    "schedule": "cosine",
    "hidden": [256],
    "batch_norm": True,
    "epochs": 6,
    "few_images": 2000,
    "few_epochs": 60,
    "collapse_hidden": [512, 256],
    "collapse_latents": 32,
    "k": 100,
    "bound_images": 1000,
}
EPOCH = 468  # steps of 128 images in a pass over 60,000
KL_ONLY, WARMED_UP = Objective(KL()), Objective(KL(), warmup=EPOCH)
# Objectives of one pass each, and the learning rate. A run that begins with "mean, then" goes on from the model that
# the single pass of "mean over pixels" collapsed.
COLLAPSE = {
    "sum": ([KL_ONLY, KL_ONLY], 1e-3),
    "mean over pixels": ([Objective(KL(28 * 28))], 1e-3),  # what averaging the BCE asks for (lesson 02)
    "mean, then sum": ([KL_ONLY, KL_ONLY], 1e-3),
    "mean, then warm-up": ([WARMED_UP, KL_ONLY], 1e-3),
    "mean, then KL / 10, then sum": ([Objective(KL(0.1)), KL_ONLY], 1e-3),
    "lr 0.01": ([KL_ONLY, KL_ONLY], 1e-2),
    "lr 0.01, warm-up": ([WARMED_UP, KL_ONLY], 1e-2),
}
Row = dict[str, float | int | str]


def new(z_dim: int, hidden: list[int], seed: int, batch_norm: bool = False) -> VAE:
    torch.manual_seed(seed)
    return VAE(*mlp(hidden=hidden, z_dim=z_dim, batch_norm=batch_norm))


def measure(part: str, run: str, seed: int, model: VAE, seconds: float, train: data.Images, test: data.Images) -> Row:
    """A row: nats per test image, the bound with its standard error over images, and how far training images lie below.

    The -ELBO, KL and active units are of all test images, the bound of the first `bound_images`.
    """
    bound = -log_likelihood(model, test.x[: SETTINGS["bound_images"]], k=SETTINGS["k"])
    kl = kl_per_dimension(model, test.x)
    return {
        "part": part,
        "run": run,
        "z_dim": model.z_dim,
        "seed": seed,
        "minus_elbo": round(evaluate(model, Objective(KL()), test).loss.item(), 3),
        "bound": round(bound.mean().item(), 3),
        "bound_se": round(bound.std().item() / math.sqrt(len(bound)), 3),
        "kl": round(kl.sum().item(), 3),
        "latents_with_kl": int((kl >= 0.01).sum()),
        "active_units": active_units(model, test.x),
        "gap": round(generalization_gap(model, Objective(KL()), train, test[: len(train)]).loss.item(), 3),
        "seconds": round(seconds, 1),
    }


def alike(seed: int, train: data.Images, test: data.Images) -> list[Row]:
    """Models that differ in their number of latents only: on all images, and on few for many epochs."""
    few = train[: SETTINGS["few_images"]]
    plans = [("latents", train, SETTINGS["epochs"], z) for z in LATENTS]
    plans += [("few images", few, SETTINGS["few_epochs"], z) for z in (16, 64)]
    rows = []
    for part, images, epochs, z_dim in plans:
        model = new(z_dim, SETTINGS["hidden"], seed, SETTINGS["batch_norm"])
        options = {key: SETTINGS[key] for key in ("batch_size", "lr", "schedule")}
        history = fit(model, KL_ONLY, images, epochs=epochs, seed=seed, progress=False, **options)
        rows.append(measure(part, f"{z_dim} latents", seed, model, history.seconds, images, test))
    return rows


def collapse(seed: int, train: data.Images, test: data.Images) -> list[Row]:
    """Ways into collapse and out of it; two passes each, after the one that collapsed where there was one."""
    rows, collapsed = [], None
    for run, (objectives, lr) in COLLAPSE.items():
        fresh = new(SETTINGS["collapse_latents"], SETTINGS["collapse_hidden"], seed)
        model = copy.deepcopy(collapsed) if run.startswith("mean, then") else fresh
        seconds = 0.0
        for i, objective in enumerate(objectives):  # each pass in another order
            options = {"epochs": 1, "batch_size": SETTINGS["batch_size"], "lr": lr, "seed": 10 * seed + i}
            seconds += fit(model, objective, train, progress=False, **options).seconds
        rows.append(measure("collapse", run, seed, model, seconds, train, test))
        if run == "mean over pixels":
            collapsed = model
    return rows


def main() -> None:
    train, test = (
        data.load("mnist", split=split, fallback=False).binarized(seed) for seed, split in enumerate(("train", "test"))
    )
    started = time.perf_counter()
    rows = [row for seed in tqdm(SEEDS) for make in (alike, collapse) for row in make(seed, train, test)]
    print(record("latent_dimension", SETTINGS, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
