"""Total correlation of codes: closed forms, what shuffling undoes, and what Gaussians cannot see."""

import math

import pytest
import torch
from oracles import assert_within_4_standard_errors
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.measures import gaussian_total_correlation, shuffle_codes

RHO = 0.8
AT_RHO = -0.5 * math.log(1 - RHO**2)  # 0.5108 nats


def whitened(n: int, z: int) -> Tensor:
    """Codes whose covariance is I exactly."""
    draws = torch.randn(n, z, dtype=torch.float64)
    return math.sqrt(n - 1) * torch.linalg.qr(draws - draws.mean(0)).Q


def correlated(n: int, covariance: Tensor) -> Tensor:
    """Codes whose covariance is the given one."""
    return whitened(n, len(covariance)) @ torch.linalg.cholesky(covariance).T


def of_correlation(rho: float, n: int) -> Tensor:
    return correlated(n, torch.tensor([[1, rho], [rho, 1]], dtype=torch.float64))


def pair(n: int = 10_000) -> Tensor:
    """Two latents with correlation 0.8 and marginals that differ."""
    return of_correlation(RHO, n) * torch.tensor([1.0, 3.0]) + torch.tensor([0.0, 5.0])


# Its value


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.8, -0.8, 0.999])
def test_of_two_latents_it_is_known(rho):
    assert gaussian_total_correlation(of_correlation(rho, 500)) == pytest.approx(-0.5 * math.log(1 - rho**2), abs=1e-12)


def test_at_0_8_it_is_half_a_nat():
    assert gaussian_total_correlation(pair()) == pytest.approx(0.5108, abs=5e-5)


@pytest.mark.parametrize("z", [2, 5, 20])
def test_it_is_the_divergence_of_the_joint_gaussian_from_the_product_of_its_marginals(z):
    root = torch.randn(z, z, dtype=torch.float64)
    covariance = root @ root.T + 0.1 * torch.eye(z)
    joint = MultivariateNormal(torch.zeros(z, dtype=torch.float64), covariance)
    apart = MultivariateNormal(torch.zeros(z, dtype=torch.float64), covariance.diag().diag())
    truth = kl_divergence(joint, apart).item()
    assert truth > 0.1
    assert gaussian_total_correlation(correlated(400, covariance)) == pytest.approx(truth, rel=1e-9)


def test_scale_place_sign_and_order_of_the_latents_do_not_count():
    root = torch.randn(4, 4, dtype=torch.float64)
    codes = correlated(300, root @ root.T + torch.eye(4))
    value = gaussian_total_correlation(codes)
    scales, shifts = torch.tensor([1e-4, 1.0, -7.0, 1e4]), torch.tensor([0.0, 3.0, -100.0, 1.0])
    assert gaussian_total_correlation(codes * scales + shifts) == pytest.approx(value, rel=1e-6)
    assert gaussian_total_correlation(codes[:, [2, 0, 3, 1]]) == pytest.approx(value, rel=1e-12)
    assert gaussian_total_correlation(codes.flip(0)) == pytest.approx(value, rel=1e-12)
    assert gaussian_total_correlation(codes.float().requires_grad_()) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("dead", [0.0, 1 / 3, -1e6])
def test_a_latent_that_never_changes_is_left_out(dead):
    codes = pair(1000)
    with_dead = torch.cat([codes[:, :1], torch.full((1000, 1), dead), codes[:, 1:]], dim=1)
    assert gaussian_total_correlation(with_dead) == pytest.approx(AT_RHO, rel=1e-9)
    assert gaussian_total_correlation(with_dead[:, :2]) == 0
    assert gaussian_total_correlation(with_dead[:, 1:2]) == 0


def test_it_is_infinite_where_a_latent_is_made_of_others():
    codes = whitened(100, 3)
    for made in (codes[:, 0] * 2, codes[:, 0] + codes[:, 1], 3 - codes.sum(1)):
        assert gaussian_total_correlation(torch.cat([codes, made[:, None]], dim=1)) == math.inf


def test_chance_adds_what_the_docstring_says():
    """Bartlett 1950: -n log det of the correlations of independent latents is chi-squared, z (z - 1) / 2 degrees."""
    n, z = 1000, 8
    values = torch.tensor([gaussian_total_correlation(torch.randn(n, z)) for _ in range(300)], dtype=torch.float64)
    assert_within_4_standard_errors(values, z * (z - 1) / (4 * n), f"{z} latents")


