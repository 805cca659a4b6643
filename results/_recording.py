"""How a finding is stored: rows of numbers, the command that makes them, the machine and versions that made them."""

import json
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

FOLDER = Path(__file__).parent
PROCESSES = 2  # of one thread each


def in_processes(work: Callable[..., dict[str, Any]], jobs: Sequence[tuple]) -> list[dict[str, Any]]:
    """The row `work(*job)` of each job, in their order, two at a time, printed as they come."""
    torch.set_num_threads(1)  # what `record` tells of this process is then true of those, too
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        rows = []
        for row in tqdm(pool.map(work, *zip(*jobs, strict=True)), total=len(jobs)):
            rows.append(row)
            print(row, flush=True)
    return rows


def record(
    name: str, settings: dict[str, Any], rows: list[dict[str, Any]], seconds: float, folder: Path | None = None
) -> Path:
    """Write NAME.json, in results/ or in the folder of another script, and return its path."""
    folder = folder or FOLDER
    finding = {
        "command": f"python {folder.name}/{name}.py",
        "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {"python": platform.python_version(), "torch": version("torch")},
        "seconds": round(seconds),
        "settings": settings,
        "rows": rows,
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(finding, indent=1) + "\n")
    return path
