# ruff: noqa: E501 - tables, an attack in each line
"""Attacks that end, stop, flood or fill: what of the rest of a right notebook keeps its points.

Each ends by itself within a minute, were there no sandbox.
"""

from adversarial.attack import Attack, spoiled
from adversarial.small_key import ALL, RIGHT, notebook, with_code

WAITING = "import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end:\n    {act}"


def cell(name: str, what: str, source: str, *, earns: float = ALL, says: str = "") -> Attack:
    """A cell in a right notebook."""
    return Attack(name, what, lambda: with_code(notebook(RIGHT), source), earns=earns, says=says)


def called(name: str, what: str, source: str, *, earns: float = 7, says: str = "") -> Attack:
    """Something that `mean` does when it is called, in a right notebook."""
    body = "\n".join(f"    {line}" for line in source.splitlines())
    return spoiled(name, what, earns=earns, says=says, mean=f"def mean(xs):\n{body}\n    return 0.0")


FDS = "import os\nfor number in range(256):\n    try:\n        {act}\n    except OSError:\n        pass"
FLOOD = "import os\nfor _ in range(3000):\n    for number in (1, 2):\n        os.write(number, b'x' * 100_000)"
FORKS = "import os, time\nfor _ in range(100):\n    try:\n        if os.fork() == 0:\n            time.sleep(20)\n            os._exit(0)\n    except OSError:\n        break"
DAEMON = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(20)\n    os._exit(0)"
CHILD_GOES_ON = "import os\nos.fork()"
THREADS = "import threading, time\nfor _ in range(8):\n    threading.Thread(target=time.sleep, args=(20,)).start()"
EATER = "kept = []\nfor _ in range(64):\n    kept.append(bytearray(b'x' * 2**26))"
STUBBORN = (
    "import signal\nsignal.setitimer = lambda *args: None\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\n"
    + WAITING.format(seconds=20, act="pass")
)
UNCATCHABLE = "import time\nend = time.monotonic() + 20\nwhile time.monotonic() < end:\n    try:\n        while time.monotonic() < end:\n            pass\n    except BaseException:\n        pass"

