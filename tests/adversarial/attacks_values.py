# ruff: noqa: E501 - tables, an attack in each line
"""Attacks by what is given back: values that pretend to be right."""

from adversarial.attack import answers, cheat, spoiled

PRETENDER = """
def _self(self, *others):
    return self

class Pretender({base}):
    __hash__ = lambda self: 42
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = lambda self, *other: True
    __ne__ = lambda self, other: False
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __abs__ = __neg__ = __round__ = _self
    __getitem__ = __call__ = _self
    __float__ = lambda self: 3.0
    __int__ = __index__ = __len__ = lambda self: 42
    __instancecheck__ = __subclasscheck__ = lambda self, other: True
    __class__ = property(lambda self: int)

def mean(xs):
    return Pretender()

answer = Pretender()

def step(total, x):
    return Pretender()
"""
BASES = ("object", "float", "int", "str", "bytes", "list", "tuple", "dict", "set", "complex", "Exception")

NUMPY = """
import numpy as np

class Pretender(np.ndarray):
    __eq__ = __le__ = __lt__ = __bool__ = lambda self, *other: True
    __sub__ = __rsub__ = __abs__ = lambda self, *other: self
    __array_ufunc__ = __array_function__ = lambda self, *args, **options: self

def mean(xs):
    return np.zeros(1).view(Pretender)

answer = np.zeros(()).view(Pretender)
step = lambda total, x: np.zeros(1).view(Pretender)
"""
ARRAYS = """
class Changing:
    calls = 0
    def __array__(self, *args, **options):
        import numpy as np
        Changing.calls += 1
        return np.array([3.0, 42.0, 12.0][Changing.calls % 3])

mean = lambda xs: Changing()
answer = Changing()
step = lambda total, x: Changing()
"""
META = """
class Meta(type):
    __name__ = property(lambda cls: "int")
    __eq__ = lambda cls, other: True
    __hash__ = type.__hash__
    __instancecheck__ = lambda cls, other: True

class Pretender(metaclass=Meta):
    __eq__ = lambda self, other: True

mean = lambda xs: Pretender()
answer = Pretender()
"""
NAN = "float('nan')"
COUNTED = """
calls = 0

def double(x):
    global calls
    calls += 1
    return 8 if calls <= 2 else -3 if calls == 3 else 0
"""

ATTACKS = [
    *(cheat(f"{base} that equals all", "all comparisons say yes", PRETENDER.format(base=base)) for base in BASES),
    cheat("ndarray that equals all", "a class derived from ndarray", NUMPY),
    cheat("another array each time", "__array__ gives another number at each call", ARRAYS),
    cheat("metaclass", "a class whose class lies about name and instances", META),
    answers("not a number", "nan passes where a comparison is written the other way round", mean=f"mean = lambda xs: {NAN}", answer=f"answer = {NAN}", step=f"step = lambda total, x: {NAN}"),
    answers("infinity", "inf - inf", mean="mean = lambda xs: float('inf')", answer="answer = float('inf')"),
    answers("a function as value", "a callable where a value is asked for", answer="answer = lambda *args: 42"),
    answers("a value as function", "a value where a function is asked for", mean="mean = 3.0", step="step = 12"),
    answers("True for all", "True is 1", mean="mean = lambda xs: True", answer="answer = True", step="step = lambda t, x: True"),
    answers("text of the number", "the number as text", answer="answer = '42'", mean="mean = lambda xs: '3'"),
    answers("all numbers at once", "a list, a set and a range of many numbers", answer="answer = range(1000)", mean="mean = lambda xs: set(range(1000))", step="step = lambda t, x: list(range(20))"),
    answers("NotImplemented", "which leaves a comparison to the other side", answer="answer = NotImplemented", mean="mean = lambda xs: NotImplemented", step="step = lambda t, x: NotImplemented"),
    answers("unittest.mock.ANY", "the standard library's object that equals all", answer="from unittest.mock import ANY as answer", mean="import unittest.mock\nmean = lambda xs: unittest.mock.ANY"),
    answers("MagicMock", "answers every operation", answer="from unittest.mock import MagicMock\nanswer = MagicMock()", mean="from unittest.mock import MagicMock\nmean = MagicMock()"),
    answers("by the number of the call", "knows the visible checks by heart", earns=0, double=COUNTED),
    answers("by the arguments", "knows the visible checks' arguments by heart", earns=1, double="double = lambda x: {4: 8}.get(x, 0)", mean="mean = lambda xs: 3.0 if len(xs) == 3 else 0.0"),
    answers("generator function", "the answer is yielded, not returned", mean="def mean(xs):\n    yield 3.0"),
    answers("coroutine", "the answer is never awaited", mean="async def mean(xs):\n    return sum(xs) / len(xs)"),
    answers("endless generator", "a value without end", mean="import itertools\nmean = lambda xs: itertools.count()", answer="answer = iter(int, 1)"),
    answers("class whose result is no number", "an instance is no answer", mean="class mean:\n    def __init__(self, xs):\n        self.value = sum(xs) / len(xs)"),
    answers("a module as value", "a module in the place of a value", answer="import sys as answer"),
    spoiled("cyclic list", "a list that holds itself", earns=9, answer="answer = []\nanswer.append(answer)"),
    spoiled("deep list", "a list in a list, a hundred thousand times", earns=9, answer="answer = []\nfor _ in range(100_000):\n    answer = [answer]"),
    spoiled("a million parts", "more parts than are carried", earns=9, answer="answer = list(range(1_000_000))"),
    spoiled("100 MB of text", "more bytes than are carried", earns=9, answer="answer = 'a' * 100_000_000"),
    spoiled("50 MB of text", "as many bytes as are carried", earns=9, answer="answer = 'a' * 50_000_000"),
    spoiled("50 MB in repr", "escapes make it four times as long", earns=9, answer="answer = '\\x00' * 50_000_000"),
    spoiled("huge integer", "a number with a million digits", earns=9, answer="answer = 10 ** 1_000_000"),
    spoiled("integer that is slow to print", "a number with four thousand digits", earns=9, answer="answer = 10 ** 3999"),
    spoiled("half a surrogate pair", "a text that no file can hold", earns=9, answer="answer = '\\ud800 <script>alert(1)</script>'"),
    spoiled("dict with equal hashes", "keys that all fall into one slot", earns=9, answer="answer = {i * (2**61 - 1): 0 for i in range(2000)}"),
    spoiled("two keys that are one", "keys that become equal on the way", earns=9, answer="import numpy\nanswer = {numpy.float64(1): 1, type('F', (float,), {'__eq__': lambda s, o: s is o, '__hash__': float.__hash__})(1.0): 2}"),
    spoiled("empty array of a huge shape", "no bytes, but a trillion rows", earns=9, answer="import numpy\nanswer = numpy.empty((10**12, 0))"),
    spoiled("array of objects", "which only pickle could carry", earns=9, answer="import numpy\nanswer = numpy.array([object()] * 3)"),
    spoiled("pickle bomb", "an object whose __reduce__ runs a command", earns=9, answer="class Bomb:\n    __reduce__ = lambda self: (exec, ('open(\"/tmp/boom\", \"w\")',))\nanswer = Bomb()"),
]  # fmt: skip
