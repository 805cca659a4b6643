"""What the sandbox of this machine holds, tried out in one."""

import json
import os
import select
import socket
import sys
from typing import Any

from vae_tutorial.grading.sandbox.choosing import choose
from vae_tutorial.grading.sandbox.contained import Contained, SandboxUnavailable
from vae_tutorial.grading.sandbox.limits import MEBIBYTE, Limits, size

FEW = Limits(wall=60, processes=24, scratch=16 * MEBIBYTE)
AFTERWARDS = 2.0  # seconds in which the last process must have ended
# It tries what a hostile submission would, says how far it came in one line of JSON, and leaves a process behind.
TRIAL = """
import json, os, socket, sys, time

def works(action):
    try:
        action()
        return True
    except OSError:
        return False

interfaces = [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line]
reached = works(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2))
folders = [sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), "/usr/bin", "/dev", "/"]
written = [folder for folder in folders if works(lambda: open(os.path.join(folder, "trial"), "w").close())]
filled = 0
with open("filling", "wb", buffering=0) as file:
    while filled < 4 * int(sys.argv[2]) and works(lambda: file.write(bytes(2 ** 16))):
        filled = file.tell()
children = []
while len(children) < 4 * int(sys.argv[3]):
    try:
        child = os.fork()
    except OSError:
        break
    if not child:
        time.sleep(30)
        os._exit(0)
    children.append(child)
for child in children:
    os.kill(child, 9)
    os.wait()
seen = dict(interfaces=interfaces, reached=reached, written=written, filled=filled, children=len(children))
print(json.dumps(seen), flush=True)
if not os.fork():
    os.setsid()
    if not os.fork():
        time.sleep(30)
    os._exit(0)
time.sleep(30)
"""


def findings() -> dict[str, str]:
    """A line on everything that marking needs of a sandbox, for `vae-tutorial doctor --grading`.

    Each was tried; one that does not hold says "not ready" and what to do.
    """
    try:
        sandbox = choose()
    except SandboxUnavailable as error:
        return {"sandbox": f"not ready: {error}"}
    with socket.create_server(("127.0.0.1", 0)) as service:
        numbers = (service.getsockname()[1], FEW.scratch, FEW.processes)
        with sandbox.start([sys.executable, "-I", "-c", TRIAL, *map(str, numbers)], limits=FEW) as contained:
            line = contained.stdout.readline(MEBIBYTE)
            ended = _ends(contained)
        try:
            seen = json.loads(line)
        except ValueError:
            return {
                "sandbox": f"not ready: {sandbox.name} starts, but {contained.reason}: {contained.complaint()[-300:]}"
            }
    return {"sandbox": sandbox.name, **_lines(seen, ended)}


def _lines(seen: dict[str, Any], ended: bool) -> dict[str, str]:
    """In words. seen: what TRIAL says."""
    reached = seen["reached"] or seen["interfaces"] != ["lo"]
    few, filled = seen["children"] < FEW.processes, seen["filled"] <= FEW.scratch
    return {
        "network": _line(not reached, "none inside", f"a sandbox sees {', '.join(seen['interfaces'])}"),
        "system": _line(not seen["written"], "read-only", f"a sandbox can write to {', '.join(seen['written'])}"),
        "scratch": _line(filled, f"full at {size(FEW.scratch)}, as told", "a sandbox can write more than it is told"),
        "processes": _line(few, f"no more than {FEW.processes}, as told", "a sandbox can start more than it is told"),
        "end": _line(ended, "takes every process along", "a process of a sandbox lives on"),
    }


def _line(good: bool, text: str, problem: str) -> str:
    return text if good else f"not ready: {problem}; do not mark submissions of others here"


def _ends(contained: Contained) -> bool:
    """Stop it; whether no process is left that could write to its stdout, which all of them have."""
    copy = os.dup(contained.stdout.fileno())
    try:
        contained.stop()
        poll = select.poll()
        poll.register(copy, 0)  # speaks of the other end's closing alone
        return bool(poll.poll(1000 * AFTERWARDS))
    finally:
        os.close(copy)
