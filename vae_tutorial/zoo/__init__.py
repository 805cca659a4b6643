"""Small trained models that come with the package, so that sliders move before anything was trained.

Each is made by `vae-tutorial train NAME` from its recipe below, and has a card with what was measured then.
"""

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from vae_tutorial import data
from vae_tutorial.arguments import check_choice
from vae_tutorial.measures import active_units
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """How a shipped model is made."""

    data: str
    z_dim: int
    epochs: int
    hidden: tuple[int, ...] = (512, 256)
    beta: float = 1.0
    lr: float = 1e-3
    schedule: str = "cosine"
    seed: int = 0

    def build(self) -> VAE:
        """The untrained model."""
        return VAE(*mlp(hidden=self.hidden, z_dim=self.z_dim))


RECIPES = {
    "vae-mnist": Recipe(data="mnist", z_dim=16, epochs=20),
    "vae-mnist-2d": Recipe(data="mnist", z_dim=2, epochs=30),
}


def load(name: str) -> VAE:
    """The shipped model `name`, on the CPU, in eval mode. Raises ValueError for an unknown name."""
    how = recipe(name)
    with torch.random.fork_rng(devices=[]):
        model = how.build()
    weights = load_file(FOLDER / f"{name}.safetensors")
    model.load_state_dict({key: value.float() for key, value in weights.items()})
    return model.eval()


def card(name: str) -> dict[str, Any]:
    """How the shipped model was made and what was measured then. Raises ValueError for an unknown name."""
    recipe(name)
    return json.loads((FOLDER / f"{name}.json").read_text())


def recipe(name: str) -> Recipe:
    """The recipe of `name`. Raises ValueError for an unknown one."""
    check_choice(name, RECIPES, name="name")
    return RECIPES[name]


def make(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Train `name` by its recipe and write weights (16-bit) and card into `folder`; returns the card.

    Raises data.DataUnavailable where the recipe's data is neither there nor can be fetched.
    """
    how = recipe(name)
    train, test = (data.load(how.data, split=split, fallback=False) for split in ("train", "test"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(how.seed)
        model = how.build()
    objective = Objective(KL(weight=how.beta))
    history = fit(model, objective, train, epochs=how.epochs, lr=how.lr, schedule=how.schedule, seed=how.seed)
    half = {key: value.half().cpu().contiguous() for key, value in model.state_dict().items()}
    save_file(half, folder / f"{name}.safetensors")
    model.load_state_dict({key: value.float() for key, value in half.items()})  # measure what is shipped
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
            "active_units": active_units(model, test.x),
        },
    }
    (folder / f"{name}.json").write_text(json.dumps(made, indent=2) + "\n")
    return made
