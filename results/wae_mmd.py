"""Lesson 11: the VAE beside Wasserstein autoencoders with several penalties, eight latents, three seeds each, on MNIST.

python results/wae_mmd.py     writes wae_mmd.json beside this file, which says how long it took
"""

import math
import time
from dataclasses import dataclass

import torch
from _recording import record
from tqdm import tqdm

from vae_tutorial import data, zoo
from vae_tutorial.likelihoods import Gaussian, Likelihood
from vae_tutorial.measures import (
    active_units,
    code_dataset,
    frechet_distance,
    image_features,
    precision_recall,
    prior_test,
    sharpness,
)
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.pixels import as_float
from vae_tutorial.regularizers import KL, MMD
from vae_tutorial.training import critic, fit, fit_wae_gan
from vae_tutorial.vae import VAE

PIXELS = 28 * 28
SQUARED_ERROR = Gaussian(sigma=math.sqrt(0.5))  # its cost is the summed squared error, plus a constant
MEAN_SQUARED_ERROR = Gaussian(sigma=math.sqrt(PIXELS / 2))  # averaged over the pixels


@dataclass(frozen=True)
class Method:
    """objective: None for the critic of WAE-GAN, with `weight`."""

    objective: Objective | None
    likelihood: Likelihood = SQUARED_ERROR
    deterministic: bool = True
    weight: float = 0.0


METHODS = {
    "VAE": Method(Objective(KL()), deterministic=False),
    "VAE, sigma 0.3": Method(Objective(KL()), Gaussian(sigma=0.3), deterministic=False),
    "VAE, sigma fitted": Method(Objective(KL()), Gaussian(sigma="calibrated"), deterministic=False),
    "autoencoder": Method(Objective()),
    "WAE-MMD, weight 1": Method(Objective(MMD(1.0))),
    "WAE-MMD, weight 10": Method(Objective(MMD(10.0))),
    "WAE-MMD, weight 200": Method(Objective(MMD(200.0))),
    "WAE-MMD, weight 2000": Method(Objective(MMD(2000.0))),
    "WAE-MMD, RBF, weight 200": Method(Objective(MMD(200.0, "rbf"))),
    "WAE-MMD, with clouds": Method(Objective(MMD(200.0)), deterministic=False),
    "WAE-MMD, pixels averaged": Method(Objective(MMD(200.0)), MEAN_SQUARED_ERROR),
    "WAE-GAN, weight 5": Method(None, weight=5.0),
    "WAE-GAN, weight 200": Method(None, weight=200.0),
}
SETTINGS = {
    "data": "mnist",
    "epochs": 4,
    "batch_size": 128,
    "lr": 1e-3,
    "hidden": [256, 128],
    "z_dim": 8,
    "critic_hidden": [256, 256],
    "tested_codes": 1000,
    "neighbours": 3,
    "neighbour_images": 2000,
}
SEEDS = range(3)
Row = dict[str, float | int | str]


def train_one(name: str, seed: int, train: data.Images) -> tuple[VAE, float]:
    """A trained model of METHODS, and the seconds it took."""
    method = METHODS[name]
    torch.manual_seed(seed)
    networks = mlp(hidden=SETTINGS["hidden"], z_dim=SETTINGS["z_dim"], deterministic=method.deterministic)
    model = VAE(*networks, method.likelihood)
    options = {key: SETTINGS[key] for key in ("epochs", "batch_size", "lr")} | {"seed": seed, "progress": False}
    if method.objective is not None:
        return model, fit(model, method.objective, train, **options).seconds
    judge = critic(SETTINGS["z_dim"], SETTINGS["critic_hidden"])
    return model, fit_wae_gan(model, judge, train, weight=method.weight, **options).seconds


def measure(name: str, seed: int, train: data.Images, test: data.Images) -> Row:
    """Train one model; measure its reconstructions, the crowd of its codes, and as many samples as test images.

    kl, in nats, and sigma, a mean over latents, say something of models with clouds only.
    """
    model, seconds = train_one(name, seed, train)
    torch.manual_seed(seed)
    q = code_dataset(model, test.x)
    z, samples = q.sample(), model.sample(len(test)).cpu()
    reconstructions = model.decode(q.mu).cpu()
    crowd = prior_test(z[:: len(z) // SETTINGS["tested_codes"]], seed=seed)
    covariance = z.T.cov()
    variances = torch.linalg.eigvalsh(covariance)
    judge = zoo.classifier()
    real, fake, again = (image_features(judge, images) for images in (test.x, samples, reconstructions))
    few = SETTINGS["neighbour_images"]
    step = len(real) // few  # not the first ones: they are no fair sample of MNIST's test images
    precision, recall = precision_recall(real[::step], fake[:few], k=SETTINGS["neighbours"])
    return {
        "method": name,
        "seed": seed,
        "squared_error": round((reconstructions - as_float(test.x)).square().flatten(1).sum(1).mean().item(), 3),
        "kl": round(q.kl().mean().item(), 3),
        "sigma": round(torch.exp(q.logvar / 2).mean().item(), 4),
        "active_units": active_units(model, test.x),
        "mmd2": round(crowd.mmd2, 5),
        "mmd2_null": round(crowd.null, 5),
        "p_value": round(crowd.p_value, 4),
        "std_least": round(z.std(0).min().item(), 3),
        "std_most": round(z.std(0).max().item(), 3),
        "variance_least": round(variances[0].item(), 3),
        "variance_most": round(variances[-1].item(), 3),
        "frechet_samples": round(frechet_distance(real, fake), 2),
        "frechet_reconstructions": round(frechet_distance(real, again), 2),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "sharpness_samples": round(sharpness(samples).mean().item(), 5),
        "sharpness_reconstructions": round(sharpness(reconstructions).mean().item(), 5),
        "seconds": round(seconds, 1),
    }


def ceiling(train: data.Images, test: data.Images) -> dict[str, float]:
    """What as many training images as there are test images would get in place of samples."""
    judge, few = zoo.classifier(), SETTINGS["neighbour_images"]
    real, other = (image_features(judge, images) for images in (test.x, train.x[: len(test)]))
    step = len(real) // few
    precision, recall = precision_recall(real[::step], other[::step], k=SETTINGS["neighbours"])
    return {
        "frechet_data": round(frechet_distance(real, other), 2),
        "precision_data": round(precision, 4),
        "recall_data": round(recall, 4),
        "sharpness_data": round(sharpness(test.x).mean().item(), 5),
    }


def main() -> None:
    train, test = (data.load(SETTINGS["data"], split=split, fallback=False) for split in ("train", "test"))
    started = time.perf_counter()
    rows = []
    for seed in SEEDS:
        for name in tqdm(METHODS):
            rows.append(measure(name, seed, train, test))
            print(rows[-1], flush=True)
    print(record("wae_mmd", SETTINGS | ceiling(train, test), rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
