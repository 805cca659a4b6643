"""Every likelihood against torch.distributions, brute force over single pixels, and numbers worked out by hand."""

import math
from decimal import Decimal, localcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import F64
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli
from torch.distributions import Normal

from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, Likelihood

EVERY = [
    Bernoulli(),
    ContinuousBernoulli(),
    Gaussian(),
    Gaussian(sigma=0.3, link="identity"),
    Gaussian(sigma=2, link="tanh"),
    Gaussian(sigma="calibrated"),
    Gaussian(sigma="calibrated", link="tanh"),
]
SHAPE = (4, 3, 2, 5)
PIXELS = 3 * 2 * 5


def batch(dtype: torch.dtype = F64, grey: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    logits = 3 * torch.randn(SHAPE, dtype=dtype)
    x = torch.rand(SHAPE, dtype=dtype)
    return logits.requires_grad_(), x if grey else x.round()


def per_image(log_prob: torch.Tensor) -> torch.Tensor:
    """-log p of each image: a plain loop over its pixels."""
    return torch.stack([-sum(pixel for pixel in image.flatten()) for image in log_prob])


# What holds for all of them


@pytest.mark.parametrize("likelihood", EVERY, ids=repr)
def test_nll_is_one_number_per_image_and_mean_is_an_image(likelihood):
    logits, x = batch()
    assert isinstance(likelihood, Likelihood)
    assert likelihood.nll(logits, x).shape == (4,)
    assert likelihood.mean(logits).shape == SHAPE
    assert likelihood.nll(logits, x).dtype == likelihood.mean(logits).dtype == F64


@pytest.mark.parametrize("likelihood", EVERY, ids=repr)
@pytest.mark.parametrize(
    "shape", [(4, 1, 2, 5), (1, 3, 2, 5), (4, 3, 2, 1), (3, 2, 5), (4, 30), (5, 3, 2, 5), (4, 3, 5, 2)]
)
def test_shapes_that_differ_are_refused_not_broadcast(likelihood, shape):
    logits = torch.zeros(SHAPE)
    words = r"logits and x must share one shape \[b, c, h, w\], got \[4, 3, 2, 5\] and \["
    with pytest.raises(ValueError, match=words):
        likelihood.nll(logits, torch.zeros(shape))
    with pytest.raises(ValueError, match=r"logits and x must share one shape"):
        likelihood.nll(torch.zeros(shape), torch.zeros(SHAPE))


@pytest.mark.parametrize("likelihood", EVERY, ids=repr)
@pytest.mark.parametrize("shape", [(4,), (4, 30), (3, 2, 5), (1, 4, 3, 2, 5)])
def test_what_has_not_four_axes_is_refused(likelihood, shape):
    with pytest.raises(ValueError, match=r"logits and x must share one shape \[b, c, h, w\]"):
        likelihood.nll(torch.zeros(shape), torch.zeros(shape))


@pytest.mark.parametrize("likelihood", [each for each in EVERY if getattr(each, "link", "") != "identity"], ids=repr)
@pytest.mark.parametrize("bad", [-0.01, 1.01, -1.0, 255.0, float("nan"), float("inf")])
def test_pixels_outside_zero_to_one_are_refused(likelihood, bad):
    logits, x = batch()
    x[3, 2, 1, 4] = bad
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\], got values from"):
        likelihood.nll(logits, x)


def test_the_identity_link_takes_any_pixels():
    logits, x = batch()
    assert Gaussian(link="identity").nll(logits, 5 * x - 7).isfinite().all()


