"""The explorer's controls in a browser without JupyterLab: a page with a stand-in for the widget's model."""

from types import SimpleNamespace

import pytest
import torch
from accessibility import violations
from browser import Explorer
from widget_model import mount as mount_widget
from widget_model import plain

from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE, ConditionalVAE
from vae_tutorial.widgets import LatentExplorer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]

SHAPE = (1, 5, 4)
IMAGES = SimpleNamespace(x=torch.rand(40, *SHAPE, generator=torch.Generator().manual_seed(1)), y=torch.arange(40) % 4)


@pytest.fixture
def mount(page):
    def show(z_dim=3, n_classes=0, shape=SHAPE, images=IMAGES, **changes) -> Explorer:
        networks = mlp(shape, (8,), z_dim, n_classes=n_classes)
        model = ConditionalVAE(*networks, n_classes) if n_classes else VAE(*networks)
        mount_widget(page, LatentExplorer(model, images, precision="float32"), **changes)
        explorer = Explorer(page.locator(".vx"))
        explorer.model = model
        explorer.wait_for(0, 0)
        return explorer

    return show


def assert_shown(explorer, label=None):
    """The canvas holds torch's picture of the code that it names, and the sliders stand at that code."""
    z = explorer.code()
    expected = picture(explorer, z, label) * 255
    assert torch.tensor(explorer.pixels()).sub(expected).abs().max() < 0.51
    assert [float(explorer.slider(i).input_value()) for i in range(len(z))] == z


def picture(explorer, z, label=None):
    z = torch.tensor([z])
    return (explorer.model.decode(z) if label is None else explorer.model.decode(z, label)).flatten()


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
    page.get_by_text("Drawn from the prior. |z| = 2.0 (random codes: about 1.7)").wait_for()
    explorer.root.get_by_role("button", name="Reset").click()
    explorer.wait_for(2, 0)
    assert explorer.code() == [0, 0, 0]


def test_sliders_stand_in_the_order_of_kl_and_unused_ones_say_so(mount):
    explorer = mount(3, order=[2, 0, 1], kl=[1.5, 0.004, 2.25])
    assert explorer.root.locator(".vx-row label").all_inner_texts() == ["z[2]", "z[0]", "z[1]"]
    assert explorer.root.locator(".vx-row:not(.vx-scale) .vx-kl").all_inner_texts() == [
        "2.25 nats",
        "1.50 nats",
        "unused",
    ]
    assert explorer.root.locator(".vx-unused label").all_inner_texts() == ["z[1]"]


def test_eight_sliders_at_first_and_all_on_request(mount):
    explorer = mount(11)
    shown = explorer.root.locator(".vx-row input:visible")
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
    explorer = mount(2, codes={"z": z.half().numpy().tobytes(), "y": bytes([4, 4, 7, 7])})
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
    scene = LatentExplorer(explorer.model, IMAGES, precision="float32").scene | {"order": [2, 1, 0]}
    page.evaluate("scene => tell('scene', scene)", plain(scene))
    page.wait_for_function("() => document.querySelector('.vx-status').textContent.startsWith('New weights')")
    assert explorer.code() == code
    assert explorer.pixels() != before
    assert_shown(explorer)
    labels = explorer.root.locator(".vx-row label")
    assert labels.first.inner_text() != "z[2]" or labels.last.inner_text() != "z[0]"  # not under a hand
    page.keyboard.press("Tab")
    explorer.root.get_by_role("button", name="Reset").focus()
    assert labels.all_inner_texts() == ["z[2]", "z[1]", "z[0]"]


def test_another_number_of_latents_makes_a_new_set_of_sliders(page, mount):
    explorer = mount(3)
    explorer.model = VAE(*mlp(SHAPE, (12,), 5))
    page.evaluate("scene => tell('scene', scene)", plain(LatentExplorer(explorer.model, precision="float32").scene))
    explorer.wait_for(4, 0)
    assert_shown(explorer)


