"""Encoders and decoders in JavaScript against the same in torch, in a real browser."""

import base64
import itertools

import pytest
import torch
from browser import chromium
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian
from vae_tutorial.networks import ACTIVATIONS, Decoder, conv, mlp
from vae_tutorial.vae import VAE, ConditionalVAE
from vae_tutorial.widgets import assets
from vae_tutorial.widgets.payload import decoder_payload, encoder_payload

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]

LIKELIHOODS = [Bernoulli(), ContinuousBernoulli(), Gaussian(), Gaussian(link="identity"), Gaussian(link="tanh")]
ALIKE = {"atol": 1e-5, "rtol": 0}

# Weights arrive in the middle of a larger message, at an address that no Float32Array would take.
REVIVE = """() => { window.revive = ({weights, ...payload}) => {
  const raw = Uint8Array.from(atob(weights), letter => letter.charCodeAt(0));
  const message = new Uint8Array(raw.length + 8);
  message.set(raw, 3);
  return {...payload, network: {...payload.network, weights: new DataView(message.buffer, 3, raw.length)}};
}; }"""
DECODE = """([payload, codes, labels]) => {
  const { decode } = vx.readDecoder(revive(payload));
  return codes.map((z, i) => [...decode(z, labels[i])]);
}"""
ENCODE = """([payload, images, labels]) => {
  const { encode } = vx.readEncoder(revive(payload));
  return images.map((image, i) => Object.values(encode(image, labels[i])));
}"""
READ = """payload => {
  if (payload?.network?.weights) payload.network.weights = Uint8Array.from(payload.network.weights);
  try { vx.readDecoder(payload); return "fine"; }
  catch (error) { return error.constructor.name + ": " + error.message; }
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        page = browser.open_module(assets.javascript("network.js"))
        page.evaluate(REVIVE)
        yield page


def packed(payload: dict) -> dict:
    """As JSON: the bytes of the weights beside the rest, in base64."""
    network = dict(payload["network"])
    return payload | {"weights": base64.b64encode(network.pop("weights")).decode(), "network": network}


def labels_for(model, n: int) -> torch.Tensor | None:
    return torch.randint(model.n_classes, (n,)) if model.n_classes else None


def decoded(page, model, z, y=None, precision="float32"):
    payload = packed(decoder_payload(model, precision=precision))
    labels = [None] * len(z) if y is None else y.tolist()
    return torch.tensor(page.evaluate(DECODE, [payload, z.tolist(), labels])).view(-1, *payload["image_shape"])


def shuffled(model):
    """Weights and running statistics as after some training: none at its start value."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.2, 4)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return model


def assert_decodes_alike(page, model):
    z, y = torch.randn(4, model.z_dim), labels_for(model, 4)
    expected = model.decode(z) if y is None else model.decode(z, y)
    torch.testing.assert_close(decoded(page, model, z, y), expected.clamp(0, 1), **ALIKE)


def assert_encodes_alike(page, model):
    payload = packed(encoder_payload(model, precision="float32"))
    x, y = torch.rand(3, *payload["image_shape"]), labels_for(model, 3)
    labels = [None] * 3 if y is None else y.tolist()
    mu, logvar = torch.tensor(page.evaluate(ENCODE, [payload, x.flatten(1).tolist(), labels])).unbind(1)
    q = model.encode(x) if y is None else model.encode(x, y)
    torch.testing.assert_close(mu, q.mu, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logvar, q.logvar, atol=1e-5, rtol=1e-5)


def model_of(networks, n_classes=0, likelihood=LIKELIHOODS[0]):
    model = ConditionalVAE(*networks, n_classes, likelihood) if n_classes else VAE(*networks, likelihood)
    return shuffled(model)


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=repr)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_and_likelihood(page, activation, likelihood):
    dense = mlp((1, 9, 7), (40, 30), z_dim=6, activation=activation, batch_norm=True, dropout=0.3)
    assert_decodes_alike(page, model_of(dense, likelihood=likelihood))
    assert_decodes_alike(page, model_of(conv((1, 9, 7), (5, 6), z_dim=6, activation=activation), likelihood=likelihood))


