"""Lesson 10: the VAE, DIP-VAE I and II and other forms of its penalty, on MNIST and sprites, three seeds each.

python results/dip_vae.py     writes dip_vae.json beside this file, which says how long it took
"""

import time
from dataclasses import dataclass
from functools import cache

import torch
from _recording import PROCESSES, in_processes, record
from torch import Tensor

from vae_tutorial import data, zoo
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.measures import (
    active_units,
    code_dataset,
    disentanglement,
    frechet_distance,
    gaussian_total_correlation,
    image_features,
    prior_test,
    reference_codes,
)
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import DIP, KL, Regularizer, code_covariance
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

SETTINGS = {
    "mnist": {"hidden": [256, 128], "z_dim": 10, "steps": 1500, "batch_size": 128, "lr": 1e-3, "schedule": "constant"},
    "sprites": {"hidden": [256, 256], "z_dim": 10, "steps": 6000, "batch_size": 64, "lr": 1e-3, "schedule": "cosine"},
    "sprites_side": 32,
    "sprites_train": 60_000,
    "sprites_test": 10_000,
    "tested_codes": 1000,
}
SEEDS = range(3)
Row = dict[str, float | int | str | dict[str, float] | None]


@dataclass(frozen=True)
class PublishedForm:
    """The penalty as a much-copied implementation computes it, in place of `DIP("ii", off_diagonal, diagonal)`.

    Means are centred over the latents of an image, not over the batch; their products are summed, not averaged; what is
    added is exp(2 logvar) = sigma^4, its mean over those entries [b, d] with b = d, and to all cells. That code sums
    its reconstruction over the batch as well: beside a mean, as here, that is the penalty divided by the batch size,
    `per_image`.
    """

    off_diagonal: float
    diagonal: float
    per_image: bool = False

    def __call__(self, q: DiagGaussian, z: Tensor, step: Tensor | float | None = None) -> Tensor:
        centred = q.mu - q.mu.mean(1, keepdim=True)
        covariance = centred.T @ centred + torch.exp(2 * q.logvar).diagonal().mean()
        variances = covariance.diagonal()
        pairs = (covariance - torch.diag(variances)).square().sum()
        penalty = self.off_diagonal * pairs + self.diagonal * (variances - 1).square().sum()
        return penalty / len(z) if self.per_image else penalty


@dataclass(frozen=True)
class InHalves:
    """weight * sum of products of S - I of one half of the batch and S - I of the other, S as in DIP-VAE-II.

    Halves err independently, so that the mean over batches is the penalty of all codes together, without what chance
    adds to the square of one batch's S.
    """

    weight: float

    def __call__(self, q: DiagGaussian, z: Tensor, step: Tensor | float | None = None) -> Tensor:
        half, identity = len(z) // 2, torch.eye(z.shape[1], device=z.device)
        one, other = (DiagGaussian(q.mu[part], q.logvar[part]) for part in (slice(half), slice(half, 2 * half)))
        return self.weight * ((code_covariance(one) - identity) * (code_covariance(other) - identity)).sum()


@dataclass(frozen=True)
class Late:
    """Another charge, from the step `start` on."""

    charge: Regularizer
    start: int

    def __call__(self, q: DiagGaussian, z: Tensor, step: Tensor | float | None = None) -> Tensor:
        on = 1.0 if step is None else (torch.as_tensor(step, device=z.device) >= self.start).float()
        return on * self.charge(q, z, step)


HALFWAY = SETTINGS["mnist"]["steps"] // 2
METHODS: dict[str, list[Regularizer]] = {  # beside the KL: weights off the diagonal, on the diagonal
    "VAE": [],
    "DIP-I 10, 100": [DIP("i", 10.0)],
    "DIP-II 10, 10": [DIP("ii", 10.0)],
    "DIP-II 100, 100": [DIP("ii", 100.0)],
    "DIP-II 10, 10, in halves": [InHalves(10.0)],
    "DIP-II 100, 100, in halves": [InHalves(100.0)],
    "DIP-II 10, 10, late": [Late(DIP("ii", 10.0), HALFWAY)],
    "DIP-II 100, 100, late": [Late(DIP("ii", 100.0), HALFWAY)],
    "published 5, 10": [PublishedForm(5.0, 10.0)],
    "published 5, 10, per image": [PublishedForm(5.0, 10.0, per_image=True)],
    "published 0.1, 0.05": [PublishedForm(0.1, 0.05)],
}
ON_SPRITES = ("VAE", "DIP-I 10, 100", "DIP-II 10, 10", "DIP-II 100, 100")


def train_one(method: str, seed: int, train: data.Images) -> VAE:
    """A model trained on MNIST or sprites, as SETTINGS say."""
    settings = dict(SETTINGS[train.name])
    torch.manual_seed(seed)
    model = VAE(*mlp(train.x.shape[1:], hidden=settings.pop("hidden"), z_dim=settings.pop("z_dim")))
    fit(model, Objective(KL(), *METHODS[method]), train, seed=seed, progress=False, **settings)
    return model


