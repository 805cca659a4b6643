"""Lesson 12: thirteen models on one data set with one budget, three seeds each, and all that can be said of each.

python results/side_by_side.py                   writes side_by_side.json beside this file, which says how long it took
python results/side_by_side.py --row NAME SEED   makes one row again and prints it, in about half a minute
"""

import argparse
import json
import time
from dataclasses import dataclass
from functools import cache
from itertools import product

import torch
from _recording import PROCESSES, in_processes, record
from torch import Tensor

from vae_tutorial import data, zoo
from vae_tutorial.arguments import check_choice
from vae_tutorial.likelihoods import Bernoulli
from vae_tutorial.measures import (
    active_units,
    code_dataset,
    disentanglement,
    frechet_distance,
    image_features,
    log_likelihood,
    precision_recall,
    prior_test,
    reference_codes,
)
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.pixels import as_float
from vae_tutorial.regularizers import DIP, KL, MMD, Capacity, TotalCorrelation
from vae_tutorial.training import critic, evaluate, fit, fit_wae_gan
from vae_tutorial.vae import VAE, ConditionalVAE, Model

SETTINGS = {
    "data": "digits",
    "likelihood": "Bernoulli",
    "steps": 3000,
    "batch_size": 64,
    "lr": 1e-3,
    "hidden": [256, 128],
    "z_dim": 10,
    "mmd_weight": 50.0,
    "critic_hidden": [256, 256],
    "critic_weight": 10.0,
    "refit_steps": 800,  # of a new encoder for the decoder as it is
    "bound_images": 500,
    "bound_draws": 50,
    "tested_codes": 1000,
    "neighbours": 3,
    "neighbour_images": 2000,
    "sure": 0.99,
    "processes": PROCESSES,
}
SEEDS = range(3)
STEPS = SETTINGS["steps"]
Row = dict[str, float | int | str]


@dataclass(frozen=True)
class Method:
    """objective: None for the critic of WAE-GAN. deterministic: one code for an image. labels: a conditional VAE."""

    objective: Objective | None
    deterministic: bool = False
    batch_norm: bool = False
    labels: bool = False