def test_it_does_not_see_what_is_no_correlation():
    x = Normal(0.0, 1.0).icdf((torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000)
    assert gaussian_total_correlation(torch.stack([x, x.square()], dim=1)) == pytest.approx(0, abs=1e-9)


def test_of_mu_a_latent_counts_that_the_noise_of_the_posterior_would_bury():
    mu = pair() * torch.tensor([1, 0.003])  # the second hardly moves: standard deviation 0.009
    drawn = mu + torch.tensor([0.0, 1.0]) * torch.randn(mu.shape)
    assert gaussian_total_correlation(mu) > 0.5
    assert gaussian_total_correlation(drawn) < 0.01


# Shuffling


def columns(codes: Tensor) -> list[list[float]]:
    return [sorted(column) for column in codes.T.tolist()]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shuffling_keeps_what_each_latent_does_and_undoes_what_they_tell_about_each_other(seed):
    codes = pair()
    shuffled = shuffle_codes(codes, seed)
    assert columns(shuffled) == columns(codes)
    assert gaussian_total_correlation(codes) > 0.51
    assert gaussian_total_correlation(shuffled) < 0.01


def test_slips_would_be_noticed():
    """Latents swapped inside a row lose their marginals; images swapped as a whole lose nothing."""
    codes = pair()
    inside_rows = codes.gather(1, torch.rand(codes.shape).argsort(1))
    assert columns(inside_rows) != columns(codes)
    assert inside_rows.mean(0)[0] > 2  # 0 and 5 before
    whole_rows = codes[torch.randperm(len(codes))]
    assert columns(whole_rows) == columns(codes)
    assert gaussian_total_correlation(whole_rows) > 0.51


def test_every_order_of_every_latent_is_as_likely():
    draws = torch.stack([shuffle_codes(torch.tensor([[0, 0], [1, 1], [2, 2]]).double(), seed) for seed in range(6000)])
    names = torch.tensor([9.0, 3.0, 1.0], dtype=torch.float64) @ draws  # of the order of each latent, [6000, 2]
    orders = names[:, 0].unique().tolist()
    assert len(orders) == 6
    for first in orders:
        for second in orders:
            both = (names == torch.tensor([first, second])).all(1)
            assert_within_4_standard_errors(both.double(), 1 / 36, f"{first}, {second}")


def test_the_seed_decides_and_all_is_left_as_found():
    codes = torch.randn(50, 3)
    before, state = codes.clone(), torch.get_rng_state()
    shuffled = shuffle_codes(codes, 5)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(codes, before)
    torch.manual_seed(99)
    assert torch.equal(shuffle_codes(codes, 5), shuffled)
    assert not torch.equal(shuffle_codes(codes, 6), shuffled)
    assert shuffled.dtype == codes.dtype


# Refused


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("function", [gaussian_total_correlation, shuffle_codes])
@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (None, r"^codes must be a tensor \[n, z\], got NoneType"),
        (DiagGaussian(torch.zeros(9, 2), torch.zeros(9, 2)), r"^codes must be a tensor \[n, z\], got DiagGaussian"),
        (torch.zeros(5), r"^codes must have shape \[n, z\], got \[5\]"),
        (torch.zeros(5, 0), r"^codes must have shape \[n, z\], got \[5, 0\]"),
        (torch.zeros(0, 5), r"^codes must have shape \[n, z\], got \[0, 5\]"),
        (torch.tensor([[0.0], [math.nan]]), "^codes must hold finite numbers only"),
        (torch.tensor([[0.0], [math.inf]]), "^codes must hold finite numbers only"),
    ],
    ids=["none", "posterior", "no table", "no latent", "no image", "nan", "inf"],
)
def test_what_is_no_table_of_codes_is_refused_by_name(function, codes, words):
    with pytest.raises((TypeError, ValueError), match=words):
        function(codes)


def test_fewer_codes_than_a_covariance_needs_are_refused():
    with pytest.raises(ValueError, match=r"^codes must be more than their 3 latents, got 3"):
        gaussian_total_correlation(torch.randn(3, 3))
    assert gaussian_total_correlation(torch.randn(4, 3)) > 0
