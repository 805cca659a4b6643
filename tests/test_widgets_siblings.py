"""The map, the dial and the comparison without a browser: what they measure, store and refuse."""

import io
import math
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from vae_tutorial.measures import active_units
from vae_tutorial.networks import Encoder, mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.training import evaluate
from vae_tutorial.vae import VAE, ConditionalVAE
from vae_tutorial.widgets import BetaDial, Compare, ManifoldPad
from vae_tutorial.widgets.still import MAX_BYTES

SHAPE = (1, 5, 4)
IMAGES = SimpleNamespace(
    x=torch.randint(256, (60, *SHAPE), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)),
    y=torch.arange(60) % 10,
)


def vae(z_dim: int = 2, shape: tuple[int, int, int] = SHAPE, n_classes: int = 0) -> VAE | ConditionalVAE:
    networks = mlp(shape, (8,), z_dim, n_classes=n_classes)
    return ConditionalVAE(*networks, n_classes) if n_classes else VAE(*networks)


def test_the_map_wants_two_latents():
    with pytest.raises(ValueError, match="model must have 2 latents to be laid out as a map, got 3"):
        ManifoldPad(vae(3))


def test_the_map_brings_the_codes_of_the_images_by_class():
    model = vae()
    scene = ManifoldPad(model, IMAGES).scene
    z = torch.frombuffer(bytearray(scene["codes"]["z"]), dtype=torch.float16).view(-1, 2)
    torch.testing.assert_close(z.float(), model.encode(IMAGES.x).mu, atol=2e-3, rtol=0)
    assert list(scene["codes"]["y"]) == IMAGES.y.tolist()
    assert ManifoldPad(model).scene["codes"] is None


def test_new_weights_of_the_map_are_measured_on_the_same_images():
    pad = ManifoldPad(vae(), IMAGES)
    before = pad.scene
    pad.set_model(vae())
    assert pad.scene["codes"]["y"] == before["codes"]["y"]
    assert pad.scene["codes"]["z"] != before["codes"]["z"]


def test_stops_stand_in_the_order_of_the_knob():
    models = {value: vae(3) for value in (16, 0.5, 2)}
    dial = BetaDial(models, IMAGES)
    assert [stop["value"] for stop in dial.scene["stops"]] == [0.5, 2.0, 16.0]
    assert dial._models == [models[0.5], models[2], models[16]]
    assert repr(dial) == "BetaDial(beta=[0.5, 2, 16], 5x4)"


def test_a_stop_tells_rate_and_active_units():
    model = vae(3)
    nn.init.normal_(model.encoder.body[-1].weight, std=2.0)
    stop = BetaDial({1: model, 2: vae(3)}, IMAGES).scene["stops"][0]
    q = model.encode(IMAGES.x)
    kl = kl_divergence(Normal(q.mu, q.logvar.div(2).exp()), Normal(0.0, 1.0)).mean(0)
    assert stop["kl"] == pytest.approx(kl.tolist(), rel=1e-4)
    assert stop["rate"] == pytest.approx(kl.sum().item(), rel=1e-4)
    assert stop["order"] == kl.argsort(descending=True).tolist()
    assert stop["active"] == active_units(model, IMAGES.x)


def test_distortion_is_that_of_one_sample_of_each_posterior():
    model = vae(3)
    nn.init.normal_(model.decoder.body[-1].weight)
    distortion = BetaDial({1: model, 2: vae(3)}, IMAGES).scene["stops"][0]["distortion"]
    passes = torch.stack([evaluate(model, Objective(), IMAGES.x, seed=seed).reconstruction for seed in range(30)])
    assert abs(distortion - passes.mean()) < 4 * passes.std()
    logits = model.decoder(model.encode(IMAGES.x).mu)
    at_the_means = -Bernoulli(logits=logits, validate_args=False).log_prob(IMAGES.x / 255).flatten(1).sum(1).mean()
    assert abs(at_the_means - passes.mean()) > 8 * passes.std()  # so that the test can tell the two apart