@pytest.mark.parametrize("likelihood", [each for each in EVERY if getattr(each, "sigma", 0) != "calibrated"], ids=repr)
def test_images_of_a_batch_do_not_meet(likelihood):
    logits, x = batch()
    alone = torch.cat([likelihood.nll(logits[i : i + 1], x[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(likelihood.nll(logits, x), alone)


@pytest.mark.parametrize("likelihood", EVERY, ids=repr)
@given(
    scale=st.sampled_from([1e-30, 1e-3, 0.05, 1.0, 20.0, 1e3, 1e6]),
    level=st.sampled_from([0.0, 1e-3, 0.5, 1.0]),
    shape=st.tuples(*[st.integers(1, 3)] * 4),
    dtype=st.sampled_from([torch.float32, F64]),
)
def test_finite_logits_give_finite_values_and_gradients(likelihood, scale, level, shape, dtype):
    logits = (scale * torch.linspace(-1, 1, math.prod(shape), dtype=dtype)).reshape(shape).requires_grad_()
    nll = likelihood.nll(logits, torch.full(shape, level, dtype=dtype))
    nll.sum().backward()
    assert nll.isfinite().all()
    assert logits.grad.isfinite().all()
    assert likelihood.mean(logits).isfinite().all()
    if getattr(likelihood, "link", "") != "identity":
        assert likelihood.mean(logits).min() >= 0
        assert likelihood.mean(logits).max() <= 1


# Bernoulli


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (F64, 1e-12)])
@pytest.mark.parametrize("grey", [False, True])
def test_bernoulli_is_that_of_torch_distributions_summed_over_pixels(dtype, tolerance, grey):
    logits, x = batch(dtype, grey)
    truth = per_image(TorchBernoulli(logits=logits.double(), validate_args=False).log_prob(x.double()))
    torch.testing.assert_close(Bernoulli().nll(logits, x).double(), truth, rtol=tolerance, atol=0)


def test_bernoulli_gradient_is_sigmoid_minus_x():
    logits, x = batch()
    Bernoulli().nll(logits, x).sum().backward()
    torch.testing.assert_close(logits.grad, (torch.sigmoid(logits) - x).detach(), atol=1e-12, rtol=0)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
@pytest.mark.parametrize("pixel", [0.0, 1.0])
def test_bernoulli_does_not_saturate(logit, pixel):
    logits = torch.full((1, 1, 1, 1), logit, requires_grad=True)
    nll = Bernoulli().nll(logits, torch.full((1, 1, 1, 1), pixel))
    nll.backward()
    wrong = (logit > 0) != (pixel > 0)
    assert nll.item() == (1e4 if wrong else 0.0)
    assert logits.grad.item() == pytest.approx((1.0 if logit > 0 else 0.0) - pixel, abs=1e-6)


def test_the_floor_of_bernoulli_on_grey_images_is_their_entropy():
    x = torch.rand(SHAPE, dtype=F64).clamp(1e-3, 1 - 1e-3)
    entropy = per_image(x * x.log() + (1 - x) * (1 - x).log())
    best = torch.logit(x)
    torch.testing.assert_close(Bernoulli().nll(best, x), entropy, rtol=1e-4, atol=0)
    for step in (-0.1, 0.1):
        assert (Bernoulli().nll(best + step, x) > entropy).all()


def test_bernoulli_mean_is_the_sigmoid():
    logits = torch.linspace(-30, 30, 61, dtype=F64).view(1, 1, 1, 61)
    torch.testing.assert_close(Bernoulli().mean(logits), 1 / (1 + (-logits).exp()))


# Continuous Bernoulli

LOGITS = torch.cat([
    torch.linspace(-30, 30, 301, dtype=F64),
    torch.tensor([sign * 10.0**e for e in range(-12, 1) for sign in (-1, 1)], dtype=F64),
    torch.tensor([-0.05, 0.05, -0.0499999, 0.0500001, 0.0], dtype=F64),
])  # fmt: skip


def continuous_truth(logits: torch.Tensor) -> TorchContinuousBernoulli:
    return TorchContinuousBernoulli(logits=logits, lims=(0.4999, 0.5001))


def eighty_digits(logit: float) -> tuple[float, float]:
    """log C and the mean straight from the paper's formulas; torch's own lose digits beyond logits of about 10."""
    with localcontext() as context:
        context.prec = 80
        if logit == 0:
            return math.log(2), 0.5
        lam = 1 / (1 + (-Decimal(logit)).exp())
        atanh = ((2 - 2 * lam) / (2 * lam)).ln() / 2  # of 1 - 2 lambda
        return float((2 * atanh / (1 - 2 * lam)).ln()), float(lam / (2 * lam - 1) + 1 / (2 * atanh))


EXACT = torch.tensor([eighty_digits(logit) for logit in LOGITS.tolist()], dtype=F64)
LOG_C, MEAN = EXACT.unbind(1)


def as_pixels(values: torch.Tensor) -> torch.Tensor:
    """Each number an image of its own."""
    return values.view(-1, 1, 1, 1)


@pytest.mark.parametrize("pixel", [0.0, 0.2, 0.5, 1.0])
def test_continuous_bernoulli_is_that_of_torch_distributions(pixel):
    x = torch.full_like(LOGITS, pixel)
    nll = ContinuousBernoulli().nll(as_pixels(LOGITS), as_pixels(x))
    torch.testing.assert_close(nll, -continuous_truth(LOGITS).log_prob(x), rtol=0, atol=1e-4)
    bernoulli = TorchBernoulli(logits=LOGITS, validate_args=False).log_prob(x)
    torch.testing.assert_close(nll, -bernoulli - LOG_C, rtol=0, atol=1e-10)


def test_continuous_bernoulli_sums_over_pixels():
    logits, x = batch()
    truth = per_image(continuous_truth(logits).log_prob(x))
    torch.testing.assert_close(ContinuousBernoulli().nll(logits, x), truth, rtol=1e-9, atol=1e-9)


def test_continuous_bernoulli_mean_is_that_of_torch_distributions():
    mean = ContinuousBernoulli().mean(as_pixels(LOGITS)).flatten()
    torch.testing.assert_close(mean, continuous_truth(LOGITS).mean, rtol=0, atol=1e-5)
    torch.testing.assert_close(mean, MEAN, rtol=0, atol=1e-10)


@pytest.mark.parametrize("logit", [-30.0, -5.0, -0.3, -0.04, 0.0, 0.04, 0.06, 1.0, 12.0, 30.0])
def test_continuous_bernoulli_integrates_to_one_and_to_its_mean(logit):
    n = 40_001
    x = torch.linspace(0, 1, n, dtype=F64)
    logits = torch.full((n,), logit, dtype=F64)
    density = (-ContinuousBernoulli().nll(as_pixels(logits), as_pixels(x))).exp()
    assert torch.trapezoid(density, x).item() == pytest.approx(1, abs=1e-6)
    mean = ContinuousBernoulli().mean(as_pixels(logits[:1])).item()
    assert torch.trapezoid(x * density, x).item() == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-5), (F64, 1e-9)])
