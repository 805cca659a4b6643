"""What is measured of a trained model, against models whose latents are known."""

import pytest
import torch
import torch.nn.functional as F
from oracles import F64, FixedEncoder, LinearGaussian, kl_oracle
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Normal

from vae_tutorial import measures
from vae_tutorial.measures import active_units, code_dataset, kl_per_dimension, log_likelihood
from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE, ConditionalVAE


def fixed(z_dim: int = 2, **options) -> VAE:
    """A model whose codes are the first pixels of the image."""
    return VAE(FixedEncoder(z_dim, **options), mlp((1, 6, 6), (8,), z_dim)[1])


def white_images(z_dim: int = 3) -> torch.Tensor:
    """Images in [0, 1] whose first z_dim pixels are uncorrelated with variance 1/4."""
    signs = torch.tensor([[(i >> d) & 1 for d in range(z_dim)] for i in range(2**z_dim)], dtype=torch.float32)
    return F.pad(signs, (0, 36 - z_dim)).view(-1, 1, 6, 6)


MEASURES = {
    "log_likelihood": lambda model, x: log_likelihood(model, x, k=3),
    "kl_per_dimension": kl_per_dimension,
    "active_units": active_units,
    "code_dataset": lambda model, x: code_dataset(model, x).mu,
}


@pytest.mark.parametrize("name", MEASURES)
def test_measuring_leaves_model_modes_and_random_state_as_found(small, name):
    model, x = small(batch_norm=True, dropout=0.5), torch.rand(9, 1, 6, 6)
    model.decoder.eval()
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    modes, state = [m.training for m in model.modules()], torch.get_rng_state()
    first = torch.as_tensor(MEASURES[name](model, x))
    assert torch.equal(torch.get_rng_state(), state)
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())
    assert not first.requires_grad
    torch.manual_seed(123)
    assert torch.equal(torch.as_tensor(MEASURES[name](model, x)), first)


@pytest.mark.parametrize("name", MEASURES)
def test_uint8_and_float_images_are_measured_alike(small, bars, name):
    model, x = small(), bars(9)
    assert torch.equal(torch.as_tensor(MEASURES[name](model, x)), torch.as_tensor(MEASURES[name](model, x / 255)))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(
    "bad", [None, 3, "mnist", torch.zeros(5, 36), 2 * torch.ones(5, 1, 6, 6), torch.zeros(5, 1, 3, 3)]
)
def test_what_is_no_image_of_the_model_is_refused_as_x(small, name, bad):
    with pytest.raises((TypeError, ValueError), match=r"^x must "):
        MEASURES[name](small(), bad)


# Latents


