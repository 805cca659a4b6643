"""What a tree of processes uses, read from /proc by who stands outside."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from vae_tutorial.grading.sandbox.limits import Limits, size

TICKS = os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """The process and all that come from it, without those whose parent has ended."""
    found = [pid]
    for each in found:  # grows while it is read
        with suppress(OSError):  # it may end while its folder is listed
            for children in Path(f"/proc/{each}/task").glob("*/children"):
                found.extend(int(child) for child in _read(children).split())
    return found


def lives(pid: int) -> bool:
    """Whether there is such a process, one aside that has ended and that nobody has asked for its status."""
    return _stat(pid)[:1] not in ([], ["Z"], ["X"])


def seconds(pids: Iterable[int]) -> float:
    """Processor time of the processes and of their children that ended."""
    return sum(sum(int(field) for field in fields[11:15]) for fields in map(_stat, pids) if fields) / TICKS


def resident(pids: Iterable[int], most: int) -> int:
    """Bytes of memory that the processes hold, swapped out ones and the tables of their pages too.

    What several of them share is counted for each, and only when that is above `most` once, which takes longer.
    """
    pids = list(pids)
    each = sum(_sum(f"/proc/{pid}/status", "VmRSS", "VmSwap", "VmPTE") for pid in pids)
    return each if each <= most else sum(map(_shared_once, pids))


def excess(pids: Iterable[int], limits: Limits) -> str:
    """What the processes have used too much of, as a reason; "" for nothing."""
    pids = list(pids)
    if resident(pids, limits.memory) > limits.memory:
        return f"it used more than {size(limits.memory)} of memory"
    return too_long(limits) if seconds(pids) > limits.cpu else ""


def ending(status: int, limits: Limits) -> str:
    """Why a process ended by itself. status: as subprocess tells it, below 0 for a signal."""
    if status == -signal.SIGXCPU:
        return too_long(limits)
    return f"it ended by itself ({f'signal {-status}' if status < 0 else f'exit status {status}'})"


def too_long(limits: Limits) -> str:
    return f"it used more than {limits.cpu} s of processor time"


def _shared_once(pid: int) -> int:
    """Its memory, where a page that n processes hold is the n-th part of one."""
    shares = _sum(f"/proc/{pid}/smaps_rollup", "Pss", "SwapPss")
    return (shares or _sum(f"/proc/{pid}/status", "VmRSS", "VmSwap")) + _sum(f"/proc/{pid}/status", "VmPTE")


def _sum(path: str, *names: str) -> int:
    """The sum of lines such as "VmRSS:  12 kB", in bytes."""
    lines = (line.split() for line in _read(Path(path)).splitlines())
    return sum(int(line[1]) * 1024 for line in lines if line and line[0].rstrip(":") in names)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, which is the student's to choose; none of one that is gone."""
    return _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
