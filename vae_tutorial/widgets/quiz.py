"""Concept questions: a lesson's with feedback for every answer, and the set asked before and after the course."""

import hashlib
import json
import re
from pathlib import Path

from vae_tutorial.arguments import check_choice
from vae_tutorial.course.question import Choice, ChoiceQuestion, Question
from vae_tutorial.course.questions import SET, before_and_after, questions, version_of_set
from vae_tutorial.course.record import AFTER, BEFORE, RECORDS, Record, now, read_record
from vae_tutorial.widgets.console import Console
from vae_tutorial.widgets.models import Json

SPECIAL = re.compile(r"([\\*_<>\[\]$#~|])")  # to Markdown


class Quiz(Console):
    """The concept questions of a lesson, each with a button that checks the answer; any number of attempts.

    lesson: such as "01_autoencoder_to_vae". where: "lesson" or "exercise", which have questions of their own.
    record: for `Quiz("before_and_after", record="before.json")` and "after.json" only, the set that learners answer
    before and after the course. It gives no feedback; a button stores the answers in that file beside the notebook
    (the kernel's folder), and keeps a file that is there unless told to replace it. Once "after.json" is stored, both
    counts and the feedback are shown. Raises ValueError for anything else, and where there are no questions.
    """

    title = "Concept questions"

    def __init__(self, lesson: str, where: str = "lesson", *, record: str | None = None):
        if lesson == SET or record is not None:
            check_choice(record, RECORDS, name=f"record of {SET!r}")
            check_choice(lesson, (SET,), name="lesson with a record")
            asked = before_and_after()
        else:
            asked = questions(lesson, where)
        if not asked:
            raise ValueError(f"lesson {lesson!r} has no questions for where={where!r}")
        scene: Json = {"kind": "quiz", "questions": [_question(question, answers=record is None) for question in asked]}
        if record is not None:
            scene["record"] = {"file": record, "set": SET, "version": version_of_set()}
            self._file = Path(record).absolute()
        said = f", record={record!r}" if record else f", {where!r}"
        self._show(scene, still=lambda: _markdown(asked), name=f"Quiz({lesson!r}{said}): {len(asked)} questions")
        super().__init__()

    def _reply(self, question: Json) -> bytes:
        """Store {"answers": by id, "replace": whether to}; gives what the page shall say about it, as JSON."""
        record = Record(question["answers"], now())
        reply: Json = {"kept": self._file.exists() and not question["replace"]}
        if reply["kept"]:
            reply["words"] = f"{self._file} is there already and was kept."
        else:
            record.write(self._file)
            count = f"{len(record.answers)} of {len(before_and_after())} questions answered"
            reply["words"] = f"{count}, stored in {self._file}."
            if self._file.name == AFTER:
                reply |= _compared(record, self._file.with_name(BEFORE))
        return json.dumps(reply).encode()


def _compared(after: Record, path: Path) -> Json:
    """What is said after the course: how many were right before and now, and the feedback to each answer."""
    right = after.right()
    try:
        before = f"Before the course {sum(read_record(path).right().values())} of {len(right)} were right, after it"
    except ValueError as error:
        before = f"Nothing to compare with ({error}). Right are"
    marked = {
        question.id: {"right": right[question.id], "said": question.said(after.answers[question.id])}
        for question in before_and_after()
        if question.id in after.answers
    }
    return {"counts": f"{before} {sum(right.values())} of {len(right)}.", "marked": marked}


def _question(question: Question, *, answers: bool) -> Json:
    """A question for the scene, with what is right and what is said about it only if `answers`."""
    shown: Json = {"id": question.id, "text": question.text}
    if isinstance(question, ChoiceQuestion):
        choices = [
            {"place": place, "text": choice.text}
            | ({"right": choice.right, "feedback": choice.feedback} if answers else {})
            for place, choice in _shuffled(question)
        ]
        return shown | {"kind": "multiple" if question.multiple else "single", "choices": choices}
    shown |= {"kind": "numeric", "unit": question.unit}
    if answers:
        slips = [{"value": slip.value, "feedback": slip.feedback} for slip in question.slips]
        shown |= {"answer": question.answer, "tolerance": question.tolerance, "feedback": question.feedback}
        shown |= {"otherwise": question.otherwise, "slips": slips}
    return shown


def _shuffled(question: ChoiceQuestion) -> list[tuple[int, Choice]]:
    """The choices with their places in the file, in an order that depends on the question's id alone."""

    def drawn(place: int) -> bytes:
        return hashlib.sha256(f"{question.id}/{place}".encode()).digest()

    return [(place, question.choices[place]) for place in sorted(range(len(question.choices)), key=drawn)]


def _markdown(asked: tuple[Question, ...]) -> str:
    """The questions and their choices, no answers: for places where the widget cannot run."""
    parts = []
    for number, question in enumerate(asked, start=1):
        lines = [f"**Question {number}.** {_escaped(question.text)}"]
        if isinstance(question, ChoiceQuestion):
            lines += ["", *(f"- {_escaped(choice.text)}" for _, choice in _shuffled(question))]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _escaped(text: str) -> str:
    """Text for Markdown: nothing in it is a sign but the backticks around code."""
    pieces = text.split("`")
    pieces[::2] = [SPECIAL.sub(r"\\\1", piece) for piece in pieces[::2]]
    return "`".join(pieces)
