"""What a method charges beside the reconstruction: each regularizer maps (q, z, step) to one number, in nats.

A new idea is one frozen dataclass here; `Objective` adds it up and `fit` trains with it, unchanged.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from vae_tutorial.arguments import check_number
from vae_tutorial.gaussian import DiagGaussian


@runtime_checkable
class Regularizer(Protocol):
    """A charge on the codes of one batch."""

    def __call__(self, q: DiagGaussian, z: Tensor, step: Tensor | float | None = None) -> Float[Tensor, ""]:
        """q: the batch's posteriors; z [b, z]: one sample of each; step: updates done so far (None: training over)."""


@dataclass(frozen=True)
class KL:
    """weight * mean over the batch of KL(q(z|x) || N(0, I)), summed over latents, in nats.

    weight 1 gives the VAE (Kingma & Welling 2014, equation 10), another weight is the beta of beta-VAE (Higgins et
    al. 2017, equation 4). Raises TypeError or ValueError for a weight that is not a finite number of at least 0.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.weight, name="weight")

    def __call__(self, q: DiagGaussian, z: Tensor, step: Tensor | float | None = None) -> Float[Tensor, ""]:
        return self.weight * q.kl().mean()
