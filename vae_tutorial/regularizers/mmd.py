"""Charges for the distance between a crowd of codes and the prior: the maximum mean discrepancy."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vae_tutorial.arguments import check_choice, check_number
from vae_tutorial.gaussian import DiagGaussian

Kernel = Callable[[Tensor, Tensor], Tensor]

# Of the authors' code: small scales feel codes that are close to the prior's, large ones those that are far away.
SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def rbf(a: Tensor, b: Tensor, *, width2: float | None = None) -> Float[Tensor, "n m"]:
    """The Gaussian kernel exp(-|a_i - b_j|^2 / (2 width2)) of codes a [n, z] and b [m, z], as [n, m].

    width2: the square of the kernel's width, by default z, so that two codes from the prior, 2 z apart in the square on
    average, get about 1/e. Raises ValueError for codes of different sizes, or a width2 that is not above 0.
    """
    squared = _squared_distances(a, b)
    width2 = a.shape[1] if width2 is None else check_number(width2, name="width2", positive=True)
    return torch.exp(-squared / (2 * width2))


def imq(a: Tensor, b: Tensor, *, c: float | None = None, scales: tuple[float, ...] = SCALES) -> Float[Tensor, "n m"]:
    """The inverse multiquadratic kernel, sum over s of s c / (s c + |a_i - b_j|^2), of codes a [n, z] and b [m, z].

    c: by default 2 z, the expected squared distance of two codes from the prior (Tolstikhin et al. 2018, section 4);
    scales: by default the seven of the authors' code, (1.0,) for the single kernel of their text. Its tail is heavy:
    unlike the Gaussian one it still pulls on codes that are far away. Raises ValueError as `rbf` does, for c and scales
    too.
    """
    squared = _squared_distances(a, b)
    c = 2 * a.shape[1] if c is None else check_number(c, name="c", positive=True)
    if not scales:
        raise ValueError("scales must hold at least one number, got ()")
    widths = [c * check_number(scale, name="scales", positive=True) for scale in scales]
    total = torch.zeros_like(squared)
    for width in widths:
        total = total + width / (width + squared)
    return total


def mmd2(a: Tensor, b: Tensor, kernel: Kernel) -> Float[Tensor, ""]:
    """The unbiased estimate of MMD^2 between the distributions that codes a [n, z] and b [m, z] were drawn from.

    Mean kernel within a, plus that within b, both without the pairs of a code and itself, minus twice that between them
    (Gretton et al. 2012, lemma 6). It is 0 on average where the two distributions are the same, so about half of its
    values there are negative: it is no square, and nothing to take a root of. Raises ValueError unless both hold at
    least 2 codes of one size.
    """
    for name, codes in (("a", a), ("b", b)):
        if codes.ndim != 2 or len(codes) < 2:
            raise ValueError(f"{name} must hold at least 2 codes [n, z], got {list(codes.shape)}")
    return _off_diagonal_mean(kernel(a, a)) + _off_diagonal_mean(kernel(b, b)) - 2 * kernel(a, b).mean()


@dataclass(frozen=True)
class MMD:
    """weight * MMD^2 between the codes z of the batch and as many draws from the prior N(0, prior_variance I).

    In place of the KL it makes the VAE a WAE-MMD: Objective(MMD()), with likelihood Gaussian(sigma=sqrt(1/2)), whose
    cost is the summed squared error, plus a constant. The default weight is the authors' for MNIST: lambda = 10 on a
    squared error that their code multiplies by 0.05. Where images grow, the error grows with their pixels, and the
    weight must follow. kernel: "imq", of seven scales, or "rbf", both with widths fitted to the prior. Tolstikhin et
    al. 2018, algorithm 2. Raises TypeError or ValueError for another kernel, a weight that is no finite number of at
    least 0 or a prior_variance that is not above 0.
    """

    weight: float = 200.0
    kernel: Literal["imq", "rbf"] = "imq"
    prior_variance: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.weight, name="weight")
        check_choice(self.kernel, ("imq", "rbf"), name="kernel")
        check_number(self.prior_variance, name="prior_variance", positive=True)

    def __call__(self, q: DiagGaussian, z: Tensor, step: Tensor | float | None = None) -> Float[Tensor, ""]:
        prior = self.prior_variance**0.5 * torch.randn_like(z)
        return self.weight * mmd2(z, prior, self._kernel(z.shape[1]))

    def _kernel(self, z_dim: int) -> Kernel:
        spread = z_dim * self.prior_variance
        return partial(imq, c=2 * spread) if self.kernel == "imq" else partial(rbf, width2=spread)


def _off_diagonal_mean(gram: Float[Tensor, "n n"]) -> Float[Tensor, ""]:
    n = len(gram)
    return (gram.sum() - gram.diagonal().sum()) / (n * (n - 1))


def _squared_distances(a: Tensor, b: Tensor) -> Float[Tensor, "n m"]:
    """|a_i - b_j|^2 from the differences: |a|^2 + |b|^2 - 2 ab would be negative, by rounding, for codes far out.

    A root and a square, but no table [n, m, z] in between; where codes coincide the gradient is 0, as it should be.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"a and b must be codes [n, z] and [m, z], got {list(a.shape)} and {list(b.shape)}")
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square()
