"""All scores of disentanglement at once, and the codes that say how high and how low each of them goes."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vae_tutorial.measures.mutual_information import check_pairs, mig, modularity
from vae_tutorial.measures.predictors import dci, sap
from vae_tutorial.measures.votes import beta_vae_score, factor_vae_score

SCORES = ("MIG", "SAP", "DCI", "FactorVAE", "BetaVAE", "modularity")
POINTS, TREES = 3_000, 10  # for the trees of DCI, which are slow


def disentanglement(codes: Float[Tensor, "n z"], factors: Int64[Tensor, "n f"], *, seed: int = 0) -> dict[str, float]:
    """All SCORES of codes beside the true factors, each by its name, from 0 to 1: about 10 s for 10,000 codes.

    MIG, SAP, D of DCI (from the first 3,000 points, 10 trees for each class), FactorVAE and BetaVAE (3,000 groups, a
    third of them for the test) and modularity. None of them says much without those of `reference_codes` beside it.
    Raises as the scores do.
    """
    scores = (
        mig(codes, factors),
        sap(codes, factors, seed=seed),
        dci(codes[:POINTS], factors[:POINTS], trees=TREES, seed=seed).disentanglement,
        factor_vae_score(codes, factors, votes=2_000, test_votes=1_000, seed=seed),
        beta_vae_score(codes, factors, points=2_000, test_points=1_000, seed=seed),
        modularity(codes, factors),
    )
    return dict(zip(SCORES, scores, strict=True))


def reference_codes(factors: Int64[Tensor, "n f"], z_dim: int, *, seed: int = 0) -> dict[str, Float[Tensor, "n z"]]:
    """Codes whose scores are ceilings and floors of those of a model with `z_dim` latents, each [n, z_dim].

    The factors themselves, scaled to variance 1, with noise N(0, 1) in the other latents; the same turned by a random
    rotation, as no objective that is blind to rotations could tell from it; noise alone. Raises ValueError as
    `check_pairs`, and for fewer latents than factors.
    """
    check_pairs(torch.zeros(len(factors), 1), factors)
    n, f = factors.shape
    if z_dim < f:
        raise ValueError(f"z_dim must be at least the number of factors, {f}, got {z_dim}")
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n, z_dim, generator=generator)
    levels = factors.float()
    ceiling = torch.cat([(levels - levels.mean(0)) / levels.std(0), noise[:, f:]], dim=1)
    rotation = torch.linalg.qr(torch.randn(z_dim, z_dim, generator=generator)).Q
    return {"the factors": ceiling, "the factors, rotated": ceiling @ rotation, "noise": noise}
