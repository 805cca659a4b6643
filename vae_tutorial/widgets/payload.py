"""A decoder as data: its layers as a small table and its weights as bytes, for a browser that decodes on its own.

browser/decode.js reads what `payload` writes and checks it again: nothing in a payload is ever run as code.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, Likelihood
from vae_tutorial.networks import Decoder
from vae_tutorial.vae import VAE

Json = dict[str, Any]

# Looked up by exact type, because a subclass may compute something else.
ACTIVATIONS: dict[type[nn.Module], Callable[[Any], Json]] = {
    nn.ReLU: lambda layer: {"kind": "relu"},
    nn.LeakyReLU: lambda layer: {"kind": "leaky_relu", "slope": layer.negative_slope},
    nn.Tanh: lambda layer: {"kind": "tanh"},
    nn.ELU: lambda layer: {"kind": "elu", "alpha": layer.alpha},
    nn.SiLU: lambda layer: {"kind": "silu"},
}
NOTHING_IN_EVAL_MODE = (nn.Dropout, nn.Identity)
PRECISIONS = {"float32": (torch.float32, "<f4"), "float16": (torch.float16, "<f2")}  # little-endian, as browsers are


@dataclass(frozen=True)
class Layer:
    """What the browser is told about one layer, and the tensors behind it in the order in which it reads them."""

    spec: Json
    weights: tuple[Tensor, ...] = ()


def payload(model: VAE, *, precision: str = "float32") -> Json:
    """The decoder of `model` in eval mode, as a dict of plain values and one bytes object, "weights".

    precision: "float32", or "float16" for half the size and errors near 1e-3. Weights lie layer by layer: the matrix
    [out, in] row by row, then the bias [out]. Batch norm is folded into the linear layer before it. Raises TypeError
    naming the first layer or likelihood that the browser does not know, and ValueError for another precision, weights
    that are not finite or that float16 cannot hold, or images with neither 1 nor 3 channels.
    """
    if precision not in PRECISIONS:
        raise ValueError(f'precision must be "float32" or "float16", got {precision!r}')
    decoder = model.decoder
    if type(decoder) is not Decoder:
        raise TypeError(f"the decoder must be a vae_tutorial.networks.Decoder, got {type(decoder).__name__}")
    if decoder.image_shape[0] not in (1, 3):
        raise ValueError(f"images must have 1 or 3 channels to be shown, got {decoder.image_shape[0]}")
    layers = _layers(decoder)
    return {
        "format": 1,
        "z_dim": decoder.z_dim,
        "image_shape": list(decoder.image_shape),
        "layers": [layer.spec for layer in layers],
        "output": _output(model.likelihood),
        "precision": precision,
        "weights": _pack([tensor for layer in layers for tensor in layer.weights], precision),
    }


def _layers(decoder: Decoder) -> list[Layer]:
    found: list[Layer] = []
    for name, module in _leaves(decoder.body, "decoder.body"):
        if type(module) is nn.Linear:
            found.append(_linear(module))
        elif type(module) is nn.BatchNorm1d:
            if not found or found[-1].spec["kind"] != "linear" or module.running_var is None:
                raise TypeError(f"{name}, {module}, must follow a Linear layer and track running statistics")
            found[-1] = _fold(found[-1], module)
        elif type(module) in ACTIVATIONS:
            found.append(Layer(ACTIVATIONS[type(module)](module)))
        elif type(module) not in NOTHING_IN_EVAL_MODE:
            raise TypeError(f"{name}, {module}, cannot be decoded in the browser; known are {_known()}")
    return found


def _known() -> str:
    known = [nn.Linear, nn.BatchNorm1d, *ACTIVATIONS, *NOTHING_IN_EVAL_MODE]
    return ", ".join(kind.__name__ for kind in known)


def _leaves(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    if type(module) is nn.Sequential:
        for i, child in enumerate(module):
            yield from _leaves(child, f"{name}[{i}]")
    else:
        yield name, module


def _linear(module: nn.Linear) -> Layer:
    weight = module.weight.detach().cpu().double()  # folded in double, so that folding costs no digit
    bias = torch.zeros(module.out_features) if module.bias is None else module.bias.detach().cpu()
    spec = {"kind": "linear", "in": module.in_features, "out": module.out_features}
    return Layer(spec, (weight, bias.double()))


def _fold(linear: Layer, norm: nn.BatchNorm1d) -> Layer:
    """(W z + b - mean) / std * gamma + beta, written as one linear layer."""
    weight, bias = linear.weights
    mean, variance = (t.detach().cpu().double() for t in (norm.running_mean, norm.running_var) if t is not None)
    scale = torch.rsqrt(variance + norm.eps)
    if norm.affine:
        scale = scale * norm.weight.detach().cpu().double()
    bias = (bias - mean) * scale
    if norm.affine:
        bias = bias + norm.bias.detach().cpu().double()
    return Layer(linear.spec, (weight * scale[:, None], bias))


def _output(likelihood: Likelihood) -> str:
    if type(likelihood) is Bernoulli:
        return "sigmoid"
    if type(likelihood) is ContinuousBernoulli:
        return "continuous_bernoulli"
    if type(likelihood) is Gaussian:
        return likelihood.link
    raise TypeError(
        f"the browser draws the mean of Bernoulli, ContinuousBernoulli and Gaussian likelihoods, got {likelihood}"
    )


def _pack(tensors: list[Tensor], precision: str) -> bytes:
    numbers = torch.cat([tensor.flatten() for tensor in tensors]) if tensors else torch.zeros(0)
    largest = numbers.abs().max().item() if len(numbers) else 0.0
    if not math.isfinite(largest):
        raise ValueError("the decoder holds weights that are not finite: the training has diverged")
    dtype, code = PRECISIONS[precision]
    limit = torch.finfo(dtype).max
    if largest > limit:
        raise ValueError(
            f"precision {precision} ends at {limit:.6g}, the largest weight of the decoder is {largest:.6g}"
        )
    return numbers.numpy().astype(code).tobytes()
