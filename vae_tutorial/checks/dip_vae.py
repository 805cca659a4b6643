"""Checks of exercise 10, its penalty: covariances of means and of codes, DIP, the loss, a published one mended."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from vae_tutorial import data
from vae_tutorial.checks.answers import ask, given
from vae_tutorial.checks.comparing import Verdict, matches, one_of
from vae_tutorial.checks.toys import draw
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.measures import code_dataset
from vae_tutorial.networks import mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL, code_covariance
from vae_tutorial.training import fit
from vae_tutorial.vae import VAE

FAULTS = (
    "centred over the latents",
    "not divided by the batch size",
    "clouds added to every cell",
    "no 1 taken from the diagonal",
)
# What each slip of the published code raises as a question.
SLIPS = {
    "centred": "which axis is centred?",
    "divided": "what divides by the number of images?",
    "sigma": "of what is `logvar` the logarithm?",
    "placed": "to which cells of S do the clouds add, and each of them what?",
}
RUNS = {"A": "centred", "B": "placed", "C": "divided"}  # of three colleagues


def mean_covariance(function: Callable, *, seed: int = 0, b: int = 8, z: int = 3) -> Iterator[Verdict]:
    """A learner's mu [b, z] -> the covariance of the batch's means [z, z], divided by b or by b - 1."""
    mu, _ = _batch(seed, b, z)
    over_batch, over_latents = mu - mu.mean(0), mu - mu.mean(1, keepdim=True)
    truth = over_batch.T @ over_batch / b
    yield matches(
        "is the covariance of the means over the batch",
        ask(function, mu),
        truth,
        or_else=[truth * b / (b - 1)],
        slips={
            "each image is centred over its own latents: of what are these the means?": over_latents.T
            @ over_latents
            / b,
            "the means are not centred": mu.T @ mu / b,
            "nothing divides by the number of images": over_batch.T @ over_batch,
            "centred over the latents of each image, and not divided": over_latents.T @ over_latents,
            "the sum is taken away where the mean belongs": (mu - mu.sum(0)).T @ (mu - mu.sum(0)) / b,
            "these are correlations: the penalty is of covariances": mu.T.corrcoef(),
            "these are the variances alone: what of the pairs?": over_batch.square().mean(0),
            "this is for pairs of images: between what is a covariance asked?": over_batch @ over_batch.T / b,
            "this is for pairs of images: `torch.cov` takes each row for a variable": mu.cov(),
            "one mean is taken of all numbers: each latent has its own": (mu - mu.mean()).T @ (mu - mu.mean()) / b,
            "this divides by the number of latents": over_batch.T @ over_batch / z,
            "this is the mean over images and latents": over_batch.T @ over_batch / (b * z),
        },
    )
    yield matches(
        "does not change when all means are moved", ask(function, mu + 5), truth, or_else=[truth * b / (b - 1)]
    )


def covariance(function: Callable, *, seed: int = 0, b: int = 8, z: int = 3) -> Iterator[Verdict]:
    """A learner's (mu, logvar), both [b, z] -> the covariance of the batch's codes [z, z]."""
    mu, logvar = _batch(seed, b, z)
    of_means, clouds = mu.T.cov(correction=0).view(z, z), logvar.exp()
    second = (mu[:, :, None] * mu[:, None, :] + torch.diag_embed(clouds)).mean(0)  # E[z z^T] of the mixture
    truth = second - torch.outer(mu.mean(0), mu.mean(0))
    yield matches(
        "is the covariance of the mixture of all clouds",
        ask(function, mu, logvar),
        truth,
        or_else=[truth + of_means / (b - 1)],
        slips={
            "`exp(2 * logvar)` is σ⁴: of what is `logvar` the logarithm?": of_means
            + torch.diag(torch.exp(2 * logvar).mean(0)),
            "σ stands where σ² belongs": of_means + torch.diag(torch.exp(logvar / 2).mean(0)),
            "`logvar` itself is added: how do you get from log σ² to σ²?": of_means + torch.diag(logvar.mean(0)),
            "the mean is taken of log σ², before the exponential": of_means + torch.diag(logvar.mean(0).exp()),
            "one number is added to every cell: clouds that are diagonal add to which?": of_means + clouds.mean(),
            "one number is added to the whole diagonal: are all latents' clouds alike?": of_means
            + clouds.mean() * torch.eye(z),
            "the clouds are added to every row: clouds that are diagonal add to which cells?": of_means
            + clouds.mean(0),
            "the widths are summed over the images: it is their mean": of_means + torch.diag(clouds.sum(0)),
            "these are the means alone: how wide are the clouds?": of_means,
            "these are the clouds alone: how are their centres spread?": torch.diag(clouds.mean(0)),
            "centred over the latents of each image": _published(mu, logvar, {"centred"}),
            "nothing divides by the number of images": _published(mu, logvar, {"divided"}),
        },
    )


def penalty(function: Callable, *, seed: int = 0, z: int = 4) -> Iterator[Verdict]:
    """A learner's (S [z, z], off_diagonal, diagonal) -> the DIP penalty."""
    mu, logvar = _batch(seed, 20, z)
    S = code_covariance(DiagGaussian(mu, logvar)) / 2
    off, on = _pairs(S), S.diagonal() - 1
    pairs, variances = off.square().sum(), on.square().sum()
    yield matches(
        "is the penalty of this covariance",
        ask(function, S, 5.0, 8.0),
        5 * pairs + 8 * variances,
        slips={
            "the two weights are exchanged": 8 * pairs + 5 * variances,
            "variances are to be 1, not 0": 5 * pairs + 8 * S.diagonal().square().sum(),
            "these are absolute values: the penalty is of squares": 5 * off.abs().sum() + 8 * on.abs().sum(),
            "each pair counts once: S[i, j] and S[j, i] both stand in the sum": 5 * pairs / 2 + 8 * variances,
            "the diagonal is counted among the pairs too": 5 * S.square().sum() + 8 * variances,
            "the diagonal is charged twice, with either weight": 5 * pairs + (5 + 8) * variances,
            "variances are squared before the 1 is taken away": 5 * pairs + 8 * (S.diagonal().square() - 1).sum(),
            "this is a mean: the penalty is a sum": 5 * off.square().mean() + 8 * on.square().mean(),
            "a 1 is taken from every cell: what are covariances to be?": 5 * _pairs(S - 1).square().sum()
            + 8 * variances,
            "one weight is charged for all": 5 * (pairs + variances),
            "the diagonal is not charged": 5 * pairs,
            "the pairs are not charged": 8 * variances,
            "the sums are squared: it is a sum of squares": 5 * off.sum().square() + 8 * on.sum().square(),
        },
    )
    yield matches("is 0 for the prior's covariance", ask(function, torch.eye(z), 5.0, 8.0), torch.zeros(()))


