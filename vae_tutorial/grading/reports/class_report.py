"""One page on a class: what waits for a person, how it went, and which slips were the most common."""

from collections.abc import Sequence
from statistics import mean, median

from vae_tutorial.grading.records import Verdict
from vae_tutorial.grading.reports.class_items import items_part
from vae_tutorial.grading.reports.class_pictures import scores_picture
from vae_tutorial.grading.reports.page import counted, name, page, table, text, title
from vae_tutorial.grading.reports.standing import HandMarks, Standing, standings
from vae_tutorial.grading.words import count, duration, moment

BY_HAND = "a written answer"


def class_page(verdicts: Sequence[Verdict], hand_marks: HandMarks) -> str:
    """The page as HTML that needs nothing besides itself; every text in it is escaped."""
    class_ = standings(verdicts, hand_marks)
    assignments = ", ".join(sorted({verdict.assignment for verdict in verdicts}))
    heading = f"{assignments}: the class" if assignments else "The class"
    if not class_:
        return page(heading, f'<section class="sheet"><h1>{heading}</h1><p>No submission was judged.</p></section>')
    parts = [_head(heading, class_), _waiting(class_), _scores(class_), items_part(class_)]
    parts += [_late(class_), _oddities(class_), _everyone(class_)]
    return page(heading, "\n".join(filter(None, parts)))


def _head(heading: str, class_: Sequence[Standing]) -> str:
    waiting = sum(bool(standing.waiting) for standing in class_)
    facts = [
        (str(len(class_)), "submission" if len(class_) == 1 else "submissions"),
        (str(waiting), "with something to mark"),
        (f"{mean(standing.points for standing in class_):.1f}", "points on average" + " so far" * bool(waiting)),
        (str(sum(standing.verdict.late > 0 for standing in class_)), "late"),
        (str(sum(bool(standing.verdict.remarks) for standing in class_)), "with something odd"),
    ]
    shown = "".join(f"<div><dt>{label}</dt><dd>{number}</dd></div>" for number, label in facts)
    return f'<header class="sheet">\n<h1>{title(heading)}</h1>\n<dl class="facts">{shown}</dl>\n</header>'


def _waiting(class_: Sequence[Standing]) -> str:
    """Who has to be marked and why; and who has no points for a reason that is no check's."""
    to_mark: dict[str, dict[str, list[str]]] = {}
    nothing: dict[str, dict[str, list[str]]] = {}
    for standing in class_:
        for mark in standing.verdict.marks:
            if standing.earned(mark) is None:
                reason = standing.reason(mark) or (BY_HAND if mark.by_hand else "no reason is known")
                _note(to_mark, reason, standing.verdict.learner, mark.title)
            elif mark.reason and mark.id not in standing.by_hand and not standing.earned(mark):
                _note(nothing, mark.reason, standing.verdict.learner, mark.title)
    said = '<section class="sheet">\n<h2>To be marked</h2>\n'
    said += _reasons("What waits for a person, and why", to_mark) if to_mark else "<p>Everything is decided.</p>"
    if nothing:
        said += "<h3>Without points, though no check failed</h3>\n"
        said += _reasons("Decided; worth a look where the reason does not lie with the learner", nothing)
    return f"{said}</section>"


def _note(reasons: dict[str, dict[str, list[str]]], reason: str, learner: str, title: str) -> None:
    reasons.setdefault(reason, {}).setdefault(learner, []).append(title)


def _reasons(caption: str, reasons: dict[str, dict[str, list[str]]]) -> str:
    """A row for each reason and the items it holds for together."""
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for reason, learners in reasons.items():
        for learner, titles in learners.items():
            rows.setdefault((reason, tuple(titles)), []).append(learner)
    ordered = sorted(rows.items(), key=lambda row: -len(row[1]))
    cells = [(text(reason), text(", ".join(titles)), counted(learners)) for (reason, titles), learners in ordered]
    return table(caption, ("reason", "items", "learners"), cells)


def _scores(class_: Sequence[Standing]) -> str:
    points, most = [standing.points for standing in class_], max(standing.verdict.most for standing in class_)
    open_ = [standing.open_points for standing in class_ if standing.waiting]
    said = f"From {min(points):g} to {max(points):g} of {count(most, 'point')}; the median is {median(points):g}."
    if open_:
        said += f" In {count(len(open_), 'submission')} up to {count(max(open_), 'point')} may still be added."
    return f'<section class="sheet">\n<h2>Points</h2>\n<p>{said}</p>\n{scores_picture(points, most)}</section>'


def _late(class_: Sequence[Standing]) -> str:
    late = sorted((s.verdict for s in class_ if s.verdict.late > 0), key=lambda verdict: -verdict.late)
    if not late:
        return ""
    rows = [(name(v.learner), duration(v.late), text(moment(v.handed_in), 60)) for v in late]
    shown = table("The latest first", ("learner", "behind the deadline", "handed in"), rows)
    return f'<section class="sheet">\n<h2>Late</h2>\n{shown}</section>'


def _oddities(class_: Sequence[Standing]) -> str:
    found: dict[str, list[str]] = {}
    for standing in class_:
        for remark in dict.fromkeys(standing.verdict.remarks):
            found.setdefault(remark, []).append(standing.verdict.learner)
    if not found:
        return ""
    ordered = sorted(found.items(), key=lambda row: -len(row[1]))
    rows = [(text(remark), counted(learners)) for remark, learners in ordered]
    shown = table("What was odd in the files", ("remark", "learners"), rows)
    return f'<section class="sheet">\n<h2>Oddities</h2>\n{shown}</section>'


def _everyone(class_: Sequence[Standing]) -> str:
    rows = [
        (
            name(standing.verdict.learner),
            f"{standing.points:g}",
            f"{standing.open_points:g}" if standing.waiting else "",
            duration(standing.verdict.late) if standing.verdict.late > 0 else "",
            str(len(standing.verdict.remarks) or ""),
        )
        for standing in class_
    ]
    most = max(standing.verdict.most for standing in class_)
    heads = ("learner", f"points of {most:g}", "to be marked", "late", "remarks")
    shown = table("By name", heads, rows, numbers=(1, 2, 3, 4))
    return f'<section class="sheet">\n<h2>Everyone</h2>\n{shown}</section>'
