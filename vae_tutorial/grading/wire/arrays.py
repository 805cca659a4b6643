"""Arrays, numbers of numpy and tensors: out of a value, and made again from their bytes.

numpy and torch are imported where a value cannot be without them, nowhere else.
"""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from vae_tutorial.grading.wire.format import DIMENSIONS, DTYPES


class Found(NamedTuple):
    """kind: "array", "number" or "tensor". content: the bytes in C order, made when called."""

    kind: str
    dtype: str
    shape: tuple[int, ...]
    content: Callable[[], memoryview]


def is_array(kind: type) -> bool:
    return issubclass(kind, _classes())


def read(value: Any) -> Found | None:
    """What is to be carried of an array, of a tensor or of what has `__array__`; None of anything else.

    Raises whatever the value's methods raise.
    """
    if issubclass(type(value), _classes("torch")):
        return _of_tensor(value)
    if issubclass(type(value), _classes("numpy")):
        return _of_array(value, number=issubclass(type(value), sys.modules["numpy"].generic))
    if (method := getattr(type(value), "__array__", None)) is None:
        return None
    array = method(value)
    return _of_array(array) if issubclass(type(array), _classes("numpy")) else None


def read_number(value: Any) -> Any:
    """Python's value for a number of numpy, NotImplemented for what is none."""
    numpy = sys.modules["numpy"]
    return numpy.generic.item(value) if issubclass(type(value), numpy.generic) else NotImplemented


def build(kind: str, dtype: str, shape: list[int], content: memoryview) -> Any:
    """The array, number or tensor, in memory of its own."""
    import numpy as np

    if dtype == "bool":  # of a byte that is neither 0 nor 1 a boolean would be neither True nor False
        content = (np.frombuffer(content, np.uint8) != 0).data.cast("B")
    if kind == "tensor":
        import torch

        tensor = torch.empty(shape, dtype=getattr(torch, dtype))
        tensor.reshape(-1).view(torch.uint8).numpy()[:] = np.frombuffer(content, np.uint8)
        return tensor
    array = np.frombuffer(content, np.dtype(dtype)).reshape(shape)
    return array.copy() if kind == "array" else array[()]


def _classes(module: str = "") -> tuple[type, ...]:
    """The classes of arrays in the modules that are imported."""
    names = (("numpy", "ndarray"), ("numpy", "generic"), ("torch", "Tensor"))
    found = (getattr(sys.modules.get(name), cls, None) for name, cls in names if module in ("", name))
    return tuple(cls for cls in found if isinstance(cls, type))


def _of_array(value: Any, number: bool = False) -> Found | None:
    numpy = sys.modules["numpy"]
    array = numpy.asarray(value)  # of the class itself
    dtype = array.dtype.name
    if array.dtype.kind not in "biufc" or dtype not in DTYPES or array.ndim > (0 if number else DIMENSIONS):
        return None

    def content() -> memoryview:
        native = array.astype(dtype, order="C", copy=False)
        return native.reshape(-1).view(numpy.uint8).data

    return Found("number" if number else "array", dtype, array.shape, content)


def _of_tensor(value: Any) -> Found | None:
    torch = sys.modules["torch"]
    with torch._C.DisableTorchFunctionSubclass():
        tensor = torch.Tensor.as_subclass(torch.Tensor.detach(value), torch.Tensor)
        dtype = str(tensor.dtype).removeprefix("torch.")
        if dtype not in DTYPES or tensor.layout is not torch.strided or tensor.is_meta or tensor.dim() > DIMENSIONS:
            return None

    def content() -> memoryview:
        with torch._C.DisableTorchFunctionSubclass():
            plain = tensor.resolve_conj().resolve_neg().cpu().contiguous()
            # One number or none is contiguous with any strides, but not with any can it be viewed as bytes.
            return plain.as_strided((plain.numel(),), (1,)).view(torch.uint8).numpy().data

    return Found("tensor", dtype, tuple(tensor.shape), content)