def loss(function: Callable, *, seed: int = 0, b: int = 8, z: int = 3) -> Iterator[Verdict]:
    """A learner's (reconstruction [b], kl [b], mu, logvar, off_diagonal, diagonal) -> the loss of DIP-VAE-II."""
    mu, logvar = _batch(seed, b, z)
    reconstruction, kl = 40 + 8 * draw(seed + 2, b), DiagGaussian(mu, logvar).kl()
    nats, truth, one_less = (reconstruction + kl).mean(), *_either(mu, logvar, 2.0, 3.0)
    of_means = _charge(mu.T.cov(correction=0).view(z, z), 2.0, 3.0)
    yield matches(
        "is the loss, in nats per image",
        ask(function, reconstruction, kl, mu, logvar, 2.0, 3.0),
        nats + truth,
        or_else=[nats + one_less],
        slips={
            "the penalty is divided by the number of images: it is one number of the whole batch": nats + truth / b,
            "the penalty is charged once for each image: it is one number of the whole batch": nats + truth * b,
            "reconstruction and KL are summed over the images: they are means": nats * b + truth,
            "everything is summed over the images": (nats + truth) * b,
            "the KL is missing: the penalty is charged beside it": reconstruction.mean() + truth,
            "the KL is taken away: it is a charge": (reconstruction - kl).mean() + truth,
            "the reconstruction is missing": kl.mean() + truth,
            "the penalty is missing": nats,
            "the penalty is taken away: it is a charge": nats - truth,
            "this is the penalty of the means: II takes that of the codes": nats + of_means,
            "the two weights are exchanged": nats + _either(mu, logvar, 3.0, 2.0)[0],
            "this is one number for each image: give the mean": reconstruction + kl + truth,
        },
    )


