"""Encoders map x [b, c, h, w] to a DiagGaussian over z; decoders map z [b, z] to logits [b, c, h, w].

Conditional ones take (x, y) and (z, y), with labels y one-hot [b, n_classes].
"""

from vae_tutorial.networks.convolutional import conv
from vae_tutorial.networks.dense import mlp
from vae_tutorial.networks.layers import ACTIVATIONS
from vae_tutorial.networks.modules import LOGVAR_RANGE, Decoder, Encoder

__all__ = ["ACTIVATIONS", "LOGVAR_RANGE", "Decoder", "Encoder", "conv", "mlp"]
