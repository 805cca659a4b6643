"""The dial through covariances: what it stores and refuses, and its dials, table and numbers in a browser."""

import io
import itertools
import math
import re

import numpy as np
import pytest
from accessibility import violations
from matplotlib.colors import to_rgb
from PIL import Image
from playwright.sync_api import expect
from widget_hands import fits, frame, open_saved, shown

from vae_tutorial.widgets import CovarianceDial
from vae_tutorial.widgets.covariance import DIVERGING, _picture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

OFF, DIAGONAL = (0, 1, 10, 100), (0, 1, 10)
KNOBS = {"off": "off-diagonal weight", "diagonal": "diagonal weight"}
NUMBERS = {"distortion": "Reconstruction, nats", "mig": "MIG"}


def covariance(z, spread, seed=0):
    """Correlated latents; variances lie on both sides of 1, entries on both sides of the scale for a large spread."""
    mix = np.random.default_rng(seed).normal(size=(z, 2 * z)) * np.linspace(0.3, spread, z)[:, None]
    mix[-1] += mix[0]
    return (mix @ mix.T / (2 * z)).tolist()


def rows(z=10):
    """Runs whose numbers are like no other's."""
    return [
        {
            "off": off,
            "diagonal": diagonal,
            "covariance": covariance(z, 1 + 1 / (1 + off), seed=10 * i + j),
            "distortion": 80 + i + j / 4,
            "mig": 0.1 * i + 0.03 * j,
        }
        for (i, off), (j, diagonal) in itertools.product(enumerate(OFF), enumerate(DIAGONAL))
    ]


ROWS = rows()


def dial(runs=ROWS, **options):
    return CovarianceDial(runs, KNOBS, **{"numbers": NUMBERS, **options})


def run_of(off, diagonal, runs=ROWS):
    return next(r for r in runs if (r["off"], r["diagonal"]) == (off, diagonal))


# What is stored


def test_every_combination_of_stops_finds_its_run():
    scene = dial([ROWS[i] for i in (5, 0, 11, 3, 7, 1, 9, 2, 10, 4, 8, 6)]).scene
    off, diagonal = (knob["stops"] for knob in scene["knobs"])
    assert off == ["1", "0", "100", "10"]  # as the rows have them first
    for (first, second), run in zip(itertools.product(off, diagonal), scene["runs"], strict=True):
        wanted = run_of(int(first), int(second))
        assert run == {"covariance": wanted["covariance"], "numbers": [wanted["distortion"], wanted["mig"]]}
    assert scene["numbers"] == [{"name": "Reconstruction", "unit": "nats"}, {"name": "MIG", "unit": ""}]


def test_numbers_are_not_needed():
    runs = [{"k": k, "covariance": covariance(2, k)} for k in (1, 2)]
    scene = CovarianceDial(runs, {"k": "k"}, start={"k": 2}).scene
    assert [run["covariance"] for run in scene["runs"]] == [run["covariance"] for run in runs]
    assert scene["knobs"][0]["at"] == 1
    assert scene["numbers"] == []


