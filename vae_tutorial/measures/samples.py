"""What can be said of pictures without a judge."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vae_tutorial.pixels import as_float, check_images

LAPLACIAN = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])


def sharpness(images: Tensor) -> Float[Tensor, " n"]:
    """Variance of the discrete Laplacian over each image's inner pixels, [n]: blur lowers it, noise raises it.

    images [n, c, h, w], uint8 or floats in [0, 1], at least 3 x 3 pixels, else ValueError. Pech-Pacheco et al. 2000
    (there a measure of focus). Compare only with the data's own value: it says nothing about being right.
    """
    x = as_float(check_images(images))
    if min(x.shape[2:]) < 3:
        raise ValueError(f"images must have at least 3 x 3 pixels, got {x.shape[2]} x {x.shape[3]}")
    channels = x.shape[1]
    kernel = LAPLACIAN.to(x).expand(channels, 1, 3, 3)
    return F.conv2d(x, kernel, groups=channels).flatten(1).var(1, correction=0)
