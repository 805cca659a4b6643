"""What a lesson needs to show the package's own code and stored findings."""

import inspect
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.display import Code

RESULTS = Path(__file__).parents[1] / "results"


def source(*objects: Callable) -> Code:
    """The code of functions, methods or classes as it stands in the package, coloured; never a copy."""
    return Code("\n\n".join(textwrap.dedent(inspect.getsource(o)).strip() for o in objects), language="python")


def findings(name: str) -> dict[str, Any]:
    """What `results/NAME.json` holds: settings, rows, and how, where and in how many seconds they were made.

    Results belong to the checkout, not to an installed copy. Raises ValueError for a name without a file, naming
    those there are.
    """
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        raise ValueError(f"name must be one of {sorted(p.stem for p in RESULTS.glob('*.json'))}, got {name!r}")
    return json.loads(path.read_text())


def by(rows: list[dict[str, Any]], key: str, value: str) -> dict[str, list[float]]:
    """Group rows: each `key` with its list of `value`, one for each seed, in the rows' order."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row[value])
    return groups
