"""What `make lab` prints, each line with its time, told apart into phases: a line begins what lasts until the next."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple


class Line(NamedTuple):
    """A line of output, and when it came, in seconds since 1970."""

    time: float
    text: str


# The first that fits tells which phase a line begins; a line that fits none goes on with the last one's.
BEGINS = [
    ("resolve", r"Looking in |Collecting |Processing |Obtaining |Requirement already| +Downloading .*\.metadata"),
    ("download", r" *Downloading "),
    ("build", r" *(Checking|Getting|Preparing|Installing build|Installing backend|Building|Created) "),
    ("install", r"Installing collected"),
    ("installed", r"Successfully installed"),
]
UNITS = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}


def spans(lines: Sequence[Line], began: float, ended: float) -> dict[str, float]:
    """Seconds of each phase between two times: they sum to all of it.

    "venv" is what comes before pip's first line. After "Successfully installed" comes the next pip's start, which
    belongs to its resolution, or after the last one "lab".
    """
    seconds = dict.fromkeys(("venv", "resolve", "download", "build", "install", "lab"), 0.0)
    starts = [(began, "venv"), *((line.time, phase) for line in lines if (phase := phase_of(line.text)))]
    last = max((i for i, (_, phase) in enumerate(starts) if phase == "installed"), default=-1)
    for i, ((start, phase), (end, _)) in enumerate(pairwise([*starts, (ended, "")])):
        if phase == "installed":
            phase = "lab" if i == last else "resolve"
        seconds[phase] += end - start
    return seconds


def phase_of(text: str) -> str | None:
    return next((phase for phase, pattern in BEGINS if re.match(pattern, text)), None)


def megabytes(lines: Sequence[Line]) -> tuple[float, float]:
    """What pip downloaded, and what it read from files of this machine instead."""
    texts = [line.text for line in lines]
    came = [re.match(r" *Downloading \S+ \(([\d.]+) (\w+)\)", text) for text in texts if ".metadata" not in text]
    local = [re.match(r"Processing (/\S+\.whl)", text) for text in texts]
    downloaded = sum(float(found[1]) * UNITS[found[2]] for found in came if found)
    return round(downloaded), round(sum(Path(found[1]).stat().st_size for found in local if found) / 1e6)