def test_a_broken_scene_is_a_sentence_and_the_next_good_one_a_picture(page, mount):
    explorer = mount(3)
    good = plain(LatentExplorer(explorer.model).scene)
    page.evaluate(
        "scene => tell('scene', scene)", {**good, "decoder": {**good["decoder"], "mean": "<img onerror=alert(1)>"}}
    )
    problem = explorer.root.get_by_role("alert")
    assert problem.inner_text() == (
        'The widget cannot be drawn: the output "<img onerror=alert(1)>" is not known here.'
    )
    for nonsense in (None, {}, [], "scene", {"kind": "constructor"}):
        page.evaluate("scene => tell('scene', scene)", nonsense)
        assert problem.inner_text() == "The widget cannot be drawn: there is no widget of this kind."
    page.evaluate("scene => tell('scene', scene)", {"kind": "explorer"})
    assert problem.inner_text() == "The widget cannot be drawn: there is no decoder in it."
    page.evaluate("scene => tell('scene', scene)", good)
    explorer.wait_for(0, 0)
    assert_shown(explorer)


def test_an_explorer_that_is_gone_listens_no_more(page, mount):
    mount()
    page.evaluate("unmount()")
    assert page.evaluate("[...listeners.values()].flat()") == []


def test_colour_pictures(page, mount):
    model = VAE(*mlp((3, 4, 4), (8,), 2))
    explorer = mount()
    page.evaluate("scene => tell('scene', scene)", plain(LatentExplorer(model, precision="float32").scene))
    explorer.wait_for(1, 0)
    rgb = model.decode(torch.zeros(1, 2))[0].permute(1, 2, 0).flatten() * 255
    got = explorer.canvas.evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, 4, 4).data].filter((_, i) => i % 4 < 3)"
    )
    assert torch.tensor(got).sub(rgb).abs().max() < 0.51


def button(explorer, name, exact=False):
    return explorer.root.get_by_role("button", name=name, exact=exact)


def test_undo_goes_back_move_by_move(mount):
    explorer = mount()
    assert button(explorer, "Undo").is_disabled()
    explorer.drag(0, to=1.5)  # one drag is one move, however many events it was
    explorer.slider(1).focus()
    explorer.root.page.keyboard.press("End")
    explorer.wait_for(1, 3)
    button(explorer, "Undo").click()
    explorer.wait_for(1, 0)
    assert explorer.code()[0] == pytest.approx(1.5, abs=0.05)
    button(explorer, "Undo").click()
    explorer.wait_for(0, 0)
    assert button(explorer, "Undo").is_disabled()
    assert_shown(explorer)


def test_play_swings_the_chosen_latent_until_it_is_stopped(page, mount):
    explorer = mount()
    button(explorer, "image 3, class 0").click()
    button(explorer, "Reset").click()
    explorer.slider(2).focus()
    page.keyboard.press("ArrowRight")
    button(explorer, "Play").click()
    page.wait_for_function("() => Number(document.querySelector('.vx-picture').dataset.z.split(' ')[2]) > 1")
    button(explorer, "Stop").click()
    page.wait_for_timeout(50)  # for a frame that was asked for before
    rest = explorer.code()
    assert rest[:2] == [0, 0]
    page.wait_for_timeout(100)
    assert explorer.code() == rest
    assert_shown(explorer)
    button(explorer, "Play").click()
    explorer.slider(0).focus()
    page.keyboard.press("Home")  # a hand takes over
    assert button(explorer, "Play").get_attribute("aria-pressed") == "false"


def test_play_goes_in_slow_steps_where_people_asked_for_less_motion(page, mount):
    page.emulate_media(reduced_motion="reduce")
    explorer = mount()
    page.evaluate("""() => { window.seen = new Set(); const canvas = document.querySelector('.vx-picture');
        new MutationObserver(() => seen.add(canvas.dataset.z)).observe(canvas, { attributeFilter: ["data-z"] }); }""")
    button(explorer, "Play").click()
    page.wait_for_timeout(1500)
    assert len(page.evaluate("[...seen]")) == 2
    button(explorer, "Stop").click()
    page.emulate_media(reduced_motion="no-preference")


