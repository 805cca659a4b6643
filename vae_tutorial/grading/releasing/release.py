"""The archive that students get: all that they work with, and nothing of the solutions."""

import os
import re
import stat
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path

from vae_tutorial.grading.releasing.generating import generate
from vae_tutorial.grading.releasing.leaks import leaks, secrets_of

TOP = "vae-tutorial"  # the folder in the archive
NEEDED = (
    "LICENSE",
    "Makefile",
    "README.md",
    "environment.yml",
    "pyproject.toml",
    "requirements.lock",
    "scripts/preflight.py",
    "scripts/set_up.sh",
)  # by `make lab`
PATTERNS = (
    "notebooks/*.ipynb",
    "results/*.json",
    *(f"vae_tutorial/**/*.{suffix}" for suffix in ("css", "js", "json", "py", "safetensors", "toml")),
)
PICTURE = re.compile(r"!\[[^]]*\]\(([\w./-]+)\)")


def release(checkout: Path, target: Path, assignments: Collection[str] = ()) -> list[str]:
    """Write the archive of a checkout, with the exercises `assignments` or all; returns the names in it, sorted.

    The same files give the same bytes. Raises ValueError, with nothing at `target` changed, where exercises/ is not
    what solutions/ gives, where a line of an answer, a hidden check or a rubric stands in a file of the archive, and
    for an unknown assignment.
    """
    if not target.parent.is_dir() or target.is_dir():
        raise ValueError(f"target must be a file in a folder that exists, got {target}")
    files = {name: _content(checkout / name) for name in _names(checkout)}
    files |= _exercises(checkout, assignments)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as partial:
        try:
            with zipfile.ZipFile(partial, "w") as archive:
                for name in sorted(files):
                    archive.writestr(_member(f"{TOP}/{name}"), files[name], compresslevel=9)
            partial.close()
            names = _proved(Path(partial.name), checkout / "solutions")
            os.chmod(partial.name, 0o644)
            os.replace(partial.name, target)
        finally:
            Path(partial.name).unlink(missing_ok=True)
    return names


def _names(checkout: Path) -> list[str]:
    """What a learner needs, besides the exercises."""
    names = [*NEEDED, *PICTURE.findall((checkout / "README.md").read_text(encoding="utf-8"))]
    for pattern in PATTERNS:
        paths = (path.relative_to(checkout) for path in checkout.glob(pattern))
        names += [path.as_posix() for path in paths if not any(part.startswith((".", "__pyc")) for part in path.parts)]
    return names


def _content(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"checkout must have {path.name} as a file, {path} is none")
    return path.read_bytes()


def _exercises(checkout: Path, assignments: Collection[str]) -> dict[str, bytes]:
    """Exercises by their names in the checkout, as the solutions give them and as they lie there."""
    with tempfile.TemporaryDirectory() as folder:
        generate(checkout, Path(folder))
        made = {path.relative_to(folder).as_posix(): path.read_bytes() for path in Path(folder).glob("*/*.ipynb")}
    kept = {path.relative_to(checkout / "exercises").as_posix() for path in checkout.glob("exercises/*/*.ipynb")}
    for name in sorted(made.keys() | kept):
        line = _first_difference(made.get(name, b""), _content(checkout / "exercises" / name) if name in kept else b"")
        if line:
            raise ValueError(f"exercises/{name}, line {line}, is not what solutions/ gives: run `make exercises`")
    lessons = sorted(name.split("/")[0] for name in made)
    if unknown := sorted(set(assignments) - set(lessons)):
        raise ValueError(f"assignments must be of {', '.join(lessons)}, got {', '.join(unknown)}")
    chosen = set(assignments) or set(lessons)
    return {f"exercises/{name}": content for name, content in made.items() if name.split("/")[0] in chosen}


def _first_difference(one: bytes, other: bytes) -> int:
    """The number of the first line that differs, from 1; 0 where none does."""
    if one == other:
        return 0
    lines, others = one.splitlines(keepends=True), other.splitlines(keepends=True)
    same = [a == b for a, b in zip(lines, others, strict=False)]
    return (same.index(False) if False in same else len(same)) + 1


def _member(name: str) -> zipfile.ZipInfo:
    """An entry without anything of this machine or this hour."""
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def _proved(path: Path, solutions: Path) -> list[str]:
    """The names in an archive in which nothing of the solutions stands. Raises ValueError."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        found = list(leaks(((name, archive.read(name)) for name in names), secrets_of(solutions)))
    if found:
        raise ValueError("\n".join(found))
    return names
