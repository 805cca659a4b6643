"""Concept questions in a browser, by keyboard alone: checked, tried again, stored, downloaded, and free of barriers."""

import json
import re
from datetime import datetime

import pytest
from accessibility import violations
from playwright.sync_api import expect
from siblings import serve
from widget_hands import fits, open_saved, shown

from vae_tutorial.course.question import Choice, ChoiceQuestion, NumberQuestion, Slip
from vae_tutorial.course.questions import before_and_after, version_of_set
from vae_tutorial.course.record import read_record
from vae_tutorial.widgets import Quiz, quiz

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

SET = "before_and_after"
ONE = ChoiceQuestion(
    "one-choice", "Which of them is `sigma`?",
    (Choice("`exp(logvar)`", "That is its square."), Choice("`exp(logvar / 2)`", "Half of the log variance.", True),
     Choice("`logvar`", "That may be negative.")),
)  # fmt: skip
SOME = ChoiceQuestion(
    "some-choices", "Which cost nothing? Choose all that apply.",
    (Choice("μ = 0 and σ = 1", "The prior itself.", True), Choice("μ = 2", "It costs 2 nats.", False),
     Choice("a latent that is switched off", "It is the prior.", True), Choice("σ = 0", "Endless.", False)),
    multiple=True,
)  # fmt: skip
NUMBER = NumberQuestion(
    "a-number", "How much does `mu = 2` cost?", 2.0, 0.1, "nats", "½ · 2² = 2.", "Half of the square.",
    (Slip(4.0, "You left out the ½."), Slip(-2.0, "A price is never negative.")),
)  # fmt: skip
QUESTIONS = (ONE, SOME, NUMBER)


@pytest.fixture
def lesson(monkeypatch):
    monkeypatch.setattr(quiz, "questions", lambda lesson, where: QUESTIONS)
    return Quiz("01_autoencoder_to_vae")


@pytest.fixture
def beside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keys(page, *names):
    for name in names:
        page.keyboard.press(name)


def go_to(page, locator):
    """Press Tab until this control has the focus."""
    for _ in range(60):
        if locator.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("Tab does not lead there")


def card(root, number):
    return root.get_by_role("group", name=re.compile(rf"^Question {number}\b"))


def told(root, number):
    return card(root, number).locator("[aria-live=polite]")


# A lesson's questions


def test_one_choice_by_keys_wrong_first_and_then_right(page, lesson):
    root = shown(page, lesson)
    first = root.get_by_role("radio").first
    go_to(page, first)
    right = card(root, 1).get_by_label("exp(logvar / 2)", exact=True)
    while right.is_checked() or not root.get_by_role("radio", checked=True).count():
        keys(page, "ArrowDown")
    wrong = root.get_by_role("radio", checked=True).input_value()
    keys(page, "Enter")
    expect(told(root, 1).locator(".vx-verdict")).to_have_text("Not yet")
    expect(told(root, 1)).to_contain_text(ONE.choices[int(wrong)].feedback)
    while not right.is_checked():
        keys(page, "ArrowDown")
        expect(told(root, 1)).to_be_empty()  # it was said of another answer
    go_to(page, root.get_by_role("button", name="Check question 1"))
    keys(page, "Space")
    expect(told(root, 1)).to_have_text("RightHalf of the log variance.")
    assert page.evaluate("leaked") == []


def test_of_several_choices_each_is_told_and_the_missing_ones_are_counted(page, lesson):
    root = shown(page, lesson)
    prior = card(root, 2).get_by_label("μ = 0 and σ = 1")
    go_to(page, prior)
    keys(page, "Space", "Enter")
    expect(told(root, 2).locator("p")).to_have_text(
        ["Not yet", "μ = 0 and σ = 1 (right)The prior itself.", "One more belongs to it."]
    )
    go_to(page, card(root, 2).get_by_label("μ = 2"))
    keys(page, "Space", "Enter")
    expect(told(root, 2)).to_contain_text("μ = 2 (not so)It costs 2 nats.")
    expect(told(root, 2)).to_contain_text("One more belongs to it.")
    keys(page, "Space")
    go_to(page, card(root, 2).get_by_label("a latent that is switched off"))
    keys(page, "Space", "Enter")
    expect(told(root, 2).locator(".vx-verdict")).to_have_text("Right")
    expect(told(root, 2)).not_to_contain_text("belong")


