"""What is accepted as an image, what is refused, and with which words."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vae_tutorial.pixels import as_float, check_images, check_unit_interval

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
OTHERS = [torch.int8, torch.int16, torch.int32, torch.int64, torch.bool, torch.complex64]


@pytest.mark.parametrize("dtype", [torch.uint8, *FLOATS])
def test_images_pass_as_they_are(dtype):
    images = torch.ones(2, 3, 4, 5, dtype=dtype)
    assert check_images(images) is images


def test_all_grey_levels_pass_in_uint8():
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert check_images(images) is images


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("junk", [None, 1, "mnist", [[[[0.5]]]], torch.ones(1, 1, 2, 2).numpy()])
def test_what_is_no_tensor_is_refused_with_its_type(junk):
    with pytest.raises(
        TypeError, match=rf"^photos must be a torch.Tensor .*\[n, c, h, w\], got {type(junk).__name__}$"
    ):
        check_images(junk, name="photos")


@pytest.mark.parametrize("dtype", OTHERS)
def test_another_dtype_is_refused_with_the_accepted_ones(dtype):
    with pytest.raises(TypeError, match=rf"images must be uint8 \(0 to 255\) or floating point .*, got {dtype}"):
        check_images(torch.ones(1, 1, 2, 2, dtype=dtype))


@pytest.mark.parametrize("shape", [(), (784,), (28, 28), (1, 28, 28), (2, 1, 1, 28, 28)])
def test_another_number_of_axes_is_refused_with_the_shape(shape):
    with pytest.raises(ValueError, match=r"images must have shape \[n, c, h, w\], got \[") as error:
        check_images(torch.zeros(shape))
    assert str(error.value).endswith(str(list(shape)))


@pytest.mark.parametrize("shape", [(0, 1, 2, 2), (1, 0, 2, 2), (1, 1, 0, 2), (1, 1, 2, 0)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_empty_sets_and_empty_images_are_refused(shape, dtype):
    with pytest.raises(ValueError, match=r"images must hold at least one image with at least one pixel, got shape"):
        check_images(torch.zeros(shape, dtype=dtype))


@pytest.mark.parametrize("bad", [-1e-3, 1.001, 255.0, float("nan"), float("inf"), -float("inf")])
def test_one_pixel_outside_zero_to_one_is_refused_with_the_range(bad):
    images = torch.rand(3, 1, 2, 2)
    images[2, 0, 1, 0] = bad
    with pytest.raises(ValueError, match=r"images must lie in \[0, 1\], got values from"):
        check_images(images)


def test_images_scaled_to_minus_one_get_the_cure():
    with pytest.raises(ValueError, match=r"\[-1, 1\] need \(x \+ 1\) / 2"):
        check_images(2 * torch.rand(3, 1, 2, 2) - 1)
    with pytest.raises(ValueError, match=r"\[0, 1\], got values from 0 to 255$"):
        check_images(torch.tensor([0.0, 255.0]).view(1, 1, 1, 2))


def test_the_unit_interval_includes_its_ends():
    check_unit_interval(torch.tensor([0.0, 1.0]), name="x")


def test_uint8_becomes_the_nearest_float_of_a_255th_and_the_original_is_kept():
    levels = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
    floats = as_float(levels)
    assert floats.dtype == torch.float32
    truth = torch.tensor([level / 255 for level in range(256)]).view(4, 1, 8, 8)
    torch.testing.assert_close(floats, truth, rtol=1e-7, atol=0)
    assert (floats.min(), floats.max()) == (0, 1)
    assert torch.equal(levels.flatten(), torch.arange(256, dtype=torch.uint8))


def test_floats_stay_as_they_are():
    images = torch.rand(2, 1, 2, 2, dtype=torch.float64)
    assert as_float(images) is images


every_dtype = st.sampled_from([torch.uint8, *FLOATS, *OTHERS, torch.float8_e4m3fn, torch.float8_e5m2])


@given(
    shape=st.one_of(st.just([2, 1, 2, 2]), st.lists(st.integers(0, 3), max_size=5)),
    dtype=every_dtype,
    value=st.sampled_from([0.0, 0.25, 1.0, 1.5, -0.5, float("nan"), float("inf")]),
)
def test_any_tensor_either_is_images_or_is_refused_with_its_name(shape, dtype, value):
    if not dtype.is_floating_point and not dtype.is_complex:
        value = 1.0
    tensor = torch.full(shape, value).to(dtype)
    valid = len(shape) == 4 and 0 not in shape and (dtype == torch.uint8 or dtype in FLOATS) and 0 <= value <= 1
    if valid:
        assert check_images(tensor, name="photos") is tensor
        assert 0 <= as_float(tensor).min() <= as_float(tensor).max() <= 1
    else:
        with pytest.raises((ValueError, TypeError), match=r"^photos must "):
            check_images(tensor, name="photos")
