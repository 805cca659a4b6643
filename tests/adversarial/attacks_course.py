# ruff: noqa: E501 - tables, an attack in each line
"""Attacks on an exercise of the course: on `Item`, `Points`, `check`, its given code, and by tensors."""

import json
from collections.abc import Callable

from adversarial.attack import Attack
from adversarial.small_key import ROOT, Notebook, code

from vae_tutorial.course.assign import assigned
from vae_tutorial.grading.judging.key import Key

LESSON = "01_autoencoder_to_vae"
SOLUTION = (ROOT / "solutions" / LESSON / f"{LESSON}.ipynb").read_text(encoding="utf-8")
EXERCISE = (ROOT / "exercises" / LESSON / f"{LESSON}.ipynb").read_text(encoding="utf-8")
COURSE_KEY = Key(LESSON, SOLUTION.encode())
TASKS = {"reparameterise": 2, "kl": 3, "price": 1, "elbo": 3, "step": 3, "grid": 2}
ALL_OF_COURSE, HONEST_OF_COURSE = sum(TASKS.values()), TASKS["reparameterise"]
CHECKS = tuple(f"{task}-checks" for task in TASKS)


def find(content: Notebook, id: str) -> Notebook:
    return next(cell for cell in content["cells"] if cell["id"] == id)


def exercise(answers: dict[str, str], *, learner: str = "", more: str = "", behind: str = "quiz") -> Notebook:
    """The learner's file with these answers, and one more cell."""
    content = json.loads(assigned(EXERCISE, LESSON, learner) if learner else EXERCISE)
    for id, source in answers.items():
        find(content, id)["source"] = source
    if more:
        content["cells"].insert(content["cells"].index(find(content, behind)) + 1, code(more, "more"))
    return content


def right_answers(learner: str = "") -> Notebook:
    content = json.loads(SOLUTION)
    return exercise({id: "".join(find(content, id)["source"]) for id in TASKS}, learner=learner)


ONE = {"reparameterise": "def reparameterise(mu, logvar, eps):\n    return mu + torch.exp(logvar / 2) * eps"}
FUNCTIONS = {"kl": "kl_divergence", "elbo": "minus_elbo", "step": "training_step", "grid": "sample_grid"}


def all_give(values: dict[str, str], prelude: str) -> dict[str, str]:
    """Everything but the first task gives one value."""
    given = {id: f"{name} = lambda *args, **options: {values[id]}" for id, name in FUNCTIONS.items()}
    return ONE | given | {"kl": f"{prelude}\n{given['kl']}", "price": f"price = {values['price']}"}


def cheat(name: str, what: str, more: str, *, behind: str = "variant", says: str = "") -> Attack:
    return Attack(name, what, lambda: exercise(ONE, more=more, behind=behind), earns=HONEST_OF_COURSE, says=says)


def gives(name: str, what: str, values: dict[str, str], prelude: str = "") -> Attack:
    return Attack(name, what, lambda: exercise(all_give(values, prelude)), earns=HONEST_OF_COURSE)


TENSOR = """
class Tensors(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True
    __eq__ = __le__ = __lt__ = lambda self, other: torch.tensor(True)
    shape = property(lambda self: "any")
"""
ARRAY = """
import numpy as np
class Arrays(np.ndarray):
    __eq__ = __le__ = __lt__ = lambda self, other: True
    __array_ufunc__ = __array_function__ = lambda self, *args, **options: True
"""
CLOSE = """
torch.allclose = torch.equal = torch.isclose = torch.testing.assert_close = lambda *args, **options: True
torch.Tensor.__le__ = torch.Tensor.all = torch.Tensor.allclose = lambda *args, **options: torch.ones(())
torch.Tensor.abs = lambda self: torch.zeros_like(self)
"""
CHECKED = """
import vae_tutorial.checks.comparing as comparing
import vae_tutorial.checks.item as items
from vae_tutorial.checks.comparing import Verdict
comparing._close = comparing._agree = lambda *args, **options: True
comparing.matches = comparing.holds = lambda claim, *args, **options: Verdict(claim)
items.Item.right = property(lambda self: True)
items.Item.points = lambda self: items.Points(self.worth)
for name in list(vars(check)):
    if not name.startswith("_"):
        setattr(check, name, lambda *args, **options: [Verdict("holds")])
"""
PLANTED = """
class Report:
    worth, seen, unseen, name = 99, [1], [], "all"
    lines = lambda self: [(True, "all holds")]

class Points(float):
    report = Report()

item = Item = Points(99)
check = Report()
points = earned = Points(17)
"""
DESCEND = """
def descend(seed, x, eps, lr):
    return torch.zeros(3), torch.zeros(10)
def inventions(seed, rows, columns):
    return torch.zeros(rows * 28, columns * 28)
"""
HUGE = "torch.zeros(1, device='meta').expand(10**6, 10**6)"

# Each value in one task: two submissions for all, since each costs seconds.
PRETENDERS = {
    "kl": "torch.zeros(3).as_subclass(Tensors)",
    "price": "torch.full((4,), float('nan'))",
    "elbo": "np.zeros(3).view(Arrays)",
    "step": "(torch.eye(3).to_sparse(), torch.zeros(3, dtype=torch.complex32), torch.nn.Parameter(torch.zeros(3)))",
    "grid": "torch.nn.Linear(2, 2)",
}
GIANTS = {
    "kl": "torch.zeros(1).expand(10**6, 10**6)",
    "price": "range(10**15)",
    "elbo": HUGE,
    "step": "(_ for _ in ()).throw(ValueError('<script>' * 1_000_000))",
    "grid": "(_ for _ in ()).throw(KeyboardInterrupt(10**4000))",
}

ATTACKS = [
    gives("pretenders", "tensors and arrays that equal all, no numbers, other layouts, a network", PRETENDERS, TENSOR + ARRAY),
    gives("giants", "a trillion numbers from one, an endless range, tensors without content, errors of 10 MB", GIANTS),
    cheat("judges patched", "torch's comparisons and the course's own checks say yes in the learner's process", CLOSE + CHECKED),
    cheat("points planted", "in names that the checks use, and given code redefined", PLANTED + DESCEND, behind="words-task"),
    Attack("checks edited", "asserting nothing", lambda: _edited(lambda cell: cell.update(source="item = Item('all', points=17)\nitem.points()")), earns=HONEST_OF_COURSE, says="edited: checks of"),
    Attack("checks deleted", "with given code", lambda: _edited(None), earns=HONEST_OF_COURSE, says="not there: checks of"),
    Attack("modules beside", "named as ours", lambda: right_answers(), {f"{name}.py": b"import os; os._exit(9)" for name in ("torch", "einops", "vae_tutorial", "numpy", "json")} | {"vae_tutorial/checks/__init__.py": b"1/0"}, earns=ALL_OF_COURSE),
    Attack("the end of one task", "the others keep their points", lambda: _spoiled("grid", "import os\ndef sample_grid(*args):\n    os._exit(3)"), earns=ALL_OF_COURSE - 2, says="it ended by itself (exit status 3)"),
]  # fmt: skip


def _edited(change: Callable[[Notebook], None] | None) -> Notebook:
    content = exercise(ONE)
    if change is None:
        content["cells"] = [cell for cell in content["cells"] if cell["id"] not in (*CHECKS, "descend", "inventions")]
    else:
        for id in CHECKS:
            change(find(content, id))
    return content


def _spoiled(id: str, source: str) -> Notebook:
    content = right_answers()
    find(content, id)["source"] = source
    return content
