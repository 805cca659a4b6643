"""The explorer's controls in a browser without JupyterLab: a page with a stand-in for the widget's model."""

import base64

import pytest
import torch
from browser import Explorer, chromium

from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE
from vae_tutorial.widgets import LatentExplorer, assets

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]

MOUNT = """scene => {
  const revive = value => value?.bytes === undefined ? value
    : new DataView(Uint8Array.from(atob(value.bytes), letter => letter.charCodeAt(0)).buffer);
  const unpack = scene => JSON.parse(JSON.stringify(scene), (_, value) => revive(value));
  const listeners = new Set();
  const model = { get: () => unpack(scene), on: (_, f) => listeners.add(f), off: (_, f) => listeners.delete(f) };
  const main = document.querySelector("main");
  window.unmount?.();
  main.replaceChildren();
  window.change = next => { scene = next; listeners.forEach(f => f()); };
  window.listeners = listeners;
  window.unmount = vx.default.render({ model, el: main });
  window.leaked = [];
  main.onkeydown = event => leaked.push(event.key);
}"""
SHAPE = (1, 5, 4)


def plain(value):
    """A scene as JSON: bytes are wrapped, to be unwrapped in the page."""
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        page = browser.open_module(LatentExplorer._esm)
        page.add_style_tag(content=assets.read("explorer.css"))
        failures = []
        page.on("pageerror", lambda error: failures.append(error))
        yield page
        assert failures == []


@pytest.fixture
def mount(page):
    def show(z_dim=3, **changes) -> Explorer:
        model = VAE(*mlp(SHAPE, (8,), z_dim))
        scene = LatentExplorer(model, torch.rand(20, *SHAPE)).scene | changes
        page.evaluate(MOUNT, plain(scene))
        explorer = Explorer(page.locator(".vx"))
        explorer.model = model
        return explorer

    return show


def assert_shown(explorer):
    """The canvas holds torch's picture of the code that it names, and the sliders stand at that code."""
    z = explorer.code()
    expected = explorer.model.decode(torch.tensor([z])).flatten() * 255
    assert torch.tensor(explorer.pixels()).sub(expected).abs().max() < 0.51
    assert [float(explorer.slider(i).input_value()) for i in range(len(z))] == z


def test_the_first_picture_is_that_of_the_origin(mount):
    explorer = mount()
    explorer.wait_for(0, 0)
    assert explorer.code() == [0, 0, 0]
    assert_shown(explorer)


def test_dragging_a_slider_redraws_the_picture(mount):
    explorer = mount()
    before = explorer.pixels()
    assert explorer.drag(1, to=1.5) == pytest.approx(1.5, abs=0.03)
    assert explorer.pixels() != before
    assert_shown(explorer)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["ArrowRight", "ArrowUp"], 0.2),
        (["ArrowLeft", "Shift+ArrowDown"], -0.11),
        (["PageUp"], 0.5),
        (["PageDown", "PageDown"], -1),
        (["Home", "ArrowLeft"], -3),
        (["End", "PageUp"], 3),
        (["End", "Delete"], 0),
    ],
)
def test_keys_move_a_slider(page, mount, keys, value):
    explorer = mount()
    explorer.slider(2).focus()
    for key in keys:
        page.keyboard.press(key)
    explorer.wait_for(2, value)
    assert_shown(explorer)
    assert page.evaluate("leaked") == []


def test_only_shortcuts_of_notebook_and_browser_get_out(page, mount):
    mount().slider(0).focus()
    for key in ("d", "0", "Enter", "a", "Escape", "Shift+Enter", "Control+s", "Tab", "x"):
        page.keyboard.press(key)
    assert [key for key in page.evaluate("leaked") if key not in ("Control", "Shift")] == ["Escape", "Enter", "s"]


def test_double_click_random_and_reset(page, mount):
    explorer = mount()
    explorer.drag(0, to=2)
    explorer.slider(0).dblclick()
    explorer.wait_for(0, 0)
    page.evaluate("() => { let i = 0; Math.random = () => [0.5, 0][i++ % 2]; }")
    explorer.root.get_by_role("button", name="Random z").click()
    explorer.wait_for(2, 1.18)  # by Box and Muller: sqrt(-2 log 0.5) cos(0) = 1.177
    assert explorer.code() == [1.18] * 3
    assert_shown(explorer)
    page.get_by_text("Drawn from the prior. |z| = 2.0 (prior: about 1.7)").wait_for()
    explorer.root.get_by_role("button", name="Reset").click()
    explorer.wait_for(2, 0)
    assert explorer.code() == [0, 0, 0]


def test_sliders_stand_in_the_order_of_kl_and_unused_ones_say_so(mount):
    explorer = mount(3, order=[2, 0, 1], kl=[1.5, 0.004, 2.25])
    assert explorer.root.locator("label").all_inner_texts() == ["z[2]", "z[0]", "z[1]"]
    assert explorer.root.locator(".vx-row:not(.vx-scale) .vx-kl").all_inner_texts() == [
        "2.25 nats",
        "1.50 nats",
        "unused",
    ]
    assert explorer.root.locator(".vx-unused label").all_inner_texts() == ["z[1]"]


