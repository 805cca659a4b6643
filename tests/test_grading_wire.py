"""What is carried comes back the same; what is not comes back as a name; what is too large is refused in words."""

import collections
import os
import subprocess
import sys
import types
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_values import FOREIGN, NUMPY, TORCH, arrays, numbers, plain, same, tensors, values

from vae_tutorial.grading.wire import Foreign, WireError, decode, encode
from vae_tutorial.grading.wire.format import HEADER, PARTS

Point = collections.namedtuple("Point", "x y")


def carried(value):
    """What comes out at the other end; and that it would go on unchanged from there."""
    blob = encode(value)
    there = decode(blob)
    assert encode(there) == blob
    return there


@given(values)
def test_a_value_comes_back_the_same(value):
    assert same(carried(value), value)


@given(plain)
def test_a_plain_value_comes_back_the_same(value):
    assert same(carried(value), value)


@given(arrays())
def test_an_array_comes_back_in_native_order_and_memory_of_its_own(array):
    there = carried(array)
    assert there.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(there, array.astype(there.dtype), strict=True)
    assert there.tobytes() == array.astype(there.dtype).tobytes()
    assert there.flags.writeable
    assert there.flags.c_contiguous
    assert type(there) is np.ndarray


@given(numbers)
def test_a_number_of_numpy_stays_one(number):
    assert same(carried(number), number)
    assert isinstance(carried(number), np.generic)


@given(tensors())
def test_a_tensor_comes_back_on_the_cpu_without_its_history(tensor):
    there = carried(tensor)
    assert type(there) is torch.Tensor
    assert same(there, tensor.detach().as_subclass(torch.Tensor))
    assert not there.requires_grad
    assert there.is_contiguous()
    assert there.is_leaf
    there.zero_()


def test_every_dtype_is_carried():
    for name in TORCH:
        there = carried(torch.ones(2, 3, dtype=getattr(torch, name)))
        assert torch.equal(there, torch.ones(2, 3, dtype=getattr(torch, name)))
    for name in NUMPY:
        np.testing.assert_array_equal(carried(np.ones((2, 3), name)), np.ones((2, 3), name), strict=True)
        np.testing.assert_array_equal(carried(np.ones((2, 3), name).T[::-1]), np.ones((3, 2), name), strict=True)


