"""The part of a class report that goes through the items: how many passed, and the slips that were made."""

from collections.abc import Sequence
from statistics import mean

from vae_tutorial.grading.records import Mark
from vae_tutorial.grading.reports.class_pictures import items_picture
from vae_tutorial.grading.reports.page import names, table, text
from vae_tutorial.grading.reports.slips import Slip, again, slips
from vae_tutorial.grading.reports.standing import Standing
from vae_tutorial.grading.words import count

MOST_SLIPS = 5  # of each item
MOST_OF_A_SLIP = 300  # letters
INTRODUCTION = "A slip counts once for a learner; … stands for numbers that differ."


def items_part(class_: Sequence[Standing]) -> str:
    """A picture, a table, and for each item its slips; nothing where no item is known."""
    items: dict[str, list[tuple[Standing, Mark]]] = {}
    for standing in class_:
        for mark in standing.verdict.marks:
            items.setdefault(mark.id, []).append((standing, mark))
    if not items:
        return ""
    counted = [_counts(found) for found in items.values()]
    rows = [_row(found, counts) for found, counts in zip(items.values(), counted, strict=True)]
    heads = ("item", "all points", "mean points", "to be marked")
    shown = table("How many of those that are decided", heads, rows, numbers=(1, 2, 3))
    told = "\n".join(filter(None, map(_slips, items.values())))
    about = INTRODUCTION if told else "No check failed."
    return (
        f'<section class="sheet">\n<h2>Items</h2>\n{items_picture(counted)}{shown}</section>\n'
        f'<section class="sheet">\n<h2>Most common slips</h2>\n<p class="soft">{about}</p>\n{told}</section>'
    )


def _counts(found: Sequence[tuple[Standing, Mark]]) -> tuple[str, int, int, int]:
    earned = [(standing.earned(mark), mark.most) for standing, mark in found]
    full = sum(points is not None and points >= most for points, most in earned)
    open_ = sum(points is None for points, _ in earned)
    return found[0][1].title, full, len(found) - full - open_, open_


def _row(found: Sequence[tuple[Standing, Mark]], counts: tuple[str, int, int, int]) -> tuple[str, ...]:
    title, full, fewer, open_ = counts
    decided = [points for standing, mark in found if (points := standing.earned(mark)) is not None]
    rate = f"{full} of {full + fewer} ({full / len(decided):.0%})" if decided else "–"
    average = f"{mean(decided):.2f} of {found[0][1].most:g}" if decided else "–"
    return text(title, 200), rate, average, str(open_ or "")


def _slips(found: Sequence[tuple[Standing, Mark]]) -> str:
    told = [(s.verdict.learner, text) for s, mark in found for text in _failing(mark)]
    made = slips(told)
    if not made:
        return ""
    shown = "\n".join(map(_slip, made[:MOST_SLIPS]))
    rarer = [len(slip.learners) for slip in made[MOST_SLIPS:]]
    rest = f'<p class="soft">And {len(rarer)} more, of {count(max(rarer), "learner")} at most.</p>' if rarer else ""
    return f'<h3>{text(found[0][1].title, 200)}</h3>\n<ul class="slips">{shown}</ul>\n{rest}'


def _failing(mark: Mark) -> list[str]:
    """What failing checks say, without hidden ones that say what a visible one has said."""
    failing = [line for line in mark.lines if not line.good]
    seen = [line.text for line in failing if not line.hidden]
    return seen + [line.text for line in failing if line.hidden and not any(again(line.text, text) for text in seen)]


def _slip(slip: Slip) -> str:
    claim, colon, problem = slip.sentence.partition(": ")
    said = text(claim, MOST_OF_A_SLIP)
    if colon:
        said = f'<span class="soft">{said}{colon}</span>{text(problem, MOST_OF_A_SLIP)}'
    who = f"{count(len(slip.learners), 'learner')}: {names(slip.learners, 3, folded=False)}"
    return f'<li><p>{said}</p><p class="who">{who}</p></li>'
