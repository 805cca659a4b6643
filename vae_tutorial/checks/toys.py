"""Small models and numbers that checks and exercises share, the same for the same seed on every machine."""

from typing import Any

import torch
from torch import Tensor

from vae_tutorial.checks.answers import numbers
from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE

SIDE = 4  # pixels of a toy image


def draw(seed: int, *shape: int) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def toy_images(seed: int, *batch: int) -> Tensor:
    """Grey images [*batch, 1, 4, 4] in (0, 1), most pixels nearly black or white."""
    return torch.sigmoid(3 * draw(seed, *batch, 1, SIDE, SIDE))


def toy_vae(seed: int, z_dim: int = 3, *, contrast: float = 1.0) -> VAE:
    """A small VAE of images [b, 1, 4, 4], untrained; with more contrast z decides more of each pixel."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = VAE(*mlp((1, SIDE, SIDE), hidden=(8,), z_dim=z_dim, activation="tanh"))
    with torch.no_grad():
        list(model.decoder.parameters())[-2].mul_(contrast)
    return model


def no_pixels(picture: Any) -> str | None:
    """What is wrong with the range of a learner's picture, if it is numbers at all."""
    seen = numbers(picture)
    if seen is None or (seen.min() >= 0 and seen.max() <= 1):
        return None
    return f"they go from {seen.min():.3g} to {seen.max():.3g}: what makes probabilities of logits?"
