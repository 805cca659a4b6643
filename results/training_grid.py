"""Lesson 03: one epoch for each pair of learning rate and clip norm, with the curves for a dial, on MNIST.

python results/training_grid.py     writes training_grid.json beside this file, which says how long it took
"""

import math
import time

import torch
from _recording import record
from torch import Tensor
from tqdm import tqdm

from vae_tutorial import data
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

LEARNING_RATES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
CLIP_NORMS = (None, 10.0, 1.0)
SETTINGS = {"data": "mnist", "steps": 464, "block": 8, "batch_size": 128, "hidden": [512, 256], "z_dim": 32, "seed": 0}


def in_blocks(curve: Tensor) -> list[float]:
    """Means over blocks of steps [steps / block], to four digits: what a chart can show."""
    return [float(f"{mean:.4g}") for mean in curve.view(-1, SETTINGS["block"]).mean(1)]


def measure(lr: float, clip_norm: float | None, train: data.Images, test: data.Images) -> dict:
    """Train one model; its loss and unclipped gradient norm in blocks of steps, and its -ELBO on the test images."""
    torch.manual_seed(SETTINGS["seed"])
    model = VAE(*mlp(hidden=SETTINGS["hidden"], z_dim=SETTINGS["z_dim"]))
    options = {key: SETTINGS[key] for key in ("steps", "batch_size", "seed")}
    options |= {"lr": lr, "clip_norm": math.inf if clip_norm is None else clip_norm, "progress": False}
    history = fit(model, Objective(KL()), train, **options)
    terms = evaluate(model, Objective(KL()), test)
    return {
        "lr": lr,
        "clip_norm": clip_norm,
        "minus_elbo": round(terms.loss.item(), 2),
        "kl": round(terms.kl.item(), 2),
        "loss": in_blocks(history.terms.loss),
        "gradient_norm": in_blocks(history.gradient_norm),
    }


def main() -> None:
    train, test = (data.load(SETTINGS["data"], split=split, fallback=False) for split in ("train", "test"))
    started = time.perf_counter()
    pairs = [(lr, clip_norm) for lr in LEARNING_RATES for clip_norm in CLIP_NORMS]
    rows = [measure(lr, clip_norm, train, test) for lr, clip_norm in tqdm(pairs)]
    for row in rows:
        print({key: row[key] for key in ("lr", "clip_norm", "minus_elbo", "kl")})
    print(record("training_grid", SETTINGS, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
