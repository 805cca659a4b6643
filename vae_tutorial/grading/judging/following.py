"""Items that fail and build on others that fail: one slip may have cost twice, and who reads the marks shall see it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from vae_tutorial.grading.judging.key import Item
from vae_tutorial.grading.judging.sheet import Step
from vae_tutorial.grading.records import Line, Mark


def with_causes(marks: Sequence[Mark], items: Sequence[Item], steps: Sequence[Step]) -> list[Mark]:
    """The same marks; where a check has failed, a line says which failed answers of other items it builds on.

    items: of the marks, in their order. steps: the learner's code.
    """
    lost = {name for mark, item in zip(marks, items, strict=True) if _lost(mark) for name in item.theirs}
    return [
        replace(mark, lines=(*mark.lines, Line(False, _said(causes))))
        if _lost(mark) and mark.lines and (causes := sorted((lost & _behind(item.theirs, steps)) - set(item.theirs)))
        else mark
        for mark, item in zip(marks, items, strict=True)
    ]


def _lost(mark: Mark) -> bool:
    return mark.points is not None and mark.points < mark.most and not mark.by_hand


def _said(causes: Sequence[str]) -> str:
    whose = "whose own checks do not hold: mend that first" if len(causes) == 1 else "whose checks do not hold either"
    return f"builds on {', '.join([*causes[:-2], ' and '.join(causes[-2:])])}, {whose}"


def _behind(names: Iterable[str], steps: Sequence[Step]) -> set[str]:
    """The names that the learner's code reads to make these, directly or by others."""
    makers: dict[str, list[int]] = {}
    for i, step in enumerate(steps):
        for name in step.names.stores:
            makers.setdefault(name, []).append(i)
    found: set[str] = set()
    seen: set[int] = set()
    waiting = list(names)
    while waiting:
        for i in set(makers.get(waiting.pop(), ())) - seen:
            seen.add(i)
            waiting += steps[i].names.loads - found
            found |= steps[i].names.loads
    return found
