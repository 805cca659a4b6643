"""Runs the tests with the lowest and with the newest versions that pyproject.toml allows, each in its own environment.

    python scripts/versions.py lowest|newest|both ARGUMENTS_OF_PYTEST...

lowest  each package that pyproject.toml names at its bound (`torch>=2.9` becomes `torch==2.9`), what those need in turn
        as pip chooses it: this tells whether a bound is true; all tests but that of types
newest  what pip chooses today, without requirements.lock: this tells what will break at the next `make lock`

The environments are made anew each time, in build/versions/, and stay there; the versions that were tested are written
beside them as lowest.txt and newest.txt. Only the standard library is imported, for this runs outside .venv.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "versions"
CHOICES = {"lowest": ["lowest"], "newest": ["newest"], "both": ["lowest", "newest"]}
# The annotations of numpy 2.0 and torch 2.9 lack what later ones have; how the course runs there is another matter.
LEFT_OUT = {"lowest": ["--deselect=tests/test_setup_quality.py::test_tool_finds_nothing[types]"], "newest": []}
BOUND = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,-]+\])?>=(?P<version>\d[\w.]*)")


def requirements(pyproject: dict) -> list[str]:
    """Return everything that pyproject.toml names: to build the package, to run it, and for each extra."""
    project = pyproject["project"]
    extras = project.get("optional-dependencies", {}).values()
    return [
        *pyproject["build-system"]["requires"],
        *project["dependencies"],
        *(text for extra in extras for text in extra),
    ]


def lowest(pyproject: dict) -> list[str]:
    """Return pip's constraints that pin each requirement at its lower bound, sorted.

    Raises ValueError for a requirement that is anything but NAME>=VERSION, and for a package with two bounds: the lower
    of them would never be tested.
    """
    bounds: dict[str, str] = {}
    for text in requirements(pyproject):
        found = BOUND.fullmatch(text)
        if not found:
            raise ValueError(
                f"pyproject.toml has '{text}': a requirement is a name and its lower bound, like torch>=2.9."
            )
        name, version = re.sub(r"[-_.]+", "-", found["name"]).lower(), found["version"]
        if bounds.setdefault(name, version) != version:
            raise ValueError(f"pyproject.toml has {name}>={bounds[name]} and {name}>={version}: make them the same.")
    return [f"{name}=={bounds[name]}" for name in sorted(bounds)]


def build(which: str, pyproject: dict) -> Path:
    """Make an environment with the package, in place, and all extras; return its Python."""
    environment, constraints = FOLDER / which, FOLDER / f"{which}-constraints.txt"
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
    constraints.write_text("".join(f"{line}\n" for line in (lowest(pyproject) if which == "lowest" else [])))
    # pip unpacks gigabytes in its temporary folder, and /tmp is small on many machines.
    scratch = environment / "tmp"
    scratch.mkdir()
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir", "install", "--quiet"]
    extras = ",".join(pyproject["project"].get("optional-dependencies", {}))
    for packages in (["hatchling", "editables"], ["--no-build-isolation", "--editable", f".[{extras}]"]):
        command = [*pip, "--constraint", constraints, *packages]
        subprocess.run(command, cwd=ROOT, env=os.environ | {"TMPDIR": str(scratch)}, check=True)
    shutil.rmtree(scratch)
    return python


def note(which: str, python: Path, pyproject: dict) -> None:
    """Write every version that is installed, and print those that pyproject.toml names."""
    pip = [python, "-m", "pip", "--disable-pip-version-check", "list", "--format=freeze", "--exclude-editable"]
    lines = subprocess.run(pip, check=True, capture_output=True, text=True).stdout.splitlines()
    report = FOLDER / f"{which}.txt"
    report.write_text("\n".join([f"# Python {sys.version.split()[0]} on {sys.platform}", *lines]) + "\n")
    named = {line.split("==")[0] for line in lowest(pyproject)}
    print(f"{which}: Python {sys.version.split()[0]},", end=" ")
    print(", ".join(line for line in lines if re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() in named))
    print(f"All versions are in {report.relative_to(ROOT)}.", flush=True)


def main() -> int:
    """Build and test what was asked for; return 1 where a test failed or an environment could not be made."""
    which, *arguments = sys.argv[1:] or [""]
    if which not in CHOICES:
        print(f"WHICH must be one of {', '.join(CHOICES)}, not '{which}'.", file=sys.stderr)
        return 2
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    FOLDER.mkdir(parents=True, exist_ok=True)
    passed = {}
    for name in CHOICES[which]:
        try:
            python = build(name, pyproject)
        except subprocess.CalledProcessError:
            passed[name] = "no environment: pip says why above"
            continue
        note(name, python, pyproject)
        done = subprocess.run([python, "-m", "pytest", *arguments, *LEFT_OUT[name]], cwd=ROOT)
        passed[name] = "passed" if done.returncode == 0 else "failed"
    for name, verdict in passed.items():
        print(f"{name} versions: {verdict}")
    return 0 if set(passed.values()) == {"passed"} else 1


if __name__ == "__main__":
    sys.exit(main())
