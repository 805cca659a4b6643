"""Decoders as data for the browser: what is written, and what is refused."""

import json

import pytest
import torch
from torch import nn

from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian
from vae_tutorial.networks import Decoder, mlp
from vae_tutorial.vae import VAE
from vae_tutorial.widgets.payload import payload


def vae(*layers: nn.Module, shape=(1, 2, 2), z_dim=3, likelihood=None) -> VAE:
    encoder, _ = mlp(shape, (4,), z_dim)
    return VAE(encoder, Decoder(nn.Sequential(*layers), shape, z_dim), likelihood or Bernoulli())


def numbers(packed: dict, code: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.frombuffer(bytearray(packed["weights"]), dtype=code)


def test_the_table_of_layers_and_the_order_of_the_weights():
    model = VAE(*mlp((1, 2, 3), (5, 4), z_dim=2, activation="leaky_relu", dropout=0.5))
    packed = payload(model)
    first, second, last = (layer for layer in model.decoder.body if isinstance(layer, nn.Linear))
    assert packed["layers"] == [
        {"kind": "linear", "in": 2, "out": 4},
        {"kind": "leaky_relu", "slope": 0.01},
        {"kind": "linear", "in": 4, "out": 5},
        {"kind": "leaky_relu", "slope": 0.01},
        {"kind": "linear", "in": 5, "out": 6},
    ]
    assert (packed["z_dim"], packed["image_shape"], packed["output"]) == (2, [1, 2, 3], "sigmoid")
    tensors = [t.flatten() for layer in (first, second, last) for t in (layer.weight, layer.bias)]
    assert torch.equal(numbers(packed), torch.cat(tensors))


def test_everything_but_the_weights_is_plain_json():
    packed = payload(VAE(*mlp((3, 2, 2), (4,), z_dim=2, activation="elu")))
    assert json.loads(json.dumps({**packed, "weights": ""}))["layers"][1] == {"kind": "elu", "alpha": 1.0}


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_a_folded_batch_norm_computes_what_torch_computes(affine, bias):
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(4, affine=affine)
    nn.init.normal_(norm.running_mean)
    nn.init.uniform_(norm.running_var, 0.1, 3)
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    model = vae(nn.Linear(3, 4, bias=bias), norm).eval()
    packed = numbers(payload(model))
    z = torch.randn(7, 3)
    torch.testing.assert_close(z @ packed[:12].view(4, 3).T + packed[12:], model.decoder.body(z), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("likelihood", "output"),
    [
        (Bernoulli(), "sigmoid"),
        (ContinuousBernoulli(), "continuous_bernoulli"),
        (Gaussian(), "sigmoid"),
        (Gaussian("calibrated", link="identity"), "identity"),
        (Gaussian(link="tanh"), "tanh"),
    ],
    ids=repr,
)
def test_the_output_is_the_mean_of_the_likelihood(likelihood, output):
    assert payload(vae(nn.Linear(3, 4), likelihood=likelihood))["output"] == output


class Odd(nn.ReLU):
    def forward(self, x):
        return super().forward(x) + 1


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([nn.Linear(3, 4), nn.GELU()], r"decoder.body\[1\], GELU.*known are Linear"),
        ([nn.Linear(3, 4), Odd()], r"decoder.body\[1\], Odd"),
        ([nn.Sequential(nn.Linear(3, 4), nn.Softmax(1))], r"decoder.body\[0\]\[1\], Softmax"),
        ([nn.BatchNorm1d(3), nn.Linear(3, 4)], r"decoder.body\[0\], BatchNorm1d.*must follow a Linear"),
        ([nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4)], r"decoder.body\[2\], BatchNorm1d"),
        ([nn.Linear(3, 4), nn.BatchNorm1d(4, track_running_stats=False)], "track running statistics"),
    ],
)
def test_layers_that_the_browser_does_not_know_are_named(layers, words):
    with pytest.raises(TypeError, match=words):
        payload(vae(*layers))


def test_other_decoders_and_likelihoods_are_named():
    encoder, decoder = mlp((1, 2, 2), (4,), z_dim=3)
    with pytest.raises(TypeError, match=r"must be a vae_tutorial.networks.Decoder, got Sequential"):
        payload(VAE(encoder, nn.Sequential(decoder)))
    with pytest.raises(TypeError, match=r"likelihoods, got Mine"):
        payload(VAE(encoder, decoder, Mine()))
    with pytest.raises(ValueError, match=r"1 or 3 channels to be shown, got 2"):
        payload(VAE(*mlp((2, 4, 4), (4,), z_dim=3)))


class Mine:
    def nll(self, logits, x): ...
    def mean(self, logits): ...
    def __repr__(self):
        return "Mine"


def test_weights_that_cannot_travel_are_refused():
    model = vae(nn.Linear(3, 4))
    with pytest.raises(ValueError, match=r"precision must be \"float32\" or \"float16\", got 'int8'"):
        payload(model, precision="int8")
    with torch.no_grad():
        model.decoder.body[0].weight[1, 2] = -70_000
    assert len(payload(model)["weights"]) == 16 * 4
    with pytest.raises(ValueError, match=r"float16 ends at 65504, the largest weight of the decoder is 70000"):
        payload(model, precision="float16")
    with torch.no_grad():
        model.decoder.body[0].weight[1, 2] = torch.nan
    with pytest.raises(ValueError, match=r"not finite"):
        payload(model)


def test_float16_halves_the_bytes():
    model = vae(nn.Linear(3, 4))
    short = payload(model, precision="float16")
    assert 2 * len(short["weights"]) == len(payload(model)["weights"])
    assert torch.equal(numbers(short, torch.float16)[:12].view(4, 3), model.decoder.body[0].weight.detach().half())


def test_the_model_is_left_in_the_mode_it_was_found_in():
    model = VAE(*mlp((1, 2, 2), (4,), z_dim=3, batch_norm=True, dropout=0.5))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    payload(model)
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
