"""The dial through training runs: what it stores and refuses, and its dials and charts in a browser."""

import io
import itertools
import math
import re

import numpy as np
import pytest
from accessibility import violations
from matplotlib.cbook import boxplot_stats
from PIL import Image
from playwright.sync_api import expect
from widget_hands import fits, frame, open_saved, shown

from vae_tutorial.widgets import RunDial
from vae_tutorial.widgets.runs import _picture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

STEPS = [1, *range(50, 1001, 50)]
RATES, CLIPS = (1e-5, 1e-3, 0.1), (None, 10, 1)
KNOBS = {"lr": "learning rate", "clip_norm": "clip the norm at"}
CURVES = {"loss": "loss, nats per image", "gradient_norm": "norm of the gradient"}


def row(lr, clip_norm):
    """A run whose numbers are like no other's; without clipping the largest rates blow up, the first one at once."""
    shift = RATES.index(lr) + CLIPS.index(clip_norm) / 4
    loss = [100 + 20 * shift + 400 * math.exp(-step / 200) for step in STEPS]
    norm = [10 * 2**shift * math.exp(-step / 500) for step in STEPS]
    if lr == 0.1:
        end = {None: 0, 10: 6, 1: len(STEPS)}[clip_norm]
        loss = [value * 10 ** (0.7 * i) for i, value in enumerate(loss[:end])]
        norm = [value * 10**i for i, value in enumerate(norm[:end])]
    return {"lr": lr, "clip_norm": clip_norm, "loss": loss, "gradient_norm": norm}


ROWS = [row(lr, clip_norm) for lr in RATES for clip_norm in CLIPS]


def dial(rows=ROWS, **options):
    return RunDial(rows, KNOBS, CURVES, **{"steps": STEPS, "log": ["gradient_norm"], **options})


# What is stored


def test_every_combination_of_stops_finds_its_run():
    shuffled = [ROWS[i] for i in (4, 0, 8, 1, 5, 2, 7, 3, 6)]
    scene = dial(shuffled).scene
    rates, clips = (knob["stops"] for knob in scene["knobs"])
    assert rates == ["1e-3", "1e-5", "0.1"]  # as the rows have them first
    assert clips == ["10", "none", "1"]
    settings = {"1e-5": 1e-5, "1e-3": 1e-3, "0.1": 0.1, "none": None, "10": 10, "1": 1}
    for (rate, clip), run in zip(itertools.product(rates, clips), scene["runs"], strict=True):
        wanted = next(r for r in ROWS if r["lr"] == settings[rate] and r["clip_norm"] == settings[clip])
        assert run == [wanted["loss"], wanted["gradient_norm"]]


def test_dials_start_in_the_middle_or_where_they_are_told():
    assert [knob["at"] for knob in dial().scene["knobs"]] == [1, 1]
    assert [knob["at"] for knob in dial(start={"clip_norm": None}).scene["knobs"]] == [1, 0]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1e-5, "1e-5"), (0.001, "1e-3"), (0.01, "0.01"), (0.1, "0.1"), (0, "0"), (128, "128"), (1, "1"),
        (1000, "1000"), (-0.5, "-0.5"), (3e6, "3e6"), (0.00025, "2.5e-4"), (1.0, "1"),
        (None, "none"), ("cosine", "cosine"),
    ],
)  # fmt: skip
def test_settings_are_written_as_in_code(value, words):
    other = "other"
    rows = [{"k": value, "loss": [1.0, 2.0]}, {"k": other, "loss": [1.0, 2.0]}]
    assert RunDial(rows, {"k": "knob"}, {"loss": "loss"}, steps=[1, 2]).scene["knobs"][0]["stops"] == [words, other]
    if isinstance(value, float | int):
        assert float(words) == value


def usual(values):
    stats = boxplot_stats(values, whis=3)[0]
    return stats["whislo"], stats["whishi"]