ONE = {"off": 0, "diagonal": 0, "covariance": [[1, 0.5], [0.5, 2]], "distortion": 80, "mig": 0.1}
TWO = {**ONE, "off": 1}
IDENTITY_33 = np.eye(33).tolist()


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"runs": ROWS[1:]}, "runs must hold one run with off = 0, diagonal = 0, got 0"),
        ({"runs": [*ROWS, ROWS[3]]}, "runs must hold one run with off = 1, diagonal = 0, got 2"),
        ({"runs": ROWS[:1]}, "runs must be at least 2, got 1"),
        ({"runs": ROWS[:3]}, "runs must differ in 'off' for a dial to turn, all have 0"),
        ({"runs": [ROWS[0], 3]}, "runs[1] must be a mapping, got int"),
        ({"knobs": {}}, "knobs must be 1 to 3, got 0"),
        ({"knobs": ["off"]}, "knobs must be a mapping from key to name, got list"),
        ({"numbers": ["mig"]}, "numbers must be a mapping from key to name, got list"),
        ({"numbers": {}}, "numbers must be 1 to 6, got 0"),
        ({"numbers": dict.fromkeys("abcdefg", "name")}, "numbers must be 1 to 6, got 7"),
        ({"numbers": {"sap": "SAP"}}, "runs[0] must have a value for 'sap', it has off, diagonal, covariance"),
        (
            {"runs": [{"off": row["off"], "diagonal": row["diagonal"]} for row in ROWS]},
            "runs[0] must have a value for 'covariance', it has off, diagonal",
        ),
        ({"start": {"beta": 1}}, "start must have keys of knobs (off, diagonal), got 'beta'"),
        ({"start": {"off": 2}}, "start['off'] must be one of 0, 1, 10, 100, got 2"),
    ],
)
def test_what_cannot_be_shown_is_named(changes, said):
    given = {"runs": ROWS, "knobs": KNOBS, "numbers": NUMBERS} | changes
    with pytest.raises((TypeError, ValueError)) as error:
        CovarianceDial(given.pop("runs"), given.pop("knobs"), **given)
    assert str(error.value).startswith(said)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"covariance": 1.0}, "runs[1]['covariance'] must be a list of lists of numbers, got float"),
        ({"covariance": [1.0, 2.0]}, "runs[1]['covariance'] must be a list of lists of numbers, got list"),
        (
            {"covariance": [[1.0]]},
            "runs[1]['covariance'] must be 2 to 32 lists, each of as many numbers, got lengths 1",
        ),
        ({"covariance": []}, "runs[1]['covariance'] must be 2 to 32 lists, each of as many numbers, got lengths "),
        ({"covariance": IDENTITY_33}, "runs[1]['covariance'] must be 2 to 32 lists, each of as many numbers, got"),
        (
            {"covariance": [[1.0, 0.0], [0.0, 1.0, 2.0]]},
            "runs[1]['covariance'] must be 2 to 32 lists, each of as many numbers, got lengths 2, 3",
        ),
        (
            {"covariance": [[1.0, math.nan], [0.0, 1.0]]},
            "runs[1]['covariance'] must hold finite numbers, got nan at [0][1]",
        ),
        (
            {"covariance": [[1.0, 0.0], [None, 1.0]]},
            "runs[1]['covariance'] must hold finite numbers, got None at [1][0]",
        ),
        (
            {"covariance": [[1.0, 0.0], [0.0, -0.1]]},
            "runs[1]['covariance'] must have variances of at least 0, got -0.1 at [1][1]",
        ),
        (
            {"covariance": [[1.0, 0.4], [0.1, 1.0]]},
            "runs[1]['covariance'] must be symmetric, got 0.4 at [0][1] and 0.1 at [1][0]",
        ),
        (
            {"covariance": np.eye(3).tolist()},
            "runs must all have as many latents, got 2 in runs[0] and 3 in runs[1]",
        ),
        ({"mig": math.inf}, "runs[1]['mig'] must be a finite number, got inf"),
        ({"mig": None}, "runs[1]['mig'] must be a finite number, got None"),
    ],
)
def test_matrices_and_numbers_that_cannot_be_shown_are_named(changes, said):
    with pytest.raises((TypeError, ValueError)) as error:
        CovarianceDial([ONE, {**TWO, **changes}], {"off": "off"}, numbers=NUMBERS)
    assert str(error.value).startswith(said)


def test_rounding_may_spoil_symmetry():
    single = np.array(covariance(5, 2), dtype=np.float32)
    single[0, 1] = np.nextafter(single[0, 1], np.float32(9))
    runs = [{**ONE, "covariance": single.tolist()}, {**TWO, "covariance": np.eye(5).tolist()}]
    assert len(CovarianceDial(runs, {"off": "off"}).scene["runs"][0]["covariance"]) == 5


# In a browser

