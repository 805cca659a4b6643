"""How a run steps: how long, in which batches, at which learning rate."""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae_tutorial.arguments import check_choice, check_number, check_whole

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: 0.5 * (1 + math.cos(math.pi * done)),
}


@dataclass(frozen=True)
class Plan:
    """The arguments of `fit`, checked. Raises TypeError or ValueError naming the one that is not accepted."""

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
        check_whole(self.epochs if self.steps is None else self.steps, name="epochs" if self.steps is None else "steps")
        check_whole(self.batch_size, name="batch_size")
        if check_whole(self.seed, name="seed", least=0) >= 2**63:
            raise ValueError(f"seed must be a whole number from 0 to 2^63 - 1, got {self.seed}")
        check_choice(self.schedule, SCHEDULES, name="schedule")
        check_number(self.lr, name="lr", positive=True)
        check_number(self.weight_decay, name="weight_decay")
        boundless = isinstance(self.clip_norm, float) and self.clip_norm == math.inf
        if self.clip_norm is not None and not boundless:
            check_number(self.clip_norm, name="clip_norm", positive=True)

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
