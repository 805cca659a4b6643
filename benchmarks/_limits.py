"""What bounds a training step on a device: its arithmetic, its memory, and whether kernels wait for Python."""

import time
from collections.abc import Callable
from typing import Any

import torch
from _measuring import in_turns
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from vae_tutorial.objectives import Objective
from vae_tutorial.pixels import as_float
from vae_tutorial.vae import VAE


class Traffic(TorchDispatchMode):
    """Counts the bytes of what every operation reads and writes; views move none."""

    moved = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            schema = func._schema
            written = [value for spec, value in zip(schema.arguments, args, strict=False) if _is_written(spec)]
            made = [] if any(spec.alias_info for spec in schema.returns) else out
            self.moved += sum(t.nbytes for t in tree_leaves((args, kwargs, written, made)) if isinstance(t, Tensor))
        return out


def _is_written(spec: Any) -> bool:
    return spec.alias_info is not None and spec.alias_info.is_write


def step_size(model: VAE, objective: Objective, x: Tensor) -> tuple[int, int]:
    """Floating-point operations (products alone) and bytes of one eager step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    with FlopCounterMode(display=False) as flop, Traffic() as traffic:
        objective(model, as_float(x)).loss.backward()
        optimizer.step()
    return flop.get_total_flops(), traffic.moved


def busy_share(work: Callable[[], object], device: torch.device) -> float | None:
    """Time of all kernels in units of the time that passed; None on a CPU, which has none."""
    if device.type != "cuda":
        return None
    with profile(activities=[ProfilerActivity.CUDA]) as record_of:
        start = time.perf_counter()
        work()
        passed = time.perf_counter() - start
    return share(sum(event.self_device_time_total for event in record_of.key_averages()) / 1e6, passed)


def arithmetic(device: torch.device) -> float:
    """Floating-point operations a second of one product of large float32 matrices, at PyTorch's default precision."""
    n = 8192 if device.type != "cpu" else 1024
    a, b = torch.randn(n, n, device=device), torch.randn(n, n, device=device)
    return 2 * n**3 / _fastest(lambda: torch.mm(a, b), device)


def bandwidth(device: torch.device) -> float:
    """Bytes a second, read and written, of one large copy."""
    a = torch.zeros(2**28 if device.type != "cpu" else 2**24, device=device)
    b = torch.empty_like(a)
    return 2 * a.nbytes / _fastest(lambda: b.copy_(a), device)


def _fastest(work: Callable[[], object], device: torch.device) -> float:
    def finished() -> None:
        work()
        wait(device)

    finished()
    return min(in_turns({"": finished}, 10)[""])


def wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize()


def share(part: float, whole: float) -> float:
    return float(f"{part / whole:.3g}")
