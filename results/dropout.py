"""Lesson 05: dropout in hidden layers, dropout on z and weight decay, three seeds each, on all of MNIST and on little.

python results/dropout.py     writes dropout.json beside this file, which says how long it took
"""

import time
from typing import Any

import torch
from _recording import record
from tqdm import tqdm

from vae_tutorial import data
from vae_tutorial.measures import active_units
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.pixels import as_float
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit, generalization_gap
from vae_tutorial.vae import VAE

CHANGES: dict[str, dict[str, Any]] = {
    "none": {},
    "hidden 0.1": {"dropout": 0.1},
    "hidden 0.25": {"dropout": 0.25},
    "hidden 0.5": {"dropout": 0.5},
    "latent 0.2": {"latent_dropout": 0.2},
    "latent 0.5": {"latent_dropout": 0.5},
    "weight decay 1e-4": {"weight_decay": 1e-4},
    "weight decay 1e-2": {"weight_decay": 1e-2},
    "half the steps": {"share": 0.5},
}
SETTINGS = {"data": "mnist", "batch_size": 128, "lr": 1e-3, "hidden": [512, 256], "z_dim": 32}
SETTINGS |= {"images": {"all": 60_000, "few": 500}, "steps": {"all": 936, "few": 1200}}
SEEDS = range(3)


def in_train_mode(model: VAE, images: data.Images, seed: int) -> float:
    """-ELBO of images with dropout at work, as in training, in nats per image."""
    torch.manual_seed(seed)
    model.train()
    with torch.no_grad():
        losses = [Objective(KL())(model, as_float(x.to(model.device))).loss.item() for x in images.x.split(1000)]
    return sum(losses) / len(losses)


def measure(size: str, name: str, seed: int, train: data.Images, test: data.Images) -> dict[str, Any]:
    """Train one model on the first images of the training set and measure it on the 10,000 test images."""
    change = dict(CHANGES[name])
    weight_decay = change.pop("weight_decay", 0.0)
    steps = round(SETTINGS["steps"][size] * change.pop("share", 1.0))
    some = train[: SETTINGS["images"][size]]
    torch.manual_seed(seed)
    model = VAE(*mlp(hidden=SETTINGS["hidden"], z_dim=SETTINGS["z_dim"], **change))
    options = {"batch_size": SETTINGS["batch_size"], "lr": SETTINGS["lr"], "weight_decay": weight_decay}
    fit(model, Objective(KL()), some, steps=steps, seed=seed, progress=False, **options)
    terms = evaluate(model, Objective(KL()), test)
    return {
        "images": size,
        "change": name,
        "seed": seed,
        "minus_elbo": round(terms.loss.item(), 2),
        "reconstruction": round(terms.reconstruction.item(), 2),
        "kl": round(terms.kl.item(), 2),
        "active_units": active_units(model, test.x),
        "gap": round(generalization_gap(model, Objective(KL()), some, test).loss.item(), 2),
        "minus_elbo_train_mode": round(in_train_mode(model, test, seed), 2),
    }


def main() -> None:
    train, test = (data.load(SETTINGS["data"], split=split, fallback=False) for split in ("train", "test"))
    started = time.perf_counter()
    rows = []
    for seed in SEEDS:
        for size in SETTINGS["images"]:
            for name in tqdm(CHANGES):
                rows.append(measure(size, name, seed, train, test))
                print(rows[-1], flush=True)
    print(record("dropout", SETTINGS, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
