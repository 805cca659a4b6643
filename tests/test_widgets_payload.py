"""Decoders as data for the browser: what is written, and what is refused."""

import json
import re

import pytest
import torch
from torch import nn

from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian
from vae_tutorial.networks import Decoder, Encoder, conv, mlp
from vae_tutorial.vae import VAE, ConditionalVAE
from vae_tutorial.widgets.draw import DrawDigit
from vae_tutorial.widgets.payload import decoder_payload, encoder_payload


def vae(*layers: nn.Module, shape=(1, 2, 2), z_dim=3, likelihood=None) -> VAE:
    encoder, _ = mlp(shape, (4,), z_dim)
    return VAE(encoder, Decoder(nn.Sequential(*layers), shape, z_dim), likelihood or Bernoulli())


def numbers(payload: dict, code: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.frombuffer(bytearray(payload["network"]["weights"]), dtype=code)


def test_the_table_of_layers_and_the_order_of_the_weights():
    model = VAE(*mlp((1, 2, 3), (5, 4), z_dim=2, activation="leaky_relu", dropout=0.5))
    payload = decoder_payload(model, precision="float32")
    first, second, last = (layer for layer in model.decoder.body if isinstance(layer, nn.Linear))
    assert payload["network"]["layers"] == [
        {"kind": "linear", "in": 2, "out": 4},
        {"kind": "leaky_relu", "slope": 0.01},
        {"kind": "linear", "in": 4, "out": 5},
        {"kind": "leaky_relu", "slope": 0.01},
        {"kind": "linear", "in": 5, "out": 6},
    ]
    assert (payload["z_dim"], payload["n_classes"], payload["image_shape"]) == (2, 0, [1, 2, 3])
    assert payload["mean"] == "sigmoid"
    tensors = [t.flatten() for layer in (first, second, last) for t in (layer.weight, layer.bias)]
    assert torch.equal(numbers(payload), torch.cat(tensors))


def test_latent_dropout_leaves_no_trace_in_the_payload():
    encoder, decoder = mlp((1, 2, 3), (5, 4), z_dim=2, latent_dropout=0.5)
    whole = Decoder(decoder.body, (1, 2, 3), 2)
    assert decoder_payload(VAE(encoder, decoder)) == decoder_payload(VAE(encoder, whole))


def test_convolutions_lie_with_the_input_channels_innermost():
    encoder, decoder = conv((1, 3, 2), (4,), z_dim=2, activation="relu", batch_norm=False)
    kinds = [layer["kind"] for layer in decoder_payload(VAE(encoder, decoder))["network"]["layers"]]
    assert kinds == ["linear", "unflatten", "conv_transpose", "relu", "conv"]
    weights = numbers(decoder_payload(VAE(encoder, decoder), precision="float32"))
    transposed = decoder.body[2]
    start = 2 * 8 + 8
    expected = transposed.weight.detach().permute(1, 2, 3, 0).flatten()
    assert torch.equal(weights[start : start + expected.numel()], expected)


def test_everything_but_the_weights_is_plain_json():
    payload = decoder_payload(ConditionalVAE(*mlp((3, 2, 2), (4,), z_dim=2, activation="elu", n_classes=3), 3))
    payload["network"]["weights"] = ""
    again = json.loads(json.dumps(payload))
    assert again["network"]["layers"][1] == {"kind": "elu", "alpha": 1.0}
    assert again["n_classes"] == 3


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_a_folded_batch_norm_computes_what_torch_computes(affine, bias):
    norm = nn.BatchNorm1d(4, affine=affine)
    nn.init.normal_(norm.running_mean)
    nn.init.uniform_(norm.running_var, 0.1, 3)
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    model = vae(nn.Linear(3, 4, bias=bias), norm).eval()
    packed = numbers(decoder_payload(model, precision="float32"))
    z = torch.randn(7, 3)
    torch.testing.assert_close(z @ packed[:12].view(4, 3).T + packed[12:], model.decoder.body(z), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("likelihood", "mean"),
    [
        (Bernoulli(), "sigmoid"),
        (ContinuousBernoulli(), "continuous_bernoulli"),
        (Gaussian(), "sigmoid"),
        (Gaussian("calibrated", link="identity"), "identity"),
        (Gaussian(link="tanh"), "tanh"),
    ],
    ids=repr,
)
def test_the_output_is_the_mean_of_the_likelihood(likelihood, mean):
    assert decoder_payload(vae(nn.Linear(3, 4), likelihood=likelihood))["mean"] == mean


class Odd(nn.ReLU):
    def forward(self, x):
        return super().forward(x) + 1


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([nn.Linear(3, 4), nn.GELU()], r"body\[1\], GELU"),
        ([nn.Linear(3, 4), Odd()], r"body\[1\], Odd"),
        ([nn.Sequential(nn.Linear(3, 4), nn.Softmax(1))], r"body\[0\]\[1\], Softmax"),
        ([nn.BatchNorm1d(3), nn.Linear(3, 4)], r"body\[0\], BatchNorm1d.*does not follow"),
        ([nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4)], r"body\[2\], BatchNorm1d"),
        ([nn.Linear(3, 4), nn.BatchNorm1d(4, track_running_stats=False)], "tracks no statistics"),
        ([nn.Linear(3, 4), nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 1, (1, 3), padding=(0, 1))], r"body\[2\], Conv2d"),
        ([nn.Linear(3, 4), nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 1, 3, padding="same")], r"body\[2\], Conv2d"),
        ([nn.Linear(3, 8), nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 2, 1, groups=2), nn.Conv2d(2, 1, 1)], "groups=2"),
    ],
)
def test_decoders_that_the_browser_cannot_run_are_left_to_the_kernel(layers, words):
    payload = decoder_payload(vae(*layers).eval(), number=2)
    assert payload["kernel"] == 2
    assert "network" not in payload
    assert re.search(words, payload["why"])
    assert payload["image_shape"] == [1, 2, 2]


