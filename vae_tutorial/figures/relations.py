"""Charts of how numbers go together: latents with factors or with each other, one measure with another."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from vae_tutorial.figures.axes import COLORS, tidy

PRINTED = 12  # columns at most for which there is room to print the numbers
MARKERS = "osD^vP"


def heat(matrices: Mapping[str, Tensor], columns: Sequence[str] | None = None) -> Figure:
    """Numbers as colours, a panel for each matrix [z, k] under its title, one row for each latent.

    columns: names of the k columns; None where they are latents too. Red is -1, white 0, blue 1; what lies beyond is
    drawn as if it were there, but printed as it is, where there are at most 12 columns.
    """
    rows, width = next(iter(matrices.values())).shape
    cell = 0.42 if width <= PRINTED else 0.2
    size = (len(matrices) * (cell * width + 0.5) + 0.9, cell * rows + (1.3 if columns else 0.9))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(matrices), squeeze=False, sharey=True)[0]
    for ax, (title, matrix) in zip(panels, matrices.items(), strict=True):
        values = matrix.detach().cpu().double().numpy()
        drawn = ax.imshow(values, cmap="RdBu", vmin=-1, vmax=1)
        if width <= PRINTED:
            _print(ax, drawn, values)
        names = columns or [str(i) for i in range(width)]
        ax.set_xticks(range(width), names, rotation=45 if columns else 0, ha="right" if columns else "center")
        tidy(ax, title=title, xlabel="" if columns else "latent", ylabel="latent" if ax is panels[0] else "")
        ax.spines[["left", "bottom"]].set_visible(False)
    panels[0].set_yticks(range(rows))
    if width > PRINTED:
        figure.colorbar(drawn, ax=panels.tolist(), shrink=0.8)
    return figure


def plane(
    points: Mapping[str, Sequence[tuple[float, float]]], xlabel: str, ylabel: str, *, sums: str | None = None
) -> Figure:
    """One measure against another: a small dot for each seed, a large one at their mean, a colour for each label.

    A label without points keeps its colour from the others: two planes of the same labels can be read side by side.
    sums: what x + y is; dashed lines then join points where it is the same, with its value.
    """
    figure = Figure(figsize=(6.8, 3.8), layout="constrained")
    ax = figure.subplots()
    for i, (color, (label, pairs)) in enumerate(zip(cycle(COLORS), points.items(), strict=False)):
        if not pairs:
            continue
        x, y = np.array(pairs, dtype=float).T
        marker = MARKERS[i // len(COLORS) % len(MARKERS)]
        ax.plot(x, y, marker, color=color, ms=4, alpha=0.6)
        ax.plot(x.mean(), y.mean(), marker, color=color, ms=9, mec="white", label=label)
    if sums:
        _lines_of_equal_sums(ax, sums)
    tidy(ax, xlabel=xlabel, ylabel=ylabel)
    ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _print(ax: Axes, drawn: AxesImage, values: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(values):
        behind = np.array(drawn.cmap(drawn.norm(value))[:3]) ** 2.2 @ [0.2126, 0.7152, 0.0722]  # its luminance
        said = f"{value:.2f}".replace("-0.00", "0.00")
        said = said.replace("0.", ".", 1) if abs(value) < 0.995 else said
        color = "white" if behind < 0.18 else "black"
        ax.text(column, row, said, ha="center", va="center", color=color, fontsize=8)


def _lines_of_equal_sums(ax: Axes, name: str) -> None:
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for i, level in enumerate(MaxNLocator(6).tick_values(left + low, right + high)):
        ends = max(left, level - high), min(right, level - low)
        if ends[0] < ends[1]:  # the line crosses the picture
            ax.plot(ends, [level - end for end in ends], color="0.8", lw=0.8, ls="--", zorder=0)
            start = (ends[0], level - ends[0])
            offset = (4, -3 if start[1] > low + 0.08 * (high - low) else 12)  # points: clear of the axis below
            said = f"{name} {level:g}" if i == 1 else f"{level:g}"
            ax.annotate(said, start, offset, textcoords="offset points", color="0.5", fontsize=8, va="top")
    ax.set(xlim=(left, right), ylim=(low, high))
