"""A hand-in beside its key: what is run, which texts are read, what is told. No code of it runs here."""

import copy
import json

import pytest
from adversarial.small_key import KEY, RIGHT, cell, code, notebook, with_code
from exercise_runs import EXERCISES, LESSONS, SOLUTIONS

from vae_tutorial.course.assign import assigned
from vae_tutorial.grading.judging.key import Key
from vae_tutorial.grading.judging.sheet import SheetError, read_sheet


def sheet(content, key=KEY):
    return read_sheet(content if isinstance(content, bytes) else json.dumps(content).encode(), key)


def sources(content, key=KEY):
    return [step.source for step in sheet(content, key).steps]


@pytest.fixture
def right():
    return notebook(RIGHT, "My words.")


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_untouched_exercise_is_read_without_a_remark(lesson):
    key = Key(lesson, (SOLUTIONS / lesson / f"{lesson}.ipynb").read_bytes())
    text = (EXERCISES / lesson / f"{lesson}.ipynb").read_text(encoding="utf-8")
    read = sheet(text.encode(), key)
    assert (read.remarks, read.variant, list(read.texts.values())) == ([], "", ["*Your answer here.*"])
    ran = {step.place for step in read.steps}
    assert {cell.position for cell in key.cells if cell.role == "answer"} <= ran
    assert not {cell.position for cell in key.cells if cell.role == "checks"} & ran
    named = sheet(assigned(text, lesson, "zoe-7").encode(), key)
    assert (named.variant, named.remarks) == ("zoe-7", [])


def test_cells_to_look_at_are_left_out_until_something_needs_them_or_they_change():
    lesson = "04_batchnorm"
    key = Key(lesson, (SOLUTIONS / lesson / f"{lesson}.ipynb").read_bytes())
    plain = json.loads((EXERCISES / lesson / f"{lesson}.ipynb").read_text(encoding="utf-8"))
    trains = "".join(cell(plain, "trained")["source"])
    assert trains not in sources(plain, key)
    needing = copy.deepcopy(plain)
    cell(needing, "fault")["source"] = "fault = str(vae)"
    assert trains in sources(needing, key)
    changed = copy.deepcopy(plain)
    cell(changed, "explorer")["source"] = "digits = 3"
    assert "digits = 3" in sources(changed, key)


def test_code_runs_in_the_learners_order_and_given_code_is_the_keys(right):
    right = with_code(right, "mine = 1", behind="double")
    cell(right, "given")["source"] = "def run_steps(xs):\n    return 12"
    read = sheet(right)
    assert [step.source.split("\n")[0] for step in read.steps] == [
        *("import math", "def double(x):", "mine = 1", "def mean(xs):", "answer = 6 * 7"),
        *("def step(total, x):", "def run_steps(xs):"),
    ]
    assert "total = step(total, x)" in read.steps[-1].source
    assert read.remarks == ["edited: given code of given; the key's was used"]
    assert read.texts == {"words": "My words."}


def test_given_code_that_is_gone_is_put_behind_what_stands_before_it(right):
    right["cells"] = [c for c in right["cells"] if c["id"] != "given"]
    read = sheet(right)
    assert read.steps[-1].label == "given code (given)"
    assert read.remarks == ["not there: given code of given; the key's was used"]
    first = {**right, "cells": []}
    assert sheet(first).steps[0].label == "given code (given)"
    assert "not there: checks of double-checks, mean-checks" in sheet(first).remarks[0]
    assert "an answer's cell of double, mean, answer, step" in " ".join(sheet(first).remarks)


def test_cells_are_known_by_grade_id_then_by_id_then_by_source(right):
    bare = copy.deepcopy(right)
    for each in bare["cells"]:
        each["metadata"] = {}
    assert sheet(bare).remarks == []
    for each in bare["cells"]:
        del each["id"]
    read = sheet(bare)
    assert [remark.partition(":")[0] for remark in read.remarks] == ["not there", "not there"]
    assert {"def double(x):\n    return 2 * x", "import math"} <= {step.source for step in read.steps}
    other = copy.deepcopy(right)
    for number, each in enumerate(other["cells"]):
        each["id"] = f"new-{number}"
    assert sheet(other).remarks == []
    assert sources(other) == sources(right)