def test_foreign_decoders_and_likelihoods_are_left_to_the_kernel():
    encoder, decoder = mlp((1, 2, 2), (4,), z_dim=3)
    foreign = nn.Sequential(decoder)
    foreign.z_dim = 3
    assert decoder_payload(VAE(encoder, foreign))["why"] == "the decoder is a Sequential"
    assert decoder_payload(VAE(encoder, decoder, Mine()))["why"] == "the likelihood is Mine"


def test_encoders_that_the_browser_cannot_run_are_named():
    body = nn.Sequential(nn.Flatten(), nn.Linear(4, 6), nn.Softmax(1))
    _, decoder = mlp((1, 2, 2), (4,), z_dim=3)
    with pytest.raises(TypeError, match=r"cannot be run in the browser: body\[2\], Softmax"):
        encoder_payload(VAE(Encoder(body, (1, 2, 2), 3), decoder))
    with pytest.raises(TypeError, match=r"must be a vae_tutorial.networks.Encoder, got Sequential"):
        encoder_payload(VAE(body, decoder))


@pytest.mark.parametrize(("deterministic", "out"), [(True, 3), (False, 6)])
def test_an_encoder_says_whether_it_is_deterministic(deterministic, out):
    model = VAE(*mlp((1, 8, 8), (4,), z_dim=3, deterministic=deterministic))
    payload = encoder_payload(model)
    assert payload["deterministic"] is deterministic
    assert payload["network"]["layers"][-1] == {"kind": "linear", "in": 4, "out": out}
    assert DrawDigit(model).scene["encoder"] == payload


def test_images_that_no_screen_shows_are_named():
    with pytest.raises(ValueError, match=r"1 or 3 channels to be shown, got 2"):
        decoder_payload(VAE(*mlp((2, 4, 4), (4,), z_dim=3)))


class Mine:
    def nll(self, logits, x): ...
    def mean(self, logits):
        return logits.sigmoid()

    def __repr__(self):
        return "Mine"


def test_weights_that_cannot_travel_are_refused():
    model = vae(nn.Linear(3, 4))
    with pytest.raises(ValueError, match=r"precision must be \"float16\" or \"float32\", got 'int8'"):
        decoder_payload(model, precision="int8")
    with torch.no_grad():
        model.decoder.body[0].weight[1, 2] = -70_000
    assert len(decoder_payload(model, precision="float32")["network"]["weights"]) == 16 * 4
    with pytest.raises(ValueError, match=r"float16 ends at 65504, the largest weight of the model is 70000"):
        decoder_payload(model, precision="float16")
    with torch.no_grad():
        model.decoder.body[0].weight[1, 2] = torch.nan
    with pytest.raises(ValueError, match=r"not finite"):
        decoder_payload(model)


def test_float16_halves_the_bytes_and_is_what_travels():
    model = vae(nn.Linear(3, 4))
    short, long = decoder_payload(model), decoder_payload(model, precision="float32")
    assert 2 * len(short["network"]["weights"]) == len(long["network"]["weights"])
    assert torch.equal(numbers(short, torch.float16)[:12].view(4, 3), model.decoder.body[0].weight.detach().half())


def test_the_model_is_left_in_the_mode_it_was_found_in():
    model = VAE(*mlp((1, 2, 2), (4,), z_dim=3, batch_norm=True, dropout=0.5))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    decoder_payload(model)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
