"""The convolutional encoder and decoder: sizes that come back, layers, labels, and one net computed pixel by pixel."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.networks import conv

ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh, "elu": nn.ELU, "silu": nn.SiLU}
PLAIN = {
    nn.Flatten, nn.Linear, nn.Unflatten, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, *ACTIVATIONS.values(),
}  # fmt: skip
SIZES = [(28, 28), (32, 32), (64, 64), (17, 23), (31, 2), (1, 9), (1, 1)]


def labels(b: int, n_classes: int) -> tuple[torch.Tensor, ...]:
    """One-hot labels as the arguments that a conditional network takes beside x or z."""
    return (torch.eye(n_classes)[torch.randint(n_classes, (b,))],) if n_classes else ()


def maps(body: nn.Module, kinds: type | tuple[type, ...], *arguments: torch.Tensor) -> list[tuple[int, ...]]:
    """Shapes [c, h, w] that the layers of some kind give."""
    seen = []
    for layer in body:
        if isinstance(layer, kinds):
            layer.register_forward_hook(lambda module, given, out: seen.append(tuple(out.shape[1:])))
    body(*arguments)
    return seen


# Sizes


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("c", [1, 3])
def test_images_of_any_size_come_back_from_five_levels(size, c):
    encoder, decoder = conv((c, *size), (2, 3, 4, 5, 6), 7)
    q = encoder(torch.rand(2, c, *size))
    assert isinstance(q, DiagGaussian)
    assert q.mu.shape == q.logvar.shape == (2, 7)
    assert decoder(q.sample()).shape == (2, c, *size)
    assert encoder.z_dim == decoder.z_dim == 7


@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 21), st.integers(1, 21)),
    channels=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    z_dim=st.integers(1, 4),
    b=st.integers(2, 3),
    batch_norm=st.booleans(),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    n_classes=st.integers(0, 3),
)
def test_any_sizes_go_from_images_to_codes_and_back(shape, channels, z_dim, b, batch_norm, activation, n_classes):
    encoder, decoder = conv(shape, channels, z_dim, activation, batch_norm, n_classes=n_classes)
    y = labels(b, n_classes)
    q = encoder(torch.rand(b, *shape), *y)
    assert q.mu.shape == q.logvar.shape == (b, z_dim)
    assert decoder(q.sample(), *y).shape == (b, *shape)
    assert encoder.n_classes == decoder.n_classes == n_classes


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_decoder_retraces_the_maps_of_the_encoder(size):
    encoder, decoder = conv((3, *size), (4, 5, 6), 2)
    halved = [tuple(math.ceil(side / 2**level) for side in size) for level in range(4)]
    down = maps(encoder.body, nn.Conv2d, torch.rand(2, 3, *size))
    up = maps(decoder.body, (nn.Unflatten, nn.ConvTranspose2d, nn.Conv2d), torch.zeros(2, 2))
    assert down == [(4, *halved[1]), (5, *halved[2]), (6, *halved[3])]
    assert up == [(6, *halved[3]), (5, *halved[2]), (4, *halved[1]), (4, *size), (3, *size)]


def test_the_default_is_five_levels_for_images_of_64_pixels():
    encoder, decoder = conv((3, 64, 64))
    assert [m.out_channels for m in encoder.modules() if isinstance(m, nn.Conv2d)] == [32, 64, 128, 256, 512]
    assert maps(encoder.body, nn.Flatten, torch.rand(2, 3, 64, 64)) == [(512 * 2 * 2,)]
    assert {type(m) for m in decoder.modules()} >= {nn.BatchNorm2d, nn.LeakyReLU}
    assert encoder.z_dim == decoder.z_dim == 32


def test_the_callers_lists_are_left_as_they_were():
    shape, channels = [1, 8, 8], [4, 5, 6]
    conv(shape, channels, 2, n_classes=3)
    assert (shape, channels) == ([1, 8, 8], [4, 5, 6])


# Layers


def kinds(body: nn.Module) -> list[type]:
    return [type(layer) for layer in body]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_classes", [0, 3])
def test_both_bodies_are_lists_of_plain_layers_in_the_order_of_the_course(activation, n_classes):
    encoder, decoder = conv((1, 8, 8), (4, 5), 2, activation, n_classes=n_classes)
    act = ACTIVATIONS[activation]
    assert kinds(encoder.body) == 2 * [nn.Conv2d, nn.BatchNorm2d, act] + [nn.Flatten, nn.Linear]
    up = 2 * [nn.ConvTranspose2d, nn.BatchNorm2d, act]
    assert kinds(decoder.body) == [nn.Linear, nn.Unflatten, *up, nn.Conv2d]
    assert {type(encoder.body), type(decoder.body)} == {nn.Sequential}
    assert {*kinds(encoder.body), *kinds(decoder.body)} <= PLAIN


@pytest.mark.parametrize("batch_norm", [True, False])
def test_only_a_convolution_in_front_of_batch_norm_goes_without_a_bias(batch_norm):
    for network in conv((1, 8, 8), (4, 5), 2, batch_norm=batch_norm):
        layers = [*network.body, None]
        for layer, after in itertools.pairwise(layers):
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                assert (layer.bias is None) == isinstance(after, nn.BatchNorm2d)
        assert any(isinstance(layer, nn.BatchNorm2d) for layer in network.body) == batch_norm


@pytest.mark.parametrize(("options", "slope"), [({}, 0.01), ({"slope": 0.2}, 0.2), ({"slope": 0}, 0)])
def test_leaky_relu_leaks_as_asked(options, slope):
    for network in conv((1, 8, 8), (4, 5), 2, **options):
        assert [m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)] == [slope] * 2


def test_encoder_and_decoder_share_no_weight_and_gradients_reach_all_of_them():
    encoder, decoder = conv((2, 9, 6), (4, 5), 3, n_classes=2)
    assert not {id(p) for p in encoder.parameters()} & {id(p) for p in decoder.parameters()}
    y = labels(4, 2)
    q = encoder(torch.rand(4, 2, 9, 6), *y)
    decoder(q.sample(), *y).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in [*encoder.parameters(), *decoder.parameters()])


# Computed by hand


def convolve(x: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    """Cross-correlation of [c, h, w] with a kernel of 3 x 3 and a border of zeros, one output pixel at a time."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    rows, columns = range(0, x.shape[1], stride), range(0, x.shape[2], stride)
    return np.stack(
        [[[(padded[:, i : i + 3, j : j + 3] * kernel).sum() for j in columns] for i in rows] for kernel in weight]
    )


