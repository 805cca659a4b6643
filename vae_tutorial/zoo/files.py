"""The two files of a shipped model: weights of 16 bits, and beside them the card, which knows them by their SHA-256."""

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

FOLDER = Path(__file__).parent


def halved(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """On the CPU, in 16 bits, which will do for weights; a counter, as batch norm's, stays the whole number it is."""
    return {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in weights.items()
    }


def single(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """In the 32 bits that a model computes in."""
    return {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}


def write(path: Path, weights: dict[str, Tensor], card: dict[str, Any]) -> dict[str, Any]:
    """Put weights and card in place of those that are there; returns the card, with the weights' SHA-256.

    Both files are replaced as a whole, and the old card goes before its weights do: who is killed in between leaves
    weights without a card, never with another one's.
    """
    content = save(weights)
    card = card | {"sha256": sha256(content).hexdigest()}
    beside = path.with_suffix(".json")
    files = {path: content, beside: f"{json.dumps(card, indent=2)}\n".encode()}
    try:
        for file, new in files.items():
            _partial(file).write_bytes(new)
        beside.unlink(missing_ok=True)
        for file in files:
            os.replace(_partial(file), file)
    finally:
        for file in files:
            _partial(file).unlink(missing_ok=True)
    return card


def read_card(path: Path) -> dict[str, Any]:
    """The card beside the weights at `path`. Raises ValueError, naming the file, for one that cannot be read."""
    beside = path.with_suffix(".json")
    try:
        card = json.loads(beside.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{beside} cannot be read: {error}") from error
    if not isinstance(card, dict):
        raise ValueError(f"{beside} holds no card")
    return card


def read_weights(path: Path, card: dict[str, Any]) -> dict[str, Tensor]:
    """The weights that `card` was written with, in 32 bits.

    Raises ValueError, naming the file, for one that cannot be read or has been changed.
    """
    try:
        content = path.read_bytes()
        found, expected = sha256(content).hexdigest(), card.get("sha256")
        if found != expected:
            raise ValueError(f"its SHA-256 is {found} where its card has {expected}: it was changed or cut short")
        return single(load(content))
    except (OSError, SafetensorError, ValueError) as error:
        raise ValueError(f"{path} does not hold the weights of its card: {error}") from error


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")