def test_what_came_is_nobody_elses_memory():
    array, tensor = np.arange(3.0), torch.arange(3.0)
    blob = encode([array, tensor])
    first, second = decode(blob), decode(blob)
    first[0][:], first[1][:] = 7, 7
    assert array.tolist() == tensor.tolist() == second[0].tolist() == second[1].tolist() == [0, 1, 2]
    loss = (second[1].requires_grad_() ** 2).sum()
    loss.backward()
    assert second[1].grad.tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("value", "there"),
    [
        (Point(1, Point(2, "x")), (1, (2, "x"))),
        (torch.Size([2, 3]), (2, 3)),
        (torch.zeros(2, 5).max(1), (torch.zeros(2), torch.zeros(2, dtype=torch.int64))),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (np.str_("word"), "word"),
        (np.bytes_(b"word"), b"word"),
        ({np.int64(3): 1, (np.float32(0.5), np.bool_(True)): 2}, {3: 1, (0.5, True): 2}),
        ({np.int8(3), np.str_("a")}, {3, "a"}),
        (np.ma.array([1, 2], mask=[True, False]), np.array([1, 2])),
        (np.array(7, ">i4"), np.array(7, "int32")),
        (np.broadcast_to(np.float32(1), (2, 2)), np.ones((2, 2), "float32")),
        (np.zeros((2, 0, 3)), np.zeros((2, 0, 3))),
        (torch.zeros(0, 3), torch.zeros(0, 3)),
        (torch.arange(4)[::4], torch.tensor([0])),
        (torch.zeros(0, 3).T[:, ::2], torch.zeros(3, 0)),
        (torch.tensor(2.0, requires_grad=True), torch.tensor(2.0)),
        (torch.nn.Parameter(torch.ones(2)), torch.ones(2)),
        (torch.nn.Linear(1, 1, bias=False).requires_grad_(False).state_dict().keys(), Foreign("object")),
        ({object(): 1}, Foreign("dict")),
        ({1, Fraction(1, 2)}, Foreign("set")),
        ({"a": 1}.items(), Foreign("dict_items")),
        ((x for x in ()), Foreign("generator")),
        (map(abs, []), Foreign("map")),
        (carried, Foreign("function")),
        ([abs], [Foreign("builtin_function_or_method")]),
        (types, Foreign("module")),
        (types.SimpleNamespace(a=1), Foreign("SimpleNamespace")),
        (collections.deque([1]), Foreign("deque")),
        (bytearray(b"a"), Foreign("bytearray")),
        (torch.nn.Sequential(), Foreign("Sequential")),
        (torch.distributions.Normal(0.0, 1.0), Foreign("Normal")),
        (torch.float32, Foreign("dtype")),
        (torch.eye(2).to_sparse(), Foreign("Tensor")),
        (torch.empty(2, device="meta"), Foreign("Tensor")),
        (torch.zeros(2, dtype=torch.float8_e4m3fn), Foreign("Tensor")),
        (np.array([None]), Foreign("ndarray")),
        (np.array(["a"]), Foreign("ndarray")),
        (np.zeros(2, [("a", "f4")]), Foreign("ndarray")),
        (np.datetime64("2020-01-01"), Foreign("datetime64")),
        (np.longdouble(1), Foreign("longdouble")),
        (int, Foreign("type")),
        (ValueError("a"), Foreign("ValueError")),
        (Point, Foreign("type")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_becomes_of_other_values(value, there):
    assert same(carried(value), there)


def test_an_object_with_array_is_its_array():
    class Frame:
        def __array__(self, dtype=None, copy=None):
            return np.arange(6).reshape(2, 3)[:, ::-1]

    np.testing.assert_array_equal(carried([Frame()])[0], [[2, 1, 0], [5, 4, 3]], strict=True)


def test_a_class_cannot_tell_its_name():
    for name in ("the hidden input is 3.25", "secret", "Foreign", "__class__", "", "é"):
        there = carried(type(name, (), {})())
        assert type(there).__name__ == there.kind == "object"
        assert Foreign(name).kind == "object"


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_not_carried_can_do_nothing(kind):
    value = Foreign(kind)
    assert isinstance(value, Foreign)
    assert type(value).__name__ == value.kind == kind
    assert str(value) == repr(value) == f"<{'an' if kind == 'object' else 'a'} {kind}>"
    assert value != Foreign(kind)
    assert value == value
    assert not callable(value)
    assert [name for name in dir(value) if not name.startswith("__")] == ["kind"]
    for use in (iter, len, float, int, bytes, torch.tensor, torch.as_tensor, lambda x: np.asarray(x, float), vars):
        with pytest.raises((TypeError, RuntimeError)):
            use(value)
    for name in ("kind", "note", "__class__"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(value, name, int)


@pytest.fixture
def fewer_parts(monkeypatch):
    """A thousand parts instead of 100,000, with all checks of types."""
    for module in ("encoding", "decoding"):
        monkeypatch.setattr(f"vae_tutorial.grading.wire.{module}.PARTS", 1000)


def ordinal(n):
    """The set of all smaller ones: n sets in memory, 2^n when told one by one."""
    smaller = []
    for _ in range(n):
        smaller.append(frozenset(smaller))
    return frozenset(smaller)


def cyclic():
    value = [1]
    value.append({"a": (value,)})
    return value


def nested(levels, of=list):
    value = of()
    for _ in range(levels):
        value = of([value])
    return value


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: torch.zeros(1).expand(2**24 + 1), "has more than 64 MB"),
        (lambda: torch.zeros(1).expand(10**15), "has more than 64 MB"),
        (lambda: [torch.zeros(2**23), torch.zeros(2**23)], "has more than 64 MB"),
        (lambda: np.broadcast_to(0.0, (10**9, 10**9)), "has more than 64 MB"),
        (lambda: torch.zeros(0, 10**9), "has more than 64 MB"),
        (lambda: "é" * 2**25, "has more than 64 MB"),
        (lambda: bytes(2**26 - 3), "has more than 64 MB"),
        (lambda: [0] * 1000, "has more than 1,000 parts"),
        (lambda: [[0] * 99] * 10, "has more than 1,000 parts"),
        (lambda: dict.fromkeys(range(500)), "has more than 1,000 parts"),
        (lambda: ordinal(40), "has more than 1,000 parts"),
        (lambda: range(10**4000), "an integer of more than 4,000 digits"),
        (lambda: range(1001), "has more than 1,000 parts"),
        (lambda: {-(10**4000): 1}, "an integer of more than 4,000 digits"),
        (cyclic, "nested more than 50 levels deep, or holds itself"),
        (lambda: nested(51), "nested more than 50 levels deep"),
        (lambda: nested(51, tuple), "nested more than 50 levels deep"),
        (lambda: {nested(51, frozenset)}, "nested more than 50 levels deep"),
        (lambda: {nested(10_000, tuple): 1}, "nested more than 50 levels deep"),
    ],
)
def test_what_is_too_large_is_refused_in_a_sentence(make, sentence, fewer_parts):
    with pytest.raises(WireError, match=f"^the result (has|is) .*{sentence.removeprefix('has ')}"):
        encode(make())


def test_what_is_just_not_too_large_is_carried(fewer_parts):
    for value in (bytes(2**26 - 32), [0] * 999, nested(50), nested(50, tuple), 10**4000 - 1, 1 - 10**4000):
        assert same(carried(value), value)
    assert len(carried(dict.fromkeys(range(499)))) == 499
    assert carried(np.zeros((1,) * 16)).shape == (1,) * 16
    assert carried(torch.zeros((1,) * 17)).kind == "Tensor"


@pytest.mark.parametrize(
    "part",
    [
        complex(-1.2345678901234567e-308, -1.2345678901234567e-308),
        torch.zeros([2] * 9 + [1] * 7, dtype=torch.complex128),
        len,
        -(2**63),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_part_takes_more_of_the_header_than_there_is_for_it(part):
    size = int.from_bytes(encode([part] * 100)[:4], "big")
    assert size / 100 < HEADER / PARTS


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, check=True
    )
    return done.stdout


def test_the_bytes_of_a_set_do_not_depend_on_the_process():
    code = (
        "from vae_tutorial.grading.wire import encode; print(encode({'a', 'b', 'c', 'd', ('a', 1), 2.5, None}).hex())"
    )
    assert len({run(code, PYTHONHASHSEED=seed) for seed in "123"}) == 1


def test_numpy_and_torch_are_imported_for_their_values_alone():
    code = f"""
import sys
from vae_tutorial.grading.wire import decode, encode
known = lambda: [name for name in ("numpy", "torch") if name in sys.modules]
decode(encode([{{"a": 1.5}}, "b", abs]))
print(known())
decode({encode(np.ones(2))!r})
print(known())
decode({encode(torch.ones(2))!r})
print(known())
"""
    assert run(code).splitlines() == ["[]", "['numpy']", "['numpy', 'torch']"]


@settings(max_examples=20)
@given(st.lists(tensors() | arrays(), max_size=4))
def test_many_arrays_do_not_get_mixed_up(several):
    for there, value in zip(carried(several), several, strict=True):
        assert same(there, carried(value))
