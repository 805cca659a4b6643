"""Writes requirements.lock: the newest versions that pyproject.toml allows, and all that they need."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEADER = """\
# Made by `make lock`: pip's own choice for `.[lab,test,site]` and the build backend on Linux. Not edited by hand.
# The set-up reads it as constraints (pip install -c), which pin what is installed and install nothing by themselves:
# so the lines for CUDA do no harm on macOS, and what only another system or Python needs is free.
"""


def main() -> None:
    """Ask pip what it would install into an empty environment, without installing it."""
    wanted = ["hatchling", "editables", "--editable", ".[lab,test,site]"]
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    report = json.loads(subprocess.run([*pip, *wanted], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    packages = [entry["metadata"] for entry in report["install"]]
    lines = [f"{package['name']}=={package['version']}" for package in packages if package["name"] != "vae-tutorial"]
    (ROOT / "requirements.lock").write_text(HEADER + "\n".join(sorted(lines, key=str.lower)) + "\n")


if __name__ == "__main__":
    main()
