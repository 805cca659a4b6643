"""results/README.md: the cards are those of the findings as they stand."""

import importlib.util
import statistics
from pathlib import Path
from types import ModuleType

import pytest

from vae_tutorial import lesson

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def cards() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cards", ROOT / "scripts" / "cards.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_page_is_made_of_the_findings_as_they_stand(cards):
    assert cards.page() == cards.PAGE.read_text(encoding="utf-8"), "python scripts/cards.py makes it anew"


def test_every_finding_has_a_card_with_its_command_and_somebody_quotes_it(cards):
    page = cards.PAGE.read_text(encoding="utf-8")
    for name in cards.names():
        if (found := cards.finding(name)) is None:
            assert f"Not yet measured: `{name}`" in page
            continue
        assert f"\n## {name}\n" in page
        assert f"`{found['command']}`, {found['seconds']:,} s" in page
        assert cards.quoting(name), name


def test_a_line_holds_the_mean_and_spread_of_its_seeds(cards):
    errors = lesson.by(lesson.findings("bce_vs_mse")["rows"], "likelihood", "squared_error")
    for likelihood, values in errors.items():
        said = f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"
        assert f"| {likelihood} | 5 | {said} |" in cards.card("bce_vs_mse", cards.finding("bce_vs_mse"))


def test_a_page_without_a_finding_says_so_and_a_changed_number_changes_it(cards, monkeypatch):
    before, finding = cards.page(), cards.finding
    monkeypatch.setattr(cards, "finding", lambda name: None if name == "classic" else finding(name))
    assert "## classic" not in cards.page()
    assert "`classic`" in cards.page().split("Not yet measured: ")[1]
    changed = finding("classic")
    changed["rows"][0]["minus_elbo"] += 1
    monkeypatch.setattr(cards, "finding", lambda name: changed if name == "classic" else finding(name))
    assert cards.page() != before


def test_what_is_said_to_be_made_again_is_what_the_tests_of_findings_make(cards):
    made = cards.made_again()
    assert {"bce_vs_mse", "training_grid", "beta_vae", "side_by_side"} <= made
    assert {"classic", "capstone"}.isdisjoint(made)