def test_distortion_is_exact_where_the_decoder_does_not_listen():
    model = vae(3)
    nn.init.zeros_(model.decoder.body[0].weight)
    logits = model.decoder(torch.zeros(1, 3)).detach()
    expected = -Bernoulli(logits=logits).log_prob((IMAGES.x / 255).round()).flatten(1).sum(1).mean()
    dial = BetaDial({1: model, 2: vae(3)}, (IMAGES.x / 255).round())
    assert dial.scene["stops"][0]["distortion"] == pytest.approx(expected.item(), rel=1e-5)


def test_the_same_models_make_the_same_scene():
    models = {1: vae(3), 4: vae(3)}
    torch.manual_seed(1)
    first = BetaDial(models, IMAGES).scene
    torch.manual_seed(2)
    assert BetaDial(models, IMAGES).scene == first


def test_the_dial_shows_one_image_of_each_class_and_the_codes_that_each_model_gives_it():
    models = {1: vae(3), 4: vae(2)}
    scene = BetaDial(models, IMAGES).scene
    assert list(scene["images"]["y"]) == list(range(10))
    x = torch.frombuffer(bytearray(scene["images"]["x"]), dtype=torch.uint8).view(-1, *SHAPE)
    for stop, model in zip(scene["stops"], models.values(), strict=True):
        torch.testing.assert_close(torch.tensor(stop["mu"]), model.encode(x).mu)
    assert torch.tensor(scene["eps"]).shape == (10, 3)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("models", "error", "said"),
    [
        ([vae(), vae()], TypeError, "models must be a mapping from number to model, got list"),
        ({1: vae()}, ValueError, "models must hold at least 2 models, got 1"),
        ({1: vae(), 2: "vae"}, TypeError, r"models\[2\] must be a vae_tutorial.vae.VAE or ConditionalVAE, got str"),
        ({1: vae(), "two": vae()}, TypeError, "the keys of models must be finite numbers, got 'two'"),
        ({1: vae(), math.nan: vae()}, TypeError, "the keys of models must be finite numbers, got nan"),
        (
            {1: vae(), 2: vae(shape=(1, 3, 3))},
            ValueError,
            r"models\[2\] gives images of 3x3, models\[1\] of 5x4",
        ),
        ({1: vae(n_classes=3), 2: vae(n_classes=4)}, ValueError, "must have one number of classes, got"),
    ],
)
def test_the_dial_names_the_model_that_it_cannot_show(models, error, said):
    with pytest.raises(error, match=said):
        BetaDial(models, IMAGES)


def test_weights_that_diverged_are_named_with_their_model():
    broken = vae()
    nn.init.constant_(broken.decoder.body[0].weight, math.inf)
    with pytest.raises(ValueError, match=r"models\[4\]: the model holds weights that are not finite"):
        BetaDial({1: vae(), 4: broken}, IMAGES)
    with pytest.raises(ValueError, match=r"models\['two'\]: the model holds weights that are not finite"):
        Compare({"one": vae(), "two": broken})
    overflows = vae()
    nn.init.constant_(overflows.decoder.body[0].bias, 6e4)
    nn.init.constant_(overflows.decoder.body[-1].weight, 3e38)
    with pytest.raises(ValueError, match=r"models\[4\]: the decoder gives numbers that are not finite"):
        BetaDial({1: vae(), 4: overflows}, IMAGES, precision="float32")


def test_the_dial_wants_images_of_the_models():
    with pytest.raises(ValueError, match=r"images must have shape \[n, 1, 5, 4\] for this model, got \[9, 1, 4, 5\]"):
        BetaDial({1: vae(), 2: vae()}, torch.rand(9, 1, 4, 5))
    with pytest.raises(ValueError, match="images must be at least 2"):
        BetaDial({1: vae(), 2: vae()}, IMAGES.x[:1])
    with pytest.raises(ValueError, match=r"models\[2\]: images must have labels y for a conditional model"):
        BetaDial({1: vae(), 2: vae(n_classes=10)}, IMAGES.x)


