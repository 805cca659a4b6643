"""The map of two latents in a browser: hands on it, and its pictures against torch's."""

import re

import pytest
import torch
from playwright.sync_api import expect
from siblings import (
    FULL,
    IMAGES,
    assert_no_barriers,
    assert_same,
    assert_works_from_a_file,
    button,
    pixels,
    serve,
    settled,
    slide,
    vae,
)
from torch.distributions import Normal
from widget_model import mount, plain

from vae_tutorial.widgets import ManifoldPad

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]


MINUS = "\N{MINUS SIGN}"


def cells(page):
    """The pictures of the plane, row by row from the top, without the empty column that makes a cell square."""
    plane = pixels(page.locator("canvas.vx-plane")).view(21, 5, 21, 5)[..., :4]
    return plane.permute(0, 2, 1, 3).flatten(0, 1).flatten(1)


def plane_codes(axis):
    return torch.cartesian_prod(axis.flip(0), axis).flip(1)


IN_STEPS = torch.linspace(-3, 3, 22)[:-1] + 1 / 7
IN_QUANTILES = Normal(0.0, 1.0).icdf(0.02 + 0.96 * (torch.arange(21) + 0.5) / 21)


def place(hand):
    """Where the hand stands, in pixels of the map."""
    return [float(value) for value in re.findall(r"[-.\d]+", hand.get_attribute("transform"))[:2]]


def z_of(page):
    return [float(value) for value in page.locator("canvas.vx-picture").get_attribute("data-z").split()]


def test_the_map_holds_the_pictures_of_its_places(page):
    model = vae()
    mount(page, ManifoldPad(model, IMAGES, **FULL))
    settled(page, ".vx-pad")
    assert_same(cells(page), model.decode(plane_codes(IN_STEPS)))
    button(page, "Equal shares").click()
    settled(page, ".vx-pad")
    assert_same(cells(page), model.decode(plane_codes(IN_QUANTILES)))


def test_a_hand_on_the_map_moves_the_picture_and_the_sliders(page):
    model = vae()
    mount(page, ManifoldPad(model, **FULL))
    area = page.get_by_role("application")
    box = area.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25, steps=6)
    expect(page.locator("canvas.vx-picture")).to_have_attribute("data-z", "1.50 1.50")
    page.mouse.move(box["x"] + 3 * box["width"], box["y"] + box["height"] * 0.25)
    page.mouse.up()
    expect(page.locator("canvas.vx-picture")).to_have_attribute("data-z", "3.00 1.50")
    assert [page.get_by_label(f"z[{i}]", exact=True).input_value() for i in (0, 1)] == ["3", "1.5"]
    assert_same(pixels(page.locator("canvas.vx-picture")), model.decode(torch.tensor([[3.0, 1.5]])))
    page.get_by_role("status").get_by_text("Moved over the map. Now z = (3.00, 1.50)").wait_for()


def test_in_equal_shares_the_map_is_dragged_in_quantiles(page):
    mount(page, ManifoldPad(vae(), **FULL))
    button(page, "Equal shares").click()
    area = page.get_by_role("application")
    box = area.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    expect(page.locator("canvas.vx-picture")).to_have_attribute("data-z", "0.64 0.00")  # icdf(0.02 + 0.96 * 0.75)
    hand = page.locator(".vx-hand")
    expect(page.get_by_text("Each of them now stands for the same share of random codes.")).to_be_visible()
    assert place(hand)[0] == pytest.approx(560 * 0.75, abs=2)
    page.get_by_label("z[0]", exact=True).focus()
    page.keyboard.press("End")
    page.get_by_role("status").get_by_text("Now z = (3.00, 0.00), outside the map").wait_for()
    assert place(hand) == [548, 280]  # an arrow at the edge, pointing out of the map
    assert hand.get_attribute("transform").endswith("rotate(0)")
    page.keyboard.press("Home")
    page.get_by_role("status").get_by_text(f"Now z = ({MINUS}3.00, 0.00), outside the map").wait_for()
    assert hand.get_attribute("transform").endswith("rotate(180)")
    button(page, "Equal shares").click()
    page.get_by_role("status").get_by_text(re.compile(rf"Now z = \({MINUS}3.00, 0.00\)$")).wait_for()
    assert place(hand) == [0, 280]


