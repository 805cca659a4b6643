"""Dials through stored training runs: what a setting does to the curves of a training, with nothing to wait for."""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vae_tutorial.arguments import check_whole
from vae_tutorial.figures.axes import COLORS, tidy
from vae_tutorial.widgets import still
from vae_tutorial.widgets.console import Console
from vae_tutorial.widgets.models import Json
from vae_tutorial.widgets.settings import check_names, first_place, first_words, found, label_parts, read_grid

FENCE = 3.0  # interquartile ranges beyond the quartiles: the outer fences of a box plot (Tukey 1977)


class RunDial(Console):
    """Turn a dial for each setting, and see the curves of the run that had these settings in front of all others.

    runs: rows, such as those of results/*.json, one for every combination of settings. Under each key of `knobs` a row
    holds its setting (a finite number, None, which is shown as "none", or a text of up to 16 letters), under each key
    of `curves` a list of its numbers at `steps`. Where the lists of a row, all of one length, end before `steps` do,
    the run has diverged: the numbers after them were not finite.
    knobs: key -> name of the dial, 1 to 3 of them; settings stand in the order in which runs first have them.
    curves: key -> "name, unit" or a name alone, 1 to 3 charts; those whose keys are in `log` have a logarithmic axis.
    An axis is the same for all runs, so that they can be compared, and holds the values that are usual (`_axis`).
    steps: at least 2 whole numbers, increasing. start: key of a knob -> its setting at first; else in the middle.
    Raises TypeError or ValueError, naming what is wrong.
    """

    title = "Dial through training runs"

    def __init__(
        self,
        runs: Sequence[Mapping[str, Any]],
        knobs: Mapping[str, str],
        curves: Mapping[str, str],
        *,
        steps: Sequence[int],
        log: Collection[str] = (),
        start: Mapping[str, Any] | None = None,
    ):
        check_names(knobs, "knobs")
        check_names(curves, "curves")
        steps = _check_steps(steps)
        if isinstance(log, str) or not set(log) <= set(curves):
            raise ValueError(f"log must be a collection of keys of curves ({', '.join(curves)}), got {log!r}")
        grid = read_grid(runs, knobs)
        numbers = [_numbers(row, f"runs[{i}]", curves, steps, log) for i, row in enumerate(runs)]
        ordered = [numbers[i] for i in grid.order]
        scene = {
            "kind": "run_dial",
            "knobs": grid.knobs(knobs, start),
            "curves": [
                _chart(label, key in log, [run[i] for run in ordered], len(steps))
                for i, (key, label) in enumerate(curves.items())
            ],
            "steps": steps,
            "runs": ordered,
        }
        self._show(scene, still=lambda: still.chart(_picture(scene)), name=f"RunDial({grid})")
        super().__init__()


def _check_steps(steps: Any) -> list[int]:
    whole = [check_whole(step, name=f"steps[{i}]", least=0) for i, step in enumerate(steps)]
    if len(whole) < 2 or any(after <= before for before, after in itertools.pairwise(whole)):
        raise ValueError(f"steps must be at least 2 increasing whole numbers, got {whole}")
    return whole


def _numbers(
    row: Mapping[str, Any], name: str, curves: Mapping[str, str], steps: list[int], log: Collection[str]
) -> list[list[float]]:
    """A row's curves, as far as they go."""
    read = {key: found(row, key, name) for key in curves}
    for key, curve in read.items():
        if not isinstance(curve, list | tuple):
            raise TypeError(f"{name}[{key!r}] must be a list of numbers, got {type(curve).__name__}")
        for step, value in zip(steps, curve, strict=False):
            if not (isinstance(value, Real) and math.isfinite(value)):
                raise ValueError(f"{name}[{key!r}] must hold finite numbers, got {value!r} at step {step}")
            if key in log and value <= 0:
                raise ValueError(f"{name}[{key!r}] must be above 0 for a logarithmic axis, got {value} at step {step}")
    lengths = {key: len(curve) for key, curve in read.items()}
    if max(lengths.values()) > len(steps) or len(set(lengths.values())) > 1:
        said = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise ValueError(f"the curves of {name} must all have one number of values, at most {len(steps)}, got {said}")
    return [[float(value) for value in curve] for curve in read.values()]


def _chart(label: str, log: bool, runs: list[list[float]], full: int) -> Json:
    return {**label_parts(label), "log": log, "axis": _axis(runs, full, log)}


def _axis(runs: list[list[float]], full: int, log: bool) -> list[float]:
    """Where an axis begins and ends: a little beyond all values that lie within the outer fences of a box plot of them.

    One run that explodes would else press all others flat. Runs that diverged (with fewer than `full` values) have no
    say, unless all did. With `log`, the box plot is that of the logarithms.
    """
    values = np.concatenate([run for run in runs if len(run) == full] or runs)
    if not len(values):
        raise ValueError("runs must hold at least one number, all their curves are empty")
    values = np.log10(values) if log else values
    lower, upper = np.quantile(values, [0.25, 0.75])
    if upper > lower:
        reach = FENCE * (upper - lower)
        values = values[(values >= lower - reach) & (values <= upper + reach)]
    margin = 0.04 * np.ptp(values) or 0.5
    ends = [float(values.min() - margin), float(values.max() + margin)]
    return [10**end for end in ends] if log else ends


def _picture(scene: Json) -> Figure:
    """The run at which the dials start in front of the others, one panel for each curve."""
    steps, charts, at = scene["steps"], scene["curves"], first_place(scene["knobs"])
    figure = Figure(figsize=(3.7 * len(charts), 3.1), layout="constrained")
    for i, (ax, chart) in enumerate(zip(figure.subplots(1, len(charts), squeeze=False)[0], charts, strict=True)):
        for run in scene["runs"]:
            ax.plot(steps[: len(run[i])], run[i], color="0.8", lw=0.8)
        curve = scene["runs"][at][i]
        ax.plot(steps[: len(curve)], curve, color=COLORS[0], lw=1.8)
        if 0 < len(curve) < len(steps):
            ax.axvline(steps[len(curve) - 1], color="0.4", ls="--", lw=1)
        ax.set(yscale="log" if chart["log"] else "linear", xlim=(0, steps[-1]), ylim=chart["axis"])
        tidy(ax, title=chart["name"], xlabel="step", ylabel=chart["unit"])
    figure.suptitle(first_words(scene["knobs"]), fontsize=11)
    return figure
