"""The course's own exercises at marking: what learners see at home and what marks them is one code with one voice."""

import importlib
import json
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from exercise_runs import EXERCISES, LESSONS, SOLUTIONS, replaced
from grading_sandboxes import bubblewrap
from proving import Bank, regraded, solution
from safetensors.torch import save_file

from vae_tutorial import data
from vae_tutorial.checks.capstone import build
from vae_tutorial.course.assign import assigned
from vae_tutorial.grading.judging import runner
from vae_tutorial.grading.judging.key import Key
from vae_tutorial.grading.judging.marking import Settings, mark
from vae_tutorial.grading.judging.referee import WITHHELD, judge
from vae_tutorial.grading.records import Mark, Submission, Verdict
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit

CAPSTONE = "12_side_by_side"
MODEL_ITEMS = {"vae-checks", "plain-checks", "tuned-checks"}  # need weights, which no solution has beside it


def key_of(lesson: str) -> Key:
    return Key(lesson, (SOLUTIONS / lesson / f"{lesson}.ipynb").read_bytes())


def marked(lesson: str, notebook: str, learner: str = "a", settings: Settings | None = None, **files: bytes) -> Verdict:
    bubblewrap()
    named = {name.replace("__", "."): content for name, content in files.items()}
    return mark(key_of(lesson), Submission(learner, lesson, notebook.encode(), named), settings or Settings())


def text_of(folder, lesson: str) -> str:
    return (folder / lesson / f"{lesson}.ipynb").read_text(encoding="utf-8")


def by_id(verdict: Verdict) -> dict[str, Mark]:
    return {mark.id: mark for mark in verdict.marks}


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_solution_earns_all_in_the_sandbox_in_a_variant_of_its_own(lesson):
    verdict = marked(lesson, assigned(text_of(SOLUTIONS, lesson), lesson, "b"), "b", Settings(assigned=True))
    for item in verdict.marks:
        if item.by_hand:
            assert item.needs_marking
            assert "**Rubric.**" in item.answer
        elif item.id not in MODEL_ITEMS:
            assert item.points == item.most > 0, f"{item.id}: {item.reason} {item.lines}"
            assert all(line.good for line in item.lines)
    assert [remark.partition(":")[0] for remark in verdict.remarks] == ["edited"], "the solution's hidden checks"


@pytest.mark.parametrize("lesson", LESSONS[:1])
def test_an_untouched_exercise_earns_nothing_and_is_told_so(lesson):
    verdict = marked(lesson, text_of(EXERCISES, lesson))
    assert (verdict.points, verdict.remarks) == (0, ())
    assert all(not mark.needs_marking for mark in verdict.marks), "nothing was written, so nobody has to read it"
    assert "not written yet" in by_id(verdict)["kl-checks"].lines[0].text


@pytest.mark.parametrize(
    ("named", "learner", "assigned_variants", "decided"),
    [("", "b", False, True), ("a", "b", False, False), ("", "b", True, False)],
)
def test_a_variant_of_another_learner_is_left_to_who_marks(named, learner, assigned_variants, decided):
    lesson = LESSONS[0]
    text = text_of(SOLUTIONS, lesson)
    if named:
        text = assigned(text, lesson, named)
    verdict = marked(lesson, text, learner, Settings(assigned=assigned_variants))
    price = by_id(verdict)["price-checks"]
    assert by_id(verdict)["kl-checks"].points == 3
    if decided:
        assert price.points == 1
    else:
        assert price.needs_marking
        assert "variant" in price.reason
        assert f"not of '{learner}'" in verdict.remarks[-1]


def test_a_model_that_was_handed_in_is_measured_again(tmp_path):
    settings = {"network": "mlp", "hidden": [64], "z_dim": 8, "activation": "relu", "batch_norm": True}
    model = build(settings)
    fit(model, Objective(KL()), data.load("digits", limit=4000), steps=150, lr=5e-3, device="cpu", progress=False)
    save_file(model.state_dict(), tmp_path / "weights")
    content = (tmp_path / "weights").read_bytes()
    notebook = json.loads(text_of(EXERCISES, CAPSTONE))
    for cell in notebook["cells"]:
        if cell["id"] == "vae":
            cell["source"] = f"settings = {settings}"
    verdict = marked(CAPSTONE, json.dumps(notebook), capstone__safetensors=content)
    found = by_id(verdict)
    assert found["vae-checks"].points == 3, found["vae-checks"].lines
    assert found["plain-checks"].points == 0, "it was trained for two seconds"
    assert "−ELBO" in found["plain-checks"].lines[1].text
    assert list(verdict.weights) == ["handed_in", "report"]
    without = by_id(marked(CAPSTONE, json.dumps(notebook)))
    assert without["vae-checks"].points == 0
    broken = by_id(marked(CAPSTONE, json.dumps(notebook), capstone__safetensors=content[:-100]))
    assert broken["vae-checks"].points == 0
    assert "the given code stopped" in broken["vae-checks"].reason


# The border: every kind of item, judged over the wire as at home.


def banks(lesson: str) -> dict[str, Bank]:
    return importlib.import_module(f"mutants.test_{lesson}").BANKS


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


@pytest.mark.parametrize("lesson", [lesson for lesson in LESSONS if lesson != CAPSTONE])
def test_the_border_changes_no_verdict_and_no_sentence(lesson, monkeypatch):
    run = solution(lesson)
    for task, bank in banks(lesson).items():
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
