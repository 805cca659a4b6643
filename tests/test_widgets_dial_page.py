"""The dial in a browser: hands on it, and its rows of pictures against torch's."""

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
from widget_model import mount, plain

from vae_tutorial.widgets import BetaDial

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]


def dial(page, models=None, **options):
    models = models or {0.5: vae(3), 1: vae(3), 4: vae(3)}
    widget = BetaDial(models, IMAGES, **FULL, **options)
    mount(page, widget)
    return widget, list(models.values())


def assert_stop(page, widget, models, i, labels=None, label=None):
    """All rows of pictures are those of the i-th model."""
    expect(page.locator("[data-stop]")).to_have_attribute("data-stop", str(i))
    settled(page, ".vx-later")
    stop, model = widget.scene["stops"][i], models[i]
    given = () if labels is None else (torch.tensor(labels),)
    one = () if label is None else (label,)
    assert_same(pixels(page.locator("[data-stop] canvas")), model.decode(torch.tensor(stop["mu"]), *given))
    traversals = page.get_by_role("group", name="Traversals").locator(".vx-tiles-row:visible canvas")
    z = torch.zeros(len(stop["order"]), 7, len(stop["kl"]))
    for row, latent in enumerate(stop["order"]):
        z[row, :, latent] = torch.arange(-3.0, 4)
    assert_same(pixels(traversals), model.decode(z.flatten(0, 1), *one))
    eps = torch.tensor(widget.scene["eps"])[:, : len(stop["kl"])]
    assert_same(pixels(page.get_by_role("group", name="Samples").locator("canvas")), model.decode(eps, *one))


def test_keys_turn_the_dial(page):
    widget, models = dial(page)
    slider = page.get_by_label("beta", exact=True)
    expect(slider).to_have_attribute("aria-valuetext", "beta = 1")
    assert_stop(page, widget, models, 1)
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "beta = 4")
    assert_stop(page, widget, models, 2)
    page.keyboard.press("Home")
    assert_stop(page, widget, models, 0)
    stop = widget.scene["stops"][0]
    shown = page.locator(".vx-numbers strong").all_inner_texts()
    assert shown[:2] == [f"{stop['rate']:.1f} nats", f"{stop['distortion']:.1f} nats"]
    assert shown[3] == f"{stop['active']} of 3"
    page.get_by_role("status").get_by_text("beta = 0.5: rate").wait_for()
    assert page.evaluate("leaked") == []


def test_a_hand_turns_the_dial_and_a_dot_of_the_chart_does_too(page):
    widget, models = dial(page, name="weight")
    assert slide(page, page.get_by_label("weight", exact=True), 1.0) == 2
    assert_stop(page, widget, models, 2)
    expect(page.locator(".vx-dot.vx-present text")).to_have_text("4")
    page.locator(".vx-dot").filter(has_text="0.5").locator(".vx-spot").click()
    assert_stop(page, widget, models, 0)
    expect(page.get_by_role("img", name="weight = 0.5")).to_be_visible()


def test_new_models_keep_the_stop(page):
    dial(page)
    page.get_by_label("beta", exact=True).focus()
    page.keyboard.press("End")
    models = {0.5: vae(3), 1: vae(3), 4: vae(3)}
    later = BetaDial(models, IMAGES, **FULL)
    page.evaluate("scene => tell('scene', scene)", plain(later.scene))
    assert_stop(page, later, list(models.values()), 2)


def test_conditional_models_are_told_the_class_of_every_image(page):
    widget, models = dial(page, {1: vae(2, n_classes=4), 2: vae(3, n_classes=4)})
    labels = list(widget.scene["images"]["y"])
    assert_stop(page, widget, models, 0, labels, 0)
    button(page, "Class 3").click()
    assert_stop(page, widget, models, 0, labels, 3)


def test_a_stop_may_need_the_kernel(page):
    widget, models = dial(page, {1: vae(2, n_classes=4), 2: vae(2, n_classes=4, odd=True)})
    page.get_by_label("beta", exact=True).focus()
    page.keyboard.press("ArrowRight")
    serve(page, widget)
    assert_stop(page, widget, models, 1, list(widget.scene["images"]["y"]), 0)


def test_an_answer_that_comes_too_late_is_not_shown(page):
    widget, models = dial(page, {1: vae(2), 2: vae(2, odd=True)})
    page.get_by_label("beta", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-stop]")).to_have_attribute("data-stop", "1")
    page.keyboard.press("ArrowLeft")
    serve(page, widget, rounds=4)
    assert_stop(page, widget, models, 0)


def test_no_barriers(page):
    assert_no_barriers(page, BetaDial({1: vae(3), 2: vae(3, n_classes=4)}, IMAGES))


def test_a_saved_page_works_from_a_file(page, tmp_path):
    assert_works_from_a_file(page, BetaDial({1: vae(3), 2: vae(3)}, IMAGES), tmp_path)
