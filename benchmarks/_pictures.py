"""The pictures of benchmarks/README.md, from what is stored; 6 to 8 inches wide, so that 800 pixels are enough."""

import math

import _sections_published
import torch
from _measuring import Row
from matplotlib.figure import Figure
from measures import by_measure

from vae_tutorial import figures

PANELS = {
    "a model, or crowds of images": [
        "log_likelihood, k = 1",
        "log_likelihood, k = 10",
        "active_units",
        "frechet_distance",
        "precision_recall",
        "mmd2, imq",
    ],
    "codes beside factors": ["mig", "sap", "dci", "factor_vae_score", "beta_vae_score", "gaussian_total_correlation"],
}


def training(stored: Row) -> Figure:
    """A group for each network, a bar for each loop."""
    networks = dict.fromkeys(row["network"] for row in stored["rows"])
    ratios = {n: {r["loop"]: r["to_ours"] for r in stored["rows"] if r["network"] == n} for n in networks}
    return figures.bars(ratios, "seconds, in units of ours")


def cost(stored: Row) -> Figure:
    """Speed, and memory where it was measured, over the size of a batch."""
    rows = [row for row in stored["rows"] if row["what"] == "batch"]
    sizes = sorted({row["value"] for row in rows})

    def lines(key: str) -> dict[str, torch.Tensor]:
        found = {(row["network"], row["value"]): math.nan if row[key] is None else row[key] for row in rows}
        return {name: torch.tensor([float(found[name, n]) for n in sizes]) for name, _ in dict.fromkeys(found)}

    panels = {"images a second": lines("images_a_second"), "megabytes that training adds": lines("megabytes")}
    figure = figures.functions(torch.tensor(sizes), panels, "batch", "")
    for ax in figure.axes:
        ax.set(xscale="log", ylim=(0, None))
        ax.set_xticks(sizes, list(map(str, sizes)))
        ax.minorticks_off()
    return figure


def lessons(stored: Row) -> Figure:
    """A group for each lesson, by its number."""
    groups = {
        row["lesson"][:2]: {"start and imports": row["start"] + row["imports"], "all else": row["cells"]}
        for row in stored["rows"]
    }
    figure = figures.bars(groups, "seconds")
    figure.set_size_inches(7.4, 2.9)
    figure.axes[0].set_xlabel("lesson")
    return figure


def measures(stored: Row) -> Figure:
    """Seconds over images, both axes logarithmic: the slope is the growth."""
    times, sizes = by_measure(stored["rows"]), stored["settings"]["sizes"]
    panels = {
        title: {name: torch.tensor([times[name].get(n, math.nan) for n in sizes]) for name in names}
        for title, names in PANELS.items()
    }
    figure = figures.functions(torch.tensor(sizes), panels, "images", "seconds")
    figure.set_size_inches(7.4, 4.2)
    for ax in figure.axes:
        ax.set(xscale="log", yscale="log")
        ax.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.45, -0.17))  # clear of the lines
    return figure


def burda(stored: Row) -> Figure:
    """The bound after each stage over the epochs so far; dashed, what was published, at the end of its epochs."""
    curves = _sections_published.curve(stored)
    epochs = sorted({row["epochs"] for rows in curves.values() for row in rows})
    bounds = {method: {row["epochs"]: row["minus_bound"] for row in rows} for method, rows in curves.items()}
    lines = {method: torch.tensor([known.get(n, math.nan) for n in epochs]) for method, known in bounds.items()}
    figure = figures.functions(
        torch.tensor(epochs), {"test images of MNIST": lines}, "epochs", "bound on −log p(x), nats"
    )
    (ax,) = figure.axes
    figure.set_size_inches(6.2, 3.4)
    for line, method in zip(ax.get_lines(), lines, strict=True):
        line.set_marker("o")
        value, color = _sections_published.PUBLISHED[method], line.get_color()
        ax.axhline(value, color=color, ls="--", lw=1)
        ax.plot(_sections_published.EPOCHS, value, marker="D", color=color, ls="")
    ax.set_xscale("log")
    ax.annotate("published", (_sections_published.EPOCHS, 87.8), ha="right", fontsize=9, color="0.3")
    return figure
