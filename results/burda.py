"""The set-up of Burda et al. 2016 on dynamically binarised MNIST, as far as an hour on one core goes.

python results/burda.py

One layer of 50 latents, two layers of 200 tanh units on either side, batches of 20, every image binarised anew each
time it is seen; stage i lasts 3^i epochs at a learning rate of 1e-3 * 10^(-i / 7). Theirs has eight stages (3,280
epochs); the rows show what each stage ended with. A run that was stopped goes on from build/burda, and `seconds` are
those of the last run.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from _recording import record
from torch import Tensor

from vae_tutorial import data
from vae_tutorial.measures import log_likelihood
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import IWAE, Objective, Terms
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE

SETTINGS = {"data": "mnist", "hidden": [200, 200], "z_dim": 50, "batch_size": 20, "seed": 0}
SETTINGS["stages"] = {"VAE": 5, "IWAE-5": 4}
BOUNDS = {1: 10_000, 500: 10_000}  # samples of each image: images, evenly spread over the 10,000 of the test set
LAST_BOUND = {5000: 2_000}  # as theirs has as many samples; on all images it takes longer than the training
METHODS: dict[str, Callable[..., Terms]] = {"VAE": Objective(KL()), "IWAE-5": IWAE(5)}
FOLDER = Path(__file__).parents[1] / "build" / "burda"


@dataclass(frozen=True)
class Binarized:
    """An objective of images whose pixels are drawn anew, white with the probability that their grey stands for."""

    objective: Callable[..., Terms]

    def __call__(self, model: VAE, x: Tensor, step: Tensor | None = None) -> Terms:
        return self.objective(model, torch.bernoulli(x), step=step)


def untrained(train: data.Images) -> VAE:
    """Xavier's start; the last bias says how often each pixel is white, as theirs does."""
    torch.manual_seed(SETTINGS["seed"])
    networks = mlp(hidden=SETTINGS["hidden"], z_dim=SETTINGS["z_dim"], activation="tanh", initialization="xavier")
    model = VAE(*networks)
    share = train.x.double().mean(0).div(255).clamp(0.001, 0.999)
    with torch.no_grad():
        model.decoder.body[-1].bias.copy_(share.logit().flatten())
    return model


def stages(method: str, train: data.Images) -> Iterator[tuple[VAE, dict[str, Any]]]:
    """The model as each stage leaves it, and how far it is."""
    model, epochs = untrained(train), 0
    for stage in range(SETTINGS["stages"][method]):
        lr = 1e-3 * 10 ** (-stage / 7)
        options = {"batch_size": SETTINGS["batch_size"], "lr": lr, "seed": SETTINGS["seed"] + stage, "progress": False}
        checkpoint = FOLDER / f"{method}-{stage}.safetensors"
        fit(model, Binarized(METHODS[method]), train, epochs=3**stage, checkpoint=checkpoint, **options)
        epochs += 3**stage
        yield model, {"method": method, "epochs": epochs, "lr": round(lr, 6)}


def measure(method: str, train: data.Images, x: Tensor) -> Iterator[dict[str, Any]]:
    """A row for each stage and each k, of black and white test images x; those of a stopped run are not made again."""
    kept = FOLDER / f"{method}.jsonl"
    lines = kept.read_text().splitlines() if kept.is_file() else []
    known = {(row["epochs"], row["k"]): row for row in map(json.loads, lines)}
    for stage, (model, done) in enumerate(stages(method, train), start=1):
        for k, images in (BOUNDS | (LAST_BOUND if stage == SETTINGS["stages"][method] else {})).items():
            row = known.get((done["epochs"], k)) or done | bound(model, x[:: len(x) // images], k)
            if (done["epochs"], k) not in known:
                with kept.open("a") as file:
                    file.write(json.dumps(row) + "\n")
            yield row


def bound(model: VAE, x: Tensor, k: int) -> dict[str, Any]:
    """L_k on -log p(x) in nats, and the standard error of its mean over images."""
    bounds = -log_likelihood(model, x, k=k).double()
    error = bounds.std() / len(bounds) ** 0.5
    return {"k": k, "images": len(x), "minus_bound": round(bounds.mean().item(), 2), "error": round(error.item(), 2)}


def main() -> None:
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    train, test = (data.load(SETTINGS["data"], split=split, fallback=False) for split in ("train", "test"))
    x, started, rows = test.binarized(seed=SETTINGS["seed"]).x, time.perf_counter(), []
    for method in METHODS:
        for row in measure(method, train, x):
            rows.append(row)
            print(row, flush=True)
    print(record("burda", SETTINGS, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
