"""The program that judges: runs the key's checks on what a learner's process answers, and no code of a learner's.

It stands in a sandbox of its own, because it decodes what learners send and builds models of it. The modules that
checks need are loaded once; each item is judged in a fork, so that none leaves anything behind.
"""

import ast
import builtins
import json
import os
import resource
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from vae_tutorial.grading import wire
from vae_tutorial.grading.judging.channel import Channel
from vae_tutorial.grading.judging.weights import sketch
from vae_tutorial.grading.words import WITHHELD

CELL = "<checks>"
SECONDS = 120  # of the processor, for one item
MOST_LETTERS = 300  # of an error's name and of its words
FLOW = ("StopIteration", "StopAsyncIteration", "GeneratorExit")  # an error of these names would steer our own loops


class ToldError(Exception):
    """An error that a learner's function raised, by name and words alone."""

    def __init__(self, text: str):
        self.text = text

    def __str__(self) -> str:
        return self.text


class Remote:
    """A learner's function, as checks see it: arguments go there, data comes back."""

    def __init__(self, name: str, ask: Callable[[str, bytes], tuple[str, bytes]], hidden_lines: frozenset[int]):
        self.__name__, self._ask, self._hidden_lines = name, ask, hidden_lines

    def __call__(self, *args: Any, **options: Any) -> Any:
        head, hidden = json.dumps({"name": self.__name__}).encode(), not self._hidden_lines.isdisjoint(_lines_run())
        kind, payload = self._ask("hidden" if hidden else "call", head + b"\n" + wire.encode((list(args), options)))
        return received(kind, payload, hidden=hidden)


def received(kind: str, payload: bytes, *, hidden: bool) -> Any:
    """The value in an answer; raises the error in it, without its words where a check is hidden.

    Words of a learner's error are shown to the learner, and could carry out what a hidden check has sent in.
    """
    if kind == "value":
        try:
            return wire.decode(payload)
        except wire.WireError as error:
            raise ToldError(str(error)) from error
    told = json.loads(payload)
    name, text = (str(told[part])[:MOST_LETTERS] for part in ("type", "text"))
    known = getattr(builtins, name, None)
    base = known if isinstance(known, type) and issubclass(known, Exception) and name not in FLOW else None
    if hidden:
        name, text = name if base else "an error of its own", WITHHELD
    raise type(name, (ToldError, base) if base else (ToldError,), {})(text)


def judge(request: Mapping[str, Any], ask: Callable[[str, bytes], tuple[str, bytes]]) -> dict[str, Any]:
    """The points and lines of one item; `broken` tells what stopped our own code, and then there is no verdict."""
    hidden_lines = frozenset(request["hidden_lines"])
    names: dict[str, Any] = {"__name__": "checks"}
    try:
        for statement in request["ours"]:
            exec(compile(statement, "<key>", "exec"), names)
    except Exception as error:
        return {"broken": f"{type(error).__name__}: {error}"}
    try:
        for name in request["functions"]:
            names[name] = Remote(name, ask, hidden_lines)
        for name in request["values"]:
            names[name] = received(*ask("get", json.dumps({"name": name}).encode()), hidden=False)
        weights = {name: found for name in request["values"] if (found := sketch(names[name]))}
        value = execute(request["source"], names)
    except Exception as error:
        return _failed(error, hidden_lines)
    return _earned(value, request["most"]) | {"weights": weights}


def execute(source: str, names: dict[str, Any]) -> Any:
    """Run a cell of the key; the value of its last line, if that is an expression."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), CELL, "exec"), names)
    return eval(compile(ast.Expression(last.value), CELL, "eval"), names) if isinstance(last, ast.Expr) else None


def _failed(error: Exception, hidden_lines: frozenset[int]) -> dict[str, Any]:
    """A check that did not run to its end earns nothing, whatever stopped it."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == CELL]
    hidden = not hidden_lines.isdisjoint(lines)
    said = " ".join(str(error).split())[:300]
    if isinstance(error, AssertionError) and not isinstance(error, ToldError):
        text = said or "a check does not hold"
    else:
        text = f"the check stopped with {type(error).__name__}: {said}"
    said = "a check at marking does not hold" if hidden else text
    return {"points": 0.0, "lines": [[False, said, hidden]], "weights": {}}


def _earned(value: Any, most: float) -> dict[str, Any]:
    """What the last line of a cell that ran to its end says: a number of points, or all where it says nothing."""
    report = getattr(value, "report", None)
    lines = [] if report is None else _lines(report)
    if value is None:
        return {"points": most, "lines": lines}
    if type(value).__name__ in ("bool", "bool_"):  # Python's and NumPy's
        value = most * bool(value)
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        points = float(value)  # of a learner's array or tensor too, where the key added up comparisons with it
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return {"broken": f"the checks end with a {type(value).__name__}, which is no number of points"}
    if not 0 <= points <= most:
        return {"broken": f"the checks give {points:g} of {most:g} points"}
    return {"points": points, "lines": lines}


def _lines(report: Any) -> list[list[Any]]:
    """What an Item says at home, and the hidden checks that hold, which are counted for the learner."""
    said = [[*line, i >= len(report.seen)] for i, line in enumerate(report.lines())]
    return said + [[True, verdict.claim, True] for verdict in report.unseen if not verdict.problem]


def _lines_run() -> set[int]:
    """The lines of the key's cell that are being run: a check may stand in a function that a hidden line calls."""
    frames = (frame for frame, _ in traceback.walk_stack(None))
    return {frame.f_lineno for frame in frames if frame.f_code.co_filename == CELL}


def _in_a_fork(request: Mapping[str, Any], channel: Channel) -> int:
    """Judge in a child, which sends the mark itself; its exit status, 0 where it came to its end."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        channel.write("mark", json.dumps(judge(request, channel.ask)).encode())
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def main() -> None:
    """Load what checks need, then judge item by item until nobody asks any more."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of PyTorch's do not live on in a fork
    channel = Channel(quiet=False)
    loaded: dict[str, Any] = {}
    _, preload = channel.read()
    for statement in json.loads(preload):
        exec(compile(statement, "<key>", "exec"), loaded)
    channel.write("ready")
    while True:
        try:
            _, payload = channel.read()
        except EOFError:
            return
        channel.write("judged", json.dumps(_in_a_fork(json.loads(payload), channel)).encode())


if __name__ == "__main__":
    main()
