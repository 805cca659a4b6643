"""What this machine has, and what a lesson would miss."""

import platform
import shutil
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

import torch

from vae_tutorial import __version__, data
from vae_tutorial.devices import pick_device
from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE

PACKAGES = ("torch", "torchvision", "jupyterlab", "ipywidgets", "anywidget", "matplotlib")


def examine() -> dict[str, str]:
    """One line on everything a lesson needs: versions, device, data, disk, and the time of one decode."""
    free = shutil.disk_usage(next(p for p in (data.folder(), *data.folder().parents) if p.exists())).free / 1e9
    return {
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "vae_tutorial": __version__,
        **versions(PACKAGES),
        "device": describe_device(),
        "data folder": str(data.folder()),
        **{name: describe_data(name) for name in data.NAMES},
        "disk": f"{free:.0f} GB free",
        "one decode": f"{1000 * decode_seconds():.1f} ms (16 latents to 28 x 28 pixels, in the kernel)",
    }


def versions(packages: Iterable[str], remedy: str = "run `make lab` again") -> dict[str, str]:
    """The version of each package, or how to get it."""
    return {name: _version(name) or f"missing: {remedy}" for name in packages}


def describe_device() -> str:
    """The device `fit` would choose, in words."""
    device = pick_device()
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"{device.type}: {torch.get_num_threads()} threads" if device.type == "cpu" else device.type


def describe_data(name: str) -> str:
    """Whether a data set can be used without a network, and if not, how to change that."""
    problems = [problem for split in data.SPLITS for problem in data.problems(name, split)]
    return f"not ready: {problems[0]}; `vae-tutorial data {name}` fetches it" if problems else "ready"


def decode_seconds(repeats: int = 20) -> float:
    """Median seconds from one code of 16 latents to its image, weights untrained."""
    model = VAE(*mlp(z_dim=16)).to(pick_device())
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        model.decode(torch.zeros(1, 16)).cpu()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[repeats // 2]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
