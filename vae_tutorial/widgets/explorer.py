"""The latent explorer: one slider per latent, and the picture that the decoder makes of them."""

from collections.abc import Callable
from typing import Any

import torch
import traitlets
from torch import Tensor

from vae_tutorial.vae import Model
from vae_tutorial.widgets import still
from vae_tutorial.widgets.console import Console
from vae_tutorial.widgets.models import (
    Json,
    Sample,
    check_model,
    check_span,
    codes,
    decode,
    examples,
    measure,
    size_name,
    take_sample,
)
from vae_tutorial.widgets.payload import check_precision, decoder_payload


class LatentExplorer(Console):
    """Drag the latents of a trained model and see its decoder's mean image at once.

    The weights travel to the browser, once for each `set_model`; it decodes by itself, whatever the kernel is doing. A
    decoder with layers that the browser does not know is asked of the kernel instead.

    model: a VAE or ConditionalVAE; later weights are shown with `set_model`. images: where given, a tensor
    [n, c, h, w] or an object with `x` and labels `y` (which a conditional model needs); up to 1000 of them rank the
    latents by KL and are scattered over the map, 20 are offered to start from. span: the sliders go from -span to span.
    precision: "float16", or "float32" for the last digits in twice the bytes. Raises TypeError or ValueError for what
    cannot be shown, naming it.
    """

    title = "Latent explorer"
    pose = traitlets.Dict().tag(sync=True)  # the present code and class, told by the page when hand and kernel rest

    def __init__(self, model: Model, images: Any = None, *, span: float = 3.0, precision: str = "float16"):
        check_precision(precision)
        self.span, self.precision = check_span(span), precision
        self._sample: Sample | None = None
        self._samples = 0
        self.set_model(model, images)
        super().__init__()

    def set_model(self, model: Model, images: Any = None) -> None:
        """Show other weights, as after an epoch: the page keeps its sliders and draws the picture anew.

        images: as for the explorer; where not given, the latents are measured on the earlier ones.
        """
        check_model(model)
        decoder = decoder_payload(model, precision=self.precision)
        shape = tuple(decoder["image_shape"])
        sample = self._sample if images is None else take_sample(images, shape)
        latents = None if sample is None else measure(model, take_sample(sample, shape))
        if images is not None:
            self._sample, self._samples = sample, self._samples + 1
        order = list(range(model.z_dim)) if latents is None else latents.order
        scene = {
            "kind": "explorer",
            "decoder": decoder,
            "span": self.span,
            "order": order,
            "kl": None if latents is None else latents.kl.tolist(),
            "codes": None if latents is None else codes(latents),
            "examples": None if latents is None else examples(latents),
            "sample": self._samples,
        }
        self.pose = _fitting(self.pose, model)
        self._show(scene, still=lambda: self._still_of(model, order, scene), name=_name(model, shape), models=[model])

    @property
    def z(self) -> Tensor:
        """The code of the picture, float32 [z]; it may be set, beyond the sliders too.

        The page tells it once the hand and the kernel rest. Setting it raises ValueError for another shape or numbers
        that are not finite.
        """
        return torch.tensor(self.pose["z"], dtype=torch.float32)

    @z.setter
    def z(self, z: Tensor) -> None:
        values = torch.as_tensor(z, dtype=torch.float32).flatten()
        if len(values) != len(self.pose["z"]) or not torch.isfinite(values).all():
            raise ValueError(f"z must be {len(self.pose['z'])} finite numbers, got {values.tolist()}")
        self.pose = {**self.pose, "z": values.tolist()}

    @property
    def label(self) -> int | None:
        """The class of the picture, for a conditional model."""
        return self.pose["label"]

    @property
    def image(self) -> Tensor:
        """The picture, float32 [c, h, w] in [0, 1]: the mean image at `z`, decoded by the model as it is now."""
        return decode(self._models[0], self.z[None], self.label or 0)[0].float().cpu()

    def on_change(self, call: Callable[[Tensor], object]) -> Callable[[], None]:
        """Call `call(z)` whenever code or class change, in the page or from Python; returns a function that ends it."""

        def changed(_: Any) -> None:
            call(self.z)

        self.observe(changed, names="pose")
        return lambda: self.unobserve(changed, names="pose")

    def _still_of(self, model: Model, order: list[int], scene: Json) -> bytes:
        if model.n_classes:
            return still.classes(model)
        if model.z_dim == 2:
            return still.manifold(model, self.span)
        return still.traversal(model, order, scene["kl"], self.span)


def _name(model: Model, shape: tuple[int, ...]) -> str:
    classes = f", n_classes={model.n_classes}" if model.n_classes else ""
    return f"LatentExplorer(z_dim={model.z_dim}, {size_name(shape)}{classes})"


def _fitting(pose: Json, model: Model) -> Json:
    """What of the pose fits this model: another number of latents starts at 0, an unknown class at the first."""
    z, label = pose.get("z", []), pose.get("label")
    known = label is not None and label < model.n_classes
    return {
        "z": z if len(z) == model.z_dim else [0.0] * model.z_dim,
        "label": (label if known else 0) if model.n_classes else None,
    }
