"""Encoders map x [b, c, h, w] to a DiagGaussian over z; decoders map z [b, z] to logits [b, c, h, w]."""

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Real

from torch import Tensor, nn

from vae_tutorial.arguments import check_choice, check_whole
from vae_tutorial.gaussian import DiagGaussian

ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh, "elu": nn.ELU, "silu": nn.SiLU}

# Outside this range exp(logvar) is of no use to float32 training; the gradient of a clamped logvar is zero.
LOGVAR_RANGE = (-10.0, 10.0)


class Encoder(nn.Module):
    """q(z|x) from a body that ends in 2 z_dim numbers: the means, then the log variances.

    Log variances are clamped to [-10, 10]; outside they have no gradient.
    """

    def __init__(self, body: nn.Module, image_shape: tuple[int, int, int], z_dim: int):
        super().__init__()
        self.body, self.image_shape, self.z_dim = body, image_shape, z_dim

    def forward(self, x: Tensor) -> DiagGaussian:
        if tuple(x.shape[1:]) != self.image_shape:
            raise ValueError(f"x must have shape [b, {', '.join(map(str, self.image_shape))}], got {list(x.shape)}")
        if len(x) == 1 and self.training and any(isinstance(m, nn.BatchNorm1d) for m in self.modules()):
            raise ValueError("x must hold at least 2 images for batch norm in train mode, got 1; use model.eval()")
        mu, logvar = self.body(x).chunk(2, dim=-1)
        return DiagGaussian(mu, logvar.clamp(*LOGVAR_RANGE))


class Decoder(nn.Module):
    """The logits of p(x|z): raw numbers, one per pixel; what they mean is the likelihood's business."""

    def __init__(self, body: nn.Module, image_shape: tuple[int, int, int], z_dim: int):
        super().__init__()
        self.body, self.image_shape, self.z_dim = body, image_shape, z_dim

    def forward(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"z must have shape [b, {self.z_dim}], got {list(z.shape)}")
        return self.body(z).view(-1, *self.image_shape)


def mlp(
    image_shape: Sequence[int] = (1, 28, 28),
    hidden: Sequence[int] = (512, 256),
    z_dim: int = 32,
    activation: str = "relu",
    batch_norm: bool = False,
    dropout: float = 0.0,
) -> tuple[Encoder, Decoder]:
    """A fully connected encoder with the layers of `hidden`, and a decoder with the same layers in reverse.

    Batch norm goes between each hidden layer and its activation, dropout behind the activation; never on the heads
    that give mu, logvar or the logits. Raises ValueError for sizes below 1, dropout outside [0, 1) or an unknown
    activation.
    """
    shape = _check_sizes(image_shape, hidden, z_dim)
    if not isinstance(dropout, Real) or not 0 <= dropout < 1:
        raise ValueError(f"dropout must lie in [0, 1), got {dropout!r}")
    check_choice(activation, ACTIVATIONS, name="activation")

    def stack(sizes: Sequence[int], out: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after)]
            layers += [nn.BatchNorm1d(after)] if batch_norm else []
            layers += [ACTIVATIONS[activation]()]
            layers += [nn.Dropout(dropout)] if dropout else []
        return [*layers, nn.Linear(sizes[-1], out)]

    pixels = math.prod(shape)
    encoder = nn.Sequential(nn.Flatten(), *stack([pixels, *hidden], 2 * z_dim))
    decoder = nn.Sequential(*stack([z_dim, *reversed(hidden)], pixels))
    return Encoder(encoder, shape, z_dim), Decoder(decoder, shape, z_dim)


def _check_sizes(image_shape: Sequence[int], hidden: Sequence[int], z_dim: int) -> tuple[int, int, int]:
    check_whole(z_dim, name="z_dim")
    for name, sizes in (("image_shape", image_shape), ("hidden", hidden)):
        if not isinstance(sizes, Sequence) or any(not isinstance(size, int) or size < 1 for size in sizes):
            given = tuple(sizes) if isinstance(sizes, Sequence) else sizes
            raise ValueError(f"{name} must be made of sizes of at least 1, got {given!r}")
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (channels, height, width), got {tuple(image_shape)}")
    channels, height, width = image_shape
    return channels, height, width
