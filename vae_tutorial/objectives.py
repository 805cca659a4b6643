"""What training minimises. The one place where terms are added: sum over pixels and latents, mean over the batch."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from einops import repeat
from torch import Tensor

from vae_tutorial.arguments import check_whole
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.regularizers import Regularizer
from vae_tutorial.vae import Model

# Codes decoded at once, where an image has several: 4,000 of 28x28, with their logits, take about 50 MB.
TOGETHER = 4_000


class Terms(NamedTuple):
    """A loss and its parts, each a mean over images in nats; loss = reconstruction + regularizer.

    `kl` is always measured, whether or not the loss charges it, so that every method is a point in one plane of rate
    (kl) against distortion (reconstruction). -ELBO = reconstruction + kl.
    """

    loss: Tensor
    reconstruction: Tensor
    kl: Tensor
    regularizer: Tensor


class Objective:
    """Reconstruction plus any number of regularizers.

    `Objective()` is a plain autoencoder, `Objective(KL())` the VAE. With `warmup`, the regularizers come in linearly
    over that many steps. Raises TypeError for a regularizer that cannot be called, TypeError or ValueError for a warmup
    that is no whole number of at least 0.
    """

    def __init__(self, *regularizers: Regularizer, warmup: int = 0):
        for charge in regularizers:
            if not callable(charge) or isinstance(charge, type):
                raise TypeError(f"regularizers must be instances such as KL(), got {charge!r}")
        check_whole(warmup, name="warmup", least=0)
        self.regularizers, self.warmup = regularizers, warmup

    def __repr__(self) -> str:
        parts = [*map(repr, self.regularizers), *([f"warmup={self.warmup}"] if self.warmup else [])]
        return f"Objective({', '.join(parts)})"

    def __call__(self, model: Model, x: Tensor, y: Tensor | None = None, step: Tensor | float | None = None) -> Terms:
        """The terms of one batch x [b, c, h, w], in nats per image. y: labels, for a model that takes them; step:
        updates done so far (None: training is over)."""
        q, z, logits = model(x) if y is None else model(x, y)
        reconstruction = model.likelihood.nll(logits, x).mean()
        charges = [charge(q, z, step) for charge in self.regularizers]
        regularizer = torch.stack(charges).sum() if charges else torch.zeros_like(reconstruction)
        if self.warmup and step is not None:
            regularizer = regularizer * torch.clamp(torch.as_tensor(step) / self.warmup, max=1.0)
        return Terms(reconstruction + regularizer, reconstruction, q.kl().mean(), regularizer)


@dataclass(frozen=True)
class IWAE:
    """The importance-weighted bound -L_k with k samples an image (Burda, Grosse & Salakhutdinov 2016, equation 8).

    k = 1 is the VAE's objective with the KL estimated from the sample; more samples, a tighter bound. Not for
    Gaussian("calibrated"), whose sigma would differ from sample to sample. Raises TypeError or ValueError for a k that
    is no whole number of at least 1.
    """

    k: int

    def __post_init__(self) -> None:
        check_whole(self.k, name="k")

    def __call__(self, model: Model, x: Tensor, y: Tensor | None = None, step: Tensor | float | None = None) -> Terms:
        """The terms of one batch, as of `Objective`: loss = -L_k, `regularizer` = loss - reconstruction."""
        q, log_w, log_likelihood = log_weights(model, x, self.k, y)
        loss = -(torch.logsumexp(log_w, dim=0) - math.log(self.k)).mean()
        reconstruction = -log_likelihood.mean()
        return Terms(loss, reconstruction, q.kl().mean(), loss - reconstruction)


def labels_for(model: Model, y: Tensor | None, n: int) -> tuple[Tensor, ...]:
    """What encoder and decoder are given beside n images: labels as the model wants them, else as they are."""
    if isinstance(model, Model):
        return model.conditions(y, n)
    return () if y is None else (y,)


def log_weights(model: Model, x: Tensor, k: int, y: Tensor | None = None) -> tuple[DiagGaussian, Tensor, Tensor]:
    """Posteriors q, log w = log p(x|z) + log p(z) - log q(z|x) and log p(x|z), both [k, b], of k samples an image.

    Every term uses the sampled z: for k > 1 no term may be replaced by its average. Samples of few images are decoded
    together, `TOGETHER` at most.
    """
    labels = labels_for(model, y, len(x))
    q = model.encoder(x, *labels)
    at_once = max(1, TOGETHER // len(x))
    counts = [min(at_once, k - done) for done in range(0, k, at_once)]
    parts = [_weighed(model, x, q, labels, count) for count in counts]
    log_w, log_likelihoods = (torch.cat(part) for part in zip(*parts, strict=True))
    return q, log_w, log_likelihoods


def _weighed(model: Model, x: Tensor, q: DiagGaussian, labels: tuple[Tensor, ...], n: int) -> tuple[Tensor, Tensor]:
    """log w and log p(x|z), both [n, b], of n samples an image, decoded as one batch."""
    x, mu, logvar, *of_copies = (repeat(value, "b ... -> (n b) ...", n=n) for value in (x, q.mu, q.logvar, *labels))
    copies = DiagGaussian(mu, logvar)
    z = copies.sample()
    log_likelihood = -model.likelihood.nll(model.decoder(z, *of_copies), x)
    prior = DiagGaussian(torch.zeros_like(mu), torch.zeros_like(logvar))
    log_w = log_likelihood + prior.log_prob(z) - copies.log_prob(z)
    return log_w.view(n, -1), log_likelihood.view(n, -1)
