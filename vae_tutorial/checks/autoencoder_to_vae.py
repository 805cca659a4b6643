"""Checks of exercise 01: reparameterisation, KL, ELBO, a training step, samples."""

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from vae_tutorial.checks.answers import ask, given
from vae_tutorial.checks.comparing import Verdict, holds, matches
from vae_tutorial.checks.toys import SIDE, draw, no_pixels, toy_images, toy_vae
from vae_tutorial.gaussian import DiagGaussian

CONTRAST = 12.0  # of the model whose samples are looked at


def reparameterise(function: Callable, *, seed: int = 0, b: int = 5, z: int = 3) -> Iterator[Verdict]:
    """A learner's (mu, logvar, eps) -> z, all [b, z]."""
    mu, logvar, eps = draw(seed, 3, b, z)
    answer = ask(function, mu, logvar, eps)
    yield matches(
        "is the code that this noise makes of each cloud",
        answer,
        mu + torch.exp(logvar / 2) * eps,
        slips={
            "this is what comes out if logvar is taken for sigma: how do you get from log σ² to σ?": mu + logvar * eps,
            "this is what comes out if the variance stands where σ belongs": mu + torch.exp(logvar) * eps,
            "this is what comes out if σ = exp(2 log σ²): does the factor belong above or below?": mu
            + torch.exp(2 * logvar) * eps,
            "the square root is taken of log σ², before the exponential": mu + logvar.abs().sqrt() * eps,
            "the noise is not scaled: where is σ?": mu + eps,
            "this is σ · ε: where is the mean?": torch.exp(logvar / 2) * eps,
            "this is the mean alone: nothing was drawn": mu,
            "μ is scaled by the noise and σ is not: which of the two does ε belong to?": mu * eps
            + torch.exp(logvar / 2),
            "σ carries a minus sign: 1/σ is what exp(−log σ² / 2) gives": mu + torch.exp(-logvar / 2) * eps,
        },
    )
    yield matches("adds nothing where the noise is 0", ask(function, mu, logvar, torch.zeros(b, z)), mu)


def kl_divergence(function: Callable, *, seed: int = 0, b: int = 5, z: int = 3) -> Iterator[Verdict]:
    """A learner's (mu, logvar) -> KL of each image [b]."""
    mu, logvar = draw(seed, 2, b, z)
    q = DiagGaussian(mu, logvar)
    truth, terms, sigma = q.kl(), q.kl_terms(), torch.exp(logvar / 2)
    yield matches(
        "is the KL of each image, summed over its latents",
        ask(function, mu, logvar),
        truth,
        slips={
            "is the ½ there?": 2 * truth,
            "the sign is turned: a KL is never negative": -truth,
            "this is one number for each latent of each image: which axis is summed?": terms,
            "this is summed over the images, not over the latents": terms.sum(0),
            "this is the average over the latents: a KL is their sum": terms.mean(-1),
            "this is summed over images and latents: keep one number for each image": truth.sum(),
            "this is the average over the images: keep one number for each": truth.mean(),
            "the − 1 is missing": truth + z / 2,
            "this takes logvar for σ": 0.5 * (mu**2 + logvar**2 - 1 - torch.log(logvar**2)).sum(-1),
            "this takes log σ² for log σ: σ² is exp(log σ²)": 0.5
            * (mu**2 + torch.exp(2 * logvar) - 1 - 2 * logvar).sum(-1),
            "σ stands where σ² belongs": 0.5 * (mu**2 + sigma - 1 - logvar).sum(-1),
            "this is the KL the other way round, of the prior from the cloud: which comes first?": 0.5
            * ((1 + mu**2) / sigma**2 - 1 + logvar).sum(-1),
            "μ has to be squared": 0.5 * (mu + torch.exp(logvar) - 1 - logvar).sum(-1),
            "the term of μ is missing": 0.5 * (torch.exp(logvar) - 1 - logvar).sum(-1),
        },
    )
    at_prior = ask(function, torch.zeros(b, z), torch.zeros(b, z))
    yield matches("costs nothing where the cloud is the prior", at_prior, torch.zeros(b))


