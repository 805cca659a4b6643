"""A sandbox made by docker or podman, for systems without bubblewrap.

Its tests look at the command lines that it runs. It was not tried against an engine.
"""

import functools
import io
import os
import shutil
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import vae_tutorial
from vae_tutorial.grading.sandbox import inside, mending, processes
from vae_tutorial.grading.sandbox.bounded import BOUNDED, bounds
from vae_tutorial.grading.sandbox.contained import NO_FILES, Contained, SandboxUnavailable
from vae_tutorial.grading.sandbox.limits import MEBIBYTE, Limits
from vae_tutorial.grading.sandbox.watching import Watch

ENGINES = ("docker", "podman")
PATIENCE = 10.0  # seconds for an engine that does not answer
PACKAGE = "/opt/vae-tutorial"  # where the package stands inside
SIDE = 64 * MEBIBYTE  # bytes in /tmp, and in /dev/shm
# The files come first on stdin, which is the one way in that needs no folder of this machine.
UNPACK = """
import io, os, tarfile
left, content = int(sys.argv.pop(1)), b""
while left and (piece := os.read(0, left)):
    content, left = content + piece, left - len(piece)
tarfile.open(fileobj=io.BytesIO(content)).extractall(".")
"""


class Container:
    """Needs an engine that answers, and an image that has the course's packages.

    image: its name, by default that in the variable VAE_TUTORIAL_GRADING_IMAGE; repo2docker makes it from
    environment.yml. Raises SandboxUnavailable where one of them is missing.
    """

    name = "container"

    def __init__(self, image: str = ""):
        self.engine = engine()
        self.image = image or os.environ.get(mending.IMAGE, "")
        if not self.image:
            raise SandboxUnavailable(
                f"{self.engine} answers, but {mending.IMAGE} does not name an image: make one from environment.yml by"
                f" `repo2docker --no-run --image-name vae-tutorial .` and set {mending.IMAGE}=vae-tutorial"
            )

    def start(
        self,
        command: Sequence[str],
        *,
        files: Mapping[str, bytes] = NO_FILES,
        limits: Limits = Limits(),  # noqa: B008
    ) -> Contained:
        """As in Sandbox; sys.executable stands for the image's Python."""
        inside.checked(files, limits)
        return Contained(Watch(functools.partial(self._launch, command, files, limits), limits))

    def _launch(self, command: Sequence[str], files: Mapping[str, bytes], limits: Limits) -> "Engaged":
        name, packed = f"vae-tutorial-{uuid.uuid4().hex}", _packed(files)
        stub = ["python", "-I", "-S", "-c", f"import sys{UNPACK}{BOUNDED}", str(len(packed)), *bounds(limits)]
        program = ["python" if command[0] == sys.executable else command[0], *command[1:]]
        process = subprocess.Popen(
            [self.engine, "run", *_options(name, limits), self.image, *_timed(limits), *stub, *program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # its end says more
            process.stdin.write(packed)
            process.stdin.flush()
        return Engaged(self.engine, name, process, limits)


class Engaged:
    """A container. process: the engine's client; the engine bounds memory and processes by itself."""

    def __init__(self, engine: str, name: str, process: subprocess.Popen[bytes], limits: Limits):
        self.process, self._limits = process, limits
        self._remove = [engine, "rm", "--force", name]

    def excess(self) -> str:
        return ""

    def kill(self) -> None:
        subprocess.run(self._remove, capture_output=True, timeout=PATIENCE)
        self.process.kill()
        self.process.wait()
        subprocess.run(self._remove, capture_output=True, timeout=PATIENCE)  # one that was being made

    def ending(self, tail: str) -> str:
        status = self.process.returncode
        if status in (125, 126, 127):
            return f"it could not start: {(tail.strip().splitlines() or ['it said nothing'])[-1]}"
        return processes.ending(128 - status if status > 128 else status, self._limits)


def engine() -> str:
    """The path of docker or podman. Raises SandboxUnavailable where none of them answers."""
    for program in filter(None, map(shutil.which, ENGINES)):
        with suppress(subprocess.TimeoutExpired, OSError):
            if subprocess.run([program, "ps"], capture_output=True, timeout=PATIENCE).returncode == 0:
                return program
    raise SandboxUnavailable(f"neither {' nor '.join(ENGINES)} answers")


def _options(name: str, limits: Limits) -> Iterator[str]:
    yield from ("--rm", "--interactive", "--init", "--pull", "never", "--name", name)
    yield from ("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    yield from ("--memory", str(limits.memory), "--memory-swap", str(limits.memory))
    yield from ("--pids-limit", str(limits.processes), "--user", "1000:1000", "--hostname", "sandbox")
    for folder, most in zip(inside.WRITABLE, (SIDE, SIDE, limits.scratch), strict=True):
        yield from ("--tmpfs", f"{folder}:rw,mode=1777,size={most}")
    # An image made from a checkout has all of it in its home folder, the solutions too.
    yield from ("--tmpfs", "/home:ro,size=4k", "--workdir", inside.SCRATCH)
    yield from ("--volume", f"{Path(vae_tutorial.__file__).parent}:{PACKAGE}/vae_tutorial:ro")
    for variable, value in inside.variables("/tmp").items():
        if variable != "PATH":  # the image's is right
            yield from ("--env", f"{variable}={value}")
    yield from ("--env", f"PYTHONPATH={PACKAGE}")


def _timed(limits: Limits) -> list[str]:
    """An engine goes on when who asked it has died, so the end is set inside as well."""
    return ["timeout", "--signal=KILL", f"{limits.wall:.0f}"] if limits.wall < float("inf") else []


def _packed(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()
