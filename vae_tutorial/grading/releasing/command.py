"""The sub-command `vae-tutorial release`."""

import argparse
import sys
from pathlib import Path

from vae_tutorial.grading.releasing.release import release

CHECKOUT = Path(__file__).parents[3]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the sub-command takes."""
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("vae-tutorial.zip"),
        metavar="ARCHIVE",
        help="the zip file to write (default: %(default)s)",
    )
    parser.add_argument(
        "--assignment", nargs="+", default=[], metavar="NAME", help="such as 01_autoencoder_to_vae (default: all)"
    )


def run(args: argparse.Namespace) -> int:
    """Write what students get; returns the exit status."""
    try:
        names = release(CHECKOUT, args.output, args.assignment)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    exercises = sum("/exercises/" in name for name in names)
    said = f"{exercises} exercise{'s' * (exercises != 1)}"
    size = args.output.stat().st_size / 1e6
    print(f"{args.output}: {len(names)} files, {said}, {size:.1f} MB, nothing of solutions/ in it")
    return 0
