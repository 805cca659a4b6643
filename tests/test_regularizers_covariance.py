"""The DIP penalty: exact where the batch's covariance is known, and blind to what it must be blind to."""

import pytest
import torch
from oracles import F64, assert_within_4_standard_errors

from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.regularizers import DIP, code_covariance

KINDS = ("i", "ii")


def draws(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, dtype=F64, generator=torch.Generator().manual_seed(seed))


def whitened(n: int = 64, d: int = 5) -> torch.Tensor:
    """Means whose covariance over the batch, with divisor n, is I exactly."""
    mu = draws(n, d) - draws(n, d).mean(0)
    return mu @ torch.linalg.inv(torch.linalg.cholesky(mu.T @ mu / n)).T


def posteriors(mu: torch.Tensor, variance: float | torch.Tensor = 0.3) -> DiagGaussian:
    return DiagGaussian(mu, torch.as_tensor(variance, dtype=F64).log().expand_as(mu).clone())


def penalty(dip: DIP, q: DiagGaussian) -> float:
    return dip(q, q.mu).item()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_covariance_is_that_of_numpy(seed):
    q = DiagGaussian(draws(40, 3, seed), draws(40, 3, seed + 10))
    truth = torch.cov(q.mu.T, correction=0)
    torch.testing.assert_close(code_covariance(q, "i"), truth, rtol=1e-12, atol=1e-14)
    truth = truth + torch.diag(q.logvar.exp().mean(0))
    torch.testing.assert_close(code_covariance(q, "ii"), truth, rtol=1e-12, atol=1e-14)


def test_the_second_kind_is_the_covariance_of_the_codes_themselves():
    q = DiagGaussian(draws(50, 3) @ draws(3, 3, 1), draws(50, 3, 2))
    torch.manual_seed(0)
    codes = torch.stack([q.sample() for _ in range(4000)])  # [draw, b, z]
    centred = codes - q.mu.mean(0)
    products = torch.einsum("nbi,nbj->nij", centred, centred) / len(q.mu)
    assert_within_4_standard_errors(products, code_covariance(q, "ii"), "seed 0")


def test_a_known_covariance_is_recovered():
    truth = torch.tensor([[1.0, 0.6], [0.6, 2.0]], dtype=F64)
    mu = draws(200_000, 2) @ torch.linalg.cholesky(truth).T + torch.tensor([3.0, -1.0])
    assert (code_covariance(posteriors(mu), "i") - truth).abs().max() < 0.02


def test_the_first_kind_is_zero_for_whitened_means_wherever_they_lie():
    assert penalty(DIP("i"), posteriors(whitened() + 7.0)) < 1e-8


@pytest.mark.parametrize("variance", [0.2, 0.9])
def test_the_second_kind_is_zero_where_means_and_noise_add_up_to_one(variance):
    assert penalty(DIP("ii"), posteriors((1 - variance) ** 0.5 * whitened(), variance)) < 1e-8


@pytest.mark.parametrize("kind", KINDS)
def test_the_penalty_is_the_weighted_sum_over_all_pairs(kind):
    q = DiagGaussian(draws(30, 4), draws(30, 4, 1))
    S = code_covariance(q, kind).tolist()
    truth = sum(
        3.0 * S[i][j] ** 2 if i != j else 0.7 * (S[i][i] - 1) ** 2 for i in range(4) for j in range(4)
    )  # fmt: skip
    assert penalty(DIP(kind, off_diagonal=3.0, diagonal=0.7), q) == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize(("kind", "times"), [("i", 10), ("ii", 1)])
def test_the_papers_ratio_of_the_weights_is_the_default(kind, times):
    q = DiagGaussian(draws(30, 4), draws(30, 4, 1))
    assert penalty(DIP(kind, off_diagonal=2.0), q) == penalty(DIP(kind, off_diagonal=2.0, diagonal=2.0 * times), q)


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_no_name_does_not_matter(kind):
    q, dip = DiagGaussian(draws(30, 4), draws(30, 4, 1)), DIP(kind)
    truth = penalty(dip, q)
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    changed = {
        "order of the batch": DiagGaussian(q.mu[order], q.logvar[order]),
        "every image twice": DiagGaussian(q.mu.repeat(2, 1), q.logvar.repeat(2, 1)),
        "sign of a latent": DiagGaussian(q.mu * torch.tensor([1.0, -1.0, 1.0, -1.0]), q.logvar),
        "order of the latents": DiagGaussian(q.mu.flip(1), q.logvar.flip(1)),
        "place of the crowd": DiagGaussian(q.mu + 5.0, q.logvar),
    }
    assert {name: penalty(dip, other) for name, other in changed.items()} == pytest.approx(
        dict.fromkeys(changed, truth), rel=1e-9
    )


def test_widths_change_the_diagonal_alone():
    mu = draws(30, 4)
    narrow, wide = (code_covariance(posteriors(mu, variance)) for variance in (0.1, 0.8))
    torch.testing.assert_close(wide - narrow, 0.7 * torch.eye(4, dtype=F64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_on_paper(kind):
    mu, logvar = draws(30, 4).requires_grad_(), draws(30, 4, 1).requires_grad_()
    q = DiagGaussian(mu, logvar)
    off, on = 3.0, 0.7
    DIP(kind, off_diagonal=off, diagonal=on)(q, mu).backward()
    S = code_covariance(q, kind).detach()
    G = off * (S - torch.diag(S.diagonal())) + on * torch.diag(S.diagonal() - 1)
    centred = (mu - mu.mean(0)).detach()
    torch.testing.assert_close(mu.grad, 4 / 30 * centred @ G, rtol=1e-10, atol=1e-12)
    if kind == "ii":
        truth = 2 * on * (S.diagonal() - 1) * logvar.detach().exp() / 30
        torch.testing.assert_close(logvar.grad, truth, rtol=1e-10, atol=1e-12)
    else:
        assert logvar.grad is None


@pytest.mark.parametrize("b", [64, 256])
def test_independent_codes_show_the_floor_of_a_finite_batch(b):
    """E[S_ij^2] = (b - 1) / b^2 and E[(S_ii - 1)^2] = (2 b - 1) / b^2 for normal means and divisor b."""
    d, off, on = 5, 5.0, 10.0
    dip = DIP("i", off_diagonal=off, diagonal=on)
    batches = draws(2000 * b, d).view(2000, b, d)
    values = torch.stack([dip(posteriors(mu), mu) for mu in batches])
    truth = off * (d * d - d) * (b - 1) / b**2 + on * d * (2 * b - 1) / b**2
    assert_within_4_standard_errors(values, truth, f"seed 0, b = {b}")


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "iii"}, "kind must be one of i, ii, got 'iii'"),
        ({"off_diagonal": -1}, "off_diagonal must be a finite number of at least 0, got -1"),
        ({"diagonal": float("inf")}, "diagonal must be a finite number of at least 0, got inf"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        DIP(**options)


def test_a_single_code_has_no_covariance():
    with pytest.raises(ValueError, match="q must hold at least 2 posteriors to have a covariance, got 1"):
        DIP()(posteriors(draws(1, 3)), draws(1, 3))
