"""Objectives: one reduction rule, the algebra of the terms, and the importance-weighted bound against brute force."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import F64, kl_oracle
from torch import nn
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Normal

from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import IWAE, Objective, Terms, log_weights
from vae_tutorial.regularizers import KL
from vae_tutorial.vae import VAE, ConditionalVAE, Pass


@pytest.fixture
def x():
    return torch.rand(7, 1, 6, 6, dtype=F64)


def same_eps(objective, model, x, **step) -> Terms:
    torch.manual_seed(11)
    return objective(model, x, **step)


def recorded_eps(n: int, z_dim: int = 2, k: int = 1) -> torch.Tensor:
    """The eps that `same_eps` is about to use, [k, n, z]."""
    torch.manual_seed(11)
    return torch.randn(k * n, z_dim, dtype=F64).view(k, n, z_dim)


def gradients(model: nn.Module, loss: torch.Tensor) -> list[torch.Tensor]:
    return list(torch.autograd.grad(loss, list(model.parameters())))


def test_terms_are_sums_over_pixels_and_latents_and_means_over_images(small, x):
    model = small().double()
    terms = same_eps(Objective(KL(weight=3)), model, x)
    z = model.encoder(x).mu + (0.5 * model.encoder(x).logvar).exp() * recorded_eps(7)[0]
    p = TorchBernoulli(logits=model.decoder(z), validate_args=False)
    reconstruction = -sum(p.log_prob(x).flatten()) / 7
    kl = sum(kl_oracle(model.encoder(x).mu, model.encoder(x).logvar).flatten()) / 7
    for term, truth in zip(terms, (reconstruction + 3 * kl, reconstruction, kl, 3 * kl), strict=True):
        torch.testing.assert_close(term, truth, rtol=1e-10, atol=0)


@pytest.mark.parametrize(
    "objective", [Objective(), Objective(KL()), Objective(KL(4), KL(0.5)), Objective(KL(), warmup=10), IWAE(1), IWAE(5)]
)
@pytest.mark.parametrize("step", [None, 0, 5, torch.tensor(5)])
@pytest.mark.parametrize("likelihood", [Bernoulli(), ContinuousBernoulli(), Gaussian("calibrated")], ids=repr)
def test_loss_is_reconstruction_plus_regularizer_in_finite_scalars(small, x, objective, step, likelihood):
    terms = objective(small(likelihood=likelihood).double(), x, step=step)
    assert [tuple(term.shape) for term in terms] == [()] * 4
    assert all(term.isfinite() for term in terms)
    torch.testing.assert_close(terms.loss, terms.reconstruction + terms.regularizer, rtol=1e-12, atol=1e-12)


def test_kl_is_measured_whether_charged_or_not(small, x):
    model = small().double()
    free, charged = (same_eps(objective, model, x) for objective in (Objective(), Objective(KL())))
    assert free.regularizer == 0
    assert free.loss == free.reconstruction
    assert free.kl == charged.kl == charged.regularizer > 0
    assert IWAE(3)(model, x).kl == free.kl


@pytest.mark.parametrize("beta", [0, 0.5, 4])
def test_beta_adds_beta_minus_one_times_the_mean_kl(small, x, beta):
    model = small().double()
    changed, elbo = (same_eps(Objective(KL(weight)), model, x) for weight in (beta, 1))
    torch.testing.assert_close(changed.loss - elbo.loss, (beta - 1) * elbo.kl, rtol=1e-6, atol=1e-12)


def test_with_beta_zero_gradients_come_from_the_reconstruction_alone(small, x):
    model = small().double()
    zero = gradients(model, same_eps(Objective(KL(weight=0)), model, x).loss)
    free = gradients(model, same_eps(Objective(KL()), model, x).reconstruction)
    assert all(torch.equal(a, b) for a, b in zip(zero, free, strict=True))
    q = model.encoder(x)
    blind = VAE(model.encoder, model.decoder, Gaussian(link="identity"))
    nn.init.zeros_(model.decoder.body[-1].weight)  # a decoder that ignores z leaves nothing to learn about logvar
    loss = Objective(KL(weight=0))(blind, x).loss
    assert not any(g.any() for g in torch.autograd.grad(loss, list(model.encoder.parameters())))
    assert q.logvar.requires_grad


def test_regularizers_add_up(small, x):
    model = small().double()
    one, two = (same_eps(Objective(*charges), model, x) for charges in ([KL(4)], [KL(), KL(2), KL(1)]))
    torch.testing.assert_close(one.loss, two.loss)


def test_a_regularizer_gets_posterior_sample_and_step(small, x):
    seen = []

    def spy(q, z, step):
        seen.append((q, z, step))
        return torch.zeros((), dtype=F64)

    model = small().double()
    same_eps(Objective(spy), model, x, step=3)
    same_eps(Objective(spy), model, x)
    (q, z, step), (_, _, none) = seen
    torch.testing.assert_close(z, q.mu + (0.5 * q.logvar).exp() * recorded_eps(7)[0])
    assert (step, none) == (3, None)


@pytest.mark.parametrize(("step", "share"), [(0, 0.0), (1, 0.1), (5, 0.5), (10, 1.0), (99, 1.0), (None, 1.0)])
@pytest.mark.parametrize("tensor", [False, True])
def test_warmup_brings_the_regularizers_in_linearly_and_is_over_at_evaluation(small, x, step, share, tensor):
    model = small().double()
    step = torch.tensor(step) if tensor and step is not None else step
    terms = same_eps(Objective(KL(2), warmup=10), model, x, step=step)
    torch.testing.assert_close(terms.regularizer, share * 2 * terms.kl, rtol=1e-6, atol=0)
    torch.testing.assert_close(terms.loss, terms.reconstruction + share * 2 * terms.kl)


def test_without_warmup_the_step_changes_nothing(small, x):
    model = small().double()
    assert same_eps(Objective(KL()), model, x, step=0) == same_eps(Objective(KL()), model, x)


@pytest.mark.parametrize(
    "likelihood", [Bernoulli(), ContinuousBernoulli(), Gaussian(0.5), Gaussian("calibrated")], ids=repr
)
def test_seeing_the_batch_twice_changes_neither_terms_nor_gradients(small, x, likelihood, monkeypatch):
    eps = torch.randn(7, 2, dtype=F64)
    monkeypatch.setattr(torch, "randn_like", lambda like: eps.repeat(len(like) // 7, 1))
    model = small(likelihood=likelihood).double()
    objective = Objective(KL(2))
    once, twice = objective(model, x), objective(model, x.repeat(2, 1, 1, 1))
    torch.testing.assert_close(twice, once, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(gradients(model, twice.loss), gradients(model, once.loss), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("objective", "b"), [(Objective(KL()), 7), (IWAE(2), 14)])
def test_a_decoder_of_another_shape_is_refused_not_broadcast(small, objective, b, x):
    model = VAE(small().encoder, mlp((3, 6, 6), (8,), 2)[1]).double()
    with pytest.raises(ValueError, match=rf"must share one shape .* got \[{b}, 3, 6, 6\] and \[{b}, 1, 6, 6\]"):
        objective(model, x)


def test_images_outside_zero_to_one_are_refused(small, x):
    for objective in (Objective(KL()), IWAE(2)):
        with pytest.raises(ValueError, match=r"x must lie in \[0, 1\]"):
            objective(small().double(), 2 * x - 1)


# The importance-weighted bound


def brute_force_log_weights(model: VAE, x: torch.Tensor, k: int) -> torch.Tensor:
    """log p(x|z) + log p(z) - log q(z|x) by torch.distributions, [k, b], with the eps of `same_eps`."""
    q = model.encoder(x)
    posterior = Normal(q.mu, (0.5 * q.logvar).exp())
    rows = []
    for eps in recorded_eps(len(x), q.mu.shape[1], k):
        z = posterior.mean + posterior.stddev * eps
        likelihood = TorchBernoulli(logits=model.decoder(z), validate_args=False).log_prob(x).sum((1, 2, 3))
        rows.append(likelihood + Normal(0, 1).log_prob(z).sum(1) - posterior.log_prob(z).sum(1))
    return torch.stack(rows)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_log_weights_are_those_of_torch_distributions(small, x, k):
    model = small().double()
    truth = brute_force_log_weights(model, x, k)
    torch.manual_seed(11)
    q, log_w, log_likelihood = log_weights(model, x, k)
    assert log_w.shape == log_likelihood.shape == (k, 7)
    torch.testing.assert_close(log_w, truth, rtol=1e-10, atol=1e-10)
    assert torch.equal(q.mu, model.encoder(x).mu)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_iwae_loss_is_minus_the_log_of_the_mean_weight_of_each_image(small, x, k):
    model = small().double()
    weights = brute_force_log_weights(model, x, k).exp()  # float64 holds e^-30; no logsumexp needed
    terms = same_eps(IWAE(k), model, x)
    torch.testing.assert_close(terms.loss, -weights.mean(0).log().mean(), rtol=1e-10, atol=1e-10)


def test_the_reconstruction_of_iwae_is_averaged_over_samples_and_images(small, x):
    model = small().double()
    posterior = model.encoder(x)
    truth = 0.0
    for eps in recorded_eps(7, k=3):
        logits = model.decoder(posterior.mu + (0.5 * posterior.logvar).exp() * eps)
        truth = truth - TorchBernoulli(logits=logits, validate_args=False).log_prob(x).sum() / (3 * 7)
    torch.testing.assert_close(same_eps(IWAE(3), model, x).reconstruction, truth, rtol=1e-10, atol=0)


def test_with_one_sample_iwae_is_the_elbo_with_the_kl_of_that_sample(small, x):
    model = small().double()
    iwae, elbo = (same_eps(objective, model, x) for objective in (IWAE(1), Objective(KL())))
    q = model.encoder(x)
    z = q.mu + (0.5 * q.logvar).exp() * recorded_eps(7)[0]
    sampled_kl = (Normal(q.mu, (0.5 * q.logvar).exp()).log_prob(z) - Normal(0, 1).log_prob(z)).sum(1).mean()
    torch.testing.assert_close(iwae.reconstruction, elbo.reconstruction, rtol=1e-6, atol=0)
    torch.testing.assert_close(iwae.loss, elbo.reconstruction + sampled_kl, rtol=1e-6, atol=0)


def test_the_gradient_of_iwae_weighs_each_sample_by_its_share_of_the_weights(small, x):
    model = small().double()
    log_w = brute_force_log_weights(model, x, 5)
    shares = torch.softmax(log_w, dim=0).detach()
    truth = gradients(model, -(shares * log_w).sum(0).mean())
    torch.testing.assert_close(gradients(model, same_eps(IWAE(5), model, x).loss), truth, rtol=1e-6, atol=1e-9)


def test_iwae_survives_weights_that_no_float_can_hold(x):
    model = VAE(*mlp((1, 6, 6), (8,), 2), Gaussian(sigma=1e-3)).double()
    loss = IWAE(3)(model, x).loss
    assert loss.isfinite()
    assert loss > 1e5


# Arguments


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("junk", [KL, 3, "KL", None])
def test_what_is_no_regularizer_is_refused_with_an_example(junk):
    with pytest.raises(TypeError, match=r"regularizers must be instances such as KL\(\), got"):
        Objective(KL(), junk)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("warmup", [-1, float("nan"), "10", None, 1.5])
def test_another_warmup_is_refused_by_name(warmup):
    with pytest.raises((ValueError, TypeError), match=r"^warmup must "):
        Objective(warmup=warmup)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("k", [0, -1, 1.5, "5", None])
def test_another_number_of_importance_samples_is_refused_by_name(k):
    with pytest.raises((ValueError, TypeError), match=r"^k must "):
        IWAE(k)


@given(k=st.integers(1, 4), b=st.integers(1, 3))
def test_iwae_takes_any_numbers_of_samples_and_images(small_model, k, b):
    assert all(term.isfinite() for term in IWAE(k)(small_model, torch.rand(b, 1, 6, 6)))


@pytest.fixture(scope="module")
def small_model():
    return VAE(*mlp((1, 6, 6), (8,), 2))


def test_an_objective_can_be_read_off_its_repr():
    assert repr(Objective()) == "Objective()"
    assert repr(Objective(KL(weight=4), warmup=100)) == "Objective(KL(weight=4), warmup=100)"
    assert repr(IWAE(k=5)) == "IWAE(k=5)"
    assert math.isclose(IWAE(5).k, 5)


# Labels


class Labelled(nn.Module):
    """A model that shows its labels: y = 1 leaves everything as it is, another y does not."""

    def __init__(self, model):
        super().__init__()
        self.model, self.likelihood = model, model.likelihood

    def encoder(self, x, y):
        return self.model.encoder(x * y.view(-1, 1, 1, 1))

    def decoder(self, z, y):
        return self.model.decoder(z) + (y.view(-1, 1, 1, 1) - 1)

    def forward(self, x, y):
        q = self.encoder(x, y)
        z = q.sample()
        return Pass(q, z, self.decoder(z, y))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("objective", [Objective(KL()), IWAE(3)], ids=repr)
def test_labels_reach_encoder_and_decoder_of_a_model_that_takes_them(small, objective):
    model, x = small(), torch.rand(4, 1, 6, 6)

    def terms(*arguments):
        torch.manual_seed(1)
        return torch.stack(objective(*arguments))

    assert torch.equal(terms(Labelled(model), x, torch.ones(4)), terms(model, x))
    assert not torch.allclose(terms(Labelled(model), x, torch.zeros(4)), terms(model, x))


def conditional() -> ConditionalVAE:
    return ConditionalVAE(*mlp((1, 6, 6), (8,), 2, n_classes=3), 3).double()


@pytest.mark.parametrize("form", ["whole numbers", "one-hot"])
def test_the_terms_of_a_conditional_model_are_those_of_its_networks_given_the_labels(x, form):
    model, y = conditional(), torch.tensor([0, 1, 2, 2, 1, 0, 0])
    hot = torch.eye(3, dtype=F64)[y]
    torch.manual_seed(11)
    terms = Objective(KL(weight=3))(model, x, y if form == "whole numbers" else hot)
    q = model.encoder(x, hot)
    z = q.mu + (0.5 * q.logvar).exp() * recorded_eps(7)[0]
    reconstruction = -TorchBernoulli(logits=model.decoder(z, hot), validate_args=False).log_prob(x).sum() / 7
    kl = kl_oracle(q.mu, q.logvar).sum() / 7
    for term, truth in zip(terms, (reconstruction + 3 * kl, reconstruction, kl, 3 * kl), strict=True):
        torch.testing.assert_close(term, truth, rtol=1e-10, atol=0)


@pytest.mark.parametrize("form", ["whole numbers", "one-hot"])
def test_the_importance_weights_of_a_conditional_model_are_those_given_the_labels(x, form):
    model, y = conditional(), torch.tensor([0, 1, 2, 2, 1, 0, 0])
    hot = torch.eye(3, dtype=F64)[y]
    torch.manual_seed(11)
    _, log_w, _ = log_weights(model, x, 3, y if form == "whole numbers" else hot)
    q = model.encoder(x, hot)
    posterior = Normal(q.mu, (0.5 * q.logvar).exp())
    for eps, row in zip(recorded_eps(7, k=3), log_w, strict=True):
        z = posterior.mean + posterior.stddev * eps
        likelihood = TorchBernoulli(logits=model.decoder(z, hot), validate_args=False).log_prob(x).sum((1, 2, 3))
        truth = likelihood + Normal(0, 1).log_prob(z).sum(1) - posterior.log_prob(z).sum(1)
        torch.testing.assert_close(row, truth, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("objective", [Objective(KL()), IWAE(2)], ids=repr)
def test_missing_or_wrong_labels_are_refused_by_name(small, x, objective):
    for bad in (torch.zeros(6, dtype=torch.int64), torch.full((7,), 3), torch.zeros(7)):
        with pytest.raises((TypeError, ValueError), match=r"^y must hold labels from 0 to 2"):
            objective(conditional(), x, bad)
    with pytest.raises((TypeError, ValueError), match=r"\by\b"):
        objective(conditional(), x)