CELLS = """cells => cells.map(cell => ({
  text: cell.textContent, size: parseFloat(getComputedStyle(cell).fontSize), ink: getComputedStyle(cell).color,
  colour: getComputedStyle(cell).backgroundColor, far: cell.classList.contains("vx-heat-far"),
}))"""
WHITE, BLUE, ORANGE = (np.array(to_rgb(name)) for name in ("#fff", "#1f77c9", "#e76300"))


def cells(root, z):
    """The table as eyes see it: what is written in its cells, their colours on a scale from -1 to 1, their corners."""
    read = root.get_by_role("gridcell").evaluate_all(CELLS)
    assert len(read) == z * z
    parts = [amount(rgb(cell["colour"])) for cell in read]
    texts = [float(cell["text"].replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "nan")) for cell in read]
    shape = np.array(texts), np.array(parts), np.array([cell["far"] for cell in read])
    return tuple(each.reshape(z, z) for each in shape)


def rgb(words):
    """Red, green and blue in [0, 1] of "rgb(...)" or "color(srgb ...)"."""
    parts = np.array(re.findall(r"[\d.]+", words)[:3], dtype=float)
    return parts / 255 if words.startswith("rgb") else parts


def amount(colour):
    """How far a colour has come on the way from white to the orange (1) or the blue (-1) end; NaN for a grey."""
    away = colour - WHITE
    red, _, blue = away
    if abs(red - blue) < 0.002 and abs(red) > 0.05:
        return math.nan
    end, sign = (ORANGE, 1) if blue < red else (BLUE, -1)
    path = 0.7 * (end - WHITE)
    part = away @ path / (path @ path)
    np.testing.assert_allclose(away, part * path, atol=0.004)
    return sign * part


def correlation_of(matrix):
    """That of numpy, from data that have this covariance."""
    values, vectors = np.linalg.eigh(np.array(matrix))
    data = vectors * np.sqrt(np.maximum(values, 0) * len(values))
    return np.corrcoef(np.hstack([data, -data]))


def assert_shows(root, off, diagonal, runs=ROWS):
    """The table holds the covariance of this run, coloured by its distance from the identity."""
    wanted = np.array(run_of(off, diagonal, runs)["covariance"])
    texts, parts, far = cells(root, len(wanted))
    np.testing.assert_allclose(texts, wanted, atol=0.0051)
    deviation = wanted - np.eye(len(wanted))
    np.testing.assert_allclose(parts, deviation.clip(-1, 1), atol=0.01)
    assert (far == (np.abs(deviation) > 1)).all()


def numbers(root):
    """The numbers beside the table, by their names, units after them."""
    return dict(line.locator("span").all_inner_texts() for line in root.locator(".vx-legend li").all())


@pytest.fixture
def white(page):
    """A light page as the module's colours are compared with."""
    page.emulate_media(color_scheme="light")
    page.add_style_tag(content=":root { color-scheme: light; }")
    return page


def test_keys_turn_the_dials_from_run_to_run(white):
    root = shown(white, dial())
    assert_shows(root, 1, 1)
    off, diagonal = root.get_by_label("off-diagonal weight"), root.get_by_label("diagonal weight", exact=True)
    off.focus()
    for key, weight in (("ArrowRight", 10), ("End", 100), ("Home", 0)):
        white.keyboard.press(key)
        frame(white)
        assert_shows(root, weight, 1)
    diagonal.press("End")
    frame(white)
    assert_shows(root, 0, 10)
    expect(diagonal).to_have_attribute("aria-valuetext", "diagonal weight = 10")
    assert white.evaluate("leaked") == []


