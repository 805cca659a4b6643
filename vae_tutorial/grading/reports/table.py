"""The class's points as a table for a terminal and as a CSV file."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vae_tutorial.grading.records import Mark, Verdict
from vae_tutorial.grading.reports.standing import HandMarks, Standing, standings
from vae_tutorial.grading.words import duration, plain, put_in_place, shortened

COLUMNS = (
    *("learner", "assignment", "item", "title", "points", "most", "hand_mark", "needs_marking"),
    *("reason", "failed", "handed_in", "late_seconds", "remarks", "key"),
)
# What makes a spreadsheet take a text for a formula, also as Asian keyboards have it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
LEGEND = (
    "points: decided so far / most. to mark: points that wait for a person. "
    "late: behind the deadline. remarks: on what was odd in the file."
)


def print_table(verdicts: Sequence[Verdict], hand_marks: HandMarks, console: Console) -> None:
    """Print a row for each learner, and what the columns mean."""
    if not verdicts:
        console.print("No submission was judged.", highlight=False)
        return
    simple = console.is_dumb_terminal or not console.encoding.lower().startswith("utf")
    table = Table(box=box.ASCII2 if simple else box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("learner", no_wrap=True, overflow="crop" if simple else "ellipsis", min_width=8, max_width=36)
    for head in ("points", "to mark", "late", "remarks"):
        table.add_column(head, justify="right", no_wrap=True)
    for standing in standings(verdicts, hand_marks):
        table.add_row(*(Text(_said(cell, console.encoding)) for cell in _cells(standing)))
    console.print(table)
    console.print(Text(f"\n{LEGEND}"))


def _cells(standing: Standing) -> tuple[str, ...]:
    verdict = standing.verdict
    late = duration(verdict.late) if verdict.late > 0 else ""
    return (
        verdict.learner,
        f"{standing.points:g} / {verdict.most:g}",
        f"{standing.open_points:g}" if standing.waiting else "",
        late,
        str(len(verdict.remarks) or ""),
    )


def _said(cell: str, encoding: str) -> str:
    """On one line, in letters that the terminal has."""
    return " ".join(plain(cell).split()).encode(encoding, "replace").decode(encoding)


def write_csv(verdicts: Sequence[Verdict], hand_marks: HandMarks, path: Path) -> None:
    """Write a row for each item of each learner in the place of what is at `path`, UTF-8.

    A learner of whom no item is known has a row without one. Raises OSError, with nothing changed, where it cannot be
    written.
    """
    content = io.StringIO()
    rows = csv.DictWriter(content, COLUMNS, lineterminator="\n")
    rows.writeheader()
    for standing in standings(verdicts, hand_marks):
        about = _about(standing.verdict)
        rows.writerows(about | _about_item(mark, standing) for mark in standing.verdict.marks)
        if not standing.verdict.marks:
            rows.writerow(about)
    put_in_place(path, content.getvalue())


def _about(verdict: Verdict) -> dict[str, str]:
    return {
        "learner": guarded(verdict.learner),
        "assignment": guarded(verdict.assignment),
        "handed_in": guarded(verdict.handed_in),
        "late_seconds": f"{verdict.late:.0f}",
        "remarks": _joined(verdict.remarks),
        "key": guarded(verdict.key[:12]),
    }


def _about_item(mark: Mark, standing: Standing) -> dict[str, str]:
    by_hand = standing.by_hand.get(mark.id)
    return {
        "item": guarded(mark.id),
        "title": guarded(mark.title),
        "points": "" if mark.points is None else f"{mark.points:g}",
        "most": f"{mark.most:g}",
        "hand_mark": "" if by_hand is None else f"{by_hand:g}",
        "needs_marking": "yes" if standing.earned(mark) is None else "no",
        "reason": guarded(shortened(standing.reason(mark))),
        "failed": _joined([line.text for line in mark.lines if not line.good]),
    }


def _joined(texts: Sequence[str]) -> str:
    return guarded(" | ".join(map(shortened, texts)))


def guarded(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: those that could be one begin with an apostrophe."""
    text = plain(text)
    return f"'{text}" if text.startswith(FORMULA) else text