def test_axes_hold_what_is_usual_in_the_runs_that_did_not_diverge():
    loss, norm = (chart["axis"] for chart in dial().scene["curves"])
    whole = [r for r in ROWS if len(r["loss"]) == len(STEPS)]
    assert max(max(r["loss"]) for r in whole) > 1e6
    low, high = usual(np.concatenate([r["loss"] for r in whole]))
    assert high < 600
    assert loss == pytest.approx([low - 0.04 * (high - low), high + 0.04 * (high - low)])
    low, high = usual(np.log10(np.concatenate([r["gradient_norm"] for r in whole])))
    assert np.log10(norm) == pytest.approx([low - 0.04 * (high - low), high + 0.04 * (high - low)])


def test_axes_of_flat_and_of_nothing_but_diverged_runs():
    def axis(*curves, log=()):
        rows = [{"k": i, "a": list(curve)} for i, curve in enumerate(curves)]
        return RunDial(rows, {"k": "k"}, {"a": "a"}, steps=[1, 2, 3], log=log).scene["curves"][0]["axis"]

    assert axis([2.0] * 3, [2.0] * 3) == [1.5, 2.5]
    assert axis([1.0] * 3, [1.0] * 3, log=["a"]) == pytest.approx([10**-0.5, 10**0.5])
    assert axis([5.0] * 3, [5.0] * 3, [5.0, 5.0, 9.0]) == pytest.approx([5 - 0.16, 9 + 0.16])  # quartiles as one
    assert axis([1.0, 1.0, 2.0], [1.0, 2.0, 2.0], [5.0, 6.0]) == pytest.approx([0.96, 2.04])
    assert axis([0.0, 1.0], [3.0]) == pytest.approx([-0.12, 3.12])


ONE = {"lr": 1, "clip_norm": 1, "loss": [2.0, 1.0], "gradient_norm": [2.0, 1.0]}
TWO = {**ONE, "lr": 2}


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"runs": ROWS[1:]}, "runs must hold one run with lr = 1e-5, clip_norm = none, got 0"),
        ({"runs": [*ROWS, ROWS[3]]}, "runs must hold one run with lr = 1e-3, clip_norm = none, got 2"),
        ({"runs": ROWS[:1]}, "runs must be at least 2, got 1"),
        ({"runs": ROWS[:3]}, "runs must differ in 'lr' for a dial to turn, all have 1e-5"),
        ({"runs": [ROWS[0], 3]}, "runs[1] must be a mapping, got int"),
        ({"runs": [ONE, {"lr": 2}]}, "runs[1] must have a value for 'clip_norm', it has lr"),
        ({"runs": [ONE, {**TWO, "lr": math.nan}]}, "runs[1]['lr'] must be a finite number, None or a text of 1 to 16"),
        ({"runs": [ONE, {**TWO, "lr": True}]}, "runs[1]['lr'] must be a finite number, None or a text of 1 to 16"),
        ({"runs": [ONE, {**TWO, "lr": "a" * 17}]}, "runs[1]['lr'] must be a finite number, None or a text of 1 to 16"),
        ({"knobs": {}}, "knobs must be 1 to 3, got 0"),
        ({"knobs": ["lr"]}, "knobs must be a mapping from key to name, got list"),
        ({"knobs": {"lr": ""}}, "knobs must be a mapping from key to name, got 'lr': ''"),
        ({"curves": dict.fromkeys("abcd", "name")}, "curves must be 1 to 3, got 4"),
        ({"steps": [1]}, "steps must be at least 2 increasing whole numbers, got [1]"),
        ({"steps": [1, 3, 3]}, "steps must be at least 2 increasing whole numbers, got [1, 3, 3]"),
        ({"steps": [1, 2.5]}, "steps[1] must be a whole number of at least 0, got 2.5"),
        ({"log": "loss"}, "log must be a collection of keys of curves (loss, gradient_norm), got 'loss'"),
        ({"log": ["kl"]}, "log must be a collection of keys of curves (loss, gradient_norm), got ['kl']"),
        ({"start": {"beta": 1}}, "start must have keys of knobs (lr, clip_norm), got 'beta'"),
        ({"start": {"lr": 1}}, "start['lr'] must be one of 1e-5, 1e-3, 0.1, got 1"),
    ],
)
def test_what_cannot_be_shown_is_named(changes, said):
    given = {"runs": ROWS, "knobs": KNOBS, "curves": CURVES, "steps": STEPS} | changes
    with pytest.raises((TypeError, ValueError)) as error:
        RunDial(given.pop("runs"), given.pop("knobs"), given.pop("curves"), **given)
    assert str(error.value).startswith(said)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("curves", "said"),
    [
        ({"loss": [1.0, math.inf]}, "runs[1]['loss'] must hold finite numbers, got inf at step 20"),
        ({"loss": [1.0, None]}, "runs[1]['loss'] must hold finite numbers, got None at step 20"),
        ({"loss": 1.0}, "runs[1]['loss'] must be a list of numbers, got float"),
        (
            {"gradient_norm": [1.0, 0.0]},
            "runs[1]['gradient_norm'] must be above 0 for a logarithmic axis, got 0.0 at st",
        ),
        (
            {"loss": [1.0]},
            "the curves of runs[1] must all have one number of values, at most 2, got loss 1, gradient_n",
        ),
        ({"loss": [1.0] * 3, "gradient_norm": [1.0] * 3}, "the curves of runs[1] must all have one number of values"),
    ],
)
def test_curves_that_cannot_be_drawn_are_named(curves, said):
    with pytest.raises((TypeError, ValueError)) as error:
        RunDial([ONE, {**TWO, **curves}], {"lr": "lr"}, CURVES, steps=[10, 20], log=["gradient_norm"])
    assert str(error.value).startswith(said)