def test_continuous_bernoulli_gradient_is_mean_minus_x(dtype, tolerance):
    logits = as_pixels(LOGITS.to(dtype)).requires_grad_()
    x = torch.full_like(logits, 0.3)
    ContinuousBernoulli().nll(logits, x).sum().backward()
    torch.testing.assert_close(logits.grad.double().flatten(), MEAN - 0.3, rtol=tolerance, atol=tolerance)


def test_the_gradient_of_the_continuous_bernoulli_mean_is_a_variance():
    logits = as_pixels(LOGITS).requires_grad_()
    ContinuousBernoulli().mean(logits).sum().backward()
    assert logits.grad.isfinite().all()
    assert ((logits.grad > 0) & (logits.grad < 1 / 12 + 1e-6)).all()  # no density of this family is wider than uniform
    torch.testing.assert_close(logits.grad.flatten(), continuous_truth(LOGITS).variance, rtol=1e-3, atol=1e-6)


def test_continuous_bernoulli_keeps_its_digits_in_float32():
    x = torch.full((len(LOGITS),), 0.25)
    nll = ContinuousBernoulli().nll(as_pixels(LOGITS.float()), as_pixels(x)).double()
    bernoulli = TorchBernoulli(logits=LOGITS, validate_args=False).log_prob(x.double())
    torch.testing.assert_close(nll, -bernoulli - LOG_C, rtol=1e-6, atol=1e-6)
    mean = ContinuousBernoulli().mean(as_pixels(LOGITS.float())).flatten().double()
    torch.testing.assert_close(mean, MEAN, rtol=0, atol=1e-5)


# Gaussian

LINKS = {"identity": lambda l: l, "sigmoid": torch.sigmoid, "tanh": lambda l: (torch.tanh(l) + 1) / 2}  # noqa: E741


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("sigma", [0.05, 1, 1.0, 3.5])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (F64, 1e-12)])
def test_gaussian_is_that_of_torch_distributions_constant_included(link, sigma, dtype, tolerance):
    logits, x = batch(dtype)
    truth = per_image(Normal(LINKS[link](logits.double()), sigma).log_prob(x.double()))
    nll = Gaussian(sigma=sigma, link=link).nll(logits, x)
    torch.testing.assert_close(nll.double(), truth, rtol=tolerance, atol=0)


