"""How much memory training takes beyond torch and the images themselves, measured in a fresh process."""

import re
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from _races import networks

from vae_tutorial.data import digits
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE


def images(n: int) -> torch.Tensor:
    """uint8 [n, 1, 28, 28]: up to ten thousand digits drawn in code, then the same ones again and again."""
    drawn = digits.make(min(n, 10_000), seed=0).x
    return torch.cat([drawn] * -(-n // len(drawn)))[:n]


def added_megabytes(network: str = "mlp", n: int = 60_000, batch: int = 128, z_dim: int | None = None) -> float | None:
    """By how much `fit` raises the memory of a fresh process that holds torch and n images; None but on Linux.

    Peak of resident memory, so libraries that training is the first to load or to touch count too: with a small network
    they are most of it.
    """
    if sys.platform != "linux":
        return None
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return float(f"{pool.submit(_added, network, n, batch, z_dim).result():.3g}")


def _added(network: str, n: int, batch: int, z_dim: int | None) -> float:
    x, model = images(n), VAE(*networks(network, z_dim))
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = _kilobytes("VmRSS")
    fit(model, Objective(KL()), x, steps=10, batch_size=batch, progress=False)  # the peak is there after one step
    return (_kilobytes("VmHWM") - before) / 1024


def _kilobytes(name: str) -> int:
    found = re.search(name + r":\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, f"/proc/self/status has no line {name}"
    return int(found[1])
