"""The decoder in JavaScript against the decoder in torch, in a real browser."""

import base64
import itertools

import pytest
import torch
from browser import chromium
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian
from vae_tutorial.networks import ACTIVATIONS, mlp
from vae_tutorial.vae import VAE
from vae_tutorial.widgets import assets
from vae_tutorial.widgets.payload import payload

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]

LIKELIHOODS = [Bernoulli(), ContinuousBernoulli(), Gaussian(), Gaussian(link="identity"), Gaussian(link="tanh")]

# Weights arrive in the middle of a larger message, at an address that no Float32Array would take.
DECODE = """([payload, weights, codes]) => {
  const raw = Uint8Array.from(atob(weights), letter => letter.charCodeAt(0));
  const message = new Uint8Array(raw.length + 8);
  message.set(raw, 3);
  const view = new DataView(message.buffer, 3, raw.length);
  const network = vx.readNetwork({...payload, weights: view});
  return codes.map(z => [...vx.decode(network, z)]);
}"""

READ = """payload => {
  if (payload?.weights) payload.weights = Uint8Array.from(payload.weights);
  try { vx.readNetwork(payload); return "fine"; }
  catch (error) { return error.constructor.name + ": " + error.message; }
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        yield browser.open_module(assets.javascript("decode.js"))


def in_the_browser(page, model, z, precision="float32"):
    packed = payload(model, precision=precision)
    weights = base64.b64encode(packed.pop("weights")).decode()
    images = torch.tensor(page.evaluate(DECODE, [packed, weights, z.tolist()]))
    return images.view(-1, *packed["image_shape"])


def shuffled(model: VAE) -> VAE:
    """Weights and running statistics as after some training: none at its start value."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.2, 4)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return model


def assert_alike(page, model):
    z = torch.randn(5, model.z_dim)
    expected = model.decode(z).clamp(0, 1)
    torch.testing.assert_close(in_the_browser(page, model, z), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=repr)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_browser_decodes_what_torch_decodes(page, activation, likelihood):
    networks = mlp((1, 9, 7), (40, 30), z_dim=6, activation=activation, batch_norm=True, dropout=0.3)
    assert_alike(page, shuffled(VAE(*networks, likelihood)))


@settings(max_examples=40)
@given(
    shape=st.tuples(st.sampled_from([1, 3]), st.integers(1, 12), st.integers(1, 12)),
    hidden=st.lists(st.integers(1, 60), max_size=3),
    z_dim=st.integers(1, 20),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    batch_norm=st.booleans(),
    likelihood=st.sampled_from(LIKELIHOODS),
)
def test_models_of_any_size(page, shape, hidden, z_dim, activation, batch_norm, likelihood):
    networks = mlp(shape, hidden, z_dim, activation=activation, batch_norm=batch_norm)
    assert_alike(page, shuffled(VAE(*networks, likelihood)))


def test_a_model_of_the_lessons_size(page):
    assert_alike(page, VAE(*mlp(z_dim=32)))


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=repr)
def test_logits_far_out_and_close_to_zero(page, likelihood):
    model = VAE(*mlp((1, 1, 1), (), z_dim=1), likelihood)
    with torch.no_grad():
        model.decoder.body[0].weight.fill_(1)
        model.decoder.body[0].bias.fill_(0)
    z = torch.tensor([0, 1e-4, -0.0499, 0.0499, 0.0501, -0.0501, 1, -2, 40, -40, 1e4, -1e4])[:, None]
    expected = likelihood.mean(z.double()).clamp(0, 1).float().view(-1, 1, 1, 1)
    torch.testing.assert_close(in_the_browser(page, model, z), expected, atol=1e-6, rtol=0)


def test_half_precision_is_read_bit_for_bit(page):
    model = VAE(*mlp((1, 8, 8), (30,), z_dim=4))
    with torch.no_grad():
        special = torch.tensor([0.0, -0.0, 6e-8, -6e-8, 6.1e-5, 65504, -65504, 1 / 3])
        model.decoder.body[0].weight.view(-1)[:8] = special
        model.decoder.body[0].weight.view(-1)[5:7] /= 65504  # two that a sigmoid survives
    images = in_the_browser(page, model, z := torch.randn(4, 4), precision="float16")
    rounded = VAE(*mlp((1, 8, 8), (30,), z_dim=4))
    rounded.load_state_dict({name: value.half().float() for name, value in model.state_dict().items()})
    torch.testing.assert_close(images, rounded.decode(z), atol=1e-5, rtol=0)


def valid() -> dict:
    linear = {"kind": "linear", "in": 2, "out": 4}
    weights = list(bytes(12 * 4))
    return {
        "format": 1, "z_dim": 2, "image_shape": [1, 2, 2], "layers": [linear, {"kind": "relu"}], "output": "sigmoid",
        "precision": "float32", "weights": weights,
    }  # fmt: skip


BROKEN = [
    (None, "there is no decoder in it"),
    ({"format": 2}, "its format is 2"),
    ({"z_dim": 0}, "the number of latents must be"),
    ({"z_dim": "2"}, "the number of latents must be"),
    ({"z_dim": 3}, "layer 0 takes 2 numbers, but 3 arrive"),
    ({"image_shape": [1, 2, 3]}, "the last layer gives 4 numbers for an image of 6 pixels"),
    ({"image_shape": [2, 2, 1]}, "1 or 3 channels"),
    ({"image_shape": [1, 2, -2]}, "the image shape"),
    ({"layers": {}}, "there is no list of layers"),
    ({"layers": []}, "the layers need 0 weights, but 12 came"),
    ({"layers": [None]}, 'layer 0 is of the unknown kind "undefined"'),
    ({"layers": [{"kind": "constructor"}]}, 'layer 0 is of the unknown kind "constructor"'),
    ({"layers": [{"kind": "alert(1)"}]}, 'layer 0 is of the unknown kind "alert(1)"'),
    ({"layers": [{"kind": "linear", "in": 2, "out": 1e9}]}, "the layers need 3000000000 weights"),
    ({"layers": [{"kind": "linear", "in": 2, "out": 0.5}]}, "the sizes of layer 0"),
    ({"layers": [{"kind": "leaky_relu"}]}, "leaky_relu, needs a number as its slope"),
    ({"layers": [{"kind": "elu", "alpha": "1; alert(1)"}]}, "elu, needs a number as its alpha"),
    ({"output": "__proto__"}, 'the output "__proto__" is not known'),
    ({"precision": "float64"}, '"float64" weights are not known'),
    ({"precision": "float16"}, "the layers need 12 weights, but 24 came"),
    ({"weights": None}, "its weights are missing"),
    ({"weights": [0] * 47}, "its weights are cut off"),
    ({"weights": [0] * 44}, "the layers need 12 weights, but 11 came"),
    ({"weights": [0, 0, 192, 127] * 12}, "not finite"),
]


@pytest.mark.parametrize(("change", "sentence"), BROKEN, ids=itertools.count())
def test_a_broken_payload_is_answered_with_a_sentence(page, change, sentence):
    answer = page.evaluate(READ, None if change is None else valid() | change)
    assert answer.startswith("Error: ")
    assert sentence in answer


def test_the_payload_that_the_broken_ones_started_from_is_fine(page):
    assert page.evaluate(READ, valid()) == "fine"
