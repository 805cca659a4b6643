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

MOST = 3  # dials, and charts
LONGEST = 16  # letters of a text at a dial
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
        _check_names(knobs, "knobs")
        _check_names(curves, "curves")
        steps = _check_steps(steps)
        if isinstance(log, str) or not set(log) <= set(curves):
            raise ValueError(f"log must be a collection of keys of curves ({', '.join(curves)}), got {log!r}")
        if len(runs) < 2:
            raise ValueError(f"runs must be at least 2, got {len(runs)}")
        settings = [_settings(row, f"runs[{i}]", knobs) for i, row in enumerate(runs)]
        stops = {
            key: list(dict.fromkeys(column)) for key, column in zip(knobs, zip(*settings, strict=True), strict=True)
        }
        _check_grid(settings, stops)
        numbers = [_numbers(row, f"runs[{i}]", curves, steps, log) for i, row in enumerate(runs)]
        ordered = [numbers[settings.index(each)] for each in itertools.product(*stops.values())]
        at = _starts(stops, {} if start is None else start)
        scene = {
            "kind": "run_dial",
            "knobs": [
                {"name": name, "stops": [_words(value) for value in stops[key]], "at": at[key]}
                for key, name in knobs.items()
            ],
            "curves": [
                _chart(label, key in log, [run[i] for run in ordered], len(steps))
                for i, (key, label) in enumerate(curves.items())
            ],
            "steps": steps,
            "runs": ordered,
        }
        said = ", ".join(f"{key}=[{', '.join(map(_words, values))}]" for key, values in stops.items())
        self._show(scene, still=lambda: still.chart(_picture(scene)), name=f"RunDial({said})")
        super().__init__()


def _check_names(names: Any, argument: str) -> None:
    if not isinstance(names, Mapping):
        raise TypeError(f"{argument} must be a mapping from key to name, got {type(names).__name__}")
    if not 1 <= len(names) <= MOST:
        raise ValueError(f"{argument} must be 1 to {MOST}, got {len(names)}")
    for key, name in names.items():
        if not (isinstance(key, str) and isinstance(name, str) and name):
            raise TypeError(f"{argument} must be a mapping from key to name, got {key!r}: {name!r}")


def _check_steps(steps: Any) -> list[int]:
    whole = [check_whole(step, name=f"steps[{i}]", least=0) for i, step in enumerate(steps)]
    if len(whole) < 2 or any(after <= before for before, after in itertools.pairwise(whole)):
        raise ValueError(f"steps must be at least 2 increasing whole numbers, got {whole}")
    return whole


def _settings(row: Any, name: str, knobs: Mapping[str, str]) -> tuple[Any, ...]:
    """A row's value for each knob."""
    values = tuple(_found(row, key, name) for key in knobs)
    for key, value in zip(knobs, values, strict=True):
        number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not (number or value is None or (isinstance(value, str) and 0 < len(value) <= LONGEST)):
            accepted = f"a finite number, None or a text of 1 to {LONGEST} letters"
            raise TypeError(f"{name}[{key!r}] must be {accepted}, got {value!r}")
    return values


def _check_grid(settings: list[tuple[Any, ...]], stops: Mapping[str, list[Any]]) -> None:
    """Raise ValueError unless there is one run for every combination, and every knob has something to choose."""
    for key, values in stops.items():
        if len(values) < 2:
            raise ValueError(f"runs must differ in {key!r} for a dial to turn, all have {_words(values[0])}")
    for combination in itertools.product(*stops.values()):
        if (count := settings.count(combination)) != 1:
            said = ", ".join(f"{key} = {_words(value)}" for key, value in zip(stops, combination, strict=True))
            raise ValueError(f"runs must hold one run with {said}, got {count}")


def _numbers(
    row: Mapping[str, Any], name: str, curves: Mapping[str, str], steps: list[int], log: Collection[str]
) -> list[list[float]]:
    """A row's curves, as far as they go."""
    found = {key: _found(row, key, name) for key in curves}
    for key, curve in found.items():
        if not isinstance(curve, list | tuple):
            raise TypeError(f"{name}[{key!r}] must be a list of numbers, got {type(curve).__name__}")
        for step, value in zip(steps, curve, strict=False):
            if not (isinstance(value, Real) and math.isfinite(value)):
                raise ValueError(f"{name}[{key!r}] must hold finite numbers, got {value!r} at step {step}")
            if key in log and value <= 0:
                raise ValueError(f"{name}[{key!r}] must be above 0 for a logarithmic axis, got {value} at step {step}")
    lengths = {key: len(curve) for key, curve in found.items()}
    if max(lengths.values()) > len(steps) or len(set(lengths.values())) > 1:
        said = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise ValueError(f"the curves of {name} must all have one number of values, at most {len(steps)}, got {said}")
    return [[float(value) for value in curve] for curve in found.values()]


def _found(row: Any, key: str, name: str) -> Any:
    if not isinstance(row, Mapping):
        raise TypeError(f"{name} must be a mapping, got {type(row).__name__}")
    if key not in row:
        raise ValueError(f"{name} must have a value for {key!r}, it has {', '.join(row)}")
    return row[key]


def _starts(stops: Mapping[str, list[Any]], start: Mapping[str, Any]) -> dict[str, int]:
    """The number of the stop at which each dial starts."""
    places = {key: (len(values) - 1) // 2 for key, values in stops.items()}
    for key, value in start.items():
        if key not in stops:
            raise ValueError(f"start must have keys of knobs ({', '.join(stops)}), got {key!r}")
        if value not in stops[key]:
            raise ValueError(f"start[{key!r}] must be one of {', '.join(map(_words, stops[key]))}, got {value!r}")
        places[key] = stops[key].index(value)
    return places


def _words(value: Any) -> str:
    """A setting as people write it in code: a number in the shorter of its two forms."""
    if value is None or isinstance(value, str):
        return value or "none"
    plain = np.format_float_positional(float(value), trim="-")
    short = np.format_float_scientific(float(value), trim="-", exp_digits=1)
    return short.replace("+", "") if len(short) < len(plain) else plain


def _chart(label: str, log: bool, runs: list[list[float]], full: int) -> Json:
    name, _, unit = label.partition(", ")
    return {"name": name, "unit": unit, "log": log, "axis": _axis(runs, full, log)}


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
    steps, charts, at = scene["steps"], scene["curves"], 0
    for knob in scene["knobs"]:
        at = at * len(knob["stops"]) + knob["at"]
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
    figure.suptitle(", ".join(f"{knob['name']} = {knob['stops'][knob['at']]}" for knob in scene["knobs"]), fontsize=11)
    return figure
