"""Encoders and decoders as data: their layers as a small table and their weights as bytes, for a browser to run.

browser/network.js reads what is written here and checks it again: nothing in a payload is ever run as code.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, Likelihood
from vae_tutorial.networks import Decoder, Encoder
from vae_tutorial.vae import Model
from vae_tutorial.widgets.layers import UnknownLayer, tables
from vae_tutorial.widgets.models import Json, image_shape

PRECISIONS = {"float32": (torch.float32, "<f4"), "float16": (torch.float16, "<f2")}  # little-endian, as browsers are


def decoder_payload(model: Model, *, precision: str = "float16", number: int = 0) -> Json:
    """The decoder of `model` in eval mode, as a dict of plain values with one bytes object, its weights.

    precision: "float16" (errors near 1e-3 in the picture), or "float32" in twice the bytes. A decoder with a layer or
    a likelihood that the browser does not know becomes a note to ask the kernel for the model with this `number`.
    Raises ValueError for another precision, weights that are not finite or that float16 cannot hold, or images with
    neither 1 nor 3 channels.
    """
    check_precision(precision)
    sizes = _sizes(model)
    try:
        if type(model.decoder) is not Decoder:
            raise UnknownLayer(f"the decoder is a {type(model.decoder).__name__}")
        mean, network = _mean(model.likelihood), _network(model.decoder.body, precision)
    except UnknownLayer as unknown:
        return {**sizes, "kernel": number, "why": str(unknown)}
    return {**sizes, "mean": mean, "network": network}


def encoder_payload(model: Model, *, precision: str = "float16") -> Json:
    """The encoder of `model` in eval mode, as `decoder_payload` writes decoders.

    Raises TypeError naming the layer that the browser does not know, and ValueError as `decoder_payload`.
    """
    check_precision(precision)
    if type(model.encoder) is not Encoder:
        raise TypeError(f"the encoder must be a vae_tutorial.networks.Encoder, got {type(model.encoder).__name__}")
    try:
        network = _network(model.encoder.body, precision)
    except UnknownLayer as unknown:
        raise TypeError(f"the encoder cannot be run in the browser: {unknown}") from None
    about = {"planes": model.encoder.planes or not model.n_classes, "deterministic": model.encoder.deterministic}
    return {**_sizes(model), **about, "network": network}


def check_precision(precision: str) -> None:
    if precision not in PRECISIONS:
        raise ValueError(f'precision must be "float16" or "float32", got {precision!r}')


def _sizes(model: Model) -> Json:
    shape = image_shape(model)
    if shape[0] not in (1, 3):
        raise ValueError(f"images must have 1 or 3 channels to be shown, got {shape[0]}")
    return {"z_dim": model.z_dim, "n_classes": model.n_classes, "image_shape": list(shape)}


def _mean(likelihood: Likelihood) -> str:
    if type(likelihood) is Bernoulli:
        return "sigmoid"
    if type(likelihood) is ContinuousBernoulli:
        return "continuous_bernoulli"
    if type(likelihood) is Gaussian:
        return likelihood.link
    raise UnknownLayer(f"the likelihood is {likelihood}")


def _network(body: nn.Module, precision: str) -> Json:
    layers = tables(body)
    return {
        "format": 2,
        "layers": [layer.spec for layer in layers],
        "precision": precision,
        "weights": _pack([tensor for layer in layers for tensor in layer.weights], precision),
    }


def _pack(tensors: Sequence[Tensor], precision: str) -> bytes:
    if not all(tensor.isfinite().all() for tensor in tensors):
        raise ValueError("the model holds weights that are not finite: the training has diverged")
    dtype, code = PRECISIONS[precision]
    largest = max((tensor.abs().max().item() for tensor in tensors), default=0.0)
    limit = torch.finfo(dtype).max
    if largest > limit:
        raise ValueError(
            f"precision {precision} ends at {limit:.6g}, the largest weight of the model is {largest:.6g}; "
            'use precision="float32"'
        )
    return b"".join(tensor.float().contiguous().numpy().astype(code).tobytes() for tensor in tensors)