def deconvolve(x: np.ndarray, weight: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Every input pixel stamps its kernel on a canvas, two pixels from the next; weight [in, out, 3, 3]."""
    canvas = np.zeros((weight.shape[1], 2 * x.shape[1] + 3, 2 * x.shape[2] + 3))
    for c, i, j in np.ndindex(*x.shape):
        canvas[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += x[c, i, j] * weight[c]
    return canvas[:, 1 : 1 + size[0], 1 : 1 + size[1]]


def normalise(x: np.ndarray, norm: nn.BatchNorm2d) -> np.ndarray:
    mean, variance, gain, shift = (
        t.detach().numpy()[:, None, None] for t in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return (x - mean) / np.sqrt(variance + 1e-5) * gain + shift


def leak(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


def numbers(layer: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def unsettle(network: nn.Module) -> None:
    """Give batch norm statistics, gains and shifts that are not 0 and 1."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values in (layer.running_mean, layer.running_var, layer.weight.data, layer.bias.data):
                values.copy_(torch.rand(values.shape) + 0.5)


def test_both_networks_compute_what_is_written_out_by_hand():
    encoder, decoder = (network.double().eval() for network in conv((2, 5, 4), (3,), 2, slope=0.2, n_classes=3))
    unsettle(encoder), unsettle(decoder)
    x, y = torch.rand(1, 2, 5, 4, dtype=torch.float64), torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64)

    convolution, norm, _, _, head = encoder.body
    seen = np.concatenate([x[0].numpy(), np.stack([np.full((5, 4), label) for label in (0.0, 1.0, 0.0)])])
    hidden = leak(normalise(convolve(seen, convolution.weight.detach().numpy(), stride=2), norm))
    weight, bias = numbers(head)
    both = weight @ hidden.flatten() + bias
    q = encoder(x, y)
    np.testing.assert_allclose(torch.cat([q.mu, q.logvar], 1)[0].detach(), both, rtol=1e-12)

    start, _, back, norm, _, last = decoder.body
    weight, bias = numbers(start)
    small = (weight @ np.array([0.3, -1.2, 0, 1, 0]) + bias).reshape(3, 3, 2)
    large = leak(normalise(deconvolve(small, back.weight.detach().numpy(), (5, 4)), norm))
    weight, bias = numbers(last)
    truth = convolve(large, weight, stride=1) + bias[:, None, None]
    logits = decoder(torch.tensor([[0.3, -1.2]], dtype=torch.float64), y)
    np.testing.assert_allclose(logits[0].detach(), truth, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n_classes", [0, 3])
def test_a_deterministic_encoder_gives_the_code_that_its_body_ends_in(n_classes):
    networks = conv((2, 6, 5), (4,), 3, n_classes=n_classes, deterministic=True)
    encoder, decoder = (network.eval() for network in networks)
    x, y = torch.rand(4, 2, 6, 5), labels(4, n_classes)
    planes = [one_hot[:, :, None, None].expand(-1, -1, 6, 5) for one_hot in y]
    q = encoder(x, *y)
    assert encoder.body[-1].out_features == 3
    assert torch.equal(q.mu, encoder.body(torch.cat([x, *planes], dim=1)))
    assert (q.logvar == -10).all()
    assert not q.logvar.requires_grad
    decoder(q.sample(), *y).square().sum().backward()
    assert all(p.grad.any() for p in encoder.parameters())


def test_the_labels_are_seen_as_constant_planes_behind_the_channels():
    encoder, _ = conv((2, 6, 5), (4,), 2, n_classes=3)
    seen = []
    encoder.body.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    x = torch.rand(4, 2, 6, 5)
    encoder(x, torch.eye(3)[[0, 2, 2, 1]])
    assert torch.equal(seen[0][:, :2], x)
    for image, label in zip(seen[0], [0, 2, 2, 1], strict=True):
        assert [plane.unique().tolist() for plane in image[2:]] == [[float(label == k)] for k in range(3)]


# Modes


def test_in_eval_mode_batch_mates_do_not_matter_and_in_train_mode_they_meet():
    encoder, decoder = conv((1, 7, 6), (4, 5), 2)
    x = torch.rand(6, 1, 7, 6)
    for _ in range(3):
        decoder(encoder(x).mu)  # moves the running statistics off their defaults
    assert not torch.allclose(encoder(x).mu[:3], encoder(x[:3]).mu, atol=1e-3)
    encoder.eval(), decoder.eval()
    together = decoder(encoder(x).mu)
    alone = torch.cat([decoder(encoder(x[i : i + 1]).mu) for i in range(6)])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-5)
    assert torch.equal(decoder(encoder(x).mu), together)


