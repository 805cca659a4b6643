# ruff: noqa: E501 - tables, an attack in each line
"""Attacks on the file: cells of checks and given code, ids, metadata, and what is no notebook at all."""

import copy
import json
from typing import Any

from adversarial.attack import changed
from adversarial.small_key import RIGHT, Notebook, cell, code, nbgrader, notebook, text

CHECKED = ("double-checks", "mean-checks", "answer-checks", "step-checks")


def each(content: Notebook, change: Any, ids: tuple[str, ...] = CHECKED) -> None:
    for id in ids:
        change(cell(content, id))


def without(*ids: str) -> Any:
    def change(content: Notebook) -> None:
        content["cells"] = [kept for kept in content["cells"] if kept["id"] not in ids]

    return change


def source(of: str, new: Any) -> Any:
    return lambda content: cell(content, of).update(source=new)


def about(**new: Any) -> Any:
    return lambda content: each(content, lambda checks: checks["metadata"]["nbgrader"].update(new))


def front(content: Notebook, *ids: str) -> None:
    content["cells"].sort(key=lambda kept: kept["id"] not in ids)


def twice(*ids: str) -> Any:
    def change(content: Notebook) -> None:
        content["cells"] += [copy.deepcopy(cell(content, id)) for id in ids]

    return change


def bare(content: Notebook) -> None:
    for kept in content["cells"]:
        kept["metadata"] = {}
        kept.pop("id")
    content["metadata"] = {}


def with_cells(*cells: Any) -> Any:
    return lambda content: content["cells"].extend(cells)


def every(change: Any) -> Any:
    def apply(content: Notebook) -> None:
        for kept in content["cells"]:
            change(kept)

    return apply


def copied(content: Notebook) -> None:
    """A second copy of all checks, which says that there are 99 points."""
    twice(*CHECKED)(content)
    for kept in content["cells"][-len(CHECKED) :]:
        kept["source"] = "99"


def nonsense(content: Notebook) -> None:
    for number, kept in enumerate(content["cells"]):
        kept["id"] = [None, 3, ["a"], {}, "x" * 100_000][number % 5]


def halves(content: Notebook) -> None:
    for id, broken in (("mean", "mean = '\ud800'"), ("words", "\udfff <script>"), ("title", "\ud83d")):
        cell(content, id)["source"] = broken


def retitled(content: Notebook) -> None:
    """Another item's name on each cell of checks."""
    for id, other in zip(CHECKED, [*CHECKED[1:], CHECKED[0]], strict=True):
        cell(content, id)["metadata"] = nbgrader(other, points=99)


MARKED = "### BEGIN HIDDEN TESTS\n### END HIDDEN TESTS\n### BEGIN SOLUTION\n### END SOLUTION\n"
NOTHING = CHECKED  # is decided

