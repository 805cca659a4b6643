"""Grids of factors: every combination of levels is one image, drawn in code."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """Names of factors, and how many levels, 0, 1, 2, ..., each has."""

    factors: Mapping[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.factors)

    @property
    def levels(self) -> tuple[int, ...]:
        return tuple(self.factors.values())

    @property
    def cells(self) -> int:
        """How many combinations there are."""
        return math.prod(self.levels)

    def shuffled(self, n: int, seed: int, skip: int) -> Tensor:
        """`n` different combinations, int64 [n, f], as `seed` shuffles them, behind the first `skip` of these.

        The same on every machine, and the first rows are the same whatever n is. Raises TypeError for anything but
        whole numbers, ValueError for more than there are.
        """
        _check_whole(skip, 0, self.cells - 1, name="skip")
        _check_whole(n, 1, self.cells - skip, name="n")
        _check_whole(seed, 0, 2**63 - 1, name="seed")
        # Raw bits, since numpy promises those for ever; the streams of its distributions may change between versions.
        order = np.argsort(np.random.PCG64(seed).random_raw(self.cells), kind="stable")
        return torch.from_numpy(
            np.stack(np.unravel_index(order[skip : skip + n], self.levels), axis=1).astype(np.int64)
        )

    def check(self, factors: Tensor | np.ndarray | Sequence) -> np.ndarray:
        """Return `factors` as int64 [n, f] with n >= 1.

        Raises TypeError unless all are whole numbers, ValueError for another shape or a level that is not on the grid.
        """
        rows = factors.numpy(force=True) if isinstance(factors, Tensor) else np.asarray(factors)
        if rows.ndim != 2 or rows.shape[1] != len(self.names) or len(rows) == 0:
            names = ", ".join(self.names)
            raise ValueError(f"factors must have shape [n, {len(self.names)}] ({names}), got {list(rows.shape)}")
        if rows.dtype.kind not in "iu":
            raise TypeError(f"factors must be whole numbers, the levels of each factor, got {rows.dtype}")
        for (name, levels), column in zip(self.factors.items(), rows.T, strict=True):
            wrong = column[(column < 0) | (column >= levels)]
            if wrong.size:
                raise ValueError(f"factors: {name} must lie in 0 to {levels - 1}, got {wrong[0]}")
        return rows.astype(np.int64)


def _check_whole(value: int, low: int, high: int, *, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must lie in {low:,} to {high:,}, got {value:,}")