def test_a_comparison_tells_error_and_kl_of_every_image():
    models = {"two": vae(2), "three, with class": vae(3, n_classes=10)}
    scene = Compare(models, IMAGES).scene
    x = torch.frombuffer(bytearray(scene["images"]["x"]), dtype=torch.uint8).view(-1, *SHAPE)
    y = torch.tensor(list(scene["images"]["y"]))
    assert [side["name"] for side in scene["models"]] == list(models)
    for side, labels in zip(scene["models"], [(), (y,)], strict=True):
        model = models[side["name"]]
        q = model.encode(x, *labels)
        error = (model.decode(q.mu, *labels) - x / 255).square().sum((1, 2, 3))
        kl = kl_divergence(Normal(q.mu, q.logvar.div(2).exp()), Normal(0.0, 1.0)).sum(1)
        torch.testing.assert_close(torch.tensor(side["mu"]), q.mu)
        assert side["error"] == pytest.approx(error.tolist(), rel=1e-4)
        assert side["kl"] == pytest.approx(kl.tolist(), rel=1e-3)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("models", "error", "said"),
    [
        ({"one": vae()}, ValueError, "models must hold at least 2 models, got 1"),
        ({str(i): vae() for i in range(9)}, ValueError, "models must be at most 8 to stand side by side, got 9"),
        ({"one": vae(), 2: vae()}, TypeError, "the keys of models must be names, got 2"),
        ({"one": vae(), "": vae()}, TypeError, "the keys of models must be names, got ''"),
        ({"one": vae(), "two": None}, TypeError, r"models\['two'\] must be a vae_tutorial.vae.VAE"),
    ],
)
def test_a_comparison_names_what_it_cannot_show(models, error, said):
    with pytest.raises(error, match=said):
        Compare(models)


@pytest.mark.parametrize("options", [{"span": 0}, {"precision": "float8"}])
def test_spans_and_precisions_are_checked(options):
    for make in (lambda: ManifoldPad(vae(), **options), lambda: Compare({"a": vae(), "b": vae()}, **options)):
        with pytest.raises(ValueError, match=next(iter(options))):
            make()


def test_a_model_that_the_browser_cannot_decode_is_asked_for_by_its_number():
    odd = vae()
    odd.decoder.body.append(nn.Hardswish())
    for widget in (Compare({"one": vae(), "odd": odd}), BetaDial({1: vae(), 2: odd}, IMAGES)):
        sides = widget.scene.get("models") or widget.scene["stops"]
        assert [side["decoder"].get("kernel") for side in sides] == [None, 1]
        assert widget._models[1] is odd


def test_every_widget_has_a_small_still_and_a_stable_text(tmp_path):
    models = {"AE, plain": vae(3), "VAE": vae(2, n_classes=10)}
    for widget, said in (
        (ManifoldPad(vae(n_classes=3)), "ManifoldPad(5x4, n_classes=3)"),
        (Compare(models), "Compare(['AE, plain', 'VAE'], 5x4)"),
        (Compare(models, IMAGES), "Compare(['AE, plain', 'VAE'], 5x4)"),
        (BetaDial({1: vae(), 2.5: vae()}, IMAGES, name="weight"), "BetaDial(weight=[1, 2.5], 5x4)"),
    ):
        assert repr(widget) == said
        still = widget._still()
        assert len(still) < MAX_BYTES
        assert Image.open(io.BytesIO(still)).width > 100
        assert widget.save(tmp_path / "page.html").read_text(encoding="utf-8").count("<script") == 2


def test_a_model_may_have_an_encoder_of_its_own():
    head = nn.Linear(20, 4)
    model = VAE(Encoder(nn.Sequential(nn.Flatten(), head), SHAPE, 2), vae().decoder)
    assert len(Compare({"mine": model, "theirs": vae()}, IMAGES).scene["models"][0]["mu"]) == 20
