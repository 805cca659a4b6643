"""What lies in folders and zip archives: listed within bounds. Nothing is unpacked, no link is followed."""

import io
import os
import re
import stat
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vae_tutorial.grading.intake.leaf import LARGEST, Leaf, UnreadableError, opened, unreadable

MOST = 2_000  # files and folders in one of a folder's sub-folders; members of an archive that lies in another one
MOST_OF_CLASS = 50_000  # members of an archive on the disk
DEEPEST = 8  # folders in folders
IGNORED = ("__MACOSX", "__pycache__")  # and whatever begins with a dot
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others unpack without a bound
ENCRYPTED, MEMBER = 0x1, b"PK\x01\x02"  # a flag; what each entry of an archive's table begins with


def files_of(folder: Path) -> list[Leaf]:
    """What lies in a folder on the disk, sorted. Raises UnreadableError for a folder that cannot be listed."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise unreadable(error) from error
    return [leaf for name in names for leaf in _walk(folder / name, (name,))]


def members_of(archive: Leaf) -> list[Leaf]:
    """What is in an archive, in its order, with the archive's folder before each path. Raises UnreadableError."""
    try:
        if archive.members:
            return _members(io.BytesIO(archive.read(LARGEST)), archive, MOST)
        with opened(archive.path) as file:
            return _members(file, archive, MOST_OF_CLASS)
    except UnreadableError:
        raise
    except Exception as error:
        raise unreadable(error) from error


def _ignored(name: str) -> bool:
    """Whether a file or folder of this name is none of a learner's."""
    return name.startswith(".") or name in IGNORED


def _walk(top: Path, parts: tuple[str, ...]) -> Iterator[Leaf]:
    """One entry of a folder and what lies under it, breadth first."""
    queue, seen = [(top, parts)], 0
    for path, below in queue:  # which grows
        if _ignored(below[-1]):
            continue
        seen += 1
        if seen > MOST:
            yield Leaf(parts, top, folder=True, problem=f"holds more than {MOST:,} files; the rest was left out")
            return
        leaf = _leaf(path, below)
        if leaf.folder and not leaf.problem:
            try:
                queue += [(path / name, (*below, name)) for name in sorted(os.listdir(path))]
            except OSError as error:
                leaf = Leaf(below, path, folder=True, problem=str(unreadable(error)))
        yield leaf


def _leaf(path: Path, parts: tuple[str, ...]) -> Leaf:
    try:
        about = os.lstat(path)
    except OSError as error:
        return Leaf(parts, path, problem=str(unreadable(error)))
    kind = about.st_mode
    if stat.S_ISDIR(kind):
        problem = f"is more than {DEEPEST} folders deep" if len(parts) > DEEPEST else ""
        return Leaf(parts, path, folder=True, problem=problem)
    problem = ""
    if stat.S_ISLNK(kind):
        problem = "is a link, and links are not followed"
    elif not stat.S_ISREG(kind):
        problem = "is a device, a pipe or a socket, not a file"
    else:
        try:
            opened(path).close()
        except OSError as error:
            problem = str(unreadable(error))
    return Leaf(parts, path, size=about.st_size, modified=about.st_mtime, problem=problem)


def _members(file: io.BufferedReader | io.BytesIO, archive: Leaf, most: int) -> list[Leaf]:
    if _entries(file) > most:  # before they are made to objects
        raise UnreadableError(f"holds more than {most:,} files")
    with zipfile.ZipFile(file) as unpacked:
        listed = unpacked.infolist()
    paths = [tuple(part for part in _name(member).split("/") if part not in ("", ".", "..")) for member in listed]
    times = Counter(paths)
    leaves = []
    for position, (member, parts) in enumerate(zip(listed, paths, strict=True)):
        if not parts or any(map(_ignored, parts)):
            continue
        problem = "" if member.is_dir() else _problem(member, times[parts])
        place = (*archive.parts[:-1], *parts)
        at = (*archive.members, position)
        leaves.append(Leaf(place, archive.path, at, member.file_size, _modified(member), member.is_dir(), problem))
    return leaves


def _entries(file: io.BufferedReader | io.BytesIO) -> int:
    """At most so many entries can be in an archive's table; what it says itself may be untrue."""
    count, end = 0, b""
    while block := file.read(1_000_000):
        count += (end + block).count(MEMBER)
        end = block[1 - len(MEMBER) :]
    file.seek(0)
    return count


def _name(member: zipfile.ZipInfo) -> str:
    """Its path with slashes. Some programs write UTF-8 and do not say so."""
    name = member.filename
    if not member.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _problem(member: zipfile.ZipInfo, times: int) -> str:
    name = _name(member)
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in name.split("/"):
        return "has a path that leads out of its archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link, and links are not followed"
    if member.flag_bits & ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in METHODS:
        return "is packed by another method than deflate"
    return f"is {times} times in its archive" if times > 1 else ""


def _modified(member: zipfile.ZipInfo) -> float:
    """By the clock of whoever packed it: for comparisons alone. 0 where the archive has no valid time."""
    try:
        return time.mktime((*member.date_time, 0, 0, -1))
    except (OverflowError, ValueError):
        return 0.0
