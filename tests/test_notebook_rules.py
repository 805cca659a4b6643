"""What every lesson keeps to, so that it reads well, runs anywhere and shows the package's real code.

A rule is a function from a lesson to what is wrong with it, a sentence each; each rule is first tried on a lesson that
breaks it.
"""

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WORDS, LINES, BYTES = 120, 15, 500_000
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CHECKED = "nbval-check-output"
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)")
EQUATION = re.compile(r"\$\$.*?\$\$", re.DOTALL)
PLACE = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|work|Users|private|var/folders)/|\b[A-Za-z]:\\")


@dataclass(frozen=True)
class Lesson:
    """A notebook and where it lies."""

    path: Path
    notebook: nbformat.NotebookNode

    @property
    def text(self) -> list[nbformat.NotebookNode]:
        return [cell for cell in self.notebook.cells if cell.cell_type == "markdown"]

    @property
    def code(self) -> list[nbformat.NotebookNode]:
        return [cell for cell in self.notebook.cells if cell.cell_type == "code" and cell.source.strip()]

    @property
    def head(self) -> str:
        """The text before the first cell of code."""
        cells = self.notebook.cells
        first = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
        return "\n\n".join(cell.source for cell in cells[:first])

    @property
    def number(self) -> str:
        return self.path.name[:2]


def python(cell: nbformat.NotebookNode) -> ast.Module:
    """The syntax tree of a cell, without its lines for IPython."""
    return ast.parse("\n".join("" if re.match(r"\s*[%!]", line) else line for line in cell.source.splitlines()))


def imports(cell: nbformat.NotebookNode) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.walk(python(cell)) if isinstance(node, ast.Import | ast.ImportFrom)]


def pictures(cell: nbformat.NotebookNode) -> bool:
    return any("image/png" in output.get("data", {}) for output in cell.outputs)


def written(cell: nbformat.NotebookNode, widgets: set[str]) -> bool:
    """Whether a widget of the cell stands there as text."""
    found = [output.get("data", {}) for output in cell.outputs]
    return any(
        "text/markdown" in data and (WIDGET_VIEW in data or data.get("text/plain", "").split("(")[0] in widgets)
        for data in found
    )


def texts(output: nbformat.NotebookNode) -> str:
    """All that an output says in words."""
    data = output.get("data", {})
    said = [output.get("text", ""), *output.get("traceback", []), output.get("evalue", "")]
    return "\n".join([*said, *(value for kind, value in data.items() if kind.startswith("text/"))])


@cache
def public_names() -> set[str]:
    """Functions and classes that lessons may import; a check is called what it checks, and marking is no lesson."""
    names = set()
    package = ROOT / "vae_tutorial"
    for path in (
        set(package.rglob("*.py")) - set((package / "checks").glob("*.py")) - set((package / "grading").rglob("*.py"))
    ):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                names.add(node.name)
    return names


