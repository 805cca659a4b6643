"""Lesson 04: the same network with and without batch norm at three learning rates, on MNIST.

python results/batchnorm.py     writes batchnorm.json beside this file, which says how long it took
"""

import copy
import time

import torch
from _recording import record
from tqdm import tqdm

from vae_tutorial import data
from vae_tutorial.measures import active_units
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.pixels import as_float
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

NETWORKS = {"plain": False, "batch norm": True}
SEEDS = {1e-3: range(5), 1e-4: range(3), 1e-2: range(3)}  # of each learning rate, the course's own first
SETTINGS = {"data": "mnist", "epochs": 3, "batch_size": 128, "hidden": [512, 256], "z_dim": 32}


def in_train_mode(model: VAE, x: torch.Tensor, batch_size: int) -> float:
    """The mean -ELBO of images x in train mode, each normalised among `batch_size`; the model is left as it was.

    The images are shuffled, as in training: neighbours in the files are alike, and their statistics would be far off.
    """
    among = copy.deepcopy(model).train()
    torch.manual_seed(0)
    x = x[torch.randperm(len(x))]
    with torch.no_grad():
        losses = [Objective(KL())(among, as_float(batch)).loss * len(batch) for batch in x.split(batch_size)]
    return torch.stack(losses).sum().item() / len(x)


def measure(name: str, lr: float, seed: int, train: data.Images, test: data.Images) -> dict[str, float | int | str]:
    """Train one model and measure it on the 10,000 test images, in nats per image."""
    torch.manual_seed(seed)
    model = VAE(*mlp(hidden=SETTINGS["hidden"], z_dim=SETTINGS["z_dim"], batch_norm=NETWORKS[name]))
    options = {key: SETTINGS[key] for key in ("epochs", "batch_size")}
    history = fit(model, Objective(KL()), train, lr=lr, seed=seed, progress=False, **options)
    terms = evaluate(model, Objective(KL()), test)
    return {
        "network": name,
        "lr": lr,
        "seed": seed,
        "minus_elbo": round(terms.loss.item(), 3),
        "last_epoch_loss": round(history.per_epoch().loss[-1].item(), 3),  # of training images, in train mode
        "kl": round(terms.kl.item(), 3),
        "active_units": active_units(model, test.x),
        "train_mode_among_128": round(in_train_mode(model, test.x, 128), 3),
        "train_mode_among_8": round(in_train_mode(model, test.x, 8), 3),
        "seconds": round(history.seconds, 1),
    }


def main() -> None:
    train, test = (data.load(SETTINGS["data"], split=split, fallback=False) for split in ("train", "test"))
    started = time.perf_counter()
    runs = [(name, lr, seed) for lr, seeds in SEEDS.items() for seed in seeds for name in NETWORKS]
    rows = [measure(*run, train, test) for run in tqdm(runs)]
    print(record("batchnorm", SETTINGS, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
