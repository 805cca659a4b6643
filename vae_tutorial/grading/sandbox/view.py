"""Which folders of this machine a sandbox sees."""

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

import vae_tutorial
from vae_tutorial.grading.sandbox.contained import SandboxUnavailable

# What a Python needs of the system: libraries, the shell, time zones, and the links between them.
SYSTEM = ("/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/share/zoneinfo", "/etc/alternatives")
LINKS = ("/bin", "/lib", "/lib32", "/lib64")  # into /usr on a system of today
SOLUTIONS = Path(vae_tutorial.__file__).parents[1] / "solutions"
CACHE = "/etc/ld.so.cache"


def seen() -> dict[Path, Path]:
    """Where each thing stands in the sandbox, and where it is taken from; a folder before what lies in it.

    Raises SandboxUnavailable where the course's solutions would be seen.
    """
    wanted = [Path(path) for path in (*SYSTEM, *LINKS, CACHE) if os.path.exists(path) and not os.path.islink(path)]
    wanted += [Path(sys.prefix), Path(sys.base_prefix), Path(vae_tutorial.__file__).parent]
    wanted += _hops(Path(sys.executable))
    places = {path: path.resolve() for path in wanted} | {path.resolve(): path.resolve() for path in wanted}
    if any(SOLUTIONS.is_relative_to(place) for place in places) and SOLUTIONS.exists():
        raise SandboxUnavailable(f"the Python at {sys.prefix} lies around {SOLUTIONS}: make it in a folder of its own")
    return {place: places[place] for place in _outermost(places)}


def links() -> dict[str, str]:
    """Folders at the top that are links, and where they lead."""
    return {path: os.readlink(path) for path in LINKS if os.path.islink(path)}


def open_to_all(path: Path) -> bool:
    """Whether every user of this machine can come to a path without links, and read it."""
    wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
    enterable = all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)
    return enterable and path.stat().st_mode & wanted == wanted


def _hops(path: Path) -> list[Path]:
    """The links on the way from a program's name to its file."""
    hops = []
    while path.is_symlink():
        path = Path(os.path.normpath(path.parent / os.readlink(path)))
        hops.append(path)
    return hops


def _outermost(places: Iterable[Path]) -> list[Path]:
    """Without those that lie in another one."""
    kept: list[Path] = []
    for place in sorted(places, key=lambda path: len(path.parts)):
        if not any(folder in place.parents for folder in kept):
            kept.append(place)
    return kept
