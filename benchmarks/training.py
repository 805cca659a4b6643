"""Seconds of training, ours against the loop of most tutorials, pythae's trainer, and matrix products alone.

    build/peers/bin/python benchmarks/training.py [--repeats 5] [--steps 468 60]

Two networks, batches of 128 MNIST images: "mlp", 784-512-256-32 (468 steps are one epoch), and "conv", that of lesson
08. The loops stand in `_races.py`:

- ours: `fit`; ours, compiled: the same with `compile=True`;
- tutorial: DataLoader over torchvision's MNIST with ToTensor, cross-entropy on probabilities, `.item()` every step;
- pythae: that library's trainer (left out where it is not installed: `make peers`);
- floor: nothing but the products of forward and backward.

All loops of a network run in turn, repeatedly, in one process. `to_ours` and `to_floor` are medians of the ratio within
a turn. `ready_after`: seconds from nothing to the first step, which is where compiling goes; its caches are off.
"""

import argparse
import os
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

os.environ.setdefault("TORCHINDUCTOR_FORCE_DISABLE_CACHES", "1")

import _races
import torch
from _measuring import in_turns, ratio, record, spread
from _memory import added_megabytes

from vae_tutorial import data

LOOPS = {
    "ours": _races.ours,
    "ours, compiled": _races.compiled,
    "tutorial": _races.tutorial,
    "pythae": _races.pythae,
    "floor": _races.floor,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--steps", type=int, nargs=2, default=[468, 60], help="of the MLP, of the convolutional network"
    )
    args = parser.parse_args()
    began = time.perf_counter()
    train = data.load("mnist", fallback=False)
    rows = []
    for network, steps in zip(("mlp", "conv"), args.steps, strict=True):
        rows += race(network, train, steps, args.repeats)
    settings = {"repeats": args.repeats, "batch": _races.BATCH, "pythae": pythae_version()}
    record("training", settings, rows, time.perf_counter() - began)


def race(network: str, train: data.Images, steps: int, repeats: int) -> list[dict[str, Any]]:
    """A row for each loop that can run here."""
    torch.manual_seed(0)
    races, ready = {}, {}
    for name, build in LOOPS.items():
        if name == "pythae" and pythae_version() is None:
            print("pythae is not installed here, its row is left out: `make peers`, then build/peers/bin/python")
            continue
        start = time.perf_counter()
        races[name] = build(network, train, steps)
        ready[name] = time.perf_counter() - start
    seconds = in_turns(races, repeats)
    rows = []
    for name, times in seconds.items():
        row = {"network": network, "loop": name, "steps": steps, **spread(times)}
        row["images_a_second"] = round(steps * _races.BATCH / row["seconds"])
        row |= {"to_ours": ratio(times, seconds["ours"]), "to_floor": ratio(times, seconds["floor"])}
        row["ready_after"] = round(ready[name], 2)
        row["added_megabytes"] = added_megabytes(network) if name == "ours" else None
        rows.append(row)
        print(row, flush=True)
    return rows


def pythae_version() -> str | None:
    """The version installed, if any."""
    try:
        return version("pythae")
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