@pytest.mark.parametrize(("off", "diagonal"), [(0, 0), (10, 1), (100, 10)])
def test_numbers_of_the_run_are_those_of_numpy(page, off, diagonal):
    root, run = shown(page, dial(start={"off": off, "diagonal": diagonal})), run_of(off, diagonal)
    variances = np.diagonal(run["covariance"])
    pairs = np.abs(correlation_of(run["covariance"])[np.triu_indices(10, 1)])
    expected = {
        "Mean |correlation|": pairs.mean(), "Largest |correlation|": pairs.max(),
        "Smallest variance": variances.min(), "Largest variance": variances.max(), "MIG": run["mig"],
    }  # fmt: skip
    read = numbers(root)
    assert read.pop("Reconstruction") == f"{run['distortion']:.2f} nats"
    assert {name: float(words) for name, words in read.items()} == pytest.approx(expected, abs=0.00051)
    told = ", ".join(f"{name} {words}" for name, words in numbers(root).items())
    words = f"off-diagonal weight = {off}, diagonal weight = {diagonal}: {told}."
    expect(root.locator("p[role=status].vx-unseen")).to_have_text(words)


def test_statistics_with_all_digits(page):
    matrix = covariance(32, 3)
    read = page.evaluate("matrix => vx.statisticsOf(matrix, vx.correlationsOf(matrix))", matrix)
    pairs = np.abs(correlation_of(matrix)[np.triu_indices(32, 1)])
    expected = [pairs.mean(), pairs.max(), np.diagonal(matrix).min(), np.diagonal(matrix).max()]
    assert read == pytest.approx(expected, rel=1e-9)


def test_the_buttons_choose_covariance_or_correlation(white):
    root = shown(white, dial())
    scale = root.locator(".vx-heat-marks")
    assert [words.split() for words in scale.all_inner_texts()] == [["\N{MINUS SIGN}1", "0", "1"], ["0", "1", "2"]]
    button = root.get_by_role("button", name="Correlation")
    button.press("Enter")
    frame(white)
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(root.get_by_role("button", name="Covariance")).to_have_attribute("aria-pressed", "false")
    expect(root.get_by_role("grid")).to_have_accessible_name(re.compile("^Correlation of every pair"))
    texts, parts, far = cells(root, 10)
    expected = correlation_of(run_of(1, 1)["covariance"])
    np.testing.assert_allclose(texts, expected, atol=0.0051)
    np.fill_diagonal(expected, math.nan)  # grey: 1 in all runs
    np.testing.assert_allclose(parts, expected, atol=0.01)
    assert not far.any()
    assert [words.split() for words in scale.all_inner_texts()] == [["\N{MINUS SIGN}1", "0", "1"]]
    root.get_by_role("button", name="Covariance").click()
    frame(white)
    assert_shows(root, 1, 1)


def pair(root):
    return root.locator("p[role=status]:not(.vx-unseen)")


def says(i, j, off=1, diagonal=1):
    """What is told of two latents."""
    matrix = run_of(off, diagonal)["covariance"]
    value = f"{matrix[i][j]:.3f}".replace("-", "\N{MINUS SIGN}")
    if i == j:
        return f"z[{i}]: variance {value}."
    r = f"{correlation_of(matrix)[i, j]:.3f}".replace("-", "\N{MINUS SIGN}")
    return f"z[{i}] and z[{j}]: covariance {value}, correlation {r}."


def test_arrow_keys_move_from_cell_to_cell(page):
    root = shown(page, dial())
    expect(pair(root)).to_have_text("Point at a cell, or go there with the arrow keys, to read its numbers.")
    root.get_by_role("button", name="Correlation").focus()
    page.keyboard.press("Tab")  # one stop for the whole table
    expect(pair(root)).to_have_text(says(0, 0))
    for key, at in (
        ("ArrowRight", (0, 1)), ("ArrowDown", (1, 1)), ("ArrowDown", (2, 1)), ("End", (2, 9)), ("ArrowRight", (2, 9)),
        ("ArrowLeft", (2, 8)), ("PageDown", (9, 8)), ("ArrowDown", (9, 8)), ("Home", (9, 0)), ("PageUp", (0, 0)),
        ("ArrowUp", (0, 0)), ("ArrowLeft", (0, 0)), ("ArrowDown", (1, 0)),
    ):  # fmt: skip
        page.keyboard.press(key)
        expect(pair(root)).to_have_text(says(*at))
    assert root.locator(".vx-heat-head.vx-here").all_inner_texts() == ["0", "1"]
    assert root.locator(".vx-heat-cell[tabindex='0']").count() == 1
    page.keyboard.press("Shift+Tab")
    expect(root.get_by_role("button", name="Correlation")).to_be_focused()
    root.get_by_label("off-diagonal weight").press("End")  # the pair stays marked while its run changes
    expect(pair(root)).to_have_text(says(1, 0, off=100))
    assert page.evaluate("leaked") == []


