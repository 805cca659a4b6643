"""The shipped models: each as its card says, and made by its recipe."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.svm import SVC
from torch import nn

from vae_tutorial import data, zoo
from vae_tutorial.data import sprites
from vae_tutorial.likelihoods import Bernoulli, Gaussian
from vae_tutorial.measures import active_units, code_dataset, disentanglement, mig, modularity, prior_test
from vae_tutorial.objectives import Objective
from vae_tutorial.pixels import as_float
from vae_tutorial.regularizers import KL, MMD
from vae_tutorial.training import CheckpointError, evaluate
from vae_tutorial.vae import VAE, ConditionalVAE
from vae_tutorial.zoo import files, judge

MEGABYTE = 1_000_000
TINY = {
    "tiny": zoo.Recipe(data="digits", z_dim=3, epochs=20, hidden=(32,), lr=3e-3, seed=4),
    "tiny-told": zoo.Recipe(data="digits", z_dim=3, epochs=20, hidden=(32,), n_classes=10, lr=3e-3, seed=4),
    "tiny-conv": zoo.Recipe(data="digits", z_dim=3, epochs=10, hidden=(), channels=(4, 8), lr=1e-2, seed=4),
    "tiny-sprites": zoo.Recipe(data="sprites", side=32, z_dim=3, steps=150, batch_size=64, hidden=(32,), lr=3e-3),
    "tiny-wae": zoo.Recipe(
        data="digits",
        z_dim=3,
        epochs=20,
        hidden=(32,),
        deterministic=True,
        sigma=math.sqrt(1 / 2),
        objective=Objective(MMD()),
        lr=3e-3,
    ),
}
SPRITES = {"train": (0, 600), "test": (600, 1000)}
SCORES = ["MIG", "SAP", "DCI", "FactorVAE", "BetaVAE", "modularity"]


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
    side = 32 if name.endswith("-sprites") else 28
    assert model.sample(2, *label_of(model, 7)).shape == (2, 1, side, side)
    assert model.likelihood == (Gaussian(sigma=math.sqrt(0.5)) if name == "wae-mnist" else Bernoulli())
    assert model.encoder.deterministic == (name == "wae-mnist")


@pytest.mark.parametrize("name", zoo.RECIPES)
def test_the_card_tells_how_the_model_was_made_by_the_recipe_that_stands_in_the_code(name):
    """Who changes a recipe trains the model again."""
    card = zoo.card(name)
    recipe = zoo.RECIPES[name]
    assert card["recipe"] == as_json(asdict(recipe) | {"objective": repr(recipe.objective)})
    assert card["name"] == name
    assert card["command"] == f"vae-tutorial train {name}"
    assert card["seconds"] > 0
    assert {"device", "torch", "test"} <= set(card)


@pytest.mark.parametrize("name", zoo.RECIPES)
def test_the_numbers_of_a_card_add_up(name):
    numbers = zoo.card(name)["test"]
    assert numbers["minus_elbo"] == pytest.approx(numbers["reconstruction"] + numbers["kl"], abs=0.02)
    assert 0 < numbers["active_units"] <= zoo.RECIPES[name].z_dim
    assert ("scores" in numbers) == name.endswith("-sprites")
    if "scores" in numbers:
        assert list(numbers["scores"]) == SCORES
        assert all(0 <= score <= 1 for score in numbers["scores"].values())


@pytest.mark.parametrize("name", [*zoo.RECIPES, zoo.CLASSIFIER])
def test_the_card_knows_its_weights_by_their_hash(name):
    card = json.loads((zoo.FOLDER / f"{name}.json").read_text())
    assert card["sha256"] == sha256((zoo.FOLDER / f"{name}.safetensors").read_bytes()).hexdigest()


def test_the_ladder_climbs_in_beta_and_in_nothing_else():
    """A higher beta buys fewer nats of code with a worse reconstruction."""
    ladder = {beta: zoo.card(f"beta-{beta}-sprites") for beta in (1, 2, 4, 8, 16)}
    for beta, card in ladder.items():
        assert card["recipe"].pop("objective") == f"Objective(KL(weight={float(beta)}))"
    recipes = [card["recipe"] for card in ladder.values()]
    assert all(recipe == recipes[0] for recipe in recipes)
    assert zoo.card("dip-i-sprites")["recipe"] | {"objective": None} == recipes[0] | {"objective": None}
    numbers = [card["test"] for card in ladder.values()]
    assert [n["kl"] for n in numbers] == sorted([n["kl"] for n in numbers], reverse=True)
    assert [n["reconstruction"] for n in numbers] == sorted(n["reconstruction"] for n in numbers)


@pytest.mark.parametrize("name", [name for name in zoo.RECIPES if name.endswith("-sprites")])
def test_the_shipped_models_of_sprites_do_on_the_test_set_what_their_cards_say(name):
    """The two scores that have no chance in them, of ten thousand sprites of which none was trained on."""
    test = sprites.make(10_000, seed=0, skip=60_000, side=32)
    model, numbers = zoo.load(name), zoo.card(name)["test"]
    terms, codes = evaluate(model, Objective(KL()), test), code_dataset(model, test.x).mu
    assert terms.loss.item() == pytest.approx(numbers["minus_elbo"], abs=0.3)
    assert terms.kl.item() == pytest.approx(numbers["kl"], abs=0.02)
    assert mig(codes, test.factors) == pytest.approx(numbers["scores"]["MIG"], abs=0.002)
    assert modularity(codes, test.factors) == pytest.approx(numbers["scores"]["modularity"], abs=0.002)


@pytest.mark.mnist
def test_the_shipped_wae_pays_the_squared_error_of_its_card(mnist):
    """In nats: with variance 1/2 it is the squared error, plus 392 log pi."""
    numbers = zoo.card("wae-mnist")["test"]
    squared = (zoo.load("wae-mnist").reconstruct(mnist.x) - mnist.x / 255).square().sum((1, 2, 3)).mean().item()
    assert squared == pytest.approx(numbers["squared_error"], abs=0.05)
    assert numbers["reconstruction"] - 392 * math.log(math.pi) == pytest.approx(squared, abs=0.3)


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
@pytest.mark.parametrize("ask", [zoo.load, zoo.card, zoo.images, zoo.recipe, zoo.make])
@pytest.mark.parametrize("name", ["", "vae", "vae-mnist.json", "../zoo/vae-mnist", None, zoo.FOLDER / "vae-mnist"])
def test_an_unknown_name_is_refused_with_the_names_there_are(ask, name):
    there_are = [*zoo.RECIPES, zoo.CLASSIFIER] if ask == zoo.make else zoo.RECIPES
    with pytest.raises(ValueError, match=rf"^name must be one of {', '.join(there_are)}, got "):
        ask(name)


@pytest.mark.parametrize("ask", [zoo.load, zoo.card, zoo.images, zoo.recipe])
def test_the_classifier_is_none_of_the_generative_models(ask):
    with pytest.raises(ValueError, match=r"^name must be one of .*, got 'classifier-mnist'"):
        ask(zoo.CLASSIFIER)


def offer(patch: pytest.MonkeyPatch, name: str, **changes: object) -> None:
    """Put a tiny recipe among those there are, and few images behind it."""
    patch.setitem(zoo.RECIPES, name, replace(TINY[name], **changes))
    patch.setattr(data, "load", partial(data.load, limit=600))
    patch.setattr(sprites, "SPLITS", SPRITES)


@pytest.fixture(scope="module", params=TINY)
def made(request, tmp_path_factory):
    """A tiny model: its name, its folder and its card."""
    folder = tmp_path_factory.mktemp("zoo")
    with pytest.MonkeyPatch.context() as patch:
        offer(patch, request.param)
        return request.param, folder, zoo.make(request.param, folder)


@pytest.fixture
def shipped(made, monkeypatch):
    """The tiny model as one of those that come with the package: its name and its card."""
    name, folder, card = made
    offer(monkeypatch, name)
    monkeypatch.setattr(zoo, "FOLDER", folder)
    return name, card


def test_making_writes_weights_of_16_bits_and_the_card_and_nothing_else(made):
    name, folder, card = made
    assert {path.name for path in folder.iterdir()} == {f"{name}.json", f"{name}.safetensors"}
    stored = load_file(folder / f"{name}.safetensors")
    for key, value in stored.items():  # a counter is no number to round
        assert value.dtype == (torch.int64 if key.endswith("num_batches_tracked") else torch.float16)
    assert json.loads((folder / f"{name}.json").read_text()) == as_json(card)
    assert card["recipe"] == asdict(TINY[name]) | {"objective": repr(TINY[name].objective)}


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
    assert model.encoder.deterministic == (name == "tiny-wae")
    assert model.likelihood == (Gaussian(sigma=math.sqrt(0.5)) if name == "tiny-wae" else Bernoulli())


def test_the_card_holds_what_the_loaded_model_does_on_the_test_set(shipped):
    name, card = shipped
    model, test = zoo.load(name), zoo.images(name)
    terms = evaluate(model, Objective(KL()), test)
    q = model.encode(test.x, *label_of(model, test.y))
    expected = {
        "minus_elbo": pytest.approx(terms.loss.item(), abs=0.006),
        "reconstruction": pytest.approx(terms.reconstruction.item(), abs=0.006),
        "kl": pytest.approx(q.kl().mean().item(), abs=0.006),
        "active_units": int((q.mu.var(0, correction=0) > 0.01).sum()),
    }
    if name == "tiny-wae":
        squared = (model.reconstruct(test.x) - test.x / 255).square().sum((1, 2, 3)).mean().item()
        torch.manual_seed(0)
        prior = prior_test(q.sample())
        expected |= {
            "squared_error": pytest.approx(squared, abs=0.006),
            "prior_mmd2": pytest.approx(prior.mmd2, abs=6e-5),
            "prior_p_value": pytest.approx(prior.p_value, abs=6e-4),
        }
    if name == "tiny-sprites":
        expected["scores"] = pytest.approx(disentanglement(q.mu, test.factors), abs=6e-4)
    assert card["test"] == expected
    assert card["seconds"] > 0


def test_the_images_of_a_model_are_those_it_was_made_and_measured_with(shipped):
    name, _ = shipped
    for split in ("train", "test"):
        images = zoo.images(name, split)
        if name == "tiny-sprites":
            start, stop = SPRITES[split]
            expected = sprites.make(stop - start, seed=0, skip=start, side=32)
        else:
            expected = data.load("digits", split)
        assert torch.equal(images.x, expected.x)
        assert torch.equal(images.factors, expected.factors)
    with pytest.raises(ValueError, match=r"^split must be one of train, test, got 'all'"):
        zoo.images(name, "all")


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("told", [{}, {"recipe": 3}, {"recipe": {"data": "nothing"}}, {"recipe": {"data": "sprites"}}])
def test_a_card_that_tells_no_images_is_refused(told, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"^name must have a card that tells its images, got .*mine\.safetensors: "):
        zoo.images(tmp_path / "mine.safetensors")


def test_the_model_was_trained_not_only_built(shipped):
    name, _ = shipped
    x = as_float(zoo.images(name).x)
    labels = label_of(zoo.load(name), zoo.images(name).y)
    knowing_nothing = (0.5 - x).square().sum()  # all grey, as an untrained model's are
    assert (zoo.load(name).reconstruct(x, *labels) - x).square().sum() < 0.5 * knowing_nothing


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
    known = {"sha256": card["sha256"]}
    wrong_recipes = (None, recipe | {"surprise": 1}, recipe | {"z_dim": 4}, recipe | {"hidden": None})
    wrong_cards = ({}, known, {"recipe": recipe}, *({"recipe": wrong} | known for wrong in wrong_recipes))
    for content in (weights, weights[:-1], b"", None):
        path.unlink() if content is None else path.write_bytes(content)
        for wrong in wrong_cards if content == weights else ({"recipe": recipe} | known,):
            beside.write_text(json.dumps(wrong))
            with pytest.raises(
                ValueError, match=r"^name must be a file of weights that fits its card, got .*mine\.saf"
            ):
                zoo.load(path)


@pytest.mark.usefixtures("plain")
def test_weights_of_somebody_else_are_refused(made, tmp_path):
    save_file({"weight": torch.ones(3)}, tmp_path / "mine.safetensors")
    found = sha256((tmp_path / "mine.safetensors").read_bytes()).hexdigest()
    (tmp_path / "mine.json").write_text(json.dumps(as_json(made[2]) | {"sha256": found}))
    with pytest.raises(ValueError, match=r"^name must be a file of weights that fits its card"):
        zoo.load(tmp_path / "mine.safetensors")


def test_the_same_recipe_makes_the_same_model(made, tmp_path, monkeypatch):
    name, folder, card = made
    torch.manual_seed(99)
    offer(monkeypatch, name)
    again = zoo.make(name, tmp_path)
    first, second = (load_file(place / f"{name}.safetensors") for place in (folder, tmp_path))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert again["sha256"] == card["sha256"]
    assert again["test"] == card["test"]


# Weights that were changed


def spoilt(content: bytes, how: str) -> bytes:
    middle = len(content) // 2
    if how == "a bit of the last number":  # a file as whole as before, for anyone who does not know the hash
        return content[:-1] + bytes([content[-1] ^ 1])
    return content[:middle] if how == "half of it" else content + b"\0"


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("how", ["a bit of the last number", "half of it", "one byte more"])
@pytest.mark.parametrize("name", ["conv-mnist", zoo.CLASSIFIER])
def test_weights_that_were_changed_are_refused_with_both_hashes(name, how, tmp_path, monkeypatch):
    for file in (f"{name}.json", f"{name}.safetensors"):
        shutil.copy(zoo.FOLDER / file, tmp_path)
    path = tmp_path / f"{name}.safetensors"
    content = path.read_bytes()
    expected, found = (sha256(content).hexdigest(), sha256(spoilt(content, how)).hexdigest())
    monkeypatch.setattr(judge, "FOLDER", tmp_path)
    load = zoo.classifier if name == zoo.CLASSIFIER else partial(zoo.load, path)
    load()
    path.write_bytes(spoilt(content, how))
    with pytest.raises(ValueError, match=rf"{name}\.safetensors .*SHA-256 is {found} .* {expected}: it was changed"):
        load()
    path.unlink()
    with pytest.raises(ValueError, match=rf"{name}\.safetensors .*No such file"):
        load()


# Runs that were stopped


class Pulled(Objective):
    """An objective that ends the process, or raises, at a step; a checkpoint cannot tell it from the plain one."""

    def __init__(self, step: int, error: type[BaseException]):
        super().__init__(KL())
        self.step, self.error = step, error

    def __call__(self, model, x, y=None, step=None):
        if step is not None and int(step) == self.step:
            raise self.error
        return super().__call__(model, x, y, step)


@pytest.mark.parametrize("name", ["tiny", "tiny-told", "tiny-conv", "tiny-sprites"])
def test_a_stopped_run_ships_nothing_and_the_next_one_ends_with_the_bits_of_an_unbroken_one(
    name, tmp_path, monkeypatch
):
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    broken.mkdir()
    whole.mkdir()
    offer(monkeypatch, name)
    card = zoo.make(name, whole)
    last = (card["recipe"]["steps"] or card["recipe"]["epochs"] * (600 // 128)) - 1
    for step, error in ((11, KeyboardInterrupt), (23, ZeroDivisionError), (last, KeyboardInterrupt)):
        offer(monkeypatch, name, objective=Pulled(step, error))
        with pytest.raises(error):
            zoo.make(name, broken)
        assert [path.name for path in broken.iterdir()] == [f"{name}.checkpoint"]
    offer(monkeypatch, name, objective=Pulled(5, AssertionError))  # step 5 is behind it
    again = zoo.make(name, broken)
    assert {path.name for path in broken.iterdir()} == {f"{name}.json", f"{name}.safetensors"}
    weights = [(folder / f"{name}.safetensors").read_bytes() for folder in (broken, whole)]
    assert weights[0] == weights[1]
    assert again["test"] == card["test"]
    assert again["recipe"] == card["recipe"]


def test_ctrl_c_before_the_first_epoch_is_over_leaves_nothing(tmp_path, monkeypatch):
    offer(monkeypatch, "tiny", objective=Pulled(2, KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        zoo.make("tiny", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_the_last_step_is_saved_ships_the_model_all_the_same(tmp_path, monkeypatch):
    """Every step is done; nothing is lost with the checkpoint."""
    offer(monkeypatch, "tiny", epochs=1)
    move = os.replace

    def pulled(source, target):
        if Path(target).suffix == ".checkpoint":
            raise KeyboardInterrupt
        move(source, target)

    monkeypatch.setattr(os, "replace", pulled)
    zoo.make("tiny", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.json", "tiny.safetensors"}
    zoo.load(tmp_path / "tiny.safetensors")


def test_a_model_that_is_trained_again_stays_whole_until_the_new_one_is_there(made, tmp_path, monkeypatch):
    name, folder, card = made
    for file in folder.iterdir():
        shutil.copy(file, tmp_path)
    offer(monkeypatch, name, objective=Pulled(30, KeyboardInterrupt), seed=5)
    with pytest.raises(KeyboardInterrupt):
        zoo.make(name, tmp_path)
    zoo.load(tmp_path / f"{name}.safetensors")
    assert zoo.card(tmp_path / f"{name}.safetensors") == as_json(card)


@pytest.mark.parametrize(
    "changes", [{"lr": 1e-4}, {"epochs": 21}, {"hidden": (31,)}, {"sigma": 1.0}, {"seed": 9}], ids=str
)
def test_a_checkpoint_of_another_recipe_is_refused_and_kept(changes, tmp_path, monkeypatch):
    offer(monkeypatch, "tiny", objective=Pulled(11, KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        zoo.make("tiny", tmp_path)
    before = (tmp_path / "tiny.checkpoint").read_bytes()
    offer(monkeypatch, "tiny", **changes)
    with pytest.raises(CheckpointError, match=r"tiny\.checkpoint is of another (run|model)"):
        zoo.make("tiny", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.checkpoint"]
    assert (tmp_path / "tiny.checkpoint").read_bytes() == before


class KilledError(BaseException):
    """In place of SIGKILL, within this process."""


def written(folder: Path, value: float) -> dict:
    return files.write(folder / "a.safetensors", {"w": torch.full((5,), value).half()}, {"value": value})


def consistent(folder: Path) -> bool:
    """Whether a card, if there is one, is that of the weights."""
    weights, card = folder / "a.safetensors", folder / "a.json"
    if not card.exists():
        return weights.exists()
    told = json.loads(card.read_text())
    right = told["sha256"] == sha256(weights.read_bytes()).hexdigest()
    return right and load_file(weights)["w"].tolist() == [told["value"]] * 5


@pytest.mark.parametrize("last", range(6))
def test_wherever_writing_ends_weights_never_lie_beside_another_ones_card(last, tmp_path, monkeypatch):
    written(tmp_path, 1.0)
    assert consistent(tmp_path)
    done = []

    def counted(act):
        def counting(*args, **options):
            if len(done) == last:
                raise KilledError
            done.append(act)
            return act(*args, **options)

        return counting

    with monkeypatch.context() as patch:
        for place, act in ((Path, "write_bytes"), (Path, "unlink"), (os, "replace")):
            patch.setattr(place, act, counted(getattr(place, act)))
        with pytest.raises(KilledError):
            written(tmp_path, 2.0)
    assert consistent(tmp_path)
    card = written(tmp_path, 3.0)  # the same command again
    assert consistent(tmp_path)
    assert files.read_card(tmp_path / "a.safetensors") == card
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "a.safetensors"}


KILL = """
import os, signal, sys, torch
from pathlib import Path
from vae_tutorial.zoo import files
replace = os.replace
def killing(source, target):
    if str(target).endswith(".json"):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = killing
files.write(Path(sys.argv[1]), {"w": torch.full((5,), 2.0).half()}, {"value": 2.0})
"""


def test_a_process_killed_between_the_two_files_leaves_weights_without_a_card(tmp_path):
    written(tmp_path, 1.0)
    killed = subprocess.run([sys.executable, "-c", KILL, str(tmp_path / "a.safetensors")])
    assert killed.returncode == -signal.SIGKILL
    assert load_file(tmp_path / "a.safetensors")["w"].tolist() == [2.0] * 5
    with pytest.raises(ValueError, match=r"^name must have its card beside it, but .*a\.json cannot be read"):
        zoo.load(tmp_path / "a.safetensors")
    written(tmp_path, 2.0)
    assert consistent(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "a.safetensors"}
