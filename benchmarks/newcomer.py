"""From nothing to the first dragged slider: where a newcomer's seconds go, each of them accounted for.

    python benchmarks/newcomer.py [--revision COMMIT]

Clones the committed state of this checkout into a temporary folder, runs `make lab` in it, opens the first lesson in
Chromium as soon as JupyterLab answers, runs all cells, and drags a slider of the first explorer until its picture is
painted. The rows follow each other and sum to the time between first and last mark; `other` is what no row names.

pip is told apart by the time at which each line of its output comes: a line begins what lasts until the next one. What
cannot be seen from outside is noted inside, by `_newcomer_inside.py`. Chromium is started beforehand, and nobody reads:
these are the machine's seconds. MNIST lies in the folder of VAE_TUTORIAL_DATA, or is downloaded by the first lesson.
Packages come as pip is configured: `settings` says how many megabytes over a network and how many from local files.
"""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

from _measuring import Row, record
from _newcomer_lab import Course, learn, make_lab
from _newcomer_lines import megabytes, spans
from browser import chromium

ROOT = Path(__file__).parents[1]
MOST_OTHER = 0.05
COMMAND = "make lab LAB_ARGS=--no-browser"
LIBRARIES = ("numpy", "matplotlib", "IPython", "ipywidgets", "anywidget")


def clone(revision: str, folder: Path) -> str:
    """A clone at a commit; gives the commit's short name."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True)
    git = ["git", "-C", str(folder), "-c", "advice.detachedHead=false"]
    subprocess.run([*git, "checkout", "--quiet", revision], check=True)
    return subprocess.run([*git, "rev-parse", "--short", "HEAD"], check=True, text=True, capture_output=True).stdout


def set_up_rows(course: Course, began: float, answered: float) -> list[Row]:
    """From `make lab` until JupyterLab answers; byte-compilation apart, be it pip's or the set-up's own after it."""
    parts = spans(course.lines, began, answered)
    notes = course.notes(began, answered)
    inside, after = notes.get("pip compiles", 0.0), notes.get("compileall", 0.0)
    return [
        row("venv", parts["venv"], "make, choice of a Python, python -m venv, start of pip"),
        row("pip: resolve", parts["resolve"], "index pages, metadata, choice of versions"),
        row("pip: download", parts["download"], "what comes over a network"),
        row("pip: build", parts["build"], "the course itself, as an editable wheel"),
        row("pip: install", parts["install"] - inside, "wheels unpacked into .venv"),
        row("byte-compile", inside + after, "a .pyc for each .py installed"),
        row("JupyterLab", parts["lab"] - after, "from there until the server answers"),
    ]


def lesson_rows(course: Course, answered: float, marks: dict[str, float]) -> list[Row]:
    """From there to the dragged slider, by way of the first two cells of code."""
    imports = course.notes(marks["imports begin"], marks["imports end"])
    loads = course.notes(marks["explorer begin"], marks["explorer end"])
    data, model = loads["vae_tutorial.data.load"], loads["vae_tutorial.zoo.load"]
    libraries = sum(imports.get(name, 0.0) for name in LIBRARIES)
    cells = {name: marks[f"{name} end"] - marks[f"{name} begin"] for name in ("imports", "explorer")}
    return [
        row("page", marks["page"] - answered, "until the notebook is in the page"),
        row("kernel", marks["kernel"] - marks["page"], "until it is idle, after that"),
        row("import torch", imports["torch"], "without numpy"),
        row("import libraries", libraries, ", ".join(LIBRARIES)),
        row("import the course", cells["imports"] - libraries - imports["torch"], "the rest of the first cell"),
        row("data", data, "MNIST, 10,000 images"),
        row("model", model, "a shipped model: nothing is trained before the first slider"),
        row("explorer", cells["explorer"] - data - model, "the rest of the second cell"),
        row("widget", max(0.0, marks["shown"] - marks["explorer end"]), "until its first picture is on the page"),
        row("drag", marks["dragged"] - marks["shown"], "until the slider's picture is painted"),
    ]


def row(phase: str, seconds: float, what: str) -> Row:
    return {"phase": phase, "seconds": round(seconds, 2), "what": what}


def measure(revision: str, folder: Path) -> tuple[list[Row], Row]:
    """All rows, and what is stored beside them in the settings."""
    home, fresh = folder / "vae-tutorial", folder / "fresh"
    with chromium(folder) as browser:
        started = time.time()
        commit = clone(revision, home)
        cloned = time.time()
        with make_lab(home, fresh) as course:
            answered = course.wait()
            marks = learn(browser, course)
    whole = marks["dragged"] - started
    rows = [row("clone", cloned - started, "from a repository on the same disk")]
    rows += set_up_rows(course, cloned, answered) + lesson_rows(course, answered, marks)
    rows.append(row("other", whole - sum(r["seconds"] for r in rows), "between the rows: clicks, waits for the page"))
    downloaded, local = megabytes(course.lines)
    disk = int(subprocess.run(["du", "-sk", str(home / ".venv")], text=True, capture_output=True).stdout.split()[0])
    packages = sum(
        len(line.text.split()) - 2 for line in course.lines if line.text.startswith("Successfully installed")
    )
    return rows, {
        "revision": commit.strip(), "of": COMMAND, "cores": os.cpu_count(), "seconds": round(whole, 1),
        "packages": packages, "MB downloaded": downloaded, "MB from local files": local, "MB of .venv": disk // 1024,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--revision", default="HEAD", help="the commit to measure")
    revision, started = parser.parse_args().revision, time.time()
    with tempfile.TemporaryDirectory(prefix="newcomer") as folder:
        rows, settings = measure(revision, Path(folder))
    for r in rows:
        print(f"{r['phase']:18} {r['seconds']:7.2f} s  {r['what']}")
    print(settings)
    other = rows[-1]["seconds"]
    if not 0 <= other < MOST_OTHER * settings["seconds"]:
        raise RuntimeError(f"{other} of {settings['seconds']} s are not accounted for")
    print(record("newcomer", settings, rows, time.time() - started))


if __name__ == "__main__":
    main()