def test_the_pointer_tells_of_the_cell_below_it(page):
    root = shown(page, dial())
    root.locator("[data-row='2'][data-column='6']").hover()
    expect(pair(root)).to_have_text(says(2, 6))
    root.locator("[data-row='4'][data-column='4']").click()
    expect(pair(root)).to_have_text(says(4, 4))
    root.locator("[data-row='0'][data-column='3']").hover()
    expect(pair(root)).to_have_text(says(0, 3))
    root.locator(".vx-sentence").hover()
    expect(pair(root)).to_have_text(says(4, 4))


def two(matrix):
    return CovarianceDial([{**ONE, "covariance": matrix}, TWO], {"off": "off"}, start={"off": 0})


def test_what_lies_beyond_the_scale_is_told(white):
    note = shown(white, two([[2.0, -1.0], [-1.0, 0.0]])).locator(".vx-note")
    expect(note).to_have_text("")
    root = shown(white, two([[150.0, -12.5], [-12.5, 4.0]]))
    expect(root.locator(".vx-note")).to_have_text("A corner marks a value beyond the scale; the farthest is 150.0.")
    texts, parts, far = cells(root, 2)
    assert texts.tolist() == [[150, -12.5], [-12.5, 4]]
    assert parts == pytest.approx(np.array([[1, -1], [-1, 1]]), abs=0.01)
    assert far.all()


def test_latents_without_variance_have_no_correlation(white):
    root = shown(white, two([[0.0, 0.0], [0.0, 1.0]]))
    read = numbers(root)
    assert (read["Mean |correlation|"], read["Largest |correlation|"]) == ("none", "none")
    assert (float(read["Smallest variance"]), float(read["Largest variance"])) == (0, 1)
    root.get_by_role("button", name="Correlation").click()
    frame(white)
    texts, parts, _ = cells(root, 2)
    assert np.isnan(parts).all()
    assert np.isnan([texts[0, 1], texts[1, 0]]).all()
    root.locator("[data-row='0'][data-column='1']").hover()
    expect(pair(root)).to_have_text("z[0] and z[1]: covariance 0.000, no correlation, as a variance is 0.")


@pytest.mark.parametrize(("z", "width", "written"), [(10, 1040, True), (12, 1040, True), (13, 1040, False),
    (10, 360, False), (5, 360, True)])  # fmt: skip
def test_numbers_stand_in_cells_that_have_room(page, z, width, written):
    page.set_viewport_size({"width": width, "height": 900})
    try:
        root = shown(page, dial(rows(z)))
        sizes = {cell["size"] for cell in root.get_by_role("gridcell").evaluate_all(CELLS)}
        assert all(size >= 9 for size in sizes) if written else sizes == {0}
        inside = "cells => cells.every(cell => cell.scrollWidth <= cell.clientWidth)"
        assert root.get_by_role("gridcell").evaluate_all(inside)
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})


