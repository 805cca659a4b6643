"""A made-up class, and an HTML page as data, for the tests of reports."""

import base64
import re
from collections import defaultdict
from html.parser import HTMLParser
from urllib.parse import urlsplit

from vae_tutorial.grading.records import Line, Mark, Verdict

VOID = {"meta", "link", "img", "br", "hr", "wbr", "input", "rect"}
ADDRESSES = ("src", "href", "srcset", "action", "data", "poster", "background", "xlink:href", "formaction", "ping")


class Document(HTMLParser):
    """A page. texts: by tag, the words in each element. tables: rows of cells, the first the caption. images: source
    and alt. problems: what is not closed, runs, or leads elsewhere.
    """

    def __init__(self, markup: str):
        super().__init__()
        self.texts: dict[str, list[str]] = defaultdict(list)
        self.tables: list[list[list[str]]] = []
        self.images: list[tuple[str, str]] = []
        self.problems: list[str] = []
        self.metas: dict[str, str] = {}
        self.headings: list[int] = []
        self.scripts, self.lang, self.classes = 0, "", set()
        self._open: list[tuple[str, int]] = []
        self.feed(markup)
        self.close()
        self.problems += [f"<{tag}> is not closed" for tag, _ in self._open]

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.scripts += tag == "script"
        self.lang = given.get("lang", self.lang) if tag == "html" else self.lang
        self.classes |= set((given.get("class") or "").split())
        self.problems += [f"{name} in <{tag}>" for name in given if name.startswith("on") or name == "style"]
        for name in ADDRESSES:
            if name in given and not (tag == "img" and urlsplit(given[name]).scheme == "data"):
                self.problems.append(f"{name}={given[name]}")
        if tag in ("script", "iframe", "object", "embed", "form", "base", "link"):
            self.problems.append(f"<{tag}>")
        if tag == "img":
            self.images.append((given["src"], given["alt"]))
        if tag == "meta":
            self.metas[given.get("http-equiv") or given.get("name") or "charset"] = given.get("content", "")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "table":
            self.tables.append([])
        if tag in ("tr", "caption"):
            self.tables[-1].append([])
        if tag not in VOID:
            self.texts[tag].append("")
            self._open.append((tag, len(self.texts[tag]) - 1))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self._open or self._open[-1][0] != tag:
            self.problems.append(f"</{tag}> closes nothing")
            return
        _, at = self._open.pop()
        if tag in ("td", "th", "caption"):
            self.tables[-1][-1].append(self.texts[tag][at])

    def handle_data(self, data):
        for tag, at in self._open:
            self.texts[tag][at] += data


def decoded(source: str) -> bytes:
    return base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True)


HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title></head><img src=x onerror=alert(1)>",
    "\"><img src='http://x.example/a.png'>",
    "' onmouseover='alert(1)",
    "<!-- ",
    "]]> <![CDATA[",
    "\u202egnp.exe\u2066",
    "x" * 10_000,
    "a\x00b\x1b[2J\x07",
    "&lt;b&gt; &amp; & <",
    "javascript:alert(1)",
    "{% raw %} {0} %s $x ${y}",
    "\ud800 half a pair",
    "日本語 עברית σ²",
]


def a_verdict(learner: str, marks: tuple[Mark, ...] | None = None, remarks: tuple[str, ...] = ()) -> Verdict:
    if marks is None:
        marks = (
            Mark(
                "draw",
                "Draw with a gradient",
                2.0,
                points=2.0,
                lines=(Line(True, "adds nothing where the noise is 0"),),
            ),
            Mark("kl", "The price of a cloud", 3.0, points=0.0, lines=(Line(False, "is the ½ there?"),)),
            Mark("words", "In your own words", 3.0, by_hand=True, answer="It is more."),
        )
    return Verdict(learner, "01_autoencoder_to_vae", "5" * 64, "0123456789abcdef" * 4, marks, remarks)


def a_class(number: int) -> list[Verdict]:
    """Learners a, b, c, ...: every second one has all wrong, with other numbers, is late and left something odd."""
    return [_member(i) for i in range(number)]


def _member(i: int) -> Verdict:
    learner = "abcdefghijkl"[i] if i < 12 else f"m{i:03}"
    good = i % 2 == 0
    factor = f"every number is {i + 1} times what it should be: yours {8.4 * i:.4g}, expected {4.2 * i:.4g} at [{i}, 0]"
    slip = f"is the KL of each image: is the ½ there? (every number is 2 times what it should be: yours {i})"
    first = Line(good, "is the code of each cloud" + ("" if good else f": {factor}"))
    second = Line(good, slip if not good else "is the KL of each image")
    again = Line(good, slip.replace("yours", "yours 1") if not good else "is the KL of each image", hidden=True)
    return Verdict(
        learner,
        "01_autoencoder_to_vae",
        f"{i:064x}",
        "0123456789abcdef" * 4,
        (
            Mark("draw", "Draw with a gradient", 2.0, points=2.0 * good, lines=(first,)),
            Mark("kl", "The price of a cloud", 3.0, points=3.0 * good, lines=(second, again)),
            Mark("words", "In your own words", 3.0, by_hand=True, answer="What is lost is the way back."),
        ),
        () if good else ("the cell kl-checks was put back",),
        handed_in="2026-11-20T18:04:00+01:00",
        late=0.0 if good else 7500.0 * i,
        graded="2026-11-23T09:12:44+01:00",
    )
