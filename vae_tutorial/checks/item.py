"""A graded item: its checks, what they say to the learner, and its points."""

import html
from collections.abc import Iterable
from typing import Any

from vae_tutorial.checks.comparing import Verdict

GOOD, BAD = "#188038", "#d93025"


class Points(float):
    """What an item has earned, a plain number to whoever marks; shown in a notebook with what the checks say."""

    report: "Item"

    def _repr_html_(self) -> str:
        return self.report.html()


class Item:
    """One graded item. Its points are given when all its checks hold, visible and hidden, and there is one of them.

    name: what it is about, in words. points: above 0.
    """

    def __init__(self, name: str, points: float):
        self.name, self.worth = name, points
        self.seen: list[Verdict] = []
        self.unseen: list[Verdict] = []

    def visible(self, checks: Iterable[Verdict]) -> None:
        """Run checks that the learner may see."""
        _collect(checks, self.seen)

    def hidden(self, checks: Iterable[Verdict]) -> None:
        """Run checks that only the key has; left alone while there is nothing to judge."""
        if not self.unwritten:
            _collect(checks, self.unseen)

    def points(self) -> Points:
        """All or nothing; what the last line of a graded cell shows."""
        earned = Points(self.worth if self.right else 0)
        earned.report = self
        return earned

    @property
    def verdicts(self) -> list[Verdict]:
        return self.seen + self.unseen

    @property
    def right(self) -> bool:
        return bool(self.seen) and not any(verdict.problem for verdict in self.verdicts)

    @property
    def unwritten(self) -> bool:
        return any(verdict.unwritten for verdict in self.seen)

    def lines(self) -> list[tuple[bool, str]]:
        """What is said of each visible check, and of hidden ones that fail: whether it holds, and a sentence."""
        if self.unwritten:
            return [(False, next(verdict.problem for verdict in self.seen if verdict.unwritten))]
        return [
            (not verdict.problem, f"{verdict.claim}: {verdict.problem}" if verdict.problem else verdict.claim)
            for verdict in [*self.seen, *(verdict for verdict in self.unseen if verdict.problem)]
        ]

    def summary(self) -> str:
        """The last sentence."""
        held = f"{sum(not verdict.problem for verdict in self.seen)} of {len(self.seen)} visible checks pass"
        if self.unwritten:
            return f"{self._worth()} to earn; hidden checks run at marking."
        if not self.unseen:
            return f"{held}; hidden checks run at marking."
        return f"{held}, {sum(not verdict.problem for verdict in self.unseen)} of {len(self.unseen)} hidden ones."

    def _worth(self) -> str:
        return f"{self.worth:g} point{'s' * (self.worth != 1)}"

    def __str__(self) -> str:
        said = [f"  {'✓' if good else '✗'} {text}" for good, text in self.lines()]
        return "\n".join([f"{self.name} ({self._worth()})", *said, self.summary()])

    def html(self) -> str:
        """The same as __str__, for a notebook."""
        marks = {True: f'<b style="color:{GOOD}">✓</b>', False: f'<b style="color:{BAD}">✗</b>'}
        said = "".join(f"<li>{marks[good]} {html.escape(text)}</li>" for good, text in self.lines())
        head = f"<b>{html.escape(self.name)}</b> ({self._worth()})"
        return f'<div>{head}<ul style="list-style:none;padding-left:1em">{said}</ul>{html.escape(self.summary())}</div>'


def _collect(checks: Iterable[Verdict], verdicts: list[Verdict]) -> None:
    """Run checks one by one. One that stops by itself has met a value nobody thought of: a failure, not a traceback."""
    running = iter(checks)
    while True:
        try:
            verdict: Any = next(running, None)
        except Exception as error:
            verdicts.append(Verdict("could be judged", f"the check met {type(error).__name__} in what was given"))
            return
        if verdict is None:
            return
        verdicts.append(verdict)
        if verdict.unwritten:
            return