def test_runs_without_any_number_are_refused():
    rows = [{"lr": lr, "loss": []} for lr in (1, 2)]
    with pytest.raises(ValueError, match="runs must hold at least one number, all their curves are empty"):
        RunDial(rows, {"lr": "lr"}, {"loss": "loss"}, steps=[1, 2])


# In a browser


CHART = """figure => {
  const parts = name => figure.querySelector(`svg ${name}`).getAttribute("d").split("M").slice(1);
  const lines = name => parts(name).map(line => line.split("L").map(point => point.split(" ").map(Number)));
  const axis = anchor => [...figure.querySelectorAll(`.vx-tick[text-anchor=${anchor}]`)];
  const heights = parts(".vx-grid").map(part => parseFloat(part.split(" ")[1]));
  return {
    line: lines(".vx-line-0"), behind: lines(".vx-behind"), guide: parts(".vx-guide").map(parseFloat),
    across: axis("middle").map(tick => [Number(tick.getAttribute("x")), Number(tick.textContent)]),
    up: axis("end").map((tick, i) => [heights[i], Number(tick.textContent)]),
  };
}"""


class Chart:
    """What a chart shows, read off its own axes as eyes would: from the places of its ticks and of its grid."""

    def __init__(self, root, name, log):
        shown = root.locator("figure", has_text=name).evaluate(CHART)
        (x, steps), (y, values) = (np.array(shown[axis]).T for axis in ("across", "up"))
        self.x = np.polyfit(x, steps, 1)
        self.y = np.polyfit(y, np.log10(values) if log else values, 1)
        self.log = log
        self.line = self._read(shown["line"][0]) if shown["line"] else []
        self.behind = [self._read(line) for line in shown["behind"]]
        self.guide = np.polyval(self.x, shown["guide"][0]) if shown["guide"] else None

    def _read(self, line):
        x, y = np.array(line).T
        return np.stack([np.polyval(self.x, x), np.polyval(self.y, y)], 1)

    def assert_is(self, line, curve):
        """As exactly as tenths of a pixel tell; what is far above the chart is cut."""
        heights = np.log10(curve) if self.log else np.array(curve)
        assert len(line) == len(curve)
        cut = np.abs(heights) * np.abs(1 / self.y[0]) > 9_000
        np.testing.assert_allclose(line[:, 0], STEPS[: len(curve)], atol=0.15 * abs(self.x[0]))
        np.testing.assert_allclose(line[~cut, 1], heights[~cut], atol=0.15 * abs(self.y[0]), rtol=2e-3)


