"""A quote: a piece of text as it must stand in a file, if its numbers are worked out from what was measured."""

import re
from dataclasses import dataclass
from itertools import chain, repeat
from string import Formatter

SETTING = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True)
class Quote:
    """`text` must stand in the file; `settled` are the spans in it whose numbers need no other source."""

    text: str
    settled: tuple[tuple[int, int], ...]
    command: str | None = None  # what makes the numbers again; None: a cell of the same lesson, or nothing to make
    holds: bool = True  # what the text claims of the data


def says(template: str, *numbers: str, command: str | None = None) -> Quote:
    """Each {} of the template is one of `numbers`; a [setting or definition] is no measurement and stands as it is.

    Other numbers in the template stay unsettled. Raises ValueError where fields and numbers are not equally many.
    """
    text, settled, left = "", [], list(numbers)
    for piece, field, *_ in Formatter().parse(template):
        marks = chain(SETTING.finditer(piece), repeat(None))
        for words, mark in zip(SETTING.split(piece)[::2], marks, strict=False):
            text += words
            if mark:
                settled.append((len(text), len(text) + len(mark[1])))
                text += mark[1]
        if field is not None:
            if not left:
                raise ValueError(f"more fields than numbers in {template!r}")
            number = left.pop(0)
            settled.append((len(text), len(text) + len(number)))
            text += number
    if left:
        raise ValueError(f"{template!r} has no field for {left}")
    return Quote(text, tuple(settled), command)


def claim(text: str, holds: bool, command: str | None = None) -> Quote:
    """A sentence with its numbers in it, as "nearly 40 nats": `holds` says whether the data bear it out."""
    return Quote(text, ((0, len(text)),), command, bool(holds))


def given(*templates: str) -> list[Quote]:
    """Pieces whose numbers in [...] were set, defined, worked out in the text or taken from others, not measured."""
    return [says(template) for template in templates]


def near(value: float, stated: float, share: float = 0.1) -> bool:
    """Whether "about `stated`" may be said of `value`: within a tenth, or another share, of what is stated."""
    return abs(value - stated) <= share * abs(stated)
