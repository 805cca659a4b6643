"""The judge of images: what it sees in samples that were asked for, and the shipped one against its card."""

import json

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vae_tutorial import data, zoo
from vae_tutorial.likelihoods import Gaussian
from vae_tutorial.measures import Classifier, label_confusion
from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE, ConditionalVAE
from vae_tutorial.zoo import judge

CARD = json.loads((zoo.FOLDER / f"{zoo.CLASSIFIER}.json").read_text())


class Painter(nn.Module):
    """A decoder: the first pixel tells the class that `shown` has for the label, the second how z[0] lies."""

    z_dim = 2

    def __init__(self, shown: list[int]):
        super().__init__()
        self.shown, self.codes = torch.tensor(shown), []
        self.anchor = nn.Parameter(torch.zeros(()))

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        self.codes.append(z)
        images = torch.full((len(z), 1, 28, 28), -200.0)
        images[:, 0, 0, 0] = torch.logit((1 + self.shown[y.argmax(1)]) / 10)
        images[:, 0, 0, 1] = torch.where(z[:, 0] > 1, 200.0, -200.0)
        return images


class Reader(Classifier):
    """Reads the class off the first pixel; the next class where the second pixel is white."""

    def forward(self, x: Tensor) -> Tensor:
        seen = (10 * x[:, 0, 0, 0] - 1 + x[:, 0, 0, 1]).round().long() % self.n_classes
        return nn.functional.one_hot(seen, self.n_classes).float()


def painting(shown: list[int]) -> ConditionalVAE:
    return ConditionalVAE(mlp((1, 28, 28), (), 2, n_classes=len(shown))[0], Painter(shown), len(shown))


@pytest.mark.parametrize(("shown", "seed"), [([0, 1, 2, 3], 0), ([2, 2, 0, 1], 5)])
def test_confusion_counts_what_is_seen_in_columns_of_what_was_asked_in_rows(shown, seed):
    model = painting(shown)
    counts = label_confusion(model, Reader(4), per_class=300, seed=seed)
    codes = model.decoder.codes
    assert len(codes) == 4
    assert all(torch.equal(z, codes[0]) for z in codes)
    torch.manual_seed(seed)
    assert torch.equal(codes[0], torch.randn(300, 2))
    odd = sum(z > 1 for z in codes[0][:, 0].tolist())
    assert 0 < odd < 150
    by_hand = [[0] * 4 for _ in range(4)]
    for asked in range(4):
        by_hand[asked][shown[asked]] += 300 - odd
        by_hand[asked][(shown[asked] + 1) % 4] += odd
    assert counts.dtype == torch.int64
    assert counts.tolist() == by_hand


def test_counting_repeats_itself_its_seed_decides_and_all_is_left_as_found():
    model, reader = painting([0, 1, 2]).train(), Reader(3)
    state = torch.get_rng_state()
    counts = label_confusion(model, reader)
    assert torch.equal(torch.get_rng_state(), state)
    assert counts.sum(1).tolist() == [100] * 3
    torch.manual_seed(99)
    assert torch.equal(label_confusion(model, reader), counts)
    assert not torch.equal(label_confusion(model, reader, seed=1), counts)
    assert model.training


def test_means_a_little_outside_0_to_1_are_judged_as_black_and_white():
    model = painting([0, 1, 2, 3])
    model.likelihood = Gaussian(link="identity")
    assert label_confusion(model, Reader(4), per_class=9).sum(1).tolist() == [9] * 4


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("model", "options", "error", "words"),
    [
        (VAE(*mlp((1, 28, 28), (), 2)), {}, TypeError, "^model must be a ConditionalVAE, got VAE"),
        (painting([0, 1, 2]), {}, ValueError, "^classifier must know the model's 3 classes, got 4"),
        (painting([0, 1, 2, 3]), {"per_class": 0}, ValueError, "^per_class must be a whole number of at least 1"),
        (painting([0, 1, 2, 3]), {"per_class": 2.5}, TypeError, "^per_class must be a whole number of at least 1"),
    ],
    ids=["no labels", "other classes", "none", "halves"],
)
def test_what_cannot_be_counted_is_refused_by_name(model, options, error, words):
    with pytest.raises(error, match=words):
        label_confusion(model, Reader(4), **options)


# The classifier


@pytest.mark.parametrize("n_classes", [10, 2])
def test_the_class_of_an_image_is_the_largest_of_its_logits(n_classes):
    """More images than are judged at once; of bytes as of floats."""
    images = torch.randint(256, (1003, 1, 28, 28), dtype=torch.uint8)
    classifier, x = Classifier(n_classes), images / 255
    with torch.no_grad():
        classifier.head.bias -= classifier(x).mean(0)  # so that no class wins everywhere
        logits = torch.cat([classifier(x[:501]), classifier(x[501:])])
    assert logits.shape == (1003, n_classes)
    by_hand = [max(range(n_classes), key=row.__getitem__) for row in logits.tolist()]
    assert classifier.classify(x).tolist() == classifier.classify(images).tolist() == by_hand
    assert len(set(by_hand)) > 1


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("bad", [None, torch.zeros(28, 28), torch.zeros(0, 1, 28, 28), torch.full((1, 1, 28, 28), 2.0)])
def test_what_is_no_set_of_images_has_no_class(bad):
    with pytest.raises((TypeError, ValueError), match=r"^images must "):
        Classifier().classify(bad)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("n_classes", [1, 0, 2.5, None])
