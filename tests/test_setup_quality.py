"""Lint, types and import rules are tests like all others: one run tells everything."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# import-linter has no `python -m`; a word of its verdict proves that a tool did look.
IMPORTS = "from importlinter.cli import lint_imports_command as main; main()"
TOOLS = {
    "lint": (["-m", "ruff", "check", "."], "All checks passed"),
    "format": (["-m", "ruff", "format", "--check", "."], "already formatted"),
    "types": (["-m", "mypy"], "Success"),
    "imports": (["-c", IMPORTS], "kept, 0 broken"),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_finds_nothing(tool: str) -> None:
    command, verdict = TOOLS[tool]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{tool}:\n{done.stdout}{done.stderr}"
    assert verdict in done.stdout
