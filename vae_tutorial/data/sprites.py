"""Sprites drawn in code on dSprites' grid: five causes of every pixel, each known, for measures of disentanglement.

Three shapes, six scales, 40 orientations and 32 by 32 places, as of Matthey et al. 2017, whose pictures are not copied:
the outlines are our own, and the orientations are 40 different ones, where theirs count 0 and 2 pi as two.
"""

from functools import cache

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from vae_tutorial.data.grid import Grid
from vae_tutorial.data.images import Images

SHAPES = ("square", "ellipse", "heart")
# What the levels 0, 1, 2, ... of each factor stand for. shape: its number in SHAPES; scale: of full size; orientation:
# degrees clockwise; x and y: pixels of a full image right of and below its middle.
GRID: dict[str, tuple[float, ...]] = {
    "shape": (0, 1, 2),
    "scale": (0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    "orientation": tuple(9.0 * level for level in range(40)),
    "x": tuple(level - 15.5 for level in range(32)),
    "y": tuple(level - 15.5 for level in range(32)),
}
CELLS = Grid({name: len(values) for name, values in GRID.items()})  # 737,280 images
SPLITS = {"train": (0, 60_000), "test": (60_000, 70_000)}  # of the grid as seed 0 shuffles it: no image is in both
FULL = 64  # pixels a side; at half of it a step of x or y is half a pixel
SIDES = (64, 32)


def make(n: int, seed: int, *, skip: int = 0, side: int = FULL) -> Images:
    """Draw `n` different sprites, black and white: the cells of the grid in the order in which `seed` shuffles them.

    n: from 1 to 737,280 - skip. skip: cells passed over first. The first images are the same whatever n is. side: 64 or
    32 pixels. Their label y is the shape. Raises TypeError for anything but whole numbers, ValueError for numbers out
    of range.
    """
    factors = CELLS.shuffled(n, seed, skip)
    shapes = factors[:, 0].clone()
    return Images(draw(factors, side), shapes, factors, name="sprites", factor_names=CELLS.names, n_classes=len(SHAPES))


def part(split: str, *, side: int = FULL) -> Images:
    """The "train" or "test" sprites of SPLITS; KeyError for another split, otherwise as `make`."""
    start, stop = SPLITS[split]
    return make(stop - start, seed=0, skip=start, side=side)


def draw(factors: Tensor | np.ndarray | list, side: int = FULL) -> Tensor:
    """Draw one image per row of `factors`: int [n, 5] to uint8 [n, 1, side, side], white (255) on black (0).

    A row holds a level of each factor in the order of `GRID`, which says what the levels stand for. Raises TypeError
    unless all are whole numbers, ValueError for another shape, a level that is not on the grid or a side other than 64
    or 32.
    """
    shape, scale, orientation, x, y = CELLS.check(factors).T
    if not isinstance(side, int) or side not in SIDES:
        raise ValueError(f"side must be one of {', '.join(map(str, SIDES))}, got {side!r}")
    canvases, step, last = _canvases(side), FULL // side, _room(side)
    # Moving the window left moves the sprite right.
    windows = sliding_window_view(canvases, (side, side), axis=(-2, -1))
    drawn = windows[shape, scale, orientation, y % step, x % step, last - y // step, last - x // step]
    return torch.from_numpy(drawn).unsqueeze(1)


def _room(side: int) -> int:
    """How many whole pixels a sprite moves at most."""
    return len(GRID["x"]) * side // FULL - 1


@cache
def _canvases(side: int) -> np.ndarray:
    """Every sprite on a canvas with a margin to move in, uint8 [3, 6, 40, step, step, h, h]; 6 MB.

    Where a step of y or x is less than a pixel, there is one for each part of a pixel.
    """
    step, last = FULL // side, _room(side)
    # The middle of each pixel as seen from the middle of the sprite, in pixels of a full image: [step, h].
    parts = np.arange(step)[:, None]
    places = (np.arange(side + last) - last + 0.5) * step - FULL / 2 - GRID["x"][0] - parts
    turns = np.radians(GRID["orientation"])
    cos, sin = (np.round(f(turns), 6)[:, None, None, None, None] for f in (np.cos, np.sin))  # the same in every libm
    x, y = places[None, None, :, None, :], places[None, :, None, :, None]
    across, down = x * cos + y * sin, y * cos - x * sin  # [orientation, step, step, h, h]
    insides = [[_inside(shape, across / scale, down / scale) for scale in GRID["scale"]] for shape in SHAPES]
    return 255 * np.array(insides).astype(np.uint8)


def _inside(shape: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether points lie in a shape of full size around the origin, x to the right and y downwards, in pixels.

    No corner is farther out than 15.6 pixels, so that no place and no turn cuts a sprite at the edge of the image.
    """
    if shape == "square":
        return np.maximum(np.abs(x), np.abs(y)) <= 11
    if shape == "ellipse":
        return (x / 8) ** 2 + (y / 14.5) ** 2 <= 1
    x, y = x / 12, (1.5 - y) / 12  # the heart's own units, upwards, its middle at the origin
    return (x**2 + y**2 - 1) ** 3 <= x**2 * y**3
