"""What is measured of a trained model, against models whose latents are known."""

import math
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from oracles import F64, FixedEncoder, LinearGaussian, kl_oracle
from torch import nn
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Normal

from vae_tutorial import measures
from vae_tutorial.measures import (
    active_units,
    code_dataset,
    dead_units,
    kl_per_dimension,
    log_likelihood,
    probe_accuracy,
)
from vae_tutorial.networks import conv, mlp
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
    "dead_units": lambda model, x: torch.cat(list(dead_units(model, x).values())),
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
@pytest.mark.parametrize("measure", [code_dataset, dead_units])
def test_another_batch_size_is_refused_by_name(small, measure, batch_size):
    with pytest.raises((ValueError, TypeError), match=r"^batch_size must "):
        measure(small(), white_images(), batch_size=batch_size)


# Hidden units


NETWORKS = {
    "mlp": lambda n_classes: mlp((1, 6, 6), (9, 5), 2, n_classes=n_classes, latent_dropout=0.5),
    "mlp of leaky ReLU under batch norm": lambda n_classes: mlp(
        (1, 6, 6), (9, 5), 2, "leaky_relu", batch_norm=True, n_classes=n_classes
    ),
    "conv": lambda n_classes: conv((1, 6, 6), (7, 4), 2, "relu", batch_norm=False, n_classes=n_classes),
    "conv under batch norm": lambda n_classes: conv((1, 6, 6), (7, 4), 2, "elu", n_classes=n_classes),
}
KILLED = {"encoder 1": [0, 3], "encoder 2": [], "decoder 1": [1], "decoder 2": [2, 3, 4]}


def with_victims(name: str, n_classes: int) -> VAE | ConditionalVAE:
    """A model some of whose units, those of KILLED, no image can wake."""
    networks = NETWORKS[name](n_classes)
    for side, network in zip(("encoder", "decoder"), networks, strict=True):
        hidden = 0
        for before, layer in zip(network.body, network.body[1:], strict=False):
            if isinstance(layer, nn.ReLU | nn.LeakyReLU | nn.ELU):
                hidden += 1
                before.bias.data[KILLED[f"{side} {hidden}"]] = -1e3
    return ConditionalVAE(*networks, n_classes) if n_classes else VAE(*networks)


@torch.no_grad()
def asleep(model: VAE | ConditionalVAE, x: torch.Tensor, *hot: torch.Tensor) -> dict[str, list[bool]]:
    """Layer by layer and image by image, as written down on paper."""
    found: dict[str, list[bool]] = {}
    for i in range(len(x)):
        labels = [row[i : i + 1] for row in hot]
        image, mu = x[i : i + 1], model.encoder(x[i : i + 1], *labels).mu
        if isinstance(model.encoder.body[0], nn.Conv2d):
            planes = [row[:, :, None, None].expand(-1, -1, 6, 6) for row in labels]
            starts = {"encoder": torch.cat([image, *planes], 1)}
        else:
            starts = {"encoder": torch.cat([image.flatten(1), *labels], 1)}
        starts["decoder"] = torch.cat([mu, *labels], 1)
        for side, value in starts.items():
            hidden = 0
            for layer in getattr(model, side).body:
                if isinstance(layer, nn.ReLU | nn.LeakyReLU | nn.ELU):
                    hidden += 1
                    name, units = f"{side} {hidden}", value.shape[1]
                    before = found.setdefault(name, [True] * units)
                    found[name] = [before[u] and value[0, u].max().item() <= 0 for u in range(units)]
                value = layer(value)
    return found


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("n_classes", [0, 3])
@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_dead_units_are_those_that_no_image_wakes_one_by_one(name, n_classes, batch_size, monkeypatch):
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)  # every draw is its posterior's mean
    model, x, y = with_victims(name, n_classes), torch.rand(30, 1, 6, 6), torch.arange(30) % 3
    truth = asleep(model.eval(), x, *([torch.eye(3)[y]] if n_classes else []))
    model.train()
    found = dead_units(model, x, *([y] if n_classes else []), batch_size=batch_size)
    assert {layer: units.tolist() for layer, units in found.items()} == truth
    assert all(found[layer][KILLED[layer]].all() for layer in KILLED)
    assert 0 < sum(units.sum() for units in found.values()) < sum(map(len, found.values()))


