"""results/README.md, one card for each finding: what was asked, the command, how long it took, and what came out.

python scripts/cards.py

Nothing on the page is typed but the choice of columns: questions are the scripts' own first lines, numbers come from
the stored rows, and who quotes a finding, and whether a test makes rows of it again, is looked up in the files.
"""

import ast
import json
from pathlib import Path
from statistics import mean, median, stdev
from textwrap import fill
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "results" / "README.md"
Row = dict[str, Any]

# What names a run, and the numbers of it that are shown.
COLUMNS: dict[str, tuple[list[str], list[str]]] = {
    "batchnorm": (["network", "lr"], ["minus_elbo", "kl", "active_units", "train_mode_among_8"]),
    "bce_vs_mse": (["likelihood"], ["squared_error", "kl", "sharpness_reconstructions", "sharpness_samples"]),
    "beta_vae": (["run"], ["reconstruction", "kl", "minus_elbo", "active_units", "MIG", "FactorVAE"]),
    "burda": (["method", "epochs", "k"], ["minus_bound", "error"]),
    "capstone": (["recipe"], ["minus_elbo", "kl"]),
    "classic": (["schedule"], ["minus_elbo", "minus_iwae_bound", "reconstruction", "kl", "active_units"]),
    "conditional_vae": (["model", "z_dim", "epochs"], ["minus_elbo", "kl", "minus_bound", "probe", "seen_right"]),
    "convolutional_vae": (["network", "budget"], ["parameters", "minus_elbo", "minus_elbo_shifted", "kl", "seconds"]),
    "dip_vae": (
        ["data", "method"],
        ["minus_elbo", "kl", "active_units", "correlation_active", "frechet", "scores.MIG"],
    ),
    "dip_weights": (["off_diagonal", "diagonal"], ["reconstruction", "kl", "minus_elbo"]),
    "dropout": (["images", "change"], ["minus_elbo", "kl", "active_units", "gap"]),
    "latent_dimension": (["part", "run"], ["minus_elbo", "bound", "kl", "latents_with_kl", "gap"]),
    "side_by_side": (["method"], ["minus_elbo", "minus_bound_refitted", "squared_error", "frechet", "mmd2", "MIG"]),
    "training_grid": (["lr", "clip_norm"], ["minus_elbo", "kl"]),
    "training_well": (["change"], ["minus_elbo", "kl", "active_units", "dead_units", "norm_median"]),
    "wae_mmd": (["method"], ["squared_error", "mmd2", "variance_most", "frechet_samples", "precision", "recall"]),
}
PAGES = ("README.md", "benchmarks/*.md", "docs/*.md", "solutions/*/*.ipynb")
INTRODUCTION = """\
# Findings

Made by `python scripts/cards.py` from the files beside it. Each finding is a script and the rows that it has measured;
`make results` runs them all. Numbers are means ± standard deviations over seeds, in nats per image where they are
losses; a run with one seed has no ±. Lessons read the same files, and `tests/test_quoted_numbers.py` compares what they
and the README say with them.

Another machine gives other digits: float sums come in another order, and training amplifies that. For every finding a
test compares its settings with those in its script. For {again} of {all} a test also makes a row again and compares it
with the stored seeds (`tests/test_results.py`): {names}. For the others, {rest}, nothing but their own command does.
"""


def names() -> list[str]:
    return sorted(path.stem for path in (ROOT / "results").glob("[!_]*.py"))


def finding(name: str) -> Row | None:
    """What is stored, or None where the script has not yet been run to its end."""
    path = ROOT / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def page() -> str:
    """The whole page."""
    stored = {name: found for name in names() if (found := finding(name)) is not None}
    again = [name for name in stored if name in made_again()]
    introduction = INTRODUCTION.format(
        again=len(again), all=len(stored), names=listed(again), rest=listed([n for n in stored if n not in again])
    )
    introduction = "\n\n".join(fill(part, 120) for part in introduction.split("\n\n")) + "\n"
    cards = [card(name, found) for name, found in stored.items()]
    missing = [name for name in names() if name not in stored]
    waiting = [f"Not yet measured: {listed(missing)}.\n"] if missing else []
    return "\n".join([introduction, *cards, *waiting])


