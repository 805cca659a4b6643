"""Which sentences of checks tell of one and the same slip, though their numbers differ."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from vae_tutorial.grading.words import MOST_LETTERS, WITHHELD

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|-?\b(?:nan|inf)\b")
GAP = "…"


@dataclass(frozen=True)
class Slip:
    """One slip and who made it. sentence: with a gap for each number in which the learners differ."""

    sentence: str
    learners: tuple[str, ...]


def kind(text: str) -> str:
    """What is the same in all sentences of one slip: the text without its details in brackets, gaps for numbers."""
    return NUMBER.sub(GAP, _cut(text))


def _cut(text: str) -> str:
    """A sentence without its details; what looks like our own gaps is no gap."""
    return without_details(text[:MOST_LETTERS].replace(GAP, "..."))


def without_details(text: str) -> str:
    """The text up to the bracket that ends it."""
    if not text.endswith(")"):
        return text
    depth = 0
    for place in range(len(text) - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(text[place], 0)
        if depth == 0:
            return text[:place].rstrip() if text[place - 1] == " " else text
    return text


def again(hidden: str, seen: str) -> bool:
    """Whether a hidden check says what was said before, a learner's error perhaps without its words."""
    without_words = hidden.endswith(WITHHELD) and seen.startswith(hidden.removesuffix(WITHHELD))
    return without_words or kind(hidden) == kind(seen)


def slips(told: Iterable[tuple[str, str]]) -> list[Slip]:
    """Pairs of a learner and a sentence as slips, the most common first; each counts once for a learner."""
    sentences: dict[str, list[str]] = {}
    learners: dict[str, dict[str, None]] = {}
    for learner, text in told:
        sentences.setdefault(kind(text), []).append(_cut(text))
        learners.setdefault(kind(text), {})[learner] = None
    found = [Slip(_common(texts), tuple(learners[name])) for name, texts in sentences.items()]
    return sorted(found, key=lambda slip: -len(slip.learners))


def _common(texts: list[str]) -> str:
    """Sentences of one kind as one: the numbers that all share stay."""
    numbers = zip(*(NUMBER.findall(text) for text in texts), strict=True)
    shown = iter([values[0] if len(set(values)) == 1 else GAP for values in numbers])
    return NUMBER.sub(lambda _: next(shown), texts[0])
