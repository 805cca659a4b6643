"""Bytes into a value, whatever the bytes."""

import json
import math
from collections.abc import Callable
from typing import Any

from vae_tutorial.grading.wire.arrays import build
from vae_tutorial.grading.wire.foreign import KINDS, Foreign
from vae_tutorial.grading.wire.format import (
    DEPTH,
    DIGITS,
    DIMENSIONS,
    DTYPES,
    HEADER,
    INTEGER,
    MOST,
    PARTS,
    WireError,
    check_keys,
    extent,
)

UNWRITTEN = {name: float(name) for name in ("nan", "inf", "-inf")}  # what JSON has no numbers for
LONGEST = 32  # characters of a number in a header


def decode(blob: bytes, most: int = MOST) -> Any:
    """The value that the bytes stand for, in memory of its own; nothing in them is run.

    Raises WireError, and nothing else, for any other bytes and for more than `most` of them.
    """
    if len(blob) > most:
        raise WireError(f"a value may have {most:,} bytes, got {len(blob):,}")
    try:
        size = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + size or size > HEADER:
            raise WireError(f"a value's header may have {min(HEADER, len(blob)):,} bytes, got {size:,}")
        decoder = Decoder(memoryview(blob)[4 + size :], most)
        value = decoder.value(_parsed(blob[4 : 4 + size]))
    except WireError:
        raise
    except Exception as error:  # MemoryError, RecursionError and whatever json, numpy or torch find wrong
        raise WireError(f"these bytes are no value: {type(error).__name__}") from None
    if len(decoder.rest):
        raise WireError(f"{len(decoder.rest):,} bytes belong to no part of the value")
    return value


class Decoder:
    """Makes a value of its tree, and takes the contents one after the other."""

    def __init__(self, contents: memoryview, most: int) -> None:
        self.rest, self.most, self.parts_left = contents, most, PARTS

    def value(self, tree: Any, depth: int = 0) -> Any:
        self.parts_left -= 1
        if self.parts_left < 0 or depth > DEPTH:
            raise WireError(f"a value may have {PARTS:,} parts and {DEPTH} levels")
        if tree is None or type(tree) in (bool, int, float):
            return tree
        kind, *parts = tree
        return READERS[kind](self, parts, depth)

    def take(self, size: Any) -> memoryview:
        """The next contents, of so many bytes."""
        if type(size) is not int or not 0 <= size <= len(self.rest):
            raise WireError(f"a part has {len(self.rest):,} bytes at most")
        content, self.rest = self.rest[:size], self.rest[size:]
        return content

    def values(self, parts: list[Any], depth: int) -> list[Any]:
        return [self.value(part, depth + 1) for part in parts]


def _parsed(header: bytes) -> Any:
    """The tree. Objects are never made of more than the parts that are allowed."""
    if b"{" in header or header.count(b"[") > 2 * PARTS:
        raise WireError(f"a value's header is made of lists, of {PARTS:,} parts")
    return json.loads(str(header, "ascii"), parse_int=_number(int), parse_float=_number(float), parse_constant=_refuse)


def _number(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        return kind(text) if len(text) <= LONGEST else _refuse(text)

    return read


def _refuse(text: str) -> None:
    raise WireError("a header has a number that no value has")


def _text(decoder: Decoder, parts: list[Any], depth: int) -> str:
    (size,) = parts
    return str(decoder.take(size), "utf-8", "surrogatepass")


def _bytes(decoder: Decoder, parts: list[Any], depth: int) -> bytes:
    (size,) = parts
    return bytes(decoder.take(size))


def _integer(decoder: Decoder, parts: list[Any], depth: int) -> int:
    (size,) = parts
    if size > INTEGER:
        raise WireError(f"an integer may have {INTEGER:,} bytes, got {size:,}")
    value = int.from_bytes(decoder.take(size), "big", signed=True)
    if abs(value) >= 10**DIGITS:
        raise WireError(f"an integer may have {DIGITS:,} digits")
    return value


def _float(decoder: Decoder, parts: list[Any], depth: int) -> float:
    (text,) = parts
    return UNWRITTEN[text]


def _complex(decoder: Decoder, parts: list[Any], depth: int) -> complex:
    real, imaginary = (part if type(part) is float else UNWRITTEN[part] for part in parts)
    return complex(real, imaginary)


def _range(decoder: Decoder, parts: list[Any], depth: int) -> range:
    start, stop, step = decoder.values(parts, depth)
    value = range(start, stop, step)
    if value[PARTS:]:  # short to write, and endless to whoever reads it number by number
        raise WireError(f"a range may have {PARTS:,} numbers")
    return value


def _dict(decoder: Decoder, parts: list[Any], depth: int) -> dict[Any, Any]:
    """Keys and values by turns."""
    if len(parts) % 2:
        raise WireError("a dict has as many keys as values")
    both = decoder.values(parts, depth)
    check_keys(both[::2])
    return dict(zip(both[::2], both[1::2], strict=True))


def _foreign(decoder: Decoder, parts: list[Any], depth: int) -> Foreign:
    (kind,) = parts
    if kind not in KINDS:
        raise WireError("a value that is not carried has to be of a known kind")
    return Foreign(kind)


def _array(kind: str) -> Callable[[Decoder, list[Any], int], Any]:
    def read(decoder: Decoder, parts: list[Any], depth: int) -> Any:
        dtype, shape = parts
        if dtype not in DTYPES or (dtype == "bfloat16" and kind != "tensor"):
            raise WireError(f"{kind} must be of a known dtype")
        if len(shape) > (0 if kind == "number" else DIMENSIONS):
            raise WireError(f"{kind} must have fewer dimensions, got {len(shape)}")
        if not all(type(size) is int and size >= 0 for size in shape):
            raise WireError(f"{kind} must have a shape of sizes")
        if extent(shape, dtype) > decoder.most:
            raise WireError(f"{kind} must have {decoder.most:,} bytes at most")
        return build(kind, dtype, shape, decoder.take(math.prod(shape) * DTYPES[dtype]))

    return read


READERS: dict[str, Callable[[Decoder, list[Any], int], Any]] = {
    "int": _integer,
    "float": _float,
    "complex": _complex,
    "str": _text,
    "bytes": _bytes,
    "range": _range,
    "list": Decoder.values,
    "tuple": lambda decoder, parts, depth: tuple(decoder.values(parts, depth)),
    "dict": _dict,
    "set": lambda decoder, parts, depth: set(check_keys(decoder.values(parts, depth))),
    "frozenset": lambda decoder, parts, depth: frozenset(check_keys(decoder.values(parts, depth))),
    "foreign": _foreign,
    **{kind: _array(kind) for kind in ("array", "number", "tensor")},
}
