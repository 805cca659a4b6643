"""Submissions graded a minute, by workers and by size of the class, from hand-in to gradebook and report.

    python benchmarks/grading.py

- small: a key whose checks need no PyTorch (tests/adversarial/small_key.py), so that a submission costs two sandboxes
  and an IPython shell;
- course: exercise 01, whose submissions import the package and PyTorch.

Each class is graded anew into a folder with an empty gradebook, which nbgrader takes seconds to make, once a course.
Before the clock starts, each worker has graded two others. All is answered; of the small class, every other submission
is wrong in all but one item.
"""

import argparse
import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _measuring import Row, record

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from adversarial.small_key import KEY, RIGHT, WRONG, notebook

from vae_tutorial.devices import cores
from vae_tutorial.grading.book.gradebook import Book
from vae_tutorial.grading.grade import grade, read_key
from vae_tutorial.grading.judging.talking import ended

ROOT = Path(__file__).parents[1]
COURSE = "01_autoencoder_to_vae"
KEYS = {"small": KEY, "course": read_key(COURSE, ROOT / "solutions" / COURSE / f"{COURSE}.ipynb")}
CORES = cores()
CLASSES = [("small", 20, 1), *(("small", n, CORES) for n in (10, 100, 300)), ("course", 12, 1), ("course", 24, CORES)]
SETTINGS = {"course": COURSE, "learners": [learners for _, learners, _ in CLASSES]}


def hand_in(folder: Path, name: str, learners: int) -> None:
    """A class in nbgrader's layout."""
    assignment = KEYS[name].assignment
    for number in range(learners):
        place = folder / f"learner-{number:03}" / assignment
        place.mkdir(parents=True)
        (place / f"{assignment}.ipynb").write_text(content(name, number), encoding="utf-8")


def content(name: str, number: int) -> str:
    if name == "small":
        return json.dumps(notebook(WRONG if number % 2 else RIGHT, f"The words of learner {number}."))
    return (ROOT / "solutions" / COURSE / f"{COURSE}.ipynb").read_text(encoding="utf-8")


def measured(name: str, learners: int, jobs: int, empty_book: Path) -> Row:
    """One row: a class of this size, graded once."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as executor:
        seconds = 0.0
        for place, size in ((Path(folder, "warm"), 2 * jobs), (Path(folder, "class"), learners)):
            hand_in(place / "submitted", name, size)
            shutil.copy(empty_book, place)
            start = time.perf_counter()
            outcome = grade(KEYS[name], place / "submitted", place, executor)
            seconds = time.perf_counter() - start
            assert outcome.marked == size, outcome.failed
        with ended():
            pass
    return {
        "checks": name,
        "learners": learners,
        "jobs": jobs,
        "seconds": round(seconds, 1),
        "a_minute": round(60 * learners / seconds, 1),
        "seconds_of_one": round(statistics.median(verdict.seconds for verdict in outcome.verdicts), 2),
    }


def main() -> None:
    """Print the rows as they come."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    started, rows = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as folder:
        with Book(Path(folder)):
            book = Path(folder, "gradebook.db")
        for name, learners, jobs in CLASSES:
            rows.append(measured(name, learners, jobs, book))
            print(
                "{checks:6} {learners:4} submissions, {jobs} at once: {seconds:6.1f} s, {a_minute:5.1f} a minute, "
                "median of one {seconds_of_one:5.2f} s".format(**rows[-1]),
                flush=True,
            )
    per_submission = {row["learners"]: row["seconds"] / row["learners"] for row in rows if row["jobs"] == CORES}
    print(f"seconds a submission, small, 300 against 10: {per_submission[300] / per_submission[10]:.2f}")
    print(f"largest resident memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")
    print(record("grading", SETTINGS | {"cores": CORES}, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
