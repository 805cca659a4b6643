"""The fully connected networks."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from vae_tutorial.arguments import check_share
from vae_tutorial.networks.layers import activation_maker, check_counts, check_image_shape, check_sizes, initialize
from vae_tutorial.networks.modules import Decoder, Encoder


def mlp(
    image_shape: Sequence[int] = (1, 28, 28),
    hidden: Sequence[int] = (512, 256),
    z_dim: int = 32,
    activation: str = "relu",
    batch_norm: bool = False,
    dropout: float = 0.0,
    *,
    n_classes: int = 0,
    slope: float | None = None,
    latent_dropout: float = 0.0,
    initialization: str = "default",
    deterministic: bool = False,
) -> tuple[Encoder, Decoder]:
    """A fully connected encoder with the layers of `hidden`, and a decoder with the same layers in reverse.

    Batch norm goes between each hidden layer and its activation, dropout behind the activation; never on the heads
    that give mu, logvar or the logits. n_classes: 0, or that of a conditional pair, whose first layers see the one-hot
    labels behind the pixels and behind z. slope: of leaky_relu below 0 (None: 0.01). latent_dropout: the share of z
    that the decoder loses in train mode, the rest scaled up. initialization: "default" (PyTorch's), "xavier" or
    "kaiming", of all layers. deterministic: an encoder that gives one code for an image, as for an `Encoder`. Raises
    ValueError or TypeError for sizes below 1, a dropout outside [0, 1), an unknown activation or initialization, or a
    slope without leaky_relu.
    """
    shape = check_image_shape(image_shape)
    check_sizes(hidden, name="hidden")
    check_counts(z_dim, n_classes)
    check_share(dropout, name="dropout")
    activate = activation_maker(activation, slope)

    def stack(sizes: Sequence[int], out: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after)]
            layers += [nn.BatchNorm1d(after)] if batch_norm else []
            layers += [activate()]
            layers += [nn.Dropout(dropout)] if dropout else []
        return [*layers, nn.Linear(sizes[-1], out)]

    pixels = math.prod(shape)
    heads = z_dim if deterministic else 2 * z_dim
    encoder = nn.Sequential(nn.Flatten(), *stack([pixels + n_classes, *hidden], heads))
    decoder = nn.Sequential(*stack([z_dim + n_classes, *reversed(hidden)], pixels))
    for body in (encoder, decoder):
        initialize(body, initialization)
    fewest = 2 if batch_norm and hidden else 1
    return (
        Encoder(encoder, shape, z_dim, n_classes=n_classes, fewest=fewest, deterministic=deterministic),
        Decoder(decoder, shape, z_dim, n_classes=n_classes, fewest=fewest, latent_dropout=latent_dropout),
    )
