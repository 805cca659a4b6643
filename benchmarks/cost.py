"""What training costs as one thing grows and the rest stays: batch, latents, images, threads, loading processes.

    python benchmarks/cost.py [--repeats 5] [--share 1]

Each row is `fit` with one setting changed from: the MLP 784-512-256-32, batch 128, 60 thousand images (digits drawn in
code, held as uint8), as many threads as there are cores. The values of one dimension run in turn. `what` is:

- batch, latents, images, threads: images a second, and (but for threads) the megabytes that training adds to a process
  that holds torch and the images;
- start of an epoch: seconds from the end of one to the first batch of the next, for so many images;
- loading processes: the tutorials' loop over MNIST with so many workers of its DataLoader, beside `fit` (None).

--share: a fraction of the steps, to try it out.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import _races
import torch
from _measuring import in_turns, record, spread
from _memory import added_megabytes, images

from vae_tutorial import data
from vae_tutorial.devices import cores
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit
from vae_tutorial.training.plan import Plan
from vae_tutorial.vae import VAE

BATCHES = (16, 32, 64, 128, 256, 512, 1024, 2048)
LATENTS = (2, 8, 32, 128, 256)
IMAGES = (60_000, 250_000, 1_000_000)
WORKERS = (0, 1, 2)
PER_TURN = {"mlp": 8_192, "conv": 2_048}  # images trained on in a turn, or four batches where that is more
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0)
    args = parser.parse_args()
    began = time.perf_counter()
    torch.manual_seed(0)
    rows = []
    for dimension in (batches, latents, sizes, starts, threads, loading):
        for row in dimension(args.repeats, args.share):
            rows.append(row)
            print(row, flush=True)
    settings = {"repeats": args.repeats, "images a turn": {k: round(n * args.share) for k, n in PER_TURN.items()}}
    record("cost", settings, rows, time.perf_counter() - began)


def batches(repeats: int, share: float) -> Iterable[Row]:
    for network in PER_TURN:
        works = {batch: training(network, share, batch=batch) for batch in BATCHES}
        yield from rows_of("batch", network, works, repeats, partial(added_megabytes, network, 60_000))


def latents(repeats: int, share: float) -> Iterable[Row]:
    works = {z_dim: training("mlp", share, z_dim=z_dim) for z_dim in LATENTS}
    yield from rows_of("latents", "mlp", works, repeats, lambda z_dim: added_megabytes(z_dim=z_dim))


def sizes(repeats: int, share: float) -> Iterable[Row]:
    """Turns four times as long, so that the start of an epoch in each weighs about as little as in a real one."""
    most = images(max(IMAGES))
    works = {n: training("mlp", 4 * share, x=most[:n]) for n in IMAGES}
    yield from rows_of("images", "mlp", works, repeats, lambda n: added_megabytes(n=n))


def starts(repeats: int, share: float) -> Iterable[Row]:
    """What `fit` does there: shuffles the images' indices and takes the first 128."""

    def start(n: int) -> Callable[[], object]:
        plan = Plan(n, 1, None, 128, 1e-3, "constant", 0.0, None, 0)
        return lambda: next(plan.batches(0, torch.device("cpu")))

    seconds = in_turns({n: start(n) for n in IMAGES}, repeats)
    return [row_of("start of an epoch", "none", n, None, times) for n, times in seconds.items()]


def threads(repeats: int, share: float) -> Iterable[Row]:
    """1, 2, 4, ... and the number of cores."""
    counts = sorted({1, *(2**k for k in range(1, 10) if 2**k < cores()), cores()})
    before = torch.get_num_threads()

    def limited(count: int, train: Callable[[], int]) -> int:
        torch.set_num_threads(count)
        try:
            return train()
        finally:
            torch.set_num_threads(before)

    for network in PER_TURN:
        works = {count: partial(limited, count, training(network, share)) for count in counts}
        yield from rows_of("threads", network, works, repeats)


def loading(repeats: int, share: float) -> Iterable[Row]:
    """At most three turns, four times as long: the loop starts its workers anew each time, as it does every epoch."""
    train, steps = data.load("mnist", fallback=False), max(1, round(4 * PER_TURN["mlp"] * share) // _races.BATCH)
    races: dict[int | None, Callable[[], object]] = {
        n: _races.tutorial("mlp", train, steps, workers=n) for n in WORKERS
    }
    races[None] = _races.ours("mlp", train, steps)
    seconds = in_turns(races, min(repeats, 3))
    n = steps * _races.BATCH
    return [row_of("loading processes", "mlp", workers, n, times) for workers, times in seconds.items()]


def training(
    network: str, share: float, *, batch: int = 128, z_dim: int | None = None, x: torch.Tensor | None = None
) -> Callable[[], int]:
    """A work that trains and returns on how many images."""
    x = images(60_000) if x is None else x
    steps = max(4, round(PER_TURN[network] * share) // batch)
    model, objective = VAE(*_races.networks(network, z_dim)), Objective(KL())

    def train() -> int:
        fit(model, objective, x, steps=steps, batch_size=batch, progress=False)
        return steps * batch

    return train


def rows_of(
    what: str,
    network: str,
    works: Mapping[int, Callable[[], int]],
    repeats: int,
    megabytes: Callable[[int], float | None] = lambda value: None,
) -> Iterable[Row]:
    """Each work once to warm up and to tell its images, then all in turn."""
    trained = {value: work() for value, work in works.items()}
    for value, times in in_turns(works, repeats).items():
        yield row_of(what, network, value, trained[value], times) | {"megabytes": megabytes(value)}


def row_of(what: str, network: str, value: int | None, trained: int | None, seconds: list[float]) -> Row:
    times = spread(seconds)
    rate = None if trained is None else round(trained / times["seconds"])
    return {"what": what, "network": network, "value": value, "images_a_second": rate, **times, "megabytes": None}


if __name__ == "__main__":
    main()
