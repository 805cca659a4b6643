"""What a class has gained between the set before the course and the same set after it."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from vae_tutorial.course.questions import before_and_after
from vae_tutorial.course.record import AFTER, BEFORE, RECORDS, Record, read_record

COLUMNS = ("learner", "question", "answer_before", "right_before", "answer_after", "right_after")
RESAMPLES, SEED = 10_000, 0


@dataclass
class Class:
    """The records found in a folder: pairs by learner, and in sentences what could not be used."""

    pairs: dict[str, tuple[Record, Record]] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)

    def rows(self) -> list[dict[str, object]]:
        """One row for each learner and question, as COLUMNS says; a question not answered is not right."""
        rows = []
        for learner, (before, after) in self.pairs.items():
            was, became = before.right(), after.right()
            for id in was:
                values = learner, id, before.answers.get(id, ""), was[id], after.answers.get(id, ""), became[id]
                rows.append(dict(zip(COLUMNS, values, strict=True)))
        return rows

    def right(self) -> np.ndarray:
        """Whether right, [learner, before or after, question]."""
        pairs = [[list(record.right().values()) for record in pair] for pair in self.pairs.values()]
        return np.array(pairs, dtype=bool).reshape(-1, 2, len(before_and_after()))


def read_class(folder: Path) -> Class:
    """The records in the sub-folders of `folder`, each of which belongs to one learner, at any depth.

    A learner with two files of one name is not counted, since nobody can say which of them to take.
    """
    found = Class()
    by_learner: dict[str, dict[str, list[Path]]] = {
        path.name: {} for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")
    }
    for path in sorted(path for path in folder.rglob("*.json") if path.name in RECORDS):
        within = path.relative_to(folder).parts
        if len(within) < 2:
            found.unusable.append(f"{path}: it must lie in a learner's sub-folder of {folder}")
        else:
            by_learner.setdefault(within[0], {}).setdefault(path.name, []).append(path)
    for learner, files in by_learner.items():
        _add(found, learner, files)
    return found


def _add(found: Class, learner: str, files: dict[str, list[Path]]) -> None:
    """Put one learner's records among those found, or say what is wrong with them."""
    records = {}
    for name, paths in files.items():
        if len(paths) > 1:
            found.unusable.append(f"{learner} has {len(paths)} files {name}: {', '.join(map(str, paths))}")
            continue
        try:
            records[name] = read_record(paths[0])
        except ValueError as error:
            found.unusable.append(str(error))
    if missing := [name for name in RECORDS if name not in files]:
        found.lacking.append(f"{learner} has no {' and no '.join(missing)}")
    if len(records) == len(RECORDS):
        found.pairs[learner] = (records[BEFORE], records[AFTER])


def normalised_gain(before: ArrayLike, after: ArrayLike) -> float:
    """(after - before) / (1 - before) of the mean shares of right answers (Hake 1998); NaN if all were right before."""
    pre, post = np.asarray(before, dtype=float).mean(), np.asarray(after, dtype=float).mean()
    return float((post - pre) / (1 - pre)) if pre < 1 else float("nan")


def interval(before: ArrayLike, after: ArrayLike) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the normalised gain, learners [n] being drawn with replacement.

    before, after: each learner's share of right answers. Draws in which all were right before have no gain and are
    left out. The seed is fixed: the same learners give the same interval. Raises ValueError for less than 2 learners.
    """
    shares = np.stack([np.asarray(before, dtype=float), np.asarray(after, dtype=float)])
    n = shares.shape[1]
    if n < 2:
        raise ValueError(f"before and after must be of at least 2 learners, got {n}")
    drawn = np.random.default_rng(SEED).integers(n, size=(RESAMPLES, n))
    pre, post = shares[:, drawn].mean(axis=2)
    gains = ((post - pre)[pre < 1]) / (1 - pre[pre < 1])
    low, high = np.quantile(gains, [0.025, 0.975]) if len(gains) else (float("nan"),) * 2
    return float(low), float(high)


def summary(found: Class) -> list[str]:
    """The table by question and the gain of the class, as lines to print."""
    ids, right = [question.id for question in before_and_after()], found.right()
    n, width = len(right), max(len(id) for id in ids)
    by_question = right.mean(axis=0)
    lines = [f"{'question':{width}}  right before  right after    n"]
    shares = zip([*ids, "all"], *([*share, share.mean()] for share in by_question), strict=True)
    lines += [f"{id:{width}}  {before:12.0%}  {after:11.0%}  {n:3}" for id, before, after in shares]
    gain = normalised_gain(*by_question)
    if np.isnan(gain):
        return [*lines, "normalised gain: none can be computed, all answers were right before"]
    if n < 2:
        return [*lines, f"normalised gain {gain:.2f}, of 1 learner: an interval needs at least 2"]
    low, high = interval(*right.mean(axis=2).T)
    return [*lines, f"normalised gain {gain:.2f}, 95 % interval {low:.2f} to {high:.2f} (bootstrap over {n} learners)"]


def write_table(rows: Sequence[dict[str, object]], path: Path) -> None:
    """The rows as CSV, true as 1; several places of choices are joined by spaces."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({column: _cell(value) for column, value in row.items()} for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return int(value) if isinstance(value, bool) else value
