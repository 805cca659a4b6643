"""The drawn digits: the factors mean what they say, measured on the pixels, and the same call draws the same images."""

import os
import subprocess
import sys
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Flatten, Linear, ReLU, Sequential, functional

from vae_tutorial import data
from vae_tutorial.data import digits, glyphs

MIDDLE = {"slant": 2, "thickness": 2, "size": 2, "rotation": 3, "x": 2, "y": 2}  # upright, centred


def traverse(factor, **others):
    """Every digit at every level of one factor: float [10 digits, levels, 28, 28] in [0, 1]."""
    levels = len(digits.GRID[factor])
    rows = [
        [(MIDDLE | others | {"digit": digit, factor: level})[name] for name in digits.CELLS.names]
        for digit in range(10)
        for level in range(levels)
    ]
    return digits.draw(rows).view(10, levels, 28, 28).double() / 255


def moments(images):
    """Centre of mass (x, y) [..., 2] in pixels from the middle, and covariance [..., 2, 2] of the ink."""
    axis = torch.arange(28, dtype=torch.float64) - 13.5
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)
    weight = (images / images.sum((-1, -2), keepdim=True)).unsqueeze(-1)
    mean = (weight * grid).sum((-2, -3))
    off = grid - mean[..., None, None, :]
    return mean, (weight.unsqueeze(-1) * off.unsqueeze(-1) * off.unsqueeze(-2)).sum((-3, -4))


@pytest.mark.parametrize(("factor", "axis"), [("x", 0), ("y", 1)])
def test_position_moves_the_centre_of_mass_by_as_many_pixels_and_changes_nothing_else(factor, axis):
    images = traverse(factor)
    mean, covariance = moments(images)
    want = torch.zeros(10, 5, 2, dtype=torch.float64)
    want[..., axis] = torch.tensor(digits.GRID[factor])
    torch.testing.assert_close(mean - mean[:, 2:3], want)
    torch.testing.assert_close(covariance, covariance[:, 2:3].expand_as(covariance))


def test_the_extent_of_the_ink_is_centred_and_as_high_as_size_and_pen_say():
    for thickness in range(5):
        ink = traverse("size", thickness=thickness).amax(-1) > 0.5  # rows of each image that the pen goes through
        top, bottom = ink.int().argmax(-1), 28 - ink.flip(-1).int().argmax(-1)
        reach = torch.tensor([np.ptp(glyphs.segments(digit)[..., 1]) / 2 for digit in range(10)]).view(10, 1)
        want = reach * torch.tensor(digits.GRID["size"]) + digits.GRID["thickness"][thickness]
        assert ((bottom - top) - want).abs().max() < 1.2  # rows are whole
        assert ((bottom + top) / 2 - 14).abs().max() <= 0.5
        assert (want[:, 1:] > want[:, :-1]).all()


def test_ink_grows_with_thickness_in_proportion():
    ink = traverse("thickness").sum((-1, -2))
    pen = torch.tensor(digits.GRID["thickness"], dtype=torch.float64)
    assert (ink.diff(dim=1) > 0).all()
    # A line of length l and width w covers l w, less where lines meet: 3.5 pixels cover up to 3.5 / 1.5 = 2.33 as much.
    ratio = ink[:, -1] / ink[:, 0]
    assert ((ratio > 1.8) & (ratio <= 1.1 * pen[-1] / pen[0])).all()


def test_slant_shears_the_ink():
    _, covariance = moments(traverse("slant", thickness=0))
    # x' = x - s y (y points down), so that cov(x', y) = cov(x, y) - s var(y) and var(y) stays.
    shear = -covariance[..., 0, 1] / covariance[..., 1, 1]
    want = torch.tensor(digits.GRID["slant"], dtype=torch.float64)
    # The pen stays round, so that ink is not sheared quite as the line is: a sixth of the slant is left to that.
    torch.testing.assert_close(shear - shear[:, 2:3], want.expand(10, -1), atol=0.02, rtol=0.16)


def test_rotation_turns_the_ink_clockwise():
    _, covariance = moments(traverse("rotation", thickness=0))
    for level, degrees in enumerate(digits.GRID["rotation"]):
        angle = torch.tensor(degrees, dtype=torch.float64).deg2rad()
        cos, sin = angle.cos(), angle.sin()
        turn = torch.stack([torch.stack([cos, -sin]), torch.stack([sin, cos])])  # clockwise, as y points down
        torch.testing.assert_close(covariance[:, level], turn @ covariance[:, 3] @ turn.T, atol=0.35, rtol=0.03)


def test_no_digit_is_cut_by_the_edge_and_no_two_cells_look_alike():
    cells = np.stack(np.unravel_index(np.arange(digits.CELLS.cells), digits.CELLS.levels), axis=1)
    forms = cells[(cells[:, 5] == 2) & (cells[:, 6] == 2)]
    middle = digits.draw(forms).flatten(1)
    assert len(np.unique(middle.numpy().view("V784"))) == len(forms) == 12_250
    for x, y in [(0, 0), (0, 4), (4, 0), (4, 4)]:
        forms[:, 5:] = x, y
        assert torch.equal(digits.draw(forms).flatten(1).sum(1), middle.sum(1))


