"""Charts of curves, codes and numbers."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from vae_tutorial.figures.axes import COLORS, tidy
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.training import History


def curves(histories: Mapping[str, History], terms: Sequence[str] = ("reconstruction", "kl", "loss")) -> Figure:
    """Smoothed training curves, one panel for each of `terms`, one colour for each run, in nats per image."""
    figure = Figure(figsize=(3.4 * len(terms), 2.8), layout="constrained")
    names = {"kl": "KL", "loss": "loss"}
    for ax, term in zip(figure.subplots(1, len(terms), squeeze=False)[0], terms, strict=True):
        for color, (label, history) in zip(cycle(COLORS), histories.items(), strict=False):
            curve = getattr(history.terms, term).numpy()
            if not len(curve):  # a run that was interrupted at once
                continue
            width = max(1, len(curve) // 50)
            smooth = np.convolve(curve, np.ones(width) / width, mode="valid")
            ax.plot(np.arange(len(smooth)) + width, smooth, color=color, label=label, lw=1.8)
        tidy(ax, title=names.get(term, term), xlabel="step", ylabel="nats per image" if term == terms[0] else "")
        if ax.lines:
            low, high = _readable_range(ax)
            ax.set_ylim(0 if term == "kl" else low, high)  # a KL that sinks to 0 and rises again must be seen
    if len(histories) > 1:
        ax.legend(framealpha=0.8, edgecolor="none", fontsize=9)
    return figure


def codes(sets: Mapping[str, tuple[DiagGaussian, Tensor]]) -> Figure:
    """Posterior means in the plane of the first two latents, coloured by class, with the prior's 1 and 2 sigma rings.

    sets: label -> (posteriors of n images, classes [n]).
    """
    figure = Figure(figsize=(4.2 * len(sets) + 0.5, 4.1), layout="constrained")
    for ax, (label, (q, y)) in zip(figure.subplots(1, len(sets), squeeze=False)[0], sets.items(), strict=True):
        mu = q.mu[:, :2].detach().cpu().numpy()
        for digit in y.unique().tolist():
            points, color = mu[(y == digit).numpy()], COLORS[digit % len(COLORS)]
            ax.scatter(*points.T, s=6, alpha=0.6, color=color, linewidths=0, label=str(digit))
        _prior_rings(ax)
        extent = 1.05 * max(2.0, float(np.abs(mu).max()))
        ax.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
        tidy(ax, title=label, xlabel="z[0]", ylabel="z[1]")
    ax.legend(frameon=False, fontsize=9, markerscale=3, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def spread(values: Mapping[str, Sequence[float]], xlabel: str, reference: tuple[str, float] | None = None) -> Figure:
    """One row for each method: a dot for each seed and a bar at their mean; `reference` is a line with its name."""
    figure = Figure(figsize=(6.4, 0.5 * len(values) + 1.0), layout="constrained")
    ax = figure.subplots()
    for row, numbers in enumerate(values.values()):
        ax.plot(numbers, [row] * len(numbers), "o", color=COLORS[0], alpha=0.6, ms=6)
        ax.plot([np.mean(numbers)] * 2, [row - 0.3, row + 0.3], color=COLORS[0], lw=2.5)
    if reference is not None:
        ax.axvline(reference[1], color="0.5", ls="--", lw=1)
        ax.annotate(f" {reference[0]}", (reference[1], len(values) - 0.5), color="0.4", fontsize=9)
    ax.set_yticks(range(len(values)), list(values))
    ax.set_ylim(len(values) - 0.4, -0.6)
    tidy(ax, xlabel=xlabel)
    return figure


def bars(groups: Mapping[str, Mapping[str, float | Sequence[float]]], ylabel: str) -> Figure:
    """Groups of bars: group -> (label -> value, or one for each seed: a bar at their mean, a dot for each)."""
    labels = list(dict.fromkeys(label for group in groups.values() for label in group))
    width = 0.8 / len(labels)
    figure = Figure(figsize=(0.28 * len(labels) * len(groups) + 0.5 * len(groups) + 2.0, 2.9), layout="constrained")
    ax = figure.subplots()
    for i, (color, label) in enumerate(zip(cycle(COLORS), labels, strict=False)):
        places = [place for place, group in enumerate(groups.values()) if label in group]
        values = [np.atleast_1d(group[label]) for group in groups.values() if label in group]
        shifted = np.array(places) + (i - (len(labels) - 1) / 2) * width
        ax.bar(shifted, [value.mean() for value in values], 0.92 * width, color=color, label=label)
        for place, value in zip(shifted, values, strict=True):
            if len(value) > 1:
                ax.plot([place] * len(value), value, "o", color="0.2", ms=3, alpha=0.7)
    ax.set_xticks(range(len(groups)), list(groups))
    ax.axhline(0, color="0.3", lw=0.8)
    tidy(ax, ylabel=ylabel)
    if len(labels) > 1:
        ax.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def functions(x: Tensor, panels: Mapping[str, Mapping[str, Tensor]], xlabel: str, ylabel: str = "nats") -> Figure:
    """Functions of one variable x [n]: panel title -> (label -> values [n])."""
    figure = Figure(figsize=(3.7 * len(panels), 2.9), layout="constrained")
    for ax, (title, lines) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for color, (label, values) in zip(cycle(COLORS), lines.items(), strict=False):
            ax.plot(x.numpy(), values.detach().numpy(), color=color, label=label, lw=1.8)
        tidy(ax, title=title, xlabel=xlabel, ylabel=ylabel)
        if len(lines) > 1:
            ax.legend(frameon=False, fontsize=9)
    return figure


def _prior_rings(ax: Axes) -> None:
    angle = np.linspace(0, 2 * np.pi, 200)
    for sigmas in (1, 2):
        ax.plot(sigmas * np.cos(angle), sigmas * np.sin(angle), color="0.3", lw=1, ls="--")
    ax.text(0.02, 0.02, "rings: prior, 1 and 2 sigma", transform=ax.transAxes, color="0.3", fontsize=8)


def _readable_range(ax: Axes) -> tuple[float, float]:
    """A range that shows where the curves go: the first fifth of a run, far above the rest, may leave the picture."""
    heights = [np.asarray(line.get_ydata()) for line in ax.get_lines()]
    late = np.concatenate([curve[len(curve) // 5 :] for curve in heights])
    margin = 0.08 * max(float(np.ptp(late)), 1e-6)
    return float(late.min()) - margin, float(late.max()) + margin
