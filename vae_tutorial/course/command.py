"""`vae-tutorial assign` and `vae-tutorial gain`."""

import argparse
import sys
from pathlib import Path

from vae_tutorial.course import gain
from vae_tutorial.course.assign import assign, exercises


def add_assign(parser: argparse.ArgumentParser) -> None:
    """What `assign` takes."""
    parser.add_argument("exercise", nargs="*", metavar="EXERCISE", help="such as 01_autoencoder_to_vae (default: all)")
    parser.add_argument("--seed", nargs="+", required=True, metavar="ID", help="learners; each ID has its own variant")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("assigned"), metavar="FOLDER", help="default: assigned"
    )


def add_gain(parser: argparse.ArgumentParser) -> None:
    """What `gain` takes."""
    parser.add_argument("folder", type=Path, help="a sub-folder for each learner, such as nbgrader's `submitted`")
    parser.add_argument("-o", "--output", type=Path, metavar="TABLE", help="CSV file: a row per learner and question")


def run_assign(args: argparse.Namespace) -> int:
    """Write the exercises for each learner; returns the exit status, 1 where a file was there already."""
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


def run_gain(args: argparse.Namespace) -> int:
    """Print a class's gain, write its rows; returns the exit status, 1 where something could not be counted."""
    folder, table = args.folder, args.output
    if not folder.is_dir():
        print(f"folder must be one that exists, got {folder}", file=sys.stderr)
        return 2
    if table is not None and (not table.parent.is_dir() or table.is_dir()):
        print(f"--output must be a file in a folder that exists, got {table}", file=sys.stderr)
        return 2
    found = gain.read_class(folder)
    for line in [*(gain.summary(found) if found.pairs else []), *found.lacking]:
        print(line)
    for sentence in found.unusable:
        print(f"not counted: {sentence}", file=sys.stderr)
    if not found.pairs:
        print(f"no learner in {folder} has a usable before.json and after.json", file=sys.stderr)
        return 1
    if table is not None:
        gain.write_table(found.rows(), table)
        print(f"{table}: {len(found.rows())} rows")
    return 1 if found.unusable else 0
