"""Charges for what latents tell about each other."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from vae_tutorial.arguments import check_number
from vae_tutorial.gaussian import DiagGaussian


class Parts(NamedTuple):
    """Three numbers in nats whose sum estimates the mean KL(q(z|x) || p(z))."""

    mutual_information: Tensor
    total_correlation: Tensor
    dimension_wise: Tensor


def decompose_kl(q: DiagGaussian, z: Tensor) -> Parts:
    """Split the KL of a batch into what z tells of x, what the latents tell of each other, and the rest, per latent.

    mean log q(z|x) - log q(z);  log q(z) - sum_d log q(z_d);  sum_d log q(z_d) - log p(z_d), with one z [b, z] from
    each posterior. q(z) is taken to be the mixture of the batch's own posteriors. Each z has its own posterior among
    them, b times too often for a mixture over all images: the mutual information is underestimated, never above log b,
    and the total correlation is biased too, by more the more latents there are. Use it to compare runs of one batch
    size, or as a charge, not as a measurement. Chen et al. 2018, equation 2 and appendix C.
    """
    log_joint = _log_densities(q, z)  # [b of z, b of q, z]
    log_posterior = log_joint.diagonal().T.sum(1)
    log_q = log_joint.sum(2).logsumexp(1) - math.log(len(z))
    log_marginals = log_joint.logsumexp(1) - math.log(len(z))
    log_prior = -0.5 * (z.square() + math.log(2 * math.pi))
    return Parts(
        (log_posterior - log_q).mean(),
        (log_q - log_marginals.sum(1)).mean(),
        (log_marginals - log_prior).sum(1).mean(),
    )


@dataclass(frozen=True)
class TotalCorrelation:
    """weight * the total correlation of the codes, KL(q(z) || prod_d q(z_d)), as `decompose_kl` estimates it.

    Objective(KL(), TotalCorrelation(beta - 1)) is beta-TCVAE (Chen et al. 2018, equation 4). The estimate is biased;
    its gradient is that of the paper's weighted sampling, which differs from it by a constant. Raises TypeError or
    ValueError for a weight that is no finite number of at least 0.
    """

    weight: float = 5.0

    def __post_init__(self) -> None:
        check_number(self.weight, name="weight")

    def __call__(self, q: DiagGaussian, z: Tensor, step: Tensor | float | None = None) -> Float[Tensor, ""]:
        return self.weight * decompose_kl(q, z).total_correlation


def _log_densities(q: DiagGaussian, z: Tensor) -> Float[Tensor, "b b z"]:
    """log q(z_d of row i | image j) in [i, j, d]."""
    squared = (z[:, None] - q.mu[None]).square() * torch.exp(-q.logvar)[None]
    return -0.5 * (squared + q.logvar[None] + math.log(2 * math.pi))
