"""What a learner gets back: one page that says of each task what holds, what does not yet, and what it earned."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vae_tutorial.grading.records import Line, Mark, Verdict
from vae_tutorial.grading.reports.page import name, page, text, title
from vae_tutorial.grading.reports.slips import again, kind
from vae_tutorial.grading.reports.standing import BY_HAND, Standing
from vae_tutorial.grading.words import count, duration, moment, put_in_place

MOST_OF_AN_ANSWER = 20_000  # letters
ByHand = Mapping[str, float | None]
Comments = Mapping[str, str]
NOTHING: Mapping[str, Any] = {}
RULE = "A task earns its points when all its checks hold, those that run only at marking among them."
HIDDEN = '<span class="tag">checked at marking</span>'


def write_feedback(verdict: Verdict, folder: Path, by_hand: ByHand = NOTHING, comments: Comments = NOTHING) -> Path:
    """Write the page as folder/LEARNER/ASSIGNMENT.html; returns the path. by_hand, comments: as in feedback_page.

    Raises ValueError for a learner or an assignment that names no place in one folder.
    """
    for part, given in (("learner", verdict.learner), ("assignment", verdict.assignment)):
        if given in ("", ".", "..") or any(letter in given for letter in "/\\\0"):
            raise ValueError(f"verdict.{part} must be a text that can name a file, got {given[:60]!r}")
    path = folder / verdict.learner / f"{verdict.assignment}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    put_in_place(path, feedback_page(verdict, by_hand, comments))
    return path


def feedback_page(verdict: Verdict, by_hand: ByHand = NOTHING, comments: Comments = NOTHING) -> str:
    """The page as HTML that needs nothing besides itself; every text in it is escaped.

    by_hand: by item, the points that a person gave, or None where they have to again. comments: by item.
    """
    verdict = _decided(Standing(verdict, by_hand))
    items = "\n".join(_item(n, mark, comments.get(mark.id, "")) for n, mark in enumerate(verdict.marks, 1))
    body = "\n".join([_head(verdict), items, _remarks(verdict.remarks), _foot(verdict)])
    return page(f"{verdict.assignment}: feedback for {verdict.learner}", body)


def _decided(standing: Standing) -> Verdict:
    """The verdict with what a person has decided in it."""
    marks = [
        replace(mark, points=points, reason=BY_HAND if points is not None else "")
        if mark.id in standing.by_hand
        else mark
        for mark in standing.verdict.marks
        for points in [standing.earned(mark)]
    ]
    return replace(standing.verdict, marks=tuple(marks))


def _head(verdict: Verdict) -> str:
    waiting = sum(mark.most for mark in verdict.marks if mark.needs_marking)
    so_far = " so far" if waiting else ""
    lines = [f'<p class="score"><b>{verdict.points:g}</b> of {count(verdict.most, "point")}{so_far}</p>']
    if verdict.most > 0:
        lines.append(_bar(verdict.marks, verdict.most))
    if waiting:
        lines.append(f"<p>{count(waiting, 'point')} {'is' if waiting == 1 else 'are'} still to be marked.</p>")
    lines.append(_handed_in(verdict))
    if any(line for mark in verdict.marks for line in mark.lines):
        lines.append(f'<p class="soft">{RULE}</p>')
    return (
        f'<header class="sheet">\n<h1>{title(verdict.assignment)}</h1>\n'
        f"<p>Feedback for <strong>{name(verdict.learner)}</strong></p>\n" + "\n".join(lines) + "\n</header>"
    )


def _bar(marks: Sequence[Mark], most: float) -> str:
    """The tasks in a row, as wide as their points; a picture of what the words beside it say."""
    left, parts = 0.0, []
    for mark in marks:
        width = 100 * mark.most / most
        earned = width if mark.points is None else width * mark.points / mark.most if mark.most else 0.0
        gap = min(0.6, width / 2)
        for color, share in (("line", width), ("open" if mark.points is None else "good", earned)):
            if share > gap:
                parts.append(f'<rect class="{color}" x="{left:.2f}" y="0" width="{share - gap:.2f}" height="1"/>')
        left += width
    return (
        '<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        + "".join(parts)
        + "</svg>"
    )


def _handed_in(verdict: Verdict) -> str:
    when = f"Handed in on {text(moment(verdict.handed_in), 60)}" if verdict.handed_in else ""
    if verdict.late <= 0:
        return f"<p>{when}.</p>" if when else ""
    late = f"{duration(verdict.late)} behind the deadline"
    return f"<p>{when}, <strong>{late}</strong>.</p>" if when else f"<p>Handed in <strong>{late}</strong>.</p>"


def _item(number: int, mark: Mark, comment: str) -> str:
    parts = [
        f'<section class="sheet">\n<div class="head"><h2>{number}. {text(mark.title, 200)}</h2>{_earned(mark)}</div>'
    ]
    if mark.needs_marking and (mark.answer.strip() or not mark.reason):
        parts.append("<p>Your answer is read by a person; the points come with their marks.</p>")
    elif mark.reason:
        parts.append(f"<p>{text(mark.reason)}</p>")
    if mark.lines:
        parts.append(_checks(mark.lines))
    if mark.answer.strip():
        answer = text(mark.answer.strip("\n"), MOST_OF_AN_ANSWER)
        parts.append(f'<p class="soft">Your answer, as it was received:</p>\n<blockquote>{answer}</blockquote>')
    if comment.strip():
        said = text(comment.strip("\n"), MOST_OF_AN_ANSWER)
        parts.append(f'<p class="soft">Whoever marked it says:</p>\n<blockquote>{said}</blockquote>')
    return "\n".join([*parts, "</section>"])


def _earned(mark: Mark) -> str:
    if mark.points is None:
        return f'<p class="open">{count(mark.most, "point")}, to be marked</p>'
    color = "good" if mark.points >= mark.most else "bad" if mark.points == 0 else "open"
    return f'<p class="{color}">{mark.points:g} of {count(mark.most, "point")}</p>'


def _checks(lines: Sequence[Line]) -> str:
    """All checks that a learner could see, and hidden ones that fail; one slip found again is said in a word."""
    shown: list[Line] = []
    found: dict[str, int] = {}
    for line in lines:
        if line.hidden and line.good:
            continue
        seen = [kind(seen.text) for seen in shown if not seen.good and again(line.text, seen.text)]
        if line.hidden and line.text and seen:
            found[seen[0]] = found.get(seen[0], 0) + 1
        else:
            shown.append(line)
    said = [_line(line, 0 if line.good else found.get(kind(line.text), 0)) for line in shown]
    passed = sum(line.hidden and line.good for line in lines)
    if passed:
        said.append(_check(True, f"{count(passed, 'more check')}, run at marking", ""))
    return '<ul class="checks">' + "\n".join(said) + "</ul>"


def _line(line: Line, times: int) -> str:
    notes = [HIDDEN] if line.hidden else []
    if times:
        notes.append(f'<span class="soft">Found again by {count(times, "check")} at marking.</span>')
    return _check(line.good, text(line.text), " ".join(notes))


def _check(good: bool, said: str, notes: str) -> str:
    kind_, sign, word = ("good", "✓", "Holds:") if good else ("bad", "✗", "Not yet:")
    behind = f'<span class="said">{notes}</span>' if notes else ""
    return (
        f'<li><span class="sign {kind_}" aria-hidden="true">{sign}</span>'
        f'<div><span class="word {kind_}">{word}</span> {said}{behind}</div></li>'
    )


def _remarks(remarks: Sequence[str]) -> str:
    if not remarks:
        return ""
    said = "\n".join(f"<li>{text(remark)}</li>" for remark in remarks)
    return f'<section class="sheet">\n<h2>Noted in your file</h2>\n<ul>{said}</ul>\n</section>'


def _foot(verdict: Verdict) -> str:
    when = f"Checked on {text(moment(verdict.graded), 60)}. " if verdict.graded else ""
    return (
        f"<footer><p>{when}If something here looks wrong to you, ask, and name these: your file "
        f"{text(verdict.submission[:12])}, the checks {text(verdict.key[:12])}.</p></footer>"
    )
