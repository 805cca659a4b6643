"""Lesson 07: VAE and conditional VAE with the same networks, four sizes of code, three seeds each, on MNIST.

python results/conditional_vae.py     writes conditional_vae.json beside this file, which says how long it took
"""

import math
import time
from itertools import product

import torch
from _recording import record
from torch import Tensor
from torch.distributions import MultivariateNormal
from tqdm import tqdm

from vae_tutorial import data, zoo
from vae_tutorial.measures import code_dataset, label_confusion, log_likelihood, probe_accuracy
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE, ConditionalVAE, Model

SETTINGS = {
    "data": "mnist",
    "epochs": 4,
    "epochs_long": 16,  # of the conditional model with 8 latents once more
    "batch_size": 128,
    "lr": 2e-3,
    "schedule": "cosine",
    "hidden": [256, 128],
    "coded": 10_000,  # training images whose codes the probes learn from
    "bound_images": 500,
    "bound_draws": 20,
    "samples_per_class": 1000,
}
SEEDS = range(3)
RUNS = [(name, z_dim, SETTINGS["epochs"]) for z_dim in (2, 4, 8, 16) for name in ("VAE", "CVAE")]
RUNS += [("CVAE", 8, SETTINGS["epochs_long"])]


def build(name: str, z_dim: int) -> Model:
    """The untrained model; both kinds have the same hidden layers."""
    n_classes = 10 if name == "CVAE" else 0
    networks = mlp(hidden=SETTINGS["hidden"], z_dim=z_dim, n_classes=n_classes)
    return ConditionalVAE(*networks, n_classes) if n_classes else VAE(*networks)


def measure(
    name: str, z_dim: int, epochs: int, seed: int, train: data.Images, test: data.Images
) -> dict[str, float | str | None]:
    """Train one model and measure it on test images. None: what only a model with labels has."""
    torch.manual_seed(seed)
    model = build(name, z_dim)
    options = {key: SETTINGS[key] for key in ("batch_size", "lr", "schedule")}
    fit(model, Objective(KL()), train, epochs=epochs, seed=seed, progress=False, **options)
    terms = evaluate(model, Objective(KL()), test)
    with_wrong_labels = evaluate(model, Objective(KL()), data.Images(test.x, (test.y + 1) % 10))
    row = {
        "model": name,
        "z_dim": z_dim,
        "epochs": epochs,
        "seed": seed,
        "minus_elbo": terms.loss.item(),
        "kl": terms.kl.item(),
        "minus_elbo_wrong_label": with_wrong_labels.loss.item(),
        **bounds(model, test[: SETTINGS["bound_images"]]),
        **probes(model, train[: SETTINGS["coded"]], test),
        **control(model, train[: SETTINGS["coded"]]),
    }
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}


def bounds(model: Model, some: data.Images) -> dict[str, float | None]:
    """Bounds from several draws on -log p(x|y), or -log p(x) without labels, and on -log p(x) of both kinds.

    The label is averaged over, p(x) = mean over y of p(x|y); the y with the largest bound is the model's own guess.
    """
    if not model.n_classes:
        bound = -log_likelihood(model, some.x, SETTINGS["bound_draws"]).mean().item()
        return {"minus_bound": bound, "minus_bound_no_label": bound, "guessed_right": None}
    each = torch.stack([log_likelihood(model, some.x, SETTINGS["bound_draws"], y=y) for y in range(model.n_classes)])
    told = each.gather(0, some.y[None])[0]
    averaged = torch.logsumexp(each, dim=0) - math.log(model.n_classes)
    return {
        "minus_bound": -told.mean().item(),
        "minus_bound_no_label": -averaged.mean().item(),
        "guessed_right": (each.argmax(0) == some.y).double().mean().item(),
    }


def probes(model: Model, coded: data.Images, test: data.Images) -> dict[str, float]:
    """How much of the label two classifiers read off the posterior means: a linear one, and one Gaussian per class."""
    codes, test_codes = (code_dataset(model, images.x, labels(model, images)).mu for images in (coded, test))
    densities = torch.stack([gaussian(codes[coded.y == y]).log_prob(test_codes) for y in range(10)])
    return {
        "probe": probe_accuracy(codes, coded.y, test_codes, test.y),
        "probe_gaussians": (densities.argmax(0) == test.y).double().mean().item(),
    }


def control(model: Model, coded: data.Images) -> dict[str, float | None]:
    """The share of samples in which the judge sees the label asked for, by where their codes come from.

    The prior; one Gaussian per class, fitted to the codes of that class; images of another class.
    """
    if not isinstance(model, ConditionalVAE):
        return {"seen_right": None, "seen_right_class_gaussians": None, "seen_right_codes_of_others": None}
    judge, per_class = zoo.classifier().to(model.device), SETTINGS["samples_per_class"]
    torch.manual_seed(0)
    z = code_dataset(model, coded.x, coded.y).sample()
    own = torch.cat([gaussian(z[coded.y == y]).sample((per_class,)) for y in range(10)])
    another = (coded.y + torch.randint(1, 10, coded.y.shape)) % 10
    counts = label_confusion(model, judge, per_class=per_class)

    def seen_right(z: Tensor, y: Tensor) -> float:
        return (judge.classify(model.decode(z, y)) == y).double().mean().item()

    return {
        "seen_right": (counts.trace() / counts.sum()).item(),
        "seen_right_class_gaussians": seen_right(own, torch.arange(10).repeat_interleave(per_class)),
        "seen_right_codes_of_others": seen_right(z, another),
    }


def gaussian(codes: Tensor) -> MultivariateNormal:
    """The Gaussian with the mean and covariance of codes [n, z]."""
    return MultivariateNormal(codes.mean(0), torch.cov(codes.T))


def labels(model: Model, images: data.Images) -> Tensor | None:
    return images.y if model.n_classes else None


def main() -> None:
    train, test = (data.load(SETTINGS["data"], split=split, fallback=False) for split in ("train", "test"))
    started = time.perf_counter()
    rows = [measure(*run, seed, train, test) for seed, run in tqdm([*product(SEEDS, RUNS)])]
    print(record("conditional_vae", SETTINGS, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