def assert_shows(root, lr, clip_norm):
    """The stored run with these settings in front, and every other behind it."""
    wanted = next(r for r in ROWS if r["lr"] == lr and r["clip_norm"] == clip_norm)
    for key, label in CURVES.items():
        chart = Chart(root, label.split(",")[0], log=key == "gradient_norm")
        if wanted[key]:
            chart.assert_is(chart.line, wanted[key])
        else:
            assert len(chart.line) == 0
        others = [r[key] for r in ROWS if r is not wanted and r[key]]
        assert len(others) == len(chart.behind)
        for line, curve in zip(chart.behind, others, strict=True):
            chart.assert_is(line, curve)
        full = len(wanted[key]) == len(STEPS)
        if full or not wanted[key]:
            assert chart.guide is None
        else:
            assert chart.guide == pytest.approx(STEPS[len(wanted[key]) - 1], abs=0.15 * abs(chart.x[0]))


def test_keys_turn_the_dials_from_run_to_run(page):
    root = shown(page, dial())
    lr, clip = root.get_by_label("learning rate"), root.get_by_label("clip the norm at")
    assert_shows(root, 1e-3, 10)
    axes = root.locator(".vx-axis-name").all_text_contents()
    assert axes == ["step", "nats per image", "step", "logarithmic"]
    expect(lr).to_have_attribute("aria-valuetext", "learning rate = 1e-3")
    expect(root.locator("p[role=status]")).to_have_text(
        f"learning rate = 1e-3, clip the norm at = 10: at step 1000: loss {ROWS[4]['loss'][-1]:.1f} nats per image, "
        f"norm of the gradient {ROWS[4]['gradient_norm'][-1]:.3f}."
    )
    lr.focus()
    for key, rate in (("ArrowLeft", 1e-5), ("ArrowLeft", 1e-5), ("End", 0.1), ("ArrowDown", 1e-3), ("Home", 1e-5)):
        page.keyboard.press(key)
        frame(page)
        assert_shows(root, rate, 10)
    clip.focus()
    page.keyboard.press("Home")
    frame(page)
    assert_shows(root, 1e-5, None)
    expect(clip).to_have_attribute("aria-valuetext", "clip the norm at = none")
    expect(root.locator("output").last).to_have_text("none")
    assert page.evaluate("leaked") == []


def test_a_hand_drags_a_dial(page):
    root = shown(page, dial())
    clip = root.get_by_label("clip the norm at")
    box = clip.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + box["height"] / 2, steps=6)
    page.mouse.up()
    frame(page)
    assert_shows(root, 1e-3, 1)


def told(root):
    return [re.sub(r"\s+", " ", words) for words in root.locator(".vx-legend li").all_inner_texts()]


def test_a_run_that_diverged_says_at_which_step(page):
    root = shown(page, dial(start={"lr": 0.1, "clip_norm": 10}))
    last = STEPS[5]
    assert_shows(root, 0.1, 10)
    loss, norm = ROWS[7]["loss"][-1], ROWS[7]["gradient_norm"][-1]
    assert loss > 1e5
    digits = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    factor, power = f"{norm:.1e}".split("e+0")
    norm_words = f"{factor}·10{power.translate(digits)}"
    assert told(root) == [f"diverged, step {last} ↑ {loss:.0f}", f"diverged, step {last} ↑ {norm_words}"]
    assert root.locator("figure > svg > .vx-beyond").count() == 2
    expect(root.locator("p[role=status]")).to_have_text(
        f"learning rate = 0.1, clip the norm at = 10: diverged; its last finite numbers, at step {last}: "
        f"loss {loss:.0f} nats per image, norm of the gradient {norm_words}."
    )


def test_a_run_that_diverged_at_once_has_nothing_to_show(page):
    root = shown(page, dial(start={"lr": 0.1, "clip_norm": None}))
    assert_shows(root, 0.1, None)
    assert told(root) == ["diverged, no numbers"] * 2
    assert root.locator("figure > svg > .vx-point:visible").count() == 0
    expect(root.locator("p[role=status]")).to_contain_text("none: diverged before step 1, the first that was stored.")


