"""A model handed in as data, settings and weights: rebuilt with the package's networks, measured on unseen digits."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from vae_tutorial.data import Images, digits
from vae_tutorial.networks import ACTIVATIONS, conv, mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate
from vae_tutorial.vae import VAE

SHAPE = (1, 28, 28)
LARGEST = 3_000_000  # bytes of weights
IMAGES = 1000  # of a part
SPLITS = 70_000  # cells of the digits' grid that `data.load` gives to train and test
LAYERS = {"mlp": "hidden", "conv": "channels"}
MOST_LAYERS, WIDEST = 5, 2048
GREY = 400.0  # nats: what an untrained model's copies cost at least; 784 grey pixels cost 543
SAYING, NARROW = 1.0, 60.0  # nats of KL: the least of a code that says something, more than any digit needs


@dataclass(frozen=True)
class Measured:
    """Nats per image; `darkest` and `brightest` are the extremes of the pixels that the model draws."""

    reconstruction: float
    kl: float
    darkest: float
    brightest: float

    @property
    def minus_elbo(self) -> float:
        return self.reconstruction + self.kl


@cache
def unseen(part: int) -> Images:
    """Drawn digits that stand in neither split: 1,000 for each part 0, 1, 2, ..."""
    return digits.make(IMAGES, 0, skip=SPLITS + part * IMAGES)


def build(settings: dict[str, Any]) -> VAE:
    """The untrained model of settings that are sound."""
    layers = LAYERS[settings["network"]]
    options = {key: settings[key] for key in (layers, "z_dim", "activation", "batch_norm")}
    return VAE(*(mlp(SHAPE, **options) if settings["network"] == "mlp" else conv(SHAPE, **options)))


def measure(settings: dict[str, Any], weights: dict[str, Tensor], part: int) -> Measured:
    """A model without flaw, on one part of the unseen digits, in eval mode."""
    with torch.random.fork_rng():
        model = build(settings)
    model.load_state_dict(weights)
    terms = evaluate(model, Objective(KL()), unseen(part))
    drawn = model.reconstruct(unseen(part).x[:100])
    return Measured(terms.reconstruction.item(), terms.kl.item(), drawn.min().item(), drawn.max().item())


def flaw(value: Any) -> str | None:
    """Why (settings, weights) cannot be made a model, in a sentence, or None. Nothing large is built to find out."""
    if not (isinstance(value, list | tuple) and len(value) == 2):
        return "settings and weights are asked for, as a pair"
    settings, weights = value
    return _flaw_of_settings(settings) or _flaw_of_weights(weights) or _misfit(settings, weights)


def _flaw_of_settings(settings: Any) -> str | None:
    if not isinstance(settings, dict) or settings.get("network") not in tuple(LAYERS):
        return 'settings have to be a dict whose "network" is "mlp" or "conv"'
    layers = LAYERS[settings["network"]]
    keys = {"network", layers, "z_dim", "activation", "batch_norm"}
    if set(settings) != keys:
        return (
            f"settings of {settings['network']} are {', '.join(sorted(keys))}; yours: {', '.join(map(str, settings))}"
        )
    sizes = settings[layers]
    if not (isinstance(sizes, list | tuple) and 1 <= len(sizes) <= MOST_LAYERS and all(map(_is_size, sizes))):
        return f"{layers} have to be 1 to {MOST_LAYERS} whole numbers from 1 to {WIDEST}"
    if not _is_size(settings["z_dim"]):
        return f"z_dim has to be a whole number from 1 to {WIDEST}"
    if settings["activation"] not in tuple(ACTIVATIONS):
        return f"activation has to be one of {', '.join(ACTIVATIONS)}"
    return None if isinstance(settings["batch_norm"], bool) else "batch_norm has to be True or False"


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= WIDEST


def _flaw_of_weights(weights: Any) -> str | None:
    if not isinstance(weights, dict) or not all(isinstance(part, Tensor) for part in weights.values()):
        return "weights have to be a dict of tensors by their names, as `state_dict()` gives it"
    size = sum(part.numel() * part.element_size() for part in weights.values())
    if size > LARGEST:
        return f"the weights have {size / 1e6:.1f} MB, and {LARGEST / 1e6:g} MB is the most: fewer, or in 16 bits?"
    if any(part.is_complex() or not part.float().isfinite().all() for part in weights.values()):
        return "some weights are not finite numbers: did the training diverge?"
    return None


def _misfit(settings: dict[str, Any], weights: dict[str, Tensor]) -> str | None:
    """By names and shapes of what the settings would build: on the device "meta", which gives no memory."""
    with torch.device("meta"):
        wanted = {name: tuple(part.shape) for name, part in build(settings).state_dict().items()}
    for name in (*wanted, *weights):
        if name not in weights:
            return f"the weights lack {name}, which these settings have: are they of another model?"
        if name not in wanted:
            return f"the weights have {name}, which these settings do not: are they of another model?"
        if tuple(weights[name].shape) != wanted[name]:
            found = f"{name} is {list(weights[name].shape)}, and these settings make it {list(wanted[name])}"
            return f"{found}: are the weights of another model?"
    return None
