"""The texts that quote measurements, and which numbers in them need a source."""

import re
from dataclasses import dataclass

from quoted.sources import ROOT, notebook, outputs

# Digits in these are no measurements: formulas, code, addresses, headings, and the minutes on a lesson's first lines.
ASIDE = re.compile(
    r"\$\$.*?\$\$|\$[^$\n]*\$|`[^`]*`|arXiv:\d+\.\d+|\]\([^)\s]*\)|^(?:#|\*\*You need\*\*|\*\*Time:\*\*)[^\n]*$",
    re.DOTALL | re.MULTILINE,
)
UNIT = r"(?:%|nats?\b|s\b|seconds?\b|SSE\b)"
NUMBER = re.compile(
    rf"±\s*\d[\d,.]*|\d[\d,]*\.\d+|\d[\d,]*(?=\s*(?:{UNIT}|±))"  # ± 3; 0.5; 3 nats, 3 %, 3 ± 1
    rf"|\d[\d,]*(?= (?:and|to|or) \d[\d,.]* {UNIT})"  # 3 to 5 nats
)
TABLE = re.compile(r"^## What was measured\n(.*?)^## ", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Text:
    """`plain` is what stands in the file, with single spaces; `open` is as long, with # for digits of no concern."""

    plain: str
    open: str
    number: re.Pattern[str]

    def unsettled(self, settled: set[int]) -> list[str]:
        """The numbers at places that are not settled, each with what stands around it."""
        found = [m for m in self.number.finditer(self.open) if not settled >= _digits(m)]
        return [f"{m[0]}: ...{self.plain[max(m.start() - 50, 0) : m.end() + 30]}..." for m in found]

    def places(self, piece: str) -> list[int]:
        """Where a piece stands in the plain text."""
        return [m.start() for m in re.finditer(re.escape(piece), self.plain)]

    def with_digit(self, at: int, digit: int) -> "Text":
        """The same with another digit at one place."""
        plain, shown = (f"{text[:at]}{digit}{text[at + 1 :]}" for text in (self.plain, self.open))
        return Text(plain, shown, self.number)


def _digits(match: re.Match[str]) -> set[int]:
    return {match.start() + at for at, letter in enumerate(match[0]) if letter.isdigit()}


def lesson(path: str) -> Text:
    """A notebook's prose."""
    cells = [c for c in notebook(path)["cells"] if c["cell_type"] == "markdown"]
    prose = "\n\n".join("".join(cell["source"]) for cell in cells)
    return _text(prose, ASIDE.sub(_closed, prose), NUMBER)


def readme() -> Text:
    """The README's table of measurements; every number in its second column needs a source."""
    (table,) = TABLE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    rows = [line.split("|") for line in table.splitlines()]
    shown = ["|".join(cell if at == 2 else _hidden(cell) for at, cell in enumerate(row)) for row in rows]
    return _text(table, "\n".join(shown) + "\n", re.compile(r"\d[\d,.]*"))


def line_of(piece: str) -> str:
    """The README's line in which a piece stands. Raises ValueError unless there is exactly one."""
    lines = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if piece in line]
    if len(lines) != 1:
        raise ValueError(f"{len(lines)} lines of README.md hold {piece!r}")
    return lines[0]


def names(path: str, command: str) -> bool:
    """Whether a notebook names a command, in its prose or in what it has printed."""
    return command in outputs(path) or command in lesson(path).plain


def _hidden(text: str) -> str:
    return re.sub(r"\d", "#", text)


def _closed(match: re.Match[str]) -> str:
    return _hidden(match[0])


def _text(plain: str, shown: str, number: re.Pattern[str]) -> Text:
    """Both with single spaces in place of any run of white space, so that lines may be broken anywhere."""
    kept = [at for at, letter in enumerate(plain) if not (letter.isspace() and at and plain[at - 1].isspace())]
    one = [" " if plain[at].isspace() else plain[at] for at in kept]
    other = [" " if plain[at].isspace() else shown[at] for at in kept]
    return Text("".join(one), "".join(other), number)
