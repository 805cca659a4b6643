"""Disentanglement read off the mutual information of codes and factors."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vae_tutorial.arguments import check_whole

BINS = 20  # of equal width over each code's range, as in Locatello et al. 2019


def mutual_information(
    codes: Float[Tensor, "n z"], factors: Int64[Tensor, "n f"], *, bins: int = BINS
) -> tuple[Float[Tensor, "z f"], Float[Tensor, " f"]]:
    """I(code; factor) of every pair, each code cut into `bins` of equal width, and the factors' entropies, in nats.

    Plug-in estimates from counts, which are too high by about (bins - 1)(levels - 1) / 2n. Raises as `check_pairs`.
    """
    check_pairs(codes, factors)
    check_whole(bins, name="bins", least=2)
    low, high = codes.min(0).values, codes.max(0).values
    cut = ((codes - low) / (high - low).clamp_min(1e-12) * bins).long().clamp(max=bins - 1)
    pairs = [[_information(code, factor, bins) for factor in factors.T] for code in cut.T]
    return torch.tensor(pairs), torch.stack([_entropy(factor.bincount()) for factor in factors.T]).float()


def mig(codes: Float[Tensor, "n z"], factors: Int64[Tensor, "n f"], *, bins: int = BINS) -> float:
    """Mutual information gap: how far the code that knows a factor best is ahead of the second best.

    The difference of the two largest I(code; factor), over the factor's entropy, averaged over factors; 0 to 1, but 20
    bins cannot tell 40 levels apart, so that the factors themselves get about 0.9 on sprites. Chen et al. 2018, section
    4.1, with the estimates of Locatello et al. 2019. At least 2 latents, else ValueError; and as `check_pairs` raises.
    """
    information, entropy = mutual_information(codes, factors, bins=bins)
    if len(information) < 2:
        raise ValueError("codes must have at least 2 latents for a gap between them, got 1")
    first, second = information.topk(2, dim=0).values
    return ((first - second) / entropy).mean().item()


def modularity(codes: Float[Tensor, "n z"], factors: Int64[Tensor, "n f"], *, bins: int = BINS) -> float:
    """Whether each code knows one factor: 1 - (sum of its squared informations but the largest) / ((f - 1) largest^2).

    Averaged over codes. A code that knows nothing at all counts 0, but noise does not: its informations, all near 0,
    differ by chance, and ten codes of noise get about 0.7. Ridgeway & Mozer 2018, section 3. At least 2 factors, else
    ValueError; and as `check_pairs` raises.
    """
    squared = mutual_information(codes, factors, bins=bins)[0].square()
    if squared.shape[1] < 2:
        raise ValueError("factors must be at least 2, got 1")
    largest = squared.max(1).values
    rest = (squared.sum(1) - largest) / (largest * (squared.shape[1] - 1)).clamp_min(1e-30)
    return torch.where(largest > 0, 1 - rest, 0.0).mean().item()


def check_pairs(codes: Tensor, factors: Tensor) -> None:
    """Raise ValueError unless codes [n, z] are finite, and factors [n, f] as many, each with at least 2 levels."""
    if codes.ndim != 2 or factors.ndim != 2 or len(codes) != len(factors):
        raise ValueError(f"factors must be [n, f] beside codes [n, z], got {list(factors.shape)}, {list(codes.shape)}")
    if not codes.isfinite().all():
        raise ValueError("codes must be finite, got NaN or infinity")
    constant = [i for i, factor in enumerate(factors.T) if len(factor.unique()) < 2]
    if constant:
        raise ValueError(f"factors must have at least 2 levels each among the codes, got one in column {constant[0]}")


def _information(code: Tensor, factor: Tensor, bins: int) -> float:
    joint = torch.bincount(code * (int(factor.max()) + 1) + factor, minlength=bins * (int(factor.max()) + 1))
    table = joint.view(bins, -1)
    return (_entropy(table.sum(1)) + _entropy(table.sum(0)) - _entropy(joint)).clamp_min(0).item()


def _entropy(counts: Tensor) -> Tensor:
    shares = counts.double() / counts.sum()
    return -torch.special.xlogy(shares, shares).sum()
