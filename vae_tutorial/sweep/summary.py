"""A sweep's table in short."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

SHOWN = ("reconstruction", "kl", "active_units", "mean_abs_correlation", "MIG", "SAP", "FactorVAE")


def summarize(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Lines of a text table: mean ± standard deviation over the seeds of each method and weight.

    rows: of one sweep, as from `sweep`; those of runs that failed are left out. A measure that none has is left out.
    """
    finished = [row for row in rows if not row["error"]]
    shown = [name for name in SHOWN if any(row[name] for row in finished)]
    lines = [["method", "weight", "runs", *shown]]
    points: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in finished:
        points.setdefault((row["method"], row["weight"]), []).append(row)
    for (method, weight), runs in points.items():
        lines.append([method, f"{float(weight):g}", str(len(runs)), *(_spread(runs, name) for name in shown)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


def _spread(runs: list[Mapping[str, str]], name: str) -> str:
    values = [float(row[name]) for row in runs if row[name]]
    if len(values) < 2:
        return f"{values[0]:.4g}" if values else ""
    return f"{mean(values):.4g} ± {stdev(values):.2g}"
