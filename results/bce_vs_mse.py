"""Lesson 02: the same network under five likelihoods, five seeds each, on MNIST.

python results/bce_vs_mse.py     writes bce_vs_mse.json beside this file, which says how long it took
"""

import math
import time

import torch
from _recording import record
from tqdm import tqdm

from vae_tutorial import data
from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, Likelihood
from vae_tutorial.measures import active_units, sharpness
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.pixels import as_float
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

LIKELIHOODS: dict[str, Likelihood] = {
    "Bernoulli (BCE)": Bernoulli(),
    "continuous Bernoulli": ContinuousBernoulli(),
    "Gaussian, sigma^2 = 1": Gaussian(sigma=1.0),
    "Gaussian, sigma^2 = 1/2 (SSE)": Gaussian(sigma=math.sqrt(0.5)),
    "Gaussian, sigma fitted": Gaussian(sigma="calibrated"),
}
SETTINGS = {"data": "mnist", "epochs": 4, "batch_size": 128, "lr": 1e-3, "hidden": [512, 256], "z_dim": 32}
SEEDS = range(5)


def measure(name: str, seed: int, train: data.Images, test: data.Images) -> dict[str, float | int | str]:
    """Train one model and measure its reconstructions and samples against the 10,000 test images."""
    torch.manual_seed(seed)
    model = VAE(*mlp(hidden=SETTINGS["hidden"], z_dim=SETTINGS["z_dim"]), LIKELIHOODS[name])
    options = {key: SETTINGS[key] for key in ("epochs", "batch_size", "lr")}
    fit(model, Objective(KL()), train, seed=seed, progress=False, **options)
    reconstructions = model.reconstruct(test.x).cpu()
    squared_error = (reconstructions - as_float(test.x)).square().flatten(1).sum(1).mean()
    torch.manual_seed(seed)
    return {
        "likelihood": name,
        "seed": seed,
        "kl": round(evaluate(model, Objective(KL()), test).kl.item(), 3),
        "squared_error": round(squared_error.item(), 3),
        "sharpness_reconstructions": round(sharpness(reconstructions).mean().item(), 5),
        "sharpness_samples": round(sharpness(model.sample(2000).cpu()).mean().item(), 5),
        "active_units": active_units(model, test.x),
    }


def main() -> None:
    train, test = (data.load(SETTINGS["data"], split=split, fallback=False) for split in ("train", "test"))
    started = time.perf_counter()
    rows = [measure(name, seed, train, test) for seed in tqdm(SEEDS) for name in LIKELIHOODS]
    settings = SETTINGS | {"sharpness_data": round(sharpness(test.x).mean().item(), 5)}
    print(record("bce_vs_mse", settings, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