def test_axes_stay_while_runs_change(page):
    root = shown(page, dial())
    before = root.locator(".vx-chart-axes").evaluate_all("axes => axes.map(a => a.outerHTML)")
    root.get_by_label("learning rate").press("End")
    frame(page)
    assert root.locator(".vx-chart-axes").evaluate_all("axes => axes.map(a => a.outerHTML)") == before


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.5, 2000, [1, 10, 100, 1000]),
        (1e-3, 1.01e9, [1e-3, 1, 1e3, 1e6, 1e9]),
        (8, 130, [10, 20, 50, 100]),
        (2.1, 4.9, [2.5, 3, 3.5, 4, 4.5]),
    ],
)
def test_logarithmic_axes_have_round_numbers(page, low, high, expected):
    assert page.evaluate("([low, high]) => vx.logTicks(low, high)", [low, high]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "words"),
    [(999_999, "999999.000"), (1e6, "1.0·10⁶"), (-2.53e12, "\N{MINUS SIGN}2.5·10¹²"), (9.97e-7, "1.0·10⁻⁶")],
)
def test_large_numbers_are_told_as_powers(page, value, words):
    assert page.evaluate("value => vx.told(value)", value) == words


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1040])
def test_no_barriers_and_no_width_too_small(page, scheme, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.add_style_tag(content=":root { color-scheme: light dark; } body { background: light-dark(#fff, #111); }")
    try:
        for options in ({}, {"start": {"lr": 0.1}}):
            shown(page, dial(**options))
            frame(page)
            assert violations(page, ".vx") == []
            assert fits(page)
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("width", [390, 1040])
@pytest.mark.parametrize(("words", "seen"), [("", True), (" of it", True), (" of all runs", False)])
def test_words_at_a_dial_stay_apart_and_inside(page, width, words, seen):
    page.set_viewport_size({"width": width, "height": 900})
    try:
        root = shown(page, dial([{**r, "clip_norm": f"{r['clip_norm']}{words}"} for r in ROWS]))
        clip = root.locator(".vx-knob-row").last
        inside, boxes = clip.bounding_box(), [mark.bounding_box() for mark in clip.locator(".vx-stops span").all()]
        for left, right in itertools.pairwise(boxes):
            assert left["x"] + left["width"] < right["x"]
        assert boxes[0]["x"] >= inside["x"]
        assert boxes[-1]["x"] + boxes[-1]["width"] <= inside["x"] + inside["width"]
        assert (boxes[0]["width"] > 10) == seen
        expect(clip.locator("output")).to_have_text(f"10{words}")
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})


def test_on_a_telephone_the_dials_stay_in_sight_of_the_charts(page):
    page.set_viewport_size({"width": 390, "height": 600})
    try:
        root = shown(page, dial())
        top = root.get_by_role("slider").first.bounding_box()["y"]
        root.locator("figure").last.evaluate("figure => figure.scrollIntoView({ block: 'end' })")
        assert page.evaluate("scrollY") > top + 16
        for slider in root.get_by_role("slider").all():
            assert slider.bounding_box()["y"] >= 0
        assert root.locator("figure").last.bounding_box()["y"] > root.locator(".vx-stops").last.bounding_box()["y"]
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})


# Places without a kernel


def test_a_saved_page_works_from_a_file(page, tmp_path):
    saved = open_saved(page, dial(), tmp_path)
    saved.get_by_label("learning rate").press("ArrowLeft")
    frame(saved)
    assert_shows(saved.locator(".vx"), 1e-5, 10)
    assert saved.failures == []
    saved.close()


def test_the_still_picture_shows_the_run_at_the_start():
    figure = _picture(dial(start={"lr": 0.1, "clip_norm": 10}).scene)
    assert figure.get_suptitle() == "learning rate = 0.1, clip the norm at = 10"
    for ax, (key, label) in zip(figure.axes, CURVES.items(), strict=True):
        *others, chosen, end = ax.get_lines()
        assert [list(line.get_ydata()) for line in others] == [r[key] for r in ROWS]
        assert list(chosen.get_ydata()) == ROWS[7][key]
        assert list(end.get_xdata()) == [STEPS[5]] * 2
        assert ax.get_yscale() == ("log" if key == "gradient_norm" else "linear")
        assert (ax.get_title(), ax.get_ylabel()) == ((*label.split(", "), "")[0:2])


def test_a_still_picture_and_a_name_that_are_always_the_same():
    assert repr(dial()) == "RunDial(lr=[1e-5, 1e-3, 0.1], clip_norm=[none, 10, 1])"
    first, second = (dial()._still() for _ in range(2))
    assert first == second
    assert len(first) < 60_000
    assert Image.open(io.BytesIO(first)).size[0] > 500