def test_an_image_is_a_start_with_its_posterior_on_the_sliders(page, mount):
    explorer = mount()
    examples = LatentExplorer(explorer.model, IMAGES).scene["examples"]
    tile = button(explorer, "image 3, class 0")
    tile.click()
    mu, sigma = examples["mu"][2], examples["sigma"][2]
    for latent in range(3):
        explorer.wait_for(latent, mu[latent])
    assert tile.get_attribute("aria-pressed") == "true"
    boxes = [explorer.root.locator(".vx-posterior").nth(row).bounding_box() for row in range(3)]
    track = explorer.root.locator(".vx-rows .vx-track").first.bounding_box()
    rows = [int(name[2:-1]) for name in explorer.root.locator(".vx-row label").all_inner_texts()]
    for latent, box in zip(rows, boxes, strict=True):
        centre = box["x"] + box["width"] / 2 - track["x"]
        assert centre == pytest.approx(track["width"] * (0.5 + mu[latent] / 6), abs=1.5)
        assert box["width"] == pytest.approx(track["width"] * 2 * sigma[latent] / 6, abs=1.5)
    original = explorer.root.locator(".vx-original")
    red = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((_, i) => i % 4 === 0)"
    assert list(original.evaluate(f"c => [...({red})(c)]")) == list(examples["x"][40:60])
    assert_shown(explorer)
    explorer.drag(0, to=2)  # the image stays in sight, as what the moved code is compared with
    assert original.is_visible()
    assert "Original: image 3, class 0" in explorer.root.inner_text()
    explorer.root.get_by_role("button", name="Reset").click()
    assert not original.is_visible()
    assert tile.get_attribute("aria-pressed") == "false"
    assert explorer.root.locator(".vx-posterior:visible").count() == 0


def test_blending_two_images_goes_along_the_line_between_their_means(page, mount):
    explorer = mount()
    examples = LatentExplorer(explorer.model, IMAGES).scene["examples"]
    assert button(explorer, "Blend with…").is_disabled()
    button(explorer, "image 1, class 0").click()
    button(explorer, "Blend with…").click()
    button(explorer, "image 20, class 3").click()
    first, last = torch.tensor(examples["mu"])[[0, 19]]
    for amount, key in ((0.5, None), (0.51, "ArrowRight"), (1, "End"), (0, "Home")):
        if key:
            explorer.root.get_by_label("Blend", exact=True).press(key)
        expected = first + amount * (last - first)
        for latent in range(3):
            explorer.wait_for(latent, round(expected[latent].item(), 2))
    assert_shown(explorer)


def test_the_strip_is_the_traversal_of_the_latent_touched_last(page, mount):
    explorer = mount()
    explorer.slider(1).focus()
    page.keyboard.press("PageUp")
    explorer.slider(2).focus()
    page.keyboard.press("ArrowLeft")
    page.locator(".vx-strip [aria-busy=false]").wait_for()
    codes = torch.tensor([0, 0.5, 0]).repeat(7, 1)
    codes[:, 2] = torch.arange(-3, 4)
    red = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((_, i) => i % 4 === 0)]"
    shown = [tile.evaluate(red) for tile in page.locator(".vx-strip canvas").all()]
    expected = explorer.model.decode(codes).flatten(1) * 255
    assert (torch.tensor(shown) - expected).abs().max() < 0.51
    button(explorer, "Set z[2] to \N{MINUS SIGN}2.00").click()
    explorer.wait_for(2, -2)
    assert_shown(explorer)


def test_any_two_latents_can_be_put_on_the_map(page, mount):
    explorer = mount(4)
    explorer.root.get_by_text("Map of two latents").click()
    across, up = explorer.root.get_by_label("Across"), explorer.root.get_by_label("Up")
    across.select_option("3")
    up.select_option("1")
    pad = explorer.root.get_by_role("application")
    pad.focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    explorer.wait_for(1, 0.2)
    assert explorer.code() == [0, 0.2, 0, 0.1]
    assert_shown(explorer)
    mu = explorer.model.encode(IMAGES.x).mu.half()[:, [3, 1]]
    seen = {(round(150 + 50 * a, 1), round(150 - 50 * b, 1)) for a, b in mu.tolist() if max(abs(a), abs(b)) <= 3}
    shown = {
        (float(p.get_attribute("cx")), float(p.get_attribute("cy"))) for p in page.locator(".vx-points > circle").all()
    }
    assert len(seen) == len(shown)
    assert max(min(abs(a - c) + abs(b - d) for c, d in shown) for a, b in seen) < 0.11
    up.select_option("3")  # both at once is impossible: the other one gives way
    assert across.input_value() == "0"


