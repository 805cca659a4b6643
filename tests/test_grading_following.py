"""Which failed items build on others that failed."""

from vae_tutorial.grading.judging.following import with_causes
from vae_tutorial.grading.judging.key import Item
from vae_tutorial.grading.judging.names import names_of
from vae_tutorial.grading.judging.sheet import Step
from vae_tutorial.grading.records import Line, Mark

SOURCES = (
    "def a(x):\n    return b(x)",
    "def b(x):\n    return c(x)",
    "def c(x):\n    return 1",
    "d = 2",
    "def e():\n    e()",
)
STEPS = [Step(f"cell {i}", source, names_of(source), always=True) for i, source in enumerate(SOURCES)]
ITEMS = [Item(f"{name}-checks", name, 1.0, by_hand=False, theirs=(name,)) for name in "acde"]
BAD = (Line(False, "is right"),)


def causes(**points: float | None) -> dict[str, list[str]]:
    """For each item the lines that were added."""
    marks = [Mark(item.id, item.title, 1.0, points=points[item.title], lines=BAD) for item in ITEMS]
    told = with_causes(marks, ITEMS, STEPS)
    assert [(mark.points, mark.lines[:1]) for mark in told] == [(mark.points, BAD) for mark in marks]
    return {mark.title: [line.text for line in mark.lines[1:]] for mark in told if mark.lines[1:]}


def test_an_item_that_calls_a_wrong_answer_by_way_of_another_says_so():
    assert causes(a=0.0, c=0.0, d=0.0, e=0.0) == {"a": ["builds on c, whose own checks do not hold: mend that first"]}


def test_nothing_is_said_of_answers_that_hold_or_wait_for_a_person():
    assert causes(a=0.0, c=1.0, d=0.0, e=0.0) == {}
    assert causes(a=1.0, c=0.0, d=0.0, e=0.0) == {}
    assert causes(a=None, c=0.0, d=0.0, e=0.0) == {}
    assert causes(a=0.0, c=None, d=0.0, e=0.0) == {}


def test_several_are_named():
    mine = Item("f-checks", "f", 1.0, by_hand=False, theirs=("f",))
    source = "def f():\n    return a(c(d))"
    marks = [Mark(item.id, item.title, 1.0, points=0.0, lines=BAD) for item in (*ITEMS, mine)]
    told = with_causes(marks, [*ITEMS, mine], [*STEPS, Step("cell 9", source, names_of(source), always=True)])
    assert told[-1].lines[1:] == (Line(False, "builds on a, c and d, whose checks do not hold either"),)