def test_doubled_cells_run_in_order_but_checks_and_given_code_once(right):
    again = copy.deepcopy(cell(right, "double"))
    again["source"] = "def double(x):\n    return x + x"
    right["cells"] += [again, copy.deepcopy(cell(right, "given")), copy.deepcopy(cell(right, "double-checks"))]
    read = sheet(right)
    ran = [step.source for step in read.steps]
    assert ran[-1] == again["source"]
    assert sum("run_steps" in source for source in ran) == 1
    assert read.remarks == [
        "more than once: checks of double-checks; the key's were used",
        "more than once: given code of given; the key's was used",
        "more than once: an answer's cell of double; all ran in their order",
    ]


def test_a_cell_of_another_kind_is_not_taken_for_the_keys(right):
    cell(right, "double").update(cell_type="markdown")
    cell(right, "words").update(code("print(1)", "words", cell(right, "words")["metadata"]))
    read = sheet(right)
    assert read.texts == {}
    assert not any("def double" in step.source for step in read.steps)
    assert read.remarks == ["not there: an answer's cell of double", "not there: the cell of a written answer of words"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is no notebook"),
        (b"\xff\xfe{\x00", "the file is no notebook"),
        (b"[" * 100_000, "the file is no notebook"),
        (b"[]", "no list of cells"),
        (b'{"worksheets": []}', "no list of cells"),
        (b'{"cells": {"a": 1}}', "no list of cells"),
        (json.dumps({"cells": [{}] * 2001}).encode(), "2001 cells, and 2000 is the most"),
    ],
)
def test_what_is_no_notebook_is_told(content, says):
    with pytest.raises(SheetError, match=says):
        sheet(content)


def test_odd_cells_are_passed_over(right):
    right["cells"] += [1, None, [], {}, {"cell_type": "code"}, {"cell_type": "code", "metadata": 3, "source": 4}]
    right["cells"].append({"cell_type": "code", "metadata": {"nbgrader": [1]}, "source": ["a = 1\n", "b = '\ud800'"]})
    right["metadata"]["kernelspec"] = "none"
    read = sheet(right)
    assert read.steps[-1].source == "a = 1\nb = '?'"
    assert read.remarks == []


def test_another_language_is_told(right):
    right["metadata"]["kernelspec"] = {"language": "R"}
    assert sheet(right).remarks == ["its kernel is not Python's; it was run as Python"]


def test_of_imports_that_were_left_alone_only_those_that_something_reads_are_run(right):
    key = json.loads(KEY.notebook)
    cell(key, "imports")["source"] = "%matplotlib inline\nimport json, math\n\nimport csv\nfrom os import path as where"
    cell(right, "imports")["source"] = cell(key, "imports")["source"]
    changed = Key("small", json.dumps(key).encode())
    assert [s for s in sources(right, changed) if "import" in s] == ["import json, math"]
    cell(right, "answer")["source"] = "files = !ls\nanswer = 42"
    every = ["import json, math", "import csv", "from os import path as where"]
    assert [s for s in sources(right, changed) if "import" in s] == every
    cell(right, "imports")["source"] += "\nimport this_is_not_there"
    assert cell(right, "imports")["source"] in sources(right, changed)


def test_the_variant_is_found_without_ids_and_without_tags():
    lesson = LESSONS[0]
    key = Key(lesson, (SOLUTIONS / lesson / f"{lesson}.ipynb").read_bytes())
    named = json.loads(assigned((EXERCISES / lesson / f"{lesson}.ipynb").read_text(encoding="utf-8"), lesson, "zoe-7"))
    for each in named["cells"]:
        del each["id"]
    assert sheet(named, key).variant == "zoe-7"
    for each in named["cells"]:
        each["metadata"].pop("tags", None)
    assert sheet(named, key).variant == "zoe-7"
