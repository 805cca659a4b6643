"""Messages on a pipe: whole, in halves, too late, too long, and what is none."""

import io
import os
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_tutorial.grading.wire import FrameReader, WireError, read_frame, write_frame

HEAD = 44  # bytes
KINDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=32)
FRAMES = st.lists(st.tuples(KINDS, st.binary(max_size=50)), max_size=5)


class Crumbs(io.BytesIO):
    """A stream that reads and writes three bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size, 3))

    def write(self, content) -> int:
        return super().write(content[:3])


def framed(kind: str, payload: bytes) -> bytes:
    stream = io.BytesIO()
    write_frame(stream, kind, payload)
    return stream.getvalue()


@contextmanager
def pipe() -> Iterator[tuple[FrameReader, int]]:
    """A reader, and the descriptor to write to."""
    out, into = os.pipe()
    try:
        with os.fdopen(out, "rb", buffering=0) as stream:
            yield FrameReader(stream), into
    finally:
        os.close(into)


@given(FRAMES)
def test_messages_come_as_they_were_written_by_any_stream(frames):
    crumbs = Crumbs()
    for kind, payload in frames:
        write_frame(crumbs, kind, payload)
    assert crumbs.getvalue() == b"".join(framed(*frame) for frame in frames)
    for stream in (Crumbs(crumbs.getvalue()), io.BytesIO(crumbs.getvalue())):
        assert [read_frame(stream, 50) for _ in frames] == frames
        with pytest.raises(EOFError):
            read_frame(stream, 50)


@given(FRAMES)
def test_messages_come_as_they_were_written_through_a_pipe(frames):
    with pipe() as (reader, into):
        os.write(into, b"".join(framed(*frame) for frame in frames))
        assert [reader.read(50, 10) for _ in frames] == frames


def test_a_reader_takes_a_descriptor_and_tells_the_end():
    out, into = os.pipe()
    os.write(into, framed("last", b""))
    os.close(into)
    reader = FrameReader(out)
    assert reader.read(0, 10) == ("last", b"")
    with pytest.raises(EOFError):
        reader.read(0, 10)
    os.close(out)


@pytest.mark.parametrize("length", range(1, HEAD + 5))
def test_a_stream_that_ends_within_a_message_is_wrong(length):
    content = framed("call", b"12345")[:length]
    with pytest.raises(WireError, match="ended within"):
        read_frame(io.BytesIO(content), 5)
    out, into = os.pipe()
    os.write(into, content)
    os.close(into)
    with pytest.raises(WireError, match="ended within"):
        FrameReader(out).read(5, 10)
    os.close(out)


@given(st.binary(min_size=HEAD, max_size=3 * HEAD))
def test_other_bytes_are_no_message(content):
    with pytest.raises(WireError):
        read_frame(io.BytesIO(content), 10)


@given(FRAMES.filter(bool), st.integers(min_value=0), st.binary(max_size=3))
def test_a_damaged_message_is_read_or_refused(frames, at, instead):
    content = bytearray(b"".join(framed(*frame) for frame in frames))
    at %= len(content)
    content[at : at + 1] = instead
    stream = io.BytesIO(content)
    with suppress(WireError, EOFError):
        for _ in range(len(frames) + 1):
            kind, payload = read_frame(stream, 50)
            assert kind.isalpha()
            assert len(kind) <= 32
            assert len(payload) <= 50
        pytest.fail("there are more messages than were written")


@pytest.mark.parametrize("kind", ["", "a" * 33, "two words", "é", "a\n", "a\0"])
def test_a_kind_is_a_short_word(kind):
    stream = io.BytesIO()
    with pytest.raises(ValueError, match="kind must be 1 to 32 ASCII letters"):
        write_frame(stream, kind, b"")
    assert stream.getvalue() == b""
    if len(name := kind.encode()) <= 32 and not name.endswith(b"\0"):
        content = framed("x", b"")[:4] + name.ljust(32, b"\0") + bytes(8)
        with pytest.raises(WireError, match="something else"):
            read_frame(io.BytesIO(content), 0)


@pytest.mark.parametrize("claim", [11, 2**32, 2**63, 2**64 - 1])
def test_a_message_that_is_too_long_is_refused_at_its_head(claim):
    stream = Crumbs(framed("x", b"")[:-8] + claim.to_bytes(8, "big") + bytes(1000))
    with pytest.raises(WireError, match="may have 10 bytes"):
        read_frame(stream, 10)
    assert stream.tell() == HEAD


def test_a_flood_is_not_taken_in():
    stream = Crumbs(b"loss 0.1\n" * 100_000)
    for _ in range(100):
        with pytest.raises(WireError, match="something else"):
            read_frame(stream, 2**30)
    assert stream.tell() == 100 * HEAD


def test_after_a_flood_a_reader_stays_where_it_was():
    with pipe() as (reader, into):
        os.write(into, b"loss 0.1\n" * 100)
        for _ in range(100):
            with pytest.raises(WireError, match="something else"):
                reader.read(2**30, 10)
        assert len(reader._buffer) == HEAD


def test_a_long_message_that_does_not_come_takes_no_memory():
    head = framed("x", b"")[:-8] + (2**30).to_bytes(8, "big")
    with pipe() as (reader, into):
        os.write(into, head + bytes(1000))
        tracemalloc.start()
        try:
            with pytest.raises(TimeoutError):
                reader.read(2**30, 0.02)
            assert tracemalloc.get_traced_memory()[1] < 3 * 2**20
        finally:
            tracemalloc.stop()


def test_what_came_of_a_message_is_kept_until_the_rest_comes():
    content = framed("value", b"0123456789")
    with pipe() as (reader, into):
        for piece in (content[:20], content[20:HEAD], content[HEAD:-1]):
            os.write(into, piece)
            with pytest.raises(TimeoutError, match=r"within 0\.01 s"):
                reader.read(10, 0.01)
        os.write(into, content[-1:] + content)
        assert [reader.read(10, 10), reader.read(10, 10)] == [("value", b"0123456789")] * 2


def test_a_message_has_to_be_complete_in_time_however_often_a_byte_comes():
    def drip() -> None:
        for byte in framed("x", bytes(1000)):
            if done.wait(0.002):
                return
            os.write(into, bytes([byte]))

    done = threading.Event()
    with pipe() as (reader, into):
        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            reader.read(1000, 0.1)
        took = time.monotonic() - began
        done.set()
        thread.join()
    assert 0.1 <= took < 1.5  # all of it would take two seconds


def test_no_limit_of_time_waits_until_it_comes():
    with pipe() as (reader, into):
        timer = threading.Timer(0.05, os.write, (into, framed("late", b"1")))
        timer.start()
        assert reader.read(1, float("inf")) == ("late", b"1")
        timer.join()


def test_a_long_message_goes_through_a_pipe():
    payload = os.urandom(5 * 2**20 + 1)
    with pipe() as (reader, into), os.fdopen(os.dup(into), "wb", buffering=0) as stream:
        thread = threading.Thread(target=write_frame, args=(stream, "tensor", payload))
        thread.start()
        assert reader.read(len(payload), 30) == ("tensor", payload)
        thread.join()
