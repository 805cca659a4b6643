"""Charges for the KL divergence of each posterior from the prior."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vae_tutorial.arguments import check_number, check_whole
from vae_tutorial.gaussian import DiagGaussian


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


@dataclass(frozen=True)
class Capacity:
    """weight * |mean KL - C(step)|: the code is to cost C nats, and C grows from 0 to c_max over the first `steps`.

    KL is summed over latents and averaged over the batch before the absolute value is taken: below C it is pushed up,
    above it down, with the same force. Without a step training is over, and C = c_max. The defaults are those of the
    authors' experiments on dSprites; a run of another length needs its own `steps`. Burgess et al. 2018, equation 8.
    Raises TypeError or ValueError for a weight or c_max that is no finite number of at least 0, and for steps that are
    no whole number of at least 1.
    """

    weight: float = 1000.0
    c_max: float = 25.0
    steps: int = 100_000

    def __post_init__(self) -> None:
        check_number(self.weight, name="weight")
        check_number(self.c_max, name="c_max")
        check_whole(self.steps, name="steps")

    def __call__(self, q: DiagGaussian, z: Tensor, step: Tensor | float | None = None) -> Float[Tensor, ""]:
        return self.weight * (q.kl().mean() - self.capacity(step)).abs()

    def capacity(self, step: Tensor | float | None) -> Tensor | float:
        """C(step) = c_max * min(1, step / steps), in nats; c_max without a step."""
        if step is None:
            return self.c_max
        return self.c_max * torch.clamp(torch.as_tensor(step) / self.steps, max=1.0)
