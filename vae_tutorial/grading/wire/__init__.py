"""Values and messages between processes that do not trust each other: bytes that nothing is run from.

`encode` and `decode` carry a value, `write_frame` and `FrameReader` a message of any bytes. What `encode` made in
another's process is that process's claim; `decode` takes any bytes at all and gives a value or WireError.
"""

from vae_tutorial.grading.wire.decoding import decode
from vae_tutorial.grading.wire.encoding import encode
from vae_tutorial.grading.wire.foreign import Foreign
from vae_tutorial.grading.wire.format import MOST, WireError
from vae_tutorial.grading.wire.frames import FrameReader, read_frame, write_frame

__all__ = ["MOST", "Foreign", "FrameReader", "WireError", "decode", "encode", "read_frame", "write_frame"]
