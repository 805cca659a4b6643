"""Grading as a command: from what was typed to the table that ends it."""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console

from vae_tutorial.arguments import check_whole
from vae_tutorial.grading.grade import grade, read_key
from vae_tutorial.grading.judging.marking import Settings, mark
from vae_tutorial.grading.judging.talking import ended
from vae_tutorial.grading.records import Mark, Submission, Verdict
from vae_tutorial.grading.reports.table import print_table
from vae_tutorial.grading.sandbox import SandboxUnavailable, choose
from vae_tutorial.sweep.machines import cluster

SOLUTIONS = Path(__file__).parents[2] / "solutions"
OF_CLUSTER = 64  # submissions that it is given at once
GO_ON = "the verdicts that are there are stored, the same command goes on with the others"


def run(args: argparse.Namespace) -> int:
    """Grade, print the table; returns the exit status, 1 where a submission has no verdict yet."""
    try:
        key = read_key(args.assignment, _key_of(args))
        settings = Settings(trusted=args.trusted, assigned=args.assigned)
        _check_due(args.due)
        if args.scheduler is None:
            choose(args.trusted)  # before anything is written; a cluster's machines find out by themselves
        with _executor(args) as executor:
            ahead = 2 * args.jobs if args.scheduler is None else OF_CLUSTER
            outcome = grade(key, args.submissions, args.output, executor, settings, due=args.due, ahead=ahead)
            of_key = executor.submit(mark, key, _solution(args), settings).result() if outcome.marked else None
    except (ValueError, TypeError) as error:
        print(error, file=sys.stderr)
        return 2
    except (ImportError, OSError, SandboxUnavailable) as error:
        print(error, file=sys.stderr)
        return 1
    except (BrokenExecutor, CancelledError) as error:
        print(f"the workers are lost ({error}); {GO_ON}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped; {GO_ON}", file=sys.stderr)
        return 130
    print_table(outcome.verdicts, outcome.hand_marks, Console())
    if of_key is not None:
        print(_said_of_key(of_key))
    if unknown := sum(not verdict.handed_in for verdict in outcome.verdicts) if args.due else 0:
        print(f"{unknown} of {len(outcome.verdicts)} do not say when they were handed in, and are not called late")
    for learner, why in outcome.failed.items():
        print(f"{learner}: {why}; {GO_ON}", file=sys.stderr)
    print(
        f"in {args.output}: {key.assignment}.html (report), {key.assignment}.csv, gradebook.db, feedback/, autograded/"
    )
    return 1 if outcome.failed else 0


def _check_due(due: str) -> None:
    try:
        known = not due or datetime.fromisoformat(due).tzinfo is not None
    except ValueError:
        known = False
    if not known:
        raise ValueError(f"--due must be a time with its zone, as 2030-01-31T23:59+01:00, got {due}")


def _key_of(args: argparse.Namespace) -> Path:
    lessons = sorted(path.name for path in SOLUTIONS.glob("*/"))
    if args.key is None and args.assignment not in lessons:
        accepted = f"of {', '.join(lessons)}" if lessons else "of a checkout of the course, which is not here"
        raise ValueError(f"ASSIGNMENT must be {accepted}, or --key must name its key, got {args.assignment}")
    return args.key or SOLUTIONS / args.assignment / f"{args.assignment}.ipynb"


def _solution(args: argparse.Namespace) -> Submission:
    """The key as what is handed in, with the files beside it."""
    path = _key_of(args)
    files = {file.name: file.read_bytes() for file in path.parent.iterdir() if file.suffix == ".safetensors"}
    return Submission("", args.assignment, path.read_bytes(), files)


def _said_of_key(verdict: Verdict) -> str:
    """Whether a key can be trusted: what its own answers earn."""
    checked = [mark for mark in verdict.marks if not mark.by_hand]
    lost = [f"{mark.title} ({mark.reason or _why(mark)})" for mark in checked if mark.points != mark.most]
    if not lost:
        return f"the key's own answers earn all {sum(mark.most for mark in checked):g} points that are checked"
    return f"look at the key: its own answers do not earn {'; '.join(lost)}"


def _why(mark: Mark) -> str:
    return next((line.text for line in mark.lines if not line.good), f"{mark.points:g} of {mark.most:g}")


@contextmanager
def _executor(args: argparse.Namespace) -> Iterator[Executor]:
    """Threads here, each with processes of its own that do the work, or a cluster."""
    if args.scheduler is not None:
        with cluster(args.scheduler) as executor:
            yield executor
        return
    executor = ThreadPoolExecutor(check_whole(args.jobs, name="--jobs"))
    try:
        yield executor
    finally:
        with ended():
            executor.shutdown(cancel_futures=True)
