"""Sprites: every pixel is where geometry says, every factor moves what it is called after, nothing is cut."""

import math

import numpy as np
import pytest
import torch

from vae_tutorial import data
from vae_tutorial.data import sprites

MIDDLE = {"shape": 2, "scale": 5, "orientation": 3, "x": 15, "y": 15}


def row(**levels: int) -> list[int]:
    return [(MIDDLE | levels)[name] for name in sprites.GRID]


def inside(shape: int, x: float, y: float) -> bool:
    """Written out once more, for one point, in the sprite's own frame; y downwards."""
    if shape == 0:
        return abs(x) <= 11 and abs(y) <= 11
    if shape == 1:
        return (x / 8) ** 2 + (y / 14.5) ** 2 <= 1
    u, v = x / 12, (1.5 - y) / 12
    return (u * u + v * v - 1) ** 3 - u * u * v**3 <= 0


@pytest.mark.parametrize("side", sprites.SIDES)
@pytest.mark.parametrize("seed", range(3))
def test_a_pixel_is_white_where_its_middle_lies_in_the_turned_and_scaled_shape(side, seed):
    rng = np.random.default_rng(seed)
    levels = [int(rng.integers(count)) for count in sprites.CELLS.levels]
    shape, scale, degrees, x, y = (values[level] for values, level in zip(sprites.GRID.values(), levels, strict=True))
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    image = sprites.draw([levels], side)[0, 0]
    wrong = 0
    for i in range(side):
        for j in range(side):
            right, down = (j + 0.5) * 64 / side - 32 - x, (i + 0.5) * 64 / side - 32 - y
            truth = inside(int(shape), (right * c + down * s) / scale, (down * c - right * s) / scale)
            wrong += (image[i, j].item() == 255) != truth
    assert wrong <= 2, f"levels {levels}"  # middles on an edge, where the last bit decides


@pytest.mark.parametrize("side", sprites.SIDES)
def test_images_are_bits_of_the_asked_size(side):
    images = sprites.make(50, seed=1, side=side)
    assert images.x.shape == (50, 1, side, side)
    assert set(images.x.unique().tolist()) == {0, 255}
    assert torch.equal(images.y, images.factors[:, 0])
    assert (images.n_classes, images.factor_names) == (3, ("shape", "scale", "orientation", "x", "y"))


@pytest.mark.parametrize(("factor", "axis"), [("x", 1), ("y", 0)])
def test_a_step_of_place_is_a_pixel_to_the_right_or_down(factor, axis):
    at, moved = sprites.draw([row(), row(**{factor: MIDDLE[factor] + 7})])[:, 0]
    assert torch.equal(moved, at.roll(7, axis))


@pytest.mark.parametrize("factor", ["x", "y"])
def test_half_the_size_shows_steps_of_half_a_pixel(factor):
    at, half, whole = sprites.draw([row(**{factor: MIDDLE[factor] + step}) for step in range(3)], side=32)[:, 0]
    assert torch.equal(whole, at.roll(1, {"x": 1, "y": 0}[factor]))
    assert not torch.equal(half, at)
    assert not torch.equal(half, whole)


def test_no_place_cuts_a_sprite_and_no_turn_changes_its_size_much():
    corners = [(0, 0), (31, 0), (0, 31), (31, 31), (15, 15)]
    rows = [row(shape=s, orientation=o, x=x, y=y) for s in range(3) for o in range(40) for x, y in corners]
    area = (sprites.draw(rows) > 0).flatten(1).sum(1).view(3, 40, 5).float()
    assert torch.equal(area.min(2).values, area.max(2).values)
    assert (area.max(1).values / area.min(1).values).max() < 1.15


def test_the_area_grows_with_the_square_of_the_scale():
    area = (sprites.draw([row(scale=level) for level in range(6)]) > 0).flatten(1).sum(1).double()
    truth = torch.tensor(sprites.GRID["scale"], dtype=torch.float64).square()
    assert (area / area[-1] - truth).abs().max() < 0.05


@pytest.mark.parametrize(("shape", "levels"), [(0, 10), (1, 20), (2, 40)])
def test_a_square_looks_the_same_four_times_a_turn_an_ellipse_twice_a_heart_once(shape, levels):
    turned = sprites.draw([row(shape=shape, orientation=o) for o in range(40)])
    distinct = torch.unique(turned.flatten(1), dim=0)
    assert len(distinct) == levels


def test_a_quarter_of_a_turn_is_clockwise():
    """The heart's tip, at first below, goes to the left."""
    rows = [row(orientation=0), row(orientation=10)]
    upright, lying = (sprites.draw(rows) > 0).double()[:, 0]
    heaviest_row, heaviest_column = upright.sum(1).argmax(), lying.sum(0).argmax()
    assert heaviest_row < 32
    assert heaviest_column > 31


def test_the_same_seed_draws_the_same_and_more_images_begin_with_the_fewer():
    few, many = sprites.make(20, seed=3), sprites.make(40, seed=3)
    assert torch.equal(few.x, many.x[:20])
    assert torch.equal(sprites.make(20, seed=3, skip=20).factors, many.factors[20:])
    assert not torch.equal(few.factors, sprites.make(20, seed=4).factors)


def test_training_and_test_images_are_different_ones():
    train, test = (sprites.CELLS.shuffled(stop - start, 0, start) for start, stop in sprites.SPLITS.values())
    numbers = [np.ravel_multi_index(tuple(rows.T.numpy()), sprites.CELLS.levels) for rows in (train, test)]
    assert len(np.union1d(*numbers)) == 70_000
    loaded = data.load("sprites", "test", limit=30)
    assert torch.equal(loaded.factors, test[:30])
    assert loaded.x.shape == (30, 1, 64, 64)
    for levels, column in zip(sprites.CELLS.levels, train.T, strict=True):
        assert len(column.unique()) == levels


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sprites.draw([row()], side=28), "side must be one of 64, 32, got 28"),
        (lambda: sprites.draw([row()], side="64"), "side must be one of 64, 32, got '64'"),
        (lambda: sprites.draw([row(shape=3)]), "factors: shape must lie in 0 to 2, got 3"),
        (lambda: sprites.draw([[1, 2, 3]]), r"factors must have shape \[n, 5\] \(shape, .*\), got \[1, 3\]"),
        (lambda: sprites.make(737_281, seed=0), "n must lie in 1 to 737,280, got 737,281"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("side", [64, 32])
def test_a_part_is_what_load_gives_in_either_size(side, monkeypatch):
    monkeypatch.setattr(sprites, "SPLITS", {"train": (0, 40), "test": (40, 60)})
    part = sprites.part("test", side=side)
    assert torch.equal(part.factors, data.load("sprites", "test").factors)
    assert torch.equal(part.x, sprites.draw(part.factors, side))
