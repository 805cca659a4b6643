"""Digits drawn in code: the same on every machine, with no network, and every cause of every pixel known."""

import math
from functools import cache

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from vae_tutorial.data import glyphs
from vae_tutorial.data.grid import Grid
from vae_tutorial.data.images import Images

# What the levels 0, 1, 2, ... of each factor stand for. slant: pixels to the right per pixel up; thickness (of the pen)
# and size (the height before slanting and turning): pixels; rotation: degrees clockwise; x and y: where the middle of
# the digit's bounding box lies, in pixels right of and below the middle of the image. Extremes are such that every
# digit stays easy to read and no combination is cut by the edge of the image.
GRID: dict[str, tuple[float, ...]] = {
    "digit": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    "slant": (-0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4),
    "thickness": (1.5, 2.0, 2.5, 3.0, 3.5),
    "size": (13.0, 14.25, 15.5, 16.75, 18.0),
    "rotation": (-12.0, -8.0, -4.0, 0.0, 4.0, 8.0, 12.0),
    "x": (-2, -1, 0, 1, 2),
    "y": (-2, -1, 0, 1, 2),
}
CELLS = Grid({name: len(values) for name, values in GRID.items()})
SPLITS = {"train": (0, 60_000), "test": (60_000, 70_000)}  # of the grid as seed 0 shuffles it: no image is in both
SIDE = 28
REACH = 2  # pixels that x and y move a digit at most
EDGE = 1.2  # pixels over which ink fades to nothing, about as soft as MNIST's


def make(n: int, seed: int, *, skip: int = 0) -> Images:
    """Draw `n` different digits: the cells of the grid of factors in the order in which `seed` shuffles them.

    n: from 1 to 306,250 - skip, since the grid holds no more. seed: 0 or above. skip: cells passed over first. The
    first images are the same whatever n is. Two seeds share cells by chance; the splits of `load` are parts of one
    seed, so they share none. Raises TypeError for anything but whole numbers and ValueError for numbers out of range.
    """
    factors = CELLS.shuffled(n, seed, skip)
    return Images(draw(factors), factors[:, 0].clone(), factors, name="digits", factor_names=CELLS.names)


def draw(factors: Tensor | np.ndarray | list) -> Tensor:
    """Draw one image per row of `factors`: int [n, 7] to uint8 [n, 1, 28, 28], white ink on black.

    A row holds a level of each factor in the order of `GRID`, which says what the levels stand for.
    Raises TypeError unless all are whole numbers, and ValueError for another shape or a level that is not on the grid.
    """
    rows = CELLS.check(factors)
    digit, slant, thickness, size, rotation, x, y = rows.T
    forms = np.ravel_multi_index((digit, slant, size, rotation), tuple(CELLS.levels[i] for i in (0, 1, 3, 4)))
    _, first, which = np.unique(forms, return_index=True, return_inverse=True)
    shapes = zip(*(column[first].tolist() for column in (digit, slant, size, rotation)), strict=True)
    canvases = np.stack([_canvases(*shape) for shape in shapes])
    windows = sliding_window_view(canvases, (SIDE, SIDE), axis=(2, 3))  # moving the window left moves the digit right
    return torch.from_numpy(windows[which, thickness, 2 * REACH - y, 2 * REACH - x]).unsqueeze(1)


@cache  # 2,450 of them, 12 MB: drawing again, as a slider does, costs nothing
def _canvases(digit: int, slant: int, size: int, rotation: int) -> np.ndarray:
    """One digit in the middle of a canvas with a margin to move in, once per thickness: uint8 [5, 32, 32]."""
    distance = _distance(_outline(digit, GRID["slant"][slant], GRID["size"][size], GRID["rotation"][rotation]))
    pen = np.array(GRID["thickness"], dtype=np.float32)[:, None, None] / 2
    ink = np.clip((pen - distance) / np.float32(EDGE) + np.float32(0.5), 0, 1)
    return np.rint(ink * np.float32(255)).astype(np.uint8)


def _outline(digit: int, slant: float, size: float, rotation: float) -> np.ndarray:
    """The segments of a digit in pixels, slanted, then turned, then centred: float32 [s, 2 ends, 2]."""
    ends = glyphs.segments(digit) * (size / 2)
    x, y = ends[..., 0] - slant * ends[..., 1], ends[..., 1]
    angle = math.radians(rotation)
    cos, sin = round(math.cos(angle), 6), round(math.sin(angle), 6)  # rounded, to be the same in every libm
    turned = np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)
    middle = (turned.min((0, 1)) + turned.max((0, 1))) / 2
    return (turned - middle).astype(np.float32)


def _distance(segments: np.ndarray) -> np.ndarray:
    """How far each pixel of the canvas is from the nearest segment, in pixels: float32 [32, 32].

    Sums, products, quotients and roots of single numbers alone, which IEEE 754 rounds alike on every processor.
    """
    side = SIDE + 2 * REACH
    centres = np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2)
    x, y = segments[..., 0, None, None], segments[..., 1, None, None]  # [s, 2 ends, 1, 1]
    dx, dy = x[:, 1] - x[:, 0], y[:, 1] - y[:, 0]
    from_x, from_y = centres[None, None, :] - x[:, 0], centres[None, :, None] - y[:, 0]  # [s, 1, 32] and [s, 32, 1]
    squared = dx * dx + dy * dy
    along = np.clip(
        from_x * (dx / squared) + from_y * (dy / squared), 0, 1
    )  # 0 at one end of the segment, 1 at the other
    off_x, off_y = from_x - along * dx, from_y - along * dy
    return np.sqrt((off_x * off_x + off_y * off_y).min(axis=0))
