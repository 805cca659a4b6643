"""What a verdict comes to, together with the marks that somebody gave by hand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from vae_tutorial.grading.records import Mark, Verdict

# learner -> item -> points, or None where what was marked has changed since.
HandMarks = Mapping[str, Mapping[str, float | None]]
BY_HAND, CHANGED = "marked by a person", "what was marked by hand has changed since: mark it again"


@dataclass(frozen=True)
class Standing:
    """A submission's points. by_hand: marks by item; each stands in the place of what the checks gave."""

    verdict: Verdict
    by_hand: Mapping[str, float | None]

    def earned(self, mark: Mark) -> float | None:
        """The points of an item, or None while nobody has decided."""
        return self.by_hand.get(mark.id, mark.points)

    def reason(self, mark: Mark) -> str:
        """The mark's reason, or that a person has decided, or has to again."""
        if mark.id not in self.by_hand:
            return mark.reason
        return CHANGED if self.by_hand[mark.id] is None else BY_HAND

    @cached_property
    def points(self) -> float:
        return sum(points for mark in self.verdict.marks if (points := self.earned(mark)) is not None)

    @cached_property
    def waiting(self) -> tuple[Mark, ...]:
        """The items that somebody has to mark."""
        return tuple(mark for mark in self.verdict.marks if self.earned(mark) is None)

    @property
    def open_points(self) -> float:
        return sum(mark.most for mark in self.waiting)


def standings(verdicts: Iterable[Verdict], hand_marks: HandMarks) -> list[Standing]:
    """All submissions by learner, in order of their names."""
    in_order = sorted(verdicts, key=lambda verdict: (verdict.learner.casefold(), verdict.learner, verdict.assignment))
    return [Standing(verdict, hand_marks.get(verdict.learner, {})) for verdict in in_order]
