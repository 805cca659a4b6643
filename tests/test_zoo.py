"""The shipped models: each as its card says, and made by its recipe."""

import json
import math
from dataclasses import asdict
from functools import partial

import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.svm import SVC
from torch import nn

from vae_tutorial import data, zoo
from vae_tutorial.measures import active_units
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate
from vae_tutorial.vae import VAE, ConditionalVAE

MEGABYTE = 1_000_000
TINY = {
    "tiny": zoo.Recipe(data="digits", z_dim=3, epochs=20, hidden=(32,), lr=3e-3, seed=4),
    "tiny-told": zoo.Recipe(data="digits", z_dim=3, epochs=20, hidden=(32,), n_classes=10, lr=3e-3, seed=4),
    "tiny-conv": zoo.Recipe(data="digits", z_dim=3, epochs=10, hidden=(), channels=(4, 8), lr=1e-2, seed=4),
}


def label_of(model: VAE | ConditionalVAE, y: object) -> tuple:
    """Labels as the arguments that the model takes for them."""
    return (y,) if isinstance(model, ConditionalVAE) else ()


def as_json(value: object) -> object:
    """As it reads after a trip through a file: tuples are lists there."""
    return json.loads(json.dumps(value))


def test_every_recipe_has_weights_and_a_card_and_nothing_else_is_shipped():
    names = {*zoo.RECIPES, zoo.CLASSIFIER}
    assert {path.stem for path in zoo.FOLDER.glob("*.safetensors")} == names
    assert {path.stem for path in zoo.FOLDER.glob("*.json")} == names


def test_the_weights_are_small_enough_for_a_clone():
    sizes = [path.stat().st_size for path in zoo.FOLDER.glob("*.safetensors")]
    assert max(sizes) < 3 * MEGABYTE
    assert sum(sizes) < 20 * MEGABYTE


@pytest.mark.parametrize("name", zoo.RECIPES)
def test_a_shipped_model_is_ready_to_look_at(name):
    model, recipe = zoo.load(name), zoo.RECIPES[name]
    assert type(model) is (ConditionalVAE if recipe.n_classes else VAE)
    assert model.n_classes == recipe.n_classes
    assert any(isinstance(layer, nn.Conv2d) for layer in model.modules()) == bool(recipe.channels)
    assert not any(module.training for module in model.modules())
    assert model.device.type == "cpu"
    assert model.dtype == torch.float32
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert model.z_dim == recipe.z_dim
    assert model.sample(2, *label_of(model, 7)).shape == (2, 1, 28, 28)


@pytest.mark.parametrize("name", zoo.RECIPES)
def test_the_card_tells_how_the_model_was_made_by_the_recipe_that_stands_in_the_code(name):
    """Who changes a recipe trains the model again."""
    card = zoo.card(name)
    assert card["recipe"] == as_json(asdict(zoo.RECIPES[name]))
    assert card["name"] == name
    assert card["command"] == f"vae-tutorial train {name}"
    assert card["seconds"] > 0
    assert {"device", "torch", "test"} <= set(card)


@pytest.mark.parametrize("name", zoo.RECIPES)
def test_the_numbers_of_a_card_add_up(name):
    numbers = zoo.card(name)["test"]
    assert numbers["minus_elbo"] == pytest.approx(numbers["reconstruction"] + numbers["kl"], abs=0.02)
    assert 0 < numbers["active_units"] <= zoo.RECIPES[name].z_dim


@pytest.mark.mnist
@pytest.mark.parametrize("name", [name for name, recipe in zoo.RECIPES.items() if recipe.data == "mnist"])
def test_the_shipped_weights_do_on_the_test_set_what_the_card_says(name, mnist):
    """The mean over 10,000 images of one draw each is known to 0.05 nats; float sums differ by far less."""
    model, numbers = zoo.load(name), zoo.card(name)["test"]
    terms = evaluate(model, Objective(KL()), mnist)
    assert terms.loss.item() == pytest.approx(numbers["minus_elbo"], abs=0.3)
    assert terms.reconstruction.item() == pytest.approx(numbers["reconstruction"], abs=0.3)
    assert terms.kl.item() == pytest.approx(numbers["kl"], abs=0.02)  # no draw in it
    y = mnist.y if isinstance(model, ConditionalVAE) else None
    assert active_units(model, mnist.x, y=y) == numbers["active_units"]


@pytest.mark.mnist
def test_the_conditional_model_draws_the_digit_it_is_asked_for(mnist):
    classifier = SVC(C=10).fit(mnist.x[:3000].flatten(1).numpy() / 255, mnist.y[:3000].numpy())
    asked = torch.arange(10).repeat(50)
    samples = zoo.load("cvae-mnist").sample(500, asked)
    assert classifier.score(samples.flatten(1).numpy(), asked.numpy()) > 0.8  # 0.1 by chance


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("ask", [zoo.load, zoo.card, zoo.recipe, zoo.make])
@pytest.mark.parametrize("name", ["", "vae", "vae-mnist.json", "../zoo/vae-mnist", None, zoo.FOLDER / "vae-mnist"])
def test_an_unknown_name_is_refused_with_the_names_there_are(ask, name):
    there_are = [*zoo.RECIPES, zoo.CLASSIFIER] if ask == zoo.make else zoo.RECIPES
    with pytest.raises(ValueError, match=rf"^name must be one of {', '.join(there_are)}, got "):
        ask(name)


@pytest.mark.parametrize("ask", [zoo.load, zoo.card, zoo.recipe])
def test_the_classifier_is_none_of_the_generative_models(ask):
    with pytest.raises(ValueError, match=r"^name must be one of .*, got 'classifier-mnist'"):
        ask(zoo.CLASSIFIER)


