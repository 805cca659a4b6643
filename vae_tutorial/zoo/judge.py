"""The shipped classifier, which judges what conditional models draw, and how it was made."""

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import trange

from vae_tutorial import data
from vae_tutorial.devices import pick_device, seeded
from vae_tutorial.measures import Classifier
from vae_tutorial.pixels import as_float
from vae_tutorial.zoo.files import FOLDER, halved, read_card, read_weights, single, write

CLASSIFIER = "classifier-mnist"
IMAGES = {"mnist": 60_000, "digits": 20_000}  # of each set's training images
EPOCHS, BATCH, LR, SEED = 6, 128, 2e-3, 0


def classifier() -> Classifier:
    """The shipped classifier of digits, MNIST's and drawn ones, frozen, on the CPU, in eval mode.

    Its card, zoo/classifier-mnist.json, tells its accuracy on both test sets, which bounds what it can say of others.
    Raises ValueError where the weights are not, bit for bit, those that the card was written with.
    """
    path = FOLDER / f"{CLASSIFIER}.safetensors"
    with torch.random.fork_rng(devices=[]):
        judge = Classifier()
    judge.load_state_dict(read_weights(path, read_card(path)))
    return judge.eval().requires_grad_(False)


def make_classifier(folder: Path = FOLDER) -> dict[str, Any]:
    """Train it by its recipe and write weights (16-bit) and card into `folder`; returns the card.

    Raises data.DataUnavailable where MNIST is neither there nor can be fetched.
    """
    sets = [data.load(name, "train", limit, fallback=False) for name, limit in IMAGES.items()]
    x, y = torch.cat([images.x for images in sets]), torch.cat([images.y for images in sets])
    device, began = pick_device(), time.perf_counter()
    with seeded(SEED, device):
        judge = Classifier().to(device)
        _train(judge, x.to(device), y.to(device))
    seconds = time.perf_counter() - began
    weights = halved(judge.state_dict())
    judge.load_state_dict(single(weights))  # measure what is shipped
    card = {
        "name": CLASSIFIER,
        "command": f"vae-tutorial train {CLASSIFIER}",
        "recipe": {"data": IMAGES, "epochs": EPOCHS, "batch_size": BATCH, "lr": LR, "seed": SEED},
        "seconds": round(seconds, 1),
        "device": device.type,
        "torch": version("torch"),
        "test": {name: {"accuracy": round(_accuracy(judge, name), 4)} for name in IMAGES},
    }
    return write(folder / f"{CLASSIFIER}.safetensors", weights, card)


def _train(judge: Classifier, x: Tensor, y: Tensor) -> None:
    """Cross-entropy, Adam, the rate falling as half a cosine, whole batches in random order."""
    steps = len(x) // BATCH
    adam = torch.optim.Adam(judge.parameters(), lr=LR)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, EPOCHS * steps)
    for _ in trange(EPOCHS, desc=CLASSIFIER, unit="epoch"):
        for batch in torch.randperm(len(x), device=x.device)[: steps * BATCH].split(BATCH):
            loss = F.cross_entropy(judge(as_float(x[batch])), y[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()


def _accuracy(judge: Classifier, name: str) -> float:
    test = data.load(name, "test", fallback=False)
    return (judge.classify(test.x) == test.y).double().mean().item()