@pytest.mark.parametrize(
    ("typed", "verdict", "feedback"),
    [
        ("2", "Right", "½ · 2² = 2."), ("2.1", "Right", "½ · 2² = 2."), ("1.9", "Right", "½ · 2² = 2."),
        ("2.11", "Not yet", "Half of the square."), ("4.05", "Not yet", "You left out the ½."),
        ("-2", "Not yet", "A price is never negative."), ("1e9", "Not yet", "Half of the square."),
    ],
)  # fmt: skip
def test_a_number_is_typed_and_checked_by_enter(page, lesson, typed, verdict, feedback):
    root = shown(page, lesson)
    go_to(page, root.get_by_role("spinbutton", name="Your answer"))
    page.keyboard.type(typed)
    keys(page, "Enter")
    expect(told(root, 3)).to_have_text(f"{verdict}{feedback}")


def test_without_an_answer_the_page_asks_for_one(page, lesson):
    root = shown(page, lesson)
    wanted = ["Choose an answer first.", "Choose one or more answers first.", "Type a number first, such as 0.5 or -2."]
    for number, words in enumerate(wanted, start=1):
        go_to(page, root.get_by_role("button", name=f"Check question {number}"))
        keys(page, "Enter")
        expect(told(root, number)).to_have_text(words)
        assert told(root, number).locator(".vx-verdict").count() == 0


@pytest.mark.parametrize("question", [ONE, SOME, NUMBER], ids=lambda question: question.id)
def test_page_and_package_agree_on_every_answer(page, lesson, question):
    scene = next(each for each in lesson.scene["questions"] if each["id"] == question.id)
    if isinstance(question, NumberQuestion):
        answers = [value + step for value in (2.0, 4.0, -2.0, 0.0) for step in (-0.11, -0.1, 0, 0.1, 0.1 + 1e-12, 0.11)]
    else:
        subsets = [[i for i in range(len(question.choices)) if bits >> i & 1] for bits in range(1, 16)]
        answers = [places for places in subsets if places and (question.multiple or len(places) == 1)]
    assert len(answers) >= 2
    verdicts = page.evaluate("([q, all]) => all.map(a => vx.verdictOf(q, a))", [scene, answers])
    for answer, verdict in zip(answers, verdicts, strict=True):
        assert verdict["right"] == question.is_right(answer), answer
        lines = [line["feedback"] if isinstance(line, dict) else line for line in verdict["said"]]
        assert sorted(lines) == sorted(question.said(answer)), answer


def test_backticks_are_code_and_no_text_is_html(page, monkeypatch):
    hostile = "<img src=x onerror=alert(1)>"
    asked = (
        ChoiceQuestion("hostile", f"{hostile} and `{hostile}`?", (Choice(hostile, hostile, True), Choice("b", "c"))),
    )
    monkeypatch.setattr(quiz, "questions", lambda lesson, where: asked)
    root = shown(page, Quiz("01_autoencoder_to_vae"))
    expect(root.locator("legend code")).to_have_text(hostile)
    go_to(page, root.get_by_label(hostile, exact=True))
    keys(page, "Space", "Enter")
    expect(told(root, 1)).to_have_text(f"Right{hostile}")
    assert root.locator("img").count() == 0


# The set before and after


def choose_all(page, root):
    """Answer all twelve by keys, the first choice of each; gives the answers as they shall be stored."""
    answers, scene = {}, Quiz(SET, record="before.json").scene["questions"]
    for number, question in enumerate(scene, start=1):
        field = card(root, number).locator("input").first
        go_to(page, field)
        if question["kind"] == "numeric":
            page.keyboard.type("1.25")
            answers[question["id"]] = 1.25
        else:
            keys(page, "Space")
            answers[question["id"]] = [question["choices"][0]["place"]]
    return answers


def test_the_set_is_stored_by_one_button_kept_and_replaced(page, beside):
    widget = Quiz(SET, record="before.json")
    root = shown(page, widget)
    assert root.get_by_role("button").all_inner_texts() == ["Store answers"]
    answers = choose_all(page, root)
    status, button = root.get_by_role("status"), root.get_by_role("button", name="Store answers")
    go_to(page, button)
    keys(page, "Enter")
    serve(page, widget, rounds=2)
    expect(status).to_have_text(f"12 of 12 questions answered, stored in {beside / 'before.json'}.")
    assert read_record(beside / "before.json").answers == answers
    assert root.locator(".vx-verdict").count() == 0
    replace = root.get_by_role("checkbox", name="Replace before.json")
    expect(replace).not_to_be_visible()
    keys(page, "Enter")
    serve(page, widget, rounds=2)
    expect(status).to_contain_text("is there already and was kept.")
    (beside / "before.json").write_text("an older one")
    keys(page, "Tab", "Space")
    expect(replace).to_be_checked()
    keys(page, "Shift+Tab", "Enter")
    serve(page, widget, rounds=2)
    expect(status).to_contain_text("12 of 12 questions answered, stored in")
    assert read_record(beside / "before.json").answers == answers
    assert page.evaluate("leaked") == []


