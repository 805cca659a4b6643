"""Mark one submission: a pure function of its bytes and the key's, for any executor."""

import hashlib
import re
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from vae_tutorial.course.assign import assigned
from vae_tutorial.grading.judging.following import with_causes
from vae_tutorial.grading.judging.key import Item, Key
from vae_tutorial.grading.judging.learner import Learner
from vae_tutorial.grading.judging.referees import BROKEN, Referee, referee
from vae_tutorial.grading.judging.sheet import Sheet, SheetError, read_sheet
from vae_tutorial.grading.judging.talking import LostError
from vae_tutorial.grading.records import NO_VERDICT, Line, Mark, Submission, Verdict
from vae_tutorial.grading.sandbox import Limits, choose
from vae_tutorial.grading.words import plain, shortened

EXERCISE = re.compile(r'\bExercise\("([^"]+)"\)')
STUBS = ("", "*Your answer here.*", "YOUR ANSWER HERE")
MOST_STOPS = 20  # cells whose stop is told
MOST_LETTERS = 20_000  # of a written answer, in a verdict


@dataclass(frozen=True)
class Settings:
    """How to mark. trusted: without a sandbox. assigned: each learner was given the variant of their own name."""

    trusted: bool = False
    assigned: bool = False

    def version(self, key: Key) -> str:
        """SHA-256 of what a verdict by this key depends on."""
        return hashlib.sha256(f"{key.version}/assigned".encode()).hexdigest() if self.assigned else key.version


def mark(key: Key, submission: Submission, settings: Settings = Settings()) -> Verdict:
    """Judge everything of a submission. Raises SandboxUnavailable where no sandbox starts on this machine."""
    began = time.perf_counter()
    verdict = Verdict(
        submission.learner,
        submission.assignment,
        submission.sha256,
        settings.version(key),
        (),
        remarks=submission.remarks,
        handed_in=submission.handed_in,
        graded=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    try:
        if submission.problem:
            raise SheetError(submission.problem)
        verdict = _judged(key, submission, settings, verdict)
    except SheetError as error:
        verdict = replace(verdict, marks=tuple(_undecided(item, str(error)) for item in key.items))
    return replace(verdict, seconds=round(time.perf_counter() - began, 2))


def unjudged(key: Key, submission: Submission, settings: Settings, why: str) -> Verdict:
    """A verdict that leaves all to a person, or to another try."""
    marks = tuple(_undecided(item, f"{NO_VERDICT}: {why}") for item in key.items)
    return Verdict(submission.learner, submission.assignment, submission.sha256, settings.version(key), marks)


def in_variant(key: Key, learner: str) -> Key:
    """The key for one learner's variant."""
    drawn = [EXERCISE.search(cell.source) for cell in key.cells if cell.role == "variant"]
    if not learner or not drawn or drawn[0] is None:
        return key
    return Key(key.assignment, assigned(key.notebook.decode(), drawn[0][1], learner).encode())


def _judged(key: Key, submission: Submission, settings: Settings, verdict: Verdict) -> Verdict:
    named = read_sheet(submission.notebook, key).variant
    own = in_variant(key, named)
    sheet = read_sheet(submission.notebook, own)
    learner = Learner(choose(settings.trusted), sheet.steps, submission.files, Limits())
    weights: dict[str, Any] = {}
    try:
        marks = [_mark(item, sheet, learner, referee(own, settings.trusted), weights) for item in own.items]
    finally:
        learner.stop()
    stops = [f"{label} stopped: {why}" for label, why in learner.troubles.items()]
    remarks = [*sheet.remarks, *stops[:MOST_STOPS]]
    if len(stops) > MOST_STOPS:
        remarks.append(f"{len(stops) - MOST_STOPS} more cells stopped")
    if own.drawn and named != submission.learner and (named or settings.assigned):
        whose = f"the notebook is in the variant of {named!r}" if named else "the notebook is in nobody's variant"
        remarks.append(f"{whose}, not of {submission.learner!r}")
        marks = [replace(m, points=None, reason=whose) if m.id in own.drawn else m for m in marks]
    marks = with_causes(marks, own.items, sheet.steps)
    return replace(verdict, marks=tuple(marks), remarks=(*verdict.remarks, *remarks), weights=weights)


def _mark(item: Item, sheet: Sheet, learner: Learner, judging: Referee, weights: dict[str, Any]) -> Mark:
    if item.by_hand:
        return _written(item, sheet)
    try:
        stopped, kinds = learner.begin(item)
    except LostError as error:
        return _undecided(item, f"{NO_VERDICT}: the learner's process cannot be asked, {error}")
    if stopped:
        return Mark(item.id, item.title, item.most, points=0.0, reason=f"the given code stopped: {stopped}")
    if gone := [name for name in item.theirs if kinds[name] == "nothing"]:
        stops = "".join(f"; {label} stopped: {why}" for label, why in list(learner.troubles.items())[:3])
        reason = f"the notebook does not make {' and '.join(gone)}{stops}"
        return Mark(item.id, item.title, item.most, points=0.0, reason=reason)
    result = judging.judge(item, kinds, learner)
    if BROKEN in result:
        return _undecided(item, f"{NO_VERDICT}: {result[BROKEN]}")
    weights |= result["weights"]
    lines = tuple(Line(good, plain(shortened(text)), hidden) for good, text, hidden in result["lines"])
    return Mark(item.id, item.title, item.most, points=result["points"], lines=lines)


def _written(item: Item, sheet: Sheet) -> Mark:
    if item.id not in sheet.texts:
        reason = "the cell of this answer is not there; it may stand elsewhere in the file"
        return replace(_undecided(item, reason), by_hand=True)
    text = sheet.texts[item.id].strip()
    if text in STUBS:
        return Mark(item.id, item.title, item.most, by_hand=True, points=0.0, reason="nothing was written")
    answer = text[:MOST_LETTERS]
    return Mark(item.id, item.title, item.most, by_hand=True, reason="to be marked by hand", answer=answer)


def _undecided(item: Item, reason: str) -> Mark:
    return Mark(item.id, item.title, item.most, by_hand=item.by_hand, reason=reason)
