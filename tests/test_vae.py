"""The model: what a pass is, and that looking at a model changes nothing about it."""

import pytest
import torch
from oracles import F64, FixedEncoder
from torch import nn

from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.likelihoods import Bernoulli, Gaussian
from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE, looking

LOOKS = {
    "encode": lambda model, x: model.encode(x).mu,
    "decode": lambda model, x: model.decode(torch.zeros(5, 2)),
    "sample": lambda model, x: model.sample(5),
    "reconstruct": lambda model, x: model.reconstruct(x),
}


@pytest.fixture
def x():
    return torch.rand(5, 1, 6, 6)


def test_a_pass_is_the_posterior_one_sample_of_it_and_the_decoders_logits(small, x):
    model = small()
    torch.manual_seed(4)
    q, z, logits = model(x)
    torch.manual_seed(4)
    eps = torch.randn(5, 2)
    assert torch.equal(q.mu, model.encoder(x).mu)
    torch.testing.assert_close(z, q.mu + (q.logvar / 2).exp() * eps)
    assert torch.equal(logits, model.decoder(z))
    assert (q.mu.shape, z.shape, logits.shape) == ((5, 2), (5, 2), (5, 1, 6, 6))


def test_every_pass_draws_anew(small, x):
    model = small()
    assert not torch.equal(model(x).z, model(x).z)


def test_gradients_of_a_pass_reach_every_weight(small, x):
    model = small()
    model(x).logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_the_default_likelihood_is_bernoulli(small):
    assert small().likelihood == Bernoulli()


@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian(link="tanh")], ids=repr)
def test_decode_is_the_likelihoods_mean_of_the_logits(small, likelihood):
    model = small(likelihood=likelihood)
    z = torch.randn(5, 2)
    images = model.decode(z)
    assert torch.equal(images, likelihood.mean(model.decoder(z)))
    assert images.min() >= 0
    assert images.max() <= 1


def test_reconstruct_decodes_the_posterior_mean(small, x):
    model = small()
    assert torch.equal(model.reconstruct(x), model.decode(model.encoder(x).mu))
    assert torch.equal(model.reconstruct(x), model.reconstruct(x))


def test_samples_are_decoded_codes_of_the_standard_normal(small):
    model = small()
    torch.manual_seed(1)
    images = model.sample(7)
    torch.manual_seed(1)
    assert torch.equal(images, model.decode(torch.randn(7, 2)))
    assert images.shape == (7, 1, 6, 6)


def test_uint8_and_float_images_are_encoded_alike(small, bars):
    model, images = small(), bars(5)
    assert torch.equal(model.encode(images).mu, model.encode(images / 255).mu)
    assert torch.equal(model.reconstruct(images), model.reconstruct(images / 255))


@pytest.mark.parametrize("name", LOOKS)
def test_looking_runs_in_eval_mode_without_gradients(small, x, name):
    model = small(batch_norm=True, dropout=0.5)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    torch.manual_seed(0)
    first = LOOKS[name](model, x)
    torch.manual_seed(0)
    again = LOOKS[name](model, x)
    assert torch.equal(first, again)
    assert not first.requires_grad
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", LOOKS)
def test_looking_leaves_every_module_in_its_own_mode(small, x, name):
    model = small(batch_norm=True, dropout=0.5)
    model.decoder.eval()
    model.encoder.body[1].eval()  # frozen on its own by the caller
    modes = [module.training for module in model.modules()]
    assert len(set(modes)) == 2
    LOOKS[name](model, x)
    assert [module.training for module in model.modules()] == modes


def test_looking_restores_modes_and_gradients_after_an_error(small):
    model = small(dropout=0.5)
    with pytest.raises(ValueError, match="z must have shape"):
        model.decode(torch.zeros(2, 9))
    assert all(module.training for module in model.modules())
    with looking(model):
        assert not model.training
        assert not torch.is_grad_enabled()
    with pytest.raises(ZeroDivisionError), looking(model):
        _ = 1 / 0
    assert model.training
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("dtype", [torch.float32, F64])
@pytest.mark.parametrize("name", LOOKS)
def test_a_float64_model_can_be_looked_at_with_images_and_codes_of_any_float_type(small, x, name, dtype):
    assert LOOKS[name](small().double(), x.to(dtype)).dtype == F64


def test_images_of_numpys_float64_are_encoded_as_their_float32_selves(small, bars):
    model, images = small(), bars(5)
    torch.testing.assert_close(model.encode(images.double() / 255).mu, model.encode(images).mu)


def test_whole_numbers_are_codes_too(small):
    model = small()
    torch.testing.assert_close(model.decode(torch.tensor([[0, 1]])), model.decode(torch.tensor([[0.0, 1.0]])))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    "bad", [None, torch.zeros(1, 6, 6), 2 * torch.ones(1, 1, 6, 6), torch.zeros(0, 1, 6, 6), torch.zeros(1, 3, 6, 6)]
)
def test_what_is_no_image_of_this_model_is_refused_as_x(small, bad):
    for look in (small().encode, small().reconstruct):
        with pytest.raises((ValueError, TypeError), match=r"^x must "):
            look(bad)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("n", [0, -1, 2.5, "2", None])
def test_a_number_of_samples_below_one_or_of_another_kind_is_refused(small, n):
    with pytest.raises((ValueError, TypeError), match=r"^n must "):
        small().sample(n)


def test_the_number_of_latents_is_the_decoders(small):
    assert small(z_dim=3).z_dim == 3
    nameless = VAE(FixedEncoder(2), nn.Sequential(nn.Linear(2, 36), nn.Unflatten(1, (1, 6, 6))))
    with pytest.raises((AttributeError, TypeError, ValueError), match=r"set decoder\.z_dim to a whole number"):
        _ = nameless.z_dim
    assert nameless.decode(torch.zeros(2, 2)).shape == (2, 1, 6, 6)


def test_any_modules_that_map_images_to_gaussians_and_codes_to_logits_make_a_model(x):
    model = VAE(FixedEncoder(2), mlp((1, 6, 6), (8,), 2)[1])
    q = model.encode(x)
    assert isinstance(q, DiagGaussian)
    assert torch.equal(q.mu, x.flatten(1)[:, :2])


def test_the_model_says_where_it_is(small):
    assert small().device == torch.device("cpu")
