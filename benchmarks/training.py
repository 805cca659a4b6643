"""Seconds for one epoch of the classic VAE on MNIST (784-512-256-32, batch 128), ours against three others.

    python benchmarks/training.py [--repeats 5] [--compile]

- tutorial: the loop as tutorials write it: DataLoader over torchvision's MNIST with ToTensor, cross-entropy on
  probabilities, `.item()` every step;
- pythae: that library's trainer on the same two networks (skipped where it is not installed: `pip install pythae`);
- floor: nothing but the matrix products of forward and backward.

All run in turn, repeatedly, in one process; printed are medians and their ratios to ours.
"""

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

os.environ.setdefault("TQDM_DISABLE", "1")  # read at import: no bar, ours or theirs, is part of the race

from vae_tutorial import data
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE

BATCH, LR = 128, 1e-3


def ours(train: data.Images, compile: bool = False) -> Callable[[], None]:
    model, objective = VAE(*mlp()), Objective(KL())
    if compile:
        fit(model, objective, train, steps=20, progress=False, compile=True)
    return lambda: fit(model, objective, train, epochs=1, progress=False, compile=compile) and None


def tutorial(train: data.Images) -> Callable[[], None]:
    from torchvision import datasets, transforms

    images = datasets.MNIST(data.folder(), train=True, transform=transforms.ToTensor())
    loader = torch.utils.data.DataLoader(images, batch_size=BATCH, shuffle=True)
    encoder = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU())
    mu_head, logvar_head = nn.Linear(256, 32), nn.Linear(256, 32)
    decoder = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 784))
    parameters = [p for part in (encoder, mu_head, logvar_head, decoder) for p in part.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=LR)

    def epoch() -> None:
        total = 0.0
        for x, _ in loader:
            x = x.view(-1, 784)
            h = encoder(x)
            mu, logvar = mu_head(h), logvar_head(h)
            z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
            p = torch.sigmoid(decoder(z))
            bce = F.binary_cross_entropy(p, x, reduction="sum")
            loss = bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()

    return epoch


def pythae(train: data.Images) -> Callable[[], None]:
    from pythae import models
    from pythae.data.datasets import BaseDataset
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    encoder, decoder = mlp()

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.body = encoder.body

        def forward(self, x: Tensor) -> ModelOutput:
            mu, logvar = self.body(x).chunk(2, dim=-1)
            return ModelOutput(embedding=mu, log_covariance=logvar)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.body = decoder.body

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=torch.sigmoid(self.body(z)).view(-1, 1, 28, 28))

    config = models.VAEConfig(input_dim=(1, 28, 28), latent_dim=32, reconstruction_loss="bce")
    model = models.VAE(config, encoder=Encoder(), decoder=Decoder())
    dataset = BaseDataset(train.x.float() / 255, train.y)
    logging.getLogger("pythae").setLevel(logging.ERROR)
    options = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(), num_epochs=1, per_device_train_batch_size=BATCH, learning_rate=LR, no_cuda=True
    )

    def epoch() -> None:
        trainer = BaseTrainer(model=model, train_dataset=dataset, training_config=options)
        trainer.prepare_training()
        trainer.train_step(epoch=1)

    return epoch


def floor(train: data.Images) -> Callable[[], None]:
    sizes = [(784, 512), (512, 256), (256, 64), (32, 256), (256, 512), (512, 784)]
    layers = [(torch.randn(BATCH, i), torch.randn(i, o), torch.randn(BATCH, o)) for i, o in sizes]
    steps = len(train) // BATCH

    def epoch() -> None:
        for _ in range(steps):
            for x, w, grad in layers:
                torch.mm(x, w)
                torch.mm(x.T, grad)
            for _, w, grad in layers[1:]:  # the images need no gradient
                torch.mm(grad, w.T)

    return epoch


def added_megabytes() -> float:
    """By how much training raises the memory of a fresh process that holds torch and the training images (Linux)."""
    done = subprocess.run([sys.executable, "-c", TRAIN], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


TRAIN = """
import re
from pathlib import Path
from vae_tutorial import data
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE
def kilobytes(name):
    return int(re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

train = data.load("mnist", fallback=False)
Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
before = kilobytes("VmRSS")
fit(VAE(*mlp()), Objective(KL()), train, epochs=1, progress=False)
print((kilobytes("VmHWM") - before) / 1024)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="also with torch.compile (a minute more)")
    args = parser.parse_args()
    train = data.load("mnist", fallback=False)
    torch.manual_seed(0)
    epochs = {"ours": ours(train), "tutorial": tutorial(train), "floor": floor(train)}
    try:
        epochs["pythae"] = pythae(train)
    except ImportError:
        print("pythae is not installed: its row is left out")
    if args.compile:
        epochs["ours, compiled"] = ours(train, compile=True)
    seconds: dict[str, list[float]] = {name: [] for name in epochs}
    for _ in range(args.repeats):
        for name, epoch in epochs.items():
            start = time.perf_counter()
            epoch()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {args.repeats} interleaved repeats")
    for name, median in medians.items():
        spread = f"({min(seconds[name]):.2f} to {max(seconds[name]):.2f})"
        ratios = f"{median / medians['ours']:5.2f} x ours   {median / medians['floor']:5.2f} x floor"
        print(f"{name:16} {median:6.2f} s {spread}   {ratios}")
    if sys.platform == "linux":
        print(f"training adds at most {added_megabytes():.0f} MB to a process that holds torch and the images")


if __name__ == "__main__":
    main()
