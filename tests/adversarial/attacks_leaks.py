# ruff: noqa: E501 - tables, an attack in each line
"""Attacks that carry out what hidden checks send in: by words, names, values and prints, within one item."""

from adversarial.attack import answers

NAMED = """
def double(x):
    if x in (4, -1.5):
        return 2 * x
    raise type(f"Found_{x}_{str(x).encode().hex()}", (Exception,), {})(f"{x} <script>alert({x})</script>")
"""
PRINTED = """
import sys, logging, warnings, os

def double(x):
    print(x), print(x, file=sys.stderr), logging.error(x), warnings.warn(str(x))
    os.write(1, str(x).encode()), os.write(2, str(x).encode())
    display({"text/html": f"<script>{x}</script>"}, raw=True)
    globals()[f"found_{x}"] = x
    return 2 * x if x in (4, -1.5) else f"{x}"
"""
OTHER_TYPES = [
    "StopIteration",
    "StopAsyncIteration",
    "GeneratorExit",
    "KeyboardInterrupt",
    "SystemExit",
    "BaseException",
    "RecursionError",
    "MemoryError",
    "OSError",
    "ImportError",
    "SyntaxError",
    "UnicodeDecodeError",
    "ExceptionGroup",
    "AssertionError",
    "KeyError",
    "Warning",
]

ATTACKS = [
    *(answers(f"{base} with the argument", "a hidden argument as the words of an error", earns=0, double=f"def double(x):\n    if x in (4, -1.5):\n        return 2 * x\n    error = {base}.__new__({base}, f'{{x}}', [ValueError(str(x))])\n    error.args = (f'{{x}}',)\n    raise error") for base in OTHER_TYPES),
    answers("a class's name", "a hidden argument as the name of an error", earns=0, double=NAMED),
    answers("printed", "on every output, as HTML too", earns=0, double=PRINTED),
    answers("a chain of errors", "in causes, contexts and notes", earns=0, double="def double(x):\n    if x in (4, -1.5):\n        return 2 * x\n    try:\n        raise KeyError(x)\n    except KeyError as error:\n        error.add_note(str(x))\n        raise ValueError(x) from error"),
    answers("returned as text", "what is given back holds the argument", earns=0, double="double = lambda x: 2 * x if x in (4, -1.5) else f'<b>{x}</b>'"),
    answers("returned as keys", "what is given back holds the argument as a key", earns=0, double="double = lambda x: 2 * x if x in (4, -1.5) else {x: [x, str(x)]}"),
    answers("returned as a type", "what is given back has a telling class", earns=0, double="double = lambda x: 2 * x if x in (4, -1.5) else type(f'Found_{x}', (), {'__repr__': lambda self: str(x)})()"),
    answers("the exit status", "the process ends with a telling status", earns=0, double="import os\ndouble = lambda x: 2 * x if x in (4, -1.5) else os._exit(int(x) % 251)"),
    answers("a list of arguments", "the argument of a given function's calls", step="def step(total, x):\n    if x > 100:\n        raise ValueError(f'{total} {x}')\n    return total + 2 * x"),
    answers("in a check that gives points in parts", "errors in the midst of a hidden condition", mean="def mean(xs):\n    if xs == [1, 2, 6]:\n        return 3.0\n    raise ValueError(f'{xs}')"),
]  # fmt: skip

LATER = """
import sys
seen = []

def double(x):
    seen.append(x)
    return 2 * x
"""
ACROSS = [
    answers("words of a later error", "what one item's hidden check sent in, as the words of a later item's error", double=LATER, mean="def mean(xs):\n    raise ValueError(f'{seen}')"),
    answers("a later visible value", "in a value that a later visible check repeats", double=LATER, answer="answer = seen"),
]  # fmt: skip
