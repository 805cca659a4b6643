"""The comparison in a browser: the same image or code through several models, against torch's pictures."""

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
    slide,
    vae,
)
from widget_model import mount, plain

from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE
from vae_tutorial.widgets import Compare

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]


def compare(page, images=IMAGES, **models):
    models = models or {"small": vae(2), "large": vae(4)}
    widget = Compare(models, images, **FULL)
    mount(page, widget)
    return widget, models


def card(page, name):
    return page.locator(".vx-card").filter(has=page.get_by_text(name, exact=True))


def assert_card(page, name, model, z, *label):
    expect(card(page, name)).to_have_attribute("data-z", " ".join(f"{value:.2f}" for value in z))
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert_same(pixels(card(page, name).locator("canvas")), model.decode(torch.tensor([z]), *label))


def test_every_model_reconstructs_the_chosen_image(page):
    widget, models = compare(page)
    button(page, "image 7, class 1").click()
    for side, (name, model) in zip(widget.scene["models"], models.items(), strict=True):
        assert_card(page, name, model, side["mu"][6])
        told = card(page, name).locator(".vx-card-told span").all_inner_texts()
        assert told == [f"squared error {side['error'][6]:.1f}", f"KL {side['kl'][6]:.1f} nats"]
    x = torch.frombuffer(bytearray(widget.scene["images"]["x"]), dtype=torch.uint8).view(-1, 20)[6] / 255
    assert_same(pixels(card(page, "Original").locator("canvas:visible")), x[None])


def test_of_a_code_without_a_cloud_no_kl_is_told(page):
    """It would only say how narrow the points of a deterministic encoder are made."""
    points = VAE(*mlp((1, 5, 4), (8,), 2, deterministic=True))
    widget, _ = compare(page, points=points, clouds=vae(2))
    assert [side["kl"] is None for side in widget.scene["models"]] == [True, False]
    button(page, "image 7, class 1").click()
    told = card(page, "points").locator(".vx-card-told span")
    expect(told).to_have_text([f"squared error {widget.scene['models'][0]['error'][6]:.1f}", "a code without a cloud"])


def test_two_images_blend_in_every_model(page):
    widget, models = compare(page)
    button(page, "image 1, class 0").click()
    button(page, "Blend with…").click()
    button(page, "image 20, class 3").click()
    page.get_by_label("Blend", exact=True).focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".vx-between output")).to_have_text("60 %")
    for side, (name, model) in zip(widget.scene["models"], models.items(), strict=True):
        start, end = side["mu"][0], side["mu"][19]
        assert_card(page, name, model, [0.4 * a + 0.6 * b for a, b in zip(start, end, strict=True)])
    expect(card(page, "Original").get_by_text("between two images")).to_be_visible()
    pictures = torch.frombuffer(bytearray(widget.scene["images"]["x"]), dtype=torch.uint8).view(-1, 20)[[0, 19]] / 255
    assert_same(pixels(card(page, "Original").locator("canvas:visible")), pictures)
    button(page, "image 7, class 1").click()
    expect(card(page, "Original").locator("canvas:visible")).to_have_count(1)


def test_pictures_are_as_large_for_one_code_as_for_one_image(page):
    compare(page)
    large = card(page, "small").locator("canvas").bounding_box()
    button(page, "Same z").click()
    assert card(page, "small").locator("canvas").bounding_box()["width"] == large["width"]
    status = page.locator("p[role=status]")
    expect(status).to_have_text("Same z through every model.")
    assert status.bounding_box()["x"] == button(page, "Random z").bounding_box()["x"]


def test_sizes_are_told_only_where_they_differ(page):
    compare(page, small=vae(3), large=vae(3))
    button(page, "Same z").click()
    expect(page.get_by_text("All models decode the same z; z[2] means something else in each of them.")).to_be_visible()
    expect(page.locator(".vx-card-told span")).to_have_count(0)


def test_one_code_goes_through_every_model(page):
    _, models = compare(page)
    button(page, "Same z").click()
    first = slide(page, page.get_by_label("z[0]", exact=True), 0.8)
    last = slide(page, page.get_by_label("z[3]", exact=True), 0.3)
    assert_card(page, "small", models["small"], [first, 0.0])
    assert_card(page, "large", models["large"], [first, 0.0, 0.0, last])
    page.get_by_role("status").get_by_text("which “small” ignores").wait_for()
    expect(page.get_by_text("Models with fewer latents ignore the later ones.")).to_be_visible()
    expect(card(page, "large").get_by_text("4 latents")).to_be_visible()
    button(page, "Reset").click()
    assert_card(page, "large", models["large"], [0.0] * 4)
    button(page, "Random z").click()
    expect(card(page, "large")).not_to_have_attribute("data-z", "0.00 0.00 0.00 0.00")


def test_the_class_is_for_the_models_that_take_one(page):
    widget, models = compare(page, told=vae(2, n_classes=4), plain=vae(2))
    button(page, "image 20, class 3").click()
    assert_card(page, "told", models["told"], widget.scene["models"][0]["mu"][19], 3)
    button(page, "Same z").click()
    button(page, "Class 2").click()
    assert_card(page, "told", models["told"], [0.0, 0.0], 2)
    assert_card(page, "plain", models["plain"], [0.0, 0.0])
    expect(page.get_by_text("The class is for those that read one.")).to_be_visible()


def test_without_images_there_is_one_z_alone(page):
    _, models = compare(page, images=None)
    expect(button(page, "Same image")).to_have_count(0)
    expect(card(page, "Original")).to_be_hidden()
    assert_card(page, "small", models["small"], [0.0, 0.0])


def test_new_models_keep_the_image_and_the_sliders(page):
    compare(page)
    button(page, "Same z").click()
    at = slide(page, page.get_by_label("z[1]", exact=True), 0.9)
    button(page, "Same image").click()
    button(page, "image 7, class 1").click()
    models = {"small": vae(2), "large": vae(4)}
    later = Compare(models, IMAGES, **FULL)
    page.evaluate("scene => tell('scene', scene)", plain(later.scene))
    assert_card(page, "small", models["small"], later.scene["models"][0]["mu"][6])
    button(page, "Same z").click()
    assert_card(page, "large", models["large"], [0.0, at, 0.0, 0.0])


def test_a_model_of_the_kernel_stands_beside_the_others(page):
    widget, models = compare(page, plain=vae(2), odd=vae(2, odd=True))
    serve(page, widget, rounds=3)
    for i, (name, model) in enumerate(models.items()):
        assert_card(page, name, model, widget.scene["models"][i]["mu"][0])


def test_no_barriers(page):
    assert_no_barriers(page, Compare({"a": vae(2), "b": vae(12, n_classes=4)}, IMAGES))


def test_a_saved_page_works_from_a_file(page, tmp_path):
    assert_works_from_a_file(page, Compare({"a": vae(2), "b": vae(2)}, IMAGES), tmp_path)