def defined_names(cell: nbformat.NotebookNode) -> set[str]:
    """Functions and classes that a cell defines, a named lambda among them."""
    names = set()
    for node in ast.walk(python(cell)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


# The rules


def valid(lesson: Lesson) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            nbformat.validate(lesson.notebook)
        except (nbformat.ValidationError, Warning) as error:
            return [str(error).splitlines()[0]]
    ids = [cell.get("id") for cell in lesson.notebook.cells]
    return [
        f"the id {i!r} stands {ids.count(i)} times" for i in sorted(set(ids), key=str) if i is None or ids.count(i) > 1
    ]


def small(lesson: Lesson) -> list[str]:
    size = len(nbformat.writes(lesson.notebook).encode())
    return [f"{size:,} bytes"] if size > BYTES else []


def titled(lesson: Lesson) -> list[str]:
    title = lesson.head.splitlines()[0] if lesson.head else ""
    return [] if re.fullmatch(rf"# {lesson.number} · \S.*", title) else [f"the title is {title!r}"]


def introduced(lesson: Lesson) -> list[str]:
    parts = {
        "a question": r"\*\*Question\.\*\* [^\n]*\?",
        "what the reader needs": r"\*\*You need\*\* \S",
        "the time in minutes": r"\b\d+ minutes\b",
    }
    return [
        f"before the first code there is not {part}" for part, form in parts.items() if not re.search(form, lesson.head)
    ]


def concluded(lesson: Lesson) -> list[str]:
    cells = lesson.notebook.cells
    ends = [i for i, cell in enumerate(cells) if re.search(r"^#+ What to remember$", cell.source, re.MULTILINE)]
    if len(ends) != 1:
        return [f"{len(ends)} cells say what to remember"]
    return ["code follows what to remember"] if any(cell.cell_type == "code" for cell in cells[ends[0] :]) else []


def short_text(lesson: Lesson) -> list[str]:
    wrong = []
    for cell in lesson.text:
        words = [word for word in EQUATION.sub(" ", cell.source).split() if re.search(r"\w", word)]
        if len(words) > WORDS:
            wrong.append(f"{len(words)} words: {cell.source[:60]!r}")
    return wrong


def one_equation(lesson: Lesson) -> list[str]:
    wrong = []
    for cell in lesson.text:
        displayed = cell.source.count("$$") + 2 * len(
            re.findall(r"\\begin\{(?:equation|align|gather)|\\\[", cell.source)
        )
        if displayed not in (0, 2):
            wrong.append(f"{displayed / 2:g} displayed equations: {cell.source[:60]!r}")
    return wrong


def short_code(lesson: Lesson) -> list[str]:
    counts = [(len(cell.source.strip().splitlines()), cell.source[:60]) for cell in lesson.code]
    return [f"{count} lines: {start!r}" for count, start in counts if count > LINES]


def imports_first(lesson: Lesson) -> list[str]:
    first, *others = lesson.code
    late = [ast.unparse(node) for cell in others for node in imports(cell)]
    return [f"imported later: {what}" for what in late] + ([] if imports(first) else ["the first code imports nothing"])


def executed_in_order(lesson: Lesson) -> list[str]:
    counts = [cell.execution_count for cell in lesson.code]
    return [] if counts == list(range(1, len(counts) + 1)) else [f"cells were run in the order {counts}"]


def without_errors(lesson: Lesson) -> list[str]:
    return [
        f"{kind}: {texts(output).strip()[:80]!r}"
        for cell in lesson.code
        for output in cell.outputs
        if (kind := output.get("name", output.output_type)) in ("error", "stderr")
    ]


def pictured(lesson: Lesson) -> list[str]:
    """A widget needs a kernel; where it shows, it stands as text, or a picture does in the same or the next code."""
    widgets = {
        alias.asname or alias.name
        for cell in lesson.code
        for node in imports(cell)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vae_tutorial.widgets")
        for alias in node.names
    }
    wrong = []
    for cell, following in zip(lesson.code, [*lesson.code[1:], None], strict=True):
        called = {
            node.func.id
            for node in ast.walk(python(cell))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        shows = any(WIDGET_VIEW in output.get("data", {}) for output in cell.outputs) or called & widgets
        still = pictures(cell) or written(cell, widgets) or (following and pictures(following))
        if shows and not still:
            wrong.append(f"a widget without a picture: {cell.source[:60]!r}")
    return wrong


def without_widget_state(lesson: Lesson) -> list[str]:
    return ["the metadata hold widget state"] if "widgets" in lesson.notebook.metadata else []


def without_copies(lesson: Lesson) -> list[str]:
    return [f"defined again: {name}" for cell in lesson.code for name in sorted(defined_names(cell) & public_names())]


def linked(lesson: Lesson) -> list[str]:
    wrong = []
    for target in (target for cell in lesson.text for target in LINK.findall(cell.source)):
        if re.match(r"[a-z][a-z0-9+.-]*:|#", target):
            continue
        path = (lesson.path.parent / target.split("#")[0]).resolve()
        if not path.exists() or not path.is_relative_to(ROOT):
            wrong.append(f"leads nowhere: {target}")
    return wrong


def checked(lesson: Lesson) -> list[str]:
    marked = [cell for cell in lesson.code if CHECKED in cell.metadata.get("tags", [])]
    if not marked and lesson.number != "00":
        return [f"no cell is compared ({CHECKED})"]
    return [f"compared, but says nothing: {cell.source[:60]!r}" for cell in marked if not any(map(texts, cell.outputs))]


def placeless(lesson: Lesson) -> list[str]:
    said = [texts(output) for cell in lesson.code for output in cell.outputs]
    return [
        f"a folder of one machine: {text[found.start() :][:40]!r}" for text in said for found in PLACE.finditer(text)
    ]


RULES: list[Callable[[Lesson], list[str]]] = [
    valid, small, titled, introduced, concluded, short_text, one_equation, short_code, imports_first,
    executed_in_order, without_errors, pictured, without_widget_state, without_copies, linked, checked, placeless,
]  # fmt: skip


@pytest.fixture(scope="module")
def read() -> Callable[[Path], Lesson]:
    return lambda path: Lesson(path, nbformat.read(path, as_version=4))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_keeps_to_the_rule(path, rule, read):
    assert rule(read(path)) == []


def test_lessons_are_numbered_without_a_gap():
    assert [path.name[:3] for path in LESSONS] == [f"{i:02}_" for i in range(len(LESSONS))]
    assert len(LESSONS) >= 3


def test_the_readme_lists_the_lessons_with_their_titles_and_minutes(read):
    rows = re.findall(
        r"^\| \[(.+?)\]\(notebooks/(.+?)\) \|.*\| (\d+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert [name for _, name, _ in rows] == [path.name for path in LESSONS]
    for (title, _, minutes), path in zip(rows, LESSONS, strict=True):
        head = read(path).head
        assert head.splitlines()[0] == f"# {title}"
        assert f"{minutes} minutes" in head


# The rules themselves: a good lesson, and one for each way to break it


def good() -> Lesson:
    """The smallest lesson that keeps to all rules."""
    picture = nbformat.v4.new_output("display_data", {"image/png": "/tmp/AAAA", "text/plain": "<Figure>"})
    said = nbformat.v4.new_output("stream", text="1 + 1 = 2\n")
    head = "# 07 · A title\n\n**Question.** Why?\n\n**You need** lesson 06.\n**Time:** 10 minutes."
    end = "## What to remember\n\n- [this](00_start_here.ipynb#data) and [that](https://example.org/nothing.ipynb)"
    cells = [
        nbformat.v4.new_markdown_cell(head),
        nbformat.v4.new_code_cell(
            "%matplotlib inline\nimport torch\nfrom vae_tutorial.widgets import LatentExplorer", execution_count=1
        ),
        nbformat.v4.new_markdown_cell("One $a$.\n\n$$b = \\text{" + "word " * 200 + "}$$\n\n" + "word " * 115),
        nbformat.v4.new_code_cell("def ours():\n    pass\n\nprint(2)", execution_count=2, outputs=[said]),
        nbformat.v4.new_code_cell("LatentExplorer(1)", execution_count=3, outputs=[picture]),
        nbformat.v4.new_markdown_cell(end),
    ]
    cells[3].metadata["tags"] = [CHECKED]
    return Lesson(ROOT / "notebooks" / "07_title.ipynb", nbformat.v4.new_notebook(cells=cells))


def output(text: str, **more: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("execute_result", {"text/plain": text, **more})


def test_a_good_lesson_breaks_no_rule():
    assert {rule.__name__: rule(good()) for rule in RULES if rule(good())} == {}


def test_a_widget_may_stand_as_text():
    lesson = good()
    lesson.notebook.cells[4].outputs = [output("LatentExplorer(1)", **{"text/markdown": "**Question 1.** Why?"})]
    assert pictured(lesson) == []


SPOILERS: list[tuple[Callable, Callable]] = [
    (valid, lambda n: n.cells[0].update(id=n.cells[1].id)),
    (valid, lambda n: n.cells[0].pop("id")),
    (valid, lambda n: n.cells[0].update(cell_type="prose")),
    (small, lambda n: n.cells[4].outputs[0].data.update({"image/png": "A" * BYTES})),
    (titled, lambda n: n.cells[0].update(source=n.cells[0].source.replace("07", "08"))),
    (titled, lambda n: n.cells[0].update(source=n.cells[0].source.replace(" · ", " - "))),
    (introduced, lambda n: n.cells[0].update(source=n.cells[0].source.replace("?", "."))),
    (introduced, lambda n: n.cells[0].update(source=n.cells[0].source.replace("You need", "Needed"))),
    (introduced, lambda n: n.cells[0].update(source=n.cells[0].source.replace("minutes", "hours"))),
    (concluded, lambda n: n.cells.pop()),
    (concluded, lambda n: n.cells.append(n.cells[3])),
    (short_text, lambda n: n.cells[2].update(source=n.cells[2].source + " and four words more")),
    (one_equation, lambda n: n.cells[2].update(source=n.cells[2].source + "$$c$$")),
    (one_equation, lambda n: n.cells[2].update(source="$$a")),
    (short_code, lambda n: n.cells[3].update(source="print(2)\n" * (LINES + 1))),
    (imports_first, lambda n: n.cells[3].update(source="if True:\n    import math")),
    (imports_first, lambda n: n.cells[1].update(source="%matplotlib inline")),
    (executed_in_order, lambda n: n.cells[3].update(execution_count=4)),
    (executed_in_order, lambda n: n.cells[1].update(execution_count=None)),
    (without_errors, lambda n: n.cells[3].outputs.append(nbformat.v4.new_output("error", ename="E", evalue="e"))),
    (without_errors, lambda n: n.cells[3].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="w"))),
    (pictured, lambda n: n.cells[4].outputs.clear()),
    (pictured, lambda n: n.cells[4].update(outputs=[output("Hint", **{"text/markdown": "a hint, no widget"})])),
    (pictured, lambda n: n.cells[3].outputs.append(nbformat.v4.new_output("display_data", {WIDGET_VIEW: {}}))
        or n.cells[4].outputs.clear()),
    (without_widget_state, lambda n: n.metadata.update(widgets={"state": {}})),
    (without_copies, lambda n: n.cells[3].update(source="def mlp():\n    pass")),
    (without_copies, lambda n: n.cells[3].update(source="if True:\n    class DiagGaussian:\n        pass")),
    (without_copies, lambda n: n.cells[3].update(source="evaluate = lambda: 1")),
    (linked, lambda n: n.cells[5].update(source="## What to remember\n[x](99_nothing.ipynb)")),
    (linked, lambda n: n.cells[5].update(source="## What to remember\n![x](../docs/none.png#a)")),
    (linked, lambda n: n.cells[5].update(source="## What to remember\n[x](../../elsewhere.md)")),
    (checked, lambda n: n.cells[3].metadata.pop("tags")),
    (checked, lambda n: n.cells[3].outputs.clear()),
    (placeless, lambda n: n.cells[3].outputs.append(output("PosixPath('/home/me/data')"))),
    (placeless, lambda n: n.cells[3].outputs.append(output("saved in C:\\Users"))),
    (placeless, lambda n: n.cells[3].outputs[0].update(text="/tmp/x.png\n")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "spoil"), SPOILERS, ids=[rule.__name__ for rule, _ in SPOILERS])
def test_a_rule_finds_the_lesson_that_breaks_it(rule, spoil):
    lesson = good()
    spoil(lesson.notebook)
    assert rule(lesson) != []


def test_every_rule_is_tried():
    assert {rule for rule, _ in SPOILERS} == set(RULES)


@pytest.mark.parametrize(
    "harmless", ["https://x.org/home/a", "~/data", "data/tmp/x", "vae_tutorial/home/", "and/or/mnt/"]
)
def test_what_is_no_place_on_a_machine_is_let_through(harmless):
    lesson = good()
    lesson.notebook.cells[3].outputs.append(output(harmless))
    assert placeless(lesson) == []
