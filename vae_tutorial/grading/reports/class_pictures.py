"""Pictures of a class report as HTML, with what they show in words."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

from vae_tutorial.grading.reports.page import picture
from vae_tutorial.grading.words import count, plain


def scores_picture(points: Sequence[float], most: float) -> str:
    """A histogram of points."""
    from vae_tutorial import figures  # brings torch, which nothing else here needs

    low, high = min(points), max(points)
    alt = f"Histogram of the points of {count(len(points), 'submission')}, from {low:g} to {high:g} of {most:g}"
    return picture(_png(figures.histogram(points, most)), alt)


def items_picture(items: Sequence[tuple[str, int, int, int]]) -> str:
    """Bars of items: name, how many with all points, with fewer, still to be marked."""
    from vae_tutorial import figures

    items = [(plain(name), full, fewer, open_) for name, full, fewer, open_ in items]
    said = "; ".join(f"{name}: {full}, {fewer}, {open_}" for name, full, fewer, open_ in items)
    alt = f"Bars: submissions with all points, with fewer, to be marked. {said}"
    return picture(_png(figures.pass_rates(items)), alt)


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():  # a title may have letters that the font has not
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(file, format="png", dpi=200, transparent=True, metadata={"Software": None})
    return file.getvalue()
