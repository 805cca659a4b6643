"""The sub-command `vae-tutorial grade`, without what only instructors have installed."""

import argparse
import sys
from pathlib import Path

from vae_tutorial.devices import cores


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the sub-command takes."""
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="such as 01_autoencoder_to_vae")
    parser.add_argument(
        "--submissions",
        type=Path,
        required=True,
        metavar="DIR",
        help="nbgrader's `submitted`, a folder of notebooks or of learners' folders, or a zip of Moodle or Canvas",
    )
    parser.add_argument(
        "--key", type=Path, metavar="NOTEBOOK", help="the solution (default: that of ASSIGNMENT in solutions/)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("grading"), metavar="FOLDER", help="default: %(default)s"
    )
    parser.add_argument(
        "--due", default="", metavar="TIME", help="such as 2030-01-31T23:59+01:00; what is later is told"
    )
    parser.add_argument(
        "--assigned", action="store_true", help="each learner was given a variant by `vae-tutorial assign`"
    )
    parser.add_argument("--trusted", action="store_true", help="run the class's code WITHOUT a sandbox, as yourself")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs", type=int, default=cores(), metavar="N", help="submissions at once (default: %(default)s)"
    )
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a dask cluster to use instead, such as tcp://10.0.0.1:8786"
    )


def run(args: argparse.Namespace) -> int:
    """Grade; returns the exit status."""
    try:
        from vae_tutorial.grading import session
    except ImportError as error:
        print(f"grading needs {error.name}: run `make set-up-test`, or pip install -e '.[instructor]'", file=sys.stderr)
        return 1
    return session.run(args)
