"""Layers of torch as the tables that browser/layers.js reads, batch norm folded into the layer before it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vae_tutorial.widgets.models import Json

# Looked up by exact type, because a subclass may compute something else.
ACTIVATIONS: dict[type[nn.Module], Callable[[Any], Json]] = {
    nn.ReLU: lambda layer: {"kind": "relu"},
    nn.LeakyReLU: lambda layer: {"kind": "leaky_relu", "slope": layer.negative_slope},
    nn.Tanh: lambda layer: {"kind": "tanh"},
    nn.ELU: lambda layer: {"kind": "elu", "alpha": layer.alpha},
    nn.SiLU: lambda layer: {"kind": "silu"},
    nn.Sigmoid: lambda layer: {"kind": "sigmoid"},
}
NOTHING_IN_EVAL_MODE = (nn.Dropout, nn.Dropout2d, nn.Identity)
NORMS: dict[type[nn.Module], tuple[str, ...]] = {
    nn.BatchNorm1d: ("linear",),
    nn.BatchNorm2d: ("conv", "conv_transpose"),
}


class UnknownLayer(Exception):  # noqa: N818 - a finding, handled where it arises
    """A layer that the browser cannot compute; the text names it."""


@dataclass(frozen=True)
class Layer:
    """What the browser is told about one layer, and its weight [out, ky, kx, in] or [out, in] and bias [out]."""

    spec: Json
    weights: tuple[Tensor, ...] = ()


def tables(body: nn.Module) -> list[Layer]:
    """The layers of `body`, an nn.Sequential of layers or of such, as they act in eval mode.

    Raises UnknownLayer naming the first one that the browser cannot compute.
    """
    found: list[Layer] = []
    for name, module in _leaves(body, "body"):
        if type(module) in NORMS:
            if not found or found[-1].spec["kind"] not in NORMS[type(module)] or module.running_var is None:
                raise UnknownLayer(f"{name}, {module}, does not follow a layer with weights or tracks no statistics")
            found[-1] = _fold(found[-1], module)
        elif type(module) not in NOTHING_IN_EVAL_MODE:
            found.append(_table(name, module))
    return found


def _leaves(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    if type(module) is nn.Sequential:
        for i, child in enumerate(module):
            yield from _leaves(child, f"{name}[{i}]")
    else:
        yield name, module


def _table(name: str, module: nn.Module) -> Layer:
    if type(module) in ACTIVATIONS:
        return Layer(ACTIVATIONS[type(module)](module))
    if type(module) is nn.Linear:
        return Layer({"kind": "linear", "in": module.in_features, "out": module.out_features}, _weights(module))
    if type(module) in (nn.Conv2d, nn.ConvTranspose2d) and (spec := _convolution(module)) is not None:
        return Layer(spec, _weights(module))
    if type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1):
        return Layer({"kind": "flatten"})
    if type(module) is nn.Unflatten and module.dim == 1 and len(module.unflattened_size) == 3:
        return Layer({"kind": "unflatten", "shape": [int(size) for size in module.unflattened_size]})
    raise UnknownLayer(f"{name}, {module}")


def _convolution(module: Any) -> Json | None:
    """The table of a convolution with square kernels and zero padding, or None for another one."""
    squares = [set(pair) for pair in (module.kernel_size, module.stride, module.padding)]
    plain = module.dilation == (1, 1) and module.groups == 1 and module.padding_mode == "zeros"
    if isinstance(module.padding, str) or not plain or any(len(pair) != 1 for pair in squares):
        return None
    (kernel,), (stride,), (padding,) = squares
    spec = {"in": module.in_channels, "out": module.out_channels, "kernel": kernel, "stride": stride}
    if type(module) is nn.Conv2d:
        return {"kind": "conv", **spec, "padding": padding}
    return {"kind": "conv_transpose", **spec, "padding": padding, "output_padding": list(module.output_padding)}


def _weights(module: Any) -> tuple[Tensor, Tensor]:
    weight = module.weight.detach().cpu()
    if weight.ndim == 4:
        weight = weight.permute(1, 2, 3, 0) if type(module) is nn.ConvTranspose2d else weight.permute(0, 2, 3, 1)
    bias = torch.zeros(len(weight)) if module.bias is None else module.bias.detach().cpu()
    return weight, bias


def _fold(layer: Layer, norm: Any) -> Layer:
    """(W x + b - mean) / std * gamma + beta, written as one layer; in float64, so that folding costs no digit."""
    weight, bias = (tensor.double() for tensor in layer.weights)
    mean, variance = norm.running_mean.detach().cpu().double(), norm.running_var.detach().cpu().double()
    scale = torch.rsqrt(variance + norm.eps)
    if norm.affine:
        scale = scale * norm.weight.detach().cpu().double()
    bias = (bias - mean) * scale
    if norm.affine:
        bias = bias + norm.bias.detach().cpu().double()
    return Layer(layer.spec, (weight * scale.view(-1, *[1] * (weight.ndim - 1)), bias))