@settings(max_examples=40)
@given(
    shape=st.tuples(st.sampled_from([1, 3]), st.integers(1, 12), st.integers(1, 12)),
    hidden=st.lists(st.integers(1, 60), max_size=3),
    z_dim=st.integers(1, 20),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    batch_norm=st.booleans(),
    n_classes=st.sampled_from([0, 0, 1, 3, 10]),
)
def test_mlps_of_any_size(page, shape, hidden, z_dim, activation, batch_norm, n_classes):
    networks = mlp(shape, hidden, z_dim, activation=activation, batch_norm=batch_norm, n_classes=n_classes)
    model = model_of(networks, n_classes)
    assert_decodes_alike(page, model)
    assert_encodes_alike(page, model)


@settings(max_examples=40)
@given(
    shape=st.tuples(st.sampled_from([1, 3]), st.integers(1, 20), st.integers(1, 20)),
    channels=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    z_dim=st.integers(1, 12),
    batch_norm=st.booleans(),
    n_classes=st.sampled_from([0, 0, 2, 10]),
)
def test_convolutional_models_of_any_size(page, shape, channels, z_dim, batch_norm, n_classes):
    model = model_of(conv(shape, channels, z_dim, batch_norm=batch_norm, n_classes=n_classes), n_classes)
    assert_decodes_alike(page, model)
    assert_encodes_alike(page, model)


@settings(max_examples=40)
@given(
    convolution=st.sampled_from([nn.Conv2d, nn.ConvTranspose2d]),
    channels=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    size=st.tuples(st.integers(4, 9), st.integers(4, 9)),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    data=st.data(),
)
def test_convolutions_of_any_kernel_stride_and_padding(page, convolution, channels, size, kernel, stride, data):
    padding = data.draw(st.integers(0, kernel // 2))
    more = {}
    if convolution is nn.ConvTranspose2d:
        more = {"output_padding": data.draw(st.tuples(*[st.integers(0, stride - 1)] * 2))}
    layer = convolution(*channels, kernel, stride=stride, padding=padding, **more)
    _, height, width = layer(torch.zeros(channels[0], *size)).shape
    pixels = channels[1] * height * width
    body = nn.Sequential(
        nn.Linear(3, channels[0] * size[0] * size[1]),
        nn.Unflatten(1, (channels[0], *size)),
        layer,
        nn.Flatten(),
        nn.Linear(pixels, 4),
    )
    encoder, _ = mlp((1, 2, 2), (4,), z_dim=3)
    assert_decodes_alike(page, VAE(encoder, Decoder(body, (1, 2, 2), 3)))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 64, 64)])
def test_models_of_the_lessons_sizes(page, shape):
    assert_decodes_alike(page, model_of(mlp(shape, z_dim=32)))
    assert_decodes_alike(page, model_of(conv(shape, (32, 64), z_dim=16)))


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=repr)
def test_logits_far_out_and_close_to_zero(page, likelihood):
    model = VAE(*mlp((1, 1, 1), (), z_dim=1), likelihood)
    with torch.no_grad():
        model.decoder.body[0].weight.fill_(1)
        model.decoder.body[0].bias.fill_(0)
    z = torch.tensor([0, 1e-4, -0.0499, 0.0499, 0.0501, -0.0501, 1, -2, 40, -40, 1e4, -1e4])[:, None]
    expected = likelihood.mean(z.double()).clamp(0, 1).float().view(-1, 1, 1, 1)
    torch.testing.assert_close(decoded(page, model, z), expected, atol=1e-6, rtol=0)


def test_log_variances_are_clamped_as_in_torch(page):
    model = VAE(*mlp((1, 2, 2), (), z_dim=2))
    with torch.no_grad():
        model.encoder.body[1].bias.copy_(torch.tensor([0.0, 1, 40, -40]))
    assert_encodes_alike(page, model)


