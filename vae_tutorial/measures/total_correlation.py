"""How much latents tell about each other, as far as correlations show it."""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def gaussian_total_correlation(codes: Float[Tensor, "n z"]) -> float:
    """0.5 (sum_d log C_dd - log det C), in nats, C the covariance of codes [n, z]: their total correlation if Gaussian.

    Watanabe 1960; of the means mu, it is what disentanglement_lib reports. 0 where no two latents are correlated, as
    z and z^2 are not, however much they tell about each other; inf where one is a linear function of the others, to the
    precision of float64. Chance adds about z (z - 1) / (4 n). The scale of a latent does not count: of mu, one that the
    posterior's noise would bury is taken as seriously as any other. One that never changes tells nothing and is left
    out. Raises TypeError for what is no tensor, ValueError for codes that are not finite or no more than the latents.
    """
    _check(codes)
    if len(codes) <= codes.shape[1]:
        raise ValueError(f"codes must be more than their {codes.shape[1]} latents, got {len(codes)}")
    alive = codes[:, codes.amax(0) > codes.amin(0)].detach().cpu().double()
    d = alive.shape[1]
    if d < 2:
        return 0.0
    eigenvalues = torch.linalg.eigvalsh(alive.T.corrcoef())
    if eigenvalues[0] <= d * torch.finfo(eigenvalues.dtype).eps * eigenvalues[-1]:
        return math.inf
    return -0.5 * eigenvalues.log().sum().item()


def shuffle_codes(codes: Float[Tensor, "n z"], seed: int = 0) -> Float[Tensor, "n z"]:
    """Each latent's values dealt out anew over the images, on its own: a draw from the product of the marginals.

    What a FactorVAE's critic compares codes with (Kim & Mnih 2018, algorithm 1). Every latent keeps its values; what
    they tell about each other is gone. The caller's random state is left as found. Raises TypeError or ValueError for
    other than finite codes [n, z].
    """
    _check(codes)
    draws = torch.rand(codes.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return codes.gather(0, draws.argsort(0).to(codes.device))


def _check(codes: Tensor) -> None:
    if not isinstance(codes, Tensor):
        raise TypeError(f"codes must be a tensor [n, z], got {type(codes).__name__}")
    if codes.ndim != 2 or 0 in codes.shape:
        raise ValueError(f"codes must have shape [n, z], got {list(codes.shape)}")
    if not codes.isfinite().all():
        raise ValueError("codes must hold finite numbers only, got NaN or infinity")