def price(value: Any, variant: SimpleNamespace) -> Iterator[Verdict]:
    """A learner's price of a cloud of `z_dim` latents, each with the mean `mu` and standard deviation `sigma`."""
    z, sigma = variant.z_dim, variant.sigma

    def cost(logvar: float) -> Tensor:
        return DiagGaussian(torch.full((1, z), variant.mu), torch.full((1, z), logvar)).kl()

    truth = cost(2 * math.log(sigma))
    yield matches(
        "is the KL of this cloud",
        given(value),
        truth,
        atol=0.01 * truth,
        secret=True,
        slips={
            "this takes σ for log σ²": cost(sigma),
            "this takes σ² for log σ²": cost(sigma**2),
            "this takes log σ for log σ²": cost(math.log(sigma)),
            "the last term takes log σ for log σ²": truth + 0.5 * z * math.log(sigma),
            "this is the price of one latent": truth / z,
            "these are bits: a nat is 1.44 of them": truth / math.log(2),
            "is the ½ there?": 2 * truth,
        },
    )


def minus_elbo(function: Callable, *, seed: int = 0, b: int = 6, z: int = 3) -> Iterator[Verdict]:
    """A learner's (logits, x, mu, logvar) -> (loss, reconstruction, kl), means over the batch, in nats per image."""
    mu, logvar = draw(seed, 2, b, z)
    logits, x = draw(seed + 1, b, 1, SIDE, SIDE), toy_images(seed + 2, b)
    pixels, kl = F.binary_cross_entropy_with_logits(logits, x, reduction="none"), DiagGaussian(mu, logvar).kl().mean()
    rec = pixels.sum() / b
    twice = F.binary_cross_entropy_with_logits(torch.sigmoid(logits), x, reduction="sum") / b
    probabilities = F.binary_cross_entropy(logits.clamp(1e-6, 1 - 1e-6), x, reduction="sum") / b
    yield matches(
        "gives loss, reconstruction and KL in nats per image",
        ask(function, logits, x, mu, logvar),
        {"loss": rec + kl, "reconstruction": rec, "kl": kl},
        slips={
            "the KL has to be added: −ELBO is what both cost together": {"loss": rec - kl, "reconstruction": rec},
            "the reconstruction is averaged over pixels: it is a sum": {"reconstruction": pixels.mean()},
            "the reconstruction is summed over the images too: it is their mean": {"reconstruction": pixels.sum()},
            "the reconstruction is one number for each image: give the mean": {
                "reconstruction": pixels.flatten(1).sum(1)
            },
            "the KL is summed over the images: it is their mean": {"kl": kl * b},
            "the KL is averaged over latents: it is a sum": {"kl": kl / z},
            "the KL is one number for each image: give the mean": {"kl": DiagGaussian(mu, logvar).kl()},
            "the sigmoid is taken twice: these are logits, and a loss that says `with_logits` takes its own": {
                "reconstruction": twice
            },
            "the logits were taken for probabilities": {"reconstruction": probabilities},
            "logits and images are exchanged": {
                "reconstruction": F.binary_cross_entropy_with_logits(x, logits, reduction="sum") / b
            },
            "the loss is the reconstruction alone": {"loss": rec, "reconstruction": rec},
            "this is a squared error: pixels that are black or white ask for the binary cross-entropy": {
                "reconstruction": (torch.sigmoid(logits) - x).square().sum() / b
            },
        },
    )


def training_step(function: Callable, *, seed: int = 0, b: int = 6, z: int = 3) -> Iterator[Verdict]:
    """A learner's (seed, x, eps, lr) -> (losses [3], weights [w]) after steps with x [3, b, ...], eps [3, b, z]."""
    x, eps, lr = toy_images(seed, 3, b), draw(seed + 1, 3, b, z), 0.02

    def descended(rate: float = lr, **slip: bool) -> dict[str, Tensor]:
        return dict(zip(("losses", "weights"), _descend(seed, x, eps, rate, **slip), strict=True))

    without_kl = descended(charged=False)
    yield matches(
        "three steps end at the weights of gradient descent on −ELBO",
        ask(function, seed, x, eps, lr),
        descended(),
        slips={
            "the weights do not move: who takes the optimizer's step, and do the gradients last until then?": descended(
                moving=False
            ),
            "the encoder does not move: `model.encode` is for looking, and gives no gradients": descended(looking=True),
            "old gradients are added to the new ones: who sets them to zero?": descended(fresh=False),
            "the KL is not part of what is lowered": without_kl,
            "the KL is in what is returned, but not in what is lowered": {"weights": without_kl["weights"]},
            "the noise that is given is not used: the decoder sees the mean": descended(drawn=False),
            "no gradient of the reconstruction reaches the encoder: does the draw let it pass?": descended(
                passing=False
            ),
            "the loss climbs: is it the loss itself whose gradient is taken?": descended(-lr),
            "this is −ELBO behind the step: give the one before it": descended(late=True),
        },
    )