def test_a_unit_that_a_single_image_wakes_is_not_dead():
    model = VAE(*mlp((1, 1, 1), (2,), 1))
    first = model.encoder.body[1]
    first.weight.data, first.bias.data = torch.tensor([[1.0], [1.0]]), torch.tensor([-0.5, -0.5])
    x = torch.zeros(9, 1, 1, 1)
    assert dead_units(model, x)["encoder 1"].tolist() == [True, True]
    x[4] = 0.5  # lifts both to just 0, where a ReLU still gives nothing
    assert dead_units(model, x, batch_size=2)["encoder 1"].tolist() == [True, True]
    x[4] = 0.6
    assert dead_units(model, x, batch_size=2)["encoder 1"].tolist() == [False, False]


def test_the_decoder_hears_drawn_codes_since_means_alone_would_leave_a_silent_model_asleep():
    torch.manual_seed(0)
    model = VAE(*mlp((1, 6, 6), (64,), 4))
    for parameter in model.encoder.parameters():
        parameter.data.zero_()  # a collapsed code: every posterior is the prior
    found = dead_units(model, torch.rand(500, 1, 6, 6))["decoder 1"]
    assert not found.any()
    assert (model.decoder.body[0].bias <= 0).sum() > 20  # asleep at z = 0, the mean of all of them


def test_a_dead_unit_gets_no_gradient_on_these_images_and_others_do():
    model, x = with_victims("mlp", 0), torch.rand(30, 1, 6, 6)
    found = dead_units(model, x)["encoder 1"]
    q = model.encoder(x)
    (q.mu.square().sum() + q.logvar.square().sum()).backward()
    still = (model.encoder.body[1].weight.grad == 0).all(1)
    assert still[found].all()
    assert not still[~found].all()


@pytest.mark.parametrize("shape", [(30, 1, 6, 6), (30, 1, 5, 5)], ids=["done", "failed"])
def test_nobody_listens_to_a_model_after_its_units_were_counted(shape):
    model = with_victims("conv under batch norm", 0)
    model.encoder.eval()
    modes, state = [module.training for module in model.modules()], torch.get_rng_state()
    if shape[2:] == (6, 6):
        dead_units(model, torch.rand(shape, generator=torch.Generator()))
    else:
        with pytest.raises(ValueError, match=r"^x must have shape \[b, 1, 6, 6\]"):
            dead_units(model, torch.rand(shape, generator=torch.Generator()))
    assert not any(module._forward_pre_hooks for module in model.modules())
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("encoder", "decoder", "side"),
    [("tanh", "relu", "encoder"), ("relu", "tanh", "decoder"), ("tanh", "tanh", "encoder")],
)
def test_a_network_without_a_rectifier_has_no_units_that_can_die(encoder, decoder, side):
    model = VAE(mlp((1, 6, 6), (8,), 2, encoder)[0], mlp((1, 6, 6), (8,), 2, decoder)[1])
    with pytest.raises(TypeError, match=f"^the {side} must have a ReLU, leaky ReLU, ELU or SiLU"):
        dead_units(model, torch.rand(3, 1, 6, 6))
    assert not any(module._forward_pre_hooks for module in model.modules())


# Probes


def clusters(n: int, gap: float, k: int = 2, z_dim: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes N(mean, I) of k classes, as many of each, whose means lie `gap` apart on the first axis."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % k
    codes = torch.randn(n, z_dim, generator=generator)
    codes[:, 0] += gap * y
    return codes, y


def share_of(p: float, n: int = 4000) -> object:
    """As far from p as a share of n draws may be: four standard errors."""
    return pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / n))


