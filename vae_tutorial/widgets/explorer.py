"""The latent explorer: one slider per latent, and the picture that the decoder makes of them."""

import base64
from typing import Any

import anywidget
import traitlets

from vae_tutorial.vae import VAE
from vae_tutorial.widgets import assets, still
from vae_tutorial.widgets.latents import Latents, Sample, measure, take_sample
from vae_tutorial.widgets.payload import Json, payload

CLASSES = 10  # as many as there are colours that everybody can tell apart


class LatentExplorer(anywidget.AnyWidget):
    """Drag the latents of a trained model and see its decoder's mean image at once.

    The weights travel to the browser once; from then on it decodes by itself, whatever the kernel is doing, and sends
    nothing back: messages from a slider that is dragged while a cell draws would damage that cell's figures.

    model: a VAE; later weights are shown with `set_model`. images: where given, a tensor [n, c, h, w] or an object
    with `x` and labels `y`; up to 1000 of them rank the latents by KL and, for two latents, are scattered over a map.
    span: the sliders go from -span to span. precision: "float32", or "float16" to halve what a saved page must carry.
    Raises TypeError or ValueError for what cannot be shown, naming it.
    """

    _esm = assets.javascript("decode.js", "page.js", "sliders.js", "pad.js", "explorer.js")
    _css = assets.read("explorer.css")
    scene = traitlets.Dict().tag(sync=True)  # everything the page needs in one value, so that it never sees half of it

    def __init__(self, model: VAE, images: Any = None, *, span: float = 3.0, precision: str = "float32"):
        if not (isinstance(span, int | float) and 0 < span <= 100):
            raise ValueError(f"span must be a number above 0 and at most 100, got {span!r}")
        self.span, self.precision = float(span), precision
        self._images: Sample | None = None
        super().__init__(scene=self._look(model, images))  # what cannot be shown is refused before a widget exists

    def set_model(self, model: VAE, images: Any = None) -> None:
        """Show other weights, as after an epoch: the page keeps its sliders and draws the picture anew.

        images: as for the explorer; where not given, the latents are measured on the earlier ones.
        """
        self.scene = self._look(model, images)

    def _look(self, model: VAE, images: Any) -> Json:
        """The scene for the page; the still picture and the name are made of the same weights."""
        if not isinstance(model, VAE):
            raise TypeError(f"model must be a vae_tutorial.vae.VAE, got {type(model).__name__}")
        network = payload(model, precision=self.precision)
        channels, height, width = shape = tuple(network["image_shape"])
        if images is not None:
            self._images = take_sample(images, shape)
        latents = None if self._images is None else measure(model, take_sample(self._images, shape))
        order = list(range(model.z_dim)) if latents is None else latents.order
        kl = None if latents is None else latents.kl
        flat = model.z_dim == 2
        self._still = still.manifold(model, self.span) if flat else still.traversal(model, order, kl, self.span)
        size = f"{height}x{width}" if channels == 1 else f"{channels}x{height}x{width}"
        self._name = f"LatentExplorer(z_dim={model.z_dim}, {size})"
        return {
            "network": network,
            "span": self.span,
            "order": order,
            "kl": None if kl is None else kl.tolist(),
            "codes": None if latents is None or not flat else _codes(latents),
        }

    def __repr__(self) -> str:
        return self._name

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle[0]["image/png"] = base64.b64encode(self._still.png()).decode()
        return bundle


def _codes(latents: Latents) -> Json:
    """Posterior means as float32 pairs, and class numbers as bytes where there are at most 10 of them."""
    y = latents.y
    return {
        "z": latents.mu.numpy().astype("<f4").tobytes(),
        "y": b"" if y is None or int(y.min()) < 0 or int(y.max()) >= CLASSES else y.numpy().astype("u1").tobytes(),
    }
