"""Sharpness, by brute force and by what blur and noise must do to it."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from vae_tutorial import data
from vae_tutorial.measures import sharpness


def laplacian_variance(image: torch.Tensor) -> float:
    """Of one image [c, h, w]: neighbours minus four times the middle, at every inner pixel of every channel."""
    values = []
    for channel in image.double().tolist():
        for i in range(1, len(channel) - 1):
            for j in range(1, len(channel[0]) - 1):
                around = channel[i - 1][j] + channel[i + 1][j] + channel[i][j - 1] + channel[i][j + 1]
                values.append(around - 4 * channel[i][j])
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values)


def blurred(images: torch.Tensor, times: int = 1) -> torch.Tensor:
    """Each pixel the mean of its 3 x 3 neighbourhood, `times` over."""
    for _ in range(times):
        images = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return images


@pytest.fixture
def digits() -> torch.Tensor:
    return data.load("digits", "test", limit=20).x / 255


@pytest.mark.parametrize("shape", [(4, 1, 7, 5), (4, 3, 5, 6), (2, 2, 3, 3), (1, 1, 28, 28)])
def test_it_is_the_variance_of_the_laplacian_over_the_inner_pixels_of_all_channels(shape):
    images = torch.rand(shape)
    truth = torch.tensor([laplacian_variance(image) for image in images])
    assert sharpness(images).shape == (len(images),)
    torch.testing.assert_close(sharpness(images), truth, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("grey", [0.0, 0.3, 1.0])
def test_a_constant_image_has_none(grey, channels):
    torch.testing.assert_close(sharpness(torch.full((2, channels, 6, 6), grey)), torch.zeros(2), atol=1e-12, rtol=0)


def test_a_ramp_has_none_whatever_its_direction():
    down, right = torch.meshgrid(torch.linspace(0, 0.5, 8), torch.linspace(0, 0.5, 8), indexing="ij")
    for ramp in (down, right, down + right):
        assert sharpness(ramp.view(1, 1, 8, 8)).item() < 1e-12


def test_a_chessboard_has_the_most_there_can_be():
    board = (torch.arange(6)[:, None] + torch.arange(6)) % 2
    assert sharpness(board.view(1, 1, 6, 6).float()).item() == pytest.approx(16.0)  # the Laplacian is +4 and -4


def test_it_falls_with_every_blur(digits):
    steps = [sharpness(blurred(digits, times)) for times in range(4)]
    assert all((after < before).all() for before, after in itertools.pairwise(steps))


def test_it_rises_with_noise(digits):
    noise = torch.randn(digits.shape, generator=torch.Generator().manual_seed(0))
    grey = 0.25 + digits / 2  # noise stays in [0, 1] without a clamp
    steps = [sharpness((grey + scale * noise).clamp(0, 1)) for scale in (0.0, 0.02, 0.05)]
    assert all((after > before).all() for before, after in itertools.pairwise(steps))


def test_it_is_quadratic_in_contrast_and_blind_to_brightness_and_to_mirrors(digits):
    torch.testing.assert_close(sharpness(digits / 2), sharpness(digits) / 4)
    torch.testing.assert_close(sharpness(0.5 + digits / 2), sharpness(digits / 2), rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(sharpness(1 - digits), sharpness(digits), rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(sharpness(digits.flip(3).transpose(2, 3)), sharpness(digits))


def test_an_image_counts_for_itself_alone(digits):
    torch.testing.assert_close(sharpness(digits), torch.cat([sharpness(one[None]) for one in digits]))


def test_uint8_and_float_images_are_measured_alike_and_left_as_they_are(digits):
    whole = (digits * 255).round().to(torch.uint8)
    before = whole.clone()
    torch.testing.assert_close(sharpness(whole), sharpness(digits))
    assert torch.equal(whole, before)
    assert sharpness(digits.double()).dtype == torch.float64


@pytest.mark.parametrize("shape", [(1, 1, 2, 5), (1, 1, 5, 2), (3, 3, 1, 1)])
def test_images_too_small_for_a_laplacian_are_refused_by_name(shape):
    with pytest.raises(ValueError, match=rf"^images must have at least 3 x 3 pixels, got {shape[2]} x {shape[3]}$"):
        sharpness(torch.zeros(shape))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("bad", [None, torch.zeros(5, 5), torch.full((1, 1, 4, 4), 1.5), torch.zeros(0, 1, 4, 4)])
def test_what_is_no_set_of_images_is_refused_by_name(bad):
    with pytest.raises((TypeError, ValueError), match=r"^images must "):
        sharpness(bad)