def test_class_buttons_decode_the_same_code_as_another_class(page, mount):
    explorer = mount(n_classes=4)
    explorer.drag(0, to=1)
    before = explorer.pixels()
    button(explorer, "Class 3", exact=True).click()
    page.wait_for_function("() => document.querySelector('.vx-status').textContent.startsWith('Class 3')")
    assert explorer.pixels() != before
    assert_shown(explorer, label=3)
    assert button(explorer, "Class 3", exact=True).get_attribute("aria-pressed") == "true"
    button(explorer, "image 7, class 1").click()
    page.wait_for_function("() => document.querySelector('.vx-status').textContent.includes('image 7')")
    assert_shown(explorer, label=1)


def test_colour_maps(page, mount):
    explorer = mount()
    gray = torch.tensor(explorer.pixels())
    menu = explorer.root.get_by_label("Colours")
    menu.select_option("inverted")
    page.wait_for_function("() => document.querySelector('.vx-status').textContent.includes('inverted')")
    assert torch.equal(torch.tensor(explorer.pixels()), 255 - gray)
    menu.select_option("viridis")
    page.wait_for_function("() => document.querySelector('.vx-status').textContent.includes('viridis')")
    rgb = "c => [...c.getContext('2d').getImageData(0, 0, 1, 1).data.slice(0, 3)]"
    from matplotlib import colormaps

    expected = torch.tensor(colormaps["viridis"](int(gray[0]))[:3]) * 255
    assert (torch.tensor(explorer.canvas.evaluate(rgb)) - expected).abs().max() < 6


def test_the_code_as_python_and_the_picture_as_a_file(page, mount):
    explorer = mount(n_classes=4)
    explorer.slider(1).focus()
    page.keyboard.press("End")
    explorer.wait_for(1, 3)
    clipboard = "value => Object.defineProperty(navigator, 'clipboard', { configurable: true, value })"
    page.evaluate(f"({clipboard})({{ writeText: async text => {{ window.copied = text; }} }})")
    button(explorer, "Copy z").click()
    page.wait_for_function("() => window.copied")
    names = {"torch": torch}
    exec(page.evaluate("copied"), names)
    assert names["z"].tolist() == [[0, 3, 0]]
    assert names["y"].tolist() == [0]
    page.evaluate(f"({clipboard})(undefined)")
    button(explorer, "Copy z").click()
    assert (
        explorer.root.get_by_label("The code as Python").input_value()
        == "z = torch.tensor([[0.00, 3.00, 0.00]]); y = torch.tensor([0])"
    )
    with page.expect_download() as download:
        button(explorer, "Save picture").click()
    from PIL import Image

    saved = Image.open(download.value.path())
    assert min(saved.size) >= 560 * 4 / 5
    step = saved.height // 5
    corner = [saved.getpixel((x * step + 3, y * step + 3))[0] for y in range(5) for x in range(4)]
    assert corner == explorer.pixels()


def test_python_hears_of_the_code_when_hand_and_kernel_rest(page, mount):
    explorer = mount()
    page.evaluate("kernel.status = 'busy'")
    explorer.drag(0, to=2)
    page.wait_for_timeout(600)
    assert page.evaluate("model.told") == []
    page.evaluate("kernel.status = 'idle'")
    page.wait_for_function("() => model.told.length === 1")
    assert page.evaluate("model.told[0]") == {"z": explorer.code(), "label": None}
    page.evaluate("tell('pose', { z: [0.5, -1, 2], label: null })")
    explorer.wait_for(2, 2)
    assert explorer.code() == [0.5, -1, 2]
    assert_shown(explorer)
    page.wait_for_timeout(300)
    assert len(page.evaluate("model.told")) == 1
    page.evaluate("kernel.status = 'dead'")
    explorer.drag(0, to=-1)
    page.wait_for_timeout(300)
    assert len(page.evaluate("model.told")) == 1


