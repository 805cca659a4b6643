"""The border: every kind of item, judged over the wire as at home.

A module in tests/mutants/ imports this test beside those of `proving`, whose run of the solution it shares.
"""

import json
from contextlib import nullcontext
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from exercise_runs import SOLUTIONS, replaced
from proving import regraded, solution

from vae_tutorial.grading.judging import runner
from vae_tutorial.grading.judging.key import Key
from vae_tutorial.grading.judging.referee import WITHHELD, judge


@cache
def key_of(lesson: str) -> Key:
    return Key(lesson, (SOLUTIONS / lesson / f"{lesson}.ipynb").read_bytes())


def over_the_wire(lesson: str, item_id: str, names: dict[str, Any], monkeypatch) -> dict[str, Any]:
    """Judge by the referee's own code, with a runner that has these names and is asked by bytes alone."""
    monkeypatch.setattr(runner, "within", lambda seconds: nullcontext())  # its alarm is also pytest's
    asked = runner.Runner.__new__(runner.Runner)
    asked.shell = SimpleNamespace(user_ns=names)
    item = next(item for item in key_of(lesson).items if item.id == item_id)
    kinds = json.loads(asked.kinds(json.dumps(item.theirs).encode())[1])

    def ask(kind: str, payload: bytes) -> tuple[str, bytes]:
        head, newline, rest = payload.partition(b"\n")
        timed = json.dumps(json.loads(head) | {"seconds": 1}).encode() + newline + rest
        return {"get": asked.get, "call": asked.call, "hidden": asked.call}[kind](timed)

    request = {
        "ours": item.ours,
        "source": item.source,
        "hidden_lines": list(item.hidden_lines),
        "functions": [name for name in item.theirs if kinds[name] == "function"],
        "values": [name for name in item.theirs if kinds[name] != "function"],
        "most": item.most,
    }
    return judge(request, ask)


@pytest.mark.grading
def test_the_border_changes_no_verdict_and_no_sentence(lesson, banks, monkeypatch):
    run = solution(lesson)
    for task, bank in banks.items():
        for answer in (bank.wrong[0][1], bank.right[0]):
            if callable(answer) and not bank.of_variant:
                answer.__name__ = bank.name  # as in a notebook, where it is not a lambda
            torch.manual_seed(0)
            at_home = regraded(lesson, task, bank, answer)
            with replaced(run.names, {bank.name: answer(run.names["mine"]) if bank.of_variant else answer}):
                torch.manual_seed(0)
                there = over_the_wire(lesson, f"{task}-checks", run.names, monkeypatch)
            assert there["points"] == at_home, (task, there["lines"], str(at_home.report))
            here = [[good, text] for good, text in at_home.report.lines()]
            said = [
                [good, text] for good, text, hidden in there["lines"] if not (hidden and (good or WITHHELD in text))
            ]
            assert said
            assert all(line in here for line in said), (task, said, here)


__all__ = ["test_the_border_changes_no_verdict_and_no_sentence"]
