"""Numbers as Markdown, as benchmarks/README.md shows them."""

from collections.abc import Iterable, Mapping, Sequence

from _measuring import Row


def table(titles: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """A Markdown table; what is a number in the first line stands at the right."""
    lines = [[cell(value) for value in line] for line in lines]
    rules = ["---:" if lines and _numeric(lines, at) else "---" for at in range(len(titles))]
    return "\n".join(f"| {' | '.join(line)} |" for line in [list(titles), rules, *lines])


def of_rows(rows: Sequence[Row], titles: Mapping[str, str]) -> str:
    """A table of stored rows: key -> title of its column; other keys are left out."""
    return table(list(titles.values()), [[row[key] for key in titles] for row in rows])


def cell(value: object) -> str:
    """A number in three digits, a dash for nothing."""
    if value is None or value == "":
        return "–"
    return digits(value) if isinstance(value, int | float) else str(value).replace("|", "\\|").replace("\n", " ")


def digits(value: float) -> str:
    """Three digits, but all of a whole number; never an exponent."""
    return f"{value:.3g}" if abs(value) < 999.5 and value != round(value) else f"{round(value):,}"


def seconds(value: float) -> str:
    """A duration in the unit that suits it."""
    if value < 0.9995:
        return f"{digits(1000 * value)} ms"
    return f"{digits(value)} s" if value < 99.5 else f"{value / 60:.1f} min"


def between(values: Sequence[float], unit: str) -> str:
    """The range of repeated readings."""
    low, high = digits(min(values)), digits(max(values))
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"


def _numeric(lines: Sequence[Sequence[str]], at: int) -> bool:
    said = [line[at].split(" ")[0].replace(",", "") for line in lines if line[at] != "–"]
    return bool(said) and all(word.lstrip("−-").replace(".", "", 1).isdigit() for word in said)