def test_after_the_course_counts_and_feedback_are_shown(page, beside):
    before = Quiz(SET, record="before.json")
    before._reply({"answers": {"three-halvings": 4.0}, "replace": False})
    widget = Quiz(SET, record="after.json")
    root = shown(page, widget)
    answers = choose_all(page, root)
    right = sum(question.is_right(answers[question.id]) for question in before_and_after())
    go_to(page, root.get_by_role("button", name="Store answers"))
    keys(page, "Enter")
    serve(page, widget, rounds=2)
    expect(root.get_by_role("status")).to_contain_text(f"Before the course 1 of 12 were right, after it {right} of 12.")
    assert root.locator(".vx-verdict").all_inner_texts().count("Right") == right
    assert root.locator(".vx-verdict").count() == 12
    for number, question in enumerate(before_and_after(), start=1):
        for sentence in question.said(answers[question.id]):
            expect(told(root, number)).to_contain_text(sentence.replace("`", ""))


def test_what_the_kernel_could_not_store_is_told(page, beside):
    widget = Quiz(SET, record="before.json")
    widget._file = beside / "gone" / "before.json"
    root = shown(page, widget)
    go_to(page, root.get_by_role("button", name="Store answers"))
    keys(page, "Enter")
    page.wait_for_function("model.asked.length")
    problem = "FileNotFoundError: no such folder"
    page.evaluate("problem => answer({ answer: model.asked.splice(0)[0].ask, problem })", problem)
    expect(root.get_by_role("status")).to_have_text(f"The answers were not stored: {problem}")


def test_a_kernel_that_does_not_answer_is_told(page, beside):
    root = shown(page, Quiz(SET, record="before.json"))
    go_to(page, root.get_by_role("button", name="Store answers"))
    keys(page, "Enter")
    expect(root.get_by_role("status")).to_contain_text("The kernel has not answered yet.", timeout=8_000)


def test_without_a_kernel_the_same_file_is_downloaded(page, beside):
    page = open_saved(page, Quiz(SET, record="before.json"), beside)
    root = page.locator(".vx")
    answers = choose_all(page, root)
    go_to(page, root.get_by_role("button", name="Store answers"))
    with page.expect_download() as download:
        keys(page, "Enter")
    assert download.value.suggested_filename == "before.json"
    expect(root.get_by_role("status")).to_have_text(
        "12 of 12 questions answered, saved by your browser as before.json."
    )
    file = beside / "before.json"
    download.value.save_as(file)
    content = json.loads(file.read_text())
    assert (content["set"], content["version"], content["answers"]) == (SET, version_of_set(), answers)
    assert datetime.fromisoformat(content["time"]).tzinfo is not None
    assert read_record(file).answers == answers
    assert page.failures == []
    page.close()


def test_a_saved_page_of_a_lesson_checks_answers_without_a_kernel(page, lesson, tmp_path):
    page = open_saved(page, lesson, tmp_path)
    root = page.locator(".vx")
    go_to(page, root.get_by_role("spinbutton"))
    page.keyboard.type("4")
    keys(page, "Enter")
    expect(told(root, 3)).to_have_text("Not yetYou left out the ½.")
    assert violations(page, "body") == []
    assert page.failures == []
    page.close()


# Barriers


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900])
def test_axe_finds_nothing_and_narrow_windows_are_wide_enough(page, lesson, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.add_style_tag(content=":root { color-scheme: light dark; } body { background: light-dark(#fff, #111); }")
    page.set_viewport_size({"width": width, "height": 900})
    try:
        root = shown(page, lesson)
        for field in root.get_by_role("radio").all()[:1] + root.get_by_role("checkbox").all():
            field.check()
        root.get_by_role("spinbutton").fill("2")
        for button in root.get_by_role("button").all():
            button.click()
        assert root.locator(".vx-verdict").count() == 3
        assert violations(page, ".vx") == []
        assert fits(page)
        shown(page, Quiz(SET, record="before.json"))
        assert violations(page, ".vx") == []
        assert fits(page)
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.emulate_media(color_scheme="light")
