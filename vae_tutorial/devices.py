"""Which device to compute on, and its random state."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


def pick_device(device: str | torch.device | None = None) -> torch.device:
    """The device asked for, else the machine's accelerator (cuda, mps, ...) where one works, else the CPU.

    Raises ValueError for what is no device or one that this machine does not have.
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if device is None:
        return accelerator or torch.device("cpu")
    available = f"cpu and {accelerator.type}" if accelerator else "cpu"
    refusal = f"device must be one this machine has ({available}), got {str(device)!r}"
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(refusal) from error
    if chosen.type not in ("cpu", accelerator and accelerator.type):
        raise ValueError(refusal)
    if chosen.index is not None and chosen.index >= (1 if chosen.type == "cpu" else torch.accelerator.device_count()):
        raise ValueError(refusal)
    return chosen


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Inside, the CPU's and the device's random numbers start from `seed`; afterwards both go on as if never used.

    No other device is touched, as `torch.manual_seed` would.
    """
    states = get_rng_state(device)
    torch.default_generator.manual_seed(seed)
    with _current(device) as module:
        if module is not None:
            module.manual_seed(seed)
    try:
        yield
    finally:
        set_rng_state(device, states)


def get_rng_state(device: torch.device) -> list[torch.Tensor]:
    """The random state of the CPU and, if `device` is another one, of it too."""
    with _current(device) as module:
        return [torch.get_rng_state()] if module is None else [torch.get_rng_state(), module.get_rng_state()]


def set_rng_state(device: torch.device, states: list[torch.Tensor]) -> None:
    """Put back what `get_rng_state` gave."""
    torch.set_rng_state(states[0])
    with _current(device) as module:
        if module is not None:
            module.set_rng_state(states[1])


@contextmanager
def _current(device: torch.device) -> Iterator[Any]:
    """The accelerator's module, with `device` the current one of its devices; None for the CPU."""
    if device.type == "cpu":
        yield None
    elif device.index is None or torch.accelerator.device_count() == 1:
        yield torch.get_device_module(device)
    else:
        with torch.accelerator.device_index(device.index):
            yield torch.get_device_module(device)


def cores() -> int:
    """How many this process may use: fewer than the machine has, in a container or under a batch system."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
