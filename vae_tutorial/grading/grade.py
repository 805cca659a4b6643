"""Grade a class: mark what is new, store each verdict as it comes, and write what people read."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from vae_tutorial.grading.book.autograded import autograded, prepare_folder
from vae_tutorial.grading.book.gradebook import Book
from vae_tutorial.grading.book.journal import Journal
from vae_tutorial.grading.intake.collect import Found, collect
from vae_tutorial.grading.judging.key import Key
from vae_tutorial.grading.judging.marking import Settings, mark, unjudged
from vae_tutorial.grading.judging.weights import with_copies
from vae_tutorial.grading.records import Submission, Verdict
from vae_tutorial.grading.reports.class_report import class_page
from vae_tutorial.grading.reports.feedback import write_feedback
from vae_tutorial.grading.reports.standing import HandMarks
from vae_tutorial.grading.reports.table import write_csv
from vae_tutorial.grading.sandbox import SandboxUnavailable
from vae_tutorial.grading.words import put_in_place

NO_SANDBOX = 3  # in a row, after which nobody's code can be run here


@dataclass
class Outcome:
    """verdicts: one for each learner. marked: how many of them now, not in an earlier run. failed: by learner, what
    stood against a verdict or its page; the next run tries again.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    hand_marks: HandMarks = field(default_factory=dict)
    marked: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def grade(
    key: Key,
    submissions: Path,
    output: Path,
    executor: Executor,
    settings: Settings = Settings(),  # noqa: B008
    *,
    due: str = "",
    ahead: int = 8,
) -> Outcome:
    """Mark the submissions that have no verdict by this key yet; write gradebook, feedback pages, table and report.

    due: ISO 8601 with its zone. ahead: submissions that the executor holds at once; the others wait on the disk. Each
    verdict is on the disk before the next is looked at, so the same call goes on where a killed one stopped. Raises
    ValueError for submissions, an output folder or a time that cannot be, SandboxUnavailable where no sandbox starts.
    """
    found = collect(submissions, key.assignment)
    (output / "verdicts").mkdir(parents=True, exist_ok=True)
    prepare_folder(output, key.assignment)
    outcome = Outcome()
    with Journal(output / "verdicts" / f"{key.assignment}.jsonl") as journal, Book(output) as book:
        book.add_assignment(key.assignment, key.notebook, due)
        judged = _known(found, journal, settings.version(key))
        new = [one for one in found if one.learner not in judged]
        for verdict in _marked(new, len(judged), key, executor, settings, outcome, ahead):
            journal.append(verdict)
            judged[verdict.learner] = verdict
            book.record(verdict)
            outcome.marked += 1
        for one in found:
            verdict = judged.get(one.learner) or unjudged(key, one.load(), settings, outcome.failed[one.learner])
            outcome.verdicts.append(_as_handed_in(verdict, one, due))
            book.record(outcome.verdicts[-1])  # where a run was killed behind the journal; else it changes nothing
        outcome.hand_marks, comments = book.hand_marks(key.assignment), book.comments(key.assignment)
    for one, verdict in zip(found, outcome.verdicts, strict=True):
        said = _by_item(comments.get(one.learner, {}), key)
        try:
            _publish(verdict, one.load(), key, output)
            write_feedback(verdict, output / "feedback", outcome.hand_marks.get(one.learner, {}), said)
        except Exception as error:  # the others get their pages
            outcome.failed[one.learner] = f"its pages are not written, {type(error).__name__}: {error}"
    outcome.verdicts = with_copies(outcome.verdicts)
    write_csv(outcome.verdicts, outcome.hand_marks, output / f"{key.assignment}.csv")
    put_in_place(output / f"{key.assignment}.html", class_page(outcome.verdicts, outcome.hand_marks))
    return outcome


def _known(found: Iterable[Found], journal: Journal, version: str) -> dict[str, Verdict]:
    """The verdicts by this key on what is there. One that lacks a verdict on an item is tried again, once."""
    times = Counter((verdict.learner, verdict.submission, verdict.key) for verdict in journal.verdicts())
    known = {}
    for one in found:
        verdict = journal.holds(one.learner, one.load().sha256, version)
        if verdict and (verdict.settled or times[verdict.learner, verdict.submission, verdict.key] > 1):
            known[one.learner] = verdict
    return known


def _marked(
    found: list[Found], before: int, key: Key, executor: Executor, settings: Settings, outcome: Outcome, ahead: int
) -> Iterator[Verdict]:
    """The verdicts on these submissions, as they come. before: how many there are already."""
    waiting, running, without = list(found), dict[Future[Verdict], str](), 0
    with tqdm(total=before + len(found), initial=before, desc=key.assignment, unit=" notebooks") as bar:
        while waiting or running:
            while waiting and len(running) < ahead:
                submission = waiting.pop(0).load()
                running[executor.submit(mark, key, submission, settings)] = submission.learner
            done = wait(running, return_when=FIRST_COMPLETED).done
            for future in [future for future in running if future in done]:
                learner = running.pop(future)
                try:
                    yield future.result()
                    without = 0
                except Exception as error:  # a lost worker, or a fault of ours: told, and tried again by the next run
                    without += isinstance(error, SandboxUnavailable)
                    if without == NO_SANDBOX:
                        raise
                    outcome.failed[learner] = f"{type(error).__name__}: {error}"
                bar.update()


def _as_handed_in(verdict: Verdict, found: Found, due: str) -> Verdict:
    """The verdict with the time that is known now, and the seconds behind the deadline; nothing is taken off for it."""
    verdict = replace(verdict, handed_in=found.handed_in)
    if not (due and verdict.handed_in):
        return verdict
    behind = (datetime.fromisoformat(verdict.handed_in) - datetime.fromisoformat(due)).total_seconds()
    return replace(verdict, late=max(0.0, behind))


def _publish(verdict: Verdict, submission: Submission, key: Key, output: Path) -> None:
    """Write what formgrader shows. Raises ValueError where it is not any more what was judged."""
    if submission.sha256 != verdict.submission:
        raise ValueError("the file has changed since it was judged")
    place = output / "autograded" / verdict.learner / key.assignment
    place.mkdir(parents=True, exist_ok=True)
    page = autograded(submission.notebook, key.notebook, verdict)
    put_in_place(place / f"{key.assignment}.ipynb", page.decode())


def _by_item(comments: Mapping[str, str], key: Key) -> dict[str, str]:
    """Comments by the item that they are on: those on an answer belong to the next item below it."""
    found: dict[str, str] = {}
    waiting: list[str] = []
    for cell in key.cells:
        waiting += [comments[cell.grade_id]] if cell.grade_id in comments else []
        if cell.role in ("checks", "written") and waiting:
            found[cell.grade_id], waiting = "\n".join(waiting), []
    return found


def read_key(assignment: str, notebook: Path) -> Key:
    """The key in a solution's notebook. Raises ValueError where there is none."""
    if not notebook.is_file():
        raise ValueError(f"the key must be a solution's notebook, got {notebook}, which is not there")
    return Key(assignment, notebook.read_bytes())
