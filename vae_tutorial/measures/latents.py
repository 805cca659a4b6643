"""What the latents of a trained model do."""

import torch
from jaxtyping import Float
from torch import Tensor

from vae_tutorial.arguments import check_number, check_whole
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.pixels import check_images
from vae_tutorial.vae import Model, readable

Labels = Tensor | int | None


def code_dataset(model: Model, x: Tensor, y: Labels = None, *, batch_size: int = 1000) -> DiagGaussian:
    """The posteriors of all images x [n, c, h, w], encoded batch by batch, on the CPU.

    y: the labels of the images, for a ConditionalVAE. Raises as `check_images` and `check_labels` do.
    """
    check_images(x, name="x")
    check_whole(batch_size, name="batch_size")
    labels = [hot.split(batch_size) for hot in model.conditions(readable(y), len(x))]
    codes = [model.encode(*part) for part in zip(x.split(batch_size), *labels, strict=True)]
    return DiagGaussian(torch.cat([q.mu.cpu() for q in codes]), torch.cat([q.logvar.cpu() for q in codes]))


def kl_per_dimension(model: Model, x: Tensor, y: Labels = None) -> Float[Tensor, " z"]:
    """Mean over the images x [n, c, h, w] of each latent's KL(q(z|x) || N(0, 1)), in nats, [z]; their sum is the KL."""
    return code_dataset(model, x, y).kl_terms().mean(0)


def active_units(model: Model, x: Tensor, threshold: float = 0.01, *, y: Labels = None) -> int:
    """How many latents move with the image: variance of mu over the images x above `threshold`.

    Burda, Grosse & Salakhutdinov 2016, section 5, with their threshold. Needs at least 2 images, else ValueError.
    """
    check_number(threshold, name="threshold")
    if len(check_images(x, name="x")) < 2:
        raise ValueError(f"x must hold at least 2 images, got {len(x)}")
    return int((code_dataset(model, x, y).mu.var(0, correction=0) > threshold).sum())
