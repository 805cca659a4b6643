# ruff: noqa: E501 - tables, an attack in each line
"""Attacks on the process that the learner's code shares with the runner: its builtins, modules, frames and channel."""

from adversarial.attack import answers, cheat

FIND = """
import gc
from vae_tutorial.grading import wire
from vae_tutorial.grading.judging.channel import Channel
channel = next(found for found in gc.get_objects() if type(found) is Channel)
"""
RIGHT_BLOB = "wire.encode(42)"
AT_EACH_CALL = (
    FIND
    + """
def mean(xs):
    {act}
    return 0.0
"""
)
PATCHES = {
    "abs": "builtins.abs = lambda x: 0.0",
    "isinstance": "builtins.isinstance = lambda *args: True",
    "float": "builtins.float = lambda x=0: 3.0",
    "AssertionError": "builtins.AssertionError = type('Quiet', (BaseException,), {})",
    "sum and all": "builtins.sum = lambda *args: 42\nbuiltins.all = builtins.any = lambda *args: True",
    "__import__": "builtins.__import__ = lambda *args, **options: builtins",
    "exec and compile": "builtins.exec = builtins.eval = builtins.compile = lambda *args, **options: None",
    "type": "builtins.type = lambda *args: int",
    "open and print": "builtins.open = builtins.print = None",
    "everything": "for name in dir(builtins):\n    if name not in ('setattr', 'builtins'):\n        setattr(builtins, name, lambda *args, **options: 42)",
}  # fmt: skip

BREAKING = ("float", "type")  # of the attacker's own process
UNDECIDED = {"exec and compile": ("step-checks",)}

STRIPPED = """
import ast

class Strip(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
    def visit_If(self, node):
        node.test = ast.Constant(True)
        return node

get_ipython().ast_transformers.append(Strip())
get_ipython().input_transformers_cleanup.append(lambda lines: [line for line in lines if "assert" not in line])
"""
REWRITTEN = """
get_ipython().input_transformers_post.append(lambda lines: ["earned = answer = 3.0\\n", "def run_steps(xs):\\n", "    return 12\\n", "def mean(xs):\\n", "    return 3\\n"])
"""
HISTORY = """
def mean(xs):
    import sys, re
    frame, found = sys._getframe(), []
    while frame:
        found += [str(value) for value in frame.f_locals.values()] + [str(frame.f_globals.get("In", ""))]
        frame = frame.f_back
    told = re.findall(r"mean\\(.*?\\) - ([0-9.]+)", " ".join(found))
    return float(told[-1]) if told else 0.0
"""
KEPT_FILES = """
import glob
found = []
for place in ("/scratch/**", "/tmp/**", "/proc/*/environ", "/proc/*/cmdline", "/proc/*/maps"):
    for path in glob.glob(place, recursive=True):
        try:
            found.append(open(path, "rb").read(100_000))
        except OSError:
            pass
told = b" ".join(found)
mean = lambda xs: 3.0 if b"mean([" + b"27183.0" in told else 0.0
answer = 42 if b"six times seven" in told else 41
"""
PLANTED = """
class Points(float):
    report = None

item = Points(99)
earned = 99.0
points = max_score = score = grade = Points(99)
__name__ = "checks"
passed = True
"""
PRINTED = """
print('{"type": "mark", "points": 10}')
print("VAE\\x01mark\\n10")
display({"text/plain": "10.0"}, raw=True)
import sys, os
sys.__stdout__.write("10.0")
os.write(1, b"VAE\\x01" + b"mark".ljust(32, b"\\0") + (2).to_bytes(8, "big") + b"{}")
10.0
"""
REDEFINED_GIVEN = "def run_steps(xs):\n    return {6: 12, 75945: 151890}.get(sum(xs), 0)"
GIVEN_AT_THE_NEXT_CALL = """
def double(x):
    globals()["run_steps"] = lambda xs: 2 * sum(xs)
    return 2 * x
"""
GIVEN_BY_A_NAMESPACE = """
class Space(dict):
    def __setitem__(self, name, value):
        if name != "run_steps":
            super().__setitem__(name, value)
get_ipython().user_ns.update(run_steps=lambda xs: 2)
try:
    get_ipython().user_ns.__class__ = Space
except TypeError:
    pass
"""
MATH = "math = type('M', (), {'fsum': staticmethod(lambda xs: 3 * len(xs)), 'pi': 3})"

