"""Training a model by its recipe, measuring it, and writing what is shipped."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from vae_tutorial.arguments import check_choice
from vae_tutorial.data import Images
from vae_tutorial.devices import seeded
from vae_tutorial.measures import active_units, code_dataset, disentanglement, prior_test
from vae_tutorial.objectives import Objective
from vae_tutorial.pixels import as_float
from vae_tutorial.regularizers import KL
from vae_tutorial.training import History, evaluate, fit
from vae_tutorial.vae import Model
from vae_tutorial.zoo import files
from vae_tutorial.zoo.judge import CLASSIFIER, make_classifier
from vae_tutorial.zoo.recipes import RECIPES, Recipe, images, recipe

PRIOR_CODES = 1000  # as many as `prior_test` compares in a second


def make(name: str, folder: Path = files.FOLDER) -> dict[str, Any]:
    """Train one of RECIPES, or the CLASSIFIER, and write weights (16-bit) and card into `folder`; returns the card.

    A run that was stopped left NAME.checkpoint in `folder`, from which the next one goes on, on the CPU to the same
    weights; the classifier, made in half a minute, starts anew. Raises data.DataUnavailable where the recipe's data is
    neither there nor can be fetched, CheckpointError where the checkpoint is damaged or another recipe's, and
    KeyboardInterrupt for Ctrl-C. Nothing is written then.
    """
    check_choice(name, [*RECIPES, CLASSIFIER], name="name")
    if name == CLASSIFIER:
        return make_classifier(folder)
    how, checkpoint = recipe(name), folder / f"{name}.checkpoint"
    train, test = (images(how.on_card(), split) for split in ("train", "test"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(how.seed)
        model = how.build()
    history = _fit(model, how, train, checkpoint)
    weights = files.halved(model.state_dict())
    model.load_state_dict(files.single(weights))  # measure what is shipped
    card = {
        "name": name,
        "command": f"vae-tutorial train {name}",
        "recipe": how.on_card(),
        "seconds": round(history.seconds, 1),
        "device": str(model.device),
        "torch": version("torch"),
        "test": _measure(model, how, test),
    }
    card = files.write(folder / f"{name}.safetensors", weights, card)
    checkpoint.unlink(missing_ok=True)  # there is none where Ctrl-C came while the last step was saved
    return card


def _fit(model: Model, how: Recipe, train: Images, checkpoint: Path) -> History:
    """Train to the end. Raises KeyboardInterrupt where Ctrl-C, for which `fit` just ends early, came before it."""
    history = fit(
        model,
        how.objective,
        train,
        epochs=how.epochs,
        steps=how.steps,
        batch_size=how.batch_size,
        lr=how.lr,
        schedule=how.schedule,
        seed=how.seed,
        checkpoint=checkpoint,
    )
    if len(history) < (how.steps or (how.epochs or 0) * history.steps_per_epoch):
        raise KeyboardInterrupt
    return history


def _measure(model: Model, how: Recipe, test: Images) -> dict[str, Any]:
    """On the test images: nats per image, and what else the recipe was made for."""
    terms, y = evaluate(model, Objective(KL()), test), test.y if how.n_classes else None
    measured: dict[str, Any] = {
        "minus_elbo": round(terms.loss.item(), 2),
        "reconstruction": round(terms.reconstruction.item(), 2),
        "kl": round(terms.kl.item(), 2),
        "active_units": active_units(model, test.x, y=y),
    }
    if how.sigma is not None:
        measured |= _of_a_wae(model, test)
    if how.data == "sprites" and test.factors is not None:
        scores = disentanglement(code_dataset(model, test.x).mu, test.factors)
        measured["scores"] = {name: round(score, 3) for name, score in scores.items()}
    return measured


def _of_a_wae(model: Model, test: Images) -> dict[str, float]:
    """What it pays for: squared errors, summed over pixels, and codes that are not distributed as the prior."""
    errors = [(model.reconstruct(x).cpu() - as_float(x)).square().sum((1, 2, 3)) for x in test.x.split(1000)]
    spread = test.x[:: max(len(test) // PRIOR_CODES, 1)][:PRIOR_CODES]  # MNIST's first test images are easier
    with seeded(0, torch.device("cpu")):
        prior = prior_test(code_dataset(model, spread).sample())
    return {
        "squared_error": round(torch.cat(errors).mean().item(), 2),
        "prior_mmd2": round(prior.mmd2, 4),
        "prior_p_value": round(prior.p_value, 3),
    }