@pytest.mark.parametrize(("sigma", "constant"), [(0.5**0.5, 448.7), (1.0, 720.4)])
def test_a_perfect_fit_costs_the_constant_of_the_density(sigma, constant):
    x = torch.rand(2, 1, 28, 28, dtype=F64)
    nll = Gaussian(sigma=sigma, link="identity").nll(x, x)
    torch.testing.assert_close(nll, torch.full((2,), constant, dtype=F64), rtol=0, atol=0.06)


@pytest.mark.parametrize("link", LINKS)
def test_gaussian_mean_is_the_link(link):
    logits = torch.linspace(-8, 8, 33, dtype=F64).view(1, 1, 1, 33)
    torch.testing.assert_close(Gaussian(link=link).mean(logits), LINKS[link](logits), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("link", LINKS)
def test_the_calibrated_sigma_is_the_best_of_all_for_the_batch(link):
    logits, x = batch()
    calibrated = Gaussian(sigma="calibrated", link=link).nll(logits, x).mean()
    best = (LINKS[link](logits) - x).square().mean().sqrt().item()
    grid = torch.tensor([best * 1.01**i for i in range(-200, 201)])
    others = torch.stack([Gaussian(sigma=float(s), link=link).nll(logits, x).mean() for s in grid])
    torch.testing.assert_close(calibrated, others.min(), rtol=1e-6, atol=1e-6)
    assert (calibrated <= others + 1e-6).all()
    assert grid[others.argmin()].item() == pytest.approx(best, rel=1e-6)
    truth = PIXELS / 2 * (math.log(2 * math.pi * best**2) + 1)
    assert calibrated.item() == pytest.approx(truth, rel=1e-12)


def test_the_calibrated_sigma_is_one_for_all_images_and_pixels():
    x = torch.full(SHAPE, 0.5, dtype=F64)
    logits = x.clone()
    logits[0] += 0.1  # one image is wrong everywhere
    logits[1, 2] += 0.4  # another in one channel
    sigma = (logits - x).square().mean().sqrt().item()
    expected = Gaussian(sigma=sigma, link="identity").nll(logits, x)
    torch.testing.assert_close(Gaussian(sigma="calibrated", link="identity").nll(logits, x), expected)


def test_the_calibrated_gradient_is_that_of_the_best_sigma_held_still():
    logits, x = batch()
    Gaussian(sigma="calibrated", link="identity").nll(logits, x).mean().backward()
    variance = (logits - x).square().mean().detach()
    torch.testing.assert_close(logits.grad, ((logits - x) / variance / 4).detach(), rtol=1e-10, atol=1e-12)


def test_a_perfect_fit_under_calibrated_sigma_is_finite():
    x = torch.rand(SHAPE)
    logits = x.clone().requires_grad_()
    nll = Gaussian(sigma="calibrated", link="identity").nll(logits, x)
    nll.sum().backward()
    assert nll.isfinite().all()
    assert logits.grad.isfinite().all()


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("sigma", [0, -1, float("nan"), float("inf"), "learned", None, [1.0], (), 1j])
def test_another_sigma_is_refused_with_what_is_accepted(sigma):
    with pytest.raises((ValueError, TypeError), match=r'sigma must be a positive number or "calibrated", got '):
        Gaussian(sigma=sigma)


@given(sigma=st.one_of(st.floats(), st.integers(), st.sampled_from([1e-300, 1e-30, 1e-10, 1e10, 1e30, 1e300])))
def test_any_number_for_sigma_gives_finite_nats_or_is_refused_by_name(sigma):
    logits, x = torch.zeros(2, 1, 2, 2), torch.full((2, 1, 2, 2), 0.25)
    try:
        likelihood = Gaussian(sigma=sigma)
    except ValueError as error:
        assert "sigma must be" in str(error)  # noqa: PT017
    else:
        assert likelihood.nll(logits, x).isfinite().all()
        assert likelihood.nll(logits, torch.full_like(x, 0.5)).isfinite().all()


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("link", ["softplus", None, 1, "Sigmoid"])
def test_another_link_is_refused_with_what_is_accepted(link):
    with pytest.raises(ValueError, match=r'link must be "sigmoid", "identity" or "tanh", got '):
        Gaussian(link=link)
