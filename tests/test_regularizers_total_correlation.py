"""What the latents of a batch tell about each other: brute force, known cases, and how far the estimate is off."""

import math

import pytest
import torch
from oracles import F64
from torch.distributions import Normal

from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.regularizers import TotalCorrelation, decompose_kl


def batch(b: int = 20, d: int = 3, seed: int = 0) -> tuple[DiagGaussian, torch.Tensor]:
    torch.manual_seed(seed)
    q = DiagGaussian(2 * torch.randn(b, d, dtype=F64), torch.randn(b, d, dtype=F64))
    return q, q.sample()


def test_the_parts_are_those_of_a_mixture_of_the_batchs_posteriors():
    q, z = batch()
    b, d = z.shape
    normal = [Normal(q.mu[j], (q.logvar[j] / 2).exp()) for j in range(b)]
    mutual = total = wise = 0.0
    for i in range(b):
        densities = torch.stack([n.log_prob(z[i]) for n in normal]).exp()  # [image, latent]
        log_q = math.log(densities.prod(1).mean())
        log_marginals = [math.log(densities[:, k].mean()) for k in range(d)]
        mutual += normal[i].log_prob(z[i]).sum().item() - log_q
        total += log_q - sum(log_marginals)
        wise += sum(log_marginals) - Normal(0.0, 1.0).log_prob(z[i]).sum().item()
    parts = decompose_kl(q, z)
    assert [part.item() * b for part in parts] == pytest.approx([mutual, total, wise], rel=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_the_parts_add_up_to_the_sampled_kl(seed):
    q, z = batch(seed=seed)
    truth = (q.log_prob(z) - Normal(0.0, 1.0).log_prob(z).sum(1)).mean()
    torch.testing.assert_close(torch.stack(decompose_kl(q, z)).sum(), truth, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("b", [8, 64])
def test_the_mutual_information_seems_never_more_than_the_log_of_the_batch(b):
    q = DiagGaussian(100 * torch.randn(b, 4, dtype=F64), torch.full((b, 4), -6.0, dtype=F64))
    assert decompose_kl(q, q.sample()).mutual_information.item() == pytest.approx(math.log(b), rel=1e-6)


def test_where_all_posteriors_are_one_no_latent_tells_anything():
    mu, logvar = torch.tensor([[0.3, -1.0]], dtype=F64), torch.tensor([[0.5, -0.2]], dtype=F64)
    q = DiagGaussian(mu.expand(30, 2), logvar.expand(30, 2))
    mutual, total, _ = decompose_kl(q, q.sample())
    assert abs(mutual) < 1e-12
    assert abs(total) < 1e-12


def test_of_correlated_codes_in_two_dimensions_the_estimate_is_close():
    """q(z) = N(0, [[1, .8], [.8, 1]]) has a total correlation of -log(1 - .64) / 2 = 0.5108 nats."""
    torch.manual_seed(0)
    covariance = torch.tensor([[1.0, 0.8], [0.8, 1.0]], dtype=F64)
    width = 0.15
    means = torch.randn(2000, 2, dtype=F64) @ torch.linalg.cholesky(covariance - width * torch.eye(2, dtype=F64)).T
    q = DiagGaussian(means, torch.full_like(means, math.log(width)))
    assert decompose_kl(q, q.sample()).total_correlation.item() == pytest.approx(0.5108, abs=0.06)


def test_in_many_dimensions_it_is_far_off_which_is_why_it_is_no_measurement():
    """Independent latents have a total correlation of 0; a batch of 64 says several nats."""
    torch.manual_seed(0)
    q = DiagGaussian(torch.randn(64, 10, dtype=F64), torch.full((64, 10), -3.0, dtype=F64))
    assert decompose_kl(q, q.sample()).total_correlation > 2


def test_the_charge_is_weighted_and_its_gradient_finite():
    q, z = batch()
    assert TotalCorrelation(weight=2.5)(q, z) == 2.5 * decompose_kl(q, z).total_correlation
    with pytest.raises(ValueError, match="weight must be a finite number of at least 0, got -1"):
        TotalCorrelation(weight=-1)