def test_a_classifier_tells_at_least_two_classes_apart(n_classes):
    with pytest.raises((TypeError, ValueError), match=r"^n_classes must be a whole number of at least 2"):
        Classifier(n_classes)


# The shipped one


def test_the_shipped_classifier_is_ready_frozen_and_small_and_loading_it_draws_nothing():
    state = torch.get_rng_state()
    classifier = zoo.classifier()
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module.training for module in classifier.modules())
    assert not any(p.requires_grad for p in classifier.parameters())
    assert {p.dtype for p in classifier.parameters()} == {torch.float32}
    assert classifier.n_classes == 10
    assert (zoo.FOLDER / f"{zoo.CLASSIFIER}.safetensors").stat().st_size < 300_000


def test_its_card_tells_the_recipe_that_stands_in_the_code():
    """Who changes the recipe trains it again."""
    recipe = {"data": judge.IMAGES, "epochs": judge.EPOCHS, "batch_size": judge.BATCH, "lr": judge.LR}
    assert CARD["recipe"] == recipe | {"seed": judge.SEED}
    assert CARD["name"] == zoo.CLASSIFIER
    assert CARD["command"] == f"vae-tutorial train {zoo.CLASSIFIER}"
    assert set(CARD["test"]) == set(judge.IMAGES)


@pytest.mark.parametrize("name", [pytest.param("mnist", marks=pytest.mark.mnist), "digits"])
def test_it_is_right_as_often_as_its_card_says(name, request):
    """Of 10,000 test images; float sums of another machine may turn a handful of close calls."""
    test = request.getfixturevalue("mnist") if name == "mnist" else data.load(name, "test")
    seen, right = zoo.classifier().classify(test.x), 0
    for guess, truth in zip(seen.tolist(), test.y.tolist(), strict=True):
        right += guess == truth
    assert right / len(test) == pytest.approx(CARD["test"][name]["accuracy"], abs=0.0005)


@pytest.mark.mnist
def test_it_sees_the_digits_that_the_shipped_conditional_model_was_asked_for():
    counts = label_confusion(zoo.load("cvae-mnist"), zoo.classifier(), per_class=50)
    assert counts.diagonal().sum() / counts.sum() > 0.8  # 0.1 by chance
    assert torch.equal(counts.argmax(1), torch.arange(10))


# Its recipe


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A classifier made of a few drawn digits: its folder, its card and what was loaded for it."""
    folder, asked, load = tmp_path_factory.mktemp("judge"), [], data.load

    def few(name, split, limit=None, **options):
        asked.append((name, split, limit, options))
        return load(name, split, limit=min(limit or 400, 400), **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load", few)
        patch.setattr(judge, "IMAGES", {"digits": 350})
        patch.setattr(judge, "EPOCHS", 15)
        patch.setattr(judge, "BATCH", 32)
        state = torch.get_rng_state()
        card = zoo.make(zoo.CLASSIFIER, folder)
        again = folder / "again"
        again.mkdir()
        torch.manual_seed(99)
        zoo.make(zoo.CLASSIFIER, again)
        torch.set_rng_state(state)
    return folder, card, asked


def test_making_it_writes_16_bits_and_the_card_and_trains_on_no_test_image(made):
    folder, card, asked = made
    names = {f"{zoo.CLASSIFIER}.json", f"{zoo.CLASSIFIER}.safetensors"}
    assert {path.name for path in folder.iterdir() if path.is_file()} == names
    assert json.loads((folder / f"{zoo.CLASSIFIER}.json").read_text()) == card
    assert {v.dtype for v in load_file(folder / f"{zoo.CLASSIFIER}.safetensors").values()} == {torch.float16}
    assert asked[:2] == [("digits", "train", 350, {"fallback": False}), ("digits", "test", None, {"fallback": False})]
    assert card["recipe"]["data"] == {"digits": 350}
    assert card["recipe"]["epochs"] == 15
    assert card["seconds"] > 0


def test_the_card_holds_what_the_written_weights_do(made, monkeypatch):
    folder, card, _ = made
    monkeypatch.setattr(judge, "FOLDER", folder)
    classifier, test = zoo.classifier(), data.load("digits", "test", limit=400)
    right = (classifier.classify(test.x) == test.y).double().mean().item()
    assert card["test"] == {"digits": {"accuracy": pytest.approx(right, abs=0.00005)}}
    assert right > 0.6  # 0.1 by chance


def test_the_same_recipe_makes_the_same_classifier(made):
    folder, _, _ = made
    first, second = (load_file(place / f"{zoo.CLASSIFIER}.safetensors") for place in (folder, folder / "again"))
    assert set(first) == set(second) == set(Classifier().state_dict())
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_making_it_leaves_the_callers_random_state_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "load", lambda name, split, limit=200, _load=data.load, **_: _load(name, split, limit))
    monkeypatch.setattr(judge, "IMAGES", {"digits": 200})
    monkeypatch.setattr(judge, "EPOCHS", 1)
    state = torch.get_rng_state()
    judge.make_classifier(tmp_path)
    assert torch.equal(torch.get_rng_state(), state)
