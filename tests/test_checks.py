"""Checks of learners' answers: what is read as numbers, what is said, all or nothing, never a traceback."""

import functools
import logging
import math
import warnings
from fractions import Fraction

import nbformat
import numpy as np
import pytest
import torch
from IPython.core.formatters import DisplayFormatter
from nbgrader.utils import determine_grade

from vae_tutorial.checks import Answer, Item, Verdict, ask, given, holds, matches, one_of
from vae_tutorial.checks.answers import numbers

TRUTH = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def problem(value, truth=TRUTH, **options):
    return matches("claim", given(value), truth, **options).problem


def judged(*verdicts, hidden=(), points=2):
    item = Item("item", points)
    item.visible(verdicts)
    item.hidden(hidden)
    return item


GOOD, BAD, NONE = Verdict("good"), Verdict("bad", "it is wrong"), Verdict("none", "not written yet", unwritten=True)


class UnprintableError(Exception):
    def __str__(self):
        raise KeyError("no text")


class Moody:
    """Raises whatever is asked of it."""

    def __float__(self):
        raise ZeroDivisionError("no float")

    def __array__(self, *args, **options):
        raise KeyError("no array")

    __len__ = __str__ = __repr__ = __float__


def raising(error):
    def wobble(*given):
        raise error

    return wobble


# Asking


def test_an_answer_is_what_the_function_gives_back():
    assert ask(lambda a, b: a + b, 1, 2) == Answer(3)


def test_a_function_that_writes_into_its_arguments_harms_nobody():
    tensor, nested = torch.ones(2), {"a": [torch.ones(2), (torch.ones(2),)]}

    def wreck(tensor, nested):
        for part in (tensor, nested["a"][0], nested["a"][1][0]):
            part.zero_()
        nested["a"].clear()
        nested.clear()
        return 1

    assert ask(wreck, tensor, nested).value == 1
    assert len(nested["a"]) == 2
    for part in (tensor, nested["a"][0], nested["a"][1][0]):
        assert part.tolist() == [1, 1]


def test_arguments_are_plain_data_without_a_gradient():
    weight = torch.ones(2, requires_grad=True)
    assert ask(lambda w: w.requires_grad, weight * 2).value is False


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("a\n  long   line"), "wobble stops with ValueError: a long line"),
        (SystemExit(3), "wobble stops with SystemExit: 3"),
        (StopIteration(), "wobble stops with StopIteration: "),
        (UnprintableError(), "wobble stops with UnprintableError: UnprintableError"),
        (RecursionError("deep"), "wobble stops with RecursionError: deep"),
    ],
)
def test_what_a_function_raises_becomes_a_sentence(error, words):
    answer = ask(raising(error), 1)
    assert (answer.trouble, answer.unwritten) == (words, False)


def test_a_long_message_is_cut():
    assert ask(raising(ValueError("x" * 1000))).trouble == "wobble stops with ValueError: " + "x" * 119 + "…"


def test_a_stop_from_the_keyboard_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        ask(raising(KeyboardInterrupt()))


@pytest.mark.parametrize("value", [None, ..., (1.0, None), [1.0, [2.0, ...]], {"a": None}, {"a": [1.0, {"b": None}]}])
def test_what_gives_nothing_back_is_not_written_yet(value):
    def later():
        return value

    answer = ask(later)
    assert answer.unwritten
    assert answer.trouble == "later gives nothing back: it is not written yet, or lacks a return"
    assert given(value) == Answer(trouble="there is no answer yet", unwritten=True)


def test_not_implemented_means_not_written_yet():
    assert ask(raising(NotImplementedError())) == Answer(trouble="wobble is not written yet", unwritten=True)


@pytest.mark.usefixtures("plain")
def test_something_that_is_no_function_is_named():
    assert ask(3) == Answer(trouble="a function is asked for, and this is 3")
    assert ask(Moody()).trouble == "a function is asked for, and this is Moody"


def test_a_function_without_a_name_is_called_yours():
    assert ask(functools.partial(raising(ValueError("x")))).trouble == "your function stops with ValueError: x"


def test_warnings_of_the_learners_code_do_not_reach_the_page(recwarn):
    def warns():
        warnings.warn("careful", DeprecationWarning, stacklevel=1)
        return 1.0

    assert ask(warns) == Answer(1.0)
    assert not recwarn.list


