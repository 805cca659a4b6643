"""Which device to compute on, and its random state."""

from collections.abc import Iterator
from contextlib import contextmanager

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
    return chosen


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Inside, the CPU's and the device's random numbers start from `seed`; afterwards both go on as if never used."""
    states = get_rng_state(device)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        set_rng_state(device, states)


def get_rng_state(device: torch.device) -> list[torch.Tensor]:
    """The random state of the CPU and, if `device` is another one, of it too."""
    states = [torch.get_rng_state()]
    return states if device.type == "cpu" else [*states, torch.get_device_module(device).get_rng_state()]


def set_rng_state(device: torch.device, states: list[torch.Tensor]) -> None:
    """Put back what `get_rng_state` gave."""
    torch.set_rng_state(states[0])
    if device.type != "cpu":
        torch.get_device_module(device).set_rng_state(states[1])
