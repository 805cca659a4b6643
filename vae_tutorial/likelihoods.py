"""Decoder distributions p(x|z): what the raw logits of a decoder mean. All sums run over every pixel of an image."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Literal, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vae_tutorial.pixels import check_unit_interval

Nats = Float[Tensor, " b"]
SMALLEST_SIGMA, LARGEST_SIGMA = 1e-6, 1e6


@runtime_checkable
class Likelihood(Protocol):
    """What an objective needs of p(x|z)."""

    def nll(self, logits: Tensor, x: Tensor) -> Nats:
        """-log p(x|z) in nats, [b]: summed over pixels. logits and x: [b, c, h, w], x in [0, 1]."""

    def mean(self, logits: Tensor) -> Tensor:
        """E[x|z]: images ready to show, the shape of `logits`."""


@dataclass(frozen=True)
class Bernoulli:
    """Every pixel a coin: binary cross-entropy on logits.

    A pixel strictly between 0 and 1 is charged at least its own entropy, so grey images have a floor above 0.
    """

    def nll(self, logits: Tensor, x: Tensor) -> Nats:
        """-log p(x|z) = sum over pixels of max(l, 0) - x l + log(1 + exp(-|l|)), in nats, [b].

        Kingma & Welling 2014, appendix C.1. Raises ValueError for shapes that differ or x outside [0, 1].
        """
        _check_pair(logits, x)
        return _sum_pixels(F.binary_cross_entropy_with_logits(logits, x, reduction="none"))

    def mean(self, logits: Tensor) -> Tensor:
        """E[x|z] = sigmoid(logits)."""
        return torch.sigmoid(logits)


@dataclass(frozen=True)
class ContinuousBernoulli:
    """The Bernoulli formula, normalised to be a density on [0, 1]: the honest likelihood of grey pixels.

    Loaiza-Ganem & Cunningham 2019, equations 5 to 8.
    """

    def nll(self, logits: Tensor, x: Tensor) -> Nats:
        """Binary cross-entropy minus log C(logits), in nats, [b]; may be negative, as densities allow.

        Raises ValueError for shapes that differ or x outside [0, 1].
        """
        _check_pair(logits, x)
        cross_entropy = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        return _sum_pixels(cross_entropy - self.log_constant(logits))

    @staticmethod
    def log_constant(logits: Tensor) -> Tensor:
        """log C per pixel. With lambda = sigmoid(l), C = 2 atanh(1 - 2 lambda) / (1 - 2 lambda) = l / tanh(l / 2)."""
        small = logits.abs() < 0.05
        safe = torch.where(small, 1.0, logits)  # both branches of `where` are differentiated: keep 0/0 out of them
        series = math.log(2) + logits.square() / 12 - 7 * logits.pow(4) / 1440
        return torch.where(small, series, safe.abs().log() - torch.tanh(safe.abs() / 2).log())

    def mean(self, logits: Tensor) -> Tensor:
        """E[x|z] = 1/2 + coth(l / 2) / 2 - 1 / l, which is not sigmoid(l): it is pulled towards 1/2."""
        small = logits.abs() < 0.05
        safe = torch.where(small, 1.0, logits)
        series = 0.5 + logits / 12 - logits.pow(3) / 720
        return torch.where(small, series, 0.5 + 0.5 / torch.tanh(safe / 2) - 1 / safe)


@dataclass(frozen=True)
class Gaussian:
    """Every pixel normal around link(logits), with one standard deviation `sigma` for all pixels.

    sigma: a positive number, or "calibrated" for the value that fits the batch best, sigma^2 = mean squared error
    (Rybkin, Daniilidis & Levine 2021, equation 5), so that numbers depend, a little, on the batches they are measured
    in. link: "sigmoid" or "tanh" (mapped to [0, 1]) keep the mean in
    [0, 1]; "identity" leaves it free. Raises ValueError for another sigma or link.
    """

    sigma: float | Literal["calibrated"] = 1.0
    link: Literal["sigmoid", "identity", "tanh"] = "sigmoid"

    def __post_init__(self) -> None:
        fitting = isinstance(self.sigma, Real) and SMALLEST_SIGMA <= self.sigma <= LARGEST_SIGMA
        if not fitting and self.sigma != "calibrated":
            raise ValueError(
                f'sigma must be a positive number or "calibrated", got {self.sigma!r} '
                f"(accepted: {SMALLEST_SIGMA:g} to {LARGEST_SIGMA:g}, beyond which float32 overflows)"
            )
        if self.link not in ("sigmoid", "identity", "tanh"):
            raise ValueError(f'link must be "sigmoid", "identity" or "tanh", got {self.link!r}')

    def nll(self, logits: Tensor, x: Tensor) -> Nats:
        """SSE / (2 sigma^2) + P / 2 log(2 pi sigma^2) over the P pixels, in nats, [b]: the constant is kept.

        Raises ValueError for shapes that differ or, unless link is "identity", x outside [0, 1].
        """
        _check_pair(logits, x, unit_interval=self.link != "identity")
        pixels = x[0].numel()
        sse = _sum_pixels((self.mean(logits) - x).square())
        variance = self._variance(sse.mean() / pixels)
        return sse / (2 * variance) + pixels / 2 * torch.log(2 * math.pi * variance)

    def _variance(self, mean_squared_error: Tensor) -> Tensor:
        if self.sigma == "calibrated":
            # Below one thousandth of a grey level the fit is perfect for any purpose; log(0) would not be.
            return mean_squared_error.clamp_min((1 / 255_000) ** 2)
        return torch.full_like(mean_squared_error, self.sigma**2)

    def mean(self, logits: Tensor) -> Tensor:
        """E[x|z] = link(logits); for "tanh", (tanh(l) + 1) / 2."""
        if self.link == "identity":
            return logits
        return torch.sigmoid(logits if self.link == "sigmoid" else 2 * logits)  # (tanh(l) + 1) / 2 = sigmoid(2 l)


def _sum_pixels(per_pixel: Tensor) -> Nats:
    return per_pixel.flatten(1).sum(1)


def _check_pair(logits: Tensor, x: Tensor, unit_interval: bool = True) -> None:
    if logits.shape != x.shape or x.ndim != 4:  # never broadcast: a [b, 3, h, w] against [b, 1, h, w] is a mistake
        raise ValueError(
            f"logits and x must share one shape [b, c, h, w], got {list(logits.shape)} and {list(x.shape)}"
        )
    # On an accelerator reading the values would stall its queue every step; `fit` and `evaluate` check their images
    # once, whatever the device.
    if unit_interval and x.device.type == "cpu" and not torch.compiler.is_compiling():
        check_unit_interval(x, name="x")