def mended(function: Callable, *, seed: int = 0, b: int = 8, z: int = 5) -> Iterator[Verdict]:
    """A learner's (mu, logvar, off_diagonal, diagonal) -> the penalty of DIP-II, without the published slips."""
    off, on = 5.0, 10.0  # with three or four latents two different slips cost the prior's batch the same
    of_prior, batch = 0.75**0.5 * whiten(draw(seed + 3, b, z).double()), _batch(seed, b, z)
    quarter = torch.full_like(of_prior, 0.25).log()
    for claim, mu, logvar, truth in (
        ("is 0 where means of variance ¾ and clouds of ¼ give the prior", of_prior, quarter, torch.zeros(())),
        ("is the penalty of this batch", *batch, _either(*batch, off, on)[0]),
    ):
        one_less, of_means = _either(mu, logvar, off, on)[1], mu.T.cov(correction=0).view(z, z)
        sentences = {
            "still in it: " + " ".join(SLIPS[slip] for slip in some): _charge(
                _published(mu, logvar, set(some)), off, on
            )
            for count in range(1, len(SLIPS) + 1)
            for some in combinations(SLIPS, count)
        }
        for sentence, clouds in {
            "σ stands where σ² belongs": torch.diag(torch.exp(logvar / 2).mean(0)),
            "one number is added to the whole diagonal: are all latents' clouds alike?": logvar.exp().mean()
            * torch.eye(z),
            "the clouds are added to every row: clouds that are diagonal add to which cells?": logvar.exp().mean(0),
        }.items():
            sentences[sentence] = _charge(of_means + clouds, off, on)
        answer = ask(function, mu, logvar, off, on)
        yield matches(claim, answer, truth, or_else=[one_less], slips=sentences, atol=1e-6 + 1e-4 * truth)


def fault(value: Any) -> Iterator[Verdict]:
    """A learner's name for what is wrong with a colleague's penalty: whether it is one of those to choose from."""
    yield one_of("is one of the four faults", given(value), FAULTS)


def sick_run(run: str = "") -> dict[str, Tensor]:
    """Covariances and correlations of a colleague's model "A", "B" or "C", or of one without a fault; two seconds."""
    slips = {RUNS[run]} if run else set()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = VAE(*mlp(hidden=(64,), z_dim=5))

    def charge(q: DiagGaussian, z: Tensor, step: Any = None) -> Tensor:
        return _charge(_published(q.mu, q.logvar, slips), 100.0, 100.0)

    images = data.load("digits", limit=4_000)
    fit(model, Objective(KL(), charge), images, steps=400, batch_size=64, lr=2e-3, progress=False)
    q = code_dataset(model, images.x[:2_000])
    return {
        "covariance of the means": code_covariance(q, "i"),
        "covariance of the codes": code_covariance(q, "ii"),
        "correlation of the means": q.mu.T.corrcoef(),
    }


def whiten(codes: Tensor) -> Tensor:
    """Codes [n, z], moved and mapped so that their covariance is exactly the identity, with the divisor n."""
    centred = codes - codes.mean(0)
    return centred @ torch.linalg.inv(torch.linalg.cholesky(centred.T @ centred / len(codes))).T


def _batch(seed: int, b: int, z: int) -> tuple[Tensor, Tensor]:
    """Means whose latents go together and lie off 0, and log variances, both [b, z]."""
    mu, logvar = draw(seed, 2, b, z)
    return mu + 0.6 * mu.roll(1, dims=1) + torch.arange(1.0, z + 1), 0.7 * logvar - 0.5


def _published(mu: Tensor, logvar: Tensor, slips: set[str]) -> Tensor:
    """The covariance of the codes [z, z] with some of the slips of the published code; without any, as it should be."""
    centred = mu - mu.mean(1 if "centred" in slips else 0, keepdim="centred" in slips)
    S = centred.T @ centred / (1 if "divided" in slips else len(mu))
    clouds = torch.exp((2 if "sigma" in slips else 1) * logvar)
    return S + (clouds.diagonal().mean() if "placed" in slips else torch.diag(clouds.mean(0)))


def _pairs(S: Tensor) -> Tensor:
    return S - torch.diag(S.diagonal())


def _charge(S: Tensor, off_diagonal: float, diagonal: float) -> Tensor:
    return off_diagonal * _pairs(S).square().sum() + diagonal * (S.diagonal() - 1).square().sum()


def _either(mu: Tensor, logvar: Tensor, off_diagonal: float, diagonal: float) -> tuple[Tensor, Tensor]:
    """The penalty with either divisor, the number of images or one less."""
    clouds, b = torch.diag(logvar.exp().mean(0)), len(mu)
    covariances = (mu.T.cov(correction=0).view(clouds.shape) * factor + clouds for factor in (1, b / (b - 1)))
    of_all, of_one_less = (_charge(S, off_diagonal, diagonal) for S in covariances)
    return of_all, of_one_less
