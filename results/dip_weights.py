"""Lesson 10: one short training for each pair of DIP-II weights, with the covariance of the codes for a dial, on MNIST.

python results/dip_weights.py     writes dip_weights.json beside this file, which says how long it took
"""

import time

import torch
from _recording import record
from tqdm import tqdm

from vae_tutorial import data
from vae_tutorial.measures import code_dataset
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import DIP, KL, code_covariance
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

WEIGHTS = (0, 1, 10, 100)
SETTINGS = {"data": "mnist", "steps": 1500, "batch_size": 128, "lr": 1e-3, "hidden": [256, 128], "z_dim": 10, "seed": 0}


def measure(off_diagonal: float, diagonal: float, train: data.Images, test: data.Images) -> dict:
    """Train one model; nats per test image, and the covariances of the codes of all test images and of their means."""
    torch.manual_seed(SETTINGS["seed"])
    model = VAE(*mlp(hidden=SETTINGS["hidden"], z_dim=SETTINGS["z_dim"]))
    options = {key: SETTINGS[key] for key in ("steps", "batch_size", "lr", "seed")} | {"progress": False}
    fit(model, Objective(KL(), DIP("ii", off_diagonal, diagonal)), train, **options)
    terms, q = evaluate(model, Objective(KL()), test), code_dataset(model, test.x)
    return {
        "off_diagonal": off_diagonal,
        "diagonal": diagonal,
        "reconstruction": round(terms.reconstruction.item(), 2),
        "kl": round(terms.kl.item(), 2),
        "minus_elbo": round(terms.loss.item(), 2),
        "covariance": rounded(code_covariance(q, "ii")),
        "covariance_of_means": rounded(code_covariance(q, "i")),
    }


def rounded(matrix: torch.Tensor) -> list[list[float]]:
    return [[round(value, 4) for value in row] for row in matrix.tolist()]


def main() -> None:
    train, test = (data.load(SETTINGS["data"], split=split, fallback=False) for split in ("train", "test"))
    started = time.perf_counter()
    rows = []
    for off_diagonal, diagonal in tqdm([(o, d) for o in WEIGHTS for d in WEIGHTS]):
        rows.append(measure(off_diagonal, diagonal, train, test))
        print({key: value for key, value in rows[-1].items() if not key.startswith("covariance")}, flush=True)
    print(record("dip_weights", SETTINGS, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
