"""A value into bytes. Nothing of a value's class is run but its `__array__`."""

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

from vae_tutorial.grading.wire.arrays import is_array, read, read_number
from vae_tutorial.grading.wire.foreign import Foreign
from vae_tutorial.grading.wire.format import (
    DEPTH,
    DIGITS,
    MOST,
    PARTS,
    WireError,
    check_keys,
    extent,
)

# A class derived from type may have another name to tell than its own.
type_name: Callable[[type], str] = type.__dict__["__name__"].__get__

# How to read a value of a class or of one derived from it, whose own methods somebody else wrote.
PLAIN: dict[type, Callable[[Any], Any]] = {
    bool: bool,
    int: int.__index__,
    float: float.__float__,
    complex: complex.__complex__,
    str: str.__str__,
    bytes: bytes.__bytes__,
}
MEMBERS: dict[type, Callable[[Any], Iterable[Any]]] = {
    list: list.__iter__,
    tuple: tuple.__iter__,
    dict: dict.items,
    set: set.__iter__,
    frozenset: frozenset.__iter__,
}


def encode(value: Any) -> bytes:
    """The bytes of a value, for `decode`.

    Carried are None, numbers, text, bytes, list, tuple, dict, set, frozenset, range, arrays and numbers of numpy,
    tensors, and what has `__array__`; of classes derived from these only what they inherit. Everything else, and what
    cannot be read, becomes Foreign. Raises WireError, a sentence on "the result", for a value that is too large.
    """
    try:
        encoder = Encoder()
        header = json.dumps(encoder.tree(value), separators=(",", ":"), allow_nan=False).encode("ascii")
        encoder.take(len(header) + 4)
    except RecursionError:  # whoever calls has nearly used up the stack
        raise WireError("the result is nested too deeply") from None
    return b"".join([len(header).to_bytes(4, "big"), header, *encoder.contents])


class Encoder:
    """Builds the header of one value as a tree, and collects the contents."""

    def __init__(self) -> None:
        self.contents: list[bytes | memoryview] = []
        self.bytes_left, self.parts_left = MOST, PARTS

    def take(self, size: int) -> None:
        """Account for so many bytes."""
        self.expect(size=size)
        self.bytes_left -= size

    def expect(self, size: int = 0, parts: int = 0) -> None:
        """Raise WireError where so much more would be too much."""
        if size > self.bytes_left:
            raise WireError(f"the result has more than {MOST // 2**20} MB")
        if parts > self.parts_left:
            raise WireError(f"the result has more than {PARTS:,} parts")

    def count(self, depth: int) -> None:
        """Account for a part at so many levels."""
        self.expect(parts=1)
        self.parts_left -= 1
        if depth > DEPTH:
            raise WireError(f"the result is nested more than {DEPTH} levels deep, or holds itself")

    def tree(self, value: Any, depth: int = 0) -> Any:
        """What stands for the value in the header."""
        self.count(depth)
        kind = type(value)
        if value is None or kind in PLAIN:
            return self._atom(value)
        if is_array(kind) and (found := self._array(value)):
            return found
        if base := _base(kind, PLAIN):
            return self._atom(PLAIN[base](value))
        if kind is range:
            ends = [self.tree(part, depth + 1) for part in (value.start, value.stop, value.step)]
            if value[PARTS:]:  # short to write, and endless to whoever reads it number by number
                raise WireError(f"the result has more than {PARTS:,} parts")
            return ["range", *ends]
        if base := _base(kind, MEMBERS):
            return self._container(value, base, depth)
        return self._array(value) or _foreign(kind)

    def _atom(self, value: Any) -> Any:
        """The tree of None, a number, a text or bytes, of one of these classes itself."""
        if type(value) is float and not math.isfinite(value):
            return ["float", repr(value)]
        if type(value) is complex:
            parts = (value.real, value.imag)
            return ["complex", *(part if math.isfinite(part) else repr(part) for part in parts)]
        if type(value) is int and not -(2**63) <= value < 2**63:
            if abs(value) >= 10**DIGITS:
                raise WireError(f"the result has an integer of more than {DIGITS:,} digits")
            return ["int", self._content(value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))]
        if type(value) is str:
            self.expect(size=len(value))
            return ["str", self._content(value.encode("utf-8", "surrogatepass"))]
        return ["bytes", self._content(value)] if type(value) is bytes else value

    def _content(self, content: bytes | memoryview) -> int:
        self.take(len(content))
        self.contents.append(content)
        return len(content)

    def _container(self, value: Any, base: Any, depth: int) -> Any:
        self.expect(parts=base.__len__(value))
        members = list(MEMBERS[base](value))  # what it holds now: an `__array__` in it may add to it
        if base in (list, tuple):
            return [base.__name__, *(self.tree(member, depth + 1) for member in members)]
        left = self.parts_left
        keys = [self._key(member[0] if base is dict else member, depth) for member in members]
        self.parts_left = left  # as they are counted once more with their trees
        try:
            check_keys(keys)
        except WireError:
            return _foreign(base)
        if base is dict:
            pairs = zip(keys, (member[1] for member in members), strict=True)
            return ["dict", *(self.tree(part, depth + 1) for pair in pairs for part in pair)]
        return [base.__name__, *self._in_order(keys, depth + 1)]

    def _key(self, value: Any, depth: int) -> Any:
        """A key or member without its class, numbers of numpy as Python's; NotImplemented where it cannot be one."""
        self.count(depth)
        kind = type(value)
        if value is None or kind in PLAIN:
            return value
        if is_array(kind):
            value = read_number(value)
            kind = type(value)
        if base := _base(kind, PLAIN):
            return PLAIN[base](value)
        if base := _base(kind, (tuple, frozenset)):
            return base(self._key(part, depth + 1) for part in MEMBERS[base](value))
        return NotImplemented

    def _in_order(self, keys: list[Any], depth: int) -> list[Any]:
        """The trees of a set's members, in an order that does not depend on the process."""
        found = []
        for key in keys:
            first = len(self.contents)
            tree = self.tree(key, depth)
            found.append((json.dumps(tree), b"".join(self.contents[first:]), tree))
            del self.contents[first:]
        found.sort(key=lambda member: member[:2])
        self.contents += [content for _, content, _ in found]
        return [tree for _, _, tree in found]

    def _array(self, value: Any) -> Any:
        """The tree of what is an array or gives one; None where there is none that is carried."""
        try:
            if (found := read(value)) is None:
                return None
            self.expect(size=extent(found.shape, found.dtype))
            content = found.content()
        except WireError:
            raise
        except Exception:  # of the value's `__array__`, or of the class of a tensor
            return None
        self._content(content)
        return [found.kind, found.dtype, list(found.shape)]


def _base(kind: type, bases: Iterable[type]) -> Any:
    return next((base for base in bases if issubclass(kind, base)), None)


def _foreign(kind: type) -> list[str]:
    return ["foreign", Foreign(type_name(kind)).kind]
