"""What stands between training and its matrix products, piece by piece, and what was tried against it.

    python benchmarks/floor.py [--repeats 7]

- pieces: parts of one training step of the classic network (784-512-256-32, batch 128), each run alone on tensors of
  the same shapes, in turns with whole steps of `fit`; what no piece explains is the rest: activations,
  the cloud, the KL, autograd, Python.
- changes: `fit` with one thing changed, in turns with `fit` as it is. `foretold` is the ratio that the pieces promise,
  where they promise one.
"""

import argparse
import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import _races
import torch
import torch.nn.functional as F
from _measuring import Row, in_turns, ratio, record, spread
from torch import Tensor

from vae_tutorial import data, likelihoods, objectives
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import IWAE, Objective
from vae_tutorial.pixels import as_float, check_unit_interval
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE

KEPT = ("convolutions: channels last", "IWAE, 5 samples, batch 20: decoded together")
SETTINGS = {"batch": _races.BATCH, "steps": 100, "convolutional_steps": 15, "iwae_batch": 20, "k": 5}
Work = Callable[[], object]


class OwnBCE(torch.autograd.Function):
    """BCE on logits whose derivative is written by hand: sigmoid(l) - x, in one pass."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, logits: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(logits, x)
        return (logits.clamp_min(0) - x * logits + torch.log1p(torch.exp(-logits.abs()))).flatten(1).sum(1)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> tuple[Tensor, None]:
        logits, x = ctx.saved_tensors
        return (torch.sigmoid(logits) - x) * grad.view(-1, 1, 1, 1), None


def cross_entropy(nll: Callable[[Tensor, Tensor], Tensor]) -> Work:
    """Forward and backward of one likelihood."""
    shape = (_races.BATCH, 1, 28, 28)
    logits, x = torch.randn(shape, requires_grad=True), torch.rand(shape)

    def work() -> None:
        logits.grad = None
        nll(logits, x).mean().backward()

    return work


def adam(**how: bool) -> Work:
    """One step for all weights of the network, whose gradients stand."""
    parameters = list(VAE(*mlp()).parameters())
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    return torch.optim.Adam(parameters, lr=1e-9, **how).step


def pieces(train: data.Images) -> dict[str, Work]:
    """Parts of one step; the first four are what a step cannot do without."""
    batch = torch.randperm(len(train))[: _races.BATCH]
    x = as_float(train.x[batch])

    def unfused(logits: Tensor, x: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)

    return {
        "matrix products": _races.floor("mlp", train, 1),
        "Adam, fused": adam(fused=True),
        "cross-entropy, forward and backward": cross_entropy(unfused),
        "images: picked, to floats": lambda: as_float(train.x.index_select(0, batch)),
        "the check that images lie in [0, 1]": lambda: check_unit_interval(x, name="x"),
        "Adam, a kernel for each operation": adam(foreach=True),
        "cross-entropy, derivative by hand": cross_entropy(OwnBCE.apply),
    }


STEP = ("matrix products", "Adam, fused", "cross-entropy, forward and backward", "images: picked, to floats",
        "the check that images lie in [0, 1]")  # fmt: skip


@contextmanager
def flushed() -> Iterator[None]:
    """Numbers too small for a float's full precision count as 0."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def within(context: Callable[[], object], work: Work) -> Work:
    """The work, each time inside a new context."""

    def changed() -> None:
        with context():
            work()

    return changed


def iwae(train: data.Images) -> Work:
    model, batch = VAE(*mlp(hidden=(200, 200), z_dim=50, activation="tanh")), SETTINGS["iwae_batch"]
    return lambda: fit(model, IWAE(SETTINGS["k"]), train, steps=SETTINGS["steps"], batch_size=batch, progress=False)


def convolutions(train: data.Images, layout: torch.memory_format) -> Work:
    """The network of lesson 08, its weights in this order."""
    model, objective = VAE(*_races.networks("conv")).to(memory_format=layout), Objective(KL())
    steps = SETTINGS["convolutional_steps"]
    return lambda: fit(model, objective, train, steps=steps, batch_size=_races.BATCH, progress=False)


def by_hand(_: likelihoods.Bernoulli, logits: Tensor, x: Tensor) -> Tensor:
    return OwnBCE.apply(logits, x)


def changes(train: data.Images, seconds: dict[str, float]) -> Iterator[tuple[str, Work, Work, float | None]]:
    """Name, `fit` as it is, `fit` changed, and the ratio foretold. seconds: of each piece, and of a step."""
    plain = _races.ours("mlp", train, SETTINGS["steps"])
    foretold = {name: value / seconds["step"] for name, value in seconds.items()}
    unchecked = functools.partial(patch.object, likelihoods, "check_unit_interval", lambda *_, **__: None)
    foreach = functools.partial(patch.object, torch.optim, "Adam", _foreach(torch.optim.Adam))
    handed = functools.partial(patch.object, likelihoods.Bernoulli, "nll", by_hand)
    yield "images not checked", plain, within(unchecked, plain), 1 - foretold[STEP[4]]
    yield (
        "Adam, a kernel for each operation",
        plain,
        within(foreach, plain),
        1 + foretold["Adam, a kernel for each operation"] - foretold["Adam, fused"],
    )
    yield (
        "cross-entropy, derivative by hand",
        plain,
        within(handed, plain),
        1 + foretold["cross-entropy, derivative by hand"] - foretold[STEP[2]],
    )
    yield "tiny numbers flushed to 0", plain, within(flushed, plain), None
    yield "torch.compile", plain, _races.compiled("mlp", train, SETTINGS["steps"]), None
    first, last = (convolutions(train, layout) for layout in (torch.contiguous_format, torch.channels_last))
    yield "convolutions: channels last", first, last, None
    one_by_one = functools.partial(patch.object, objectives, "TOGETHER", 1)
    together = iwae(train)
    yield "IWAE, 5 samples, batch 20: decoded together", within(one_by_one, together), together, None


def _foreach(optimizer: type[torch.optim.Adam]) -> Callable[..., torch.optim.Adam]:
    return lambda parameters, fused, **options: optimizer(parameters, foreach=True, **options)


def repeated(work: Work) -> Work:
    def many() -> None:
        for _ in range(SETTINGS["steps"]):
            work()

    return many


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    began = time.perf_counter()
    train = data.load("mnist", fallback=False)
    torch.manual_seed(0)
    works = {name: repeated(work) for name, work in pieces(train).items()}
    works = {"step": _races.ours("mlp", train, SETTINGS["steps"])} | works
    in_turns(works, 1)
    timed = in_turns(works, repeats)
    rows: list[Row] = []

    def add(kind: str, name: str, times: list[float], to: list[float], foretold: float | None) -> None:
        share = None if foretold is None else round(foretold, 3)
        rows.append({"kind": kind, "name": name, **spread(times), "ratio": ratio(times, to), "foretold": share})
        rows[-1]["kept"] = name in KEPT
        print(rows[-1], flush=True)

    for name, times in timed.items():
        add("piece", name, times, timed["step"], None)
    rest = [step - sum(timed[name][i] for name in STEP) for i, step in enumerate(timed["step"])]
    add("piece", "the rest", rest, timed["step"], None)
    medians = {name: sorted(times)[repeats // 2] for name, times in timed.items()}
    for name, before, after, foretold in changes(train, medians):
        in_turns({"before": before, "after": after}, 1)
        pair = in_turns({"before": before, "after": after}, repeats)
        add("change", name, pair["after"], pair["before"], foretold)
    record("floor", SETTINGS | {"repeats": repeats}, rows, time.perf_counter() - began)


if __name__ == "__main__":
    main()
