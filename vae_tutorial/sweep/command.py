"""The sub-command `vae-tutorial sweep`."""

import argparse
import sys
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import AbstractContextManager
from pathlib import Path

from vae_tutorial import data
from vae_tutorial.arguments import check_whole
from vae_tutorial.devices import cores
from vae_tutorial.sweep.machines import cluster
from vae_tutorial.sweep.processes import Processes
from vae_tutorial.sweep.run import sweep
from vae_tutorial.sweep.settings import METHODS, Setting
from vae_tutorial.sweep.summary import summarize

GO_ON = "the runs that are done are stored, the same command goes on with the others"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the sub-command takes."""
    grid = f"such as beta-vae=1,4,16; methods: {', '.join(METHODS)}"
    parser.add_argument("grid", nargs="+", metavar="METHOD=WEIGHTS", help=grid)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="TABLE", help="the CSV file to write or go on with"
    )
    parser.add_argument("--data", default="sprites", choices=data.NAMES, help="default: %(default)s, 32 pixels a side")
    parser.add_argument(
        "--seeds", type=int, default=3, metavar="N", help="runs of each setting, seeds from 0 (default: %(default)s)"
    )
    for name, words in (("steps", "of training"), ("z-dim", "latents"), ("batch-size", "images a step")):
        default = getattr(Setting, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{words} (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=Setting.lr, help="Adam's learning rate (default: %(default)s)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        type=int,
        default=cores(),
        metavar="N",
        help="processes at once, a core each; they share an accelerator, where there is one (default: %(default)s)",
    )
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a dask cluster to use instead, such as tcp://10.0.0.1:8786"
    )


def run(args: argparse.Namespace) -> int:
    """Sweep, print the table in short; returns the exit status."""
    try:
        settings = _settings(args)
        with _executor(args) as executor:
            rows = sweep(settings, args.output, executor)
    except (ValueError, TypeError) as error:
        print(error, file=sys.stderr)
        return 2
    except (ImportError, OSError, data.DataUnavailable) as error:
        print(error, file=sys.stderr)
        return 1
    except (BrokenExecutor, CancelledError) as error:
        print(f"the workers are lost ({error}); {GO_ON}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped; {GO_ON}", file=sys.stderr)
        return 130
    print("\n".join(summarize(rows)))
    failed = [row for row in rows if row["error"]]
    for row in failed:
        print(f"{row['method']}, weight {row['weight']}, seed {row['seed']} failed: {row['error']}", file=sys.stderr)
    return 1 if failed else 0


def _settings(args: argparse.Namespace) -> list[Setting]:
    check_whole(args.seeds, name="--seeds")
    shared = {name: getattr(args, name) for name in ("data", "steps", "z_dim", "batch_size", "lr")}
    points = [point for text in args.grid for point in _points(text)]
    # Seed by seed: a sweep that is stopped half-way has been everywhere.
    return [Setting(method=m, weight=w, seed=seed, **shared) for seed in range(args.seeds) for m, w in points]


def _points(text: str) -> list[tuple[str, float]]:
    method, _, weights = text.partition("=")
    try:
        return [(method, float(weight)) for weight in weights.split(",")]
    except ValueError as error:
        raise ValueError(f"METHOD=WEIGHTS must be a method and numbers, such as beta-vae=1,4,16, got {text}") from error


def _executor(args: argparse.Namespace) -> AbstractContextManager[Executor]:
    if args.scheduler is not None:
        return cluster(args.scheduler)
    for split in data.SPLITS:  # fetched here, once, or told once that it cannot be; the processes load all of it
        data.load(args.data, split, limit=1, fallback=False)
    return Processes(args.jobs)
