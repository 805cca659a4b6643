"""How much of an accelerator training uses: images a second of the classic MLP by batch, and what limits them.

    python benchmarks/accelerator.py [--device cuda] [--steps 500]

Loops, in turns: `fit`; `fit` with compile=True; and a loop written by hand here whose step is one CUDA graph, so that
Python launches nothing (on what is not CUDA, the same loop without a graph). Shares are of what this machine did in the
same run: `of_arithmetic`, floating-point operations of the step against one product of large matrices;
`of_bandwidth`, bytes that the step's kernels read and write against a large copy (None where compiling fuses kernels).
`busy`, at batch 512: the share of the time of `fit` in which kernels ran, by torch.profiler. Without an accelerator it
says so and writes nothing; `--device cpu --steps 20` tries the code.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import _races
import torch
from _limits import arithmetic, bandwidth, busy_share, share, step_size, wait
from _measuring import in_turns, ratio, record, spread
from _memory import images
from torch import Tensor

from vae_tutorial.devices import pick_device
from vae_tutorial.objectives import Objective
from vae_tutorial.pixels import as_float
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE

BATCHES = (128, 512, 2048, 8192)
REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", help="cpu, to try the code without an accelerator")
    parser.add_argument("--steps", type=int, default=500)
    args = parser.parse_args()
    device = pick_device(args.device)
    if device.type == "cpu" and args.device is None:
        print("This machine has no accelerator that works: nothing is measured and nothing is written.")
        return
    began = time.perf_counter()
    x = images(60_000).to(device)
    limits = {"flop a second": arithmetic(device), "bytes a second": bandwidth(device)}
    rows = [row for batch in BATCHES for row in measure(x, batch, args.steps, limits)]
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    settings = {"device": name, "steps": args.steps, "repeats": REPEATS, **limits}
    if device.type != "cpu":
        record("accelerator", settings, rows, time.perf_counter() - began)


def measure(x: Tensor, batch: int, steps: int, limits: dict[str, float]) -> list[dict[str, Any]]:
    """A row for each loop at this batch."""
    torch.compiler.reset()  # otherwise a second batch size would be compiled for any size
    objective = Objective(KL())
    eager, compiled, hand = (VAE(*_races.networks("mlp")).to(x.device) for _ in range(3))
    by_hand = "CUDA graph" if x.device.type == "cuda" else "by hand"

    def train(model: VAE, compile: bool = False) -> None:
        fit(model, objective, x, steps=steps, batch_size=batch, device=x.device, progress=False, compile=compile)
        wait(x.device)

    works: dict[str, Callable[[], object]] = {
        "fit": lambda: train(eager),
        "fit, compiled": lambda: train(compiled, compile=True),
        by_hand: hand_written(hand, objective, x, batch, steps),
    }
    flop, moved = step_size(VAE(*_races.networks("mlp")).to(x.device), objective, x[:batch])
    for work in works.values():
        work()
    seconds = in_turns(works, REPEATS)
    busy = {"fit": busy_share(works["fit"], x.device)} if batch == 512 else {}
    rows = []
    for name, times in seconds.items():
        row = {"loop": name, "batch": batch, **spread(times), "to_fit": ratio(times, seconds["fit"])}
        rate = steps / row["seconds"]
        row |= {"images_a_second": round(batch * rate), "of_arithmetic": share(flop * rate, limits["flop a second"])}
        row["of_bandwidth"] = None if "compiled" in name else share(moved * rate, limits["bytes a second"])
        rows.append(row | {"busy": busy.get(name)})
        print(rows[-1], flush=True)
    return rows


def hand_written(model: VAE, objective: Objective, x: Tensor, batch: int, steps: int) -> Callable[[], None]:
    """The loop of `fit` without its watch; on CUDA each step replays one graph, whose input is the batch's indices."""
    graphs = x.device.type == "cuda"
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True, capturable=graphs)
    chosen = torch.arange(batch, device=x.device)

    def step() -> None:
        optimizer.zero_grad()
        objective(model, as_float(x.index_select(0, chosen))).loss.backward()
        optimizer.step()

    once = _graph(step) if graphs else step

    def run() -> None:
        order = torch.randperm(len(x), device=x.device)
        per_epoch = len(x) // batch
        for i in range(steps):
            first = i % per_epoch * batch
            chosen.copy_(order[first : first + batch])
            once()
        wait(x.device)

    return run


def _graph(step: Callable[[], None]) -> Callable[[], None]:
    """`step`, recorded once after a warm-up on a stream of its own, as PyTorch's notes on CUDA graphs ask for."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


if __name__ == "__main__":
    main()
