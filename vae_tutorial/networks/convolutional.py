"""The convolutional networks."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import nn

from vae_tutorial.networks.layers import activation_maker, check_counts, check_image_shape, check_sizes
from vae_tutorial.networks.modules import Decoder, Encoder

Size = tuple[int, int]


def conv(
    image_shape: Sequence[int],
    channels: Sequence[int] = (32, 64, 128, 256, 512),
    z_dim: int = 32,
    activation: str = "leaky_relu",
    batch_norm: bool = True,
    *,
    n_classes: int = 0,
    slope: float | None = None,
    deterministic: bool = False,
) -> tuple[Encoder, Decoder]:
    """A convolutional encoder that halves the image once per entry of `channels`, and a decoder that goes back up.

    A side of h pixels becomes ceil(h / 2) at each level and comes back exactly, whatever it was: 28 as well as 64, odd
    sides, images that are not square. Batch norm goes between each convolution and its activation, never on the heads.
    n_classes: 0, or that of a conditional pair; its encoder sees the one-hot labels as constant planes behind the
    channels of the image, its decoder behind z. slope: of leaky_relu below 0 (None: 0.01). deterministic: an encoder
    that gives one code for an image, as for an `Encoder`. Raises ValueError or TypeError for sizes below 1, no level at
    all, an unknown activation or a slope without leaky_relu.
    """
    shape = check_image_shape(image_shape)
    check_sizes(channels, name="channels")
    if not channels:
        raise ValueError("channels must hold at least one level, got ()")
    check_counts(z_dim, n_classes)
    sizes = _sizes(shape[1:], levels=len(channels))
    activate = activation_maker(activation, slope)
    heads = z_dim if deterministic else 2 * z_dim
    encoder = _down([shape[0] + n_classes, *channels], sizes[-1], heads, batch_norm, activate)
    decoder = _up(z_dim + n_classes, [*reversed(channels), channels[0]], sizes[::-1], shape[0], batch_norm, activate)
    for body in (encoder, decoder):
        body.to(memory_format=torch.channels_last)  # lesson 08's trains in 0.6 of the time (benchmarks/floor.py)
    # Of a map of a single pixel, one image gives batch norm one number per channel: nothing to take a variance of.
    down, up = (2 if batch_norm and smallest == (1, 1) else 1 for smallest in (sizes[-1], sizes[-2]))
    return (
        Encoder(encoder, shape, z_dim, n_classes=n_classes, planes=True, fewest=down, deterministic=deterministic),
        Decoder(decoder, shape, z_dim, n_classes=n_classes, fewest=up),
    )


def _sizes(size: Size, *, levels: int) -> list[Size]:
    """Height and width of the image and of the maps of each level, from large to small."""
    sizes = [size]
    for _ in range(levels):
        height, width = sizes[-1]
        sizes.append((math.ceil(height / 2), math.ceil(width / 2)))
    return sizes


def _down(
    channels: list[int], smallest: Size, out: int, batch_norm: bool, activate: Callable[[], nn.Module]
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        convolution = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=not batch_norm)
        layers += _level(convolution, after, batch_norm, activate)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * math.prod(smallest), out))


def _up(
    inputs: int, channels: list[int], sizes: list[Size], out: int, batch_norm: bool, activate: Callable[[], nn.Module]
) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Linear(inputs, channels[0] * math.prod(sizes[0]))]
    layers += [nn.Unflatten(1, (channels[0], *sizes[0]))]
    for (before, after), (height, width) in zip(pairwise(channels), sizes[1:], strict=True):
        # A transposed convolution makes 2h - 1 of h; an even side, which was halved without rounding, needs one more.
        more = (1 - height % 2, 1 - width % 2)
        convolution = nn.ConvTranspose2d(
            before, after, 3, stride=2, padding=1, output_padding=more, bias=not batch_norm
        )
        layers += _level(convolution, after, batch_norm, activate)
    return nn.Sequential(*layers, nn.Conv2d(channels[-1], out, 3, padding=1))


def _level(
    convolution: nn.Module, channels: int, batch_norm: bool, activate: Callable[[], nn.Module]
) -> list[nn.Module]:
    """A convolution, which leaves its bias to batch norm where there is one, and what follows it."""
    return [convolution, *([nn.BatchNorm2d(channels)] if batch_norm else []), activate()]
