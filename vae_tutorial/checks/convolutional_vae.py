"""Checks of exercise 08: sides of convolutions, encoder and decoder for a given size, parameters, range and shape."""

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vae_tutorial.checks.answers import Answer, ask, given
from vae_tutorial.checks.comparing import Verdict, matches, one_of, refuses
from vae_tutorial.checks.convolutional_toys import measured
from vae_tutorial.checks.toys import draw
from vae_tutorial.networks import conv

FAULTS = ("bare logits", "tanh on [0, 1]", "sigmoid on [-1, 1]", "divided twice")
CASES = ((28, 3, 2, 1), (7, 3, 2, 1), (10, 4, 3, 0), (11, 5, 1, 2), (9, 2, 3, 1))
UP_CASES = ((7, 3, 2, 1, 1), (7, 3, 2, 1, 0), (4, 4, 3, 0, 2), (5, 5, 1, 2, 0), (6, 2, 3, 1, 1))


def conv_side(function: Callable, *, cases: tuple = CASES) -> Iterator[Verdict]:
    """A learner's (side, kernel, stride, padding) -> side behind a convolution."""

    def each(side_of: Callable[[int, int, int, int], float]) -> Tensor:
        return torch.tensor([float(side_of(*case)) for case in cases])

    yield matches(
        f"is the side for (side, kernel, stride, padding) = {_listed(cases)}",
        _asked(function, cases),
        each(lambda h, k, s, p: F.conv1d(torch.zeros(1, 1, h), torch.zeros(1, 1, k), None, s, p).shape[-1]),
        slips={
            "the division is rounded up: is there room for half a window?": each(
                lambda h, k, s, p: math.ceil((h + 2 * p - k) / s) + 1
            ),
            "one place is missing: how many windows fit where the kernel is as large as the image?": each(
                lambda h, k, s, p: (h + 2 * p - k) // s
            ),
            "the division is not rounded: a window fits or it does not": each(
                lambda h, k, s, p: (h + 2 * p - k) / s + 1
            ),
            "zeros are added on both sides: how much longer is the row then?": each(
                lambda h, k, s, p: (h + p - k) // s + 1
            ),
            "the padding is not used": each(lambda h, k, s, p: (h - k) // s + 1),
            "this halves, or divides by the stride, whatever kernel and padding are": each(
                lambda h, k, s, p: -(-h // s)
            ),
            "this divides by the stride, rounding down, whatever kernel and padding are": each(
                lambda h, k, s, p: h // s
            ),
            "the 1 is added before the division: the first window is there whatever the stride": each(
                lambda h, k, s, p: (h + 2 * p - k + 1) // s
            ),
        },
    )


def transposed_side(function: Callable, *, cases: tuple = UP_CASES) -> Iterator[Verdict]:
    """A learner's (side, kernel, stride, padding, more) -> side behind a transposed convolution."""

    def each(side_of: Callable[[int, int, int, int, int], int]) -> Tensor:
        return torch.tensor([float(side_of(*case)) for case in cases])

    def written(h: int, k: int, s: int, p: int, more: int) -> int:
        return F.conv_transpose1d(torch.zeros(1, 1, h), torch.zeros(1, 1, k), None, s, p, more).shape[-1]

    yield matches(
        f"is the side for (side, kernel, stride, padding, output padding) = {_listed(cases)}",
        _asked(function, cases),
        each(written),
        slips={
            "the output padding is not used": each(lambda h, k, s, p, more: (h - 1) * s + k - 2 * p),
            "the first place is written at 0: how far from it is the last of them?": each(
                lambda h, k, s, p, more: h * s + k - 2 * p + more
            ),
            "this is the stride's multiple alone: how wide is what the last place writes?": each(
                lambda h, k, s, p, more: h * s
            ),
            "the kernel that the last place writes is missing": each(
                lambda h, k, s, p, more: (h - 1) * s - 2 * p + more
            ),
            "the padding is cut off at both ends": each(lambda h, k, s, p, more: (h - 1) * s + k - p + more),
            "here the padding is cut off, not added": each(lambda h, k, s, p, more: (h - 1) * s + k + 2 * p + more),
            "the output padding is added at the end only": each(
                lambda h, k, s, p, more: (h - 1) * s + k - 2 * p + 2 * more
            ),
        },
    )


def way_back(function: Callable, *, sides: tuple[int, ...] = (28, 44), levels: int = 5) -> Iterator[Verdict]:
    """A learner's (side, levels) -> sides [levels + 1] on the way down, output paddings [levels] for the way up."""
    for side in sides:
        down, floor = [side], [side]
        for _ in range(levels):
            down.append(F.conv1d(torch.zeros(1, 1, down[-1]), torch.zeros(1, 1, 3), None, 2, 1).shape[-1])
            floor.append(floor[-1] // 2)
        more = torch.tensor([large - (2 * small - 1) for small, large in zip(down[:0:-1], down[-2::-1], strict=True)])
        small = torch.tensor(down[:0:-1])
        yield matches(
            f"is the way of {side} pixels through {levels} levels, and what brings exactly {side} back",
            ask(function, side, levels),
            {"sides": torch.tensor(down), "output paddings": more},
            slips={
                "the side is halved rounding down: how does 7 become 4?": {"sides": torch.tensor(floor)},
                "1 at every level makes 2 H of H: for which of these sides is that too many?": {
                    "output paddings": torch.ones(levels)
                },
                "the order is that of the way down: the first transposed convolution starts from the smallest": {
                    "output paddings": more.flip(0)
                },
                "0 and 1 are exchanged: which sides need the row at the end, those with 2 H − 1 or those with 2 H?": {
                    "output paddings": 1 - more
                },
                "you look at the side from which a level starts: what counts is the side it has to reach": {
                    "output paddings": 1 - small % 2
                },
                "the image's own side belongs to the list": {"sides": torch.tensor(down[1:])},
            },
        )


def encoder(
    encoded: Callable, *, seed: int = 0, c: int = 3, side: int = 28, channels: tuple[int, ...] = (4, 6), z: int = 3
) -> Iterator[Verdict]:
    """A learner's layers, `measured` on images by (seed, x, channels, z_dim)."""
    x = draw(seed, 4, c, side, side)

    def built(**other: Any) -> list[nn.Module]:
        settings: dict[str, Any] = {"channels": channels, "z_dim": z} | other
        return list(conv((c, side, side), **settings)[0].body.children())

    def result(layers: list[nn.Module]) -> dict[str, Any]:
        return measured(layers, seed, x)

    layers, count = built(), result(built())["parameters"]
    half, biases = result(built(z_dim=z, deterministic=True)), sum(channels)
    yield matches(
        f"makes 2 z_dim numbers of images {c} x {side} x {side}, as the lesson's {len(channels)} levels do",
        ask(encoded, seed, x, list(channels), z),
        result(layers),
        slips={
            "a convolution has a bias here, which batch norm takes off again": {"parameters": count + biases},
            "batch norm is missing": {"parameters": count - 2 * biases},
            "convolutions have biases, and batch norm is missing": {"parameters": count - biases},
            "the last layer gives z_dim numbers: means and log variances are wanted": {
                "parameters": half["parameters"]
            },
            "below 0 your activation is flat: a leaky ReLU is wanted": result(built(activation="relu")),
            "below 0 your activation has another slope: PyTorch's own is 0.01": result(built(slope=0.2)),
            "no activation stands between the levels": result(_without(layers, nn.LeakyReLU)),
            "batch norm stands behind the activation: in a level it comes before": result(_exchanged(layers)),
            "something is done to the 2 z_dim numbers: the last layer stays bare": result([*layers, nn.LeakyReLU()]),
        },
    )


def decoder(
    decoded: Callable, *, seed: int = 0, c: int = 3, side: int = 28, channels: tuple[int, ...] = (4, 6), z: int = 3
) -> Iterator[Verdict]:
    """A learner's layers, `measured` on codes by (seed, z, c, side, channels), and the channels thereafter."""
    codes = draw(seed, 4, z)

    def built(**other: Any) -> list[nn.Module]:
        settings: dict[str, Any] = {"channels": channels, "z_dim": z} | other
        return list(conv((c, side, side), **settings)[1].body.children())

    def result(layers: list[nn.Module]) -> dict[str, Any]:
        return measured(layers, seed, codes) | {"channels": torch.tensor(channels)}

    layers, truth = built(), result(built())
    count, output = truth["parameters"], truth["output"]
    ups = sum(channels[:-1]) + channels[0]  # the channels behind all transposed convolutions
    straight = count + 9 * (channels[0] + c) * (c - channels[0]) + 2 * (c - channels[0])  # c channels one layer early
    in_colour = measured(conv((3, side, side), channels, z)[1].body.children(), seed, codes)
    yield matches(
        f"makes logits {c} x {side} x {side} of codes, as the lesson's {len(channels)} levels do",
        ask(decoded, seed, codes, c, side, list(channels)),
        truth,
        slips={
            "the list of channels was turned round for everybody: `reversed(channels)` leaves it as it is": {
                "channels": torch.tensor(channels[::-1])
            },
            "output padding 1 at every level: for which sides is that right?": {
                "output": result(_padded(built(), *[1] * len(channels)))["output"]
            },
            "the output paddings are used in the order of the way down": {
                "output": result(_padded(built(), *reversed([up.output_padding[0] for up in _ups(layers)])))["output"]
            },
            "output padding 0 at every level: for which sides is that right?": {
                "output": result(_padded(built(), *[0] * len(channels)))["output"]
            },
            "three channels come out, whatever the image has": {"parameters": in_colour["parameters"]},
            "a transposed convolution has a bias here, which batch norm takes off again": {"parameters": count + ups},
            "behind the last transposed convolution batch norm and activation are missing": result(
                [*layers[:-3], layers[-1]]
            ),
            "the last transposed convolution makes c channels: it keeps channels[0]": {"parameters": straight},
            "the last convolution has no bias: no batch norm stands behind this one": {"parameters": count - c},
            "batch norm is missing": {"parameters": count - 2 * ups},
            "convolutions have biases, and batch norm is missing": {"parameters": count - ups},
            "below 0 your activation is flat: a leaky ReLU is wanted": result(built(activation="relu")),
            "below 0 your activation has another slope: PyTorch's own is 0.01": result(built(slope=0.2)),
            "no activation stands between the levels": result(_without(layers, nn.LeakyReLU)),
            "batch norm stands behind the activation: in a level it comes before": result(_exchanged(layers)),
            "these are probabilities: logits are wanted, as the likelihood takes its own sigmoid": {
                "output": output.sigmoid()
            },
            "the layers end in a tanh: logits are wanted": {"output": output.tanh()},
        },
    )


def parameters(value: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """A learner's counts of a convolution with `kernels` maps and of a linear layer, images [c, side, side]."""
    c, maps, pixels = variant.c, variant.kernels, variant.side**2
    places = math.ceil(variant.side / 2) ** 2
    convolution, linear = 9 * c * maps + maps, (c * pixels + 1) * maps * places
    yield matches(
        "is the number of parameters of the convolution, and of the linear layer",
        given(value),
        {"convolution": convolution, "linear": linear},
        atol=0.5,
        secret=True,
        slips={
            "the convolution's biases are missing: one for each map it makes": {"convolution": convolution - maps},
            "a kernel looks at all maps of its input: how many numbers lie under one window?": {
                "convolution": 9 * maps + maps
            },
            "the convolution's biases are the same at every place: count them once": {
                "convolution": 9 * c * maps + maps * places
            },
            "the convolution's weights are the same at every place: count them once": {
                "convolution": convolution * places
            },
            "a bias of the convolution belongs to a map, not to each channel that it looks at": {
                "convolution": 9 * c * maps + c * maps
            },
            "the two are exchanged": {"convolution": linear, "linear": convolution},
            "the linear layer's biases are missing: one for each number it gives": {"linear": linear - maps * places},
            "the linear layer has one bias in all: it has one for each number it gives": {
                "linear": linear - maps * places + 1
            },
            "the linear layer gives one number for each map: a map has many places": {
                "linear": (c * pixels + 1) * maps
            },
            "the linear layer gives as many numbers as the convolution: all its maps, each of how many places?": {
                "linear": (c * pixels + 1) * places
            },
            "a stride of 2 halves the side: the linear layer gives as few numbers as the convolution": {
                "linear": (c * pixels + 1) * maps * pixels
            },
            "the linear layer takes all channels of the image": {"linear": (pixels + 1) * maps * places},
        },
    )


def fault(value: Any) -> Iterator[Verdict]:
    """A learner's word for what is wrong with `their_run`."""
    yield one_of("is one of the four faults", given(value), FAULTS)


def reconstruction(
    function: Callable, refused: Callable, *, seed: int = 0, b: int = 3, c: int = 3, side: int = 5
) -> Iterator[Verdict]:
    """A learner's (logits, x) -> pictures and squared errors [b].

    refused: (logits, x) -> the name of what is raised for them, or "nothing". b: above 1. With three images of three
    channels, images [b, h, w] broadcast against [b, c, h, w] too.
    """
    logits, x = 2 * draw(seed, b, c, side, side), torch.sigmoid(3 * draw(seed + 1, b, c, side, side))

    def both(pictures: Tensor) -> dict[str, Tensor]:
        return {"pictures": pictures, "errors": (pictures - x).square().flatten(1).sum(1)}

    tanh = torch.tanh(logits)
    truth = both(torch.distributions.TanhTransform()(logits).add(1).div(2))
    errors = truth["errors"]
    yield matches(
        "brings the tanh to the range of the images, for the pictures and for the error",
        ask(function, logits, x),
        truth,
        slips={
            "the tanh still goes from −1 to 1: which range have the images?": both(tanh),
            "the lower half of the tanh is cut off: there all answers are black, and no gradient is left": both(
                tanh.clamp(0, 1)
            ),
            "this is the sigmoid of l: keep the tanh, and look for what stands in front of l": both(logits.sigmoid()),
            "the pictures are right, the error is still that of the bare tanh": {"errors": both(tanh)["errors"]},
            "the error is measured on [−1, 1], where it is four times as large": {"errors": 4 * errors},
            "the error is one number for each image: is it summed over the batch?": {"errors": errors.sum()},
            "the error is one number for each image: is it a mean over the batch?": {"errors": errors.mean()},
            "the error is a mean over the pixels: it is their sum": {"errors": errors / x[0].numel()},
            "the error is one number for each pixel": {"errors": (truth["pictures"] - x).square()},
        },
    )
    wide = logits.expand(b, 3, side, side) if c == 1 else logits
    for name, pair in {
        "one channel against three": (wide, x[:, :1]),
        "one image against a batch": (wide, x[:1]),
        "images without the axis of channels": (wide, x[:, 0]),
        "one image of three channels against three of one": (wide[:1], wide[:1].transpose(0, 1).sigmoid()),
    }.items():
        through = "nothing is raised: which image would each be compared with? Raise an error"
        yield refuses(f"refuses other shapes: {name}", ask(refused, *pair), through)


def _asked(function: Callable, cases: tuple) -> Answer:
    """The answers to all cases in one, or the first trouble."""
    answers = [ask(function, *case) for case in cases]
    return next((answer for answer in answers if answer.trouble), Answer([answer.value for answer in answers]))


def _listed(cases: tuple) -> str:
    return ", ".join(map(str, cases))


def _without(layers: list[nn.Module], kind: type) -> list[nn.Module]:
    return [layer for layer in layers if not isinstance(layer, kind)]


def _exchanged(layers: list[nn.Module]) -> list[nn.Module]:
    """Each batch norm and the activation behind it in the other order."""
    layers = list(layers)
    for i, layer in enumerate(layers[:-1]):
        if isinstance(layer, nn.BatchNorm2d):
            layers[i], layers[i + 1] = layers[i + 1], layer
    return layers


def _ups(layers: list[nn.Module]) -> list[nn.ConvTranspose2d]:
    return [layer for layer in layers if isinstance(layer, nn.ConvTranspose2d)]


def _padded(layers: list[nn.Module], *paddings: int) -> list[nn.Module]:
    """The layers with other output paddings of the transposed convolutions, from the smallest map on."""
    for layer, more in zip(_ups(layers), paddings, strict=True):
        layer.output_padding = (more, more)
    return layers