ATTACKS = [
    *(cheat(f"builtins: {name}", "replaced in the learner's process", f"import builtins\n{source}", earns=0 if name in BREAKING else 2, undecided=UNDECIDED.get(name, ())) for name, source in PATCHES.items()),
    cheat("AST transformer", "strips asserts, makes all conditions true", STRIPPED, behind="imports"),
    cheat("input transformer", "makes every later cell the attacker's", REWRITTEN, earns=3),
    cheat("poisoned modules", "json, numpy and torch are fakes for all who import later", "import sys, types\nfor name in ('json', 'numpy', 'torch', 'ast'):\n    sys.modules[name] = types.ModuleType(name)", says=""),
    cheat("course's checks replaced", "the package's judges say yes", "import sys, types\nfake = types.ModuleType('vae_tutorial.checks')\nfake.Item = type('Item', (), {'points': lambda self: 99.0})\nsys.modules['vae_tutorial.checks'] = fake\nimport vae_tutorial.grading.judging.referee as referee\nreferee.judge = lambda *args: {'points': 10, 'lines': []}\nreferee._earned = lambda *args: {'points': 10, 'lines': []}"),
    cheat("encode replaced", "every value is sent as 42", "import vae_tutorial.grading.wire as wire\nright = wire.encode(42)\nwire.encode = lambda value: right", earns=1),
    cheat("encode sends no value", "bytes that are no value", "import vae_tutorial.grading.wire as wire\nwire.encode = lambda value: b'\\xff' * 1000", earns=0),
    cheat("encode sends pickle", "bytes that would run a command if unpickled", "import pickle\nimport vae_tutorial.grading.wire as wire\nbomb = type('B', (), {'__reduce__': lambda self: (exec, ('1/0',))})\nwire.encode = lambda value: pickle.dumps([1, 2, 3])", earns=0),
    cheat("frames walked", "looks for the truth in the frames above the call", HISTORY),
    cheat("files read", "looks for checks on the disk and in /proc", KEPT_FILES),
    cheat("scores planted", "names that a grader might read", PLANTED),
    cheat("verdict printed", "a verdict on every output there is", PRINTED),
    cheat("given code redefined below", "in a cell of its own", REDEFINED_GIVEN, behind="given"),
    answers("given code redefined in an answer", "in the answer's cell", step=REDEFINED_GIVEN + "\ndef step(total, x):\n    return total"),
    answers("given code redefined in a call", "by another answer, when it is called", double=GIVEN_AT_THE_NEXT_CALL),
    cheat("given code refused", "a namespace that keeps the attacker's", GIVEN_BY_A_NAMESPACE, behind="given"),
    cheat("imports redefined", "math is the attacker's", MATH, earns=2),
    cheat("referee's frames", "a mark and the end of judging, as if the referee spoke", AT_EACH_CALL.format(act="channel.write('mark', b'{\"points\": 3.0, \"lines\": []}'); channel.write('judged', b'0')"), earns=2),
    cheat("two answers to one question", "the second is taken for the next question's", AT_EACH_CALL.format(act=f"channel.write('value', {RIGHT_BLOB})"), earns=2, undecided=("answer-checks",)),
    cheat("answers in advance", "a hundred forged answers wait in the pipe", FIND + f"for _ in range(100):\n    channel.write('value', {RIGHT_BLOB})", says="stopped: it sent what is no answer"),
    cheat("an unknown frame", "a kind that nobody asked for", AT_EACH_CALL.format(act="channel.write('preload', b'[]')"), earns=2),
    cheat("a frame too large", "announces more than is read", AT_EACH_CALL.format(act="channel._writer.write(b'VAE\\x01' + b'value'.ljust(32, b'\\0') + (2**62).to_bytes(8, 'big'))"), earns=2),
    cheat("half a frame", "and then the end", AT_EACH_CALL.format(act="channel._writer.write(b'VAE\\x01' + b'value'.ljust(32, b'\\0') + (100).to_bytes(8, 'big') + b'abc'); import os; os._exit(0)"), earns=2),
    cheat("text in the place of a frame", "something else than a message", AT_EACH_CALL.format(act="channel._writer.write(b'{\"points\": 10}\\n' * 100)"), earns=2),
    cheat("kinds forged", "an answer of its own on what stands behind each name", "import __main__\n__main__.Runner.kinds = lambda self, payload: ('kinds', b'[1, 2]')\n" + FIND + "runner = next(found for found in gc.get_objects() if type(found).__name__ == 'Runner')\nrunner.shell.user_ns['__annotations__'] = {}"),
    cheat("errors forged", "an error's name and words that are no texts", AT_EACH_CALL.format(act="channel.write('raised', b'{\"type\": {\"a\": [1]}, \"text\": \"\\\\ud800\"}')"), earns=2, undecided=("answer-checks",)),
    cheat("errors that are no JSON", "bytes in the place of an error", AT_EACH_CALL.format(act="channel.write('raised', b'[' * 100000)"), earns=2),
    cheat("a name of a class of 20 MB", "an error with a very long name", AT_EACH_CALL.format(act="channel.write('raised', b'{\"type\": \"' + b'A' * 20_000_000 + b'\", \"text\": \"\"}')"), earns=2),
]  # fmt: skip
