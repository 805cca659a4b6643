# ruff: noqa: E501 - tables, an attack in each line
"""Attacks by files beside the notebook, and a right notebook that needs one."""

from adversarial.attack import Attack
from adversarial.small_key import ALL, RIGHT, WRONG, answered, notebook, with_code

# What any of these modules does when it is imported: it ends the process, so a right notebook would lose its points.
TRAP = b"import os\nopen('/tmp/trapped', 'w').close()\nos._exit(9)\n"
NAMES = (
    "json", "ast", "os", "signal", "types", "typing", "traceback", "math", "numpy", "torch", "einops", "IPython", "traitlets",
    "matplotlib", "sitecustomize", "usercustomize", "conftest", "ipykernel_launcher", "ipython_config", "runner", "encodings",
)  # fmt: skip
PLACES = (
    "vae_tutorial.py", "vae_tutorial/__init__.py", "vae_tutorial/grading/judging/runner.py", "vae_tutorial/grading/wire/__init__.py",
    "torch/__init__.py", "IPython/__init__.py", ".ipython/profile_default/startup/00.py", ".ipython/profile_default/ipython_config.py",
    ".local/lib/python3.11/site-packages/usercustomize.py", ".pythonrc.py", "__main__.py", "__init__.py", "python3", "bwrap", "json.so",
)  # fmt: skip
PTH = b"import os; os._exit(9)\n"
TOLD = "import os\nif os.path.exists('/tmp/trapped'):\n    os._exit(9)"
HELPER = b"import math\n\ndef mean(xs):\n    return math.fsum(xs) / len(xs)\n"


def right(name: str, what: str, files: dict[str, bytes], more: str = TOLD, says: str = "") -> Attack:
    """A right notebook beside files that must not matter."""
    return Attack(name, what, lambda: with_code(notebook(RIGHT), more), files, earns=ALL, says=says)


def _used(name: str, source: str, files: dict[str, bytes]) -> Attack:
    return Attack(name, "a helper of the learner's own", lambda: answered(RIGHT, mean=source), files, earns=ALL)


ATTACKS = [
    right("modules", "named as the ones that are needed", {f"{name}.py": TRAP for name in NAMES}),
    right("modules, imported by the learner", "ours come first for all", {f"{name}.py": TRAP for name in NAMES}, TOLD + "\nimport json, numpy, einops, IPython, vae_tutorial.grading.wire"),
    right("folders and start-up files", "named as packages and settings", dict.fromkeys(PLACES, TRAP)),
    right(".pth", "lines that run when Python starts", {"evil.pth": PTH, "lib/python3.11/site-packages/evil.pth": PTH, "pyvenv.cfg": b"home = /scratch\n"}),
    right("pytest's and IPython's settings", "that load code", {"pytest.ini": b"[pytest]\naddopts = -p evil", "ipython_config.py": TRAP, "profile_default/startup/a.ipy": b"!kill -9 1"}),
    right("%load_ext from the folder", "an extension that does nothing bad", {"ext.py": b"def load_ipython_extension(shell):\n    pass\n"}, "%load_ext ext\n%load_ext autoreload\n%autoreload 2"),
    right("another notebook", "of the same name", {"small.ipynb": b"{}", "solution.ipynb": b"[]"}),
    Attack("the solution's name", "a module that says it is the key", lambda: with_code(notebook(WRONG), "try:\n    from solutions import *\nexcept ImportError:\n    pass"), {"solutions/small/small.ipynb": b"{}"}),
    _used("helper module", "from helper import mean", {"helper.py": HELPER}),
    _used("helper package", "from tools.means import mean", {"tools/__init__.py": b"", "tools/means.py": HELPER}),
    _used("%run", "%run -i helper.py", {"helper.py": HELPER}),
    _used("%%writefile", "from written import mean", {"written.py": HELPER}),
    _used("data", "import json, math\nweights = json.load(open('weights.json'))\ndef mean(xs):\n    return math.fsum(xs) * weights['one'] / len(xs)", {"weights.json": b'{"one": 1}'}),
    Attack("helper that is not there", "the other tasks count", lambda: answered(RIGHT, mean="from helper import mean"), earns=7, says="ModuleNotFoundError"),
]  # fmt: skip
