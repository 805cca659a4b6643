"""The shipped models: each as its card says, and made by its recipe."""

import json
import math
from dataclasses import asdict
from functools import partial

import pytest
import torch
from safetensors.torch import load_file

from vae_tutorial import data, zoo
from vae_tutorial.measures import active_units
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate
from vae_tutorial.vae import VAE

MEGABYTE = 1_000_000
TINY = zoo.Recipe(data="digits", z_dim=3, epochs=20, hidden=(32,), lr=3e-3, seed=4)


def as_json(value: object) -> object:
    """As it reads after a trip through a file: tuples are lists there."""
    return json.loads(json.dumps(value))


def test_every_recipe_has_weights_and_a_card_and_nothing_else_is_shipped():
    names = set(zoo.RECIPES)
    assert {path.stem for path in zoo.FOLDER.glob("*.safetensors")} == names
    assert {path.stem for path in zoo.FOLDER.glob("*.json")} == names


def test_the_weights_are_small_enough_for_a_clone():
    sizes = [path.stat().st_size for path in zoo.FOLDER.glob("*.safetensors")]
    assert max(sizes) < 3 * MEGABYTE
    assert sum(sizes) < 20 * MEGABYTE


@pytest.mark.parametrize("name", zoo.RECIPES)
def test_a_shipped_model_is_ready_to_look_at(name):
    model = zoo.load(name)
    assert isinstance(model, VAE)
    assert not any(module.training for module in model.modules())
    assert model.device.type == "cpu"
    assert model.dtype == torch.float32
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert model.z_dim == zoo.RECIPES[name].z_dim
    assert model.sample(2).shape == (2, 1, 28, 28)


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
    assert active_units(model, mnist.x) == numbers["active_units"]


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("ask", [zoo.load, zoo.card, zoo.recipe, zoo.make])
@pytest.mark.parametrize("name", ["", "vae", "vae-mnist.json", "../zoo/vae-mnist", None])
def test_an_unknown_name_is_refused_with_the_names_there_are(ask, name):
    with pytest.raises(ValueError, match=rf"^name must be one of {', '.join(zoo.RECIPES)}, got "):
        ask(name)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A tiny model made on digits: its folder and its card."""
    folder = tmp_path_factory.mktemp("zoo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(zoo.RECIPES, "tiny", TINY)
        patch.setattr(data, "load", partial(data.load, limit=600))
        return folder, zoo.make("tiny", folder)


@pytest.fixture
def tiny(made, monkeypatch):
    monkeypatch.setitem(zoo.RECIPES, "tiny", TINY)
    monkeypatch.setattr(zoo, "FOLDER", made[0])
    return made[1]


def test_making_writes_weights_of_16_bits_and_the_card_and_nothing_else(made):
    folder, card = made
    assert {path.name for path in folder.iterdir()} == {"tiny.json", "tiny.safetensors"}
    assert {value.dtype for value in load_file(folder / "tiny.safetensors").values()} == {torch.float16}
    assert json.loads((folder / "tiny.json").read_text()) == as_json(card)
    assert card["recipe"] == asdict(TINY)


def test_what_was_made_can_be_loaded_bit_for_bit(made, tiny):
    model = zoo.load("tiny")
    stored = load_file(made[0] / "tiny.safetensors")
    assert all(torch.equal(value, stored[key].float()) for key, value in model.state_dict().items())
    assert set(stored) == set(model.state_dict())
    assert zoo.card("tiny") == as_json(tiny)


def test_the_card_holds_what_the_loaded_model_does_on_the_test_set(tiny):
    model, test = zoo.load("tiny"), data.load("digits", "test", limit=600)
    terms = evaluate(model, Objective(KL()), test)
    q = model.encode(test.x)
    assert tiny["test"] == {
        "minus_elbo": pytest.approx(terms.loss.item(), abs=0.006),
        "reconstruction": pytest.approx(terms.reconstruction.item(), abs=0.006),
        "kl": pytest.approx(q.kl().mean().item(), abs=0.006),
        "active_units": int((q.mu.var(0, correction=0) > 0.01).sum()),
    }
    assert tiny["seconds"] > 0


def test_the_model_was_trained_not_only_built(tiny):
    knowing_nothing = 28 * 28 * math.log(2)  # every pixel a fair coin
    assert tiny["test"]["minus_elbo"] < 0.5 * knowing_nothing


def test_the_same_recipe_makes_the_same_model(made, tmp_path, monkeypatch):
    torch.manual_seed(99)
    monkeypatch.setitem(zoo.RECIPES, "tiny", TINY)
    monkeypatch.setattr(data, "load", partial(data.load, limit=600))
    again = zoo.make("tiny", tmp_path)
    first, second = (load_file(folder / "tiny.safetensors") for folder in (made[0], tmp_path))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert again["test"] == made[1]["test"]