def correlations(mu: Tensor) -> Tensor:
    """The absolute correlation of each pair of columns of mu [n, z], [z (z - 1) / 2]; 0 where one never changes."""
    table = mu.double().T.corrcoef().nan_to_num().abs()
    return table[tuple(torch.triu_indices(len(table), len(table), 1))]


def frechet(real: Tensor, fake: Tensor) -> float:
    """The Fréchet distance of two sets of images in the features of the judge."""
    judge = zoo.classifier()
    return round(frechet_distance(image_features(judge, real), image_features(judge, fake)), 2)


def rounded_scores(codes: Tensor, factors: Tensor, seed: int = 0) -> dict[str, float]:
    """The six scores of disentanglement."""
    return {name: round(score, 4) for name, score in disentanglement(codes, factors, seed=seed).items()}


def measure(method: str, seed: int, train: data.Images, test: data.Images) -> Row:
    """Train one model; measure nats per test image, covariances of its codes, and what only one of the data sets has.

    correlation: of the posterior means, absolute, its mean over pairs; correlation_active: over latents of mean
    variance above 0.01. variance: of the codes z. frechet: of samples and test images in the eyes of the judge, as of
    MNIST only; scores: of the means beside the factors, of sprites only.
    """
    model = train_one(method, seed, train)
    torch.manual_seed(seed)
    terms, q = evaluate(model, Objective(KL()), test), code_dataset(model, test.x)
    z, covariance, of_means = q.sample(), code_covariance(q, "ii"), code_covariance(q, "i").diagonal()
    variances = covariance.diagonal()
    pairs = correlations(q.mu)
    some = correlations(q.mu[:, of_means > 0.01]) if (of_means > 0.01).sum() > 1 else torch.zeros(1)
    crowd = prior_test(z[:: len(z) // SETTINGS["tested_codes"]], seed=seed)  # MNIST's first test images are easier
    sprites = train.name == "sprites"
    return {
        "data": train.name,
        "method": method,
        "seed": seed,
        "reconstruction": round(terms.reconstruction.item(), 3),
        "kl": round(terms.kl.item(), 3),
        "minus_elbo": round(terms.loss.item(), 3),
        "active_units": active_units(model, test.x),
        "correlation": round(pairs.mean().item(), 4),
        "correlation_most": round(pairs.max().item(), 4),
        "correlation_active": round(some.mean().item(), 4),
        "covariance": round((covariance - torch.diag(variances)).abs().sum().item() / (2 * len(pairs)), 4),
        "variance_least": round(variances.min().item(), 4),
        "variance_most": round(variances.max().item(), 4),
        "mean_variance_least": round(of_means.min().item(), 4),
        "mean_variance_most": round(of_means.max().item(), 4),
        "total_correlation": round(gaussian_total_correlation(z), 4),
        "total_correlation_means": round(gaussian_total_correlation(q.mu), 4),
        "mmd2": round(crowd.mmd2, 5),
        "mmd2_null": round(crowd.null, 5),
        "frechet": None if sprites else frechet(test.x, model.sample(len(test)).cpu()),
        "scores": rounded_scores(q.mu, test.factors, seed) if sprites else {},
    }


@cache
def sets(name: str) -> tuple[data.Images, data.Images]:
    """Training and test images of MNIST or of sprites."""
    if name == "mnist":
        return data.load("mnist", "train", fallback=False), data.load("mnist", "test", fallback=False)
    few, many, side = (SETTINGS[f"sprites_{key}"] for key in ("test", "train", "side"))
    return data.sprites.make(many, seed=0, side=side), data.sprites.make(few, seed=0, skip=many, side=side)


def work(name: str, method: str, seed: int) -> Row:
    """One row; in a process of its own, which loads or draws the images once."""
    return measure(method, seed, *sets(name))


def references() -> dict[str, dict[str, dict[str, float]]]:
    """Scores of the factors themselves, of the factors rotated, and of noise: ceilings and floors on sprites."""
    _, test = sets("sprites")
    codes = reference_codes(test.factors, SETTINGS["sprites"]["z_dim"])
    return {"references": {name: rounded_scores(z, test.factors) for name, z in codes.items()}}


def data_frechet() -> dict[str, float]:
    """What as many training images as there are test images would get in place of samples."""
    train, test = sets("mnist")
    return {"frechet_data": frechet(test.x, train.x[: len(test)])}


def main() -> None:
    started = time.perf_counter()
    jobs = [
        (name, method, seed)
        for name, methods in (("mnist", METHODS), ("sprites", ON_SPRITES))
        for seed in SEEDS
        for method in methods
    ]
    rows = in_processes(work, jobs)
    found = data_frechet() | references() | {"processes": PROCESSES}
    print(record("dip_vae", SETTINGS | found, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