def sample_grid(
    function: Callable, *, seed: int = 0, rows: int = 20, columns: int = 30, z: int = 3
) -> Iterator[Verdict]:
    """A learner's (seed, rows, columns) -> picture [rows * h, columns * w] of samples of the toy VAE of that seed."""
    model = toy_vae(seed, z, contrast=CONTRAST)
    codes = draw(seed + 1, 20_000, z)
    images = model.decode(codes)
    truth, pages = _seen(images), images[: len(images) // (rows * columns) * rows * columns]
    picture = ask(function, seed, rows, columns)
    shape = matches(
        "is one picture, rows * h by columns * w",
        picture.then(torch.ones_like),
        torch.ones(rows * SIDE, columns * SIDE),
    )
    yield shape
    if shape.problem:
        return
    tiles = picture.then(_tiles)
    yield holds("has pixels in [0, 1]", no_pixels, picture)
    yield holds(
        "draws a code for each image", lambda t: "all images are the same" if (t == t[0]).all() else None, tiles
    )
    yield matches(
        "has every pixel's mean and spread under codes from N(0, I)",
        tiles.then(_seen),
        truth,
        atol=4 * truth["spread"].max() / (rows * columns) ** 0.5,
        slips={
            "this is what codes between 0 and 1 would give: the prior is N(0, I)": _seen(
                model.decode(codes.erf() / 2 + 0.5)
            ),
            "the sigmoid is taken twice": _seen(images.sigmoid()),
            "each image is turned: rows and columns of its pixels are exchanged": _seen(images.mT),
            "images are cut up: `view` and `reshape` put no image beside another": _seen(
                _tiles(pages.reshape(-1, columns * SIDE))
            ),
            "images are interleaved: along an axis, an image's pixels have to follow one another": _seen(
                _tiles(rearrange(pages, "(n r c) 1 h w -> (n h r) (w c)", r=rows, c=columns))
            ),
        },
    )


def _tiles(picture: Tensor) -> Tensor:
    """The images [n, 1, h, w] side by side in a picture."""
    return rearrange(picture, "(r h) (c w) -> (r c) 1 h w", h=SIDE, w=SIDE)


def _seen(images: Tensor) -> Any:
    """Mean and standard deviation of every pixel [h, w] over the images [n, 1, h, w]."""
    return {"mean": images.mean((0, 1)), "spread": images.std(0)[0]}


def _descend(
    seed: int,
    x: Tensor,
    eps: Tensor,
    lr: float,
    *,
    charged: bool = True,
    drawn: bool = True,
    moving: bool = True,
    fresh: bool = True,
    looking: bool = False,
    passing: bool = True,
    late: bool = False,
) -> tuple[Tensor, Tensor]:
    """Gradient descent by hand: w - lr * gradient, one step for each batch, with or without a slip."""
    model = toy_vae(seed, eps.shape[-1])

    def cost(images: Tensor, noise: Tensor) -> Tensor:
        q = model.encode(images) if looking else model.encoder(images)
        z = q.mu + torch.exp(q.logvar / 2) * noise * drawn
        logits = model.decoder(z if passing else z.detach())
        pixels = F.binary_cross_entropy_with_logits(logits, images, reduction="sum")
        return pixels / len(images) + q.kl().mean() * charged

    weights = list(model.parameters())
    losses, gradients = [], [torch.zeros_like(w) for w in weights]
    for batch in zip(x, eps, strict=True):
        loss = cost(*batch)
        new = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
        gradients = [g if fresh else old + g for old, g in zip(gradients, new, strict=True)]
        with torch.no_grad():
            for w, g in zip(weights, gradients, strict=True):
                w.sub_(lr * g * moving)
        losses.append((cost(*batch) if late else loss).detach())
    return torch.stack(losses), torch.cat([w.detach().flatten() for w in weights])
