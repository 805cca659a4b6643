"""What every regularizer is."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from vae_tutorial.gaussian import DiagGaussian


@runtime_checkable
class Regularizer(Protocol):
    """A charge on the codes of one batch."""

    def __call__(self, q: DiagGaussian, z: Tensor, step: Tensor | float | None = None) -> Float[Tensor, ""]:
        """q: the batch's posteriors; z [b, z]: one sample of each; step: updates done so far (None: training over)."""
