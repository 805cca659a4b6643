"""How a finding is stored: rows of numbers, the command that makes them, the machine and versions that made them."""

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

FOLDER = Path(__file__).parent


def record(name: str, settings: dict[str, Any], rows: list[dict[str, Any]], seconds: float) -> Path:
    """Write results/NAME.json and return its path."""
    finding = {
        "command": f"python results/{name}.py",
        "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {"python": platform.python_version(), "torch": version("torch")},
        "seconds": round(seconds),
        "settings": settings,
        "rows": rows,
    }
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(finding, indent=1) + "\n")
    return path
