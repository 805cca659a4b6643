"""The beta dial: a ladder of models that differ in one weight, one stop of a slider for each."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from vae_tutorial.pixels import as_float
from vae_tutorial.vae import Model, looking
from vae_tutorial.widgets import still
from vae_tutorial.widgets.console import Console
from vae_tutorial.widgets.models import Json, Latents, Sample, measure, offered, pictures, size_name, take, take_sample
from vae_tutorial.widgets.payload import check_precision
from vae_tutorial.widgets.several import check_models, decoder_payloads, naming

COLUMNS = 10  # images, one of each class of most sets, and as many samples
ACTIVE = 0.01  # variance of the posterior means above which a latent counts as active, as in measures.active_units


class BetaDial(Console):
    """Turn a dial through models trained with different weights of one knob, and see what the weight has bought.

    Every stop shows its rate (the KL) and distortion (the reconstruction's negative log-likelihood, one seeded sample
    of z an image), both in nats an image, its active units, reconstructions, traversals of the 5 latents of highest KL,
    and samples of codes that are the same at every stop.

    models: the knob's value -> a VAE or ConditionalVAE; at least 2, with images of one shape; they are sorted by the
    value. images: a tensor [n, c, h, w] or an object with `x` and labels `y` (which conditional models need), at least
    2; up to 1000 of them are measured, 10 are shown. name: of the knob. precision: "float16", or "float32" for the last
    digits in twice the bytes; the weights of all decoders travel to the page. Raises TypeError or ValueError for what
    cannot be shown, naming the model.
    """

    title = "Dial through models"

    def __init__(self, models: Mapping[float, Model], images: Any, *, name: str = "beta", precision: str = "float16"):
        check_precision(precision)
        if not (isinstance(name, str) and name):
            raise TypeError(f"name must be the name of what the models differ in, got {name!r}")
        self.name, self.precision = name, precision
        self._sample: Sample | None = None
        self._samples = 0
        self.set_models(models, images)
        super().__init__()

    def set_models(self, models: Mapping[float, Model], images: Any = None) -> None:
        """Show other models; with the same values of the knob, the page stays at its stop.

        images: as for the dial; where not given, the earlier ones are measured again.
        """
        ladder = _sorted(models)
        decoders, shape = decoder_payloads(ladder, self.precision)
        sample = take_sample(self._sample if images is None else images, shape)
        if len(sample.x) < 2:
            raise ValueError("images must be at least 2, to see which latents move with them, got 1")
        chosen = offered(sample, COLUMNS)
        stops: list[Json] = []
        for (value, model), decoder in zip(ladder.items(), decoders, strict=True):
            with naming(value):
                stops.append(
                    {"value": float(value), "decoder": decoder, **_stop(model, measure(model, sample), chosen)}
                )
        self._sample, self._samples = sample, self._samples + (images is not None)
        scene = {
            "kind": "beta_dial",
            "name": self.name,
            "stops": stops,
            "images": pictures(take(sample, chosen)),
            "measured": len(sample.x),
            "eps": _eps(COLUMNS, max(model.z_dim for model in ladder.values())).tolist(),
            "sample": self._samples,
        }
        rows = {f"{self.name} = {value:g}": model for value, model in ladder.items()}
        said = f"BetaDial({self.name}=[{', '.join(f'{value:g}' for value in ladder)}], {size_name(shape)})"
        self._show(scene, still=lambda: still.comparison(rows, sample), name=said, models=list(ladder.values()))


def _sorted(models: Any) -> dict[float, Model]:
    """The models by increasing value of the knob. Raises TypeError for a key that is no number."""
    for key in check_models(models, "number"):
        if not isinstance(key, Real) or isinstance(key, bool) or not math.isfinite(key):
            raise TypeError(f"the keys of models must be finite numbers, got {key!r}")
    return {key: models[key] for key in sorted(models, key=float)}


def _stop(model: Model, latents: Latents, chosen: Tensor) -> Json:
    """What is measured of one model, in nats an image, over the whole sample, and the codes of the `chosen` images."""
    distortion = _distortion(model, latents).item()
    if not math.isfinite(distortion):
        raise ValueError("the decoder gives numbers that are not finite: the training has diverged")
    return {
        "rate": latents.kl.sum().item(),
        "distortion": distortion,
        "active": int((latents.q.mu.var(0, correction=0) > ACTIVE).sum()),
        "kl": latents.kl.tolist(),
        "order": latents.order,
        "mu": latents.q.mu[chosen].tolist(),
    }


def _distortion(model: Model, latents: Latents) -> Tensor:
    """Mean of -log p(x|z) over the sample, one z from each posterior, the same noise for every model."""
    q, (x, y) = latents.q, (latents.sample.x, latents.sample.y)
    z = q.mu + q.logvar.div(2).exp() * _eps(*q.mu.shape)
    labels = model.conditions(y if model.n_classes else None, len(x))
    with looking(model):
        logits = model.decoder(z.to(model.device, model.dtype), *labels)
        return model.likelihood.nll(logits, as_float(x.to(model.device), model.dtype)).mean()


def _eps(n: int, z_dim: int) -> Tensor:
    return torch.randn(n, z_dim, generator=torch.Generator().manual_seed(0))
