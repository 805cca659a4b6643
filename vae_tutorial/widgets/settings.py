"""Settings of stored runs, for widgets that have a dial for each of them: which there are, and which run had which."""

import itertools
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from vae_tutorial.widgets.models import Json

MOST = 3  # dials, and charts
LONGEST = 16  # letters of a text at a dial


class Grid(NamedTuple):
    """Runs, one for every combination of settings.

    stops: key of a knob -> its settings, in the order in which runs first have them. order: the numbers of the runs for
    each combination of stops, those of the last knob following one another.
    """

    stops: dict[str, list[Any]]
    order: list[int]

    def knobs(self, names: Mapping[str, str], start: Mapping[str, Any] | None) -> list[Json]:
        """The dials for a scene, each with the number `at` of the stop at which it starts."""
        at = _starts(self.stops, {} if start is None else start)
        return [
            {"name": name, "stops": [words(value) for value in self.stops[key]], "at": at[key]}
            for key, name in names.items()
        ]

    def __str__(self) -> str:
        return ", ".join(f"{key}=[{', '.join(map(words, values))}]" for key, values in self.stops.items())


def read_grid(runs: Sequence[Mapping[str, Any]], knobs: Mapping[str, str]) -> Grid:
    """The settings of `runs` for the keys of `knobs`. Raises TypeError or ValueError unless they are a full grid."""
    if len(runs) < 2:
        raise ValueError(f"runs must be at least 2, got {len(runs)}")
    settings = [_settings(row, f"runs[{i}]", knobs) for i, row in enumerate(runs)]
    stops = {key: list(dict.fromkeys(column)) for key, column in zip(knobs, zip(*settings, strict=True), strict=True)}
    _check_grid(settings, stops)
    return Grid(stops, [settings.index(each) for each in itertools.product(*stops.values())])


def check_names(names: Any, argument: str, most: int = MOST) -> None:
    """Raise TypeError or ValueError unless `names` is a mapping from 1 to `most` keys to names."""
    if not isinstance(names, Mapping):
        raise TypeError(f"{argument} must be a mapping from key to name, got {type(names).__name__}")
    if not 1 <= len(names) <= most:
        raise ValueError(f"{argument} must be 1 to {most}, got {len(names)}")
    for key, name in names.items():
        if not (isinstance(key, str) and isinstance(name, str) and name):
            raise TypeError(f"{argument} must be a mapping from key to name, got {key!r}: {name!r}")


def found(row: Any, key: str, name: str) -> Any:
    """What a row, called `name`, has under a key. Raises TypeError or ValueError where it has nothing."""
    if not isinstance(row, Mapping):
        raise TypeError(f"{name} must be a mapping, got {type(row).__name__}")
    if key not in row:
        raise ValueError(f"{name} must have a value for {key!r}, it has {', '.join(row)}")
    return row[key]


def label_parts(label: str) -> Json:
    """ "name, unit" or a name alone, for a scene."""
    name, _, unit = label.partition(", ")
    return {"name": name, "unit": unit}


def first_place(knobs: list[Json]) -> int:
    """The place, in the order of a grid, of the run at which the dials of a scene start."""
    place = 0
    for knob in knobs:
        place = place * len(knob["stops"]) + knob["at"]
    return place


def first_words(knobs: list[Json]) -> str:
    """The settings at which the dials of a scene start."""
    return ", ".join(f"{knob['name']} = {knob['stops'][knob['at']]}" for knob in knobs)


def words(value: Any) -> str:
    """A setting as people write it in code: a number in the shorter of its two forms."""
    if value is None or isinstance(value, str):
        return value or "none"
    plain = np.format_float_positional(float(value), trim="-")
    short = np.format_float_scientific(float(value), trim="-", exp_digits=1)
    return short.replace("+", "") if len(short) < len(plain) else plain


def _settings(row: Any, name: str, knobs: Mapping[str, str]) -> tuple[Any, ...]:
    """A row's value for each knob."""
    values = tuple(found(row, key, name) for key in knobs)
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
            raise ValueError(f"runs must differ in {key!r} for a dial to turn, all have {words(values[0])}")
    for combination in itertools.product(*stops.values()):
        if (count := settings.count(combination)) != 1:
            said = ", ".join(f"{key} = {words(value)}" for key, value in zip(stops, combination, strict=True))
            raise ValueError(f"runs must hold one run with {said}, got {count}")


def _starts(stops: Mapping[str, list[Any]], start: Mapping[str, Any]) -> dict[str, int]:
    """The number of the stop at which each dial starts: the middle one, unless `start` says otherwise."""
    places = {key: (len(values) - 1) // 2 for key, values in stops.items()}
    for key, value in start.items():
        if key not in stops:
            raise ValueError(f"start must have keys of knobs ({', '.join(stops)}), got {key!r}")
        if value not in stops[key]:
            raise ValueError(f"start[{key!r}] must be one of {', '.join(map(words, stops[key]))}, got {value!r}")
        places[key] = stops[key].index(value)
    return places
