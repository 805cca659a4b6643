"""Lower bounds on log p(x)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from vae_tutorial.arguments import check_whole
from vae_tutorial.devices import seeded
from vae_tutorial.objectives import TOGETHER, log_weights
from vae_tutorial.pixels import as_float, check_images
from vae_tutorial.vae import Model, looking, readable


def log_likelihood(
    model: Model, x: Tensor, k: int = 100, *, y: Tensor | int | None = None, seed: int = 0
) -> Float[Tensor, " b"]:
    """The importance-weighted bound L_k on log p(x) of each image x [b, c, h, w], in nats, [b].

    k = 1 estimates the ELBO; as k grows the bound rises, in expectation, to log p(x). y: the labels, for a
    ConditionalVAE, whose bound is on log p(x|y). Burda, Grosse & Salakhutdinov 2016, equation 8 and theorem 1. Eval
    mode, no gradients; the caller's random state is left as found. A likelihood that fits itself to the batch,
    Gaussian("calibrated"), has no fixed p(x), so no bound either. Raises TypeError or ValueError for a k that is no
    whole number of at least 1, and as `check_images` and `check_labels` do.
    """
    check_whole(k, name="k")
    check_images(x, name="x")
    labels = [hot.split(TOGETHER) for hot in model.conditions(readable(y), len(x))]
    with seeded(seed, model.device), looking(model):
        bounds = [_bound(model, k, *part) for part in zip(x.split(TOGETHER), *labels, strict=True)]
    return torch.cat(bounds).cpu()


def _bound(model: Model, k: int, x: Tensor, y: Tensor | None = None) -> Tensor:
    _, log_w, _ = log_weights(model, as_float(x.to(model.device), model.dtype), k, y)
    return torch.logsumexp(log_w, dim=0) - math.log(k)
