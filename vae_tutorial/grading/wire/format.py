"""What both ends of the wire hold to.

A value is: the length of the header (4 bytes, big-endian), the header, the contents. The header is JSON in ASCII: None,
booleans, finite floats and integers of 64 bits stand for themselves, every other value is a list that starts with its
kind. What has contents (text, bytes, larger integers, arrays) gives their length or shape in the header; the contents
follow in the header's order, with nothing between them and nothing behind.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

MOST = 64 * 2**20  # bytes of a value, all in all
HEADER = 8 * 2**20  # bytes: more than 80 for each part, which has less
PARTS = 100_000  # values in a value, itself counted
DEPTH = 50
DIMENSIONS = 16
DIGITS = 4000  # of an integer
INTEGER = 1662  # bytes of an integer with so many digits, signed
ALIKE = 64  # keys with one hash: more of them would make a table slow

# Bytes of a number. Of arrays and tensors alike, but for bfloat16, which numpy does not have.
DTYPES = {
    "bool": 1,
    **{f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": bits // 8 for bits in (16, 32, 64)},
    "bfloat16": 2,
    "complex64": 8,
    "complex128": 16,
}
KEYS = (type(None), bool, int, float, complex, str, bytes, frozenset)


class WireError(ValueError):
    """A value that cannot be carried, or bytes that are none."""


def extent(shape: Sequence[int], dtype: str) -> int:
    """Bytes that an array needs, where an axis without entries counts as one of a single entry.

    So a shape is bounded by the bytes allowed even if the array is empty.
    """
    return math.prod(max(size, 1) for size in shape) * DTYPES[dtype]


def check_keys(keys: list[Any]) -> list[Any]:
    """Return values that a table can be made of; the values are as `decode` gives them, so no method of theirs is
    anybody's own. Raises WireError where one is no plain value, two are equal, or many fall on one hash."""
    if not all(map(_is_key, keys)):
        raise WireError("keys have to be None, numbers, text, bytes, or tuples and frozensets of these")
    if max(Counter(map(hash, keys)).values(), default=0) > ALIKE or len(set(keys)) < len(keys):
        raise WireError("keys have to be different")
    return keys


def _is_key(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(_is_key, value))
    return type(value) in KEYS