@pytest.mark.parametrize("n_classes", [0, 3])
@pytest.mark.parametrize("build", [mlp, conv])
def test_deterministic_encoders(page, build, n_classes):
    networks = build((1, 5, 4), (6,), z_dim=3, n_classes=n_classes, deterministic=True)
    assert_encodes_alike(page, model_of(networks, n_classes))


@pytest.mark.parametrize(("deterministic", "fitting"), [(True, 3), (False, 6)])
def test_an_encoder_with_another_number_of_heads_is_refused(page, deterministic, fitting):
    payload = packed(encoder_payload(VAE(*mlp((1, 2, 2), (), z_dim=3, deterministic=deterministic))))
    assert len(page.evaluate(ENCODE, [payload, [[0, 0, 0, 0]], [None]])) == 1
    with pytest.raises(Exception, match=f"the last layer gives {fitting} numbers for 3 latents"):
        page.evaluate(ENCODE, [payload | {"deterministic": not deterministic}, [[0, 0, 0, 0]], [None]])


def test_half_precision_is_read_bit_for_bit(page):
    model = VAE(*mlp((1, 8, 8), (30,), z_dim=4))
    with torch.no_grad():
        special = torch.tensor([0.0, -0.0, 6e-8, -6e-8, 6.1e-5, 65504, -65504, 1 / 3])
        model.decoder.body[0].weight.view(-1)[:8] = special
        model.decoder.body[0].weight.view(-1)[5:7] /= 65504  # two that a sigmoid survives
    images = decoded(page, model, z := torch.randn(4, 4), precision="float16")
    rounded = VAE(*mlp((1, 8, 8), (30,), z_dim=4))
    rounded.load_state_dict({name: value.half().float() for name, value in model.state_dict().items()})
    torch.testing.assert_close(images, rounded.decode(z), **ALIKE)


def test_labels_outside_the_classes_are_refused(page):
    payload = packed(decoder_payload(model_of(mlp((1, 2, 2), (4,), z_dim=3, n_classes=3), 3)))
    for label in (None, 3, -1, 0.5, "1"):
        with pytest.raises(Exception, match="the label must be one of 3 classes"):
            page.evaluate(DECODE, [payload, [[0, 0, 0]], [label]])


LINEAR = {"kind": "linear", "in": 2, "out": 4}
CONV = {"kind": "conv", "in": 1, "out": 1, "kernel": 1, "stride": 1, "padding": 0}
UP = {**CONV, "kind": "conv_transpose", "kernel": 2, "stride": 2}
SQUARE = {"kind": "unflatten", "shape": [1, 2, 2]}


def valid() -> dict:
    network = {
        "format": 2,
        "layers": [LINEAR, {"kind": "relu"}],
        "precision": "float32",
        "weights": list(bytes(12 * 4)),
    }
    return {"z_dim": 2, "n_classes": 0, "image_shape": [1, 2, 2], "mean": "sigmoid", "network": network}


