"""Dials through the covariances of stored runs: what a setting does to the codes of all images together."""

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from vae_tutorial.figures.axes import tidy
from vae_tutorial.widgets import still
from vae_tutorial.widgets.console import Console
from vae_tutorial.widgets.models import Json
from vae_tutorial.widgets.settings import check_names, first_place, first_words, found, label_parts, read_grid

LEAST, LARGEST = 2, 32  # latents
MOST_NUMBERS = 6
ROUNDING = 1e-5  # of the largest entry: by how much float32 may spoil a covariance's symmetry
MOST_WRITTEN = 6  # latents of a matrix in whose cells a still picture has room for numbers
# Blue and orange are told apart by colour-blind readers too; between them the paper, for what the prior has.
DIVERGING = LinearSegmentedColormap.from_list("blue to orange", ["#5797d8", "#ffffff", "#ee8a4d"])


class CovarianceDial(Console):
    """Turn a dial for each setting, and see the covariance of the codes of the run that had these settings.

    Colours tell how far a covariance is from the prior's, the identity: without colour are covariances of 0 and
    variances of 1. Buttons show the correlations instead, which small variances do not hide.
    runs: rows, such as those of results/*.json, one for every combination of settings. Under each key of `knobs` a row
    holds its setting (a finite number, None, which is shown as "none", or a text of up to 16 letters), under
    "covariance" that of its codes [z][z], a list of lists, of as many latents in all rows, 2 to 32; under each key of
    `numbers` a finite number.
    knobs: key -> name of the dial, 1 to 3 of them; settings stand in the order in which runs first have them.
    numbers: key -> "name, unit" or a name alone, 1 to 6 further numbers to be told of each run; None for none.
    start: key of a knob -> its setting at first; else in the middle. Raises TypeError or ValueError, naming what is
    wrong.
    """

    title = "Dial through covariances"

    def __init__(
        self,
        runs: Sequence[Mapping[str, Any]],
        knobs: Mapping[str, str],
        *,
        numbers: Mapping[str, str] | None = None,
        start: Mapping[str, Any] | None = None,
    ):
        check_names(knobs, "knobs")
        if numbers is not None:
            check_names(numbers, "numbers", MOST_NUMBERS)
        labels = numbers or {}
        grid = read_grid(runs, knobs)
        matrices = [_covariance(row, f"runs[{i}]") for i, row in enumerate(runs)]
        told = [_numbers(row, labels, f"runs[{i}]") for i, row in enumerate(runs)]
        for i, one in enumerate(matrices):
            if len(one) != len(matrices[0]):
                said = f"{len(matrices[0])} in runs[0] and {len(one)} in runs[{i}]"
                raise ValueError(f"runs must all have as many latents, got {said}")
        scene = {
            "kind": "covariance_dial",
            "knobs": grid.knobs(knobs, start),
            "numbers": [label_parts(label) for label in labels.values()],
            "runs": [{"covariance": matrices[i], "numbers": told[i]} for i in grid.order],
        }
        self._show(scene, still=lambda: still.chart(_picture(scene)), name=f"CovarianceDial({grid})")
        super().__init__()


def _covariance(row: Mapping[str, Any], name: str) -> list[list[float]]:
    """A row's covariance, checked to be one as far as its entries alone can tell."""
    rows, name = found(row, "covariance", name), f"{name}['covariance']"
    if not (isinstance(rows, list | tuple) and all(isinstance(each, list | tuple) for each in rows)):
        raise TypeError(f"{name} must be a list of lists of numbers, got {type(rows).__name__}")
    if not (LEAST <= len(rows) <= LARGEST and {len(each) for each in rows} == {len(rows)}):
        lengths = ", ".join(str(len(each)) for each in rows)
        raise ValueError(f"{name} must be {LEAST} to {LARGEST} lists, each of as many numbers, got lengths {lengths}")
    for i, each in enumerate(rows):
        for j, value in enumerate(each):
            if not (isinstance(value, Real) and math.isfinite(value)):
                raise ValueError(f"{name} must hold finite numbers, got {value!r} at [{i}][{j}]")
    entries = np.array(rows, dtype=float)
    if (entries.diagonal() < 0).any():
        i = int(entries.diagonal().argmin())
        raise ValueError(f"{name} must have variances of at least 0, got {rows[i][i]} at [{i}][{i}]")
    apart = np.abs(entries - entries.T)
    if apart.max() > ROUNDING * np.abs(entries).max():
        i, j = (int(at) for at in np.unravel_index(apart.argmax(), apart.shape))
        raise ValueError(f"{name} must be symmetric, got {rows[i][j]} at [{i}][{j}] and {rows[j][i]} at [{j}][{i}]")
    return [[float(value) for value in each] for each in rows]


def _numbers(row: Mapping[str, Any], labels: Mapping[str, str], name: str) -> list[float]:
    values = {key: found(row, key, name) for key in labels}
    for key, value in values.items():
        if not (isinstance(value, Real) and math.isfinite(value)):
            raise ValueError(f"{name}[{key!r}] must be a finite number, got {value!r}")
    return [float(value) for value in values.values()]


def _picture(scene: Json) -> Figure:
    """Covariance and correlation of the run at which the dials start."""
    covariance = np.array(scene["runs"][first_place(scene["knobs"])]["covariance"])
    deviation = np.sqrt(covariance.diagonal())
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = covariance / np.outer(deviation, deviation)
    np.fill_diagonal(correlation, np.nan)  # 1 in all runs, so that it is no news
    figure = Figure(figsize=(7, 4.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    images = {
        "covariance; on the diagonal variance \N{MINUS SIGN} 1": _heat_map(
            left, covariance, covariance - np.eye(len(covariance)), "covariance"
        ),
        "correlation": _heat_map(right, correlation, correlation, "correlation"),
    }
    for label, image in images.items():
        bar = figure.colorbar(image, ax=image.axes, location="bottom", shrink=0.8, aspect=30, ticks=[-1, 0, 1])
        bar.set_label(label, fontsize=9)
    figure.suptitle(first_words(scene["knobs"]), fontsize=11)
    return figure


def _heat_map(ax: Axes, values: np.ndarray, colours: np.ndarray, title: str) -> AxesImage:
    """`values` written, where there is room, into cells coloured by `colours`; grey where there is no number."""
    ax.set_facecolor("0.85")
    z = len(values)
    image = ax.imshow(np.ma.masked_invalid(colours), cmap=DIVERGING, vmin=-1, vmax=1)
    for i, j in np.argwhere(np.isfinite(values)) if z <= MOST_WRITTEN else []:
        ax.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", fontsize=8)
    tidy(ax, title=title, ylabel="latent")
    ax.locator_params(integer=True)
    return image
