"""Whether two trained models that were handed in are copies: sketches of their weights, compared."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from vae_tutorial.grading.records import Verdict

LEAST = 1000  # numbers of what counts as a trained model
SAMPLE, QUANTILES = 512, 33  # numbers of a sketch
SAME, SORTED = 0.9, 1e-3  # correlation of copies; how far sorted weights of copies differ, in standard deviations


def sketch(value: Any) -> dict[str, Any] | None:
    """What tells whether two models are copies, from a value of a learner's with tensors in it; None for a small one.

    sha256: of all their bytes. sizes: of the matrices. sample: some of their numbers, at the same places in each model
    of the same sizes. quantiles: of the largest matrix, which do not mind the order of hidden units.
    """
    tensors = list(_tensors(value))
    matrices = [tensor.detach().double().flatten().numpy() for tensor in tensors if tensor.ndim > 1]
    if sum(map(len, matrices)) < LEAST:
        return None
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(str(tuple(tensor.shape)).encode() + tensor.detach().contiguous().float().numpy().tobytes())
    flat = np.nan_to_num(np.concatenate(matrices))
    places = np.random.default_rng(len(flat)).choice(len(flat), min(SAMPLE, len(flat)), replace=False)
    largest = np.nan_to_num(max(matrices, key=len))
    return {
        "sha256": digest.hexdigest(),
        "sizes": [len(matrix) for matrix in matrices],
        "sample": [float(f"{number:.6g}") for number in flat[places]],
        "quantiles": [float(f"{number:.6g}") for number in np.quantile(largest, np.linspace(0, 1, QUANTILES))],
    }


def with_copies(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts, with a remark, for who marks, where a trained model is another learner's too."""
    told: dict[str, list[str]] = {}
    for a, b, how in copies(verdicts):
        for one, other in ((a, b), (b, a)):
            told.setdefault(one, []).append(f"{how} as {other}: a copy, or the same settings with the same seed")
    return [replace(verdict, remarks=(*verdict.remarks, *told.get(verdict.learner, ()))) for verdict in verdicts]


def copies(verdicts: Sequence[Verdict]) -> list[tuple[str, str, str]]:
    """Pairs of learners whose trained models are alike, and how."""
    owners = [(v.learner, name, weights) for v in verdicts for name, weights in v.weights.items()]
    found: dict[tuple[str, str], str] = {}
    for (a, name, one), (b, other, two) in combinations(owners, 2):
        if a != b and name == other and (how := _alike(one, two)):
            found.setdefault((a, b), how)
    return [(a, b, how) for (a, b), how in found.items()]


def _alike(one: Mapping[str, Any], two: Mapping[str, Any]) -> str:
    if one["sha256"] == two["sha256"]:
        return "the same weights"
    if one["sizes"] != two["sizes"]:
        return ""
    a, b = np.array(one["sample"]), np.array(two["sample"])
    correlation = float(np.mean((a - a.mean()) * (b - b.mean()))) / max(float(a.std() * b.std()), 1e-300)
    if correlation > SAME:
        return f"nearly the same weights (correlation {math.floor(1000 * correlation) / 1000:.3f})"
    a, b = np.array(one["quantiles"]), np.array(two["quantiles"])
    if np.abs(a - b).max() <= SORTED * max(float(a.std()), 1e-300):
        return "the same weights, in another order,"
    return ""


def _tensors(value: Any) -> Iterable[Any]:
    """The tensors of floating point numbers in nested lists, tuples and dicts."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)
    elif type(value).__name__ == "Tensor" and value.is_floating_point():
        yield value
