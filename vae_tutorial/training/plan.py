"""How a run steps: how long, in which batches, at which learning rate."""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_tutorial.regularizers import check_weight

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
}


@dataclass(frozen=True)
class Plan:
    """The arguments of `fit`, checked. Raises ValueError naming the one that is out of range."""

    images: int
    epochs: int | None
    steps: int | None
    batch_size: int
    lr: float
    schedule: str
    weight_decay: float
    clip_norm: float | None
    seed: int

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError(f"give either epochs or steps, got epochs={self.epochs} and steps={self.steps}")
        for name in ("epochs", "steps", "batch_size"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, got {self.schedule!r}")
        for name in ("lr", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a finite number above 0, got {value}")
        check_weight(self.weight_decay, name="weight_decay")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed must lie between 0 and 2^63 - 1, got {self.seed}")

    @property
    def batch(self) -> int:
        """Images in a batch: batch_size, or all of them where there are fewer."""
        return min(self.batch_size, self.images)

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in one pass over the images; the rest is left out, another one each epoch."""
        return self.images // self.batch

    @property
    def total(self) -> int:
        """Steps in the whole run."""
        return self.steps if self.steps is not None else (self.epochs or 0) * self.steps_per_epoch

    def lr_at(self, step: int) -> float:
        """The learning rate of a step."""
        return self.lr * SCHEDULES[self.schedule](step / self.total)

    def batches(self, start: int, device: torch.device) -> Iterator[tuple[int, Tensor]]:
        """Steps from `start` on, each with its images' indices [batch] on `device`.

        The order within an epoch depends on the seed and the epoch alone, so a resumed run meets the same batches.
        """
        for epoch in range(start // self.steps_per_epoch, math.ceil(self.total / self.steps_per_epoch)):
            order = torch.from_numpy(np.random.default_rng([self.seed, epoch]).permutation(self.images)).to(device)
            first = epoch * self.steps_per_epoch
            for step in range(max(start, first), min(first + self.steps_per_epoch, self.total)):
                yield step, order[(step - first) * self.batch : (step - first + 1) * self.batch]

    def settings(self) -> dict[str, Any]:
        """What two runs must share for one to go on where the other stopped; a longer constant run may."""
        settings = asdict(self)
        for length in ("epochs", "steps"):
            del settings[length]
        return settings | ({} if self.schedule == "constant" else {"total steps": self.total})