def listed(found: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in found)


def card(name: str, found: Row) -> str:
    again = "by `tests/test_results.py`" if name in made_again() else "by no test"
    quoted = ", ".join(quoting(name)) or "nothing"
    return f"""\
## {name}

{question(name)}

- Command: `{found["command"]}`, {found["seconds"]:,} s on {found["machine"]}, \
Python {found["versions"]["python"]}, PyTorch {found["versions"]["torch"]}
- Quoted by: {quoted}
- A row is made again: {again}
- Settings: {settings(found["settings"])}

{table(name, found["rows"])}
"""


def question(name: str) -> str:
    """The first line of a script."""
    said = ast.get_docstring(ast.parse(_text(ROOT / "results" / f"{name}.py")))
    if not said:
        raise ValueError(f"results/{name}.py must begin with what it measures")
    return said.split("\n\n")[0].replace("\n", " ")


def settings(values: Row) -> str:
    """The plain ones; tables of reference values are left to the file."""
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    return "; ".join(f"{key} {_plain(value)}" for key, value in plain.items())


def table(name: str, rows: list[Row]) -> str:
    """A line for each run, in the order in which they were measured."""
    keys, columns = COLUMNS[name]
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(_plain(row[key]) for key in keys), []).append(row)
    values = {run: {column: numbers(some, column) for column in columns} for run, some in groups.items()}
    digits = {column: _digits([mean(v[column]) for v in values.values() if v[column]]) for column in columns}
    lines = [f"| {' | '.join([*keys, 'seeds', *columns])} |", "|---" * (len(keys) + 1) + "|---:" * len(columns) + "|"]
    for run, found in values.items():
        cells = [_cell(found[column], digits[column]) for column in columns]
        lines.append(f"| {' | '.join([*run, str(len(groups[run])), *cells])} |")
    return "\n".join(lines)


def numbers(rows: list[Row], column: str) -> list[float]:
    """One for each seed; of a row with several, as of parts of the test images, their mean; without None."""
    key, _, entry = column.partition(".")
    values = [row[key].get(entry) if entry else row[key] for row in rows]
    return [mean(value) if isinstance(value, list) else value for value in values if value is not None]


def quoting(name: str) -> list[str]:
    """Links to the lessons that read a finding, and to the pages that name its command."""
    lessons = [path for path in sorted(ROOT.glob("notebooks/*.ipynb")) if f'findings(\\"{name}\\")' in _text(path)]
    pages = [path for pattern in PAGES for path in sorted(ROOT.glob(pattern)) if f"results/{name}.py" in _text(path)]
    links = [f"[lesson {path.name[:2]}](../{path.relative_to(ROOT).as_posix()})" for path in lessons]
    return links + [f"[{path.name}](../{path.relative_to(ROOT).as_posix()})" for path in pages]


def made_again() -> set[str]:
    """The findings named in tests/test_results.py by its ROWS, its tests "made again" and what those are given."""
    tree = ast.parse(_text(ROOT / "tests" / "test_results.py"))
    functions = {part.name: part for part in tree.body if isinstance(part, ast.FunctionDef)}
    tests: list[ast.AST] = [part for name, part in functions.items() if "made_again" in name]
    given = {argument.arg for test in tests if isinstance(test, ast.FunctionDef) for argument in test.args.args}
    tables = [part for part in tree.body if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "ROWS"]
    parts = [*tests, *(functions[name] for name in given & set(functions)), *tables]
    constants = {part.value for tested in parts for part in ast.walk(tested) if isinstance(part, ast.Constant)}
    return constants & set(names())


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _plain(value: object) -> str:
    if isinstance(value, list):
        return "-".join(map(_plain, value))
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _digits(means: list[float]) -> int:
    usual = median(map(abs, means))
    return 0 if usual >= 1000 else 1 if usual >= 3 else 3


def _cell(values: list[float], digits: int) -> str:
    if not values:
        return ""
    said = f"{mean(values):,.{digits}f}"
    return f"{said} ± {stdev(values):,.{digits}f}" if len(values) > 1 else said


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
