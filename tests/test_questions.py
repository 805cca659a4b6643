"""Concept questions: what their files may hold, what is right, and every mistake refused by name."""

import math
import tomllib

import pytest

from vae_tutorial.course import questions as module
from vae_tutorial.course.question import ChoiceQuestion, NumberQuestion
from vae_tutorial.course.questions import PLACES, before_and_after, parse, questions
from vae_tutorial.course.reading import FOLDER, LESSONS

FILES = sorted(path.stem for path in FOLDER.glob("*.toml"))
SINGLE = """
[[questions]]
id = "one"
where = "lesson"
kind = "single"
text = "Which `x`?"
choices = [{text = "a", feedback = "not a"}, {text = "b", right = true, feedback = "b it is"}]
"""
MULTIPLE = """
[[questions]]
id = "some"
where = "exercise"
kind = "multiple"
text = "Which?"
choices = [
    {text = "a", right = true, feedback = "a, yes"}, {text = "b", feedback = "not b"},
    {text = "c", right = true, feedback = "c, yes"},
]
"""
NUMERIC = """
[[questions]]
id = "how-many"
where = "lesson"
kind = "numeric"
text = "How many?"
answer = 0.3
tolerance = 0.1
unit = "nats"
feedback = "Yes."
otherwise = "Think again."
slips = [{value = 1, feedback = "bits"}, {value = -0.3, feedback = "the sign"}]
"""


def read(text, places=PLACES):
    return parse(tomllib.loads(text), "file.toml", places)


# What is read


def test_all_kinds_are_read_in_the_order_of_the_file():
    one, some, number = read(SINGLE + MULTIPLE + NUMERIC)
    assert [(question.id, question.where) for question in (one, some, number)] == [
        ("one", "lesson"), ("some", "exercise"), ("how-many", "lesson"),
    ]  # fmt: skip
    assert (one.multiple, some.multiple) == (False, True)
    assert [choice.right for choice in some.choices] == [True, False, True]
    assert (number.answer, number.tolerance, number.unit) == (0.3, 0.1, "nats")


def test_hints_and_variants_are_no_matter_of_the_questions():
    assert read("[hints]\na = ['b']\n[variant]\nc = [1, 2]\n") == ()


@pytest.mark.parametrize("where", PLACES)
def test_a_lesson_gives_the_questions_of_one_place(monkeypatch, where):
    monkeypatch.setattr(module, "read", lambda lesson: tomllib.loads(SINGLE + MULTIPLE))
    assert [question.where for question in questions("any", where)] == [where]


@pytest.mark.parametrize(
    ("answer", "right", "said"),
    [
        ([0, 2], True, ["a, yes", "c, yes"]),
        ([2, 0], True, ["a, yes", "c, yes"]),
        ([0], False, ["a, yes"]),
        ([0, 1, 2], False, ["a, yes", "not b", "c, yes"]),
        ([1], False, ["not b"]),
    ],
)
def test_of_several_right_choices_all_and_no_other_are_right(answer, right, said):
    (question,) = read(MULTIPLE)
    assert question.is_right(answer) is right
    assert question.said(answer) == said


@pytest.mark.parametrize(
    ("answer", "right", "said"),
    [
        (0.3, True, "Yes."), (0.4, True, "Yes."), (0.2, True, "Yes."), (0.41, False, "Think again."),
        (1.1, False, "bits"), (0.9, False, "bits"), (-0.35, False, "the sign"), (7.0, False, "Think again."),
    ],
)  # fmt: skip
def test_a_number_is_right_within_its_tolerance_or_one_of_the_slips(answer, right, said):
    (question,) = read(NUMERIC)
    assert question.is_right(answer) is right
    assert question.said(answer) == [said]


@pytest.mark.parametrize("answer", [[], [0, 1], [2], [-1], [True], 1, "0", None, [[0]], [0, 0]])
def test_an_answer_that_cannot_be_given_to_a_single_choice_is_refused(answer):
    with pytest.raises(ValueError, match=r"one must have a list of 1 place from 0 to 1, got "):
        read(SINGLE)[0].check(answer)


@pytest.mark.parametrize("answer", [[], [3], [0, 0], {}])
def test_an_answer_that_cannot_be_given_to_multiple_choices_is_refused(answer):
    with pytest.raises(ValueError, match=r"some must have a list of 1 or more different places from 0 to 2, got "):
        read(MULTIPLE)[0].check(answer)


@pytest.mark.parametrize("answer", [math.nan, math.inf, True, "1", None, [1], 10**400])
def test_an_answer_that_is_no_finite_number_is_refused(answer):
    with pytest.raises(ValueError, match=r"how-many must have a finite number, got "):
        read(NUMERIC)[0].check(answer)


# Mistakes in a file


