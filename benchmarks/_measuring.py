"""What benchmarks share: timing in turns, so that a machine's moods fall on all alike, and how rows are stored."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "results"))
import _recording

FOLDER = Path(__file__).parent
Row = dict[str, Any]


def in_turns(works: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each work, [repeats] each: all of them once, then all again, in one process."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def spread(seconds: list[float]) -> Row:
    """Median and both ends of repeated timings, in seconds, as they are stored in a row."""
    return {"seconds": _digits(median(seconds)), "least": _digits(min(seconds)), "most": _digits(max(seconds))}


def ratio(seconds: list[float], others: list[float]) -> float:
    """The median, over the turns, of one work's time in units of another's in the same turn."""
    return _digits(median(a / b for a, b in zip(seconds, others, strict=True)))


def record(name: str, settings: Row, rows: list[Row], seconds: float) -> Path:
    """Write benchmarks/NAME.json: command, machine, versions, settings and rows, as findings in results/ do."""
    return _recording.record(name, settings, rows, seconds, folder=FOLDER)


def _digits(value: float) -> float:
    return float(f"{value:.3g}")
