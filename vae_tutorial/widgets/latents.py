"""What a model's latents are used for, measured on some images."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_tutorial.pixels import check_images
from vae_tutorial.vae import VAE

MAX_IMAGES = 1000  # enough for the order of the latents, few enough to be measured again after every epoch


@dataclass(frozen=True)
class Sample:
    """At most 1000 images, spread evenly over a set (which may be sorted by class), and their labels if there are any.

    x: uint8 or float [n, c, h, w]; y: int64 [n] or None.
    """

    x: Tensor
    y: Tensor | None


@dataclass(frozen=True)
class Latents:
    """Every latent's KL to the prior in nats [z], their order from most to least, the means [n, z], the labels [n]."""

    kl: Tensor
    order: list[int]
    mu: Tensor
    y: Tensor | None


def take_sample(images: Any, shape: tuple[int, int, int]) -> Sample:
    """Pick images of `shape` (c, h, w) from a tensor [n, c, h, w], or from an object with such an `x` and labels `y`.

    Raises TypeError or ValueError that names `images` and what was expected of them.
    """
    x = images if isinstance(images, Tensor) else getattr(images, "x", None)
    y = None if isinstance(images, Tensor) else getattr(images, "y", None)
    if x is None:
        raise TypeError(f"images must be a tensor [n, c, h, w] or have it as their x, got {type(images).__name__}")
    check_images(x)
    if tuple(x.shape[1:]) != shape:
        raise ValueError(f"images must have shape [n, {str(shape)[1:-1]}] for this model, got {list(x.shape)}")
    if y is not None and y.shape != x.shape[:1]:
        raise ValueError(f"images.y must have shape [{len(x)}], one label per image, got {list(y.shape)}")
    chosen = torch.linspace(0, len(x) - 1, min(len(x), MAX_IMAGES)).round().long()
    return Sample(x[chosen.to(x.device)].cpu(), None if y is None else y[chosen.to(y.device)].cpu())


def measure(model: VAE, sample: Sample) -> Latents:
    """Encode the sample and rank the latents by their mean KL; equal ones keep the model's order.

    Raises ValueError where the encoder gives numbers that are not finite.
    """
    q = model.encode(sample.x)
    kl = q.kl_terms().mean(0).cpu()
    if not torch.isfinite(kl).all():
        raise ValueError("the encoder gives codes that are not finite: the training has diverged")
    return Latents(kl, kl.argsort(descending=True, stable=True).tolist(), q.mu.cpu(), sample.y)
