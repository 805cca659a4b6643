"""What lessons show of the package: its code as it stands there, and the findings as they were stored."""

import ast
import json
import sys
from pathlib import Path

import pytest
import torch

from vae_tutorial import figures, lesson
from vae_tutorial.gaussian import DiagGaussian
from vae_tutorial.objectives import Objective, Terms
from vae_tutorial.regularizers import KL
from vae_tutorial.vae import VAE, looking

SHOWN = {
    "function": (figures.gallery, ast.FunctionDef, "gallery"),
    "method": (DiagGaussian.sample, ast.FunctionDef, "sample"),
    "method of an instance": (Objective(KL()).__call__, ast.FunctionDef, "__call__"),
    "dataclass": (DiagGaussian, ast.ClassDef, "DiagGaussian"),
    "tuple": (Terms, ast.ClassDef, "Terms"),
    "model": (VAE, ast.ClassDef, "VAE"),
    "context manager": (looking, ast.FunctionDef, "looking"),
}


@pytest.mark.parametrize("kind", SHOWN)
def test_source_is_the_code_in_the_file_from_its_first_column(kind):
    shown, node, name = SHOWN[kind]
    code = lesson.source(shown)
    compile(code.data, kind, "exec", dont_inherit=True)
    (tree,) = ast.parse(code.data).body
    assert isinstance(tree, node)
    assert tree.name == name
    shown_lines = [line.strip() for line in code.data.splitlines()]
    lines = [line.strip() for line in Path(sys.modules[shown.__module__].__file__).read_text().splitlines()]
    assert any(lines[start : start + len(shown_lines)] == shown_lines for start in range(len(lines)))
    assert code.language == "python"


def test_several_sources_stand_apart_in_the_order_asked_for():
    code = lesson.source(DiagGaussian.kl_terms, KL, DiagGaussian.sample).data
    assert [node.name for node in ast.parse(code).body] == ["kl_terms", "KL", "sample"]
    assert code == code.strip()
    parts = [lesson.source(part).data for part in (DiagGaussian.kl_terms, KL, DiagGaussian.sample)]
    assert code == "\n\n".join(parts)


def test_shown_code_does_what_the_package_does():
    names: dict = {}
    exec(lesson.source(DiagGaussian.kl_terms).data.replace('Float[Tensor, "b z"]', "object"), {"torch": torch}, names)
    q = DiagGaussian(torch.randn(3, 2), torch.randn(3, 2))
    assert torch.equal(names["kl_terms"](q), q.kl_terms())


def test_source_is_coloured_in_a_notebook():
    assert "<span" in lesson.source(DiagGaussian.sample)._repr_html_()


def test_findings_are_what_the_file_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(lesson, "RESULTS", tmp_path)
    stored = {"command": "python results/two.py", "rows": [{"name": "a", "loss": 1.5}]}
    (tmp_path / "two.json").write_text(json.dumps(stored))
    assert lesson.findings("two") == stored


@pytest.mark.parametrize("name", ["three", "", "two.json", "../two"])
def test_an_unknown_finding_is_refused_with_the_names_there_are(name, tmp_path, monkeypatch):
    monkeypatch.setattr(lesson, "RESULTS", tmp_path)
    for known in ("two", "one"):
        (tmp_path / f"{known}.json").write_text("{}")
    with pytest.raises(ValueError, match=r"^name must be one of \['one', 'two'\], got '"):
        lesson.findings(name)


def test_rows_are_grouped_in_their_order():
    rows = [
        {"likelihood": "b", "seed": 0, "kl": 3.0},
        {"likelihood": "a", "seed": 0, "kl": 1.0},
        {"likelihood": "b", "seed": 1, "kl": 2.0},
    ]
    groups = lesson.by(rows, "likelihood", "kl")
    assert groups == {"b": [3.0, 2.0], "a": [1.0]}
    assert list(groups) == ["b", "a"]
    assert lesson.by([], "likelihood", "kl") == {}
    with pytest.raises(KeyError, match="sharpness"):
        lesson.by(rows, "likelihood", "sharpness")
