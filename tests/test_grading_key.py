"""The key: which names a cell makes and reads, what a value follows from, and how an item is judged because of that."""

import json
import pickle

import pytest
from adversarial.small_key import KEY, RIGHT, notebook
from exercise_runs import LESSONS, SOLUTIONS, execute

from vae_tutorial.grading.judging.key import Key
from vae_tutorial.grading.judging.marking import in_variant
from vae_tutorial.grading.judging.names import Origins, Unit, names_of, python, statements


def key_of(lesson: str) -> Key:
    return Key(lesson, (SOLUTIONS / lesson / f"{lesson}.ipynb").read_bytes())


def item(key: Key, id: str):
    return next(item for item in key.items if item.id == id)


@pytest.mark.parametrize(
    ("source", "binds", "writes", "loads"),
    [
        ("x = y", "x", "", "y"),
        ("x += 1", "x", "", "x"),
        ("a, (b, *c) = d", "a b c", "", "d"),
        ("def f(x=y):\n    return x + z + len(x)", "f", "", "y z"),
        ("def f():\n    global counted\n    counted = given", "f counted", "", "given"),
        ("f = lambda x: x + y", "f", "", "y"),
        ("z = [x for x in xs if x > limit]", "z", "", "xs limit"),
        ("class A(B):\n    c = d\n    def e(self):\n        return g", "A", "", "B d g"),
        ("import a.b, c as d\nfrom e import f as g", "a d g", "", ""),
        ("for i in range(n):\n    total = i", "i total", "", "n i"),
        ("with opened() as file: pass", "file", "", "opened"),
        ("try:\n    pass\nexcept ValueError as error:\n    print(error)", "error", "", "error"),
        ("model.head.bias[0] = 0\nimages[1:] = x", "", "model images", "model images x"),
        ("(n := 10)", "n", "", ""),
        ("del x", "x", "", ""),
        ("%matplotlib inline\n!ls\nx = 1", "x", "", ""),
        ("def f(:", "", "", ""),
        ("x = !ls", "", "", ""),
    ],
)
def test_names_of_a_cell(source, binds, writes, loads):
    found = names_of(source)
    assert (found.binds, found.writes, found.loads) == tuple(
        map(frozenset, (binds.split(), writes.split(), loads.split()))
    )


@pytest.mark.parametrize("source", ["(" * 500 + ")" * 500, "x" * 10**6 + " = \0", "-" * 100_000 + "1"])
def test_hostile_code_has_no_names(source):
    assert names_of(source).loads == frozenset()


def test_a_cell_without_magics_keeps_its_lines():
    assert python("%time\n  !ls\nx = 1").splitlines() == ["", "", "x = 1"]


def test_statements_keep_their_meaning():
    source = "import math\n# a comment\ndef f(x):\n    return math.exp(x)\n\ny = f(0)"
    names: dict = {}
    for unit in statements(0, source):
        exec(unit.source, names)
    assert names["y"] == 1


UNITS = [
    Unit(0, "import math"),
    Unit(1, "n = 3"),
    Unit(2, "def answer(x):\n    return math.exp(x) * n", learners=True),
    Unit(3, "def glue(x):\n    return helper(answer(x))"),
    Unit(3, "def helper(x):\n    return x + n"),
    Unit(4, "n = 4"),
    Unit(4, "table = {}"),
    Unit(5, "table['n'] = n"),
    Unit(6, "alone = len('abc')"),
]


@pytest.mark.parametrize(
    ("name", "cell", "expected"),
    [
        ("math", 1, [0]),
        ("n", 2, [1]),
        ("n", 9, [5]),
        ("answer", 9, [0, 1, 2]),
        ("glue", 9, [0, 1, 2, 3, 4]),
        ("table", 9, [5, 6, 7]),
        ("table", 5, [6]),
        ("alone", 9, [8]),
        ("nowhere", 9, []),
    ],
)
def test_what_a_value_follows_from(name, cell, expected):
    assert Origins(UNITS).of([name], cell) == [UNITS[i] for i in expected]


def test_what_only_the_learner_knows():
    origins = Origins(UNITS)
    names = ("math", "n", "answer", "glue", "table", "alone", "nowhere")
    assert [name for name in names if origins.learners(name, 9)] == ["answer", "glue", "nowhere"]
    assert origins.of(["glue"], 9, past_learners=False) == [UNITS[i] for i in (1, 2, 3, 4)]


