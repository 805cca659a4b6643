"""The linear-Gaussian VAE, of which every truth is known, through the package's own model, objectives and measures."""

import math

import pytest
import torch
from oracles import (
    F64,
    LinearDecoder,
    LinearEncoder,
    LinearGaussian,
    assert_within_4_standard_errors,
    images_with_principal_variances,
    minimise,
    tiled,
)

from vae_tutorial.likelihoods import Gaussian
from vae_tutorial.measures import active_units, kl_per_dimension, log_likelihood
from vae_tutorial.objectives import IWAE, Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate
from vae_tutorial.vae import VAE

SHAPE, P = (1, 2, 3), 6


def elbo_of_each_image(model: VAE, x: torch.Tensor) -> torch.Tensor:
    """What the package's objective says about each image on its own; exact under the fixture `exact`."""
    d = model.decoder.z_dim
    with torch.no_grad():
        return torch.stack([-Objective(KL())(model, tiled(image[None], d)).loss for image in x])


# Given the world: bounds and their gaps


def off(world: LinearGaussian, mean: float, logvar: float) -> VAE:
    """The model of a world with a posterior that is not the best."""
    model = world.vae()
    with torch.no_grad():
        model.encoder.bias += mean
        model.encoder.logvar += logvar
    return model


@pytest.mark.usefixtures("exact")
def test_the_elbo_of_any_diagonal_posterior_is_the_closed_form():
    world = LinearGaussian.example()
    model, x = off(world, mean=0.3, logvar=-0.4), world.draw(8)
    q = model.encode(x)
    torch.testing.assert_close(elbo_of_each_image(model, x), world.elbo(x, q.mu, q.logvar), rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("exact")
def test_at_the_exact_posterior_the_elbo_is_log_p_for_every_image():
    world = LinearGaussian.example(orthogonal=True)
    x = world.draw(8)
    torch.testing.assert_close(elbo_of_each_image(world.vae(), x), world.log_prob(x), rtol=0, atol=1e-9)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("orthogonal", [False, True])
def test_the_best_diagonal_posterior_misses_log_p_by_one_known_gap(orthogonal):
    world = LinearGaussian.example(orthogonal)
    x = world.draw(8)
    A = world.M / world.s2
    gap = 0.5 * (A.diagonal().log().sum() - torch.logdet(A))
    assert gap.item() == pytest.approx(0, abs=1e-12) if orthogonal else gap > 0.01
    missing = world.log_prob(x) - elbo_of_each_image(world.vae(), x)
    torch.testing.assert_close(missing, gap.expand(8), rtol=0, atol=1e-9)


@pytest.mark.usefixtures("exact")
def test_training_the_encoder_alone_finds_the_best_diagonal_posterior():
    world = LinearGaussian.example()
    model, x = world.vae(), world.draw(30)
    truth = [p.clone() for p in model.encoder.parameters()]
    best = Objective(KL())(model, tiled(x, 2)).loss.item()
    torch.nn.init.normal_(model.encoder.weight, std=0.1)
    torch.nn.init.zeros_(model.encoder.bias)
    torch.nn.init.zeros_(model.encoder.logvar)
    found = minimise(lambda: Objective(KL())(model, tiled(x, 2)).loss, model.encoder.parameters())
    assert found == pytest.approx(best, abs=1e-9)
    torch.testing.assert_close(list(model.encoder.parameters()), truth, rtol=0, atol=1e-5)


@pytest.mark.parametrize("k", [1, 2, 50])
def test_at_the_exact_posterior_iwae_is_log_p_without_variance_for_any_k(k):
    world = LinearGaussian.example(orthogonal=True)
    model, x = world.vae(), world.draw(8)
    for seed in range(3):
        torch.testing.assert_close(log_likelihood(model, x, k=k, seed=seed), world.log_prob(x), rtol=0, atol=1e-9)
        assert IWAE(k)(model, x).loss.item() == pytest.approx(-world.log_prob(x).mean().item(), abs=1e-9)


def test_iwae_rises_with_k_from_the_elbo_towards_log_p_and_never_above():
    world = LinearGaussian.example()
    model, x = off(world, mean=0.4, logvar=0.7), world.draw(1)
    truth, q = world.log_prob(x)[0], model.encode(x)
    means, errors = [], []
    for k, n in {1: 2000, 5: 2000, 50: 800, 500: 48}.items():
        draws = log_likelihood(model, x.expand(n, 1, 2, 3), k=k, seed=k)
        if k == 1:
            assert_within_4_standard_errors(draws, world.elbo(x, q.mu, q.logvar)[0], "seed 1, k = 1")
        means.append(draws.mean().item())
        errors.append(draws.std().item() / n**0.5)
        assert means[-1] <= truth + 4 * errors[-1], f"seed {k}, k = {k}"
    for i in range(3):
        assert means[i] < means[i + 1] + 4 * math.hypot(errors[i], errors[i + 1])
    assert truth - means[0] > 1
    assert truth - means[3] < 0.05


def test_the_iwae_objective_and_log_likelihood_are_one_bound():
    world = LinearGaussian.example()
    model, x = off(world, mean=0.0, logvar=1.0), world.draw(1)
    with torch.no_grad():
        losses = torch.stack([-IWAE(5)(model, x.expand(40, 1, 2, 3)).loss for _ in range(50)])
    bounds = log_likelihood(model, x.expand(2000, 1, 2, 3), k=5)
    error = math.hypot(losses.std() / 50**0.5, bounds.std() / 2000**0.5)
    assert abs(losses.mean() - bounds.mean()) < 4 * error, "seed 0"


# Trained: what the optimum must look like

VARIANCES = (0.04, 0.018, 0.007, 0.002, 0.0005, 0.0005)
LAM = torch.tensor(VARIANCES, dtype=F64)
SIGMA2 = 0.004
ALIVE = {0.3: 4, 1.0: 3, 3.0: 2}  # beta: how many of the first four variances lie above beta sigma^2


def loss_on(model: VAE, x: torch.Tensor, beta: float = 1.0) -> torch.Tensor:
    return Objective(KL(weight=beta))(model, tiled(x, model.decoder.z_dim)).loss


def trained(x: torch.Tensor, d: int, likelihood: Gaussian, beta: float = 1.0, steps: int = 400) -> tuple[VAE, float]:
    torch.manual_seed(1)
    model = VAE(LinearEncoder(P, d), LinearDecoder(SHAPE, d), likelihood)
    return model, minimise(lambda: loss_on(model, x, beta), model.parameters(), steps)


@pytest.fixture(scope="module")
def x():
    return images_with_principal_variances(VARIANCES)[0]


def optimum(beta: float) -> VAE:
    """The best model of four latents there is, by Tipping & Bishop's closed form with noise beta sigma^2."""
    _, axes = images_with_principal_variances(VARIANCES)
    W = axes[:, :4] * (LAM[:4] - beta * SIGMA2).clamp_min(0).sqrt()
    return LinearGaussian(W, torch.full((P,), 0.5, dtype=F64), SIGMA2).vae(beta)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("d", [1, 2, 3])
def test_with_calibrated_sigma_training_ends_at_the_likelihood_of_principal_components(x, d):
    s2 = LAM[d:].mean()
    best = -0.5 * (P * math.log(2 * math.pi) + LAM[:d].log().sum() + (P - d) * s2.log() + P)
    model, loss = trained(x, d, Gaussian("calibrated", link="identity"))
    assert -loss == pytest.approx(best.item(), abs=1e-6)
    q = model.encode(x)
    spread = (q.logvar.exp() * model.decoder.weight.square().sum(0)).sum(1)
    error = ((x - model.decoder(q.mu)).square().sum((1, 2, 3)) + spread).mean() / P
    assert error.item() == pytest.approx(s2.item(), rel=1e-4)


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("beta", ALIVE)
def test_the_closed_form_optimum_of_beta_vae_is_where_training_ends(x, beta):
    model = optimum(beta)
    loss = loss_on(model, x, beta)
    slopes = torch.autograd.grad(loss, list(model.parameters()))
    assert all(slope.abs().max() < 1e-9 for slope in slopes)
    _, reached = trained(x, 4, Gaussian(math.sqrt(SIGMA2), link="identity"), beta, steps=1000)
    assert reached == pytest.approx(loss.item(), abs=1e-3)
    assert reached > loss.item() - 1e-9


def check_latents(model: VAE, x: torch.Tensor, beta: float) -> None:
    """Rate and noise of each latent, and the aggregate code, against the closed forms."""
    lam = LAM[:4]
    kl, order = kl_per_dimension(model, x).sort(descending=True)
    torch.testing.assert_close(kl, (0.5 * (lam / (beta * SIGMA2)).log()).clamp_min(0), rtol=0, atol=1e-4)
    q = model.encode(x)
    noise = q.logvar.exp()[0][order]
    torch.testing.assert_close(noise, (beta * SIGMA2 / lam).clamp_max(1), rtol=0, atol=1e-4)
    assert ((kl < 1e-4) == (lam <= beta * SIGMA2)).all()
    aggregate = torch.cov(q.mu.T, correction=0)
    torch.testing.assert_close(aggregate + q.logvar.exp().mean(0).diag(), torch.eye(4, dtype=F64), rtol=0, atol=1e-5)
    torch.testing.assert_close(aggregate.diagonal()[order], 1 - noise, rtol=0, atol=1e-4)
    assert active_units(model, x) == ALIVE[beta]


@pytest.mark.parametrize("beta", ALIVE)
def test_each_latent_carries_what_its_variance_has_above_beta_sigma2_and_collapses_below(x, beta):
    check_latents(optimum(beta), x, beta)


@pytest.mark.usefixtures("exact")
def test_training_from_a_random_start_finds_those_latents(x):
    model, _ = trained(x, 4, Gaussian(math.sqrt(SIGMA2), link="identity"), beta=0.3, steps=3000)
    check_latents(model, x, 0.3)


@pytest.mark.usefixtures("exact")
def test_evaluate_gives_the_closed_form_elbo(x):
    model = optimum(0.3)
    world, q = LinearGaussian(model.decoder.weight.detach(), model.decoder.bias.detach(), SIGMA2), model.encode(x)
    terms = evaluate(model, Objective(KL()), tiled(x, 4))
    assert -terms.loss.item() == pytest.approx(world.elbo(x, q.mu, q.logvar).mean().item(), abs=1e-9)
    assert terms.kl.item() == pytest.approx(kl_per_dimension(model, x).sum().item(), abs=1e-9)