METHODS = {
    "autoencoder": Method(Objective(), deterministic=True),
    "VAE": Method(Objective(KL())),
    "VAE, batch norm": Method(Objective(KL()), batch_norm=True),
    "VAE told the label": Method(Objective(KL()), labels=True),
    "beta-VAE, beta 4": Method(Objective(KL(4.0))),
    "capacity, weight 10": Method(Objective(Capacity(weight=10.0, c_max=17.0, steps=STEPS // 2))),
    "capacity, weight 100": Method(Objective(Capacity(weight=100.0, c_max=17.0, steps=STEPS // 2))),
    "beta-TCVAE, beta 6": Method(Objective(KL(), TotalCorrelation(5.0))),
    "DIP-VAE-I": Method(Objective(KL(), DIP("i", 10.0, 100.0))),
    "DIP-VAE-II": Method(Objective(KL(), DIP("ii", 10.0, 10.0))),
    "WAE-MMD": Method(Objective(MMD(SETTINGS["mmd_weight"])), deterministic=True),
    "WAE-MMD, with clouds": Method(Objective(MMD(SETTINGS["mmd_weight"]))),
    "WAE-GAN": Method(None, deterministic=True),
}


def build(method: Method) -> Model:
    """The untrained model."""
    n_classes = 10 if method.labels else 0
    networks = mlp(
        hidden=SETTINGS["hidden"],
        z_dim=SETTINGS["z_dim"],
        batch_norm=method.batch_norm,
        n_classes=n_classes,
        deterministic=method.deterministic,
    )
    return ConditionalVAE(*networks, n_classes) if n_classes else VAE(*networks)


def train_one(name: str, seed: int, train: data.Images) -> tuple[Model, float]:
    """A trained model of METHODS, and the seconds of one processor that its training took."""
    method = METHODS[name]
    torch.manual_seed(seed)
    model = build(method)
    options = {key: SETTINGS[key] for key in ("steps", "batch_size", "lr")} | {"seed": seed, "progress": False}
    began = time.process_time()
    if method.objective is not None:
        fit(model, method.objective, train, **options)
    else:
        judge = critic(SETTINGS["z_dim"], SETTINGS["critic_hidden"])
        fit_wae_gan(model, judge, train, weight=SETTINGS["critic_weight"], **options)
    return model, time.process_time() - began


def measure(name: str, seed: int, train: data.Images, test: data.Images) -> Row:
    """Train one model and measure it on test images: likelihood, latents, codes beside the prior, samples, seconds."""
    model, seconds = train_one(name, seed, train)
    y = test.y if model.n_classes else None
    torch.manual_seed(seed)
    q = code_dataset(model, test.x, y)
    z = q.sample()
    crowd = prior_test(z[: SETTINGS["tested_codes"]], seed=seed)
    row = {
        "method": name,
        "seed": seed,
        **bounds(model, test),
        **bounds(refitted(name, model, seed, train), test, "_refitted"),
        "squared_error": squared_error(model.decode(q.mu, *labels(model, y)).cpu(), test),
        "active_units": active_units(model, test.x, y=y),
        "mmd2": crowd.mmd2,
        "mmd2_null": crowd.null,
        "p_value": crowd.p_value,
        "correlation_mu": correlation(q.mu),
        "correlation_z": correlation(z),
        **disentanglement(q.mu, test.factors),
        **drawn(model.decode(torch.randn(len(test), SETTINGS["z_dim"]), *labels(model, y)).cpu(), test),
        "seconds": seconds,
    }
    return {key: round(value, 5) if isinstance(value, float) else value for key, value in row.items()}


def labels(model: Model, y: Tensor | None) -> tuple[Tensor, ...]:
    return (y,) if model.n_classes and y is not None else ()


def bounds(model: Model, test: data.Images, mark: str = "") -> dict[str, float]:
    """-ELBO of all test images and its two parts; the bound of many draws for some images, and its standard error."""
    terms = evaluate(model, Objective(KL()), test)
    some = test[: SETTINGS["bound_images"]]
    bound = -log_likelihood(model, some.x, SETTINGS["bound_draws"], y=some.y if model.n_classes else None)
    return {
        f"minus_elbo{mark}": terms.loss.item(),
        f"reconstruction{mark}": terms.reconstruction.item(),
        f"kl{mark}": terms.kl.item(),
        f"minus_bound{mark}": bound.mean().item(),
        f"minus_bound_error{mark}": (bound.std() / len(bound) ** 0.5).item(),
    }


def refitted(name: str, model: Model, seed: int, train: data.Images) -> Model:
    """The same decoder with an encoder that never had to do anything but make the decoder's bound tight."""
    torch.manual_seed(seed)
    fresh = build(Method(None, labels=METHODS[name].labels))
    fresh.decoder = model.decoder.eval().requires_grad_(False)
    fresh.decoder.train = lambda mode=True: fresh.decoder  # `fit` is not to wake its batch norm
    options = {key: SETTINGS[key] for key in ("batch_size", "lr")} | {"seed": seed, "progress": False}
    fit(fresh, Objective(KL()), train, steps=SETTINGS["refit_steps"], schedule="cosine", **options)
    return fresh


def squared_error(pictures: Tensor, test: data.Images) -> float:
    return (pictures - as_float(test.x)).square().flatten(1).sum(1).mean().item()


def correlation(codes: Tensor) -> float:
    """The mean of |correlation| over all pairs of latents."""
    table = codes.T.corrcoef().abs()
    return ((table.sum() - table.trace()) / (table.numel() - len(table))).item()


def drawn(samples: Tensor, test: data.Images) -> dict[str, float]:
    """How the frozen classifier sees as many samples as there are test images."""
    judge, few = zoo.classifier(), SETTINGS["neighbour_images"]
    real, fake = image_features(judge, test.x), image_features(judge, samples)
    precision, recall = precision_recall(real[:few], fake[:few], k=SETTINGS["neighbours"])
    certain = judge.head(fake.float()).softmax(1).amax(1) >= SETTINGS["sure"]
    return {
        "frechet": frechet_distance(real, fake),
        "precision": precision,
        "recall": recall,
        "sure": certain.double().mean().item(),
    }


def references(train: data.Images, test: data.Images) -> dict[str, dict[str, float]]:
    """What other images get in place of samples, known codes in place of a model's, and the least any -ELBO can be."""
    x = as_float(test.x)
    grey = Bernoulli().nll(torch.logit(x, eps=1e-6), x).mean().item()
    kept = {"training images": drawn(as_float(train.x[: len(test)]), test), "grey pixels": {"minus_elbo": grey}}
    for name, codes in reference_codes(test.factors, SETTINGS["z_dim"]).items():
        kept[name] = {"correlation_mu": correlation(codes), **disentanglement(codes, test.factors)}
    return {name: {key: round(value, 5) for key, value in row.items()} for name, row in kept.items()}


@cache
def images(split: str) -> data.Images:
    return data.load(SETTINGS["data"], split=split)


def work(name: str, seed: int) -> Row:
    """One row; in a process of its own, which draws the images once."""
    return measure(name, seed, images("train"), images("test"))


def main() -> None:
    parser = argparse.ArgumentParser(description="Every model on one data set with one budget.")
    parser.add_argument("--row", nargs=2, metavar=("NAME", "SEED"), help=f"one row alone; NAME of {', '.join(METHODS)}")
    wanted = parser.parse_args().row
    if wanted is not None:
        torch.set_num_threads(1)
        check_choice(wanted[0], METHODS, name="NAME")
        print(json.dumps(work(wanted[0], int(wanted[1])), indent=1))
        return
    started = time.perf_counter()
    rows = in_processes(work, [(name, seed) for seed, name in product(SEEDS, METHODS)])
    settings = SETTINGS | {"references": references(images("train"), images("test"))}
    print(record("side_by_side", settings, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
