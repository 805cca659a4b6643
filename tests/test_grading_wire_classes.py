"""Values of classes that somebody wrote to deceive: what they inherit is read, and none of their code is run."""

import numpy as np
import pytest
import torch
from wire_values import same

from vae_tutorial.grading.wire import Foreign, decode, encode


def never(*args, **options):
    raise AssertionError("a value's own code was run")


HOOKS = ["__repr__", "__str__", "__index__", "__int__", "__float__", "__len__", "__iter__", "__getitem__", "__eq__"]
HOOKS += [
    "__getattribute__",
    "__bool__",
    "__complex__",
    "__bytes__",
    "__reduce_ex__",
    "__format__",
    "__lt__",
    "__neg__",
]
HOOKS += [
    "items",
    "keys",
    "values",
    "encode",
    "real",
    "imag",
    "item",
    "tolist",
    "__contains__",
    "__abs__",
    "__sizeof__",
]


def lying(base: type) -> type:
    """A class derived from `base` of which any use runs code of its own."""
    body = dict.fromkeys(HOOKS, never) | {"__hash__": base.__hash__, "__class__": property(never)}
    return type("Secret", (base,), body)


@pytest.mark.parametrize(
    "value",
    [7, 2**70, 2.5, float("inf"), 1 + 2j, "word", b"word", [1, "a"], (1, [2]), {"a": [1]}, {1, 2}, frozenset("ab")],
    ids=lambda value: type(value).__name__,
)
def test_a_derived_class_is_read_without_its_methods(value):
    lie = lying(type(value))(value)
    assert same(decode(encode(lie)), value)
    assert same(decode(encode([lie, {"a": (lie,)}])), [value, {"a": (value,)}])


def test_derived_keys_are_read_without_their_methods():
    word, number, pair = lying(str)("a"), lying(int)(3), lying(tuple)((1, "b"))
    assert same(decode(encode({word: 1, number: 2, pair: 3})), {"a": 1, 3: 2, (1, "b"): 3})
    assert same(decode(encode({(word, (number,))})), {("a", (3,))})

    class Unlike(str):
        __slots__ = ()

        def __eq__(self, other):
            return self is other

        __hash__ = object.__hash__

    assert same(decode(encode({Unlike("a"): 1, Unlike("a"): 2})), Foreign("dict"))


def test_arrays_of_derived_classes_are_read_without_their_methods():
    hooks = ["__array__", "__array_function__", "__array_ufunc__", "astype", "tobytes", "reshape", "view", "item"]
    body = dict.fromkeys(hooks, never) | {name: property(never) for name in ("shape", "dtype", "ndim", "data")}
    array = np.arange(6.0).reshape(2, 3).T.view(type("Secret", (np.ndarray,), body))
    assert same(decode(encode(array)), np.arange(6.0).reshape(2, 3).T)
    number = type("Secret", (np.float64,), body)(2.5)
    assert same(decode(encode(number)), np.float64(2.5))
    assert same(decode(encode({number})), {2.5})


def test_tensors_of_derived_classes_are_read_without_their_methods():
    body = dict.fromkeys(("detach", "cpu", "numpy", "contiguous", "reshape", "view", "dim", "__array__"), never)
    body |= {name: property(never) for name in ("shape", "dtype", "layout", "is_meta")}
    body["__torch_function__"] = classmethod(never)
    tensor = torch.arange(6.0).reshape(2, 3).T.as_subclass(type("Secret", (torch.Tensor,), body))
    assert same(decode(encode(tensor)), torch.arange(6.0).reshape(2, 3).T)


def test_a_tensor_without_memory_is_not_carried():
    class Wrapper(torch.Tensor):
        @staticmethod
        def __new__(cls):
            return torch.Tensor._make_wrapper_subclass(cls, (2,), dtype=torch.float32)

        __torch_dispatch__ = classmethod(never)

    assert decode(encode(Wrapper())).kind == "object"


def test_an_array_that_cannot_be_had_is_not_carried():
    def deeper(self):
        return self.__array__()

    class Meta(type):
        __name__ = property(never)

        def __getattr__(cls, name):
            never()

    for give in (never, None, 3, deeper, lambda self: [1], lambda self: np.array([None]), lambda self: torch.ones(1)):
        assert decode(encode(type("Secret", (), {"__array__": give})())).kind == "object"
    assert (
        decode(encode(Meta("Secret", (), {"__getattribute__": never, "__class__": property(never)})())).kind == "object"
    )


def test_a_list_that_grows_meanwhile_is_taken_as_it_was():
    class Grows:
        def __array__(self, dtype=None, copy=None):
            value.append(self)
            several[len(several)] = self
            return np.zeros(1)

    value, several = [Grows()], {}
    assert same(decode(encode(value)), [np.zeros(1)])
    several[0] = Grows()
    assert same(decode(encode(several)), {0: np.zeros(1)})
    assert (len(value), len(several)) == (3, 2)