def test_eight_sliders_at_first_and_all_on_request(mount):
    explorer = mount(11)
    shown = explorer.root.locator("input:visible")
    assert shown.count() == 8
    explorer.root.get_by_role("button", name="Show all 11 latents").click()
    assert shown.count() == 11
    explorer.root.get_by_role("button", name="Show the first 8").click()
    assert shown.count() == 8


def test_dragging_over_the_map_moves_both_latents(page, mount):
    explorer = mount(2)
    pad = explorer.root.get_by_role("application")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25, steps=5)
    explorer.wait_for(0, 1.5)
    explorer.wait_for(1, 1.5)
    page.mouse.move(box["x"] + 2 * box["width"], box["y"] + box["height"] * 0.25)
    page.mouse.up()
    explorer.wait_for(0, 3)
    assert_shown(explorer)
    pad.focus()
    for key in ("ArrowLeft", "ArrowDown", "d"):
        page.keyboard.press(key)
    explorer.wait_for(1, 1.4)
    assert explorer.code() == [2.9, 1.4]
    page.keyboard.press("Home")
    explorer.wait_for(0, 0)
    assert page.evaluate("leaked") == []


def test_the_map_shows_the_codes_that_lie_on_it(mount):
    z = torch.tensor([[0.0, 1.0], [0.5, 1.0], [-2.0, 2.0], [9.0, 0.0]])
    explorer = mount(2, codes={"z": z.numpy().tobytes(), "y": bytes([4, 4, 7, 7])})
    points = explorer.root.locator(".vx-points > circle")
    assert [(p.get_attribute("cx"), p.get_attribute("cy")) for p in points.all()] == [
        ("150.0", "100.0"), ("175.0", "100.0"), ("50.0", "50.0"),
    ]  # fmt: skip
    assert explorer.root.locator(".vx-class text").all_text_contents() == ["4", "7"]
    assert "4 images, each at its posterior mean. 1 of them outside the map." in explorer.root.inner_text()


def test_new_weights_repaint_the_picture_where_it_stands(page, mount):
    explorer = mount()
    explorer.drag(0, to=-1.2)
    explorer.slider(0).focus()
    before, code = explorer.pixels(), explorer.code()
    explorer.model = VAE(*mlp(SHAPE, (12,), 3))
    scene = LatentExplorer(explorer.model).scene | {"order": [2, 1, 0]}
    page.evaluate("scene => change(scene)", plain(scene))
    page.wait_for_function("() => document.querySelector('.vx-status').textContent.startsWith('The model')")
    assert explorer.code() == code
    assert explorer.pixels() != before
    assert_shown(explorer)
    labels = explorer.root.locator("label")
    assert labels.first.inner_text() != "z[2]" or labels.last.inner_text() != "z[0]"  # not under a hand
    page.keyboard.press("Tab")
    explorer.root.get_by_role("button", name="Reset").focus()
    assert labels.all_inner_texts() == ["z[2]", "z[1]", "z[0]"]


def test_another_number_of_latents_makes_a_new_set_of_sliders(page, mount):
    explorer = mount(3)
    explorer.model = VAE(*mlp(SHAPE, (12,), 5))
    page.evaluate("scene => change(scene)", plain(LatentExplorer(explorer.model).scene))
    explorer.wait_for(4, 0)
    assert_shown(explorer)


def test_a_broken_scene_is_a_sentence_and_the_next_good_one_a_picture(page, mount):
    explorer = mount(3)
    good = plain(LatentExplorer(explorer.model).scene)
    page.evaluate(
        "scene => change(scene)", {**good, "network": {**good["network"], "output": "<img onerror=alert(1)>"}}
    )
    problem = explorer.root.get_by_role("alert")
    assert problem.inner_text() == (
        'The explorer cannot be drawn: the output "<img onerror=alert(1)>" is not known here.'
    )
    for nonsense in (None, {}, [], "scene"):
        page.evaluate("scene => change(scene)", nonsense)
        assert problem.inner_text() == "The explorer cannot be drawn: there is no decoder in it."
    page.evaluate("scene => change(scene)", good)
    explorer.wait_for(0, 0)
    assert_shown(explorer)


def test_an_explorer_that_is_gone_listens_no_more(page, mount):
    mount()
    page.evaluate("unmount()")
    assert page.evaluate("listeners.size") == 0


def test_colour_pictures(page, mount):
    model = VAE(*mlp((3, 4, 4), (8,), 2))
    explorer = mount()
    page.evaluate("scene => change(scene)", plain(LatentExplorer(model).scene))
    explorer.wait_for(1, 0)
    rgb = model.decode(torch.zeros(1, 2))[0].permute(1, 2, 0).flatten() * 255
    got = explorer.canvas.evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, 4, 4).data].filter((_, i) => i % 4 < 3)"
    )
    assert torch.tensor(got).sub(rgb).abs().max() < 0.51
