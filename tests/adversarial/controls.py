# ruff: noqa: E501 - tables, an answer in each line
"""Right answers written in unusual ways, and honest wrong ones: exactly their points."""

from adversarial.attack import Attack, answers, spoiled
from adversarial.small_key import ALL, BLANK, HONEST, RIGHT, WRONG, answered, notebook, with_code


def right(name: str, what: str, **given: str) -> Attack:
    return spoiled(name, what, earns=ALL, **given)


def beside(name: str, what: str, source: str, says: str = "") -> Attack:
    """A right notebook with one more cell."""
    return Attack(name, what, lambda: with_code(notebook(RIGHT), source), earns=ALL, says=says)


NOISY = """
import sys, warnings, logging

def double(x):
    print("doubling", x)
    print("doubling", x, file=sys.stderr)
    warnings.warn("deprecated", DeprecationWarning)
    logging.warning("odd")
    return 2 * x
"""
A_CLASS = "class Doubler:\n    factor = 2\n    def __call__(self, x):\n        return self.factor * x\n    @classmethod\n    def of(cls, x):\n        return cls.factor * x\n    @staticmethod\n    def twice(x):\n        return x + x\n"

RIGHT_ANSWERS = [
    right("as they stand", "the key's own answers"),
    right("lambda", "a function without a name", double="double = lambda x: x + x"),
    right("partial", "a function with arguments set", double="import functools, operator\ndouble = functools.partial(operator.mul, 2)"),
    right("instance", "what can be called", double=A_CLASS + "double = Doubler()"),
    right("class method", "of a class", double=A_CLASS + "double = Doubler.of"),
    right("static method", "of a class", double=A_CLASS + "double = Doubler.twice"),
    right("bound method", "of a number", double="double = (2.0).__mul__"),
    right("built-in", "from a module", mean="from statistics import fmean as mean"),
    right("class as function", "whose instances are numbers", double="class double(float):\n    def __new__(cls, x):\n        return super().__new__(cls, 2 * x)"),
    right("closure", "with its own state", double="def make(k):\n    def inner(x):\n        return k * x\n    return inner\ndouble = make(2)"),
    right("decorated", "cached", double="import functools\n@functools.cache\ndef double(x):\n    return 2 * x"),
    right("recursive", "calls itself", mean="def mean(xs):\n    def total(xs):\n        return xs[0] + total(xs[1:]) if xs else 0\n    return total(list(xs)) / len(xs)"),
    right("generators inside", "yield and return", mean="def each(xs):\n    yield from xs\ndef mean(xs):\n    return sum(each(xs)) / len(xs)"),
    right("more arguments", "with defaults", double="def double(x, *more, by=2, **options):\n    return by * x"),
    right("numbers of numpy", "an array's and numpy's own", double="import numpy as np\ndef double(x):\n    return np.float64(2) * x", mean="mean = lambda xs: np.mean(xs)", answer="answer = np.int64(42)"),
    right("arrays of one number", "of numpy", mean="import numpy as np\nmean = lambda xs: np.array(np.mean(xs))", answer="answer = np.array(42.0)"),
    right("float for int", "42.0", answer="answer = 42.0"),
    right("complex and Fraction inside", "exact on the way", mean="from fractions import Fraction\ndef mean(xs):\n    return float(sum(map(Fraction, xs)) / len(xs))"),
    right("int subclass", "an enumeration's value", answer="import enum\nanswer = enum.IntEnum('E', {'it': 42}).it"),
    right("warnings", "and words on every output", double=NOISY),
    right("a global of its own", "state that is read", step="offset = 0\ndef step(total, x):\n    global offset\n    offset += 1\n    return total + double(x)"),
    right("top-level await", "as notebooks allow", answer="import asyncio\nasync def find():\n    await asyncio.sleep(0)\n    return 42\nanswer = await find()"),
    right("last expression", "a value below the answer", answer="answer = 42\nanswer;\nanswer"),
    right("type hints", "checked by nobody", double="from __future__ import annotations\ndef double(x: Nothing) -> Unknown:\n    return 2 * x"),
    beside("%matplotlib inline", "and a picture", "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"),
    beside("tqdm", "a bar on stderr", "from tqdm.auto import tqdm\nfor _ in tqdm(range(1000)):\n    pass"),
    beside("magics", "that do nothing bad", "%time 1\n%timeit -n1 -r1 1\n%env HOME\n%pwd\n!echo hello\n%config InlineBackend.figure_format = 'retina'"),
    beside("%%bash", "a cell of another language", "%%bash\necho hello > /tmp/hello"),
    beside("%%writefile", "a file", "%%writefile note.txt\nhello"),
    beside("%%time", "a cell that is timed", "%%time\nsum(range(10))"),
    beside("!rm", "what may be deleted is the learner's alone", "!rm -rf /scratch /tmp/* ~/* 2> /dev/null"),
    beside("a cell that stops", "as scratch cells do", "1 / 0", says="ZeroDivisionError: division by zero"),
    beside("a cell that is no Python", "as scratch cells are", "def (:", says="SyntaxError"),
    beside("import of all", "hides nothing that is needed", "from math import *\nfrom os.path import *"),
    beside("5 MB printed", "by a loop", "for _ in range(50_000):\n    print('x' * 100)"),
    beside("get_ipython", "used for what it is there", "get_ipython().run_line_magic('who', '')\nget_ipython().history_manager\nIn, Out, _"),
    beside("display", "rich output", "from IPython.display import HTML, display\ndisplay(HTML('<b>done</b>'))"),
    beside("help", "which pages", "help(double)\ndouble?"),
    beside("warnings as errors", "set by the learner", "import warnings\nwarnings.simplefilter('error')"),
    beside("seeds and threads", "as lessons set them", "import random, os\nrandom.seed(0)\nos.environ['OMP_NUM_THREADS'] = '8'"),
]  # fmt: skip
HONEST_ANSWERS = [
    Attack("one right", "three wrong answers", lambda: notebook(WRONG), earns=HONEST),
    Attack("blank", "nothing written", lambda: notebook(BLANK), earns=0),
    Attack("step without double", "builds on what is wrong", lambda: answered(RIGHT, double=BLANK["double"]), earns=4, says="double(4) has to be 8, and is None"),
    spoiled("syntax error in one answer", "the others count", earns=7, mean="def mean(xs) return 3", says="the notebook does not make mean"),
    spoiled("indentation error", "the others count", earns=7, mean="def mean(xs):\nreturn 3", says="IndentationError"),
    spoiled("NameError in an answer", "the others count", earns=9, answer="answer = undefined", says="the notebook does not make answer"),
    spoiled("an answer of another name", "the others count", earns=7, mean="def average(xs):\n    return sum(xs) / len(xs)"),
    spoiled("an answer deleted below", "the others count", earns=7, step=RIGHT["step"] + "\ndel mean"),
    spoiled("one visible check of a part", "points in parts", earns=8, mean="def mean(xs):\n    return sum(xs) / 3"),
    spoiled("NotImplementedError", "as a stub", earns=7, mean="def mean(xs):\n    raise NotImplementedError", says="NotImplementedError"),
    answers("a print for a return", "nothing comes back", mean="def mean(xs):\n    print(sum(xs) / len(xs))"),
    answers("wrong number of arguments", "cannot be called so", earns=2, mean="def mean(x, y):\n    return (x + y) / 2", says="TypeError"),
]  # fmt: skip
ATTACKS = RIGHT_ANSWERS + HONEST_ANSWERS
