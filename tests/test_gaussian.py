"""DiagGaussian against torch.distributions, its derivatives worked out by hand, and sampling."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import F64, assert_within_4_standard_errors, kl_oracle
from torch.distributions import Normal

from vae_tutorial.gaussian import DiagGaussian

PRECISION = [(torch.float32, 1e-5), (F64, 1e-10)]


def random_gaussian(b: int = 7, z: int = 3, dtype: torch.dtype = F64, scale: float = 2.0) -> DiagGaussian:
    mu, logvar = scale * torch.randn(2, b, z, dtype=dtype)
    return DiagGaussian(mu.requires_grad_(), logvar.requires_grad_())


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISION)
def test_kl_is_the_closed_form_of_torch_distributions_summed_over_latents(dtype, tolerance):
    q = random_gaussian(b=500, z=5, dtype=dtype)
    truth = kl_oracle(q.mu.double(), q.logvar.double())
    assert q.kl().shape == (500,)
    torch.testing.assert_close(q.kl().double(), truth.sum(1), rtol=tolerance, atol=0)
    torch.testing.assert_close(q.kl_terms().double(), truth, rtol=100 * tolerance, atol=tolerance)


def test_kl_is_zero_at_the_prior_and_nowhere_else():
    zero = torch.zeros(4, 3)
    assert (DiagGaussian(zero, zero).kl() == 0).all()
    for change in (1e-3, -1e-3):
        nudged = zero.clone()
        nudged[1, 2] = change
        assert (DiagGaussian(nudged, zero).kl() > 0).tolist() == [False, True, False, False]
        assert (DiagGaussian(zero, nudged).kl() > 0).tolist() == [False, True, False, False]


def test_kl_keeps_its_digits_near_the_prior_in_float32():
    near = DiagGaussian(torch.zeros(1, 1), torch.full((1, 1), 1e-4))
    assert near.kl().item() == pytest.approx(2.50e-9, rel=1e-2)


@given(
    mu=st.floats(-1e3, 1e3, width=32), logvar=st.floats(-80, 80, width=32), z=st.integers(1, 3), b=st.integers(1, 3)
)  # fmt: skip
def test_kl_is_never_negative_and_rows_do_not_meet(mu, logvar, z, b):
    kl = DiagGaussian(torch.full((b, z), mu), torch.full((b, z), logvar)).kl()
    alone = DiagGaussian(torch.full((1, 1), mu), torch.full((1, 1), logvar)).kl()
    assert (kl > -1e-7).all()
    torch.testing.assert_close(kl, z * alone.expand(b))


def test_gradients_of_kl_are_mu_and_half_of_variance_minus_one():
    q = random_gaussian()
    q.kl().sum().backward()
    torch.testing.assert_close(q.mu.grad, q.mu.detach(), atol=1e-6, rtol=0)
    torch.testing.assert_close(q.logvar.grad, 0.5 * (q.logvar.detach().exp() - 1), atol=1e-6, rtol=0)


def test_kl_is_the_mean_of_log_q_minus_log_p_over_samples():
    q = DiagGaussian(torch.full((200_000, 2), 0.7, dtype=F64), torch.tensor([-1.0, 0.8], dtype=F64).expand(200_000, 2))
    z = q.sample()
    log_ratio = q.log_prob(z) - Normal(0, 1).log_prob(z).sum(1)
    assert_within_4_standard_errors(log_ratio, q.kl()[0], "seed 0")


def test_samples_have_the_mean_the_variance_and_the_tails_of_the_gaussian():
    mu, logvar = torch.tensor([1.5, -2.0, 0.0], dtype=F64), torch.tensor([-0.7, 1.0, 0.0], dtype=F64)
    n = 400_000
    eps = (DiagGaussian(mu.expand(n, 3), logvar.expand(n, 3)).sample() - mu) / (0.5 * logvar).exp()
    for power, moment in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0)):
        assert_within_4_standard_errors(eps**power, moment, f"seed 0, moment {power}")
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert_within_4_standard_errors(eps[:, i] * eps[:, j], 0.0, f"seed 0, latents {i} and {j}")


def test_gradients_pass_through_samples_to_mu_and_logvar():
    n = 1_000_000
    mu = torch.full((n, 1), 1.5, dtype=F64, requires_grad=True)
    logvar = torch.full((n, 1), -0.7, dtype=F64, requires_grad=True)
    DiagGaussian(mu, logvar).sample().square().sum().backward()
    assert_within_4_standard_errors(mu.grad, 3.0, "seed 0, d E z^2 / d mu = 2 mu")
    assert_within_4_standard_errors(logvar.grad, torch.tensor(-0.7).exp(), "seed 0, d E z^2 / d logvar = sigma^2")


def test_each_sample_moves_with_its_own_mu_by_one_and_logvar_by_half_of_what_it_strayed():
    q = random_gaussian()
    z = q.sample()
    z.sum().backward()
    torch.testing.assert_close(q.mu.grad, torch.ones_like(q.mu), atol=1e-6, rtol=0)
    torch.testing.assert_close(q.logvar.grad, 0.5 * (z - q.mu).detach(), atol=1e-6, rtol=0)


def test_every_element_of_every_call_gets_its_own_eps():
    zero = torch.zeros(50, 4)
    draws = torch.stack([DiagGaussian(zero, zero).sample(), DiagGaussian(zero, zero).sample()])
    assert draws.unique().numel() == draws.numel()


def test_sampling_follows_the_random_state():
    q = random_gaussian()
    torch.manual_seed(3)
    first = q.sample()
    torch.manual_seed(3)
    assert torch.equal(q.sample(), first)


@pytest.mark.parametrize("dtype", [torch.float32, F64])
def test_a_sample_has_the_shape_and_type_of_mu(dtype):
    q = random_gaussian(b=5, z=2, dtype=dtype)
    assert q.sample().shape == (5, 2)
    assert q.sample().dtype == dtype


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISION)
def test_log_prob_is_that_of_torch_distributions_summed_over_latents(dtype, tolerance):
    q = random_gaussian(b=200, dtype=dtype)
    z = 3 * torch.randn(200, 3, dtype=dtype)
    truth = Normal(q.mu.double(), (0.5 * q.logvar.double()).exp()).log_prob(z.double()).sum(1)
    assert q.log_prob(z).shape == (200,)
    torch.testing.assert_close(q.log_prob(z).double(), truth, rtol=tolerance, atol=tolerance)


@given(
    mu=st.floats(-1e4, 1e4, width=32), logvar=st.floats(-170, 170, width=32), offset=st.floats(-1e4, 1e4, width=32)
)  # fmt: skip
def test_nothing_is_ever_nan(mu, logvar, offset):
    q = DiagGaussian(torch.full((2, 2), mu), torch.full((2, 2), logvar))
    for value in (
        q.kl(),
        q.kl_terms(),
        q.sample(),
        q.log_prob(q.mu),
        q.log_prob(q.mu + offset),
        q.log_prob(q.sample()),
    ):
        assert not value.isnan().any(), f"mu {mu}, logvar {logvar}, z - mu {offset}"


def test_a_gaussian_cannot_be_changed():
    q = random_gaussian()
    with pytest.raises(dataclasses.FrozenInstanceError):
        q.mu = q.logvar


shapes = st.lists(st.integers(0, 3), max_size=4).map(tuple)


@given(first=shapes, second=shapes)
def test_shapes_other_than_one_b_z_are_refused_by_name(first, second):
    mu, logvar = torch.zeros(first), torch.zeros(second)
    if first == second and len(first) == 2:
        assert DiagGaussian(mu, logvar).kl().shape == first[:1]
    else:
        with pytest.raises(ValueError, match=r"mu and logvar must share one shape \[b, z\], got \[.*\] and \[.*\]"):
            DiagGaussian(mu, logvar)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("junk", [None, 1.0, [[0.0]], "mu", torch.zeros(2, 2).numpy(), torch.zeros(2, 2, dtype=int)])
def test_what_is_no_float_tensor_is_refused_by_name(junk):
    good = torch.zeros(2, 2)
    with pytest.raises((TypeError, ValueError), match="mu"):
        DiagGaussian(junk, good)
    with pytest.raises((TypeError, ValueError), match="logvar"):
        DiagGaussian(good, junk)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("shape", [(7, 2), (6, 3), (1, 3), (7, 1), (3,), (7,), (7, 3, 1)])
def test_log_prob_refuses_codes_of_another_shape_and_never_broadcasts(shape):
    with pytest.raises(ValueError, match=r"z must have the shape of mu, \[7, 3\], got"):
        random_gaussian().log_prob(torch.zeros(shape, dtype=F64))
