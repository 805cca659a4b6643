"""What a set of images accepts, and that it says what is wrong."""

import re

import pytest
import torch

from vae_tutorial.data import Images

X = torch.zeros(6, 1, 4, 5, dtype=torch.uint8)
Y = torch.arange(6)
FACTORS = torch.arange(12).view(6, 2)


def test_a_set_has_a_length_and_a_short_name():
    images = Images(X.repeat(10_000, 1, 1, 1), Y.repeat(10_000), name="mnist")
    assert len(images) == 60_000
    assert repr(images) == str(images) == 'Images("mnist", 60,000 images of 1x4x5)'


@pytest.mark.parametrize("index", [slice(1, 3), torch.tensor([1, 2]), [1, 2], torch.arange(6).sub(1.5).abs() < 1])
def test_indexing_takes_images_labels_and_factors_along(index):
    part = Images(X + Y.view(6, 1, 1, 1).byte(), Y, FACTORS, name="some", factor_names=("a", "b"))[index]
    assert part.y.tolist() == part.x[:, 0, 0, 0].tolist() == [1, 2]
    assert part.factors.tolist() == [[2, 3], [4, 5]]
    assert (part.name, part.factor_names) == ("some", ("a", "b"))
    assert Images(X, Y)[index].factors is None


@pytest.mark.parametrize("index", [0, "y", torch.tensor(3)])
def test_a_single_index_is_refused_since_an_image_alone_is_no_set(index):
    with pytest.raises(TypeError, match=r"index|indices"):
        Images(X, Y)[index]


WRONG = {
    "x must be uint8": (TypeError, {"x": X.float()}),
    "x must have shape": (ValueError, {"x": X[0]}),
    "x must hold at least one": (ValueError, {"x": X[:0]}),
    "y must be an int64": (TypeError, {"y": Y.int()}),
    "y must have shape [6], one row per image of x, got [5]": (ValueError, {"y": Y[:5]}),
    "y must lie in 0 to 9, got labels from 0 to 10": (ValueError, {"y": Y * 2}),
    "y must lie in 0 to 9, got labels from -1 to 4": (ValueError, {"y": Y - 1}),
    "y must lie in 0 to 3": (ValueError, {"n_classes": 4}),
    "factors must be an int64": (TypeError, {"factors": FACTORS.float(), "factor_names": ("a", "b")}),
    "factors must have shape [6, 1]": (ValueError, {"factors": FACTORS, "factor_names": ("a",)}),
    "factor_names must be empty": (ValueError, {"factor_names": ("a",)}),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_refused_by_name(message):
    error, change = WRONG[message]
    with pytest.raises(error, match=re.escape(message)):
        Images(**({"x": X, "y": Y} | change))


# Black and white


GREYS = torch.arange(256, dtype=torch.uint8)


def test_a_binarized_pixel_is_white_as_often_as_its_grey_says():
    """Over 20 seeds, 1,000 pixels of each grey in each."""
    greys = Images(GREYS.repeat(1000).view(1, 1, 1000, 256), torch.tensor([0]))
    binary = torch.cat([greys.binarized(seed).x for seed in range(20)])
    assert binary.dtype == torch.uint8
    assert binary.unique().tolist() == [0, 255]
    white, p = (binary == 255).double().mean((0, 1, 2)), GREYS.double() / 255
    assert ((white - p).abs() <= 4 * (p * (1 - p) / 20_000).sqrt()).all()


def test_black_and_white_stay_whatever_is_drawn():
    for seed in range(20):
        ends = Images(torch.tensor([0, 255], dtype=torch.uint8).repeat(5000).view(1, 1, 100, 100), torch.tensor([3]))
        assert torch.equal(ends.binarized(seed).x, ends.x)


def test_the_seed_decides_and_each_pixel_is_drawn_on_its_own():
    greys = Images(X + 128, Y)
    state = torch.get_rng_state()
    assert torch.equal(greys.binarized(4).x, greys.binarized(4).x)
    assert torch.equal(greys.binarized().x, greys.binarized(0).x)
    assert not torch.equal(greys.binarized(4).x, greys.binarized(5).x)
    assert len(greys.binarized().x.unique(dim=0)) == 6
    assert torch.equal(torch.get_rng_state(), state)


def test_binarizing_keeps_all_but_the_pixels_and_leaves_the_original_alone():
    images = Images(X + 128, Y, FACTORS, name="some", factor_names=("a", "b"), n_classes=7)
    binary = images.binarized()
    assert (images.x == 128).all()
    assert torch.equal(binary.y, Y)
    assert torch.equal(binary.factors, FACTORS)
    assert (binary.name, binary.factor_names, binary.n_classes) == ("some", ("a", "b"), 7)