def test_one_image_is_refused_where_batch_norm_would_see_a_single_number_per_channel():
    encoder, decoder = conv((1, 8, 8), (4, 4, 4), 2)
    with pytest.raises(
        ValueError, match=r"^x must hold at least 2 images for batch norm in train mode, got 1; use mod"
    ):
        encoder(torch.rand(1, 1, 8, 8))
    assert decoder(torch.zeros(1, 2)).shape == (1, 1, 8, 8)  # its smallest normalised map has 2 x 2 pixels
    assert encoder.eval()(torch.rand(1, 1, 8, 8)).mu.shape == (1, 2)
    _, decoder = conv((1, 2, 2), (4, 4), 2)
    with pytest.raises(
        ValueError, match=r"^z must hold at least 2 codes for batch norm in train mode, got 1; use mode"
    ):
        decoder(torch.zeros(1, 2))
    for fine in (conv((1, 8, 8), (4, 4), 2), conv((1, 2, 2), (4, 4), 2, batch_norm=False)):
        shape = fine[0].image_shape
        assert fine[1](fine[0](torch.rand(1, *shape)).mu).shape == (1, *shape)


# Refused


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image_shape": (28, 28)}, r"^image_shape must be \(channels, height, width\), got \(28, 28\)"),
        ({"image_shape": (1, 0, 4)}, r"^image_shape must be made of sizes of at least 1, got \(1, 0, 4\)"),
        ({"channels": (8, 0)}, r"^channels must be made of sizes of at least 1, got \(8, 0\)"),
        ({"channels": (8, 2.5)}, "^channels must"),
        ({"channels": 8}, "^channels must"),
        ({"channels": ()}, r"^channels must hold at least one level, got \(\)"),
        ({"z_dim": 0}, "^z_dim must"),
        ({"z_dim": "2"}, "^z_dim must"),
        ({"n_classes": -1}, "^n_classes must"),
        ({"n_classes": 2.5}, "^n_classes must"),
        ({"activation": "gelu"}, r"^activation must be one of relu, leaky_relu, tanh, elu, silu, got 'gelu'"),
        ({"activation": "relu", "slope": 0.2}, "^slope must be left out unless activation is leaky_relu, got 0.2"),
        ({"slope": -0.2}, "^slope must be a finite number of at least 0, got -0.2"),
        ({"slope": "0.2"}, "^slope must"),
        ({"deterministic": 1}, "^deterministic must be True or False, got 1"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        conv(**{"image_shape": (1, 8, 8), "channels": (4,), "z_dim": 2} | options)


@pytest.mark.parametrize("shape", [(2, 1, 8, 9), (2, 3, 8, 8), (2, 64), (1, 8, 8)])
def test_an_encoder_refuses_images_of_another_shape(shape):
    encoder, _ = conv((1, 8, 8), (4,), 2)
    with pytest.raises(ValueError, match=r"x must have shape \[b, 1, 8, 8\], got \["):
        encoder(torch.rand(shape))