def test_an_item_says_what_is_ours_and_what_is_asked():
    step = item(KEY, "step-checks")
    assert step.theirs == ("run_steps",)
    assert len(step.glue) == 1
    assert step.glue[0].startswith("def run_steps")
    assert item(KEY, "double-checks").glue == ()
    assert [each.most for each in KEY.items] == [2, 3, 1, 4, 2]
    assert [each.id for each in KEY.items if each.by_hand] == ["words"]


def test_hidden_lines_are_those_that_the_exercise_lacks():
    for lesson in LESSONS:
        for cell in key_of(lesson).cells:
            lines = cell.source.splitlines()
            hidden = {line for i, line in enumerate(lines, 1) if i in cell.hidden_lines}
            assert not any(line in cell.released for line in hidden), cell.grade_id
            if cell.role == "checks":
                assert set(lines) - hidden <= set(cell.released.splitlines()), cell.grade_id


@pytest.mark.parametrize("lesson", LESSONS)
def test_checks_of_the_course_need_nothing_of_ours_but_imports_and_the_variant(lesson):
    key = key_of(lesson)
    for each in key.items:
        names: dict = {}
        for statement in each.ours:
            execute(statement, names)
            assert statement.startswith(("import ", "from ")) or "mine" in statement or "exercise" in statement
        assert by_hand(each) or each.theirs
    assert all(statement.startswith(("import ", "from ")) for statement in key.preload)


def by_hand(each) -> bool:
    return each.by_hand and not each.theirs


def test_a_variant_changes_what_is_ours_but_not_the_version_that_verdicts_carry():
    key = key_of(LESSONS[0])
    other = in_variant(key, "zoe-7")
    assert "exercise = Exercise('01_autoencoder_to_vae', learner='zoe-7')" in item(other, "price-checks").ours
    assert key.drawn == {"price-checks"}
    assert in_variant(key, "") is key
    assert in_variant(KEY, "zoe-7") is KEY


def test_the_version_follows_what_judges_and_nothing_else():
    plain = json.loads(KEY.notebook)
    plain["cells"][0]["source"] = "# Small"
    plain["metadata"]["kernelspec"]["display_name"] = "another"
    assert Key("small", json.dumps(plain).encode()).version == KEY.version
    harder = json.loads(KEY.notebook)
    harder["cells"][4]["metadata"]["nbgrader"]["points"] = 3
    assert Key("small", json.dumps(harder).encode()).version != KEY.version
    assert Key("small", json.dumps(notebook(RIGHT, key=False)).encode()).version != KEY.version


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"cells": [1]}', b'{"cells": []}', "{\xe4".encode("latin-1")])
def test_what_is_no_key_is_refused(content):
    with pytest.raises(ValueError, match="the key of small must"):
        Key("small", content)


def test_two_items_of_one_name_are_refused():
    twice = json.loads(KEY.notebook)
    twice["cells"].append(twice["cells"][4])
    with pytest.raises(ValueError, match="names of their own"):
        Key("small", json.dumps(twice).encode())


@pytest.mark.parametrize("mark", ["# BEGIN HIDDEN TESTS", "### BEGIN HIDDEN TESTS ", "###BEGIN HIDDEN TESTS"])
def test_a_mark_that_would_hide_nothing_is_refused(mark):
    shown = KEY.notebook.replace(b"### BEGIN HIDDEN TESTS", mark.encode())
    with pytest.raises(ValueError, match=r"cell 5 of the key: .* must stand alone in a line"):
        Key("small", shown)


def test_code_of_a_key_that_is_not_python_is_named():
    with pytest.raises(ValueError, match="cell 2 of the key must be Python"):
        Key("small", KEY.notebook.replace(b'"import math"', b'"import import"'))


def test_a_key_on_another_machine_has_the_version_of_the_checks_there(monkeypatch):
    sent = pickle.dumps(KEY)
    assert pickle.loads(sent).version == KEY.version
    monkeypatch.setattr("vae_tutorial.grading.judging.key.checks_version", lambda: "others")
    assert pickle.loads(sent).version != KEY.version


def test_the_variant_is_drawn_by_the_name_in_the_key_whatever_it_is_called():
    key = Key("homework", (SOLUTIONS / LESSONS[0] / f"{LESSONS[0]}.ipynb").read_bytes())
    assert "learner='b'" in "".join(item(in_variant(key, "b"), "price-checks").ours)