def test_the_codes_of_a_set_do_not_depend_on_how_it_is_cut(small):
    model, x = small(batch_norm=True), torch.rand(10, 1, 6, 6)
    model(x)
    whole = model.encode(x)
    for batch_size in (1, 3, 10, 99):
        q = code_dataset(model, x, batch_size=batch_size)
        torch.testing.assert_close(q.mu, whole.mu, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(q.logvar, whole.logvar, rtol=1e-5, atol=1e-6)


def test_kl_per_dimension_averages_over_images_and_keeps_latents_apart(small):
    model, x = small(z_dim=3), torch.rand(10, 1, 6, 6)
    q = model.encode(x)
    truth = torch.stack([sum(column) / 10 for column in kl_oracle(q.mu.double(), q.logvar.double()).T])
    assert kl_per_dimension(model, x).shape == (3,)
    torch.testing.assert_close(kl_per_dimension(model, x).double(), truth, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(kl_per_dimension(model, x).sum(), q.kl().mean())


def test_no_unit_is_active_where_codes_ignore_the_image():
    model = fixed(3, constant=True)
    assert active_units(model, white_images()) == 0
    assert torch.equal(kl_per_dimension(model, white_images()), torch.zeros(3))


def test_every_unit_is_active_where_codes_are_white():
    assert active_units(fixed(3), white_images(3)) == 3


@pytest.mark.parametrize(("threshold", "alive"), [(0.0, 2), (0.0624, 2), (0.0626, 1), (0.249, 1), (0.251, 0)])
def test_a_unit_is_active_when_the_variance_of_its_mean_passes_the_threshold(threshold, alive):
    x = white_images(3)
    x[:, :, 0, 1] /= 2  # variances 1/4, 1/16 and 0 (divisor n)
    x[:, :, 0, 2] = 0.9
    assert active_units(fixed(3), x, threshold=threshold) == alive


def test_posterior_noise_makes_no_unit_active():
    assert active_units(fixed(3, logvar=5.0, constant=True), white_images()) == 0


@pytest.mark.usefixtures("plain")
def test_activity_needs_two_images():
    with pytest.raises(ValueError, match="x must hold at least 2 images, got 1"):
        active_units(fixed(), torch.zeros(1, 1, 6, 6))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("batch_size", [0, -1, 2.5, None])
def test_another_batch_size_is_refused_by_name(batch_size):
    with pytest.raises((ValueError, TypeError), match=r"^batch_size must "):
        code_dataset(fixed(), white_images(), batch_size=batch_size)


# Bounds


def test_log_likelihood_is_the_log_of_the_mean_weight_by_brute_force(small):
    model, x = small().double(), torch.rand(4, 1, 6, 6, dtype=F64)
    q = model.encode(x)
    posterior = Normal(q.mu, (q.logvar / 2).exp())
    weights = torch.zeros(4, dtype=F64)
    torch.manual_seed(8)
    with torch.no_grad():
        for _ in range(6):
            z = posterior.mean + posterior.stddev * torch.randn(4, 2, dtype=F64)
            p = TorchBernoulli(logits=model.decoder(z), validate_args=False).log_prob(x).sum((1, 2, 3))
            weights += (p + Normal(0, 1).log_prob(z).sum(1) - posterior.log_prob(z).sum(1)).exp() / 6
    bound = log_likelihood(model, x, k=6, seed=8)
    assert bound.shape == (4,)
    torch.testing.assert_close(bound, weights.log(), rtol=1e-10, atol=1e-10)


def test_every_image_has_its_own_bound_in_its_own_place_however_many_there_are():
    world = LinearGaussian.example(orthogonal=True)
    x = world.draw(9001)  # more than are decoded at once
    torch.testing.assert_close(log_likelihood(world.vae(), x, k=2), world.log_prob(x), rtol=0, atol=1e-9)


@pytest.mark.parametrize("k", [1, 7, 4001])
def test_any_number_of_samples_will_do(k):
    world = LinearGaussian.example(orthogonal=True)
    x = world.draw(1)
    torch.testing.assert_close(log_likelihood(world.vae(), x, k=k), world.log_prob(x), rtol=0, atol=1e-9)


def test_the_seed_decides_the_bound(small):
    model, x = small(), torch.rand(5, 1, 6, 6)
    assert torch.equal(log_likelihood(model, x, k=3), log_likelihood(model, x, k=3, seed=0))
    assert not torch.equal(log_likelihood(model, x, k=3), log_likelihood(model, x, k=3, seed=1))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("k", [0, -5, 1.5, "5", None])
def test_another_number_of_samples_is_refused_by_name(small, k):
    with pytest.raises((ValueError, TypeError), match=r"^k must "):
        log_likelihood(small(), torch.rand(2, 1, 6, 6), k=k)


# Labels


def told(dtype: torch.dtype = torch.float32) -> ConditionalVAE:
    return ConditionalVAE(*mlp((1, 6, 6), (16,), 2, n_classes=3), 3).to(dtype)


LABELLED = {
    "log_likelihood": lambda model, x, y: log_likelihood(model, x, k=3, y=y),
    "kl_per_dimension": kl_per_dimension,
    "active_units": lambda model, x, y: active_units(model, x, y=y),
    "code_dataset": lambda model, x, y: code_dataset(model, x, y).mu,
}


def test_the_bound_of_a_conditional_model_is_that_of_each_image_given_its_label():
    model, x, y = told(F64), torch.rand(4, 1, 6, 6, dtype=F64), torch.tensor([0, 2, 2, 1])
    hot = torch.eye(3, dtype=F64)[y]
    q = model.encode(x, y)
    posterior = Normal(q.mu, (q.logvar / 2).exp())
    weights = torch.zeros(4, dtype=F64)
    torch.manual_seed(8)
    with torch.no_grad():
        for _ in range(6):
            z = posterior.mean + posterior.stddev * torch.randn(4, 2, dtype=F64)
            p = TorchBernoulli(logits=model.decoder(z, hot), validate_args=False).log_prob(x).sum((1, 2, 3))
            weights += (p + Normal(0, 1).log_prob(z).sum(1) - posterior.log_prob(z).sum(1)).exp() / 6
    torch.testing.assert_close(log_likelihood(model, x, k=6, y=y, seed=8), weights.log(), rtol=1e-10, atol=1e-10)


def test_every_image_keeps_its_label_however_a_set_is_cut():
    model, x, y = told(), torch.rand(10, 1, 6, 6), torch.arange(10) % 3
    whole = model.encode(x, y)
    for batch_size in (1, 3, 10, 99):
        q = code_dataset(model, x, y, batch_size=batch_size)
        torch.testing.assert_close(q.mu, whole.mu, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(q.logvar, whole.logvar, rtol=1e-5, atol=1e-6)
    truth = kl_oracle(whole.mu.double(), whole.logvar.double()).mean(0)
    torch.testing.assert_close(kl_per_dimension(model, x, y).double(), truth, rtol=1e-5, atol=1e-7)
    x, y = torch.rand(8_001, 1, 6, 6), torch.arange(8_001) % 3  # more than are decoded at once
    bounds = log_likelihood(model, x, k=1, y=y)
    log_w = log_likelihood(model, x[8_000:], k=400, y=y[8_000:])
    assert bounds.shape == (8_001,)
    assert abs(bounds[8_000] - log_w[0]) < 8  # one draw is noisy, of the wrong label it would be no worse


@pytest.mark.parametrize("name", LABELLED)
def test_labels_in_every_form_give_the_same_measure(name):
    model, x, y = told(), torch.rand(9, 1, 6, 6), torch.arange(9) % 3
    truth = torch.as_tensor(LABELLED[name](model, x, y))
    assert torch.equal(torch.as_tensor(LABELLED[name](model, x, torch.eye(3)[y])), truth)
    assert torch.equal(
        torch.as_tensor(LABELLED[name](model, x, 1)), torch.as_tensor(LABELLED[name](model, x, torch.ones(9).long()))
    )


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", LABELLED)
def test_labels_that_are_missing_wrong_or_unasked_for_are_refused_as_y(small, name):
    x = torch.rand(5, 1, 6, 6)
    for bad in (None, torch.zeros(4, dtype=torch.int64), torch.full((5,), 3), torch.zeros(5)):
        with pytest.raises((TypeError, ValueError), match=r"^y must hold labels from 0 to 2"):
            LABELLED[name](told(), x, bad)
    with pytest.raises(ValueError, match=r"^y must be None for a VAE"):
        LABELLED[name](small(), x, torch.zeros(5, dtype=torch.int64))
    with pytest.raises(TypeError, match=r"^threshold must be a finite number"):
        active_units(told(), x, torch.zeros(5, dtype=torch.int64))


def test_the_measures_can_be_had_from_one_place():
    assert set(MEASURES) <= set(measures.__all__)
