"""pyproject.toml has the ranges, requirements.lock one version of each, environment.yml neither."""

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
ENTRIES = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
LOCK = {canonicalize_name(name): version for name, version in (line.split("==") for line in ENTRIES)}

in_our_environment = pytest.mark.skipif(
    Path(sys.prefix) != ROOT / ".venv", reason="the lock rules the environment of `make` alone"
)


def needed(extra: str = "") -> list[Requirement]:
    texts = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return [Requirement(text) for text in texts]


def test_lock_has_names_and_versions_only() -> None:
    assert [line for line in ENTRIES if not re.fullmatch(r"[\w.-]+==[\w.!]+", line)] == []
    assert sorted(ENTRIES, key=str.lower) == ENTRIES


def test_lock_is_inside_the_ranges() -> None:
    build = [Requirement(text) for text in PYPROJECT["build-system"]["requires"]]
    for requirement in [*needed(), *needed("lab"), *needed("test"), *needed("site"), *build]:
        version = LOCK[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"


@in_our_environment
def test_installed_versions_are_the_locked_ones() -> None:
    for name, version in LOCK.items():
        try:
            installed = distribution(name).version
        except PackageNotFoundError:
            continue  # the lock was made on Linux, and this may be another system
        assert installed == version, f"{name} {installed} is installed, {version} is locked"


@in_our_environment
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the lock was made on Linux")
def test_all_that_is_needed_is_locked() -> None:
    todo = [*needed(), *needed("lab"), *needed("test"), *(needed("site") if find_spec("sphinx") else [])]
    seen: set[str] = set()
    while todo:
        requirement = todo.pop()
        for extra in ("", *requirement.extras):
            key = f"{canonicalize_name(requirement.name)}[{extra}]"
            if key not in seen and (not requirement.marker or requirement.marker.evaluate({"extra": ""})):
                seen.add(key)
                assert canonicalize_name(requirement.name) in LOCK, f"{requirement} is not locked"
                todo += requirements_of(requirement.name, extra)


def requirements_of(name: str, extra: str) -> list[Requirement]:
    found = [Requirement(text) for text in distribution(name).requires or []]
    active = [item for item in found if not item.marker or item.marker.evaluate({"extra": extra})]
    for item in active:
        item.marker = None
    return active


def test_conda_environment_repeats_no_version_but_pythons() -> None:
    assert SpecifierSet(PROJECT["requires-python"]).contains("3.12")
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["dependencies"] == [
        "python=3.12",
        "pip",
        {"pip": ["-e .[lab,test]"]},
    ]
    assert {"lab", "test"} <= set(PROJECT["optional-dependencies"])
