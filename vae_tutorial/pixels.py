"""Images on their way in: one place that says what an image is, and what is wrong with one that is not."""

import torch
from torch import Tensor

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_images(images: Tensor, *, name: str = "images") -> Tensor:
    """Return `images` unchanged if they are uint8, or floats in [0, 1], of shape [n, c, h, w] with n >= 1.

    Raises TypeError for another type or dtype and ValueError for another shape, an empty set, or values outside [0, 1].
    """
    if not isinstance(images, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor of shape [n, c, h, w], got {type(images).__name__}")
    if images.ndim != 4:
        raise ValueError(f"{name} must have shape [n, c, h, w], got {list(images.shape)}")
    if images.numel() == 0:
        raise ValueError(f"{name} must hold at least one image with at least one pixel, got shape {list(images.shape)}")
    if images.dtype == torch.uint8:
        return images
    if images.dtype not in FLOATS:
        raise TypeError(f"{name} must be uint8 (0 to 255) or floating point (0 to 1), got {images.dtype}")
    check_unit_interval(images, name=name)
    return images


def check_unit_interval(x: Tensor, *, name: str) -> None:
    """Raise ValueError unless every value of the float tensor `x` lies in [0, 1]; NaN does not."""
    low, high = (value.item() for value in torch.aminmax(x.detach()))
    if not (low >= 0 and high <= 1):  # written so that NaN fails too
        hint = "; images scaled to [-1, 1] need (x + 1) / 2" if -1 <= low < 0 and high <= 1 else ""
        raise ValueError(f"{name} must lie in [0, 1], got values from {low:.4g} to {high:.4g}{hint}")


def as_float(images: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Images as floats of `dtype`, if given: uint8 from 0 to 255 becomes 0 to 1, floats keep their values."""
    if images.dtype == torch.uint8:
        return images.to(dtype or torch.get_default_dtype()).div_(255)
    return images if dtype is None else images.to(dtype)
