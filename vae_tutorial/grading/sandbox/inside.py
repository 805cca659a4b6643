"""What a command finds around it in every sandbox: its folder, its files, its environment variables."""

import os
import sys
from collections.abc import Mapping
from pathlib import PurePosixPath

from vae_tutorial.grading.sandbox.limits import Limits, size

SCRATCH = "/scratch"
WRITABLE = ("/tmp", "/dev/shm", SCRATCH)


def checked(files: Mapping[str, bytes], limits: Limits) -> None:
    """Raises ValueError for a name that leads out of the folder, and for files that do not fit into it."""
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
            raise ValueError(f"files must have names inside the current folder, got {name!r}")
    if (total := sum(map(len, files.values()))) > limits.scratch:
        raise ValueError(f"files must fit into {size(limits.scratch)}, got {size(total)}")


def variables(home: str) -> dict[str, str]:
    """All environment variables that are set."""
    return {
        "PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin",
        "HOME": home,
        "USER": "student",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "agg",
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS")},
    }