def test_a_decoder_that_only_the_kernel_runs_is_asked_for_the_newest_code_alone(page, mount):
    decoder = {"z_dim": 2, "n_classes": 0, "image_shape": list(SHAPE), "kernel": 0, "why": "GELU"}
    model = VAE(*mlp(SHAPE, (8,), 2))
    mount_widget(page, LatentExplorer(model, IMAGES), decoder=decoder)
    page.wait_for_function("() => model.asked.length === 1")
    first = page.evaluate("model.asked[0]")
    assert first["codes"] == [[0, 0]]
    slider = page.get_by_label("z[0]", exact=True)
    slider.focus()
    for _ in range(5):
        page.keyboard.press("PageUp")
    page.wait_for_timeout(300)
    assert len(page.evaluate("model.asked")) == 1  # one on its way: the others wait
    page.evaluate("ask => answer({ answer: ask }, Array(20).fill(7))", first["ask"])
    page.wait_for_function("() => model.asked.length === 2")
    second = page.evaluate("model.asked[1]")
    assert second["codes"] == [[2.5, 0]]  # the newest alone
    page.evaluate("ask => answer({ answer: ask }, Array(20).fill(99))", second["ask"])
    page.wait_for_function("() => document.querySelector('.vx-picture').dataset.z === '2.50 0.00'")
    assert set(Explorer(page.locator(".vx")).pixels()) == {99}
    page.wait_for_function("() => model.asked.length === 3")
    third = page.evaluate("model.asked[2]")
    assert len(third["codes"]) == 7  # the strip
    page.evaluate("ask => answer({ answer: ask, problem: 'ValueError: no' })", third["ask"])
    page.get_by_text("The kernel cannot decode this: ValueError: no").wait_for()


def test_memory_does_not_grow_over_5000_moves(page, mount):
    explorer = mount(2, n_classes=4)
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    moves = """async n => {
      const [first, second] = document.querySelectorAll(".vx-row input");
      const classes = document.querySelectorAll(".vx-classes button");
      const area = document.querySelector(".vx-pad");
      for (let i = 0; i < n; i++) {
        const input = i % 2 ? first : second;
        input.value = Math.sin(i) * 3;
        input.dispatchEvent(new Event("input"));
        if (i % 10 === 0) classes[i % 4].click();
        if (i % 10 === 5) area.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
        if (i % 25 === 0) await new Promise(requestAnimationFrame);
      }
    }"""

    def heap() -> int:
        session.send("HeapProfiler.collectGarbage")
        return session.send("Runtime.getHeapUsage")["usedSize"]

    page.evaluate(moves, 1000)
    before, nodes = heap(), page.evaluate("document.querySelectorAll('*').length")
    page.evaluate(moves, 5000)
    assert heap() - before < 200_000
    assert page.evaluate("document.querySelectorAll('*').length") == nodes
    assert before > 1_000_000  # the measure is one: what is kept would be seen
    page.evaluate("() => { window.kept = Array.from({ length: 50_000 }, (_, i) => ({ i })); }")
    assert heap() - before > 500_000
    page.evaluate("() => { delete window.kept; }")
    explorer.wait_for(0, explorer.code()[0])


def test_touch_drags_a_slider_and_the_map(page, mount):
    explorer = mount(2)
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})

    def swipe(locator, start, end):
        locator.scroll_into_view_if_needed()
        box = locator.bounding_box()
        points = [start + (end - start) * i / 10 for i in range(11)]
        for kind, at in [("touchStart", points[0]), *[("touchMove", p) for p in points[1:]]]:
            point = {"x": box["x"] + at * box["width"], "y": box["y"] + box["height"] / 2}
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    swipe(explorer.slider(0), 0.5, 0.75)
    end = float(explorer.slider(0).input_value())
    assert end == pytest.approx(1.55, abs=0.1)
    explorer.wait_for(0, end)
    swipe(explorer.root.get_by_role("application"), 0.5, 0.25)
    explorer.wait_for(0, -1.5)
    assert_shown(explorer)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page, mount, scheme):
    page.emulate_media(color_scheme=scheme)
    page.add_style_tag(content=f":root {{ color-scheme: {scheme}; background: Canvas; }}")
    explorer = mount(11, n_classes=4, kl=[1.0] * 10 + [0.0])
    button(explorer, "Show all 11 latents").click()
    button(explorer, "image 3, class 0").click()
    explorer.root.get_by_text("Map of two latents").click()
    page.wait_for_timeout(300)
    assert violations(page, ".vx") == []


