"""Any bytes give a value or WireError, within bounds of time and memory."""

import json
import time
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_values import FOREIGN, TORCH, same, tensors, values

from vae_tutorial.grading.wire import MOST, Foreign, WireError, decode, encode


def blob(header: str | list | int | None, contents: bytes = b"") -> bytes:
    """A header, as JSON or as it stands, and contents."""
    raw = (header if isinstance(header, str) else json.dumps(header)).encode("utf-8", "surrogatepass")
    return len(raw).to_bytes(4, "big") + raw + contents


def survives(content: bytes) -> None:
    """Read the bytes: what they give, if anything, is carried on unchanged."""
    with suppress(WireError):
        value = decode(content)
        again = encode(value)
        assert same(decode(again), value)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(content):
    survives(content)
    survives(len(content).to_bytes(4, "big") + content)
    survives(blob(content.decode("latin-1")))


edits = st.lists(st.tuples(st.integers(min_value=0), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=4)


@given(values | tensors(), edits)
def test_a_damaged_value_is_survived(value, edits):
    content = bytearray(encode(value))
    for at, cut, instead in edits:
        at %= len(content) + 1
        content[at : at + cut] = instead
    survives(bytes(content))


sizes = st.integers(-1, 9) | st.sampled_from([2**31, 2**63, 2**64, 10**19, -(2**63)])
scraps = st.none() | st.booleans() | sizes | st.floats() | st.sampled_from(["nan", "inf", *FOREIGN, *TORCH, "object_"])
names = ["int", "float", "complex", "str", "bytes", "range", "list", "tuple", "dict", "set", "frozenset", "foreign"]
names += ["array", "number", "tensor"]
trees = st.recursive(
    scraps | st.tuples(st.sampled_from(names), scraps) | st.tuples(st.sampled_from(names), scraps, st.lists(sizes)),
    lambda inner: st.builds(lambda kind, parts: [kind, *parts], st.sampled_from(names), st.lists(inner, max_size=4)),
)


@given(trees, st.binary(max_size=64))
def test_any_tree_is_survived(tree, contents):
    survives(blob(tree, contents))


@pytest.mark.parametrize(
    ("header", "contents"),
    [
        ("", b""),
        ("[]", b""),
        ("[[]]", b""),
        ('"list"', b""),
        ("NaN", b""),
        ("-Infinity", b""),
        ('["list",NaN]', b""),
        ("1" * 1_000_000, b""),
        ("1." + "1" * 1_000_000, b""),
        ("1e" + "9" * 1_000_000, b""),
        ("[" * 100_000, b""),
        ("[" * 100_000 + "]" * 100_000, b""),
        ('["list",' * 51 + "1" + "]" * 51, b""),
        ('["list",' * 900 + "1" + "]" * 900, b""),
        ('{"a":1}', b""),
        ('{"a":1,"a":2}', b""),
        ('["list",1] 2', b""),
        ("\ufeff1", b""),
        ('["é"]', b""),
        ('["\ud800"]', b""),
        (None, b"x"),
        (["str", 1], b"xx"),
        (["str", 2], b"x"),
        (["str", 1], b"\xff"),
        (["str", -1], b""),
        (["str", True], b"x"),
        (["str", 1.0], b"x"),
        (["str", "1"], b"x"),
        (["str"], b""),
        (["str", 1, 1], b"xx"),
        (["str", [1]], b"x"),
        (["int", 1663], bytes(1663)),
        (["int", 1662], b"\x7f" + bytes(1661)),
        (["float", "infinity"], b""),
        (["float", 1.0], b""),
        (["complex", 1, 2], b""),
        (["complex", 1.0], b""),
        (["range", 1, 2, 0], b""),
        (["range", 1.0, 2, 3], b""),
        (["range", 1, 2], b""),
        (["dict", 1], b""),
        (["dict", 1, 2, 1, 3], b""),
        (["dict", 1, 2, 1.0, 3], b""),
        (["dict", 1, 2, True, 3], b""),
        (["dict", ["list"], 1], b""),
        (["dict", ["tuple", ["list"]], 1], b""),
        (["dict", ["foreign", "map"], 1], b""),
        (["dict", ["number", "float64", []], 1], bytes(8)),
        (["set", 0, False], b""),
        (["set", ["set"]], b""),
        (["frozenset", ["tensor", "float32", []]], bytes(4)),
        (["foreign", "Secret"], b""),
        (["foreign", ["map"]], b""),
        (["foreign", 1], b""),
        (["array", "object", [1]], bytes(8)),
        (["array", "<U1", [1]], bytes(4)),
        (["array", "bfloat16", [1]], bytes(2)),
        (["array", "O", []], bytes(8)),
        (["tensor", "quint8", [1]], bytes(1)),
        (["tensor", "load", [1]], bytes(1)),
        (["tensor", ["float32"], [1]], bytes(4)),
        (["array", "float32", [-1]], b""),
        (["array", "float32", [-1, -1]], bytes(4)),
        (["array", "float32", [True]], bytes(4)),
        (["array", "float32", [1.0]], bytes(4)),
        (["array", "float32", 1], bytes(4)),
        (["array", "float32", "1"], bytes(4)),
        (["array", "float32", [2]], bytes(4)),
        (["array", "float32", [1]], bytes(8)),
        (["array", "float32", [1] * 17], bytes(4)),
        (["array", "float32", [0, 2**62]], b""),
        (["array", "float32", [2**32, 2**32]], b""),
        (["array", "float32", [2**62, 4]], b""),
        (["tensor", "float32", [0, 2**62]], b""),
        (["tensor", "float32", [2**62, 2**62]], b""),
        (["number", "float32", [1]], bytes(4)),
        (["eval", "1"], b""),
        (["__class__"], b""),
        ([["list"]], b""),
        ([1], b""),
    ],
    ids=lambda part: str(part)[:40] if isinstance(part, str | list) else "",
)
def test_what_no_value_gives_is_refused(header, contents):
    with pytest.raises(WireError):
        decode(blob(header, contents))


@pytest.mark.parametrize("content", [b"", b"\0", b"\0\0\0\0", b"\0\0\0\2", b"\xff\xff\xff\xff1", b"\0\0\0\1"])
def test_a_header_has_to_be_there(content):
    with pytest.raises(WireError):
        decode(content)


def test_a_value_is_read_up_to_so_many_bytes():
    content = encode(b"12345")
    assert decode(content, len(content)) == b"12345"
    with pytest.raises(WireError, match=f"may have {len(content) - 1} bytes"):
        decode(content, len(content) - 1)
    with pytest.raises(WireError, match="may have 67,108,864 bytes"):
        decode(bytes(MOST + 1))


def test_too_many_parts_are_refused(monkeypatch):
    monkeypatch.setattr("vae_tutorial.grading.wire.decoding.PARTS", 1000)
    assert decode(blob(["list", *[0] * 999])) == [0] * 999
    for tree in (["list", *[0] * 1000], ["list", *[["list", *[0] * 99]] * 10], ["list", *[[]] * 2000]):
        with pytest.raises(WireError, match="1,000 parts"):
            decode(blob(tree))


def test_a_booleans_byte_is_zero_or_one():
    array, tensor, number = decode(
        blob(
            ["list", ["array", "bool", [4]], ["tensor", "bool", [4]], ["number", "bool", []]], b"\0\1\2\xff" * 2 + b"\7"
        )
    )
    assert array.tobytes() == tensor.numpy().tobytes() == b"\0\1\1\1"
    assert number.tobytes() == b"\1"
    assert (array.sum(), tensor.sum(), number + number) == (3, 3, True)


PIECES = [
    "[]",
    "1,",
    "999,",
    "1e1,",
    '"ab",',
    "[",
    "[1,[2,[3,",
    '["list"],',
    '["list",[',
    " ",
    "\\u0000",
    "nul",
    "{",
    '"',
]


@pytest.mark.parametrize("piece", PIECES)
def test_no_header_takes_much_more_memory_than_its_bytes(piece):
    most = 50_000
    for header in (piece * ((most - 20) // len(piece)), "[" + piece * ((most - 20) // len(piece)) + "1]"):
        content = blob(header)
        tracemalloc.start()
        try:
            with suppress(WireError):
                decode(content, most)
            assert tracemalloc.get_traced_memory()[1] < 30 * most
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("shape", [[2**40], [2**13, 2**13], [0, 2**40], [2**20] * 16])
def test_no_shape_takes_memory_that_its_bytes_do_not(shape):
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            decode(blob(["array", "float64", shape], bytes(1000)))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def alike(count: int) -> list[tuple[int, int]]:
    """Different pairs with the same hash, from how Python hashes a tuple (xxHash, without a secret)."""
    first, second, fifth, whole = 11400714785074694791, 14029467366897019727, 2870177450012600261, 2**64
    found, a = [], 0

    def turned(x: int, by: int) -> int:
        return (x << by | x >> (64 - by)) % whole

    while len(found) < count:
        a += 1
        state = turned((fifth + a * second) % whole, 31) * first % whole
        b = (turned(4321 * pow(first, -1, whole) % whole, 33) - state) * pow(second, -1, whole) % whole
        if b < 2**61 - 1:  # as then the number is its own hash
            found.append((a, b))
    assert len(set(map(hash, found))) == 1
    return found


def test_keys_on_one_hash_do_not_stop_the_reader():
    pairs = alike(10_000)  # a dict of them takes a second or more to make, of 100,000 minutes
    for tree in (
        ["set", *(["tuple", *pair] for pair in pairs)],
        ["dict", *(part for pair in pairs for part in (["tuple", *pair], 0))],
    ):
        began = time.process_time()
        with pytest.raises(WireError, match="keys have to be different"):
            decode(blob(tree))
        assert time.process_time() - began < 20
    assert same(decode(encode(dict.fromkeys(alike(20)))), dict.fromkeys(alike(20)))
    assert same(decode(encode(set(alike(100)))), Foreign("set"))


def test_a_value_is_read_on_a_nearly_full_stack():
    value = [[[[[1]]]]]
    content, results = encode(value), []

    def deeper():
        try:
            deeper()
        except RecursionError:
            if len(results) < 100:  # while the stack empties
                results.append((attempt(encode, value), attempt(decode, content)))
            raise

    with pytest.raises(RecursionError):
        deeper()
    kinds = {WireError, RecursionError}  # the latter where there is not even room for the call
    assert {type(result) for pair in results for result in pair} <= {bytes, list, *kinds}
    assert attempt(encode, value) == content


def attempt(function, argument):
    try:
        return function(argument)
    except (WireError, RecursionError) as error:
        return error
