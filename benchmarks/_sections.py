"""What benchmarks/README.md says of each stored benchmark: a sentence that sums it up, and the section below it.

Every function takes what record() stored. No number is typed here, but for those with a source.
"""

import statistics
from collections.abc import Sequence
from itertools import groupby

from _measuring import Row
from _tables import between, of_rows, seconds, table
from measures import by_measure, growth

GROWTHS = {0: "hardly grow", 1: "grow linearly", 2: "grow quadratically", 3: "grow faster than that"}


def lessons_in_short(stored: Row) -> str:
    total = sum(row["seconds"] for row in stored["rows"])
    return f"{len(stored['rows'])} lessons need {total / 60:.1f} minutes of the computer's time, from top to bottom"


def lessons(stored: Row) -> str:
    rows = stored["rows"]
    parts = ("seconds", "start", "imports", "cells")
    whole = {"lesson": "**all**"} | {part: round(sum(row[part] for row in rows), 1) for part in parts}
    titles = {"lesson": "lesson", "seconds": "s", "start": "kernel's start", "imports": "imports", "cells": "all else"}
    starts, imports = ([row[part] for row in rows] for part in ("start", "imports"))
    return f"""\
Every notebook as it stands, each in a fresh kernel, once, one after the other. The kernel's start lasts until the
first cell runs ({between(starts, "s")}, median {statistics.median(starts):.3g} s); the first cell holds all imports
({between(imports, "s")}, median {statistics.median(imports):.3g} s); all else is training, pictures, the kernel's end.

{of_rows([*rows, whole], titles)}"""


def measures_in_short(stored: Row) -> str:
    kinds = _kinds(stored["rows"])
    return f"of {sum(map(len, kinds.values()))} measures, " + ", ".join(
        f"{len(names)} {GROWTHS[power]}" for power, names in kinds.items()
    )


def measures(stored: Row) -> str:
    sizes = stored["settings"]["sizes"]
    times = by_measure(stored["rows"])
    lines = [
        [f"`{name}`", *(seconds(row[n]) if n in row else None for n in sizes), f"{_growth(row):.1f}"]
        for name, row in times.items()
    ]
    kinds = "\n".join(f"- {GROWTHS[power]}: {', '.join(names)}" for power, names in _kinds(stored["rows"]).items())
    apart = [row["most"] / row["least"] for row in stored["rows"]]
    ks, n = stored["settings"]["k"], min(sizes)
    bounds = [times[f"log_likelihood, k = {k}"][n] for k in ks]
    return f"""\
Median of {stored["settings"]["repeats"]} turns, all measures and sizes in each; the slowest turn took
{statistics.median(apart):.2f} times as long as the fastest (median over the rows; at most {max(apart):.1f} times).
Growth is the slope of log seconds over log images at the three largest sizes measured. Rounded to a whole number:

{kinds}

In k, for {n} images, `log_likelihood` grows with an exponent of {growth(ks, bounds):.1f}. What would need minutes or
gigabytes has a dash. `dci` fits {stored["settings"]["trees"]} trees for each class; `factor_vae_score` and
`beta_vae_score` draw 3,000 groups, however many the images.

{table(["measure", *(f"{n:,} images" for n in sizes), "growth"], lines)}"""


def _growth(times: dict[int, float]) -> float:
    return growth(list(times), list(times.values()))


def _kinds(rows: Sequence[Row]) -> dict[int, list[str]]:
    """Power of growth, 0 to 3 -> measures."""
    power = {name: min(max(round(_growth(times)), 0), 3) for name, times in by_measure(rows).items()}
    return {p: [f"`{name}`" for name in power if power[name] == p] for p in sorted(set(power.values()))}


def newcomer_in_short(stored: Row) -> str:
    total = sum(row["seconds"] for row in stored["rows"])
    return f"from `git clone` to the first dragged slider a machine needs {total / 60:.1f} minutes"


def newcomer(stored: Row) -> str:
    total = sum(row["seconds"] for row in stored["rows"])
    lines = [[r["phase"], r["seconds"], f"{r['seconds'] / total:.0%}", r["what"]] for r in stored["rows"]]
    settings = "; ".join(f"{key}: {value}" for key, value in stored["settings"].items())
    return f"""\
One run of `make lab` in a fresh clone, its first lesson opened in Chromium as soon as JupyterLab answers, all cells
run, the first slider dragged. The phases follow each other; `other` is what none of them names. {settings}.

{table(["phase", "s", "share", "what"], [*lines, ["**all**", round(total, 2), "100%", ""]])}"""


def explorer_in_short(stored: Row) -> str:
    idle = [r for r in stored["rows"] if (r["decoder"], r["what"]) == ("mlp", "idle kernel")]
    median = between([r["p50"] for r in idle], "ms")
    return f"a slider's move is painted after {median} (median of {idle[0]['asked']} moves)"


def explorer(stored: Row) -> str:
    lines = []
    for (decoder, what), group in groupby(stored["rows"], key=lambda row: (row["decoder"], row["what"])):
        rows = list(group)
        painted, asked = (sum(row[key] for row in rows) for key in ("painted", "asked"))
        times = (between([row[share] for row in rows], "ms") for share in ("p50", "p95"))
        lines.append([decoder, what, f"{painted:,} of {asked:,}", *times])
    return f"""\
From the browser's time stamp of the input to the first task after the frame that holds its picture, in JupyterLab, with
a real mouse in a headless Chromium, which has no screen to wait for. `mlp` is 32-256-512-784, `conv` 10 latents to 64 x
64 pixels. A range is that of {stored["settings"]["runs"]} runs; the first picture is one reading; of new weights,
shown {stored["settings"]["new_weights"]} times, the last column has the slowest.

{table(["decoder", "state", "painted", "median", "95 % within"], lines)}"""


def grading_in_short(stored: Row) -> str:
    rates = {row["checks"]: row["a_minute"] for row in stored["rows"]}  # the last of each: the largest class
    course, small = (f"{rates[checks]:.0f}" for checks in ("course", "small"))
    return f"{course} submissions of exercise 01 are graded a minute, {small} where the checks need no PyTorch"


def grading(stored: Row) -> str:
    titles = {
        "checks": "checks", "learners": "learners", "jobs": "at once", "seconds": "s",
        "a_minute": "a minute", "seconds_of_one": "s of one, median",
    }  # fmt: skip
    return f"""\
From hand-in to gradebook and report, each class once, on {stored["settings"]["cores"]} cores. `small` checks need
no PyTorch: what is left is the price of the sandboxes. `course` is exercise 01 with all answered.

{of_rows(stored["rows"], titles)}"""
