"""Lesson 03: one change at a time to the same training, three seeds each, on MNIST.

python results/training_well.py     writes training_well.json beside this file, which says how long it took
"""

import math
import time
from typing import Any

import torch
from _recording import record
from tqdm import tqdm

from vae_tutorial import data
from vae_tutorial.measures import active_units, dead_units
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

EPOCH = 60_000 // 128  # steps
CHANGES: dict[str, dict[str, Any]] = {
    "none: ReLU, default weights": {},
    "leaky ReLU, slope 0.01": {"activation": "leaky_relu", "slope": 0.01},
    "leaky ReLU, slope 0.2": {"activation": "leaky_relu", "slope": 0.2},
    "xavier": {"initialization": "xavier"},
    "kaiming": {"initialization": "kaiming"},
    "weight decay 1e-5": {"weight_decay": 1e-5},
    "KL warm-up, 1 epoch": {"warmup": EPOCH},
    "clip at 1": {"clip_norm": 1.0},
    "clip at 100": {"clip_norm": 100.0},
    "lr 1e-2": {"lr": 1e-2},
    "lr 1e-2, clip at 1": {"lr": 1e-2, "clip_norm": 1.0},
}
SETTINGS = {"data": "mnist", "epochs": 3, "batch_size": 128, "lr": 1e-3, "hidden": [512, 256], "z_dim": 32}
SEEDS = range(3)


def measure(name: str, seed: int, train: data.Images, test: data.Images) -> dict[str, float | int | str]:
    """Train one model and measure it on the 10,000 test images; norms are of the training's gradients, unclipped."""
    change = dict(CHANGES[name])
    objective = Objective(KL(), warmup=change.pop("warmup", 0))
    options = {key: SETTINGS[key] for key in ("epochs", "batch_size", "lr")} | {"clip_norm": math.inf}
    options |= {key: change.pop(key) for key in ("lr", "clip_norm", "weight_decay") if key in change}
    torch.manual_seed(seed)
    model = VAE(*mlp(hidden=SETTINGS["hidden"], z_dim=SETTINGS["z_dim"], **change))
    norm = fit(model, objective, train, seed=seed, progress=False, **options).gradient_norm
    terms = evaluate(model, Objective(KL()), test)
    clipped = norm > options["clip_norm"]
    return {
        "change": name,
        "seed": seed,
        "minus_elbo": round(terms.loss.item(), 2),
        "kl": round(terms.kl.item(), 2),
        "active_units": active_units(model, test.x),
        "dead_units": sum(int(dead.sum()) for dead in dead_units(model, test.x).values()),
        "norm_median": round(norm.median().item(), 2),
        "norm_max": round(norm.max().item(), 2),
        "clipped_share": round(clipped.double().mean().item(), 4),
        "last_clipped_step": int(clipped.nonzero().max()) if clipped.any() else None,
    }


def main() -> None:
    train, test = (data.load(SETTINGS["data"], split=split, fallback=False) for split in ("train", "test"))
    started = time.perf_counter()
    rows = []
    for seed in SEEDS:
        for name in tqdm(CHANGES):
            rows.append(measure(name, seed, train, test))
            print(rows[-1], flush=True)
    settings = SETTINGS | {"hidden_units": 2 * sum(SETTINGS["hidden"])}
    print(record("training_well", settings, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
