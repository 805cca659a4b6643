"""Charges for the covariance of the codes of a batch."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vae_tutorial.arguments import check_choice, check_number
from vae_tutorial.gaussian import DiagGaussian

KINDS = {"i": 10.0, "ii": 1.0}  # how many times the off-diagonal weight the paper gives to the diagonal


def code_covariance(q: DiagGaussian, kind: Literal["i", "ii"] = "ii") -> Float[Tensor, "z z"]:
    """The covariance of the codes of a batch, [z, z]: of the posterior means ("i") or of z itself ("ii").

    By the law of total covariance that of z ~ q(z) = mean of q(z|x) over the batch is the covariance of the means plus
    the mean of the posteriors' variances, on the diagonal. The divisor is the batch size: it is the covariance of this
    batch, not an estimate of that of all images. Raises ValueError for another kind or fewer than 2 codes.
    """
    check_choice(kind, KINDS, name="kind")
    if len(q.mu) < 2:
        raise ValueError(f"q must hold at least 2 posteriors to have a covariance, got {len(q.mu)}")
    centred = q.mu - q.mu.mean(0)
    covariance = centred.T @ centred / len(centred)
    return covariance if kind == "i" else covariance + torch.diag(q.logvar.exp().mean(0))


@dataclass(frozen=True)
class DIP:
    """off_diagonal * sum of squared covariances + diagonal * sum of (variance - 1)^2: the DIP of DIP-VAE.

    DIP stands for disentangled inferred prior: the codes of all images together are to have the prior's covariance I.
    kind "i" looks at the posterior means alone, "ii" at the codes themselves, see `code_covariance`. Each pair of
    latents counts twice, as (i, j) and (j, i). diagonal: None for 10 times off_diagonal in "i" and for the same in
    "ii", as in the paper. It is charged beside the KL: Objective(KL(), DIP()). Of independent codes a batch of b still
    shows a penalty of about off_diagonal * (z^2 - z) / b. Kumar, Sattigeri & Balakrishnan 2018, equations 6 and 7.
    Raises ValueError or TypeError for another kind, or a weight that is no finite number of at least 0.
    """

    kind: Literal["i", "ii"] = "ii"
    off_diagonal: float = 10.0
    diagonal: float | None = None

    def __post_init__(self) -> None:
        check_choice(self.kind, KINDS, name="kind")
        check_number(self.off_diagonal, name="off_diagonal")
        if self.diagonal is not None:
            check_number(self.diagonal, name="diagonal")

    def __call__(self, q: DiagGaussian, z: Tensor, step: Tensor | float | None = None) -> Float[Tensor, ""]:
        covariance = code_covariance(q, self.kind)
        variances = covariance.diagonal()
        diagonal = KINDS[self.kind] * self.off_diagonal if self.diagonal is None else self.diagonal
        pairs = (covariance - torch.diag(variances)).square().sum()
        return self.off_diagonal * pairs + diagonal * (variances - 1).square().sum()
