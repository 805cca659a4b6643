"""Small trained models that come with the package, so that sliders move before anything was trained.

Each is made by `vae-tutorial train NAME` from its recipe, and has a card with what was measured then.
"""

from pathlib import Path
from typing import Any

import torch

from vae_tutorial.arguments import check_choice
from vae_tutorial.data import SPLITS, Images
from vae_tutorial.vae import Model
from vae_tutorial.zoo import recipes
from vae_tutorial.zoo.files import FOLDER, read_card, read_weights
from vae_tutorial.zoo.judge import CLASSIFIER, classifier
from vae_tutorial.zoo.making import make
from vae_tutorial.zoo.recipes import RECIPES, Recipe, architecture, recipe

__all__ = ["CLASSIFIER", "FOLDER", "RECIPES", "Recipe", "card", "classifier", "images", "load", "make", "recipe"]


def load(name: str | Path) -> Model:
    """A shipped model, or one that `vae-tutorial train -o` wrote, on the CPU, in eval mode.

    name: of a shipped model, or the path of a .safetensors file with its card beside it. Raises ValueError for an
    unknown name, for a file or card that is missing, damaged or of another model, and for weights that are not, bit for
    bit, those that the card was written with.
    """
    path, made = _weights(name), card(name)
    try:
        with torch.random.fork_rng(devices=[]):
            model = architecture(made["recipe"]).build()
        model.load_state_dict(read_weights(path, made))
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"name must be a file of weights that fits its card, got {path}: {error}") from error
    return model.eval()


def card(name: str | Path) -> dict[str, Any]:
    """How a model was made and what was measured then; name and errors as for `load`, but the weights are not read."""
    path = _weights(name)
    try:
        return read_card(path)
    except ValueError as error:
        raise ValueError(f"name must have its card beside it, but {error}") from error


def images(name: str | Path, split: str = "test") -> Images:
    """The "train" or "test" images of a model, in its size; name and errors as for `card`.

    Raises data.DataUnavailable where they are neither there nor can be fetched.
    """
    check_choice(split, SPLITS, name="split")
    made = card(name)
    try:
        return recipes.images(made["recipe"], split)
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"name must have a card that tells its images, got {name}: {error}") from error


def _weights(name: str | Path) -> Path:
    if isinstance(name, str | Path) and Path(name).suffix == ".safetensors":
        return Path(name)
    check_choice(name, RECIPES, name="name")
    return FOLDER / f"{name}.safetensors"
