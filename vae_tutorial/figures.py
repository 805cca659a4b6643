"""Pictures of the course: pure functions from tensors to a matplotlib Figure, none of which touches global state."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle

import numpy as np
import torch
from einops import rearrange
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.likelihoods import Bernoulli, Gaussian
from vae_tutorial.pixels import as_float, check_images
from vae_tutorial.training import History
from vae_tutorial.vae import VAE

# Petroff's ten (2021), which colour-blind readers can tell apart; the explorer's map has the same.
COLORS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]

CELL = 0.58  # inches for an image: at 100 dots an inch, two dots for each of 28 pixels and the grey line


def gallery(images: Tensor, columns: int = 10, title: str | None = None, cell: float = CELL) -> Figure:
    """Images [n, c, h, w] in rows of `columns`, each `cell` inches wide."""
    return compare({"": images}, columns=columns, title=title, cell=cell)


def compare(
    rows: Mapping[str, Tensor], columns: int = 10, title: str | None = None, cell: float = CELL, gap: int = 1
) -> Figure:
    """Labelled sets of images under one another, such as originals above reconstructions.

    rows: label -> images [n, c, h, w], uint8, or floats, shown clamped to [0, 1]; a set longer than `columns` wraps.
    gap: pixels of grey between two images.
    """
    sheets = {label: _sheet(images, columns, gap) for label, images in rows.items()}
    heights = [sheet.shape[0] / sheet.shape[1] * columns for sheet in sheets.values()]
    labelled = any(sheets)
    margin, head = 1.4 * labelled, 0.3 * (title is not None)  # inches
    width, height = columns * cell + margin, sum(heights) * cell + 0.06 * (len(rows) - 1) + head
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(len(sheets), squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    figure.subplots_adjust(margin / width, 0, 1, 1 - head / height, hspace=0.06 * len(rows) / sum(heights) / cell)
    for ax, (label, sheet) in zip(axes, sheets.items(), strict=True):
        ax.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_axis_off()
        ax.text(-0.02, 0.5, label, transform=ax.transAxes, ha="right", va="center", fontsize=10)
    if title is not None:
        figure.suptitle(title, fontsize=11, y=1 - 0.05 / height)
    return figure


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
        _tidy(ax, title=names.get(term, term), xlabel="step", ylabel="nats per image" if term == terms[0] else "")
        if ax.lines:
            ax.set_ylim(*_readable_range(ax))
    if len(histories) > 1:
        ax.legend(frameon=False, fontsize=9)
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
        _tidy(ax, title=label, xlabel="z[0]", ylabel="z[1]")
    ax.legend(frameon=False, fontsize=9, markerscale=3, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def manifold(model: VAE, side: int = 15, cell: float = 0.28, title: str | None = None) -> Figure:
    """A model of two latents decoded over the plane: row and column are quantiles of the prior, 2 % to 98 %.

    z[0] grows to the right, z[1] upwards. Raises ValueError for a model with another number of latents.
    """
    if model.z_dim != 2:
        raise ValueError(f"model must have 2 latents, got {model.z_dim}")
    ticks = torch.distributions.Normal(0, 1).icdf(torch.linspace(0.02, 0.98, side))
    plane = torch.stack(torch.meshgrid(ticks, ticks.flip(0), indexing="xy"), -1).reshape(-1, 2)
    return compare({"": model.decode(plane).cpu()}, columns=side, title=title, cell=cell, gap=0)


def spread(values: Mapping[str, Sequence[float]], xlabel: str, reference: tuple[str, float] | None = None) -> Figure:
    """One row for each method: a dot for each seed and a bar at their mean; `reference` is a line with its name."""
    figure = Figure(figsize=(6.4, 0.5 * len(values) + 1.0), layout="constrained")
    ax = figure.subplots()
    for row, (color, numbers) in enumerate(zip(cycle(COLORS), values.values(), strict=False)):
        ax.plot(numbers, [row] * len(numbers), "o", color=color, alpha=0.6, ms=6)
        ax.plot([np.mean(numbers)] * 2, [row - 0.3, row + 0.3], color=color, lw=2.5)
    if reference is not None:
        ax.axvline(reference[1], color="0.5", ls="--", lw=1)
        ax.annotate(f" {reference[0]}", (reference[1], len(values) - 0.5), color="0.4", fontsize=9)
    ax.set_yticks(range(len(values)), list(values))
    ax.set_ylim(len(values) - 0.4, -0.6)
    _tidy(ax, xlabel=xlabel)
    return figure


def functions(x: Tensor, panels: Mapping[str, Mapping[str, Tensor]], xlabel: str, ylabel: str = "nats") -> Figure:
    """Functions of one variable x [n]: panel title -> (label -> values [n])."""
    figure = Figure(figsize=(3.7 * len(panels), 2.9), layout="constrained")
    for ax, (title, lines) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for color, (label, values) in zip(cycle(COLORS), lines.items(), strict=False):
            ax.plot(x.numpy(), values.detach().numpy(), color=color, label=label, lw=1.8)
        _tidy(ax, title=title, xlabel=xlabel, ylabel=ylabel)
        if len(lines) > 1:
            ax.legend(frameon=False, fontsize=9)
    return figure


def loss_laboratory(x: float, logit: float, sigma: float, mu: float, logvar: float) -> Figure:
    """One pixel x under three losses with their gradients, and one latent N(mu, exp(logvar)) against the prior."""
    logit, mu, logvar = float(logit), float(mu), float(logvar)
    logits = torch.linspace(-6, 6, 241).view(-1, 1, 1, 1)
    losses: dict[str, Callable[[Tensor], Tensor]] = {
        "BCE": lambda at: Bernoulli().nll(at, torch.full_like(at, x)),
        "Gaussian": lambda at: Gaussian(sigma=sigma).nll(at, torch.full_like(at, x)),
        "squared error": lambda at: (torch.sigmoid(at) - x).square().flatten(),
    }
    figure = Figure(figsize=(11, 3.1), layout="constrained")
    cost, slope, code = figure.subplots(1, 3)
    here = torch.full((1, 1, 1, 1), logit)
    for color, (label, loss) in zip(COLORS, losses.items(), strict=False):
        for ax, curve in ((cost, loss), (slope, _gradient(loss))):
            ax.plot(logits.flatten(), curve(logits).flatten(), color=color, lw=1.8)
            ax.plot(logit, curve(here).item(), "o", color=color, label=f"{label}: {curve(here).item():.2f}")
    _tidy(cost, title=f"cost of a pixel x = {x:.2f}", xlabel="logit", ylabel="nats (squared error: none)")
    _tidy(slope, title="gradient by the logit", xlabel="logit")
    q = DiagGaussian(torch.tensor([[mu]]), torch.tensor([[logvar]]))
    z = torch.linspace(-5, 5, 301)
    for color, label, mean, variance in (("0.5", "prior", 0.0, 1.0), (COLORS[6], "q(z|x)", mu, math.exp(logvar))):
        density = torch.exp(-((z - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        code.fill_between(z, density, alpha=0.35, color=color, label=label)
    slopes = f"dKL/dmu = {mu:.2f}, dKL/dlogvar = {0.5 * math.expm1(logvar):.2f}"
    _tidy(code, title=f"KL = {q.kl().item():.2f} nats", xlabel=f"z\n{slopes}")
    for ax in (cost, slope, code):
        ax.legend(frameon=False, fontsize=8)
    return figure


def _gradient(loss: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return torch.func.grad(lambda logits: loss(logits).sum())


def _sheet(images: Tensor, columns: int, gap: int) -> np.ndarray:
    """Images [n, c, h, w] as one picture of rows of `columns`, `gap` grey pixels behind each; missing ones white."""
    if isinstance(images, Tensor) and images.is_floating_point():
        images = images.detach().clamp(0, 1)  # the mean of a Gaussian without a link may lie outside
    x = as_float(check_images(images)).cpu()
    x = torch.cat([x, torch.ones(-len(x) % columns, *x.shape[1:])])
    x = torch.nn.functional.pad(x, (0, gap, 0, gap), value=0.5)
    sheet = rearrange(x, "(row column) c h w -> (row h) (column w) c", column=columns)
    return sheet.squeeze(-1).numpy()


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


def _tidy(ax: Axes, title: str = "", xlabel: str = "", ylabel: str = "") -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title(title, fontsize=11)
    ax.set_xlabel(xlabel, fontsize=10)
    ax.set_ylabel(ylabel, fontsize=10)
    ax.tick_params(labelsize=9)
