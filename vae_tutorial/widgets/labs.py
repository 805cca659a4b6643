"""Laboratories: formulas to play with, computed in the browser, with no model behind them."""

import math
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from vae_tutorial import figures
from vae_tutorial.widgets import still
from vae_tutorial.widgets.console import Console
from vae_tutorial.widgets.models import Json

LOSS_KNOBS = {
    "x": ("pixel x", 0.0, 1.0),
    "logit": ("logit", -6.0, 6.0),
    "sigma": ("σ of p(x|z)", 0.05, 1.5),
    "mu": ("μ of q(z|x)", -3.0, 3.0),
    "logvar": ("log σ² of q", -6.0, 2.0),
}

KERNELS = ("rbf", "imq", "imq7")
CROWD = 80  # points of each crowd: every pair of them is measured 25 times for one curve
NARROW, PAPER, WIDE = 0.1, math.sqrt(2), 20.0


class LossLab(Console):
    """One pixel under three losses, and one latent against the prior: what they charge, and how hard they pull.

    The losses are the package's, with their constants: `Bernoulli`, `Gaussian(sigma)` with its sigmoid, and the plain
    squared error. x, logit, sigma, mu, logvar: where the sliders start. Raises ValueError for one outside its slider.
    """

    title = "Loss laboratory"

    def __init__(
        self, *, x: float = 0.7, logit: float = -1.0, sigma: float = 0.5, mu: float = 1.0, logvar: float = -1.0
    ):
        values = {"x": x, "logit": logit, "sigma": sigma, "mu": mu, "logvar": logvar}
        knobs = [_knob(name, *LOSS_KNOBS[name], value) for name, value in values.items()]
        self._show(
            {"kind": "loss_lab", "knobs": knobs},
            still=lambda: still.chart(figures.loss_laboratory(**values)),
            name=f"LossLab({', '.join(f'{name}={value:g}' for name, value in values.items())})",
        )
        super().__init__()


class KernelLab(Console):
    """Two crowds of two-dimensional codes, and how strongly the MMD of a kernel pulls the one towards the other.

    The first crowd are draws of the prior N(0, I), the second codes of N((distance, 0), spread^2 I). kernel: "rbf" is
    exp(-r^2 / (2 width^2)); "imq" is C / (C + r^2) with C = 2 width^2, which near r = 0 is the same; "imq7" sums the
    latter over C times 0.1, 0.2, 0.5, 1, 2, 5, 10, as the authors of the WAE do. Their C = 2 d is a width of sqrt(d),
    here 1.41. MMD^2 is the unbiased estimate, with no pair of a point and itself. distance, spread, width: where the
    sliders start. Raises ValueError for one outside its slider or an unknown kernel.
    """

    title = "Kernel laboratory"

    def __init__(self, *, kernel: str = "rbf", distance: float = 3.0, spread: float = 0.7, width: float = PAPER):
        if kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}, got {kernel!r}")
        if not (isinstance(width, int | float) and 0.03 <= width <= 30):
            raise ValueError(f"width must be a number from 0.03 to 30, got {width!r}")
        knobs = [
            _knob("distance", "distance", 0.0, 8.0, distance),
            _knob("spread", "spread", 0.05, 1.5, spread),
            _knob("width", "kernel width", -1.53, 1.48, round(math.log10(width), 2), log=True),
        ]
        prior, codes = torch.randn(2, CROWD, 2, generator=torch.Generator().manual_seed(0))
        self._show(
            {"kind": "kernel_lab", "function": kernel, "knobs": knobs, "prior": _bytes(prior), "codes": _bytes(codes)},
            still=lambda: still.chart(_pull_of_kernels()),
            name=f"KernelLab(kernel={kernel!r}, distance={distance:g}, spread={spread:g}, width={width:.3g})",
        )
        super().__init__()


def _pull_of_kernels() -> Figure:
    """What narrow, fitting and wide kernels give and how steep they are, against the distance of two codes."""
    r = torch.linspace(0, 8, 401)
    widths = {f"width {width:.3g}": width for width in (NARROW, PAPER, WIDE)}
    rbf = {label: torch.exp(-r.square() / (2 * width**2)) for label, width in widths.items()}
    imq = {label: 2 * width**2 / (2 * width**2 + r.square()) for label, width in widths.items()}
    slopes = {"RBF, width 1.41": -r / 2 * rbf["width 1.41"], "IMQ, width 1.41": -r / 2 * imq["width 1.41"].square()}
    panels = {"RBF kernel": rbf, "IMQ kernel": imq, "their derivatives": slopes}
    return figures.functions(r, panels, xlabel="distance r of two codes", ylabel="")


def _bytes(points: Tensor) -> bytes:
    return points.numpy().astype("<f4").tobytes()


def _knob(name: str, label: str, low: float, high: float, value: Any, **more: Any) -> Json:
    """A slider of the page. Raises ValueError for a value outside it."""
    if not (isinstance(value, int | float) and low <= value <= high):
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")
    return {"name": name, "label": label, "min": low, "max": high, "step": 0.01, "value": float(value), **more}
