"""A sheet to write a digit on, and what a trained model makes of it."""

from typing import Any

import torch

from vae_tutorial.likelihoods import Bernoulli, Gaussian, Likelihood
from vae_tutorial.vae import Model
from vae_tutorial.widgets import still
from vae_tutorial.widgets.console import Console
from vae_tutorial.widgets.models import (
    Json,
    Latents,
    Sample,
    check_model,
    decode,
    examples,
    measure,
    offered,
    size_name,
    take,
    take_sample,
)
from vae_tutorial.widgets.payload import decoder_payload, encoder_payload

MOST_CLASSES = 10  # rows of the still picture
OWN = 200  # images of the model itself, where none are given: enough to rank its latents


class DrawDigit(Console):
    """Write a digit with mouse, finger or keys; the model encodes and reconstructs it while you write.

    Encoder and decoder run in the browser (a decoder that cannot is asked of the kernel). model: a VAE or
    ConditionalVAE. images: where given, as for `LatentExplorer`; they rank the latents by KL and 20 of them are
    offered in place of drawing. precision: "float16", or "float32" for the last digits in twice the bytes. Raises
    TypeError for an encoder that cannot be run in the browser, TypeError or ValueError for what cannot be shown.
    """

    title = "Draw a digit"

    def __init__(self, model: Model, images: Any = None, *, precision: str = "float16"):
        check_model(model)
        decoder = decoder_payload(model, precision=precision)
        shape = tuple(decoder["image_shape"])
        encoder = encoder_payload(model, precision=precision)
        latents = measure(model, _own_images(model) if images is None else take_sample(images, shape))
        scene = {
            "kind": "draw_digit",
            "encoder": encoder,
            "decoder": decoder,
            "likelihood": _likelihood(model.likelihood),
            "order": latents.order,
            "examples": None if images is None else examples(latents),
        }
        classes = f", n_classes={model.n_classes}" if model.n_classes else ""
        name = f"DrawDigit(z_dim={model.z_dim}, {size_name(shape)}{classes})"
        self._show(scene, still=lambda: _still(model, latents), name=name, models=[model])
        super().__init__()


def _likelihood(likelihood: Likelihood) -> Json:
    """How the page turns the decoder's mean into nats; where it cannot, it tells the squared error."""
    if type(likelihood) is Gaussian:
        return {"kind": "gaussian", "sigma": None if likelihood.sigma == "calibrated" else float(likelihood.sigma)}
    return {"kind": "bernoulli" if type(likelihood) is Bernoulli else "other", "sigma": 1.0}


def _own_images(model: Model) -> Sample:
    """What the model decodes from its prior, the same at every call."""
    z = torch.randn(OWN, model.z_dim, generator=torch.Generator().manual_seed(0))
    y = torch.arange(OWN) % max(model.n_classes, 1)
    return Sample(decode(model, z, y), y if model.n_classes else None)


def _still(model: Model, latents: Latents) -> bytes:
    """Some images and their reconstructions; below, each code in the other classes, or samples of its posterior."""
    chosen = offered(latents.sample, most=10)
    shown = take(latents.sample, chosen)
    mu, logvar = latents.q.mu[chosen], latents.q.logvar[chosen]
    rows = {"reconstruction": decode(model, mu, 0 if shown.y is None else shown.y)}
    if model.n_classes:
        rows |= {f"as class {k}": decode(model, mu, k) for k in range(min(model.n_classes, MOST_CLASSES))}
    else:
        eps = torch.randn(3, *mu.shape, generator=torch.Generator().manual_seed(0))
        rows |= {f"sample {i + 1}": decode(model, z) for i, z in enumerate(mu + torch.exp(logvar / 2) * eps)}
    return still.encoded(shown.x, rows)
