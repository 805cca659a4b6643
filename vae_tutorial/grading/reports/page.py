"""Pages that stand alone: no script, no address of another machine, nothing of a stranger's that is not escaped."""

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from vae_tutorial.grading.words import plain, shortened

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
# The one style of these pages is named by its hash, so that no other can be slipped in.
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; img-src data:; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


def page(heading: str, body: str) -> str:
    """A whole page. heading: a text, its title; body: HTML."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(heading, 200)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def text(words: str, most: int = 1000) -> str:
    """A text as HTML, at most its first `most` letters."""
    return html.escape(plain(shortened(words, most)))


def title(words: str) -> str:
    """A title as HTML that may break behind an underscore."""
    return text(words, 200).replace("_", "_<wbr>")


def name(words: str) -> str:
    """A name as HTML, apart from the direction of the text around it."""
    return f"<bdi>{text(words, 100)}</bdi>"


def names(learners: Sequence[str], most: int, *, folded: bool = True) -> str:
    """The first `most` names and how many there are besides; folded: those can be opened."""
    first, rest = ", ".join(map(name, learners[:most])), learners[most:]
    if not rest:
        return first
    if not folded:
        return f"{first} and {len(rest)} more"
    return f"{first} <details><summary>and {len(rest)} more</summary>{', '.join(map(name, rest))}</details>"


def counted(learners: Sequence[str]) -> str:
    """How many learners, and who."""
    return f"<b>{len(learners)}:</b> {names(learners, 12)}"


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table. caption, heads: texts; rows: cells of HTML, the first of each its head; numbers: columns of them."""
    kinds = [' class="number"' if column in numbers else "" for column in range(len(heads))]
    top = "".join(f'<th scope="col"{kind}>{text(head)}</th>' for head, kind in zip(heads, kinds, strict=True))
    lines = [_row(cells, kinds) for cells in rows]
    above = f"<caption>{text(caption)}</caption><thead><tr>{top}</tr></thead>"
    return f"<table>{above}\n<tbody>{''.join(lines)}</tbody></table>\n"


def _row(cells: Sequence[str], kinds: Sequence[str]) -> str:
    head, *others = cells
    rest = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(others, kinds[1:], strict=True))
    return f'<tr><th scope="row"{kinds[0]}>{head}</th>{rest}</tr>\n'


def picture(png: bytes, alt: str) -> str:
    """A picture within the page; dark pages turn its colours."""
    return f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}" alt="{text(alt, 2000)}">\n'
