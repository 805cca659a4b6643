"""Which sandbox this machine has."""

import functools
import sys

from vae_tutorial.grading.sandbox import mending
from vae_tutorial.grading.sandbox.bubblewrap import Bubblewrap
from vae_tutorial.grading.sandbox.contained import Sandbox, SandboxUnavailable
from vae_tutorial.grading.sandbox.container import Container
from vae_tutorial.grading.sandbox.limits import Limits
from vae_tutorial.grading.sandbox.trusted import Trusted

HELLO = "hello"
PROBE = Limits(wall=30)


def choose(trusted: bool = False) -> Sandbox:
    """The sandbox to use: bubblewrap, or else a container. trusted: none at all, only limits.

    Each has started a Python before it is chosen. Raises SandboxUnavailable, with what to do, where none does.
    """
    return Trusted() if trusted else _best()


@functools.cache
def _best() -> Sandbox:
    problems = []
    for kind in (Bubblewrap, Container):
        try:
            return _tried(kind())
        except SandboxUnavailable as error:
            problems.append(f"{kind.name}: {str(error).rstrip('.')}.")
    raise SandboxUnavailable(f"there is no sandbox for code that others wrote. {' '.join(problems)} {mending.TRUST}.")


def _tried(sandbox: Sandbox) -> Sandbox:
    command = [sys.executable, "-I", "-c", f"print({HELLO!r})"]
    with sandbox.start(command, limits=PROBE) as contained:
        said = contained.stdout.read(len(HELLO))
        reason, complaint = contained.reason, contained.complaint()
    if said != HELLO.encode():
        last = (complaint.strip().splitlines() or ["it said nothing"])[-1]
        raise SandboxUnavailable(
            f"Python does not start in it: {reason or 'no output'}: {last}. {mending.advice(last)}"
        )
    return sandbox
