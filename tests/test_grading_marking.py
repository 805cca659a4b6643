"""The course's own exercises at marking: what learners see at home and what marks them is one code with one voice."""

import json

import pytest
from bordering import key_of
from exercise_runs import EXERCISES, LESSONS, SOLUTIONS
from grading_sandboxes import bubblewrap
from safetensors.torch import save_file

from vae_tutorial import data
from vae_tutorial.checks.capstone import build
from vae_tutorial.course.assign import assigned
from vae_tutorial.grading.judging.marking import Settings, mark
from vae_tutorial.grading.records import Mark, Submission, Verdict
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit

CAPSTONE = "12_side_by_side"
MODEL_ITEMS = {"vae-checks", "plain-checks", "tuned-checks"}  # need weights, which no solution has beside it


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
