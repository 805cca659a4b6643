"""The notebook that formgrader shows: whole for nbgrader, the learner's in what it says, and harmless in a browser."""

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest
from grading_book import KEY, LESSON, STUDENTS, verdict
from nbconvert.filters import markdown2html
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbgrader.nbgraderformat import MetadataValidator

from vae_tutorial.grading.book.autograded import autograded, prepare_folder
from vae_tutorial.grading.book.harmless import ALL, OUTPUT, OUTPUTS, PICTURE, SOURCE, Room

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(20)).decode()
KEYS = [cell["metadata"]["nbgrader"] for cell in json.loads(KEY)["cells"] if "nbgrader" in cell["metadata"]]


def handed_in(change: Callable[[list[dict[str, Any]]], object] = lambda cells: None) -> bytes:
    content = json.loads(STUDENTS)
    change(content["cells"])
    return json.dumps(content).encode()


def named(cells: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade_id") == name)


def read(page: bytes) -> list[nbformat.NotebookNode]:
    """The cells of a page, which must be one that nbgrader works with and that hides what is hidden."""
    notebook = nbformat.reads(page.decode(), as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    MetadataValidator().validate_nb(notebook)
    assert sorted(about["grade_id"] for about in map(about_of, notebook.cells) if about) == sorted(
        about["grade_id"] for about in KEYS
    )
    for about in KEYS:
        cell = named(notebook.cells, about["grade_id"])
        assert about_of(cell) == about
        assert (cell.cell_type == "markdown") == (about["grade_id"] == "words")
    assert all(cell.metadata.keys() <= {"nbgrader"} for cell in notebook.cells)
    code = "".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert not any(secret in code for secret in ("HIDDEN", "item.hidden", "seed=101", "SOLUTION"))
    return notebook.cells


def about_of(cell: nbformat.NotebookNode) -> dict[str, Any]:
    return dict(cell.metadata.get("nbgrader", {}))


def shown(change: Callable[[list[dict[str, Any]]], object] = lambda cells: None, **points: float | None):
    return read(autograded(handed_in(change), KEY, verdict("a", **points)))


def notes(cells: list[nbformat.NotebookNode]) -> list[str]:
    """What was put in by us."""
    students = {"".join(cell["source"]) for cell in json.loads(STUDENTS)["cells"]}
    return [cell.source for cell in cells[1:] if cell.cell_type == "markdown" and cell.source not in students]


# What it consists of


def test_an_honest_notebook_is_shown_as_it_is():
    def work(cells):
        named(cells, "kl")["source"] = "def kl_divergence(mu, logvar):\n    return 0"
        named(cells, "words")["source"] = ["A model *gains* $x$,\n", "and loses."]
        cells.insert(3, {"cell_type": "code", "metadata": {"tags": ["x"]}, "source": "mine = 1", "outputs": []})

    cells = shown(work)
    before = json.loads(handed_in(work))["cells"]
    assert [cell.source for cell in cells[1:]] == ["".join(cell["source"]) for cell in before]
    assert [cell.cell_type for cell in cells[1:]] == [cell["cell_type"] for cell in before]
    assert notes(cells) == ["A model *gains* $x$,\nand loses."]


def test_checks_say_what_the_verdict_says():
    one = verdict("a", kl_checks=0.0, grid_checks=None)
    cells = read(autograded(handed_in(), KEY, one))
    said = {about_of(cell)["grade_id"]: cell.outputs for cell in cells if about_of(cell) and cell.get("outputs")}
    assert [output.data for output in said["kl-checks"]] == [
        {"text/plain": "The price of a cloud: 0 of 3\n  ✗ is zero where it costs nothing"}
    ]
    assert said["elbo-checks"][0].data["text/plain"].splitlines()[0] == "−ELBO: 3 of 3"
    assert said["grid-checks"][0].data["text/plain"].splitlines()[0] == "A page of inventions: to be marked of 2"
    assert len(said) == 6


def test_the_head_says_when_and_what_was_odd_but_not_who():
    one = replace(verdict("zoe-7", kl_checks=0.0), remarks=("edited: [kl](x)\n# more", "one", "one"))
    page = autograded(handed_in(), KEY, one)
    assert b"zoe-7" not in page
    head = read(page)[0].source
    assert head.startswith("*Handed in: 2030-01-31T23:30:00+01:00. From checks: 11 points. Outputs are as they were")
    assert head.splitlines()[2:] == ["- edited: [kl]\u200b(x) # more", "", "- one"]
    unknown = autograded(handed_in(), KEY, replace(one, handed_in=""))
    assert "Handed in: nobody knows when." in read(unknown)[0].source


def test_missing_cells_are_put_back_behind_what_stood_before_them():
    def remove(cells):
        gone = ("kl", "kl-checks", "descend", "words")
        cells[:] = [cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade_id") not in gone]

    cells = shown(remove)
    order = [about_of(cell)["grade_id"] for cell in cells if about_of(cell)]
    assert order == [about["grade_id"] for about in KEYS]
    assert [note.split("`")[1] for note in notes(cells) if "put back" in note] == [
        "kl", "kl-checks", "descend", "words"
    ]  # fmt: skip
    assert named(cells, "kl").source == ""
    assert named(cells, "words").source == "*No answer was handed in.*"
    assert named(cells, "kl-checks").outputs[0].data["text/plain"].startswith("The price of a cloud: 3 of 3")


def test_of_copies_the_last_counts_and_all_are_shown():
    def copies(cells):
        for name in ("words", "kl", "kl-checks"):
            place = cells.index(named(cells, name))
            cells.insert(place, copy.deepcopy(cells[place]))
            cells[place]["source"] = f"first {name}"
            cells[place + 1]["source"] = f"last {name}"

    cells = shown(copies)
    sources = [cell.source for cell in cells]
    assert named(cells, "words").source == "last words"
    assert named(cells, "kl").source == "last kl"
    assert "item.visible(check.kl_divergence(kl_divergence))" in named(cells, "kl-checks").source
    for name in ("words", "kl", "kl-checks"):
        assert sources[sources.index(f"first {name}") - 1] == f"*Another copy of `{name}`.*"
    assert "*`kl-checks` was edited; this is the key's.*" in sources


def test_what_was_done_to_nbgraders_marks_is_undone():
    def retag(cells):
        named(cells, "kl-checks")["metadata"]["nbgrader"] |= {"points": 100, "grade": False, "locked": False}
        named(cells, "grid-checks")["source"] = "item.points()  # mine"
        del named(cells, "elbo")["metadata"]["nbgrader"]
        words = named(cells, "words")["metadata"]["nbgrader"]
        words["grade_id"] = words["grade_id"] + "-no-more"
        cells.append({"cell_type": "code", "metadata": {"nbgrader": {"grade_id": "own", "grade": True}}, "source": ""})
        cells.append({"cell_type": "raw", "metadata": {"raw_mimetype": "text/html"}, "source": "<script>1</script>"})
        step = named(cells, "step")
        step["cell_type"] = "markdown"
        del step["outputs"], step["execution_count"]

    cells = shown(retag)  # `read` looks at each
    assert cells[-1].source == "<\u200bscript>1<\u200b/script>"
    assert cells[-1].cell_type == "markdown"
    assert "# mine" not in named(cells, "grid-checks").source


@pytest.mark.parametrize("notebook", [b"", b"no notebook", b"[]", b'{"cells": 3}', b"\xff\xfe", b"[" * 100_000])
def test_of_what_is_no_notebook_the_keys_cells_are_shown(notebook):
    cells = read(autograded(notebook, KEY, verdict("a", **dict.fromkeys(("kl_checks", "words")))))
    assert "the file is no notebook" in cells[0].source
    assert [about_of(cell)["grade_id"] for cell in cells if about_of(cell)] == [about["grade_id"] for about in KEYS]
    assert "Rubric" not in "".join(cell.source for cell in cells)


ODD: list[Any] = [None, 0, "", "x", [], ["a", 1, None], {}, {"a": 1}, {"text/plain": {"a": 1}}, -1e999]


@pytest.mark.parametrize("part", ["source", "metadata", "outputs", "attachments", "id", "cell_type"])
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_nothing_in_a_cell_need_be_what_it_should_be(part, odd):
    cells = shown(lambda cells: [cell.update({part: odd}) for cell in cells[5:9]])
    assert len(cells) > 20


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_nothing_in_an_output_need_be_what_it_should_be(odd):
    outputs: list[Any] = [odd]
    for kind in ("stream", "error", "display_data", "execute_result", odd):
        parts = ("name", "text", "ename", "evalue", "traceback", "data", "metadata")
        outputs += [{"output_type": kind, part: odd} for part in parts]
    for start in range(0, len(outputs), OUTPUTS):
        shown(lambda cells, start=start: named(cells, "kl").update(outputs=outputs[start : start + OUTPUTS]))


def test_half_a_surrogate_pair_can_be_written():
    cells = shown(lambda cells: named(cells, "words").update(source="half \ud83d a pair"))
    assert named(cells, "words").source == "half ? a pair"


# What a browser could run


def outputs(*given: dict[str, Any]) -> list[dict[str, Any]]:
    cells = shown(lambda cells: named(cells, "kl").update(outputs=list(given)))
    return [dict(output) for output in named(cells, "kl").outputs]


def display(**data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {k.replace("_", "/"): v for k, v in data.items()}}


def test_text_and_pictures_are_kept_as_they_are():
    kept = outputs(
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two <b>"]},
        {"output_type": "stream", "name": "stderr", "text": "careful"},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["line 1", "line 2"]},
        {**display(text_plain="3"), "output_type": "execute_result", "execution_count": 1},
        display(image_png=PNG[:8] + "\n" + PNG[8:], text_plain="<Figure>"),
        display(image_jpeg=JPEG),
    )
    assert [output["output_type"] for output in kept] == ["stream", "stream", "error", *["display_data"] * 3]
    assert [output["name"] for output in kept[:2]] == ["stdout", "stderr"]
    assert [output["text"] for output in kept[:2]] == ["one\ntwo <b>", "careful"]
    assert kept[2]["traceback"] == ["line 1\nline 2"]
    assert kept[3]["data"] == {"text/plain": "3"}
    assert kept[4]["data"] == {"text/plain": "<Figure>", "image/png": PNG}
    assert kept[5]["data"]["image/jpeg"] == JPEG


def test_of_the_rest_the_text_is_kept_or_a_word_on_it():
    (rich, latex, html, svg, widget, script) = outputs(
        display(text_html="<script>1</script>", text_plain="a table", image_svg="x"),
        display(text_latex="$x$"),
        display(text_html="<script>1</script>"),
        display(**{"image_svg+xml": "<svg onload='1'>"}),
        display(**{"application_vnd.jupyter.widget-view+json": {"model_id": "1"}}),
        display(application_javascript="1"),
    )
    assert rich["data"] == {"text/plain": "a table"}
    assert latex["data"] == {"text/plain": "$x$"}
    for output in (html, svg, widget, script):
        assert output["data"] == {"text/plain": "[an output of a kind that is not shown]"}
        assert output["metadata"] == {}


@pytest.mark.parametrize(
    "content",
    [
        '" onerror="alert(1)',
        PNG + '" onerror="alert(1)',
        base64.b64encode(b"<svg onload='1'></svg>").decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(PICTURE)).decode(),
    ],
)
def test_a_picture_that_is_none_or_too_large_is_left_out(content):
    (output,) = outputs(display(image_png=content))
    assert output["data"] == {"text/plain": "[an output of a kind that is not shown]"}


def test_floods_are_cut():
    many = [{"output_type": "stream", "name": "stdout", "text": "x" * 2 * OUTPUT}] * 3 * OUTPUTS

    def flood(cells):
        named(cells, "kl")["source"] = "y" * 3 * SOURCE
        for name in ("reparameterise", "kl", "elbo"):
            named(cells, name)["outputs"] = many

    page = autograded(handed_in(flood), KEY, verdict("a"))
    assert len(page) < 1.5 * ALL[OUTPUT]
    cells = read(page)
    assert named(cells, "kl").source == f"{'y' * SOURCE}\n[{2 * SOURCE} more characters are not shown]"
    first = named(cells, "reparameterise").outputs
    assert first[0].text == f"{'x' * OUTPUT}\n[{OUTPUT} more characters are not shown]"
    assert first[-1].data["text/plain"] == f"[{2 * OUTPUTS} more outputs are not shown]"
    assert named(cells, "elbo").outputs[0].text == f"\n[{2 * OUTPUT} more characters are not shown]"
    assert "# YOUR CODE HERE" in named(cells, "elbo").source


def test_pictures_attached_to_an_answer_are_shown_below_it():
    attached = {"a.png": {"image/png": PNG}, "b.svg": {"image/svg+xml": "<svg onload='1'>"}, "c": {"image/png": "no"}}
    cells = shown(lambda cells: named(cells, "words").update(source="![](attachment:a.png)", attachments=attached))
    words = named(cells, "words")
    assert "attachments" not in words
    below = cells[cells.index(words) + 1]
    assert [output.data for output in below.outputs] == [{"image/png": PNG}]


class Elements(HTMLParser):
    def __init__(self, markup: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.words = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attributes]

    def handle_data(self, text):
        self.words += text


def rendered(source: str) -> Elements:
    """A text as formgrader shows it with sanitize_html."""
    return Elements(markdown2html(SanitizeHTML().sanitize_html_tags(source)))


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>a</a>",
    "[a](javascript:alert(1))",
    "[a]( <javascript:alert(1)> 'title')",
    "[a][b]\n\n[b]: javascript:alert(1)",
    "[a]\n\n[a]: javascript:alert(1)",
    "[a][]\n\n [a]: <javascript:alert(1)>",
    "![a](/formgrader?path=/somewhere)",
    "![a][b]\n\n[b]: /formgrader?path=/somewhere",
    "[![a](x)](y)",
    "<javascript:alert(1)>",
    "<https://elsewhere.example/>",
    "https://elsewhere.example/",
    "&#60;img src=x onerror=alert(1)&#62;",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "[a]<!-- -->(javascript:alert(1))",
    "<!--><script>alert(1)</script>-->",
    "- [a](javascript:alert(1))\n\n| a | b |\n|---|---|\n| <img src=x> | [a](x) |",
    "$$ x <img src=x onerror=alert(1)> $$",
    "`a` <iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "\\<script>alert(1)\\</script>",
    "<?php x ?><![CDATA[<script>]]>",
    "[^1]\n\n[^1]: <b>foot</b>",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_in_a_text_nothing_runs_loads_or_leads_elsewhere(source):
    page = rendered(Room().markdown(source))
    assert not set(page.tags) & {"script", "img", "svg", "a", "iframe", "b", "style", "link", "form"}
    assert set(page.attributes) <= {"style"}  # a table's alignment
    assert "\\href" not in rendered(Room().markdown(r"$\href{javascript:alert(1)}{x}$ \\href{x}{y} \HREF")).words


def test_cleaning_tags_alone_would_not_do():
    """Why formgrader's sanitize_html is not enough: if this fails, links can be shown again."""
    found = {tag for source in HOSTILE for tag in rendered(source).tags}
    assert {"a", "img"} <= found


def test_the_rest_of_a_text_looks_as_it_was_meant():
    formula, table = "`a[0]` and $x_1 = \\sigma^2$", "| a | b |\n|---|---|\n| 1 | 2 |"
    source = f"# Gain\n\nIt **gains** *sharpness*, {formula}:\n\n- one\n- two [sic]\n\n{table}"
    plain, ours = rendered(source), rendered(Room().markdown(source))
    assert (ours.tags, ours.words) == (plain.tags, plain.words)
    assert {"h1", "strong", "em", "code", "li", "td"} <= set(ours.tags)


# The folder


def test_the_folder_has_what_formgrader_needs_and_keeps_what_was_set(tmp_path):
    prepare_folder(tmp_path, LESSON)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "nbgrader_config.py", "source", f"source/{LESSON}"
    ]  # fmt: skip
    settings = tmp_path / "nbgrader_config.py"
    settings.write_text(settings.read_text() + "c.NbGraderAPI.timezone = 'Europe/Zurich'\n")
    before = settings.read_bytes()
    prepare_folder(tmp_path, "02_bce_vs_mse")
    assert settings.read_bytes() == before
    assert (tmp_path / "source" / "02_bce_vs_mse").is_dir()


def test_a_folder_with_settings_of_its_own_is_left_alone(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text('"""A course."""\n')
    with pytest.raises(ValueError, match=r"folder must be one for grading alone, got .* its own nbgrader_config\.py"):
        prepare_folder(tmp_path, LESSON)
    assert [path.name for path in tmp_path.iterdir()] == ["nbgrader_config.py"]