def luminance(colour):
    """WCAG's relative luminance of red, green and blue in [0, 1]."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_numbers_can_be_read_on_the_strongest_colours(page, scheme):
    """axe leaves out cells with a corner, which have these colours too."""
    page.emulate_media(color_scheme=scheme)
    page.add_style_tag(content=":root { color-scheme: light dark; }")
    try:
        root = shown(page, two([[2.0, -1.0], [-1.0, 0.0]]))
        read = root.get_by_role("gridcell").evaluate_all(CELLS)
        assert len({cell["colour"] for cell in read}) == 2
        for cell in read:
            darker, lighter = sorted(luminance(rgb(cell[part])) for part in ("ink", "colour"))
            assert (lighter + 0.05) / (darker + 0.05) > 4.5
    finally:
        page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1040])
def test_no_barriers(page, scheme, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.add_style_tag(content=":root { color-scheme: light dark; } body { background: light-dark(#fff, #111); }")
    try:
        root = shown(page, dial())
        for view in ("Covariance", "Correlation"):
            root.get_by_role("button", name=view).click()
            frame(page)
            assert violations(page, ".vx") == []
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("width", [360, 700, 1040])
@pytest.mark.parametrize("z", [2, 10, 32])
def test_no_width_is_too_small(page, width, z):
    page.set_viewport_size({"width": width, "height": 900})
    try:
        root = shown(page, dial(rows(z)))
        frame(page)
        assert fits(page)
        first, last = (root.get_by_role("gridcell").nth(n).bounding_box() for n in (0, z * z - 1))
        for box in (first, last):
            assert box["width"] == pytest.approx(box["height"], abs=0.6)
            assert box["width"] > 7.5
        assert last["x"] - first["x"] == pytest.approx(last["y"] - first["y"], abs=1)
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})


def test_on_a_telephone_the_dials_stay_in_sight_of_the_table(page):
    page.set_viewport_size({"width": 390, "height": 600})
    try:
        root = shown(page, dial())
        top = root.get_by_role("slider").first.bounding_box()["y"]
        root.locator(".vx-heat-scale").evaluate("scale => scale.scrollIntoView({ block: 'end' })")
        assert page.evaluate("scrollY") > top + 16
        for slider in root.get_by_role("slider").all():
            assert slider.bounding_box()["y"] >= 0
        stops, cell = root.locator(".vx-stops").last, root.get_by_role("gridcell").last
        assert cell.bounding_box()["y"] > stops.bounding_box()["y"]
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})


# Places without a kernel


def test_a_saved_page_works_from_a_file(page, tmp_path):
    saved = open_saved(page, dial(), tmp_path)
    saved.emulate_media(color_scheme="light")
    saved.get_by_label("off-diagonal weight").press("ArrowLeft")
    frame(saved)
    assert_shows(saved.locator(".vx"), 0, 1)
    assert saved.failures == []
    saved.close()


def test_the_still_picture_shows_the_run_at_the_start():
    matrix = np.array(run_of(0, 0)["covariance"])
    figure = _picture(dial(start={"off": 0, "diagonal": 0}).scene)
    assert figure.get_suptitle() == "off-diagonal weight = 0, diagonal weight = 0"
    left, right = (ax.get_images()[0] for ax in figure.axes[:2])
    np.testing.assert_allclose(left.get_array(), matrix - np.eye(10))
    correlation = correlation_of(matrix)
    np.fill_diagonal(correlation, math.nan)
    np.testing.assert_allclose(right.get_array().filled(math.nan), correlation)
    assert [image.get_clim() for image in (left, right)] == [(-1, 1)] * 2
    assert DIVERGING(0.5) == pytest.approx((1, 1, 1, 1), abs=0.01)


def test_a_still_picture_of_a_latent_without_variance():
    figure = _picture(two([[0.0, 0.0], [0.0, 1.0]]).scene)
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.00", "0.00", "0.00", "1.00"]
    assert len(figure.axes[1].texts) == 0
    assert figure.axes[1].get_images()[0].get_array().mask.all()


def test_a_still_picture_and_a_name_that_are_always_the_same():
    assert repr(dial()) == "CovarianceDial(off=[0, 1, 10, 100], diagonal=[0, 1, 10])"
    first, second = (dial()._still() for _ in range(2))
    assert first == second
    for z in (6, 32):
        still = dial(rows(z))._still()
        assert len(still) < 60_000
        assert Image.open(io.BytesIO(still)).size[0] > 500
