"""Grade a class: mark what is new, store each verdict as it comes, and write what people read."""

from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from vae_tutorial.grading.book.autograded import autograded, prepare_folder
from vae_tutorial.grading.book.gradebook import Book
from vae_tutorial.grading.book.journal import Journal
from vae_tutorial.grading.intake.collect import Found, collect
from vae_tutorial.grading.judging.key import Key
from vae_tutorial.grading.judging.marking import Settings, mark
from vae_tutorial.grading.judging.weights import with_copies
from vae_tutorial.grading.records import Submission, Verdict
from vae_tutorial.grading.reports.class_report import class_page
from vae_tutorial.grading.reports.feedback import write_feedback
from vae_tutorial.grading.reports.standing import HandMarks
from vae_tutorial.grading.reports.table import write_csv
from vae_tutorial.grading.sandbox import SandboxUnavailable
from vae_tutorial.grading.words import put_in_place

AHEAD = 8  # submissions that are read before an executor takes them; the others wait on the disk


@dataclass
class Outcome:
    """verdicts: one for each learner who was judged. marked: how many of them now, not in an earlier run. failed: by
    learner, what stood against a verdict; the next run tries again.
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
) -> Outcome:
    """Mark the submissions that have no verdict by this key yet; write gradebook, feedback pages, table and report.

    due: ISO 8601 with its zone. Each verdict is on the disk before the next is looked at, so the same call goes on
    where a killed one stopped. Raises ValueError for submissions, an output folder or a time that cannot be,
    SandboxUnavailable where no sandbox starts.
    """
    found = collect(submissions, key.assignment)
    (output / "verdicts").mkdir(parents=True, exist_ok=True)
    prepare_folder(output, key.assignment)
    outcome = Outcome()
    with Journal(output / "verdicts" / f"{key.assignment}.jsonl") as journal, Book(output) as book:
        book.add_assignment(key.assignment, key.notebook, due)
        for verdict in _new(found, key, journal, executor, settings, outcome):
            journal.append(verdict)
            book.record(verdict)
            outcome.marked += 1
        handed_in = {}
        for one in found:
            if judged := journal.holds(one.learner, one.load().sha256, settings.version(key)):
                verdict = _with_lateness(judged, due)
                book.record(verdict)  # where a run was killed behind the journal; else it changes nothing
                outcome.verdicts.append(verdict)
                handed_in[one.learner] = one
        outcome.hand_marks, comments = book.hand_marks(key.assignment), book.comments(key.assignment)
    for verdict in outcome.verdicts:
        learner = verdict.learner
        _publish(verdict, handed_in[learner].load(), key, output)
        said = _by_item(comments.get(learner, {}), key)
        write_feedback(verdict, output / "feedback", outcome.hand_marks.get(learner, {}), said)
    outcome.verdicts = with_copies(outcome.verdicts)
    write_csv(outcome.verdicts, outcome.hand_marks, output / f"{key.assignment}.csv")
    put_in_place(output / f"{key.assignment}.html", class_page(outcome.verdicts, outcome.hand_marks))
    return outcome


def _new(
    found: list[Found], key: Key, journal: Journal, executor: Executor, settings: Settings, outcome: Outcome
) -> Iterator[Verdict]:
    """The verdicts on what was not judged yet, as they come."""
    version = settings.version(key)
    waiting = [one for one in found if not journal.holds(one.learner, one.load().sha256, version)]
    running: dict[Future[Verdict], str] = {}
    with tqdm(total=len(found), initial=len(found) - len(waiting), desc=key.assignment, unit=" notebooks") as bar:
        while waiting or running:
            while waiting and len(running) < AHEAD:
                submission = waiting.pop(0).load()
                running[executor.submit(mark, key, submission, settings)] = submission.learner
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                learner = running.pop(future)
                try:
                    yield future.result()
                except (SandboxUnavailable, CancelledError):
                    raise
                except Exception as error:  # a lost worker, or a fault of ours: told, and tried again by the next run
                    outcome.failed[learner] = f"{type(error).__name__}: {error}"
                bar.update()


def _with_lateness(verdict: Verdict, due: str) -> Verdict:
    """The verdict, with the seconds behind the deadline; nothing is taken off for it."""
    if not (due and verdict.handed_in):
        return verdict
    behind = (datetime.fromisoformat(verdict.handed_in) - datetime.fromisoformat(due)).total_seconds()
    return replace(verdict, late=max(0.0, behind))


def _publish(verdict: Verdict, submission: Submission, key: Key, output: Path) -> None:
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
