"""Stand-ins for a training run, which processes and dask's workers find by their names."""

import os
import signal
import time
from pathlib import Path

from vae_tutorial.sweep import Setting

SLOW = 3  # the seed of the run that hangs or kills


def settings(n: int = 8) -> list[Setting]:
    return [Setting("digits", "beta-vae", weight, seed) for seed in range(n) for weight in (1, 4)]


def quick(setting: Setting) -> dict:
    return {"kl": 10 * setting.weight + setting.seed}


def times(folder: Path, weight: str, seed: str) -> int:
    """How often `noted` or `hanging` ran a setting."""
    return len((folder / f"{weight}-{seed}").read_text().splitlines())


def noted(folder: Path, setting: Setting) -> dict:
    """Leaves a line in a file for each time that the setting is run."""
    with (folder / f"{setting.weight}-{setting.seed}").open("a") as file:
        file.write("run\n")
    return quick(setting)


def broken(folder: Path, setting: Setting) -> dict:
    """Fails for one seed, until a file says that all is well."""
    if setting.seed == SLOW and not (folder / "well").exists():
        raise ArithmeticError("the loss,\nis not finite")
    return quick(setting)


def hanging(folder: Path, setting: Setting) -> dict:
    """The first run of one setting leaves its process's id in a file and waits to be killed."""
    if setting.seed == SLOW and setting.weight == 4 and not (folder / "pid").exists():
        (folder / "writing").write_text(str(os.getpid()))
        (folder / "writing").rename(folder / "pid")
        time.sleep(600)
    time.sleep(0.02)
    return noted(folder, setting)


def fatal(setting: Setting) -> dict:
    """One setting ends its process, every time."""
    if setting.seed == SLOW and setting.weight == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(setting)


def pid_of_hanging(folder: Path, seconds: float = 300) -> int:
    """Waits for the run that hangs; returns its process's id."""
    wait_for((folder / "pid").exists, seconds)
    return int((folder / "pid").read_text())


def wait_for(condition, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{condition} is still not so"
        time.sleep(0.02)