def test_then_goes_on_with_the_numbers_or_passes_on_the_trouble():
    assert given([1, 2]).then(torch.sum) == Answer(torch.tensor(3.0, dtype=torch.float64))
    assert given("a").then(torch.sum) == Answer(trouble="numbers are asked for")
    assert given(None).then(torch.sum) == given(None)


# Numbers


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (1, 1.0), (True, 1.0), (np.float32(0.5), 0.5), (torch.tensor(2, dtype=torch.uint8), 2.0),
        ([1, 2.5], [1.0, 2.5]), ((torch.ones(2), [1, 2]), [[1.0, 1.0], [1.0, 2.0]]),
        (np.arange(3.0)[::-1], [2.0, 1.0, 0.0]), (np.broadcast_to(np.float64(1), (2,)), [1.0, 1.0]),
        (torch.ones(2, requires_grad=True), [1.0, 1.0]), (np.ones((2, 0)), [[], []]), (1e30, pytest.approx(1e30)),
    ],
)  # fmt: skip
def test_numbers_are_read_in_every_form_without_a_warning(value, read):
    found = numbers(value)
    assert found.dtype == torch.float64
    assert not found.requires_grad
    assert found.tolist() == read


@pytest.mark.parametrize(
    "value",
    [
        "1", b"1", None, 1 + 2j, torch.tensor([1j]), np.array([1j]), np.array([1, None]), np.array(["a"]), [],
        [[1.0], [1.0, 2.0]], [1.0, "a"], {1.0}, {"a": 1.0}, 10**400, int, Fraction(1, 2), Moody.__float__,
        torch.ones(2, device="meta"), (x for x in [1.0]),
    ],
)  # fmt: skip
def test_all_else_is_no_number(value):
    assert numbers(value) is None


@pytest.mark.parametrize("value", [Moody(), functools.reduce(lambda inner, _: [inner], range(5000), 1.0)])
def test_a_value_that_cannot_be_looked_at_fails_without_a_traceback(value):
    item = Item("item", 1)
    item.visible(matches("claim", given(part), 1.0) for part in (1.0, value))
    assert item.points() == 0
    assert [bool(verdict.problem) for verdict in item.seen] == [False, True]
    assert str(item)


# Comparing


@pytest.mark.parametrize(
    "value",
    [TRUTH, TRUTH.tolist(), TRUTH.numpy(), TRUTH.half(), TRUTH * (1 + 0.9e-4), TRUTH + 5e-4, TRUTH.requires_grad_()],
)
def test_an_answer_may_lie_off_by_a_ten_thousandth_of_the_largest(value):
    assert problem(value) == ""


@pytest.mark.parametrize("value", [TRUTH * (1 + 1.2e-4), TRUTH - 7e-4])
def test_an_answer_that_lies_further_off_is_wrong(value):
    assert problem(value)


def test_a_zero_may_be_off_by_the_rounding_of_float32():
    assert problem([0.0, 9e-7], torch.zeros(2)) == ""
    assert problem([0.0, 2e-6], torch.zeros(2)) == "yours 2e-06, expected 0 at [1]"


def test_one_number_is_one_number_in_any_shape():
    assert problem([[2.0]], 2.0) == ""
    assert problem(2.0, torch.tensor([2.0])) == ""


