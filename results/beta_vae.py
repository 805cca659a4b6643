"""Lesson 09: a ladder of betas, and a fixed capacity, three seeds each, on sprites of 32 pixels a side.

python results/beta_vae.py     writes beta_vae.json beside this file, which says how long it took

Two runs at a time, each on one thread.
"""

import time
from functools import cache

import torch
from _recording import in_processes, record

from vae_tutorial import data
from vae_tutorial.data import sprites
from vae_tutorial.measures import (
    active_units,
    code_dataset,
    disentanglement,
    kl_per_dimension,
    mutual_information,
    reference_codes,
)
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL, Capacity, Regularizer
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

SETTINGS = {
    "data": "sprites, 32 by 32",
    "train_images": 60_000,
    "test_images": 10_000,
    "steps": 10_000,
    "batch_size": 64,
    "lr": 1e-3,
    "schedule": "cosine",
    "hidden": [256, 256],
    "z_dim": 10,
    "betas": [1, 2, 4, 8, 16],
    "capacity": {"weight": 10.0, "c_max": 12.0, "steps": 5_000},
    "short": 1_000,
}
CAPACITY, SHORT = "capacity 12 nats", "beta 4, 1,000 steps"
CHARGES: dict[str, Regularizer] = {f"beta {beta}": KL(beta) for beta in SETTINGS["betas"]}
CHARGES |= {CAPACITY: Capacity(**SETTINGS["capacity"]), SHORT: KL(4)}
SEEDS = range(3)
Row = dict[str, float | int | str | list[float]]


@cache
def images() -> tuple[data.Images, data.Images]:
    """Training and test sprites, none in both."""
    train, test, side = SETTINGS["train_images"], SETTINGS["test_images"], 32
    return sprites.make(train, 0, side=side), sprites.make(test, 0, skip=train, side=side)


def measure(run: str, seed: int) -> Row:
    """Train one model and measure it on the test images: nats per image, and what the means of its codes tell.

    knows: of each factor's entropy, the share that the latent which knows it best tells.
    """
    train, test = images()
    torch.manual_seed(seed)
    model = VAE(*mlp((1, 32, 32), hidden=SETTINGS["hidden"], z_dim=SETTINGS["z_dim"]))
    steps = SETTINGS["short" if run == SHORT else "steps"]
    options = {key: SETTINGS[key] for key in ("batch_size", "lr", "schedule")}
    history = fit(model, Objective(CHARGES[run]), train, steps=steps, seed=seed, progress=False, **options)
    terms = evaluate(model, Objective(KL()), test)
    codes = code_dataset(model, test.x).mu
    information, entropy = mutual_information(codes, test.factors)
    return {
        "run": run,
        "seed": seed,
        "reconstruction": round(terms.reconstruction.item(), 3),
        "kl": round(terms.kl.item(), 3),
        "minus_elbo": round(terms.loss.item(), 3),
        "active_units": active_units(model, test.x),
        **rounded(disentanglement(codes, test.factors)),
        "knows": [round(share, 4) for share in (information.amax(0) / entropy).tolist()],
        "kl_of_latents": [round(kl, 4) for kl in kl_per_dimension(model, test.x).sort(descending=True).values.tolist()],
        "seconds": round(history.seconds, 1),
    }


def references() -> dict[str, dict[str, float]]:
    """The scores of codes that say how high and how low each goes."""
    factors = images()[1].factors
    codes = reference_codes(factors, SETTINGS["z_dim"])
    return {name: rounded(disentanglement(code, factors)) for name, code in codes.items()}


def rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(score, 4) for name, score in scores.items()}


def main() -> None:
    started = time.perf_counter()
    rows = in_processes(measure, [(run, seed) for seed in SEEDS for run in CHARGES])
    settings = SETTINGS | {"factors": list(sprites.GRID), "references": references()}
    print(record("beta_vae", settings, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
