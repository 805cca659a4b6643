"""Charts of a class's marks."""

import math
from collections import Counter
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vae_tutorial.figures.axes import COLORS, tidy

MOST_BARS = 25
MOST_LETTERS = 30  # of an item's name
WIDTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
RIGHT, WRONG, OPEN = COLORS[0], COLORS[1], "0.8"


def histogram(points: Sequence[float], most: float) -> Figure:
    """How many submissions have how many points of `most`, in bars of 1 point, or of more where there are many."""
    width = next((width for width in WIDTHS if most / width < MOST_BARS), WIDTHS[-1])
    last = math.floor(most / width)
    counts = Counter(min(max(math.floor(number / width), 0), last) for number in points)  # a bonus: in the last bar
    bars = range(last + 1)
    figure = Figure(figsize=(4.8, 2.6), layout="constrained")
    ax = figure.subplots()
    ax.bar([(bar + 0.5) * width - 0.5 for bar in bars], [counts[bar] for bar in bars], 0.9 * width, color=COLORS[0])
    ax.set_xlim(-0.5 - 0.1 * width, len(bars) * width - 0.5 + 0.1 * width)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_ylim(0, 1.08 * max([1, *counts.values()]))
    tidy(ax, xlabel="whole points" if width == 1 else f"points, in steps of {width}", ylabel="submissions")
    return figure


def pass_rates(items: Sequence[tuple[str, int, int, int]]) -> Figure:
    """For each item (name, with all points, with fewer, still to be marked) a bar with its three counts."""
    figure = Figure(figsize=(4.8, 0.42 * len(items) + 0.9), layout="constrained")
    ax = figure.subplots()
    left = [0] * len(items)
    for column, (label, color) in enumerate((("all points", RIGHT), ("fewer", WRONG), ("to be marked", OPEN)), 1):
        counts = [int(item[column]) for item in items]
        bars = ax.barh(range(len(items)), counts, 0.72, left=left, color=color, label=label)
        ax.bar_label(bars, [str(count or "") for count in counts], label_type="center", fontsize=9, color="black")
        left = [before + count for before, count in zip(left, counts, strict=True)]
    # A name may hold a dollar sign, which is no formula here.
    ax.set_yticks(range(len(items)), [_cut(name) for name, *_ in items], parse_math=False)
    ax.set_ylim(len(items) - 0.5, -0.5)
    ax.set_xlim(0, max([1, *left]))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    tidy(ax, xlabel="submissions")
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return figure


def _cut(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
