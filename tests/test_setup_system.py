"""Packages of the operating system, and the command of the continuous integration."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder that stands for all of PATH."""
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def tool(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def system_deps(tools: Path) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(ROOT / "scripts" / "system_deps.sh")]
    return subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, text=True)


PACKAGES = {"chromium": "chromium", "bubblewrap": "bwrap"}  # a package and its program
MISSING = [["chromium"], ["bubblewrap"], ["chromium", "bubblewrap"]]


def present(tools: Path, missing: list[str]) -> None:
    """Install what is not missing."""
    for package, program in PACKAGES.items():
        if package not in missing:
            tool(tools / program, "")


def test_present_packages_are_left_alone(tools: Path) -> None:
    present(tools, missing=[])
    tool(tools / "apt-get", "exit 9")
    done = system_deps(tools)
    assert done.returncode == 0
    assert "already there" in done.stdout


@pytest.mark.parametrize("missing", MISSING)
def test_another_system_is_told_the_packages(tools: Path, missing: list[str]) -> None:
    present(tools, missing)
    done = system_deps(tools)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert f"need {' '.join(missing)} and" in done.stderr


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize(("user", "prefix"), [("0", ""), ("1000", "sudo ")])
def test_missing_packages_are_installed(tools: Path, user: str, prefix: str, missing: list[str]) -> None:
    present(tools, missing)
    tool(tools / "id", f"echo {user}")
    tool(tools / "env", 'shift; "$@"')
    tool(tools / "apt-get", 'echo "${BY:-}apt-get $*"')
    tool(tools / "sudo", 'export BY="sudo "; "$@"')
    lines = system_deps(tools).stdout.splitlines()
    installed = f"{prefix}apt-get install --quiet --yes {' '.join(missing)}"
    assert lines[1:] == [f"{prefix}apt-get update --quiet", installed]


def test_without_sudo_the_sentence_names_the_command(tools: Path) -> None:
    tool(tools / "id", "echo 1000")
    tool(tools / "apt-get", "exit 9")
    done = system_deps(tools)
    assert done.returncode != 0
    assert "ask an administrator to run 'apt-get install chromium bubblewrap'" in done.stderr


@pytest.mark.parametrize("there", [True, False])
def test_ci_runs_make_with_the_data_beside_the_checkout(tmp_path: Path, tools: Path, there: bool) -> None:
    checkout = tmp_path / "a checkout"
    (checkout / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci")
    data = tmp_path / "shared" / "data"
    if there:
        data.mkdir(parents=True)
    tool(tools / "make", 'echo "$PWD|$1|$CI|${VAE_TUTORIAL_DATA:-none}"')
    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run([checkout / ".ci" / "run"], env=environment, capture_output=True, text=True, check=True)
    place = data if there else "none"
    assert done.stdout.splitlines() == [
        f"{checkout}|system-deps|true|{place}",
        f"{checkout}|test|true|{place}",
    ]
