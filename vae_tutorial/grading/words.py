"""Words for reports: points, times, and texts of strangers that shall do no harm where they are shown."""

import os
import re
from datetime import datetime
from pathlib import Path

MOST_LETTERS = 1000  # of one sentence in a report
# Control characters, those that turn the direction of the text around them, halves of pairs that no file can hold.
HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
WITHHELD = "its words are left out here"  # of a learner's error in a hidden check
UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def plain(text: str) -> str:
    """The text with a replacement character for each one that a terminal, a page or a table could trip over."""
    return HARMFUL.sub("\N{REPLACEMENT CHARACTER}", text)


def shortened(text: str, most: int = MOST_LETTERS) -> str:
    """The text, or its first `most` letters and how many there were behind them."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text) - most} letters more)"


def count(number: float, name: str) -> str:
    """A number with the name of its unit: "1 point", "2.5 points"."""
    return f"{number:g} {name}{'s' * (number != 1)}"


def duration(seconds: float) -> str:
    """A time of a second or more in its two largest units: "2 d 3 h"."""
    left = round(max(seconds, 1))
    said: list[str] = []
    for name, size in UNITS:
        number, left = divmod(left, size)
        if number or said:
            said.append(f"{number} {name}" if number else "")
    return " ".join(filter(None, said[:2]))


def moment(time: str) -> str:
    """A time in ISO 8601 as people write it, "20 November 2026, 18:04 (UTC+01:00)"; another text as it stands."""
    try:
        read = datetime.fromisoformat(time)
    except ValueError:
        return time
    return f"{read.day} {read:%B %Y, %H:%M}" + (f" ({read.tzname()})" if read.tzinfo else "")


def put_in_place(path: Path, content: str) -> None:
    """Write a text file, UTF-8, in the place of what is at `path`; the file is never seen half-written.

    Raises OSError, with nothing changed, where it cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            file.write(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
