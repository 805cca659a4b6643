"""Pictures made of images."""

from collections.abc import Mapping

import numpy as np
import torch
from einops import rearrange
from matplotlib.figure import Figure
from torch import Tensor

from vae_tutorial.pixels import as_float, check_images
from vae_tutorial.vae import VAE

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


def manifold(model: VAE, side: int = 15, cell: float = 0.28, title: str | None = None) -> Figure:
    """A model of two latents decoded over the plane: row and column are quantiles of the prior, 2 % to 98 %.

    z[0] grows to the right, z[1] upwards. Raises ValueError for a model with another number of latents.
    """
    if model.z_dim != 2:
        raise ValueError(f"model must have 2 latents, got {model.z_dim}")
    ticks = torch.distributions.Normal(0, 1).icdf(torch.linspace(0.02, 0.98, side))
    plane = torch.stack(torch.meshgrid(ticks, ticks.flip(0), indexing="xy"), -1).reshape(-1, 2)
    return compare({"": model.decode(plane).cpu()}, columns=side, title=title, cell=cell, gap=0)


def _sheet(images: Tensor, columns: int, gap: int) -> np.ndarray:
    """Images [n, c, h, w] as one picture of rows of `columns`, `gap` grey pixels behind each; missing ones white."""
    if isinstance(images, Tensor) and images.is_floating_point():
        images = images.detach().clamp(0, 1)  # the mean of a Gaussian without a link may lie outside
    x = as_float(check_images(images)).cpu()
    x = torch.nn.functional.pad(x, (0, gap, 0, gap), value=0.5)
    x = torch.cat([x, torch.ones(-len(x) % columns, *x.shape[1:])])
    sheet = rearrange(x, "(row column) c h w -> (row h) (column w) c", column=columns)
    return sheet.squeeze(-1).numpy()
