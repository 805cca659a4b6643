"""Messages on a pipe: a kind and bytes, read without trust in who writes them.

A frame is 4 bytes that tell it from text, the kind in 32 (filled up with zero bytes), the payload's length in 8
(big-endian), the payload.
"""

import math
import os
import re
import select
import struct
import time
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from vae_tutorial.grading.wire.format import WireError

HEAD = struct.Struct(">4s32sQ")
MAGIC = b"VAE\x01"
KIND = re.compile(rb"([A-Za-z]{1,32})\0*")
CHUNK = 2**20  # bytes read at once
LONGEST_WAIT = 3600.0  # seconds; poll takes milliseconds in 32 bits


@runtime_checkable
class Source(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


@runtime_checkable
class Sink(Protocol):
    def write(self, content: Any, /) -> int: ...

    def flush(self) -> None: ...


@runtime_checkable
class Pipe(Protocol):
    def fileno(self) -> int: ...


def write_frame(stream: Sink, kind: str, payload: bytes) -> None:
    """Write one message and flush. Raises ValueError for a kind that is not 1 to 32 ASCII letters."""
    if not re.fullmatch("[A-Za-z]{1,32}", kind):
        raise ValueError(f"kind must be 1 to 32 ASCII letters, got {kind!r}")
    for part in (HEAD.pack(MAGIC, kind.encode(), len(payload)), payload):
        rest = memoryview(part)
        while len(rest):
            rest = rest[stream.write(rest) :]  # a pipe without a buffer takes what fits
    stream.flush()


def read_frame(stream: Source, most: int) -> tuple[str, bytes]:
    """The kind and payload of the next message; waits for them.

    Raises EOFError where the stream has ended between two messages, WireError where it ends in one, and, with no
    more read than the head, for what is no message and for a payload of more than `most` bytes.
    """
    return _read(stream.read, bytearray(), most)


class FrameReader:
    """Reads messages from a pipe within a time limit.

    source: a file descriptor or what has one, from whose own buffer nothing has been read. What has come of a message
    when the time is over is kept for the next call.
    """

    def __init__(self, source: int | Pipe) -> None:
        self._descriptor = source if isinstance(source, int) else source.fileno()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)
        self._buffer = bytearray()

    def read(self, most: int, seconds: float) -> tuple[str, bytes]:
        """As `read_frame`. Raises TimeoutError where the message is not complete after so many seconds."""
        end = time.monotonic() + seconds

        def read(size: int) -> bytes:
            while True:
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"no message came within {seconds:g} s")
                if self._poll.poll(math.ceil(1000 * min(left, LONGEST_WAIT))):
                    return os.read(self._descriptor, size)

        return _read(read, self._buffer, most)


def _read(read: Callable[[int], bytes], buffer: bytearray, most: int) -> tuple[str, bytes]:
    """Fill the buffer up to the end of a message, and empty it."""
    _fill(read, buffer, HEAD.size)
    magic, name, size = HEAD.unpack_from(buffer)
    kind = KIND.fullmatch(name)
    if magic != MAGIC or kind is None:
        raise WireError("something else than a message was written")
    if size > most:
        raise WireError(f"a message may have {most:,} bytes, got one of {size:,}")
    _fill(read, buffer, HEAD.size + size)
    payload = bytes(memoryview(buffer)[HEAD.size :])
    buffer.clear()
    return kind[1].decode(), payload


def _fill(read: Callable[[int], bytes], buffer: bytearray, size: int) -> None:
    while len(buffer) < size:
        chunk = read(min(size - len(buffer), CHUNK))
        if not chunk:
            if buffer:
                raise WireError("the stream ended within a message")
            raise EOFError("the stream has ended")
        buffer += chunk
