"""One file that was handed in: on the disk, in an archive, or in an archive in an archive. It is read within bounds."""

import io
import os
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LARGEST = 100_000_000  # bytes of an archive that lies in another one


class UnreadableError(ValueError):
    """Bytes that cannot be had; the text is a sentence's end, such as "is encrypted"."""


@dataclass(frozen=True)
class Leaf:
    """A file, or what is in the place of one.

    parts: its path from where listing began, never empty. path: the file on the disk that holds it. members: its
    position in that archive, then in the archive found there. size: bytes, as declared. modified: seconds since 1970.
    problem: why it cannot be read, such as "is a link", or "".
    """

    parts: tuple[str, ...]
    path: Path
    members: tuple[int, ...] = ()
    size: int = 0
    modified: float = 0.0
    folder: bool = False
    problem: str = ""

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def suffix(self) -> str:
        """In small letters, with its dot."""
        return os.path.splitext(self.name)[1].lower()

    def read(self, most: int) -> bytes:
        """Its content. Raises UnreadableError, also where there are more than `most` bytes."""
        if self.problem:
            raise UnreadableError(self.problem)
        try:
            with opened(self.path) as file:
                return _content(file, self.members, most)
        except UnreadableError:
            raise
        except Exception as error:  # of zipfile, made to stumble: struct.error, NotImplementedError, RuntimeError, ...
            raise unreadable(error) from error


def opened(path: Path) -> io.BufferedReader:
    """A regular file for reading; no link, and nothing that waits. Raises OSError and UnreadableError."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UnreadableError("is a device, a pipe or a socket, not a file")
    return file


def unreadable(error: Exception) -> UnreadableError:
    """The same in words."""
    if isinstance(error, UnicodeDecodeError):
        return UnreadableError("cannot be read (it says that its names are UTF-8, and one is not)")
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UnreadableError(f"cannot be read ({told or type(error).__name__})")


def _content(file: io.BufferedReader | io.BytesIO, members: tuple[int, ...], most: int) -> bytes:
    if not members:
        return _bounded(file, most)
    with zipfile.ZipFile(file) as archive:
        member = archive.infolist()[members[0]]
        limit = LARGEST if members[1:] else most
        if member.file_size > limit:
            raise UnreadableError(f"is larger than {limit / 1e6:g} MB")
        with archive.open(member) as unpacked:
            content = _bounded(unpacked, limit)
    return _content(io.BytesIO(content), members[1:], most) if members[1:] else content


def _bounded(file: io.BufferedIOBase | IO[bytes], most: int) -> bytes:
    content = file.read(most + 1)
    if len(content) > most:
        raise UnreadableError(f"is larger than {most / 1e6:g} MB")
    return content
