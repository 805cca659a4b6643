"""IDX, the format of MNIST and its kin: a file is read whole and checked, or named together with what is wrong with it.

http://yann.lecun.com/exdb/mnist, "File formats".
"""

import math
import os
import stat
import struct
import zlib
from pathlib import Path

import numpy as np


class DataUnavailable(RuntimeError):  # noqa: N818 - the state of things, and nobody's error
    """A data set can be neither read from its folder nor downloaded into it; the message says why."""


class BadFile(DataUnavailable):
    """A file of a data set is missing, truncated or corrupt: `path`, and `reason`, the rest of a sentence about it."""

    def __init__(self, path: Path, reason: str):
        super().__init__(f"{path} {reason}")
        self.path, self.reason = path, reason


def read(path: Path, shape: tuple[int, ...], crc: int | None = None) -> np.ndarray:
    """Read an IDX file of bytes that has to hold exactly `shape`: uint8 of that shape.

    crc: zlib.crc32 of the whole file, where the right one is known. Raises BadFile, which names the file, if it is
    missing, is no file, cannot be read, is empty, is compressed, or differs in size, header or checksum.
    """
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, 0x08, len(shape), *shape)  # 0x08: unsigned bytes
    content = _content(path, expected_size=len(header) + math.prod(shape))
    start = content[: len(header)].tobytes()
    if start[:4] != header[:4]:
        raise BadFile(path, f"is corrupt: it starts with {start[:4].hex()}, not with {header[:4].hex()}")
    if start != header:
        got = struct.unpack(f">{len(shape)}I", start[4:])
        raise BadFile(path, f"is corrupt: its header says {_by(got)}, not {_by(shape)}")
    if crc is not None and zlib.crc32(content.data) != crc:
        raise BadFile(path, f"is corrupt: its CRC-32 is {zlib.crc32(content.data):08x}, not {crc:08x}")
    return content[len(header) :].reshape(shape)


def _content(path: Path, expected_size: int) -> np.ndarray:
    """Every byte of a file of `expected_size` bytes."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise BadFile(path, f"is a {'folder' if path.is_dir() else 'special file'}, not a file")
        with open(path, "rb") as file:
            if file.read(2) == b"\x1f\x8b":
                raise BadFile(path, "is still compressed: gunzip it")
        if found.st_size != expected_size:
            kind = "empty" if not found.st_size else "truncated" if found.st_size < expected_size else "too long"
            raise BadFile(path, f"is {kind}: {found.st_size:,} bytes, not {expected_size:,}")
        return np.fromfile(path, dtype=np.uint8, count=expected_size)
    except (FileNotFoundError, NotADirectoryError):
        raise BadFile(path, "is missing") from None
    except OSError as error:
        raise BadFile(path, f"cannot be read: {error.strerror}") from error


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{side:,}" for side in shape)
