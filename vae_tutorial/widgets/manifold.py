"""A map of two latents, covered with pictures, to drag over."""

from typing import Any

from vae_tutorial.vae import Model
from vae_tutorial.widgets import still
from vae_tutorial.widgets.console import Console
from vae_tutorial.widgets.models import Sample, check_model, check_span, codes, measure, size_name, take_sample
from vae_tutorial.widgets.payload import check_precision, decoder_payload


class ManifoldPad(Console):
    """Drag over a map of a model's two latents, which is covered with the images that they decode to.

    The images stand in equal steps from -span to span, or, at a button, in quantiles of the prior from 2 % to 98 %,
    where each stands for the same share of random codes. The browser decodes all of them by itself, as in a
    `LatentExplorer`.

    model: a VAE or ConditionalVAE with 2 latents; later weights are shown with `set_model`. images: where given, a
    tensor [n, c, h, w] or an object with `x` and labels `y` (which a conditional model needs); the codes of up to 1000
    of them can be laid over the map. precision: "float16", or "float32" for the last digits in twice the bytes.
    Raises TypeError or ValueError for what cannot be shown, naming it.
    """

    title = "Map of two latents"

    def __init__(self, model: Model, images: Any = None, *, span: float = 3.0, precision: str = "float16"):
        check_precision(precision)
        self.span, self.precision = check_span(span), precision
        self._sample: Sample | None = None
        self.set_model(model, images)
        super().__init__()

    def set_model(self, model: Model, images: Any = None) -> None:
        """Show other weights, as after an epoch: the page keeps its code and its class, and draws the map anew.

        images: as for the widget; where not given, the earlier ones are encoded again.
        """
        check_model(model)
        if model.z_dim != 2:
            raise ValueError(f"model must have 2 latents to be laid out as a map, got {model.z_dim}")
        decoder = decoder_payload(model, precision=self.precision)
        shape = tuple(decoder["image_shape"])
        sample = self._sample if images is None else take_sample(images, shape)
        latents = None if sample is None else measure(model, take_sample(sample, shape))
        self._sample = sample
        scene = {
            "kind": "manifold",
            "decoder": decoder,
            "span": self.span,
            "kl": None if latents is None else latents.kl.tolist(),
            "codes": None if latents is None else codes(latents),
        }
        classes = f", n_classes={model.n_classes}" if model.n_classes else ""
        name = f"ManifoldPad({size_name(shape)}{classes})"
        self._show(scene, still=lambda: still.manifold(model, self.span), name=name, models=[model])