ATTACKS = [
    changed("checks deleted", "no cell that judges", without(*CHECKED), says="not there: checks of double-checks"),
    changed("checks emptied", "cells that judge nothing", lambda content: each(content, lambda checks: checks.update(source="")), says="edited: checks of"),
    changed("checks edited", "asserts that hold always", lambda content: each(content, lambda checks: checks.update(source="assert True\n99")), says="edited: checks of"),
    changed("checks that leave", "a return to the system in the place of an assert", lambda content: each(content, lambda checks: checks.update(source="import os\nos._exit(0)"))),
    changed("checks twice", "the second copy empty", copied, says="more than once: checks of"),
    changed("checks as text", "markdown in the place of code", lambda content: each(content, lambda checks: checks.update(cell_type="markdown"))),
    changed("checks as raw cells", "cells that never run", lambda content: each(content, lambda checks: checks.update(cell_type="raw"))),
    changed("checks above the imports", "before anything can be wrong", lambda content: front(content, *CHECKED)),
    changed("checks of other items", "each cell says that it is another one", retitled),
    changed("points of a thousand", "in the metadata", about(points=1000)),
    changed("points below zero", "in the metadata", about(points=-5)),
    changed("points that are no number", "in the metadata", about(points="all")),
    changed("checks said to be answers", "so that the learner's source counts", about(solution=True, grade=False, locked=False)),
    changed("checks said to be ungraded", "so that there is nothing to grade", about(grade=False)),
    changed("skip-execution", "a tag that has a kernel skip the cells", lambda content: each(content, lambda checks: checks["metadata"].update(tags=["skip-execution"]))),
    changed("hidden markers planted", "regions of solutions and hidden tests in an answer", lambda content: cell(content, "mean").update(source=MARKED + cell(content, "mean")["source"])),
    changed("metadata of nonsense", "lists, numbers and nests where tables belong", every(lambda kept: kept.update(metadata=[1, {"nbgrader": 3}]))),
    changed("nbgrader of nonsense", "a grade id that is a table", every(lambda kept: kept.update(metadata={"nbgrader": {"grade_id": {"a": [1]}, "grade": "yes"}}))),
    changed("all metadata gone", "ids too", bare),
    changed("ids gone", "as in format 4.4", every(lambda kept: kept.pop("id"))),
    changed("one id for all", "every cell has the id of an answer", every(lambda kept: kept.update(id="mean"))),
    changed("ids of nonsense", "numbers, lists, nothing", nonsense),
    changed("another kernel", "R is said to be spoken", lambda content: content["metadata"].update(kernelspec={"language": "R", "name": "ir"}), says="its kernel is not Python's"),
    changed("kernel of nonsense", "a list in the place of a kernel", lambda content: content["metadata"].update(kernelspec=[1], language_info="python")),
    changed("given code deleted", "it is put back", without("given"), says="not there: given code"),
    changed("given code edited", "it gives the right results itself", source("given", "def run_steps(xs):\n    return 2 * sum(xs)"), says="edited: given code"),
    changed("given code as an answer", "with the metadata of one", lambda content: cell(content, "given").update(metadata=nbgrader("given", solution=True, locked=False), source="def run_steps(xs):\n    return 2 * sum(xs)")),
    changed("a right and a wrong answer", "copies with one name, the last one wrong", twice("mean", "step"), says="more than once: an answer's cell"),
    changed("two thousand and one cells", "more than are read", with_cells(*(code("1", f"c{i}") for i in range(2001))), earns=0, says="is the most that is read", undecided=NOTHING),
    changed("four hundred cells", "each of which stops", with_cells(*(code("1/0", f"c{i}") for i in range(400)))),
    changed("a cell of 3 MB", "names without end, which take gigabytes to read", with_cells(code("a," * 1_500_000, "long")), earns=0, says="characters of code", undecided=NOTHING),
    changed("cells of names", "each as long as is read", with_cells(*(code("a," * 49_000, f"c{i}") for i in range(2)))),
    changed("deep code", "brackets, signs and lambdas in each other", with_cells(*(code(source, f"c{i}") for i, source in enumerate(("(" * 90_000, "-" * 50_000 + "1", "lambda:" * 5_000 + "1", "f(" * 20_000, "{" * 180, "a" + ".b" * 10_000, "if a:\n pass\n" + "elif a:\n pass\n" * 1000))))),
    changed("cells that are no cells", "numbers, lists, texts and nothing", with_cells(1, [], "cell", None, {}, {"cell_type": "code"}, {"cell_type": ["code"]}, {"cell_type": "code", "source": 3})),
    changed("sources of nonsense", "numbers, nests, nothing", with_cells(*({"cell_type": "code", "metadata": {}, "source": source} for source in (3, 1e308, {"a": [1]}, None, [1, None], [["x"]], True)))),
    changed("a source of lists", "in a graded cell", source("mean", [1, ["return"], None, "def mean(xs):\n", "    return 0"])),
    changed("surrogates", "halves of pairs in sources, names and texts", halves),
    changed("NUL", "a byte that Python does not read", source("mean", "mean = '\0'\n")),
    changed("written answer as HTML", "a script in a text", source("words", "<script>alert(1)</script><img src=x onerror=alert(1)>" * 2000)),
    changed("written answer as code", "a cell of code in its place", lambda content: cell(content, "words").update(cell_type="code", outputs=[], source="99")),
    changed("a million points in a title", "a heading that says so", source("double-task", "## 1. All (1000000 points)")),
    changed("attachments and outputs of nonsense", "in the place of tables", every(lambda kept: kept.update(outputs=3, attachments=[1], execution_count="all"))),
    *(changed(f"bytes: {name}", "what is no notebook", lambda content, made=made: made, earns=0, says="no notebook", undecided=NOTHING) for name, made in {
        "none": b"", "spaces": b"  \n", "cut off": json.dumps(notebook(RIGHT)).encode()[:-40], "a list": b"[]", "a number": b"1e999", "nothing": b"null",
        "not a number": b"NaN", "cells as a table": b'{"cells": {}}', "format 3": json.dumps({"nbformat": 3, "worksheets": [{"cells": []}]}).encode(),
        "a deep nest": b"[" * 1_000_000, "deep tables": b'{"a":' * 100_000, "a huge integer": b'{"cells": ' + b"9" * 1_000_000 + b"}",
        "random": bytes(range(256)) * 50, "a zip": b"PK\x03\x04" + b"\0" * 100, "Python": b"print('mean')", "half a character": b'{"cells": ["\xe2\x82"]}',
        "UTF-7": "{'cells': []}".encode("utf-7"), "HTML": b"<!doctype html><script>alert(1)</script>",
    }.items()),
    *(changed(f"bytes: {name}", "a notebook in unusual bytes", lambda content, coded=coded: coded(json.dumps(content))) for name, coded in {
        "BOM": lambda told: b"\xef\xbb\xbf" + told.encode(), "UTF-16": lambda told: told.encode("utf-16"), "UTF-32": lambda told: told.encode("utf-32"),
        "names twice": lambda told: b'{"cells": 3, "cells": [], ' + told.encode()[1:], "NaN inside": lambda told: told.encode()[:-1] + b', "score": NaN, "points": Infinity}',
    }.items()),
    *(changed(f"a nest of {depth} in a source", "as deep as the reader can go", lambda content, depth=depth: (b'{"cells": [{"cell_type": "code", "id": ' + b"[" * depth + b"]" * depth + b', "source": ' + b"[" * depth + b"]" * depth + b"}]}"), earns=0) for depth in (200, 700)),
]  # fmt: skip

CONTROLS = {
    "other ids": every(lambda kept: kept.update(id=f"other-{kept['id']}")),
    "no ids, format 4.4": every(lambda kept: kept.pop("id")),
    "all metadata gone but ids": every(lambda kept: kept.update(metadata={})),
    "outputs of 5 MB": lambda content: cell(content, "mean").update(outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * 5_000_000}]),
    "sources as lines": every(lambda kept: kept.update(source=kept["source"].splitlines(keepends=True))),
    "more cells": lambda content: content["cells"].extend([code("print(double(3))", "mine"), text("note", "note"), code("", "empty")]),
    "cells of another order": lambda content: content["cells"].sort(key=lambda kept: kept["id"] in CHECKED),
    "checks deleted": without(*CHECKED),
    "given code deleted": without("given"),
    "text deleted": without("title", "double-task", "mean-task"),
    "Windows' ends of lines": every(lambda kept: kept.update(source=kept["source"].replace("\n", "\r\n"))),
}  # fmt: skip
