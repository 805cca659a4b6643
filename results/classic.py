"""The set-up most tutorials share, trained to the end: 784-512-256-32, Adam 1e-3, batch 128, 20 epochs, grey BCE.

python results/classic.py     writes classic.json beside this file, which says how long it took
"""

import time

import torch
from _recording import record

from vae_tutorial import data
from vae_tutorial.measures import active_units, log_likelihood
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

SETTINGS = {"data": "mnist", "epochs": 20, "batch_size": 128, "lr": 1e-3, "hidden": [512, 256], "z_dim": 32, "k": 100}
SCHEDULES = ("constant", "cosine")
SEEDS = (0,)


def measure(schedule: str, seed: int, train: data.Images, test: data.Images) -> dict[str, float | int | str]:
    """Train one model and measure it on the 10,000 test images, in nats per image."""
    torch.manual_seed(seed)
    model = VAE(*mlp(hidden=SETTINGS["hidden"], z_dim=SETTINGS["z_dim"]))
    options = {key: SETTINGS[key] for key in ("epochs", "batch_size", "lr")}
    history = fit(model, Objective(KL()), train, schedule=schedule, seed=seed, progress=False, **options)
    terms = evaluate(model, Objective(KL()), test)
    return {
        "schedule": schedule,
        "seed": seed,
        "minus_elbo": round(terms.loss.item(), 2),
        "reconstruction": round(terms.reconstruction.item(), 2),
        "kl": round(terms.kl.item(), 2),
        "minus_iwae_bound": round(-log_likelihood(model, test.x, k=SETTINGS["k"]).mean().item(), 2),
        "active_units": active_units(model, test.x),
        "seconds": round(history.seconds, 1),
    }


def main() -> None:
    train, test = (data.load(SETTINGS["data"], split=split, fallback=False) for split in ("train", "test"))
    started = time.perf_counter()
    rows = [measure(schedule, seed, train, test) for schedule in SCHEDULES for seed in SEEDS]
    print(record("classic", SETTINGS, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
