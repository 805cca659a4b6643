"""How the shipped models are made."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from vae_tutorial import data
from vae_tutorial.arguments import check_choice
from vae_tutorial.data import Images, sprites
from vae_tutorial.likelihoods import Bernoulli, Gaussian, Likelihood
from vae_tutorial.networks import conv, mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import DIP, KL, MMD
from vae_tutorial.vae import VAE, ConditionalVAE, Model

ELBO = Objective(KL())


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What must be known of a model for its weights to be loaded.

    side: of its grey images, in pixels; channels: those of a convolutional one, in place of `hidden`; n_classes: 0, or
    that of a conditional one; sigma: of a Gaussian likelihood, None for Bernoulli pixels.
    """

    z_dim: int
    side: int = 28
    hidden: tuple[int, ...] = (512, 256)
    channels: tuple[int, ...] = ()
    n_classes: int = 0
    deterministic: bool = False
    sigma: float | None = None

    def build(self) -> Model:
        """The untrained model."""
        shape, sizes = (1, self.side, self.side), self.channels or self.hidden
        make = conv if self.channels else mlp
        networks = make(shape, sizes, self.z_dim, n_classes=self.n_classes, deterministic=self.deterministic)
        likelihood: Likelihood = Bernoulli() if self.sigma is None else Gaussian(sigma=self.sigma)
        return ConditionalVAE(*networks, self.n_classes, likelihood) if self.n_classes else VAE(*networks, likelihood)


@dataclass(frozen=True, kw_only=True)
class Recipe(Architecture):
    """How a shipped model is made: the arguments of `fit` beside what is built. Either epochs or steps."""

    data: str
    epochs: int | None = None
    steps: int | None = None
    objective: Objective = ELBO
    batch_size: int = 128
    lr: float = 1e-3
    schedule: str = "cosine"
    seed: int = 0

    def on_card(self) -> dict[str, Any]:
        """The fields as a card tells them: the objective in words."""
        return asdict(self) | {"objective": repr(self.objective)}


def architecture(on_card: dict[str, Any]) -> Architecture:
    """What is built by the recipe on a card, where tuples have become lists.

    Raises LookupError, TypeError or ValueError for what no recipe's `on_card` gave.
    """
    if set(on_card) != {field.name for field in fields(Recipe)}:
        raise ValueError(f"its card must tell {', '.join(field.name for field in fields(Recipe))}, got {on_card}")
    told: dict[str, Any] = {field.name: on_card[field.name] for field in fields(Architecture)}
    return Architecture(**told | {name: tuple(told[name]) for name in ("hidden", "channels")})


def images(on_card: dict[str, Any], split: str) -> Images:
    """The "train" or "test" images of the recipe on a card.

    Raises data.DataUnavailable where they are neither there nor to be had, ValueError for what are no images.
    """
    if on_card["data"] == "sprites":
        return sprites.part(split, side=on_card["side"])
    return data.load(on_card["data"], split=split, fallback=False)


def recipe(name: str) -> Recipe:
    """The recipe of `name`. Raises ValueError for an unknown one."""
    check_choice(name, RECIPES, name="name")
    return RECIPES[name]


def _sprites(objective: Objective) -> Recipe:
    """The same for every objective, so that models differ by nothing else."""
    return Recipe(
        data="sprites", side=32, hidden=(256, 256), z_dim=10, steps=10_000, batch_size=64, objective=objective
    )


RECIPES = {
    "vae-mnist": Recipe(data="mnist", z_dim=16, epochs=20),
    "vae-mnist-2d": Recipe(data="mnist", z_dim=2, epochs=30),
    "cvae-mnist": Recipe(data="mnist", z_dim=8, epochs=20, n_classes=10),
    "conv-mnist": Recipe(data="mnist", z_dim=16, epochs=7, hidden=(), channels=(32, 64), lr=2e-3),
    **{f"beta-{beta}-sprites": _sprites(Objective(KL(float(beta)))) for beta in (1, 2, 4, 8, 16)},
    "dip-i-sprites": _sprites(Objective(KL(), DIP("i", off_diagonal=10.0, diagonal=100.0))),
    "dip-ii-sprites": _sprites(Objective(KL(), DIP("ii", off_diagonal=10.0, diagonal=10.0))),
    "wae-mnist": Recipe(
        data="mnist",
        hidden=(256, 128),
        z_dim=8,
        deterministic=True,
        sigma=math.sqrt(1 / 2),
        objective=Objective(MMD()),
        epochs=15,
    ),
}
