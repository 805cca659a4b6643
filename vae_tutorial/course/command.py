"""`vae-tutorial assign`."""

import argparse
import sys
from pathlib import Path

from vae_tutorial.course.assign import assign, exercises


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the sub-command takes."""
    parser.add_argument("exercise", nargs="*", metavar="EXERCISE", help="such as 01_autoencoder_to_vae (default: all)")
    parser.add_argument("--seed", nargs="+", required=True, metavar="ID", help="learners; each ID has its own variant")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("assigned"), metavar="FOLDER", help="default: assigned"
    )


def run(args: argparse.Namespace) -> int:
    """Write an exercise for each learner; returns the exit status, 1 where a file was there already."""
    status = 0
    for learner in args.seed:
        for lesson in args.exercise or exercises():
            try:
                print(assign(lesson, learner, args.output))
            except FileExistsError as error:
                print(f"left as it is: {error.filename}", file=sys.stderr)
                status = 1
            except (ValueError, FileNotFoundError) as error:
                print(error, file=sys.stderr)
                return 2
    return status
