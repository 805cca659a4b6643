"""The command `vae-tutorial`."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vae_tutorial import data, doctor, zoo
from vae_tutorial.course import command as course
from vae_tutorial.grading import command as grading
from vae_tutorial.grading.releasing import command as release
from vae_tutorial.grading.sandbox.findings import findings
from vae_tutorial.sweep import command as sweep
from vae_tutorial.training import CheckpointError
from vae_tutorial.widgets import LatentExplorer

INSTRUCTORS = ("nbgrader", "rich")


def main(argv: list[str] | None = None) -> int:
    """Run one sub-command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="vae-tutorial", description="The course's command line.")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        # In full: nobody shall type --trusted by half.
        command = commands.add_parser(name, help=help, allow_abbrev=False)
        command.set_defaults(run=run)
        return command

    examine = add("doctor", _doctor, "say what this machine has and what a lesson would miss")
    examine.add_argument("--grading", action="store_true", help="say what `grade` finds here, and how to mend it")
    fetch = add("data", _data, "fetch or draw a data set now, for later use without a network")
    fetch.add_argument("name", nargs="*", metavar="NAME", help=f"any of {', '.join(data.NAMES)} (default: all)")
    train = add("train", _train, "train one of the shipped models by its recipe")
    train.add_argument("name", choices=[*zoo.RECIPES, zoo.CLASSIFIER])
    train.add_argument("-o", "--output", type=Path, default=zoo.FOLDER, help="folder (default: the package's own)")
    export = add("export", _export, "write a model's latent explorer as one HTML page that needs no kernel")
    export.add_argument("model", help="a shipped model or a .safetensors file that `train -o` wrote")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="PAGE", help="the HTML file to write")
    sweep.add_options(add("sweep", sweep.run, "train a grid of methods, weights and seeds into a CSV table"))
    course.add_assign(add("assign", course.run_assign, "write exercises in the variant of each learner"))
    course.add_gain(add("gain", course.run_gain, "compare a class's answers to the questions before and after"))
    release.add_options(add("release", release.run, "build the zip of the course without solutions"))
    grading.add_options(add("grade", grading.run, "mark a class's notebooks"))
    args = parser.parse_args(argv)
    return int(args.run(args))


def _doctor(args: argparse.Namespace) -> int:
    lines = doctor.versions(INSTRUCTORS, "run `make set-up-test`") | findings() if args.grading else doctor.examine()
    width = max(map(len, lines))
    for name, finding in lines.items():
        print(f"{name:<{width}}  {finding}")
    bad = ("missing", "not ready") if args.grading else ("missing",)  # lessons do without the data of others
    return 1 if any(finding.startswith(bad) for finding in lines.values()) else 0


def _data(args: argparse.Namespace) -> int:
    status = 0
    for name in args.name or data.NAMES:
        try:
            sizes = [len(data.load(name, split=split, fallback=False)) for split in ("train", "test")]
            place = "drawn in code" if name in data.DRAWN else f"in {data.folder()}"
            print(f"{name}: {sizes[0]:,} training and {sizes[1]:,} test images, {place}")
        except (data.DataUnavailable, ValueError) as error:
            print(error, file=sys.stderr)
            status = 1
    return status


def _train(args: argparse.Namespace) -> int:
    name, folder = args.name, args.output
    if not folder.is_dir():
        print(f"--output must be a folder that exists, got {folder}", file=sys.stderr)
        return 2
    try:
        test = zoo.make(name, folder)["test"]
    except data.DataUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    except CheckpointError as error:
        print(f"{error}; without that file the same command starts anew", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        then = "goes on behind the last whole epoch" if name in zoo.RECIPES else "starts anew"
        print(f"{name}: stopped; the same command {then}", file=sys.stderr)
        return 130
    print(f"{name}: {_said_of(test)}, in {folder}")
    return 0


def _said_of(test: dict[str, Any]) -> str:
    """What is told of the numbers on a card, which are those of a WAE, of another model or of the classifier."""
    if "squared_error" in test:
        return f"squared error {test['squared_error']} an image of the test set, {test['active_units']} active latents"
    if "minus_elbo" in test:
        return f"-ELBO {test['minus_elbo']} nats on the test set, {test['active_units']} active latents"
    return ", ".join(f"{measured['accuracy']:.1%} of {images}'s test images" for images, measured in test.items())


def _export(args: argparse.Namespace) -> int:
    name, page = args.model, args.output
    if not page.parent.is_dir() or page.is_dir():
        print(f"--output must be a file in a folder that exists, got {page}", file=sys.stderr)
        return 2
    images = None
    try:
        model = zoo.load(name)
        images = zoo.images(name)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except data.DataUnavailable as error:
        print(f"{error}; the page has no images to start from", file=sys.stderr)
    LatentExplorer(model, images).save(page, f"{LatentExplorer.title}: {Path(name).stem}")
    print(f"{page}: {page.stat().st_size / 1e6:.2f} MB, works from the file, without kernel or network")
    return 0


if __name__ == "__main__":
    sys.exit(main())
