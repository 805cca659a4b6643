"""A labelled set of images, and what a set has to satisfy to be one."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vae_tutorial.pixels import check_images


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images x: uint8 [n, c, h, w], labels y: int64 [n] from 0 to n_classes - 1, and what caused the pixels, if known.

    factors: int64 [n, f], one column per name in `factor_names`, or None where nobody knows them. `images[:8]`,
    `images[mask]` and `images[indices]` are Images again, of the same name.
    Raises TypeError for another type or dtype, ValueError for shapes that do not fit together or labels out of range.
    """

    x: Tensor
    y: Tensor
    factors: Tensor | None = None
    name: str = "images"
    factor_names: tuple[str, ...] = ()
    n_classes: int = 10

    def __post_init__(self) -> None:
        if check_images(self.x, name="x").dtype != torch.uint8:
            raise TypeError(f"x must be uint8 (0 to 255), got {self.x.dtype}")
        n = len(self.x)
        _check_int64(self.y, (n,), name="y")
        if not (self.y.min() >= 0 and self.y.max() < self.n_classes):
            low, high = int(self.y.min()), int(self.y.max())
            raise ValueError(f"y must lie in 0 to {self.n_classes - 1}, got labels from {low} to {high}")
        if self.factors is not None:
            _check_int64(self.factors, (n, len(self.factor_names)), name="factors")
        elif self.factor_names:
            raise ValueError(f"factor_names must be empty where factors is None, got {self.factor_names}")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: slice | Tensor | list[int]) -> "Images":
        if not isinstance(index, slice | Tensor | list) or (isinstance(index, Tensor) and index.ndim != 1):
            raise TypeError(
                f"images[...] takes a slice, a mask or a list of indices, got {index!r}; one image is [i:i+1]"
            )
        factors = None if self.factors is None else self.factors[index]
        return replace(self, x=self.x[index], y=self.y[index], factors=factors)

    def binarized(self, seed: int = 0) -> "Images":
        """Black and white images: each pixel drawn once, white with the probability that its grey stands for.

        BCE of them is minus the logarithm of a probability, as of grey ones it is not (static binarisation;
        Salakhutdinov & Murray 2008).
        """
        generator = torch.Generator().manual_seed(seed)
        black = torch.randint(
            255, self.x.shape, dtype=torch.uint8, generator=generator
        )  # 0 to 254, of which x are below x
        return replace(self, x=(black < self.x).to(torch.uint8) * 255)

    def __repr__(self) -> str:
        shape = "x".join(str(side) for side in self.x.shape[1:])
        return f'Images("{self.name}", {len(self):,} images of {shape})'


def _check_int64(values: Tensor, shape: tuple[int, ...], *, name: str) -> None:
    if not isinstance(values, Tensor) or values.dtype != torch.int64:
        got = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise TypeError(f"{name} must be an int64 tensor of shape {list(shape)}, got {got}")
    if tuple(values.shape) != shape:
        raise ValueError(f"{name} must have shape {list(shape)}, one row per image of x, got {list(values.shape)}")