BROKEN = [
    (None, "there is no decoder in it"),
    ({"network": None}, "there is no network in it"),
    ({"z_dim": 0}, "the number of latents must be"),
    ({"z_dim": "2"}, "the number of latents must be"),
    ({"z_dim": 1e9}, "the number of latents must be"),
    ({"n_classes": -1}, "the number of classes must be"),
    ({"n_classes": 1}, "layer 0: it takes 2 numbers, but 3 arrive"),
    ({"z_dim": 3}, "layer 0: it takes 2 numbers, but 3 arrive"),
    ({"image_shape": [1, 2, 3]}, "the last layer gives 4 numbers for an image of 6 pixels"),
    ({"image_shape": [2, 2, 1]}, "1 or 3 channels"),
    ({"image_shape": [1, 2, -2]}, "the image shape"),
    ({"image_shape": [1, 1e5, 1e5]}, "the image shape"),
    ({"mean": "__proto__"}, 'the output "__proto__" is not known'),
    ({"kernel": "0"}, "a decoder in the kernel has a number, not 0"),
]
BROKEN_NETWORKS = [
    ({"format": 1}, "its format is 1"),
    ({"layers": {}}, "there is no list of layers"),
    ({"layers": []}, "the layers need 0 weights, but 12 came"),
    ({"layers": [None]}, 'layer 0: it is of the unknown kind "undefined"'),
    ({"layers": [{"kind": "constructor"}]}, 'layer 0: it is of the unknown kind "constructor"'),
    ({"layers": [{"kind": "alert(1)"}]}, 'layer 0: it is of the unknown kind "alert(1)"'),
    ({"layers": [LINEAR | {"out": 1e9}]}, "the layers need more weights than the 12 that came"),
    ({"layers": [LINEAR | {"out": 0.5}]}, "layer 0: its sizes are not whole numbers"),
    ({"layers": [LINEAR, {"kind": "leaky_relu"}]}, "layer 1: leaky_relu needs a number as its slope"),
    ({"layers": [LINEAR, {"kind": "elu", "alpha": "1; alert(1)"}]}, "layer 1: elu needs a number as its alpha"),
    ({"layers": [LINEAR, CONV]}, "layer 1: it takes 1 channels, but 4 numbers arrive"),
    ({"layers": [LINEAR, {"kind": "unflatten", "shape": [1, 3, 2]}]}, "layer 1: it cannot make 1 x 3 x 2 of 4 numbers"),
    ({"layers": [LINEAR, {"kind": "unflatten", "shape": "4"}]}, "layer 1: its shape must be channels"),
    ({"layers": [LINEAR, SQUARE, CONV | {"stride": 0}]}, "layer 2: its sizes are not whole numbers"),
    ({"layers": [LINEAR, SQUARE, CONV | {"padding": -1}]}, "layer 2: its padding is no whole number"),
    ({"layers": [LINEAR, SQUARE, CONV | {"kernel": 3}]}, "layer 2: it gives an image of 0 x 0 pixels"),
    ({"layers": [LINEAR, SQUARE, CONV | {"padding": 1e6}]}, "layer 2: it gives an image of 2000002 x 2000002 pixels"),
    ({"layers": [LINEAR, SQUARE, CONV | {"stride": 65}]}, "layer 2: its kernel or its step is larger than 64"),
    ({"layers": [LINEAR, SQUARE, UP | {"output_padding": 2}]}, "layer 2: its output padding is not below its step"),
    ({"layers": [LINEAR] + [{"kind": "relu"}] * 200}, "there is no list of layers"),
    ({"precision": "float64"}, '"float64" weights are not known'),
    ({"precision": "float16"}, "the layers need 12 weights, but 24 came"),
    ({"weights": None}, "its weights are missing"),
    ({"weights": [0] * 47}, "its weights are cut off"),
    ({"weights": [0] * 44}, "the layers need more weights than the 11 that came"),
    ({"weights": [0, 0, 192, 127] * 12}, "not finite"),
]


@pytest.mark.parametrize(("change", "sentence"), BROKEN, ids=itertools.count())
def test_a_broken_payload_is_answered_with_a_sentence(page, change, sentence):
    answer = page.evaluate(READ, None if change is None else valid() | change)
    assert answer.startswith("Error: ")
    assert sentence in answer


@pytest.mark.parametrize(("change", "sentence"), BROKEN_NETWORKS, ids=itertools.count())
def test_a_broken_network_is_answered_with_a_sentence(page, change, sentence):
    payload = valid()
    payload["network"] |= change
    answer = page.evaluate(READ, payload)
    assert answer.startswith("Error: ")
    assert sentence in answer


def test_the_payload_that_the_broken_ones_started_from_is_fine(page):
    assert page.evaluate(READ, valid()) == "fine"
