"""Charts that show what is wrong with a model, or that nothing is."""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from vae_tutorial.figures.axes import COLORS, tidy
from vae_tutorial.training import History

IDLE = "0.75"  # grey: of latents that say nothing


def gradient_norms(histories: Mapping[str, History], clip_norm: float | None = None) -> Figure:
    """The norm of the gradient at each step, on a log axis; `clip_norm` is drawn as a line.

    Raises ValueError for a history of a run that was not given a clip_norm, which keeps none.
    """
    figure = Figure(figsize=(6.4, 3.0), layout="constrained")
    ax = figure.subplots()
    for color, (label, history) in zip(cycle(COLORS), histories.items(), strict=False):
        if history.gradient_norm is None:
            raise ValueError(f"histories[{label!r}] holds no norms; give fit a clip_norm, math.inf to keep them alone")
        ax.plot(history.gradient_norm.numpy(), color=color, label=label, lw=0.8)
    if clip_norm is not None:
        ax.axhline(clip_norm, color="0.4", ls="--", lw=1.2, label=f"clipped at {clip_norm:g}")
    ax.set_yscale("log")
    tidy(ax, xlabel="step", ylabel="norm of the gradient")
    ax.legend(framealpha=0.8, edgecolor="none", fontsize=9)
    return figure


def latent_kl(models: Mapping[str, Tensor], idle: float = 0.01) -> Figure:
    """Each latent's KL in nats, from most to least, a panel for each model; those below `idle` nats grey.

    models: label -> KL of each latent [z], as `measures.kl_per_dimension` gives it. The panels share their height.
    """
    figure = Figure(figsize=(3.1 * len(models) + 0.4, 2.8), layout="constrained")
    panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    highest = max(float(kl.max()) for kl in models.values())
    panels[0].set_ylim(0, 1.35 * max(highest, 1e-6))  # room for the words above the bars
    for ax, (label, kl) in zip(panels, models.items(), strict=True):
        heights = kl.sort(descending=True).values.numpy()
        ranks = np.arange(1, len(heights) + 1)
        ax.bar(ranks, heights, color=np.where(heights >= idle, COLORS[0], IDLE), width=0.85)
        # An idle latent's bar has no height to see: a dot on the axis says that it is there.
        if (asleep := ranks[heights < idle]).size:
            ax.plot(asleep, np.zeros(len(asleep)), "o", color=IDLE, ms=3, clip_on=False)
        said = f"{heights.sum():.1f} nats, {(heights >= idle).sum()} of {len(heights)} latents at {idle:g} or more"
        ax.text(0.98, 0.97, said.replace(", ", "\n"), transform=ax.transAxes, ha="right", va="top", fontsize=9)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        tidy(ax, title=label, xlabel="latent, by its KL", ylabel="KL, nats" if ax is panels[0] else "")
    return figure


def confusion(counts: Tensor) -> Figure:
    """Counts [k, k] of `measures.label_confusion` as a heat map of the shares of each row, with their percentages."""
    shares = (counts / counts.sum(1, keepdim=True)).numpy()
    classes = len(shares)
    figure = Figure(figsize=(0.44 * classes + 1.2, 0.44 * classes + 0.7), layout="constrained")
    ax = figure.subplots()
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        if round(100 * share):
            color = "white" if share > 0.715 else "black"  # contrast of 4.6 to 1 or more, whatever the share
            ax.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=color, fontsize=8)
    ax.set(xticks=range(classes), yticks=range(classes))
    tidy(ax, title="per cent of each row", xlabel="classifier sees", ylabel="asked for")
    return figure