ENDS = [
    cell("os._exit", "the process is gone", "import os\nos._exit(0)", says="it ended by itself (exit status 0)"),
    cell("os.abort", "ended by a signal", "import os\nos.abort()", says="it ended by itself"),
    cell("segfault", "a null pointer is read", "import ctypes\nctypes.string_at(0)", says="it ended by itself"),
    cell("sys.exit", "an exception that ends programs", "import sys\nsys.exit(3)", says="SystemExit"),
    cell("exit", "what IPython offers for it", "exit()"),
    cell("quit", "what IPython offers for it", "quit()"),
    cell("KeyboardInterrupt", "as if someone had interrupted", "raise KeyboardInterrupt", says="KeyboardInterrupt"),
    cell("GeneratorExit", "not an Exception", "raise GeneratorExit", says="GeneratorExit"),
    cell("SIGKILL to itself", "by its number", "import os\nos.kill(os.getpid(), 9)", says="stopped"),
    cell("SIGKILL to its parent", "the first process of the sandbox", "import os\nos.kill(os.getppid(), 9)"),
    cell("SIGTERM to its group", "number 0", "import os\nos.kill(0, 15)", says="stopped"),
    cell("SIGKILL to all", "number -1", "import os\nos.kill(-1, 9)"),
    cell("recursion", "without end", "def deeper():\n    deeper()\ndeeper()", says="RecursionError"),
    cell("recursion in C", "past the stack", "import sys\nsys.setrecursionlimit(10**9)\nf = lambda: f()\nf()", says="stopped"),
    cell("files closed", "the channel too", FDS.format(act="os.close(number)"), says="stopped"),
    cell("files replaced", "the channel leads nowhere", "import os\nnowhere = os.open('/dev/null', 2)\n" + FDS.format(act="os.dup2(nowhere, number) if number != nowhere else None").replace("import os\n", "", 1), says="stopped"),
    cell("another program", "takes the place of Python", "import os\nos.execv('/bin/true', ['true'])", says="it ended by itself"),
    cell("fork", "two processes go on with one channel", CHILD_GOES_ON, earns=ALL, says=""),
    cell("a daemon", "outlives the process", DAEMON),
    cell("a hundred forks", "that sleep", FORKS),
    cell("threads", "that go on", THREADS),
    cell("memory", "4 GB of it", EATER, says="stopped"),
    cell("output flood", "600 MB on 1 and 2", FLOOD),
    cell("the disk filled", "writes until it is refused", "with open('big', 'wb') as file:\n    for _ in range(2000):\n        file.write(b'x' * 1_000_000)", says="stopped"),
    cell("a system exit in a thread", "in the midst of the next cells", "import threading, os\nthreading.Timer(0.01, os.sched_yield).start()"),
    cell("atexit", "code that runs at the end", "import atexit, time\natexit.register(time.sleep, 20)"),
    cell("names deleted", "imports and what IPython needs", "del math, In, Out, get_ipython\n", earns=7),
    cell("%reset", "all names gone", "%reset -f", earns=7, says=""),
    cell("signals refused", "SIGTERM and others are ignored", "import signal\nfor number in range(1, 65):\n    try:\n        signal.signal(number, signal.SIG_IGN)\n    except (OSError, ValueError):\n        pass"),
    called("os._exit in a call", "the process is gone at each call", "import os\nos._exit(1)", says="it ended by itself (exit status 1)"),
    spoiled("os._exit in a call that others need", "the process is gone in two tasks", earns=4, double="import os\ndef double(x):\n    os._exit(1)"),
    spoiled("os._exit in every call and cell", "more often than the process is started again", earns=0, double="import os\ndouble = mean = lambda *args: os._exit(1)", mean="double(1)", step="step = double\nos._exit(2)", answer="os._exit(3)"),
    called("sys.exit in a call", "an exception that ends programs", "import sys\nsys.exit('done')", says="SystemExit"),
    called("segfault in a call", "a null pointer is read", "import ctypes\nctypes.string_at(0)"),
    called("recursion in a call", "without end", "return mean(xs)", says="RecursionError"),
    called("MemoryError in a call", "raised, not met", "raise MemoryError", says="MemoryError"),
    called("memory in a call", "4 GB of it", EATER),
    called("files closed in a call", "the channel too", FDS.format(act="os.close(number)")),
    called("runner replaced in a call", "its methods are gone", "import __main__\n__main__.Runner._answer = None\n__main__.wire = None"),
    called("input", "nobody is there to answer", "return float(input())", says="EOFError"),
    called("an error that cannot be told", "its words raise", "class Silent(Exception):\n    def __str__(self):\n        raise self\nraise Silent"),
    called("an error whose name cannot be told", "its class raises", "class Meta(type):\n    @property\n    def __name__(cls):\n        raise SystemExit\nclass Silent(Exception, metaclass=Meta):\n    pass\nraise Silent"),
    called("an error of 100 MB", "a very long text", "raise ValueError('<script>' * 12_000_000)"),
]  # fmt: skip

SLOW = [
    cell("sleep in a cell", "longer than a cell may take", "import time\ntime.sleep(20)", says="it took longer than 1 s"),
    cell("endless loop in a cell", "that can be interrupted", WAITING.format(seconds=20, act="pass"), says="it took longer than 1 s"),
    cell("stubborn loop in a cell", "signals blocked, alarm off", STUBBORN, says="it took longer than 2 s"),
    cell("loop that catches all", "goes on after each interrupt", UNCATCHABLE, says="it took longer than 2 s"),
    cell("SIGSTOP to itself", "the process stands still", "import os\nos.kill(os.getpid(), 19)", says="it took longer than 2 s"),
    cell("channel read", "the learner waits in the runner's place", "import gc\nfrom vae_tutorial.grading.judging.channel import Channel\nnext(found for found in gc.get_objects() if type(found) is Channel).read()", says="it took longer than 1 s"),
    cell("a frame without an end", "60 MB are announced, nothing comes", "import gc, time\nfrom vae_tutorial.grading.judging.channel import Channel\nchannel = next(found for found in gc.get_objects() if type(found) is Channel)\nchannel._writer.write(b'VAE\\x01' + b'stepped'.ljust(32, b'\\0') + (60_000_000).to_bytes(8, 'big'))\ntime.sleep(20)"),
    called("sleep in a call", "longer than an answer may take", "import time\ntime.sleep(20)", says="it took longer than 1 s"),
    called("endless loop in a call", "that can be interrupted", WAITING.format(seconds=20, act="pass"), says="it took longer than 1 s"),
    called("stubborn loop in a call", "signals blocked, alarm off", STUBBORN, says="it took longer than 2 s"),
    called("SIGSTOP in a call", "the process stands still", "import os\nos.kill(os.getpid(), 19)", says="it took longer than 2 s"),
    called("a long regular expression", "in C, where no signal is handled", "import re\nre.match('(a+)+$', 'a' * 28 + 'b')", says="it took longer than"),
]  # fmt: skip
ATTACKS = ENDS + SLOW
