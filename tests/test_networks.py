"""The fully connected encoder and decoder: shapes, layers, modes and the words of their errors."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import assert_within_4_standard_errors
from torch import Tensor, nn

from vae_tutorial.data import Images
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.networks import Decoder, Encoder, mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import MMD
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE, ConditionalVAE

ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh, "elu": nn.ELU, "silu": nn.SiLU}


def kinds(network: nn.Module) -> list[type]:
    return [
        type(layer) for layer in network.modules() if not list(layer.children()) and not isinstance(layer, nn.Flatten)
    ]


def widths(network: nn.Module) -> list[tuple[int, int]]:
    return [(layer.in_features, layer.out_features) for layer in network.modules() if isinstance(layer, nn.Linear)]


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    hidden=st.lists(st.integers(1, 8), max_size=3),
    z_dim=st.integers(1, 5),
    b=st.integers(2, 4),
    batch_norm=st.booleans(),
    dropout=st.sampled_from([0.0, 0.5]),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
)
def test_any_sizes_go_from_images_to_codes_and_back(shape, hidden, z_dim, b, batch_norm, dropout, activation):
    options = {"activation": activation, "batch_norm": batch_norm, "dropout": dropout}
    encoder, decoder = mlp(shape, hidden, z_dim, **options)
    q = encoder(torch.rand(b, *shape))
    assert isinstance(q, DiagGaussian)
    assert q.mu.shape == q.logvar.shape == (b, z_dim)
    assert decoder(q.sample()).shape == (b, *shape)
    assert encoder.z_dim == decoder.z_dim == z_dim


def test_defaults_are_those_of_the_course():
    encoder, decoder = mlp()
    assert widths(encoder) == [(784, 512), (512, 256), (256, 64)]
    assert widths(decoder) == [(32, 256), (256, 512), (512, 784)]
    assert kinds(encoder) == kinds(decoder) == [nn.Linear, nn.ReLU] * 2 + [nn.Linear]
    assert sum(p.numel() for p in encoder.parameters()) == 784 * 512 + 512 + 512 * 256 + 256 + 256 * 64 + 64


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_norm_comes_before_the_activation_dropout_behind_it_and_heads_stay_bare(activation):
    for network in mlp((1, 4, 4), (8, 6), 2, activation=activation, batch_norm=True, dropout=0.3):
        layer = [nn.Linear, nn.BatchNorm1d, ACTIVATIONS[activation], nn.Dropout]
        assert kinds(network) == 2 * layer + [nn.Linear]
        assert {m.p for m in network.modules() if isinstance(m, nn.Dropout)} == {0.3}


@pytest.mark.parametrize(("options", "slope"), [({}, 0.01), ({"slope": 0.2}, 0.2), ({"slope": 0}, 0)])
def test_leaky_relu_leaks_one_hundredth_or_as_asked(options, slope):
    for network in mlp((1, 4, 4), (8,), 2, activation="leaky_relu", **options):
        assert [m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)] == [slope]


def test_the_callers_sizes_are_left_as_they_were():
    shape, hidden = [1, 4, 4], [8, 6]
    encoder, decoder = mlp(shape, hidden, 2)
    assert (shape, hidden) == ([1, 4, 4], [8, 6])
    assert widths(encoder) == [(16, 8), (8, 6), (6, 4)]
    assert widths(decoder) == [(2, 6), (6, 8), (8, 16)]


def test_encoder_and_decoder_share_no_weight():
    encoder, decoder = mlp((1, 4, 4), (8, 8), 8, batch_norm=True)
    assert not {id(p) for p in encoder.parameters()} & {id(p) for p in decoder.parameters()}


def test_the_decoder_returns_raw_logits():
    _, decoder = mlp((1, 4, 4), (8,), 2)
    logits = decoder(100 * torch.randn(50, 2))
    assert logits.min() < -1
    assert logits.max() > 1


def body(mu: float, logvar: float) -> nn.Module:
    """Two learnable numbers per image, whatever the image."""
    linear = nn.Linear(4, 4)
    nn.init.zeros_(linear.weight)
    linear.bias.data = torch.tensor([mu, mu, logvar, logvar])
    return nn.Sequential(nn.Flatten(), linear)


@pytest.mark.parametrize(
    ("logvar", "clamped", "moves"),
    [(-12, -10, False), (-9.5, -9.5, True), (3, 3, True), (9.5, 9.5, True), (1e9, 10, False)],
)
def test_mu_comes_first_then_logvar_clamped_to_ten_without_gradient_beyond(logvar, clamped, moves):
    encoder = Encoder(body(123.0, logvar), (1, 2, 2), 2)
    q = encoder(torch.rand(3, 1, 2, 2))
    assert (q.mu == 123).all()
    assert (q.logvar == clamped).all()
    q.logvar.sum().backward()
    assert encoder.body[1].bias.grad[2:].any().item() == moves


@pytest.mark.parametrize("options", [{"batch_norm": True}, {"dropout": 0.5}])
def test_in_eval_mode_nothing_is_drawn_and_batch_mates_do_not_matter(options):
    encoder, decoder = mlp((1, 4, 4), (8,), 2, **options)
    x = torch.rand(6, 1, 4, 4)
    for _ in range(3):
        decoder(encoder(x).mu)  # moves the running statistics off their defaults
    encoder.eval(), decoder.eval()
    together = decoder(encoder(x).mu)
    alone = torch.cat([decoder(encoder(x[i : i + 1]).mu) for i in range(6)])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-5)
    assert torch.equal(decoder(encoder(x).mu), together)


def test_in_train_mode_batch_norm_lets_batch_mates_meet_and_dropout_draws():
    x = torch.rand(6, 1, 4, 4)
    encoder, _ = mlp((1, 4, 4), (8,), 2, batch_norm=True)
    assert not torch.allclose(encoder(x).mu[:3], encoder(x[:3]).mu, atol=1e-3)
    encoder, _ = mlp((1, 4, 4), (8,), 2, dropout=0.5)
    assert not torch.allclose(encoder(x).mu, encoder(x).mu, atol=1e-3)


def test_hidden_dropout_keeps_the_expectation_of_the_next_layer():
    encoder, _ = mlp((1, 4, 4), (64,), 2, dropout=0.5)
    x = torch.rand(1, 1, 4, 4).expand(20_000, 1, 4, 4)
    with torch.no_grad():
        draws = encoder(x).mu
        encoder.eval()
        expected = encoder(x[:1]).mu[0]
    assert ((draws.mean(0) - expected).abs() < 4 * draws.std(0) / math.sqrt(len(draws))).all()


def test_a_single_image_under_batch_norm_is_refused_in_train_mode_only():
    encoder, _ = mlp((1, 4, 4), (8,), 2, batch_norm=True)
    with pytest.raises(
        ValueError, match=r"x must hold at least 2 images for batch norm in train mode, got 1; use model"
    ):
        encoder(torch.rand(1, 1, 4, 4))
    assert encoder.eval()(torch.rand(1, 1, 4, 4)).mu.shape == (1, 2)
    _, decoder = mlp((1, 4, 4), (8,), 2, batch_norm=True)
    with pytest.raises(
        ValueError, match=r"z must hold at least 2 codes for batch norm in train mode, got 1; use model"
    ):
        decoder(torch.zeros(1, 2))
    assert decoder.eval()(torch.zeros(1, 2)).shape == (1, 1, 4, 4)
    assert mlp((1, 4, 4), (), 2, batch_norm=True)[0](torch.rand(1, 1, 4, 4)).mu.shape == (1, 2)  # nothing to normalise
    assert mlp((1, 4, 4), (8,), 2)[0](torch.rand(1, 1, 4, 4)).mu.shape == (1, 2)


@pytest.mark.parametrize("shape", [(2, 1, 4, 5), (2, 3, 4, 4), (2, 16), (1, 4, 4), (2, 1, 16)])
def test_an_encoder_refuses_images_of_another_shape_even_of_as_many_pixels(shape):
    encoder, _ = mlp((1, 4, 4), (8,), 2)
    with pytest.raises(ValueError, match=r"x must have shape \[b, 1, 4, 4\], got \["):
        encoder(torch.rand(shape))


@pytest.mark.parametrize("shape", [(2, 3), (2,), (2, 2, 1), (4, 1)])
def test_a_decoder_refuses_codes_of_another_shape(shape):
    _, decoder = mlp((1, 4, 4), (8,), 2)
    with pytest.raises(ValueError, match=r"z must have shape \[b, 2\], got \["):
        decoder(torch.zeros(shape))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image_shape": (28, 28)}, r"image_shape must be \(channels, height, width\), got \(28, 28\)"),
        ({"image_shape": (1, 0, 4)}, r"image_shape must be made of sizes of at least 1, got \(1, 0, 4\)"),
        ({"hidden": (8, 0)}, r"hidden must be made of sizes of at least 1, got \(8, 0\)"),
        ({"z_dim": 0}, r"z_dim must be .*at least 1, got "),
        ({"z_dim": -3}, r"z_dim must be .*at least 1, got "),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\), got 1.0"),
        ({"dropout": -0.1}, r"dropout must lie in \[0, 1\), got -0.1"),
        ({"dropout": float("nan")}, r"dropout must lie in \[0, 1\), got nan"),
        ({"activation": "gelu"}, r"activation must be one of relu, leaky_relu, tanh, elu, silu, got 'gelu'"),
        ({"hidden": 8}, "^hidden must"),
        ({"hidden": ("8",)}, "^hidden must"),
        ({"hidden": (8.5,)}, "^hidden must"),
        ({"image_shape": 28}, "^image_shape must"),
        ({"z_dim": 2.5}, "^z_dim must"),
        ({"z_dim": "2"}, "^z_dim must"),
        ({"dropout": "0.5"}, "^dropout must"),
        ({"dropout": 10**400}, r"^dropout must lie in \[0, 1\), got 1000"),
        ({"latent_dropout": 1}, r"^latent_dropout must lie in \[0, 1\), got 1$"),
        ({"latent_dropout": -0.1}, r"^latent_dropout must lie in \[0, 1\), got -0.1"),
        ({"latent_dropout": math.nan}, r"^latent_dropout must lie in \[0, 1\), got nan"),
        ({"latent_dropout": False}, r"^latent_dropout must lie in \[0, 1\), got False"),
        ({"latent_dropout": "0.5"}, r"^latent_dropout must lie in \[0, 1\), got '0.5'"),
        ({"latent_dropout": None}, r"^latent_dropout must lie in \[0, 1\), got None"),
        ({"initialization": "he"}, "^initialization must be one of default, xavier, kaiming, got 'he'"),
        ({"initialization": None}, "^initialization must be one of default, xavier, kaiming, got None"),
        ({"slope": 0.2}, "^slope must be left out unless activation is leaky_relu, got 0.2 for relu"),
        ({"activation": "leaky_relu", "slope": -1}, "^slope must be a finite number of at least 0, got -1"),
        ({"n_classes": -1}, "^n_classes must be a whole number of at least 0, got -1"),
        ({"n_classes": "3"}, "^n_classes must"),
        ({"deterministic": 1}, "^deterministic must be True or False, got 1"),
        ({"deterministic": "yes"}, "^deterministic must be True or False, got 'yes'"),
        ({"deterministic": None}, "^deterministic must be True or False, got None"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        mlp(**{"image_shape": (1, 4, 4), "hidden": (8,), "z_dim": 2} | options)


# Encoders that give one code


def test_a_deterministic_encoder_has_half_the_head_and_its_decoder_is_the_same():
    (sure, decoder), (unsure, other) = mlp(deterministic=True), mlp()
    assert widths(sure) == [(784, 512), (512, 256), (256, 32)]
    assert sum(p.numel() for p in unsure.parameters()) - sum(p.numel() for p in sure.parameters()) == 256 * 32 + 32
    assert widths(decoder) == widths(other)
    assert "deterministic=True" in repr(sure)
    assert "deterministic" not in repr(unsure)


@pytest.mark.parametrize("n_classes", [0, 3])
def test_the_code_of_a_deterministic_encoder_is_what_its_body_gives(n_classes):
    encoder, _ = mlp((1, 4, 4), (8,), 2, n_classes=n_classes, deterministic=True)
    x, y = torch.rand(6, 1, 4, 4), torch.eye(3)[[0, 1, 2, 2, 0, 1]]
    given = [x, y] if n_classes else [x]
    q = encoder(*given)
    assert torch.equal(q.mu, encoder.body(torch.cat([part.flatten(1) for part in given], dim=1)))
    assert q.mu.shape == (6, 2)


def test_a_deterministic_posterior_is_as_good_as_a_point_and_has_nothing_to_learn_about_its_width():
    encoder, _ = mlp((1, 4, 4), (8,), 50, deterministic=True)
    q = encoder(torch.rand(1000, 1, 4, 4))
    assert (q.logvar == -10).all()
    assert not q.logvar.requires_grad
    assert (q.sample() - q.sample()).abs().max() < 0.05  # sigma 0.0067, 50,000 pairs
    assert_within_4_standard_errors((q.sample() - q.mu).detach().double().flatten().square(), math.exp(-10), "variance")
    kl = q.kl_terms() - q.mu.square() / 2
    torch.testing.assert_close(kl, torch.full_like(kl, (math.exp(-10) - 1 + 10) / 2))


@pytest.mark.parametrize("n_classes", [0, 3])
def test_a_penalty_on_the_crowd_of_codes_moves_a_deterministic_encoder(n_classes):
    networks = mlp((1, 4, 4), (8,), 2, n_classes=n_classes, deterministic=True)
    encoder = networks[0]
    images = Images(torch.randint(256, (40, 1, 4, 4), dtype=torch.uint8), torch.arange(40) % 3, n_classes=3)
    x, y = images.x / 255, images.y
    labels = [torch.eye(3)[y]] if n_classes else []
    with torch.no_grad():
        encoder.body[-1].bias.fill_(3)  # all codes far from the prior
        assert encoder(x, *labels).mu.mean(0).min() > 2.5
    q = encoder(x, *labels)
    MMD()(q, q.sample()).backward()
    assert all(p.grad.any() for p in encoder.parameters())
    model = ConditionalVAE(*networks, 3) if n_classes else VAE(*networks)
    fit(model, Objective(MMD()), images, steps=60, batch_size=20, lr=1e-2, progress=False)
    with torch.no_grad():
        assert encoder(x, *labels).mu.mean(0).abs().max() < 1  # 3.5 without the penalty


# Dropout on the code


def received(decoder: Decoder, *given: Tensor) -> Tensor:
    """What the first layer of the body is handed."""
    seen = []
    ear = decoder.body[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        decoder(*given)
    ear.remove()
    return seen[0]


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_in_train_mode_a_decoder_loses_a_share_of_each_code_and_the_rest_is_scaled_up(p):
    z = torch.randn(100_000, 2)
    seen = received(mlp((1, 1, 1), (), 2, latent_dropout=p)[1], z)
    lost = seen == 0
    torch.testing.assert_close(seen, torch.where(lost, 0, z / (1 - p)))
    assert_within_4_standard_errors(lost.double(), p, f"share lost at {p}")
    assert_within_4_standard_errors(lost.all(1).double(), p**2, f"both lost at {p}")  # each on its own
    seen = seen.double()
    assert_within_4_standard_errors(seen, 0.0, f"mean at {p}")
    assert_within_4_standard_errors(seen.square(), 1 / (1 - p), f"variance at {p}")
    kurtosis = seen.square().square() * (1 - p) ** 2
    assert_within_4_standard_errors(kurtosis, 3 / (1 - p), f"kurtosis at {p}")


def test_a_code_reaches_the_decoder_whole_in_eval_mode_or_without_latent_dropout():
    z = torch.randn(50, 4)
    for decoder in (mlp((1, 4, 4), (8,), 4, latent_dropout=0.5)[1].eval(), mlp((1, 4, 4), (8,), 4, dropout=0.5)[1]):
        assert torch.equal(received(decoder, z), z)


def test_labels_are_never_dropped():
    _, decoder = mlp((1, 4, 4), (8,), 3, n_classes=5, latent_dropout=0.9)
    y = torch.eye(5)[torch.arange(500) % 5]
    seen = received(decoder, torch.randn(500, 3), y)
    assert torch.equal(seen[:, 3:], y)
    assert (seen[:, :3] == 0).double().mean() > 0.8


def test_latent_dropout_is_between_code_and_decoder_and_not_seen_by_the_rest_of_a_model():
    networks = mlp((1, 4, 4), (8,), 3, latent_dropout=0.9)
    model, x = VAE(*networks), torch.rand(20, 1, 4, 4)
    q, z, _ = model(x)
    assert torch.equal(q.mu, networks[0](x).mu)
    assert (z != 0).all()
    assert torch.equal(model.reconstruct(x), model.reconstruct(x))
    assert model.training


def test_a_decoder_says_what_it_drops():
    assert "latent_dropout=0.3" in repr(mlp((1, 4, 4), (8,), 2, latent_dropout=0.3)[1])
    assert "latent_dropout" not in repr(mlp((1, 4, 4), (8,), 2, dropout=0.3))


# First weights


VARIANCES = {
    "default": lambda before, after: 1 / (3 * before),
    "xavier": lambda before, after: 2 / (before + after),
    "kaiming": lambda before, after: 2 / before,
}
KURTOSES = {"default": 9 / 5, "xavier": 9 / 5, "kaiming": 3}  # uniform, uniform, normal


@pytest.mark.parametrize("initialization", VARIANCES)
@pytest.mark.parametrize("n_classes", [0, 10])
def test_first_weights_have_the_variance_and_shape_of_their_initialization(initialization, n_classes):
    networks = mlp((1, 8, 8), (90, 70), 30, n_classes=n_classes, initialization=initialization)
    layers = [layer for network in networks for layer in network.modules() if isinstance(layer, nn.Linear)]
    assert len(layers) == 6
    for layer in layers:
        weights, what = layer.weight.detach().double().flatten(), f"{initialization}, {layer}"
        variance = VARIANCES[initialization](layer.in_features, layer.out_features)
        assert_within_4_standard_errors(weights, 0.0, what)
        assert_within_4_standard_errors(weights.square(), variance, what)
        assert_within_4_standard_errors(weights**4 / variance**2, KURTOSES[initialization], what)
        bound = math.sqrt(3 * variance)  # of a uniform distribution of this variance
        if KURTOSES[initialization] < 3:
            assert 0.99 * bound < weights.abs().max() <= bound * (1 + 1e-6)
        assert layer.bias.any().item() == (initialization == "default")


@pytest.mark.parametrize("initialization", ["xavier", "kaiming"])
def test_norms_keep_their_own_first_weights(initialization):
    for network in mlp((1, 4, 4), (8, 6), 2, batch_norm=True, initialization=initialization):
        for norm in (layer for layer in network.modules() if isinstance(layer, nn.BatchNorm1d)):
            assert torch.equal(norm.weight, torch.ones_like(norm.weight))


# Labels


def test_the_encoder_sees_labels_behind_the_pixels_and_the_decoder_behind_the_latents():
    encoder, decoder = mlp((1, 4, 4), (8,), 2, n_classes=3)
    assert widths(encoder) == [(19, 8), (8, 4)]
    assert widths(decoder) == [(5, 8), (8, 16)]
    assert encoder.n_classes == decoder.n_classes == 3
    x, y, z = torch.rand(6, 1, 4, 4), torch.eye(3)[[0, 1, 2, 2, 0, 1]], torch.randn(6, 2)
    first, _, last = encoder.body[1:]
    hidden = (x.flatten(1) @ first.weight[:, :16].T + first.weight[:, 16:][:, y.argmax(1)].T + first.bias).relu()
    q = encoder(x, y)
    torch.testing.assert_close(q.mu, hidden @ last.weight[:2].T + last.bias[:2])
    torch.testing.assert_close(q.logvar, hidden @ last.weight[2:].T + last.bias[2:])
    first, _, last = decoder.body
    hidden = (z @ first.weight[:, :2].T + first.weight[:, 2:][:, y.argmax(1)].T + first.bias).relu()
    torch.testing.assert_close(decoder(z, y), (hidden @ last.weight.T + last.bias).view(6, 1, 4, 4))


@pytest.mark.parametrize("options", [{}, {"initialization": "default"}, {"latent_dropout": 0.5}], ids=str)
def test_without_classes_the_networks_are_those_of_the_same_seed_as_ever(options):
    torch.manual_seed(3)
    plain = mlp((1, 4, 4), (8,), 2, **options)
    torch.manual_seed(3)
    linears = [nn.Linear(16, 8), nn.Linear(8, 4), nn.Linear(2, 8), nn.Linear(8, 16)]
    built = [layer for network in plain for layer in network.body if isinstance(layer, nn.Linear)]
    for layer, linear in zip(built, linears, strict=True):
        assert torch.equal(layer.weight, linear.weight)
        assert torch.equal(layer.bias, linear.bias)
    assert [network.n_classes for network in plain] == [0, 0]


@pytest.mark.parametrize("network", [0, 1], ids=["encoder", "decoder"])
def test_labels_of_another_shape_missing_or_unasked_for_are_refused(network):
    given = [torch.rand(4, 1, 4, 4), torch.zeros(4, 2)][network]
    conditional = mlp((1, 4, 4), (8,), 2, n_classes=3)[network]
    for wrong in (torch.zeros(4), torch.zeros(4, 2), torch.zeros(3, 3), torch.zeros(1, 3)):
        with pytest.raises(ValueError, match=r"^y must be one-hot of shape \[4, 3\], .*, got \["):
            conditional(given, wrong)
    with pytest.raises(ValueError, match=r"^y must be one-hot of shape \[4, 3\], .*, got None"):
        conditional(given)
    with pytest.raises(ValueError, match=r"^y must be left out where n_classes is 0, got a tensor of shape"):
        mlp((1, 4, 4), (8,), 2)[network](given, torch.eye(3)[[0, 1, 2, 0]])