@pytest.mark.parametrize(
    ("text", "old", "new", "words"),
    [
        (SINGLE, "[[questions]]", "[[question]]", "file.toml may have questions, hints, variant, got 'question'"),
        (SINGLE, "[[questions]]", "[questions]", "file.toml: questions must be tables, each under [[...questions]]"),
        (SINGLE, 'id = "one"', "", "question 1 must have id, kind, text, where, choices, 'id' is missing"),
        (SINGLE, '"one"', '"One two"', "id must be words of a-z and 0-9 joined by hyphens, got 'One two'"),
        (SINGLE, 'where = "lesson"', "", "question 'one' must have id, kind, text, where, choices, 'where' is missing"),
        (SINGLE, '"lesson"', '"here"', "question 'one': where must be one of lesson, exercise, got 'here'"),
        (SINGLE, 'kind = "single"', "", "question 'one': kind must be one of single, multiple, numeric, got None"),
        (SINGLE, '"single"', '"free"', "question 'one': kind must be one of single, multiple, numeric, got 'free'"),
        (SINGLE, '"Which `x`?"', '" "', "question 'one': text must be a text that is not empty, got ' '"),
        (SINGLE, "`x`", "`x", "question 'one': text must close each backtick that it opens, got 'Which `x?'"),
        (SINGLE, "kind", 'hint = "x"\nkind', "may have id, kind, text, where, choices, got 'hint'"),
        (SINGLE, ", right = true", "", "question 'one': choices must have 1 right, got 0"),
        (SINGLE, '"not a"', '"not a", right = true', "question 'one': choices must have 1 right, got 2"),
        (SINGLE, "right = true", 'right = "yes"', "question 'one', choice 2: right must be true or false, got 'yes'"),
        (SINGLE, ', feedback = "not a"', "", "'one', choice 1 must have text, feedback, 'feedback' is missing"),
        (SINGLE, '"not a"', '""', "question 'one', choice 1: feedback must be a text that is not empty, got ''"),
        (SINGLE, '"not a"', '"not a", why = 1', "choice 1 may have text, feedback, right, got 'why'"),
        (SINGLE, '"a"', '"b"', "question 'one': choices must have different texts"),
        (SINGLE, '{text = "a", feedback = "not a"}, ', "", "question 'one': choices must be 2 to 6, got 1"),
        (SINGLE, "choices = [", f"choices = [{'{},' * 5}", "question 'one': choices must be 2 to 6, got 7"),
        (SINGLE, "choices = [", "choices = [1, ", "question 'one': choices must be tables, each under [[...choices]]"),
        (MULTIPLE, "right = true, ", "", "question 'some': choices must have 1 or more right, got 0"),
        (NUMERIC, "answer = 0.3", "answer = nan", "question 'how-many': answer must be a finite number, got nan"),
        (NUMERIC, "answer = 0.3", 'answer = "x"', "question 'how-many': answer must be a finite number, got 'x'"),
        (NUMERIC, "tolerance = 0.1", "tolerance = inf", "question 'how-many': tolerance must be a finite number"),
        (NUMERIC, "= 0.1", "= -0.1", "question 'how-many': tolerance must be a number of at least 0, got -0.1"),
        (NUMERIC, '"nats"', "1", "question 'how-many': unit must be a text, \"\" for none, got 1"),
        (NUMERIC, 'unit = "nats"', "", "'unit' is missing"),
        (NUMERIC, 'otherwise = "Think again."', "", "'otherwise' is missing"),
        (NUMERIC, "value = 1", "value = 0.4", "question 'how-many', slip 1: value must lie further than the tolerance"),
        (NUMERIC, "value = -0.3", "value = 1.05", "question 'how-many', slip 2: value must lie further than the tol"),
        (NUMERIC, "value = 1", "value = inf", "question 'how-many', slip 1: value must be a finite number, got inf"),
        (NUMERIC, 'value = 1, feedback = "bits"', "value = 1", "slip 1 must have value, feedback, 'feedback' is"),
        (NUMERIC, "kind", "choices = []\nkind", "otherwise, slips, got 'choices'"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_named(text, old, new, words):
    assert old in text
    with pytest.raises(ValueError, match=r"^file\.toml") as error:
        read(text.replace(old, new) if text is MULTIPLE else text.replace(old, new, 1))
    assert words in str(error.value)


def test_two_questions_with_one_id_are_refused():
    with pytest.raises(
        ValueError, match=r"file.toml, question 'one': id must be unique in the file, it stands 2 times"
    ):
        read(SINGLE + SINGLE)


def test_a_set_has_no_places_hints_or_variants():
    with pytest.raises(ValueError, match="may have id, kind, text, choices, got 'where'"):
        read(SINGLE, places=())
    with pytest.raises(ValueError, match=r"file\.toml may have questions, got 'hints'"):
        read("[hints]", places=())


def test_a_file_that_is_no_toml_is_named(monkeypatch):
    monkeypatch.setattr(module, "read", lambda lesson: tomllib.loads("id = "))
    with pytest.raises(ValueError, match=r"^04_batchnorm.toml must be TOML: "):
        questions("04_batchnorm")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("99_none",), "lesson must be one of 00_"),
        (("01_autoencoder_to_vae", "here"), "where must be one of lesson, ex"),
    ],
)
def test_unknown_lessons_and_places_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        questions(*arguments)


# The files of the course


def of_file(name):
    return before_and_after() if name == module.SET else questions(name, "lesson") + questions(name, "exercise")


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_the_course_is_valid(name):
    for question in of_file(name):
        assert isinstance(question, ChoiceQuestion | NumberQuestion)
        if isinstance(question, NumberQuestion):
            assert question.is_right(question.answer)
            assert question.said(question.answer) == [question.feedback]
            assert [question.said(slip.value) for slip in question.slips] == [
                [slip.feedback] for slip in question.slips
            ]
    assert name in (*LESSONS, module.SET)


def test_the_set_has_twelve_questions_of_all_kinds():
    kinds = [question.multiple if isinstance(question, ChoiceQuestion) else None for question in before_and_after()]
    assert len(kinds) == 12
    assert set(kinds) == {True, False, None}


@pytest.mark.parametrize("name", FILES)
def test_the_longest_choice_is_not_a_sign_of_the_right_one(name):
    """Of questions with one right choice, at most half (and one more) have it as the longest by a quarter or more."""
    single = [q for q in of_file(name) if isinstance(q, ChoiceQuestion) and sum(c.right for c in q.choices) == 1]
    signs = [
        question.id
        for question in single
        if next(len(c.text) for c in question.choices if c.right)
        >= 1.25 * max(len(c.text) for c in question.choices if not c.right)
    ]
    assert len(signs) <= len(single) / 2 + 1, signs
