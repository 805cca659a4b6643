"""An attack: a submission that tries to get more than it has earned, to break the grader or to learn what is hidden."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from adversarial.small_key import HONEST, KEY, RIGHT, WRONG, Notebook, answered, judged, notebook, said, with_code

from vae_tutorial.grading.judging.key import Key
from vae_tutorial.grading.records import Verdict


@dataclass(frozen=True)
class Attack:
    """name: a few words. what: what it does. make: the file that is handed in. files: what lies beside it.

    earns: the points that are checked, exactly. says: a part of what is told about it. undecided: the items that are
    left to a person.
    """

    name: str
    what: str
    make: Callable[[], Notebook | bytes]
    files: Mapping[str, bytes] = field(default_factory=dict)
    earns: float = HONEST
    says: str = ""
    undecided: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def cheat(
    name: str,
    what: str,
    source: str,
    *,
    behind: str = "step",
    earns: float = HONEST,
    says: str = "",
    undecided: tuple[str, ...] = (),
) -> Attack:
    """A cell of the learner's own in a notebook with one right answer."""
    return Attack(
        name, what, lambda: with_code(notebook(WRONG), source, behind), earns=earns, says=says, undecided=undecided
    )


def answers(name: str, what: str, *, earns: float = HONEST, says: str = "", **given: str) -> Attack:
    """Other answers in a notebook with one right one."""
    return Attack(name, what, lambda: answered(WRONG, **given), earns=earns, says=says)


def spoiled(
    name: str, what: str, *, earns: float, says: str = "", undecided: tuple[str, ...] = (), **given: str
) -> Attack:
    """Some answers of a right notebook replaced: whether the others keep their points."""
    return Attack(name, what, lambda: answered(RIGHT, **given), earns=earns, says=says, undecided=undecided)


def changed(
    name: str,
    what: str,
    change: Callable[[Notebook], Notebook | bytes | None],
    *,
    earns: float = HONEST,
    says: str = "",
    undecided: tuple[str, ...] = (),
) -> Attack:
    """The file of a notebook with one right answer, changed in place or made anew."""

    def make() -> Notebook | bytes:
        content = notebook(WRONG)
        made = change(content)
        return content if made is None else made

    return Attack(name, what, make, earns=earns, says=says, undecided=undecided)


def proved(attack: Attack, key: Key = KEY) -> Verdict:
    """The verdict on an attack, which earns what is right in it, exactly."""
    verdict = judged(attack.make(), attack.files, key=key)
    assert verdict.points == attack.earns, said(verdict)
    undecided = tuple(mark.id for mark in verdict.marks if mark.points is None and not mark.by_hand)
    assert undecided == attack.undecided, said(verdict)
    assert attack.says in said(verdict), said(verdict)
    return verdict
