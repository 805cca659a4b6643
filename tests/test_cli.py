"""The command line: what it prints, where to, and the exit status a script can rely on."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, entry_points
from pathlib import Path

import pytest
import torch
from command_line import said

from vae_tutorial import cli, doctor, zoo
from vae_tutorial.data import sprites
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.zoo import judge

pytestmark = pytest.mark.usefixtures("nothing_to_be_had")


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(zoo.RECIPES, "tiny", zoo.Recipe(data="digits", z_dim=2, epochs=1, hidden=(8,)))


def test_the_console_script_is_installed_and_says_what_there_is():
    (script,) = entry_points(group="console_scripts", name="vae-tutorial")
    assert script.value == "vae_tutorial.cli:main"
    command = Path(sys.executable).with_name("vae-tutorial")
    done = subprocess.run([command, "--help"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(word in done.stdout for word in ("usage: vae-tutorial", "doctor", "data", "train"))


def test_the_doctor_prints_a_line_for_each_finding_in_two_columns(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda: {"a": "one", "long name": "not ready: x"})
    assert cli.main(["doctor"]) == 0
    assert said(capsys) == (["a          one", "long name  not ready: x"], [])


def test_the_doctor_is_content_without_data_but_not_without_a_package(capsys, monkeypatch):
    assert cli.main(["doctor"]) == 0
    out, err = said(capsys)
    assert any(line.startswith("mnist") and "`vae-tutorial data mnist` fetches it" in line for line in out)

    def nothing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", nothing)
    assert cli.main(["doctor"]) == 1
    out, err = said(capsys)
    assert sum("missing: run `make lab` again" in line for line in out) == len(doctor.PACKAGES)
    assert err == []


def test_data_that_is_drawn_is_ready(capsys):
    assert cli.main(["data", "digits"]) == 0
    out, err = said(capsys)
    assert len(out) == 1
    assert out[0] == "digits: 300 training and 300 test images, drawn in code"
    assert err == []


def test_an_unknown_set_gets_a_sentence_and_the_others_are_still_fetched(capsys):
    assert cli.main(["data", "minst", "digits"]) == 1
    out, err = said(capsys)
    assert err == ["name must be one of mnist, fashion-mnist, digits, sprites, got 'minst'"]
    assert [line.split(":")[0] for line in out] == ["digits"]


def test_a_set_that_cannot_be_had_gets_a_sentence_and_nothing_takes_its_place(capsys):
    assert cli.main(["data"]) == 1
    out, err = said(capsys)
    assert [line.split()[0] for line in err] == ["mnist", "fashion-mnist"]
    assert all("is missing" in line and "Name or service not known" in line for line in err)
    assert [line.split(":")[0] for line in out] == ["digits", "sprites"]


@pytest.mark.usefixtures("tiny")
def test_training_writes_weights_and_card_and_says_what_was_measured(capsys, tmp_path, monkeypatch):
    assert cli.main(["train", "tiny", "-o", str(tmp_path)]) == 0
    (line,), _ = said(capsys)
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.json", "tiny.safetensors"}
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    measured = zoo.card("tiny")["test"]
    assert f"tiny: -ELBO {measured['minus_elbo']} nats on the test set, {measured['active_units']} active" in line


def test_training_the_classifier_says_how_often_it_is_right_on_each_test_set(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "IMAGES", {"digits": 300})
    monkeypatch.setattr(judge, "EPOCHS", 1)
    assert cli.main(["train", "classifier-mnist", "-o", str(tmp_path)]) == 0
    (line,), _ = said(capsys)
    accuracy = json.loads((tmp_path / "classifier-mnist.json").read_text())["test"]["digits"]["accuracy"]
    assert line == f"classifier-mnist: {100 * accuracy:.1f}% of digits's test images, in {tmp_path}"
    measured = {"mnist": {"accuracy": 0.9}, "digits": {"accuracy": 0.876}}
    monkeypatch.setattr(zoo, "make", lambda name, folder: {"test": measured})
    assert cli.main(["train", "classifier-mnist", "-o", str(tmp_path)]) == 0
    assert "90.0% of mnist's test images, 87.6% of digits's test images" in said(capsys)[0][0]


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_training_into_what_is_no_folder_ends_before_it_begins(kind, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(zoo, "make", None)
    place = tmp_path / "somewhere"
    if kind == "file":
        place.touch()
    assert cli.main(["train", "vae-mnist", "-o", str(place)]) == 2
    assert said(capsys) == ([], [f"--output must be a folder that exists, got {place}"])


@pytest.mark.parametrize("name", ["vae-mnist", "classifier-mnist"])
def test_training_without_its_data_gets_a_sentence_and_writes_nothing(name, capsys, tmp_path):
    assert cli.main(["train", name, "--output", str(tmp_path)]) == 1
    out, (line,) = said(capsys)
    assert out == []
    assert line.startswith("mnist cannot be read (")
    assert not list(tmp_path.glob(f"{name}*"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: command"),
        (["examine"], "invalid choice: 'examine'"),
        (["train"], "the following arguments are required: name"),
        (["train", "gan-mnist"], "invalid choice: 'gan-mnist'"),
        (["doctor", "--loud"], "unrecognized arguments: --loud"),
    ],
)
def test_what_is_no_command_is_refused_with_the_usage(arguments, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    out, err = said(capsys)
    assert stopped.value.code == 2
    assert out == []
    assert err[0].startswith("usage: vae-tutorial")
    assert words in err[-1]


@pytest.mark.parametrize("command", ["doctor", "data", "train", "sweep"])
def test_every_command_has_a_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([command, "--help"])
    assert stopped.value.code == 0
    assert said(capsys)[0][0].startswith(f"usage: vae-tutorial {command}")


# Models of other kinds, and runs that are stopped


@pytest.fixture
def few(monkeypatch):
    """Tiny recipes of each kind: of sprites, of a WAE, and one whose objective is stopped by Ctrl-C in epoch 3."""
    monkeypatch.setattr(sprites, "SPLITS", {"train": (0, 300), "test": (300, 600)})
    tiny = {"z_dim": 2, "hidden": (8,), "batch_size": 100}
    kinds = {
        "tiny-sprites": zoo.Recipe(data="sprites", side=32, steps=3, **tiny),
        "tiny-wae": zoo.Recipe(data="digits", deterministic=True, sigma=0.5, epochs=1, **tiny),
        "tiny-run": zoo.Recipe(data="digits", epochs=4, **tiny),
    }
    for name, recipe in kinds.items():
        monkeypatch.setitem(zoo.RECIPES, name, recipe)


class Interrupted(Objective):
    """Ctrl-C at a step; for a checkpoint the same as the plain one."""

    def __call__(self, model, x, y=None, step=None):
        if step is not None and int(step) == 7:
            raise KeyboardInterrupt
        return super().__call__(model, x, y, step)


@pytest.mark.usefixtures("few")
def test_what_is_said_of_a_model_of_sprites_and_of_a_wae_is_what_was_measured(capsys, tmp_path):
    for name in ("tiny-sprites", "tiny-wae"):
        assert cli.main(["train", name, "-o", str(tmp_path)]) == 0
    (of_sprites, of_wae), err = said(capsys)
    assert err == []
    first, second = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("tiny-sprites", "tiny-wae"))
    numbers, active = first["test"], first["test"]["active_units"]
    said_of = f"-ELBO {numbers['minus_elbo']} nats on the test set, {active} active latents"
    assert of_sprites == f"tiny-sprites: {said_of}, in {tmp_path}"
    numbers, active = second["test"], second["test"]["active_units"]
    said_of = f"squared error {numbers['squared_error']} an image of the test set, {active} active latents"
    assert of_wae == f"tiny-wae: {said_of}, in {tmp_path}"


@pytest.mark.usefixtures("few")
def test_a_model_of_sprites_is_exported_with_images_of_its_own_size(capsys, tmp_path, monkeypatch):
    assert cli.main(["train", "tiny-sprites", "-o", str(tmp_path)]) == 0
    shown = []

    class Noted(cli.LatentExplorer):
        def __init__(self, model, images):
            shown.append(images)
            super().__init__(model, images)

    monkeypatch.setattr(cli, "LatentExplorer", Noted)
    page = tmp_path / "page.html"
    assert cli.main(["export", str(tmp_path / "tiny-sprites.safetensors"), "-o", str(page)]) == 0
    out, err = said(capsys)
    assert err == []
    assert out[1].startswith(f"{page}: ")
    assert torch.equal(shown[0].x, sprites.make(300, seed=0, skip=300, side=32).x)
    assert "Latent explorer: tiny-sprites" in page.read_text()


@pytest.mark.usefixtures("few")
def test_ctrl_c_ends_training_with_a_sentence_and_the_same_command_goes_on(capsys, tmp_path, monkeypatch):
    recipe = zoo.RECIPES["tiny-run"]
    monkeypatch.setitem(zoo.RECIPES, "tiny-run", replace(recipe, objective=Interrupted(KL())))
    assert cli.main(["train", "tiny-run", "-o", str(tmp_path)]) == 130
    assert said(capsys) == ([], ["tiny-run: stopped; the same command goes on behind the last whole epoch"])
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-run.checkpoint"]
    monkeypatch.setitem(zoo.RECIPES, "tiny-run", recipe)
    assert cli.main(["train", "tiny-run", "-o", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"tiny-run.json", "tiny-run.safetensors"}
    whole = tmp_path / "whole"
    whole.mkdir()
    assert cli.main(["train", "tiny-run", "-o", str(whole)]) == 0
    weights = [(folder / "tiny-run.safetensors").read_bytes() for folder in (tmp_path, whole)]
    assert weights[0] == weights[1]


def test_ctrl_c_says_of_the_classifier_that_it_starts_anew(capsys, tmp_path, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(judge, "IMAGES", {"digits": 300})
    monkeypatch.setattr(judge, "_train", interrupted)
    assert cli.main(["train", "classifier-mnist", "-o", str(tmp_path)]) == 130
    assert said(capsys) == ([], ["classifier-mnist: stopped; the same command starts anew"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("content", ["of another recipe", "torn"])
def test_a_checkpoint_that_cannot_be_used_gets_a_sentence_and_stays(content, capsys, tmp_path, monkeypatch):
    recipe, checkpoint = zoo.RECIPES["tiny-run"], tmp_path / "tiny-run.checkpoint"
    monkeypatch.setitem(zoo.RECIPES, "tiny-run", replace(recipe, objective=Interrupted(KL())))
    assert cli.main(["train", "tiny-run", "-o", str(tmp_path)]) == 130
    said(capsys)
    if content == "torn":
        checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    else:
        monkeypatch.setitem(zoo.RECIPES, "tiny-run", replace(recipe, lr=1e-5))
    assert cli.main(["train", "tiny-run", "-o", str(tmp_path)]) == 1
    out, (line,) = said(capsys)
    assert out == []
    assert line.startswith(
        f"checkpoint {checkpoint} {'cannot be read' if content == 'torn' else 'is of another run: lr'}"
    )
    assert line.endswith("; without that file the same command starts anew")
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-run.checkpoint"]
