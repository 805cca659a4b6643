"""What a sandbox may use before it is stopped."""

from dataclasses import dataclass, fields

MEBIBYTE, GIBIBYTE = 2**20, 2**30


@dataclass(frozen=True)
class Limits:
    """Bounds of one sandbox; the defaults fit a submission that trains a small model with torch.

    Of the whole tree of processes: wall, seconds since the start (math.inf for none); cpu, seconds of processor time;
    memory, resident bytes; processes, threads counted too; output, bytes on stderr; scratch, bytes in the current
    folder; entries, files and folders made. Time, memory and entries are looked at every tenth of a second.
    Of each process: data, address_space, file_size, bytes that it may ask for or write; open_files.
    Raises ValueError for one that is not above 0.
    """

    wall: float = 300.0
    cpu: int = 120
    memory: int = 3 * GIBIBYTE
    data: int = 3 * GIBIBYTE
    address_space: int = 16 * GIBIBYTE
    processes: int = 64
    output: int = 8 * MEBIBYTE
    scratch: int = 256 * MEBIBYTE
    file_size: int = 256 * MEBIBYTE
    open_files: int = 256
    entries: int = 20_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"{field.name} must be a number above 0, got {value}")


def size(count: int) -> str:
    """A number of bytes in words: "3.0 GB", "8 MB"."""
    return f"{count / GIBIBYTE:.1f} GB" if count >= GIBIBYTE else f"{count / MEBIBYTE:.3g} MB"
