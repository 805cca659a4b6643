"""Several models side by side: the same image, or the same code, through each of them."""

from collections.abc import Mapping
from typing import Any

from vae_tutorial.pixels import as_float
from vae_tutorial.vae import Model
from vae_tutorial.widgets import still
from vae_tutorial.widgets.console import Console
from vae_tutorial.widgets.models import (
    Json,
    Sample,
    check_span,
    measure,
    offered,
    pictures,
    reconstruct,
    size_name,
    take,
    take_sample,
)
from vae_tutorial.widgets.payload import check_precision
from vae_tutorial.widgets.several import check_models, decoder_payloads, naming

MOST = 8  # models side by side


class Compare(Console):
    """Send one image, or one code, through several models at once.

    The same image: every model shows its reconstruction from its own posterior mean, with the squared error summed over
    the pixels and the image's KL in nats, where its code is no point; between two images it blends. The same z: sliders
    that all models share, z[i] being every model's latent i; a model with fewer latents ignores the later ones.

    models: name -> a VAE or ConditionalVAE, 2 to 8 with images of one shape; later ones are shown with `set_models`.
    images: a tensor [n, c, h, w] or an object with `x` and labels `y` (which conditional models need), of which 20 are
    offered; without images only codes are compared. span: the sliders go from -span to span. precision: "float16", or
    "float32" for the last digits in twice the bytes; the weights of all decoders travel to the page. Raises TypeError
    or ValueError for what cannot be shown, naming the model.
    """

    title = "Models side by side"

    def __init__(
        self, models: Mapping[str, Model], images: Any = None, *, span: float = 3.0, precision: str = "float16"
    ):
        check_precision(precision)
        self.span, self.precision = check_span(span), precision
        self._sample: Sample | None = None
        self._samples = 0
        self.set_models(models, images)
        super().__init__()

    def set_models(self, models: Mapping[str, Model], images: Any = None) -> None:
        """Show other models; with the same names and sizes, the page keeps its image and its sliders.

        images: as for the comparison; where not given, the earlier ones are encoded again.
        """
        _check_names(models)
        decoders, shape = decoder_payloads(models, self.precision)
        sample = self._sample if images is None else take_sample(images, shape)
        shown = None if sample is None else take(sample, offered(take_sample(sample, shape)))
        cards: list[Json] = []
        for (name, model), decoder in zip(models.items(), decoders, strict=True):
            with naming(name):
                cards.append({"name": name, "decoder": decoder, **({} if shown is None else _encoded(model, shown))})
        self._sample, self._samples = sample, self._samples + (images is not None)
        scene = {
            "kind": "compare",
            "models": cards,
            "span": self.span,
            "images": None if shown is None else pictures(shown),
            "sample": self._samples,
        }
        said = f"Compare({list(models)}, {size_name(shape)})"
        self._show(scene, still=lambda: still.comparison(models, sample), name=said, models=list(models.values()))


def _check_names(models: Any) -> None:
    """Raise TypeError or ValueError unless `models` are 2 to 8 models, each with a name of its own."""
    check_models(models, "name")
    if len(models) > MOST:
        raise ValueError(f"models must be at most {MOST} to stand side by side, got {len(models)}")
    for key in models:
        if not (isinstance(key, str) and key):
            raise TypeError(f"the keys of models must be names, got {key!r}")


def _encoded(model: Model, shown: Sample) -> Json:
    """The offered images' codes in this model, and per image the squared error of its mean and its KL in nats.

    None for the KL of a deterministic encoder, which would only say how narrow its points are made.
    """
    latents = measure(model, shown)
    error = reconstruct(model, latents).sub(as_float(shown.x)).square().flatten(1).sum(1)
    kl = None if getattr(model.encoder, "deterministic", False) else latents.q.kl().tolist()
    return {"mu": latents.q.mu.tolist(), "error": error.tolist(), "kl": kl}