def test_the_distance_to_a_stroke_is_that_to_the_nearest_of_its_points():
    segments = digits._outline(5, slant=0.2, size=18.0, rotation=12.0)
    points = np.concatenate([a + (b - a) * np.linspace(0, 1, 200)[:, None] for a, b in segments])
    axis = np.arange(32) - 15.5
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    brute = np.sqrt(((grid[:, :, None] - points) ** 2).sum(-1)).min(-1)
    np.testing.assert_allclose(digits._distance(segments), brute, atol=0.01)


def test_a_curve_goes_through_the_points_that_were_written_down():
    for digit in range(10):
        ends = glyphs.segments(digit).reshape(-1, 2)
        assert (np.abs(np.diff(glyphs.segments(digit), axis=1)).max(axis=(1, 2)) > 0).all()
        for strokes in (glyphs.CURVES, glyphs.LINES, glyphs.LOOPS):
            for x, y in (point for stroke in strokes.get(digit, []) for point in stroke):
                assert np.abs(ends - [x / 100, y / 100]).max(axis=1).min() < 1e-12


def test_the_splits_are_full_balanced_share_no_image_and_keep_their_prefix():
    train, test = data.load("digits"), data.load("digits", "test")
    assert (repr(train), len(test)) == ('Images("digits", 60,000 images of 1x28x28)', 10_000)
    assert train.factor_names == ("digit", "slant", "thickness", "size", "rotation", "x", "y")
    assert torch.equal(train.y, train.factors[:, 0])
    assert len(torch.cat([train.factors, test.factors]).unique(dim=0)) == 70_000
    for name, levels, column in zip(digits.CELLS.names, digits.CELLS.levels, train.factors.T, strict=True):
        share = column.bincount(minlength=levels) / 60_000
        assert (share - 1 / levels).abs().max() < 5 * (1 / levels / 60_000) ** 0.5, name
    assert torch.equal(data.load("digits", limit=100).x, train.x[:100])
    assert torch.equal(data.load("digits", "test", limit=7).factors, test.factors[:7])
    assert 0.08 < train.x.double().mean() / 255 < 0.16  # MNIST: 0.13
    assert 0.13 < (train.x > 0).double().mean() < 0.25  # MNIST: 0.19
    assert (train.x.amax((1, 2, 3)) == 255).all()


def test_another_process_with_other_threads_draws_the_same_bits_without_torchvision():
    script = (
        "import sys, zlib; from vae_tutorial import data; x = data.digits.make(3000, seed=5).x; "
        "print(zlib.crc32(x.numpy().tobytes()), 'torchvision' in sys.modules)"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [str(zlib.crc32(digits.make(3000, seed=5).x.numpy().tobytes())), "False"]


def test_a_small_classifier_reads_digits_of_another_seed(one_thread):
    learn, unseen = digits.make(10_000, seed=11), digits.make(5_000, seed=12)
    new = ~torch.isin(cells(unseen), cells(learn))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Sequential(Flatten(), Linear(784, 128), ReLU(), Linear(128, 10))
        optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
        for _ in range(5):
            for batch in torch.randperm(len(learn)).split(200):
                optimizer.zero_grad()
                functional.cross_entropy(net(learn.x[batch] / 255), learn.y[batch]).backward()
                optimizer.step()
    correct = net(unseen.x / 255).argmax(1) == unseen.y
    assert new.sum() > 4_000
    assert correct[new].double().mean() > 0.98


@pytest.fixture
def one_thread():
    """For small matrices: several threads only wait for one another, for long where tests run in parallel."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def cells(images):
    return torch.from_numpy(np.ravel_multi_index(tuple(images.factors.T.numpy()), digits.CELLS.levels))


@given(row=st.lists(st.integers(-3, 12), min_size=7, max_size=7))
def test_a_level_off_the_grid_is_refused_by_the_name_of_its_factor(row):
    wrong = [
        name
        for name, level, levels in zip(digits.CELLS.names, row, digits.CELLS.levels, strict=True)
        if not 0 <= level < levels
    ]
    if not wrong:
        assert digits.draw([row]).shape == (1, 1, 28, 28)
        return
    with pytest.raises(ValueError, match=f"factors: {wrong[0]} must lie in 0 to"):
        digits.draw(torch.tensor([row]))


@pytest.mark.parametrize("factors", [[], [[]], [[0] * 6], [0] * 7, np.zeros((0, 7), int), torch.zeros(1, 1, 7).long()])
def test_factors_of_another_shape_are_refused(factors):
    with pytest.raises(ValueError, match=r"factors must have shape \[n, 7\] \(digit, slant, thickness"):
        digits.draw(factors)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool])
def test_factors_that_are_no_whole_numbers_are_refused(dtype):
    with pytest.raises(TypeError, match="factors must be whole numbers"):
        digits.draw(torch.zeros(1, 7, dtype=dtype))


@pytest.mark.parametrize(("n", "seed", "skip", "named"), [(0, 0, 0, "n"), (306_251, 0, 0, "n"), (2, 0, 306_249, "n")])
def test_more_images_than_the_grid_holds_are_refused(n, seed, skip, named):
    with pytest.raises(ValueError, match=f"^{named} must lie in"):
        digits.make(n, seed, skip=skip)


@pytest.mark.parametrize("wrong", [{"n": True}, {"n": 2.0}, {"seed": "a"}, {"skip": None}])
def test_what_is_no_whole_number_is_refused(wrong):
    with pytest.raises(TypeError, match=next(iter(wrong))):
        digits.make(**({"n": 1, "seed": 0} | wrong))


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed must lie in 0 to"):
        digits.make(1, -1)