@pytest.fixture(scope="module", params=TINY)
def made(request, tmp_path_factory):
    """A tiny model made on digits: its name, its folder and its card."""
    folder = tmp_path_factory.mktemp("zoo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(zoo.RECIPES, request.param, TINY[request.param])
        patch.setattr(data, "load", partial(data.load, limit=600))
        return request.param, folder, zoo.make(request.param, folder)


@pytest.fixture
def shipped(made, monkeypatch):
    """The tiny model as one of those that come with the package: its name and its card."""
    name, folder, card = made
    monkeypatch.setitem(zoo.RECIPES, name, TINY[name])
    monkeypatch.setattr(zoo, "FOLDER", folder)
    return name, card


def test_making_writes_weights_of_16_bits_and_the_card_and_nothing_else(made):
    name, folder, card = made
    assert {path.name for path in folder.iterdir()} == {f"{name}.json", f"{name}.safetensors"}
    stored = load_file(folder / f"{name}.safetensors")
    for key, value in stored.items():  # a counter is no number to round
        assert value.dtype == (torch.int64 if key.endswith("num_batches_tracked") else torch.float16)
    assert json.loads((folder / f"{name}.json").read_text()) == as_json(card)
    assert card["recipe"] == asdict(TINY[name])


def test_what_was_made_can_be_loaded_bit_for_bit(made, shipped):
    name, folder, card = made
    model, stored = zoo.load(name), load_file(folder / f"{name}.safetensors")
    assert set(stored) == set(model.state_dict())
    for key, value in model.state_dict().items():
        assert torch.equal(value, stored[key].to(value.dtype))
        assert value.dtype in (torch.float32, torch.int64)
        assert key.endswith("num_batches_tracked") == (value.dtype == torch.int64)
        assert value.dtype == torch.float32 or value == card["recipe"]["epochs"] * (600 // 128)
    assert zoo.card(name) == as_json(card)


def test_the_card_holds_what_the_loaded_model_does_on_the_test_set(shipped):
    name, card = shipped
    model, test = zoo.load(name), data.load("digits", "test", limit=600)
    terms = evaluate(model, Objective(KL()), test)
    q = model.encode(test.x, *label_of(model, test.y))
    assert card["test"] == {
        "minus_elbo": pytest.approx(terms.loss.item(), abs=0.006),
        "reconstruction": pytest.approx(terms.reconstruction.item(), abs=0.006),
        "kl": pytest.approx(q.kl().mean().item(), abs=0.006),
        "active_units": int((q.mu.var(0, correction=0) > 0.01).sum()),
    }
    assert card["seconds"] > 0


def test_the_model_was_trained_not_only_built(shipped):
    knowing_nothing = 28 * 28 * math.log(2)  # every pixel a fair coin
    assert shipped[1]["test"]["minus_elbo"] < 0.5 * knowing_nothing


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_model_can_be_loaded_from_the_file_it_was_written_to(made, kind):
    """Without being one of the recipes in the code: the card says how it is built."""
    name, folder, card = made
    model = zoo.load(kind(folder / f"{name}.safetensors"))
    assert name not in zoo.RECIPES
    assert type(model) is (ConditionalVAE if TINY[name].n_classes else VAE)
    assert not model.training
    stored = load_file(folder / f"{name}.safetensors")
    assert all(torch.equal(value, stored[key].to(value.dtype)) for key, value in model.state_dict().items())
    assert zoo.card(kind(folder / f"{name}.safetensors")) == as_json(card)


def test_loading_leaves_the_callers_random_state_alone(made):
    name, folder, _ = made
    state = torch.get_rng_state()
    zoo.load(folder / f"{name}.safetensors")
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.usefixtures("plain")
def test_a_file_that_is_not_there_torn_or_of_another_model_is_refused_as_name(made, tmp_path):
    name, folder, card = made
    path, beside = tmp_path / "mine.safetensors", tmp_path / "mine.json"
    with pytest.raises(ValueError, match=r"^name must have its card beside it, but .*mine\.json cannot be read"):
        zoo.load(path)
    for broken in ("", "not json", "[]"):
        beside.write_text(broken)
        with pytest.raises(ValueError, match=r"^name must have its card beside it, but .*mine\.json "):
            zoo.load(path)
    recipe = card["recipe"]
    weights = (folder / f"{name}.safetensors").read_bytes()
    wrong_cards = ({}, {"recipe": None}, {"recipe": recipe | {"surprise": 1}}, {"recipe": recipe | {"z_dim": 4}})
    for content in (weights, weights[:-1], b"", None):
        path.unlink() if content is None else path.write_bytes(content)
        for wrong in wrong_cards if content == weights else ({"recipe": recipe},):
            beside.write_text(json.dumps(wrong))
            with pytest.raises(
                ValueError, match=r"^name must be a file of weights that fits its card, got .*mine\.saf"
            ):
                zoo.load(path)


@pytest.mark.usefixtures("plain")
def test_weights_of_somebody_else_are_refused(made, tmp_path):
    save_file({"weight": torch.ones(3)}, tmp_path / "mine.safetensors")
    (tmp_path / "mine.json").write_text(json.dumps(as_json(made[2])))
    with pytest.raises(ValueError, match=r"^name must be a file of weights that fits its card"):
        zoo.load(tmp_path / "mine.safetensors")


def test_the_same_recipe_makes_the_same_model(made, tmp_path, monkeypatch):
    name, folder, card = made
    torch.manual_seed(99)
    monkeypatch.setitem(zoo.RECIPES, name, TINY[name])
    monkeypatch.setattr(data, "load", partial(data.load, limit=600))
    again = zoo.make(name, tmp_path)
    first, second = (load_file(place / f"{name}.safetensors") for place in (folder, tmp_path))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert again["test"] == card["test"]
