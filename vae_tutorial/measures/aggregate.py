"""Whether the codes of all images together are distributed as the prior is."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from vae_tutorial.arguments import check_whole
from vae_tutorial.regularizers import imq


class PriorTest(NamedTuple):
    """mmd2: the unbiased estimate of MMD^2; p_value: how often chance alone gives as much; null: its standard
    deviation then."""

    mmd2: float
    p_value: float
    null: float


def prior_test(z: Float[Tensor, "n z"], *, permutations: int = 200, seed: int = 0) -> PriorTest:
    """Compare codes z, one drawn from the posterior of each of n images, with n draws from the prior N(0, I).

    MMD^2 with the seven inverse multiquadratic kernels; where the two crowds have one distribution, it is as good as
    any that comes from dealing the 2 n points out anew, which is done `permutations` times. A small p_value says that
    they differ; a large one that n codes cannot tell. Gretton et al. 2012, section 2. Needs memory for a few tables of
    (2 n)^2 numbers: 1,000 codes will do. Raises ValueError for fewer than 2 codes.
    """
    check_whole(permutations, name="permutations")
    if z.ndim != 2 or len(z) < 2:
        raise ValueError(f"z must hold at least 2 codes [n, z], got {list(z.shape)}")
    n, generator = len(z), torch.Generator().manual_seed(seed)
    z = z.detach().cpu().double()
    pooled = torch.cat([z, torch.randn(z.shape, dtype=z.dtype, generator=generator)])
    gram = imq(pooled, pooled).fill_diagonal_(0)
    mine = torch.zeros(2 * n, permutations + 1, dtype=z.dtype)
    mine[:n, 0] = 1  # as it is; the other columns deal half of the points out by chance
    for column in mine.T[1:]:
        column[torch.randperm(2 * n, generator=generator)[:n]] = 1
    others = 1 - mine
    within = ((gram @ mine) * mine).sum(0) + ((gram @ others) * others).sum(0)
    values = within / (n * (n - 1)) - 2 * ((gram @ mine) * others).sum(0) / n**2
    null = values[1:]
    p_value = (1 + int((null >= values[0]).sum())) / (1 + permutations)
    return PriorTest(values[0].item(), p_value, null.std().item())
