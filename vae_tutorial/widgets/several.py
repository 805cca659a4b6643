"""What widgets of several models ask of them, and how an error says which of them it means."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vae_tutorial.vae import Model
from vae_tutorial.widgets.models import Json, check_model, size_name
from vae_tutorial.widgets.payload import decoder_payload


def check_models(models: Any, key: str) -> Mapping[Any, Model]:
    """Return `models`, if it is a mapping of at least two; `key` says what its keys should be.

    Raises TypeError for no mapping or no model, ValueError for fewer than two.
    """
    if not isinstance(models, Mapping):
        raise TypeError(f"models must be a mapping from {key} to model, got {type(models).__name__}")
    if len(models) < 2:
        raise ValueError(f"models must hold at least 2 models, got {len(models)}")
    for name, model in models.items():
        check_model(model, f"models[{name!r}]")
    return models


def decoder_payloads(models: Mapping[Any, Model], precision: str) -> tuple[list[Json], tuple[int, int, int]]:
    """The decoders of `models`, and the shape (c, h, w) of the images that all of them give.

    Raises ValueError, naming the model, for weights that cannot be sent, another shape of images, or, among the
    conditional ones, another number of classes.
    """
    decoders: list[Json] = []
    for number, (name, model) in enumerate(models.items()):
        with naming(name):
            decoders.append(decoder_payload(model, precision=precision, number=number))
    (first, *_), shape = models, tuple(decoders[0]["image_shape"])
    classes = {decoder["n_classes"]: name for name, decoder in zip(models, decoders, strict=True)}
    classes.pop(0, None)
    for name, decoder in zip(models, decoders, strict=True):
        if tuple(decoder["image_shape"]) != shape:
            size = size_name(decoder["image_shape"])
            raise ValueError(f"models[{name!r}] gives images of {size}, models[{first!r}] of {size_name(shape)}")
    if len(classes) > 1:
        said = ", ".join(f"models[{name!r}] {count}" for count, name in classes.items())
        raise ValueError(f"the conditional ones of models must have one number of classes, got {said}")
    return decoders, shape


@contextmanager
def naming(key: Any) -> Iterator[None]:
    """Errors that arise inside begin with the name of the model that they are about."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"models[{key!r}]: {error}") from error
