"""Seconds of every lesson from top to bottom, each in a fresh kernel; the notebooks stay as they are.

    python benchmarks/lessons.py [--lessons notebooks/00_start_here.ipynb ...]

Told apart: the kernel's start, until it takes the first cell; that cell, which is a lesson's only one with imports; all
the others, with the kernel's end. The lessons run one after the other, once: a whole course is the long row of timings
that a single lesson is not. MNIST must be there, or within reach.
"""

import argparse
import os
import time
from pathlib import Path

import nbformat
from _measuring import Row, record
from nbclient import NotebookClient

from vae_tutorial import data

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SETTINGS = {"data": "mnist", "lessons": [path.stem for path in LESSONS]}


def measure(path: Path) -> Row:
    """A row in seconds: the whole lesson, and its three parts, which sum to it."""
    notebook = nbformat.read(path, as_version=4)
    marks = []  # when a cell of code is about to run or has just run
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        timeout=None,
        on_cell_execute=lambda cell, cell_index: marks.append(time.perf_counter()),
        on_cell_executed=lambda cell, cell_index, execute_reply: marks.append(time.perf_counter()),
    )
    started = time.perf_counter()
    client.execute()
    ended = time.perf_counter()
    first, imported = marks[:2]
    start, imports, cells = (round(part, 1) for part in (first - started, imported - first, ended - imported))
    seconds = round(start + imports + cells, 1)
    return {"lesson": path.stem, "seconds": seconds, "start": start, "imports": imports, "cells": cells}


def main() -> None:
    """Print the rows as they come; an error in a lesson is raised."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lessons", nargs="+", type=Path, default=LESSONS)
    paths = parser.parse_args().lessons
    os.environ.setdefault("TQDM_DISABLE", "1")  # as `make lessons` does
    data.load(SETTINGS["data"], fallback=False)
    started, rows = time.perf_counter(), []
    for path in paths:
        rows.append(measure(path))
        print("{lesson:22} {seconds:6.1f} s: start {start}, imports {imports}, cells {cells}".format(**rows[-1]))
    print(f"{len(rows)} lessons: {sum(row['seconds'] for row in rows) / 60:.1f} minutes")
    settings = SETTINGS | {"lessons": [row["lesson"] for row in rows]}
    print(record("lessons", settings, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
