"""Concept questions on the kernel's side: what reaches the page, what is stored, and what is said about it."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import nbformat
import pytest

from vae_tutorial.course.question import ChoiceQuestion
from vae_tutorial.course.questions import before_and_after, questions
from vae_tutorial.course.reading import FOLDER
from vae_tutorial.course.record import Record, read_record
from vae_tutorial.widgets import Quiz, quiz, static

LESSON = "01_autoencoder_to_vae"
SET = "before_and_after"
TIME = "2026-01-02T03:04:05+00:00"


def right_answers():
    """The right answer to every question of the set."""
    return {
        question.id: [i for i, choice in enumerate(question.choices) if choice.right]
        if isinstance(question, ChoiceQuestion)
        else question.answer
        for question in before_and_after()
    }


def store(widget, answers, replace=False):
    """What the page hears when it asks for answers to be stored."""
    said = []
    widget.send = lambda content, buffers=(): said.append((content, buffers))
    widget._answer(None, {"ask": "id", "answers": answers, "replace": replace}, [])
    ((content, buffers),) = said
    return json.loads(buffers[0]) if buffers else content


@pytest.fixture
def beside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# The scene


def test_a_lesson_brings_its_answers_along_for_pages_without_a_kernel():
    asked, shown = questions(LESSON), Quiz(LESSON).scene["questions"]
    assert [question["id"] for question in shown] == [question.id for question in asked]
    for question, card in zip(asked, shown, strict=True):
        for choice in card.get("choices", []):
            truth = question.choices[choice["place"]]
            assert (choice["text"], choice["right"], choice["feedback"]) == (truth.text, truth.right, truth.feedback)


def test_the_order_of_choices_is_one_for_each_question_and_not_that_of_the_file(monkeypatch):
    def places():
        return [[c["place"] for c in card["choices"]] for card in Quiz(SET, record="before.json").scene["questions"]
                if "choices" in card]  # fmt: skip

    assert places() == places()
    assert all(sorted(order) == list(range(len(order))) for order in places())
    right = right_answers()
    shown = Quiz(SET, record="before.json").scene["questions"]
    firsts = [
        [choice["place"] for choice in card["choices"]].index(right[card["id"]][0])
        for card in shown
        if card["kind"] == "single"
    ]
    assert len(set(firsts)) > 1


@pytest.mark.parametrize("record", ["before.json", "after.json"])
def test_the_set_keeps_its_answers_to_the_kernel(record):
    scene = json.dumps(Quiz(SET, record=record).scene, ensure_ascii=False)
    for question in before_and_after():
        assert json.dumps(question.text, ensure_ascii=False) in scene
        feedback = question.said([0] if isinstance(question, ChoiceQuestion) else question.answer)[0]
        assert feedback not in scene
    assert not any(f'"{key}"' in scene for key in ("right", "feedback", "answer", "tolerance", "slips"))


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (("99_none",), {}, "lesson must be one of 00_start_here"),
        ((LESSON, "here"), {}, "where must be one of lesson, exercise, got 'here'"),
        ((SET,), {}, "record of 'before_and_after' must be one of before.json, after.json, got None"),
        ((SET,), {"record": "../x.json"}, "must be one of before.json, after.json, got '../x.json'"),
        ((LESSON,), {"record": "before.json"}, "lesson with a record must be one of before_and_after, got '01_auto"),
    ],
)
def test_what_cannot_be_asked_is_named(arguments, options, words):
    with pytest.raises(ValueError, match="must be one of") as error:
        Quiz(*arguments, **options)
    assert words in str(error.value)


def test_a_place_without_questions_is_named(monkeypatch):
    monkeypatch.setattr(quiz, "questions", lambda lesson, where: ())
    with pytest.raises(ValueError, match="lesson '01_autoencoder_to_vae' has no questions for where='exercise'"):
        Quiz(LESSON, "exercise")


# What stands where the widget cannot run


def test_the_notebook_holds_the_questions_as_text_and_no_answers():
    bundle = Quiz(LESSON)._repr_mimebundle_()[0]
    assert "image/png" not in bundle
    text = bundle["text/markdown"]
    assert text.startswith("**Question 1.** A plain autoencoder reconstructs well")
    assert bundle["text/plain"].startswith("Quiz('01_autoencoder_to_vae', 'lesson'): ")
    for question in questions(LESSON):
        said = question.said([0] if isinstance(question, ChoiceQuestion) else question.answer)
        assert not any(feedback in text for feedback in said)
    assert text == Quiz(LESSON)._repr_mimebundle_()[0]["text/markdown"]


def test_signs_of_markdown_are_letters_outside_of_code():
    assert quiz._escaped("a*b_c `x_*` <i> $5$ [q] # ~ |") == r"a\*b\_c `x_*` \<i\> \$5\$ \[q\] \# \~ \|"


def test_the_static_page_has_the_widget_in_place_of_the_text():
    bundle = Quiz(LESSON)._repr_mimebundle_()[0] | {static.VIEW: {"model_id": "a"}}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("quiz", outputs=[nbformat.v4.new_output("display_data", bundle)])],
        metadata={"widgets": {static.STATE: {"state": {"a": {"state": {"scene": Quiz(LESSON).scene}}}}}},
    )
    (output,) = static.enliven(notebook).cells[0].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert "random-codes" in output.data["text/html"]


# Storing


def test_answers_are_stored_beside_the_notebook_and_no_score_is_told(beside):
    answers = {id: answer for id, answer in right_answers().items() if id != "half-a-nat"}
    reply = store(Quiz(SET, record="before.json"), answers)
    assert reply == {"kept": False, "words": f"11 of 12 questions answered, stored in {beside / 'before.json'}."}
    assert [path.name for path in beside.iterdir()] == ["before.json"]
    content = json.loads((beside / "before.json").read_text())
    assert (content["set"], content["answers"]) == (SET, answers)
    assert content["version"] == sha256((FOLDER / f"{SET}.toml").read_bytes()).hexdigest()
    age = datetime.now(UTC) - datetime.fromisoformat(content["time"])
    assert timedelta(-1) < age < timedelta(minutes=5)
    assert read_record(beside / "before.json").answers == answers


def test_a_stored_file_is_kept_unless_it_shall_be_replaced(beside):
    widget, file = Quiz(SET, record="before.json"), beside / "before.json"
    store(widget, {"half-a-nat": [1]})
    first = file.read_bytes()
    assert store(widget, {"half-a-nat": [2]}) == {"kept": True, "words": f"{file} is there already and was kept."}
    assert file.read_bytes() == first
    assert store(widget, {"half-a-nat": [2]}, replace=True)["kept"] is False
    assert read_record(file).answers == {"half-a-nat": [2]}
    file.write_text("torn")
    assert store(widget, {})["kept"] is True
    assert file.read_text() == "torn"


def test_after_the_course_both_counts_and_the_feedback_are_told(beside):
    before = dict(list(right_answers().items())[:4])
    store(Quiz(SET, record="before.json"), before)
    after = {**right_answers(), "half-a-nat": [0]}
    del after["three-halvings"]
    reply = store(Quiz(SET, record="after.json"), after)
    assert reply["counts"] == "Before the course 4 of 12 were right, after it 10 of 12."
    by_id = {question.id: question for question in before_and_after()}
    assert set(reply["marked"]) == set(after)
    assert [id for id, mark in reply["marked"].items() if not mark["right"]] == ["half-a-nat"]
    assert reply["marked"]["half-a-nat"]["said"] == [by_id["half-a-nat"].choices[0].feedback]


def test_without_a_usable_file_from_before_there_is_nothing_to_compare(beside):
    reply = store(Quiz(SET, record="after.json"), right_answers())
    assert reply["counts"].startswith(f"Nothing to compare with ({beside / 'before.json'}: ")
    assert reply["counts"].endswith("Right are 12 of 12.")


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("answers", [{"no-such": [0]}, {"half-a-nat": [9]}, {"half-a-nat": "x"}, [1]])
def test_answers_that_cannot_be_given_are_not_stored(beside, answers):
    assert "ValueError: " in store(Quiz(SET, record="before.json"), answers)["problem"]
    assert list(beside.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_told(beside):
    widget = Quiz(SET, record="before.json")
    widget._file = beside / "gone" / "before.json"
    assert "FileNotFoundError" in store(widget, {})["problem"]


def test_a_file_is_never_seen_half_written(beside, monkeypatch):
    file = beside / "before.json"
    Record({}, TIME).write(file)
    first = file.read_bytes()

    def full(*arguments):
        raise OSError("the disk is full")

    monkeypatch.setattr("vae_tutorial.course.record.os.replace", full)
    assert "the disk is full" in store(Quiz(SET, record="before.json"), {"half-a-nat": [0]}, replace=True)["problem"]
    assert file.read_bytes() == first
    assert [path.name for path in beside.iterdir()] == ["before.json"]
