"""A sandbox made by bubblewrap: namespaces of Linux, its own view of the files, and limits."""

import functools
import itertools
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from vae_tutorial.grading.sandbox import inside, seccomp, staging, view
from vae_tutorial.grading.sandbox.boxed import Boxed
from vae_tutorial.grading.sandbox.contained import NO_FILES, Contained, SandboxUnavailable
from vae_tutorial.grading.sandbox.limits import MEBIBYTE, Limits
from vae_tutorial.grading.sandbox.watching import Watch

SIDE = 64 * MEBIBYTE  # bytes in /tmp, and in /dev/shm
DEVICES = ("/dev/null", "/dev/random", "/dev/urandom")  # not /dev/zero: a shared map of it is counted nowhere
ISOLATION = [
    *("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
    *("--uid", "1000", "--gid", "1000", "--hostname", "sandbox"),
]
TOOLS = ("bwrap", "prlimit", "choom")


class Bubblewrap:
    """Needs Linux, bubblewrap, util-linux and user namespaces. Raises SandboxUnavailable where a program is missing."""

    name = "bubblewrap"

    def __init__(self) -> None:
        if sys.platform != "linux" or not seccomp.supported():
            raise SandboxUnavailable(
                f"bubblewrap runs on Linux on {' or '.join(seccomp.ARCHITECTURES)},"
                f" this is {platform.system()} on {platform.machine()}"
            )
        self._bwrap, self._prlimit, self._choom = map(staging.tool, TOOLS)

    def start(
        self,
        command: Sequence[str],
        *,
        files: Mapping[str, bytes] = NO_FILES,
        limits: Limits = Limits(),  # noqa: B008
    ) -> Contained:
        """As in Sandbox. The current folder is /scratch, in memory; /tmp and /dev/shm are writable too."""
        inside.checked(files, limits)
        places = view.seen()
        return Contained(Watch(functools.partial(self._launch, command, files, places, limits), limits))

    def _launch(
        self, command: Sequence[str], files: Mapping[str, bytes], places: Mapping[Path, Path], limits: Limits
    ) -> Boxed:
        with ExitStack() as stack:
            status, told = os.pipe()
            stack.callback(os.close, told)
            handed = [told, _file(seccomp.program(platform.machine()), stack)]
            options = ["--json-status-fd", str(told), "--seccomp", str(handed[-1])]
            copied = []
            for name, content in files.items():
                handed.append(_file(content, stack))
                copied += ["--perms", "0644", "--file", str(handed[-1]), f"{inside.SCRATCH}/{name}"]
            stage = staging.Stage(places.values())
            variables = itertools.chain.from_iterable(("--setenv", *pair) for pair in inside.variables("/tmp").items())
            options += [*_disable(self._bwrap), *_layout(places, stage, limits, copied), *variables]
            bounded = [self._choom, "-n", "1000", "--", self._prlimit, *_rlimits(limits), "--", *command]
            process = subprocess.Popen(
                stage.command([self._bwrap, *ISOLATION, *options, "--", *bounded]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env={"PATH": staging.PATH},
                pass_fds=handed,
                start_new_session=True,  # Ctrl-C is for who grades
            )
        return Boxed(process, status, limits)


def _layout(places: Mapping[Path, Path], stage: staging.Stage, limits: Limits, files: Sequence[str]) -> Iterator[str]:
    """Options for all files: first what is writable, since what is shown may lie in it, then what is read-only."""
    yield from ("--tmpfs", "/dev", "--proc", "/proc")
    for folder, most in zip(inside.WRITABLE, (SIDE, SIDE, limits.scratch), strict=True):
        yield from ("--perms", "1777", "--size", str(most), "--tmpfs", folder)
    for device in DEVICES:
        yield from ("--dev-bind", device, device)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        yield from ("--symlink", f"/proc/self/fd/{number}", f"/dev/{name}")
    yield from ("--symlink", "/proc/self/fd", "/dev/fd")
    for link, target in view.links().items():
        yield from ("--symlink", target, link)
    for place, source in places.items():
        yield from ("--ro-bind", stage.path(source), str(place))
    yield from files
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", inside.SCRATCH)


def _rlimits(limits: Limits) -> list[str]:
    """prlimit's options. It runs inside, so that the number of processes is this sandbox's alone."""
    bounds = {
        "cpu": f"{limits.cpu}:{limits.cpu + 1}",  # a signal that says why, then the one that nobody can refuse
        "data": limits.data,
        "as": limits.address_space,
        "nproc": limits.processes,
        "fsize": limits.file_size,
        "nofile": limits.open_files,
        "core": 0,
    }
    return [f"--{name}={value}" for name, value in bounds.items()]


@functools.cache
def _disable(bwrap: str) -> tuple[str, ...]:
    """The option against further user namespaces, which bubblewrap has since 0.8; the filter refuses them anyway."""
    said = subprocess.run([bwrap, "--help"], capture_output=True, text=True, timeout=10)
    return ("--disable-userns",) if "--disable-userns" in said.stdout + said.stderr else ()


def _file(content: bytes, stack: ExitStack) -> int:
    """A file in memory, closed by `stack`."""
    number = os.memfd_create("sandbox")
    stack.callback(os.close, number)
    with open(number, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(number, 0, os.SEEK_SET)
    return number