@pytest.mark.parametrize("gap", [0.5, 1.0, 3.0])
def test_a_probe_of_two_gaussian_clouds_is_as_right_as_anyone_can_be(gap):
    right = Normal(0, 1).cdf(torch.tensor(gap / 2)).item()
    assert probe_accuracy(*clusters(4000, gap), *clusters(4000, gap, seed=1)) == share_of(right)


def test_a_probe_names_every_class_of_codes_that_lie_apart():
    assert probe_accuracy(*clusters(300, 30.0, k=2), *clusters(100, 30.0, k=2, seed=1)) == 1.0
    codes = 30 * torch.eye(10)
    y = torch.arange(10)
    assert probe_accuracy(codes.repeat(5, 1), y.repeat(5), codes.flip(0), y.flip(0)) == 1.0
    assert probe_accuracy(codes.repeat(5, 1), y.repeat(5), codes, y.roll(1)) == 0.0


@pytest.mark.parametrize("k", [2, 10])
def test_a_probe_reads_nothing_off_noise(k):
    assert probe_accuracy(*clusters(4000, 0.0, k), *clusters(4000, 0.0, k, seed=1)) == share_of(1 / k)


def test_a_probe_does_not_care_in_which_units_a_latent_is():
    """Powers of 2, so that the standardised codes are the same to the last bit."""
    train, test = clusters(400, 1.0, k=4), clusters(400, 1.0, k=4, seed=1)
    units = torch.tensor([2.0**-20, 1.0, 2.0**9])
    scaled = probe_accuracy(train[0] * units, train[1], test[0] * units, test[1])
    assert scaled == probe_accuracy(*train, *test)
    shifted = probe_accuracy(train[0] + 100, train[1], test[0] + 100, test[1])
    assert shifted == pytest.approx(scaled, abs=0.01)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": torch.zeros(7, dtype=torch.int64)}, "^y must hold one class for each of the 8 codes, got 7"),
        ({"test_y": torch.arange(5)}, "^test_y must hold one class for each of the 6 codes, got 5"),
        ({"test_codes": torch.zeros(6, 2)}, "^test_codes must have 3 latents, as codes have, got 2"),
        ({"y": torch.full((8,), 4)}, r"^y must hold at least two classes, got only \[4\]"),
    ],
)
@pytest.mark.usefixtures("plain")
def test_codes_and_classes_that_do_not_fit_are_refused_by_name(change, words):
    given = {"codes": torch.randn(8, 3), "y": torch.arange(8), "test_codes": torch.randn(6, 3)}
    with pytest.raises(ValueError, match=words):
        probe_accuracy(**(given | {"test_y": torch.arange(6)} | change))


def test_measures_are_there_before_scikit_learn_is():
    code = "import sys, vae_tutorial.measures, vae_tutorial.zoo; assert 'sklearn' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Bounds


def test_log_likelihood_is_the_log_of_the_mean_weight_by_brute_force(small):
    model, x = small().double(), torch.rand(4, 1, 6, 6, dtype=F64)
    q = model.encode(x)
    posterior = Normal(q.mu, (q.logvar / 2).exp())
    weights = torch.zeros(4, dtype=F64)
    torch.manual_seed(8)
    with torch.no_grad():
        for eps in torch.randn(6 * 4, 2, dtype=F64).view(6, 4, 2):
            z = posterior.mean + posterior.stddev * eps
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
    "dead_units": lambda model, x, y: torch.cat(list(dead_units(model, x, y).values())),
}


def test_the_bound_of_a_conditional_model_is_that_of_each_image_given_its_label():
    model, x, y = told(F64), torch.rand(4, 1, 6, 6, dtype=F64), torch.tensor([0, 2, 2, 1])
    hot = torch.eye(3, dtype=F64)[y]
    q = model.encode(x, y)
    posterior = Normal(q.mu, (q.logvar / 2).exp())
    weights = torch.zeros(4, dtype=F64)
    torch.manual_seed(8)
    with torch.no_grad():
        for eps in torch.randn(6 * 4, 2, dtype=F64).view(6, 4, 2):
            z = posterior.mean + posterior.stddev * eps
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
