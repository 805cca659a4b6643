"""load: what it accepts, where it looks, and what it says and does where there is nothing to be had."""

import logging
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vae_tutorial import data
from vae_tutorial.data import download


def no_network(*args, **kwargs):
    raise download.DownloadError("http://mirror/: Name or service\n not known")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_without_files_and_network_one_sentence_says_so_and_digits_stand_in(name, split, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(download, "fetch", no_network)
    monkeypatch.setenv("VAE_TUTORIAL_DATA", str(tmp_path))
    images = data.load(name, split, limit=20)
    assert torch.equal(images.x, data.load("digits", split, limit=20).x)
    assert images.name == "digits"
    assert [(record.name, record.levelno, record.exc_info) for record in caplog.records] == [
        ("vae_tutorial", logging.WARNING, None)
    ]
    assert caplog.messages[0].startswith(f"{name} cannot be read ({tmp_path}")
    assert caplog.messages[0].endswith("; going on with digits, drawn in code")
    assert "\n" not in caplog.messages[0]


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"name": "minst"}, ValueError, "name must be one of mnist, fashion-mnist, digits, sprites, got 'minst'"),
        ({"split": "valid"}, ValueError, "split must be one of train, test, got 'valid'"),
        ({"limit": 0}, ValueError, "limit must be a whole number of at least 1"),
        ({"limit": True}, TypeError, "limit"),
        ({"limit": 1.5}, TypeError, "limit"),
    ],
)
def test_a_wrong_argument_is_named(arguments, error, named):
    with pytest.raises(error, match=named):
        data.load(**({"name": "digits"} | arguments))


def test_the_folder_is_the_argument_else_the_variable_else_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("VAE_TUTORIAL_DATA", str(tmp_path))
    assert data.folder("~/x") == Path.home() / "x"
    assert data.folder() == tmp_path
    monkeypatch.setenv("VAE_TUTORIAL_DATA", "")
    assert data.folder().name == "vae-tutorial"


WORDS = st.sampled_from(["digits", "Digits", "", "train", "test", "mnist "]) | st.text(max_size=3)


@given(name=WORDS, split=WORDS, limit=st.none() | st.integers(-2, 5))
def test_any_arguments_give_images_or_an_error_that_names_the_first_wrong_one(name, split, limit):
    wrong = "name" if name != "digits" else "split" if split not in data.SPLITS else "limit"
    if (name, split in data.SPLITS) == ("digits", True) and (limit is None or limit > 0):
        assert len(data.load(name, split, limit or 3)) == (limit or 3)
        return
    with pytest.raises(ValueError, match=f"^{wrong} must be"):
        data.load(name, split, limit)
