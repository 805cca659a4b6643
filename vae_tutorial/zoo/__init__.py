"""Small trained models that come with the package, so that sliders move before anything was trained.

Each is made by `vae-tutorial train NAME` from its recipe below, and has a card with what was measured then.
"""

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from vae_tutorial import data
from vae_tutorial.arguments import check_choice
from vae_tutorial.measures import active_units
from vae_tutorial.networks import conv, mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE, ConditionalVAE, Model
from vae_tutorial.zoo.judge import CLASSIFIER, classifier, make_classifier

__all__ = ["CLASSIFIER", "FOLDER", "RECIPES", "Recipe", "card", "classifier", "load", "make", "recipe"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """How a shipped model is made. channels: those of a convolutional one, in place of `hidden`; n_classes: 0, or that
    of a conditional one."""

    data: str
    z_dim: int
    epochs: int
    hidden: tuple[int, ...] = (512, 256)
    channels: tuple[int, ...] = ()
    n_classes: int = 0
    beta: float = 1.0
    lr: float = 1e-3
    schedule: str = "cosine"
    seed: int = 0

    def build(self) -> Model:
        """The untrained model."""
        if self.channels:
            networks = conv((1, 28, 28), self.channels, self.z_dim, n_classes=self.n_classes)
        else:
            networks = mlp((1, 28, 28), self.hidden, self.z_dim, n_classes=self.n_classes)
        return ConditionalVAE(*networks, self.n_classes) if self.n_classes else VAE(*networks)


RECIPES = {
    "vae-mnist": Recipe(data="mnist", z_dim=16, epochs=20),
    "vae-mnist-2d": Recipe(data="mnist", z_dim=2, epochs=30),
    "cvae-mnist": Recipe(data="mnist", z_dim=8, epochs=20, n_classes=10),
    "conv-mnist": Recipe(data="mnist", z_dim=16, epochs=7, hidden=(), channels=(32, 64), lr=2e-3),
}


def load(name: str | Path) -> Model:
    """A shipped model, or one that `vae-tutorial train -o` wrote, on the CPU, in eval mode.

    name: of a shipped model, or the path of a .safetensors file with its card beside it. Raises ValueError for an
    unknown name, and for a file or card that is missing, damaged or of another model.
    """
    path, made = _weights(name), card(name)
    try:
        with torch.random.fork_rng(devices=[]):
            model = _recipe_on(made).build()
        model.load_state_dict({key: _single(value) for key, value in load_file(path).items()})
    except (SafetensorError, OSError, LookupError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"name must be a file of weights that fits its card, got {path}: {error}") from error
    return model.eval()


def card(name: str | Path) -> dict[str, Any]:
    """How a model was made and what was measured then; name and errors as for `load`."""
    path = _weights(name).with_suffix(".json")
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"name must have its card beside it, but {path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"name must have its card beside it, but {path} holds no card")
    return content


def recipe(name: str) -> Recipe:
    """The recipe of `name`. Raises ValueError for an unknown one."""
    check_choice(name, RECIPES, name="name")
    return RECIPES[name]


def make(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Train one of RECIPES, or the CLASSIFIER, and write weights (16-bit) and card into `folder`; returns the card.

    Raises data.DataUnavailable where the recipe's data is neither there nor can be fetched.
    """
    check_choice(name, [*RECIPES, CLASSIFIER], name="name")
    if name == CLASSIFIER:
        return make_classifier(folder)
    how = recipe(name)
    train, test = (data.load(how.data, split=split, fallback=False) for split in ("train", "test"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(how.seed)
        model = how.build()
    objective = Objective(KL(weight=how.beta))
    history = fit(model, objective, train, epochs=how.epochs, lr=how.lr, schedule=how.schedule, seed=how.seed)
    half = {key: _half(value).cpu().contiguous() for key, value in model.state_dict().items()}
    save_file(half, folder / f"{name}.safetensors")
    model.load_state_dict({key: _single(value) for key, value in half.items()})  # measure what is shipped
    terms = evaluate(model, Objective(KL()), test)
    made = {
        "name": name,
        "command": f"vae-tutorial train {name}",
        "recipe": asdict(how),
        "seconds": round(history.seconds, 1),
        "device": str(model.device),
        "torch": version("torch"),
        "test": {
            "minus_elbo": round(terms.loss.item(), 2),
            "reconstruction": round(terms.reconstruction.item(), 2),
            "kl": round(terms.kl.item(), 2),
            "active_units": active_units(model, test.x, y=test.y if how.n_classes else None),
        },
    }
    (folder / f"{name}.json").write_text(json.dumps(made, indent=2) + "\n")
    return made


def _weights(name: str | Path) -> Path:
    if isinstance(name, str | Path) and Path(name).suffix == ".safetensors":
        return Path(name)
    check_choice(name, RECIPES, name="name")
    return FOLDER / f"{name}.safetensors"


def _recipe_on(made: dict[str, Any]) -> Recipe:
    """The recipe on a card, where tuples have become lists."""
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in made["recipe"].items()
    }
    return Recipe(**fields)


def _half(value: Tensor) -> Tensor:
    """16 bits will do for weights; a counter, as batch norm's, stays the whole number it is."""
    return value.half() if value.is_floating_point() else value


def _single(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value