@pytest.mark.parametrize(
    ("value", "truth", "words"),
    [
        (TRUTH.T, TRUTH, "the shape is [3, 2], expected [2, 3]"),
        (6.0, TRUTH, "the shape is a single number, expected [2, 3]"),
        (TRUTH, 1.0, "the shape is [2, 3], expected a single number"),
        ([], TRUTH, "the result has to be numbers, and is a list of 0"),
        ("abc", TRUTH, "the result has to be numbers, and is str"),
        ([1.0, math.nan, -math.inf], torch.ones(3), "2 of 3 numbers are not finite, such as nan"),
        (2.5, 1.0, "yours 2.5, expected 1"),
        (2 * TRUTH, TRUTH, "every number is 2 times what it should be: yours 12, expected 6 at [1, 2]"),
        (-TRUTH, TRUTH, "every number is -1 times what it should be: yours -6, expected 6 at [1, 2]"),
        (TRUTH + torch.eye(2, 3), TRUTH, "yours 2, expected 1 at [0, 0]"),
        (torch.ones(2), torch.zeros(2), "yours 1, expected 0 at [0]"),
        (torch.full((2,), 1e200, dtype=torch.float64), torch.ones(2), "every number is 1e+200 times"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(value, truth, words):
    assert problem(value, truth).startswith(words)


PARTS = {"loss": torch.tensor(3.0), "kl": torch.tensor([1.0, 2.0])}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((3.0, [1.0, 2.0]), ""),
        ([3.0, torch.tensor([1.0, 2.0])], ""),
        ({"any": 3.0, "name": [1.0, 2.0]}, ""),
        ((3.0, [1.0, 2.5]), "yours of kl 2.5, expected 2 at [1]"),
        ((4.0, [2.0, 4.0]), "yours of loss 4, expected 3; every number of kl is 2 times what it should be: "),
        ((3.0, [1.0]), "the shape of kl is [1], expected [2]"),
        ((3.0, [math.inf, 1.0]), "1 of 2 numbers of kl are not finite, such as inf"),
        ((3.0, "a"), "kl has to be numbers, and is str"),
        ((3.0,), "2 results are asked for: loss, kl; got a tuple of 1"),
        (torch.ones(2), "2 results are asked for: loss, kl; got one tensor"),
        (3.0, "2 results are asked for: loss, kl; got float"),
        ((3.0, [1.0, 2.0], 1), "2 results are asked for: loss, kl; got a tuple of 3"),
    ],
)
def test_of_several_parts_those_that_differ_are_named(value, words):
    found = problem(value, PARTS)
    assert found.startswith(words)
    assert bool(found) == bool(words)


def test_other_truths_are_as_right():
    assert problem(TRUTH + 1, or_else=[TRUTH * 9, TRUTH + 1]) == ""
    assert problem(TRUTH + 2, or_else=[TRUTH + 1]).startswith("yours")


def test_the_tolerance_may_be_a_number_or_one_for_each():
    assert problem([1.4, 2.0], torch.tensor([1.0, 2.0]), atol=0.5) == ""
    assert problem([1.0, 2.4], torch.tensor([1.0, 2.0]), atol=torch.tensor([0.5, 0.1])).startswith("yours 2.4")


def test_a_number_that_is_none_is_never_right():
    for value in (math.nan, math.inf):
        assert problem(value, 1.0, atol=1e9, or_else=[math.inf]) != ""


def test_the_first_slip_that_explains_the_answer_is_told_with_the_numbers():
    slips = {"doubled": TRUTH * 2, "also doubled": TRUTH * 2, "squared": TRUTH**2}
    assert problem(TRUTH * 2, slips=slips).startswith("doubled (every number is 2 times what it should be: ")
    assert problem(TRUTH**2, slips=slips).startswith("squared (yours 36, expected 6")
    assert problem(TRUTH * 3, slips=slips).startswith("every number is 3 times")


def test_a_slip_names_the_parts_it_changes():
    slips = {"averaged": {"kl": [1.5, 1.5]}, "both": {"loss": 0.0, "kl": 0.0}, "no part of it": {"other": 1.0}}
    slips = {sentence: {k: torch.tensor(v) for k, v in parts.items()} for sentence, parts in slips.items()}
    assert problem((9.0, [1.5, 1.5]), PARTS, slips=slips).startswith("averaged (")
    assert problem((9.0, [1.5, 1.6]), PARTS, slips=slips).startswith("yours of loss 9, expected 3; ")


def test_a_slip_that_gives_the_truth_here_is_never_told():
    assert (
        problem((9.0, [1.0, 2.0]), PARTS, slips={"kl is right": {"kl": PARTS["kl"]}}) == "yours of loss 9, expected 3"
    )


@pytest.mark.parametrize(
    "value", [7.5, 8, -7, [1.0, 2.0], "seven", math.nan, 1e400, 14.14, torch.zeros(3), (1.0, 2.0, 3.0), 1 + 1j]
)
def test_a_secret_is_never_told(value):
    slips = {"this is twice as much": 14.14, "as a table": torch.zeros(3)}
    assert "7.07" not in problem(value, 7.07, secret=True, slips=slips)
    assert problem(value, 7.07, secret=True, slips=slips)


def test_a_secret_tells_the_slip_alone_or_not_yet():
    slips = {"this is twice as much": 14.14}
    assert problem(14.14, 7.07, secret=True, slips=slips) == "this is twice as much"
    assert problem(8.0, 7.07, secret=True, slips=slips) == "not yet"
    assert problem(7.07, 7.07, secret=True, slips=slips) == ""


def test_holds_hands_the_values_over_unless_one_is_in_trouble():
    assert holds("claim", lambda a, b: f"{a} {b}", given(1), given(2)) == Verdict("claim", "1 2")
    assert holds("claim", lambda a: None, given(1)) == Verdict("claim")
    assert holds("claim", lambda a, b: "", given(1), given(None)).unwritten
    assert holds("claim", raising(ValueError()), Answer(trouble="no")) == Verdict("claim", "no")


def test_one_of_says_what_there_is_to_choose_from_not_what_is_right():
    assert one_of("claim", given("a"), ["a", "b"]).problem == ""
    assert one_of("claim", given("c"), ["a", "b"]).problem == "'c' is none of 'a', 'b'"
    assert one_of("claim", given(["a"]), iter(["a", "b"])).problem == "['a'] is none of 'a', 'b'"
    assert one_of("claim", given(None), ["a"]).unwritten


# Items


@pytest.mark.parametrize(
    ("seen", "unseen", "points"),
    [
        ([GOOD], [], 2), ([GOOD, GOOD], [GOOD], 2), ([], [], 0), ([], [GOOD], 0), ([GOOD, BAD], [], 0),
        ([BAD], [GOOD], 0), ([GOOD], [GOOD, BAD], 0), ([NONE], [GOOD], 0), ([GOOD], [NONE], 0),
    ],
)  # fmt: skip
def test_points_are_given_for_all_or_not_at_all(seen, unseen, points):
    assert judged(*seen, hidden=unseen).points() == points


def test_checks_of_what_is_not_written_yet_stop_and_hidden_ones_do_not_start():
    ran = []

    def checks(name, *verdicts):
        for verdict in verdicts:
            ran.append(name)
            yield verdict

    item = Item("item", 1)
    item.visible(checks("seen", NONE, GOOD))
    item.hidden(checks("unseen", BAD))
    assert ran == ["seen"]
    assert item.lines() == [(False, "not written yet")]
    assert str(item) == "item (1 point)\n  ✗ not written yet\n1 point to earn; hidden checks run at marking."


def test_several_groups_of_checks_add_up():
    item = judged(GOOD)
    item.visible([BAD])
    item.hidden([GOOD])
    assert [verdict.claim for verdict in item.verdicts] == ["good", "bad", "good"]


def test_what_is_said_tells_all_visible_checks_and_hidden_ones_that_fail():
    item = judged(GOOD, BAD, hidden=[GOOD, Verdict("also elsewhere", "no")])
    assert item.lines() == [(True, "good"), (False, "bad: it is wrong"), (False, "also elsewhere: no")]
    assert item.summary() == "1 of 2 visible checks pass, 1 of 2 hidden ones."
    assert judged(GOOD).summary() == "1 of 1 visible checks pass; hidden checks run at marking."
    assert str(item).splitlines()[0] == "item (2 points)"


def test_a_check_that_stops_by_itself_is_a_failure_not_a_traceback():
    def checks():
        yield GOOD
        raise KeyError("what")

    item = Item("item", 1)
    item.visible(checks())
    item.hidden([GOOD])
    assert item.lines() == [(True, "good"), (False, "could be judged: the check met KeyError in what was given")]
    assert item.points() == 0


def test_a_learners_text_is_escaped_in_the_notebook():
    item = Item("<i>", 1)
    item.visible([Verdict("<b>", "<script>alert(1)</script>"), one_of("a & b", given("<img>"), ["a"])])
    html = item.points()._repr_html_()
    for text in ("<script", "<img", "<i>", "<b></b>"):
        assert text not in html
    for text in ("&lt;script&gt;", "&lt;img&gt;", "&lt;i&gt;", "a &amp; b"):
        assert text in html
    assert html.count("✗") == 2


@pytest.mark.parametrize(("verdicts", "worth", "grade"), [([GOOD], 2, 2.0), ([BAD], 2, 0.0), ([NONE], 1.5, 0.0)])
def test_nbgrader_reads_the_points_from_the_cell(verdicts, worth, grade, caplog):
    data, _ = DisplayFormatter().format(judged(*verdicts, points=worth).points())
    assert float(data["text/plain"]) == grade
    cell = nbformat.v4.new_code_cell("item.points()")
    cell.metadata["nbgrader"] = {"grade": True, "solution": False, "points": worth, "grade_id": "a", "locked": True}
    cell.outputs = [nbformat.v4.new_output("execute_result", data, execution_count=1)]
    assert determine_grade(cell, logging.getLogger("nbgrader")) == (grade, worth)
    assert not caplog.records
    assert "<ul" in data["text/html"]


def test_points_are_a_plain_number_to_who_marks():
    points = judged(GOOD).points()
    assert repr(points) == "2.0"
    assert points + 1 == 3
    assert points.report.right
