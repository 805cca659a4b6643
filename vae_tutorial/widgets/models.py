"""What widgets need to know of a model: its sizes, and what its latents are used for on some images."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.pixels import as_float, check_images
from vae_tutorial.vae import ConditionalVAE, Model

MAX_IMAGES = 1000  # enough for the order of the latents, few enough to be measured again after every epoch
EXAMPLES = 20  # images to start from
COLOURS = 10  # classes that everybody can tell apart

Json = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """At most 1000 images, spread evenly over a set (which may be sorted by class), and their labels if there are any.

    x: uint8 or float [n, c, h, w]; y: int64 [n] or None.
    """

    x: Tensor
    y: Tensor | None


@dataclass(frozen=True)
class Latents:
    """Every latent's KL to the prior in nats [z], their order from most to least, and the posteriors of the sample."""

    kl: Tensor
    order: list[int]
    q: DiagGaussian
    sample: Sample


def check_model(model: Any, name: str = "model") -> None:
    """Raise TypeError unless `model` is one of the course's."""
    if not isinstance(model, Model):
        raise TypeError(f"{name} must be a vae_tutorial.vae.VAE or ConditionalVAE, got {type(model).__name__}")


def check_span(span: Any) -> float:
    """Return `span`, how far sliders go to both sides, in hundredths; ValueError unless it lies between 0.1 and 100."""
    if isinstance(span, bool) or not (isinstance(span, int | float) and 0.1 <= span <= 100):
        raise ValueError(f"span must be a number from 0.1 to 100, got {span!r}")
    return round(float(span), 2)


def size_name(shape: tuple[int, ...]) -> str:
    """The size of an image in a widget's name: "28x28", or "3x64x64" for one in colours."""
    channels, height, width = shape
    return f"{height}x{width}" if channels == 1 else f"{channels}x{height}x{width}"


def image_shape(model: Model) -> tuple[int, int, int]:
    """(channels, height, width) of what the model decodes to."""
    _, channels, height, width = decode(model, torch.zeros(2, model.z_dim)).shape
    return channels, height, width


def decode(model: Model, z: Tensor, y: Tensor | int = 0) -> Tensor:
    """Mean images [n, c, h, w] in [0, 1] of codes [n, z], of class y where the model is conditional."""
    images = model.decode(z, y) if isinstance(model, ConditionalVAE) else model.decode(z)
    return images.nan_to_num().clamp(0, 1)


def take_sample(images: Any, shape: tuple[int, int, int]) -> Sample:
    """Pick images of `shape` (c, h, w) from a tensor [n, c, h, w], or from an object with such an `x` and labels `y`.

    Raises TypeError or ValueError that names `images` and what was expected of them.
    """
    x = images if isinstance(images, Tensor) else getattr(images, "x", None)
    y = None if isinstance(images, Tensor) else getattr(images, "y", None)
    if x is None:
        raise TypeError(f"images must be a tensor [n, c, h, w] or have it as their x, got {type(images).__name__}")
    check_images(x)
    if tuple(x.shape[1:]) != shape:
        raise ValueError(f"images must have shape [n, {str(shape)[1:-1]}] for this model, got {list(x.shape)}")
    if y is not None and (not isinstance(y, Tensor) or y.is_floating_point()):
        raise TypeError(f"images.y must be a tensor of whole numbers, got {type(y).__name__}")
    if y is not None and y.shape != x.shape[:1]:
        raise ValueError(f"images.y must have shape [{len(x)}], one label per image, got {list(y.shape)}")
    chosen = _evenly(len(x), MAX_IMAGES)
    return Sample(x[chosen.to(x.device)].cpu(), None if y is None else y[chosen.to(y.device)].cpu())


def measure(model: Model, sample: Sample) -> Latents:
    """Encode the sample and rank the latents by their mean KL; equal ones keep the model's order.

    Raises ValueError where the encoder gives numbers that are not finite, or a conditional model gets no labels.
    """
    if not isinstance(model, ConditionalVAE):
        q = model.encode(sample.x)
    elif sample.y is None:
        raise ValueError("images must have labels y for a conditional model, as data.load gives them")
    else:
        q = model.encode(sample.x, sample.y)
    q = DiagGaussian(q.mu.cpu(), q.logvar.cpu())
    kl = q.kl_terms().mean(0)
    if not torch.isfinite(kl).all():
        raise ValueError("the encoder gives codes that are not finite: the training has diverged")
    return Latents(kl, kl.argsort(descending=True, stable=True).tolist(), q, sample)


def reconstruct(model: Model, latents: Latents) -> Tensor:
    """What the model makes of the sample, [n, c, h, w]: the posterior means, decoded."""
    return decode(model, latents.q.mu, 0 if latents.sample.y is None else latents.sample.y).cpu()


def codes(latents: Latents) -> Json:
    """Posterior means as float16 [n, z], and class numbers as bytes where there are at most 10 of them."""
    return {
        "z": latents.q.mu.clamp(-1e4, 1e4).numpy().astype("<f2").tobytes(),
        "y": _classes(latents.sample.y),
    }


def examples(latents: Latents) -> Json:
    """Images to start from: bytes, labels, posterior means and sigmas."""
    chosen = offered(latents.sample)
    return {
        **pictures(take(latents.sample, chosen)),
        "mu": latents.q.mu[chosen].tolist(),
        "sigma": latents.q.logvar[chosen].div(2).exp().tolist(),
    }


def offered(sample: Sample, most: int = EXAMPLES) -> Tensor:
    """Which images of the sample to show, int64 [at most `most`]: about as many of each class, sorted by it."""
    order = torch.arange(len(sample.x)) if sample.y is None else sample.y.argsort(stable=True)
    count = min(most, len(order))
    return order[((torch.arange(count) + 0.5) * len(order) / count).long()]  # the midst of equal parts: of each class


def take(sample: Sample, chosen: Tensor) -> Sample:
    """Some images of a sample, in the order of `chosen` [n]."""
    return Sample(sample.x[chosen], None if sample.y is None else sample.y[chosen])


def pictures(sample: Sample) -> Json:
    """Images as bytes, and their labels, or None where there are none."""
    return {"x": image_bytes(sample.x), "y": None if sample.y is None else sample.y.tolist()}


def image_bytes(x: Tensor) -> bytes:
    """Images as bytes, image by image, channel by channel, row by row."""
    return as_float(x, torch.float32).clamp(0, 1).mul(255).round().byte().cpu().numpy().tobytes()


def _classes(y: Tensor | None) -> bytes:
    """A byte for each label, or none at all where there are more classes than colours."""
    if y is None or int(y.min()) < 0 or int(y.max()) >= COLOURS:
        return b""
    return y.numpy().astype("u1").tobytes()


def _evenly(count: int, most: int) -> Tensor:
    return torch.linspace(0, count - 1, min(count, most)).round().long()
