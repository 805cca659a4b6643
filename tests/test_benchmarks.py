"""Stored benchmarks and the page that is made of them: complete, and what the scripts beside them say."""

import importlib.util
import json
import math
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from vae_tutorial import measures

FOLDER = Path(__file__).parents[1] / "benchmarks"
STORED = sorted(path.stem for path in FOLDER.glob("*.json"))
UNTIMED = {"Classifier", "PrecisionRecall", "disentanglement", "label_confusion", "reference_codes"}


def module(name: str) -> ModuleType:
    """benchmarks/NAME.py, imported as the command would: with its own folder on the path."""
    known = set(sys.modules)
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", FOLDER / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        spec.loader.exec_module(loaded)
    for other in {path.stem for path in FOLDER.glob("*.py")} | {"_recording"}:
        if other not in known:
            sys.modules.pop(other, None)
    return loaded


def stored(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def measuring() -> ModuleType:
    return module("_measuring")


@pytest.fixture(scope="module")
def timed() -> ModuleType:
    return module("measures")


@pytest.fixture(scope="module")
def page() -> ModuleType:
    return module("page")


# What is stored


@pytest.mark.parametrize("name", STORED)
def test_a_file_tells_how_where_and_how_long_it_was_made(name):
    found = stored(name)
    assert set(found) == {"command", "machine", "versions", "seconds", "settings", "rows"}
    assert found["command"].startswith(f"python benchmarks/{name}.py")
    assert found["machine"]
    assert {"python", "torch"} <= set(found["versions"])
    assert found["seconds"] > 0
    assert found["rows"]
    assert all(set(row) == set(found["rows"][0]) for row in found["rows"])


@pytest.mark.parametrize("name", STORED)
def test_what_was_set_is_what_the_script_sets(name):
    wanted = getattr(module(name), "SETTINGS", {})
    settings = stored(name)["settings"]
    assert {key: settings.get(key) for key in wanted} == wanted


@pytest.mark.parametrize("name", STORED)
def test_the_least_and_the_most_lie_on_either_side_of_a_median(name):
    for row in stored(name)["rows"]:
        if "least" in row and row["seconds"] is not None:
            assert row["least"] <= row["seconds"] <= row["most"]


@pytest.mark.skipif("lessons" not in STORED, reason="lessons were not timed here")
def test_the_parts_of_a_lesson_sum_to_all_of_it():
    lessons = {path.stem for path in (FOLDER.parent / "notebooks").glob("*.ipynb")}
    rows = stored("lessons")["rows"]
    assert {row["lesson"] for row in rows} == lessons
    for row in rows:
        assert row["seconds"] == pytest.approx(row["start"] + row["imports"] + row["cells"], abs=1e-6)
        assert min(row["start"], row["imports"], row["cells"]) > 0


@pytest.mark.skipif("newcomer" not in STORED, reason="the set-up was not timed here")
def test_the_phases_of_a_newcomer_sum_to_what_a_clock_beside_them_shows():
    found = stored("newcomer")
    total = sum(row["seconds"] for row in found["rows"])
    assert total == pytest.approx(found["settings"]["seconds"], abs=0.1 + 0.01 * len(found["rows"]))


# How times are taken


def test_all_works_run_once_before_any_runs_again(measuring, monkeypatch):
    done, clock = [], iter([0, 1, 10, 12, 20, 23, 30, 34])
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: next(clock))
    seconds = measuring.in_turns({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, repeats=2)
    assert done == ["a", "b", "a", "b"]
    assert seconds == {"a": [1, 3], "b": [2, 4]}


def test_a_spread_is_the_median_with_both_ends_to_three_digits(measuring):
    assert measuring.spread([3.0, 1.0, 1.23456, 9.0, 0.5]) == {"seconds": 1.23, "least": 0.5, "most": 9.0}


def test_a_ratio_is_taken_within_each_turn(measuring):
    """A machine ten times as slow in one turn changes both times, and no ratio."""
    assert measuring.ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == 2.0
    assert measuring.ratio([1.0, 6.0, 2.0], [1.0, 2.0, 1.0]) == 2.0
    with pytest.raises(ValueError, match="shorter"):
        measuring.ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize("power", [0, 0.5, 1, 2])
def test_the_growth_of_a_power_is_that_power(timed, power):
    sizes = [500, 1_000, 2_000, 5_000, 10_000]
    assert timed.growth(sizes, [3e-4 * n**power for n in sizes]) == pytest.approx(power)


def test_growth_is_that_of_the_largest_sizes_and_a_slope_of_least_squares(timed):
    assert timed.growth([1, 10, 100, 1_000], [7.0, 1.0, 100.0, 10_000.0]) == pytest.approx(2)
    x, y = [math.log(n) for n in (10, 100, 500)], [math.log(s) for s in (1.0, 3.0, 40.0)]
    a = torch.tensor([[value, 1.0] for value in x], dtype=torch.float64)
    slope = torch.linalg.lstsq(a, torch.tensor(y, dtype=torch.float64)[:, None]).solution[0].item()
    assert timed.growth([10, 100, 500], [1.0, 3.0, 40.0]) == pytest.approx(slope)
    with pytest.raises(ValueError, match="at least two"):
        timed.growth([10], [1.0])


def test_every_measure_of_the_package_is_timed(timed):
    works = timed.works(500)
    assert {name.split(",")[0] for name in works} == set(measures.__all__) - UNTIMED | {"mmd2"}
    assert set(timed.LARGEST) <= set(works)
    assert set(works) - set(timed.works(max(timed.LARGEST.values()) + 1)) == set(timed.LARGEST)


# The page


def test_the_page_is_made_of_the_files_as_they_stand(page):
    assert page.PAGE.read_text(encoding="utf-8") == page.page(page.stored())


def test_every_file_has_its_section(page):
    found = page.stored()
    assert set(STORED) <= set(found)
    assert all(found[name] == stored(name) for name in STORED)
    assert ("burda" in found) == (FOLDER.parent / "results" / "burda.json").is_file()


def test_every_picture_of_the_page_is_there_and_every_link_leads_somewhere(page):
    text = page.PAGE.read_text(encoding="utf-8")
    headings = {page.anchor(line.lstrip("# ")) for line in text.splitlines() if line.startswith("#")}
    for address in re.findall(r"\]\(([^)\s]+)\)", text):
        if address.startswith("#"):
            assert address[1:] in headings
        elif not address.startswith("http"):
            assert (FOLDER / address.split("#")[0]).is_file(), address


def test_what_was_not_measured_is_named_with_its_command(page):
    text = page.page({})
    for name, section in page.SECTIONS.items():
        assert f"## {section.title}" in text
        assert f"`{page.command(name)}`" in text
        assert (FOLDER.parent / page.command(name).split()[1]).is_file()


def test_make_runs_beside_the_peers_what_the_page_says_it_does(page):
    recipe = (FOLDER.parent / "Makefile").read_text().split("\nbench:")[1].split("\n\n")[0]
    assert tuple(re.findall(r"\*/(\w+)\.py", recipe)) == page.BESIDE_PEERS


def test_a_table_has_a_cell_for_every_title(page):
    for block in re.findall(r"(?:^\|.*\n)+", page.PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_numbers_are_told_in_three_digits_and_in_the_unit_that_suits():
    tables = module("_tables")
    cells = {0.012345: "0.0123", 12.345: "12.3", 4.0: "4", 12_345: "12,345", 1234.5: "1,234", None: "–", "a|b": "a\\|b"}
    assert {value: tables.cell(value) for value in cells} == cells
    units = {0.0123: "12.3 ms", 0.99996: "1 s", 12.345: "12.3 s", 99.7: "1.7 min", 600: "10.0 min"}
    assert {value: tables.seconds(value) for value in units} == units
    lines = tables.table(["a", "b"], [["x", 1.5], ["y", None]]).splitlines()
    assert lines == ["| a | b |", "| --- | ---: |", "| x | 1.5 |", "| y | – |"]


def test_the_last_line_of_the_lessons_is_their_sum():
    parts = [("00_a", 3.5, 1.0, 2.0, 0.5), ("01_b", 34.0, 1.5, 2.5, 30.0)]
    keys = ("lesson", "seconds", "start", "imports", "cells")
    text = module("_sections").lessons({"rows": [dict(zip(keys, row, strict=True)) for row in parts]})
    assert text.splitlines()[-1] == "| **all** | 37.5 | 2.5 | 4.5 | 30.5 |"
    assert "(1 to 1.5 s, median 1.25 s)" in text


def test_measures_are_grouped_by_how_they_grow():
    powers = {"flat": 0.1, "straight": 1.1, "square": 1.9, "cube": 3.0}
    rows = [{"measure": m, "images": n, "seconds": 1e-6 * n**p} for m, p in powers.items() for n in (100, 200, 400)]
    assert module("_sections")._kinds(rows) == {0: ["`flat`"], 1: ["`straight`"], 2: ["`square`"], 3: ["`cube`"]}


def test_models_that_fail_for_one_reason_share_a_line():
    common = {"peer": "a", "kind": "correctness", "statement": "s", "outcome": "does not hold", "seen": "1"}
    common |= {"expected": "2", "version": "1", "property": "T1"}
    rows = [
        common | {"model": "x", "note": "n"},
        common | {"model": "y", "note": "n"},
        common | {"model": "z", "note": "another"},
        common | {"model": "chosen", "kind": "convention", "note": "n"},
        common | {"model": "right", "outcome": "holds", "note": ""},
    ]
    lines = module("_sections_peers")._failed(rows)
    assert [(line[1], line[-1]) for line in lines] == [("x; y", "n"), ("z", "another")]