def test_a_hand_that_never_rests_still_sees_what_the_kernel_decodes(page, mount):
    decoder = {"z_dim": 2, "n_classes": 0, "image_shape": list(SHAPE), "kernel": 0, "why": "GELU"}
    mount_widget(page, LatentExplorer(VAE(*mlp(SHAPE, (8,), 2)), IMAGES), decoder=decoder)
    shown = page.evaluate("""async () => {
      const canvas = document.querySelector(".vx-picture"), input = document.querySelector(".vx-row input");
      const shown = [];
      new MutationObserver(() => shown.push(canvas.dataset.z)).observe(canvas, { attributeFilter: ["data-z"] });
      let answered = 0, most = 0;
      for (let i = 0; i < 60; i++) {
        input.value = i / 20;
        input.dispatchEvent(new Event("input"));
        most = Math.max(most, model.asked.length - answered);
        if (i % 4 === 3 && model.asked.length > answered) {
          answer({ answer: model.asked[answered++].ask }, Array(20).fill(9));
        }
        await new Promise(requestAnimationFrame);
      }
      return [shown, most];
    }""")
    codes, most = shown
    assert most == 1  # one question on its way
    assert len(set(codes)) > 8
    assert all("0.00" in code.split() for code in codes)


def test_another_view_starts_where_the_first_one_is(page, mount):
    explorer = mount()
    explorer.drag(0, to=1.5)
    page.wait_for_function("() => model.told.length === 1")
    code = explorer.code()
    page.evaluate("""() => {
      const second = document.createElement("section");
      document.querySelector("main").append(second);
      window.unmountSecond = vx.default.render({ model, el: second });
    }""")
    second = Explorer(page.locator("section .vx"))
    second.wait_for(0, code[0])
    assert second.code() == code
    page.evaluate("() => { unmountSecond(); document.querySelector('section').remove(); }")


def test_other_images_leave_the_code_where_it_is(page, mount):
    explorer = mount()
    explorer.drag(0, to=1.5)
    page.wait_for_function("() => model.told.length === 1")
    code = explorer.code()
    page.evaluate("scene => tell('scene', scene)", plain(LatentExplorer(explorer.model).scene | {"sample": 9}))
    page.wait_for_function("() => document.querySelectorAll('.vx-tile').length === 7")
    explorer.wait_for(0, code[0])
    assert explorer.code() == code


def test_new_weights_leave_the_chosen_image_marked_and_play_playing(page, mount):
    explorer = mount()
    button(explorer, "image 3, class 0").click()
    button(explorer, "Play").click()
    later = VAE(*mlp(SHAPE, (12,), 3))
    scene = LatentExplorer(later, IMAGES).scene
    page.evaluate("scene => tell('scene', scene)", plain(scene))
    page.wait_for_timeout(200)
    assert button(explorer, "Stop").is_visible()
    button(explorer, "Stop").click()
    row = explorer.root.locator(".vx-row", has=page.get_by_label("z[1]", exact=True))
    box, track = row.locator(".vx-posterior").bounding_box(), row.locator(".vx-track").bounding_box()
    mu = later.encode(IMAGES.x).mu[[i for i in range(40) if IMAGES.y[i] == 0]]
    centre = 6 * ((box["x"] + box["width"] / 2 - track["x"]) / track["width"] - 0.5)
    assert (mu[:, 1] - centre).abs().min() < 0.03
    button(explorer, "Undo").click()  # Play was one move
    assert button(explorer, "Undo").is_enabled()


def test_a_code_beyond_the_sliders_is_shown_as_it_is(page, mount):
    explorer = mount()
    examples = LatentExplorer(explorer.model, IMAGES).scene["examples"]
    examples["mu"][0] = [0.5, 4.25, -7.5]
    scene = LatentExplorer(explorer.model, IMAGES, precision="float32").scene
    page.evaluate("scene => tell('scene', scene)", plain(scene | {"examples": examples}))
    button(explorer, "image 1, class 0").click()
    page.get_by_text("(z[1] = 4.25 lies beyond its slider)").wait_for()
    assert explorer.code() == [0.5, 4.25, -7.5]
    expected = picture(explorer, explorer.code()) * 255
    assert torch.tensor(explorer.pixels()).sub(expected).abs().max() < 0.51


def test_a_model_of_one_latent_has_no_map(page, mount):
    explorer = mount(1)
    assert explorer.root.get_by_role("application").count() == 0
    explorer.drag(0, to=-2)
    assert_shown(explorer)
