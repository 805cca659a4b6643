"""Values that the wire carries, drawn by hypothesis, and what it means that two are the same."""

import math
import struct
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from vae_tutorial.grading.wire import Foreign

NUMPY = ["bool", *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)), "float16", "float32", "float64"]
NUMPY += ["complex64", "complex128"]
TORCH = [*NUMPY, "bfloat16"]
FOREIGN = ("generator", "function", "Linear", "DataFrame", "object", "dict", "Tensor")


def same(a: Any, b: Any) -> bool:
    """Equal in type and in every bit that can be told from Python; not a number is not a number."""
    if isinstance(a, Foreign) and isinstance(b, Foreign):
        return type(a) is type(b)
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return math.isnan(a) and math.isnan(b) if math.isnan(a) else struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if isinstance(a, set | frozenset):
        return _text(a) == _text(b)
    if isinstance(a, range):
        return repr(a) == repr(b)
    if isinstance(a, torch.Tensor | np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and same(a.tolist(), b.tolist())
    return a == b


def _text(value: Any) -> str:
    """A set's, or a member's, with members in the order of their texts."""
    if isinstance(value, tuple | set | frozenset):
        texts = list(map(_text, value))
        return f"{type(value).__name__}{texts if isinstance(value, tuple) else sorted(texts)}"
    return repr(value)


SHAPES = st.lists(st.integers(0, 3), max_size=4)


def _array(draw: st.DrawFn, dtype: str) -> np.ndarray:
    """Any bits, where they are a number's."""
    shape = draw(SHAPES)
    size = math.prod(shape) * np.dtype(dtype).itemsize
    bits = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), np.uint8)
    return (bits % 2 if dtype == "bool" else bits).view(dtype).reshape(shape)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Of either order of bytes and any strides."""
    array = _array(draw, draw(st.sampled_from(NUMPY)))
    if draw(st.booleans()):
        array = array.astype(array.dtype.newbyteorder("S"))
    step = draw(st.sampled_from([1, -1, 2]))
    array = array[(..., *(slice(None, None, step) for _ in array.shape))]
    axes = draw(st.permutations(range(array.ndim)))
    return array.transpose(axes)


numbers = st.builds(lambda array: array.astype(array.dtype.newbyteorder("=")).reshape(-1)[0], arrays().filter(np.size))


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """Of any strides; conjugate, negative and expanded views, parameters, and those that ask for a gradient."""
    dtype = draw(st.sampled_from(TORCH))
    tensor = torch.from_numpy(_array(draw, "int16" if dtype == "bfloat16" else dtype).copy())
    if dtype == "bfloat16":
        tensor = tensor.view(torch.bfloat16)
    tensor = tensor.permute(draw(st.permutations(range(tensor.dim()))))
    if tensor.dim() and draw(st.booleans()):
        tensor = tensor[::2]
    if draw(st.booleans()):
        tensor = tensor.expand(2, *tensor.shape)
    if tensor.is_complex() and draw(st.booleans()):
        tensor = draw(st.sampled_from([tensor.conj(), tensor.conj().imag]))
    if (tensor.is_floating_point() or tensor.is_complex()) and draw(st.booleans()):
        tensor = draw(st.sampled_from([tensor.requires_grad_() * 1, torch.nn.Parameter(tensor)]))
    return tensor


floats = st.floats(allow_nan=True)
texts = st.text(st.characters(exclude_categories=()), max_size=8)
keys = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | texts,
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)
members = keys | st.binary(max_size=4) | st.complex_numbers(allow_nan=False) | st.frozensets(st.integers(), max_size=3)
plain = (
    keys
    | st.integers(-(10**4000) + 1, 10**4000 - 1)
    | st.integers(2**63 - 2, 2**63 + 2)
    | st.integers(-(2**63) - 2, -(2**63) + 2)
    | st.complex_numbers(allow_nan=True)
    | st.binary(max_size=8)
    | st.builds(range, st.integers(), st.integers(), st.integers().filter(bool)).map(lambda value: value[:100_000])
    | st.sets(members, max_size=4)
    | st.frozensets(members, max_size=4)
    | st.sampled_from(FOREIGN).map(Foreign)
)
# As `decode` gives them: of arrays and tensors what is carried of any.
values = st.recursive(
    plain | arrays().map(lambda array: np.array(array.tolist(), array.dtype.name).reshape(array.shape)) | numbers,
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=10,
)