def test_keys_and_sliders_do_what_the_map_does(page):
    model = vae()
    mount(page, ManifoldPad(model, **FULL))
    page.get_by_role("application").focus()
    for key in ("ArrowRight", "ArrowUp", "PageUp", "d"):
        page.keyboard.press(key)
    expect(page.locator("canvas.vx-picture")).to_have_attribute("data-z", "0.10 0.60")
    end = slide(page, page.get_by_label("z[0]", exact=True), 0.1)
    expect(page.locator("canvas.vx-picture")).to_have_attribute("data-z", f"{end:.2f} 0.60")
    assert_same(pixels(page.locator("canvas.vx-picture")), model.decode(torch.tensor([z_of(page)])))
    button(page, "Reset").click()
    expect(page.locator("canvas.vx-picture")).to_have_attribute("data-z", "0.00 0.00")
    button(page, "Random z").click()
    expect(page.locator("canvas.vx-picture")).not_to_have_attribute("data-z", "0.00 0.00")
    assert page.evaluate("leaked") == []


def test_codes_are_shown_on_request(page):
    mount(page, ManifoldPad(vae(), IMAGES))
    points = page.locator(".vx-points > circle")
    expect(points).to_have_count(0)
    button(page, "Show the images' codes").click()
    assert points.count() > 0
    assert set(page.locator(".vx-class text").all_text_contents()) <= {"0", "1", "2", "3"}
    expect(page.get_by_text("40 images, each at its posterior mean.")).to_be_visible()
    button(page, "Show the images' codes").click()
    expect(points).to_have_count(0)
    expect(page.get_by_role("group", name="Dots of class")).to_be_hidden()
    mount(page, ManifoldPad(vae()))
    expect(button(page, "Show the images' codes")).to_be_hidden()


def test_the_dots_of_a_class_stand_out_for_pointer_keys_and_a_press(page):
    mount(page, ManifoldPad(vae(), IMAGES))
    button(page, "Show the images' codes").click()

    def marked():
        bright = page.locator(".vx-points > circle:not(.vx-faint)")
        return set(bright.evaluate_all("dots => dots.map(dot => dot.dataset.label)"))

    every = marked()
    two, three = button(page, "Mark class 2"), button(page, "Mark class 3")
    assert len(every) > 1
    two.hover()
    assert marked() == {"2"} & every
    page.mouse.move(1, 1)
    assert marked() == every
    three.focus()
    assert marked() == {"3"} & every
    page.keyboard.press("Enter")
    page.get_by_label("z[0]", exact=True).focus()
    assert marked() == {"3"} & every
    expect(three).to_have_attribute("aria-pressed", "true")
    three.click()
    page.mouse.move(1, 1)
    page.get_by_label("z[0]", exact=True).focus()
    assert marked() == every


@pytest.mark.parametrize("width", [640, 800, 1280])
def test_map_and_picture_stand_side_by_side(page, width):
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 900})
    try:
        mount(page, ManifoldPad(vae(), IMAGES))
        area, picture = (page.locator(part).bounding_box() for part in (".vx-pad", "canvas.vx-picture"))
        assert area["x"] + area["width"] < picture["x"]
        assert area["y"] == picture["y"]
    finally:
        page.set_viewport_size(before)


def test_on_a_telephone_a_small_picture_stands_above_the_map(page):
    before = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    try:
        mount(page, ManifoldPad(vae(), IMAGES))
        area, picture = (page.locator(part).bounding_box() for part in (".vx-pad", "canvas.vx-picture"))
        assert picture["width"] == 140
        assert picture["y"] + picture["height"] <= area["y"]
        assert area["y"] + area["height"] - picture["y"] < 600
    finally:
        page.set_viewport_size(before)


def test_a_class_repaints_the_map_and_new_weights_keep_it(page):
    model, later = vae(n_classes=3), vae(n_classes=3)
    mount(page, ManifoldPad(model, **FULL))
    page.get_by_role("status").get_by_text("Both latents at 0.").wait_for()
    page.get_by_label("z[1]", exact=True).focus()
    page.keyboard.press("PageUp")
    button(page, "Class 2").click()
    settled(page, ".vx-pad")
    assert_same(cells(page), model.decode(plane_codes(IN_STEPS), 2))
    page.evaluate("scene => tell('scene', scene)", plain(ManifoldPad(later, **FULL).scene))
    settled(page, ".vx-pad")
    page.get_by_role("status").get_by_text("New weights.").wait_for()
    assert z_of(page) == [0, 0.5]
    assert_same(cells(page), later.decode(plane_codes(IN_STEPS), 2))
    assert_same(pixels(page.locator("canvas.vx-picture")), later.decode(torch.tensor([[0, 0.5]]), 2))


def test_a_decoder_of_the_kernel_covers_the_map_in_two_questions(page):
    model = vae(odd=True)
    widget = ManifoldPad(model)
    mount(page, widget)
    serve(page, widget)
    assert_same(cells(page), model.decode(plane_codes(IN_STEPS)))


def test_no_barriers(page):
    assert_no_barriers(page, ManifoldPad(vae(n_classes=4), IMAGES))


def test_a_saved_page_works_from_a_file(page, tmp_path):
    assert_works_from_a_file(page, ManifoldPad(vae(), IMAGES), tmp_path)
