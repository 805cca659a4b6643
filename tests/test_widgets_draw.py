"""Writing a digit: pen, finger and keys in a browser, and that it encodes and reconstructs what torch does."""

import base64
import io
import math

import pytest
import torch
from accessibility import violations
from PIL import Image
from playwright.sync_api import expect
from torch import nn
from widget_hands import fits, frame, open_saved, shown

from vae_tutorial.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian
from vae_tutorial.networks import conv, mlp
from vae_tutorial.vae import VAE, ConditionalVAE
from vae_tutorial.widgets import DrawDigit
from vae_tutorial.widgets.payload import encoder_payload

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

SHAPE = (1, 28, 28)
MINUS = "\N{MINUS SIGN}"
LIKELIHOODS = [Bernoulli(), Gaussian(sigma=0.3), Gaussian(sigma="calibrated"), Gaussian(link="tanh")]


class Images:
    """Ten images and their labels, as data.load gives them."""

    def __init__(self, shape=SHAPE, n=10):
        self.x = torch.randint(256, (n, *shape), dtype=torch.uint8)
        self.y = torch.arange(n) % 10


def vae(likelihood=None, z_dim=4, shape=SHAPE):
    model = VAE(*mlp(shape, (32,), z_dim), likelihood or Bernoulli())
    return decided(model)


def conditional(z_dim=3):
    return decided(ConditionalVAE(*mlp(SHAPE, (32,), z_dim, n_classes=10), 10))


def decided(model):
    """Untrained networks hardly look at their input; larger weights make every pixel matter."""
    with torch.no_grad():
        for weight in (p for p in model.parameters() if p.ndim > 1):
            weight.mul_(2)
    return model


RED = """c => {
  const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
  return [c.width, ...data.filter((_, i) => i % 4 === 0)];
}"""


def pixels(picture):
    """What a canvas shows, [h, w] in [0, 1]."""
    width, *values = picture.evaluate(RED)
    return torch.tensor(values).view(-1, width) / 255


def seen(widget):
    return pixels(widget.get_by_role("img", name="What the encoder sees"))


def reconstruction(widget):
    return widget.get_by_role("img", name="The reconstruction")


def told_mu(widget):
    return torch.tensor([float(value) for value in reconstruction(widget).get_attribute("data-z").split()])


def stroke(page, widget, *points):
    """Write with the mouse through points (across, down) from 0 to 1."""
    box = widget.locator(".vx-sheet").bounding_box()
    places = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()
    frame(page)


def load(page, widget, n=1):
    """Take one of the images that are offered."""
    widget.get_by_role("button", name=f"Image {n}, class").click()
    frame(page)


SEVEN = [(0.3, 0.2), (0.7, 0.2), (0.45, 0.8)]


# Ink


RENDER = "([strokes, shape, normal]) => [...vx.renderInk(normal ? vx.normalise(strokes, shape) : strokes, shape)]"


def ink(page, strokes, shape=SHAPE, normal=False):
    return torch.tensor(page.evaluate(RENDER, [strokes, list(shape), normal])).view(shape)


def test_the_brush_covers_a_pixel_by_its_distance_from_the_line(page):
    image = ink(page, [[[6, 10], [20, 10]]])[0]
    ramp = [max(0.0, min(1.0, 1.7 - abs(row + 0.5 - 10))) for row in range(28)]
    torch.testing.assert_close(image[:, 12], torch.tensor(ramp), atol=1e-6, rtol=0)
    assert image[:, 12].sum() == pytest.approx(2.4)
    assert image[:, :4].sum() == 0
    assert image.max() == 1


def test_crossing_strokes_are_no_brighter_and_a_point_is_a_dot(page):
    down, across = [[14, 4], [14, 24]], [[4, 14], [24, 14]]
    both, one, other = ink(page, [down, across]), ink(page, [down]), ink(page, [across])
    assert torch.equal(both, torch.maximum(one, other))
    dot = ink(page, [[[14, 14]]])[0]
    assert dot.sum() == pytest.approx(math.pi * 1.2**2, rel=0.15)


def test_the_brush_grows_with_the_image_and_fills_every_channel(page):
    image = ink(page, [[[30, 10], [30, 50]]], (3, 56, 56))
    assert image[0, 30].sum() == pytest.approx(4.8, rel=0.01)
    assert torch.equal(image[0], image[1])
    assert torch.equal(image[0], image[2])


STROKES = {
    "a small seven in a corner": [[[2, 2], [6, 2], [4, 7]]],
    "a one": [[[20, 3], [19, 24]]],
    "a flat line": [[[3, 20], [26, 22]]],
    "a four": [[[8, 4], [6, 13], [16, 13]], [[14, 3], [14, 25]]],
}


@pytest.mark.parametrize("strokes", STROKES.values(), ids=STROKES)
@pytest.mark.parametrize("side", [28, 64])
def test_a_digit_is_centred_and_scaled_as_in_mnist(page, strokes, side):
    scaled = [[[side / 28 * value for value in point] for point in stroke] for stroke in strokes]
    image = ink(page, scaled, (1, side, side), normal=True)[0]
    rows, columns = (image.sum(axis) for axis in (1, 0))
    places = torch.arange(side) + 0.5
    assert (rows @ places / image.sum()).item() == pytest.approx(side / 2, abs=0.05 * side / 28)
    assert (columns @ places / image.sum()).item() == pytest.approx(side / 2, abs=0.05 * side / 28)
    longer = max(int((line > 0).sum()) for line in (rows, columns))
    assert longer == pytest.approx(20 * side / 28, abs=2)


def test_where_and_how_large_a_digit_was_written_does_not_matter(page):
    large = [[[3, 2], [24, 3], [12, 26]]]
    small = [[[0.4 * x + 15, 0.4 * y + 1] for x, y in large[0]]]
    torch.testing.assert_close(ink(page, small, normal=True), ink(page, large, normal=True), atol=0.06, rtol=0)


# What the page computes is what torch computes


ENCODE = """([payload, weights, images, label]) => {
  const network = { ...payload.network, weights: Uint8Array.from(atob(weights), c => c.charCodeAt(0)) };
  const { encode } = vx.readEncoder({ ...payload, network });
  return images.map(image => { const { mu, logvar } = encode(image, label); return [mu, logvar]; });
}"""


@pytest.mark.parametrize("kind", ["mlp", "conv", "conditional"])
def test_written_digits_are_encoded_as_torch_encodes_them(page, kind):
    model = {"mlp": vae, "conv": lambda: VAE(*conv(SHAPE, (4, 8), 4)), "conditional": conditional}[kind]()
    payload = encoder_payload(model, precision="float32")
    weights = base64.b64encode(payload["network"].pop("weights")).decode()
    images = torch.stack([ink(page, strokes, normal=True) for strokes in STROKES.values()])
    label = 3 if model.n_classes else None
    ours = torch.tensor(page.evaluate(ENCODE, [payload, weights, images.flatten(1).tolist(), label]))
    q = model.encode(images) if label is None else model.encode(images, label)
    torch.testing.assert_close(ours[:, 0], q.mu, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(ours[:, 1], q.logvar, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=repr)
def test_a_loaded_image_is_encoded_and_reconstructed_as_torch_does_it(page, likelihood):
    model, images = vae(likelihood), Images()
    widget = shown(page, DrawDigit(model, images, precision="float32"))
    widget.get_by_role("button", name="Image 4, class 3").click()
    frame(page)
    x = images.x[3:4].float() / 255
    q = model.encode(x)
    torch.testing.assert_close(seen(widget), x[0, 0], atol=1e-6, rtol=0)
    torch.testing.assert_close(told_mu(widget), q.mu[0], atol=1e-4, rtol=0)
    mean = model.decode(q.mu)
    torch.testing.assert_close(pixels(reconstruction(widget)), mean[0, 0], atol=0.51 / 255 + 1e-5, rtol=0)
    with torch.no_grad():
        nats = model.likelihood.nll(model.decoder(q.mu), x).item()
    kl, error = widget.locator(".vx-told-value").all_inner_texts()
    assert float(kl.split()[0]) == pytest.approx(q.kl().item(), abs=0.06)
    assert float(error.split()[0].replace(MINUS, "-")) == pytest.approx(nats, abs=0.06, rel=1e-4)


def test_where_the_mean_does_not_give_nats_the_squared_error_is_told(page):
    model, images = vae(ContinuousBernoulli()), Images()
    widget = shown(page, DrawDigit(model, images, precision="float32"))
    load(page, widget)
    x = images.x[:1].float() / 255
    squared = (x - model.reconstruct(x)).square().sum().item()
    words = widget.locator(".vx-told-value").last.inner_text()
    assert words.endswith("squared")
    assert float(words.split()[0]) == pytest.approx(squared, abs=0.06)


def test_the_posterior_is_told_for_the_latents_of_the_highest_kl(page):
    model, images = vae(z_dim=11), Images()
    console = DrawDigit(model, images, precision="float32")
    widget = shown(page, console)
    load(page, widget)
    q = model.encode(images.x[:1])
    order = model.encode(images.x).kl_terms().mean(0).argsort(descending=True)[:8].tolist()
    rows = widget.locator(".vx-read .vx-row:not(.vx-scale)")
    assert rows.locator(".vx-latent").all_inner_texts() == [f"z[{i}]" for i in order]
    for i, row in zip(order, rows.all(), strict=True):
        mu, sigma = row.locator(".vx-value").inner_text().replace(MINUS, "-").split(" ± ")
        nats = row.locator(".vx-kl").inner_text().split()[0]
        assert float(mu) == pytest.approx(q.mu[0, i].item(), abs=0.0051)
        assert float(sigma) == pytest.approx((q.logvar[0, i] / 2).exp().item(), abs=0.0051)
        assert float(nats) == pytest.approx(q.kl_terms()[0, i].item(), abs=0.0051)


# Hands


def test_writing_with_the_mouse_shows_ink_and_what_torch_makes_of_it(page):
    model = vae()
    widget = shown(page, DrawDigit(model, precision="float32"))
    expect(widget.get_by_text("Nothing written yet")).to_be_visible()
    expect(reconstruction(widget)).to_be_hidden()
    assert widget.locator(".vx-reconstruction").get_attribute("data-z") == ""
    stroke(page, widget, *SEVEN)
    expect(widget.get_by_text("Nothing written yet")).to_be_hidden()
    expect(reconstruction(widget)).to_be_visible()
    sheet = pixels(widget.locator(".vx-sheet canvas"))
    assert sheet[5:7, 10:18].min() > 0.6
    assert sheet[24:].max() == 0
    image = seen(widget)
    torch.testing.assert_close(
        image, ink(page, [[[28 * u, 28 * v] for u, v in SEVEN]], normal=True)[0], atol=0.05, rtol=0
    )
    torch.testing.assert_close(told_mu(widget), model.encode(image[None, None]).mu[0], atol=0.02, rtol=0)
    torch.testing.assert_close(
        pixels(reconstruction(widget)), model.decode(told_mu(widget)[None])[0, 0], atol=0.01, rtol=0
    )


def test_without_centring_the_encoder_sees_the_sheet(page):
    widget = shown(page, DrawDigit(vae()))
    stroke(page, widget, (0.1, 0.1), (0.3, 0.3))
    sheet = pixels(widget.locator(".vx-sheet canvas"))
    assert not torch.equal(seen(widget), sheet)
    widget.get_by_label("Centre and scale").uncheck()
    frame(page)
    assert torch.equal(seen(widget), sheet)


def test_undo_takes_back_strokes_and_clear_takes_all(page):
    widget = shown(page, DrawDigit(vae(), Images()))
    sheet = widget.locator(".vx-sheet canvas")
    undo = widget.get_by_role("button", name="Undo", exact=True)
    empty = pixels(sheet)
    assert empty.max() == 0
    expect(undo).to_be_disabled()
    load(page, widget)
    loaded = pixels(sheet)
    expect(widget.get_by_label("Centre and scale")).to_be_disabled()
    stroke(page, widget, (0.2, 0.2), (0.8, 0.2))  # writing replaces an image that was taken
    one = pixels(sheet)
    stroke(page, widget, (0.5, 0.2), (0.5, 0.8))
    two = pixels(sheet)
    assert (two - one).max() > 0.9
    widget.get_by_role("button", name="Clear").click()
    frame(page)
    assert pixels(sheet).max() == 0
    for expected in (two, one, loaded, empty):
        undo.click()
        frame(page)
        assert torch.equal(pixels(sheet), expected)
    expect(undo).to_be_disabled()


def test_writing_with_keys(page):
    widget = shown(page, DrawDigit(vae()))
    sheet = widget.locator(".vx-sheet")
    sheet.focus()
    for key in ["ArrowUp"] * 6 + ["Space"] + ["ArrowDown"] * 12 + ["Space"] + ["ArrowRight"] * 6:
        page.keyboard.press(key)
    frame(page)
    assert widget.locator(".vx-pen").evaluate("pen => getComputedStyle(pen).visibility") == "visible"
    image = pixels(widget.locator(".vx-sheet canvas"))
    assert image[9:19, 13:15].min() == 1
    assert image[:, 17:].max() == 0  # the lifted pen leaves nothing
    assert image[:5].max() == 0
    page.keyboard.press("d")
    page.keyboard.press("Backspace")
    frame(page)
    assert pixels(widget.locator(".vx-sheet canvas")).max() == 0
    assert page.evaluate("leaked") == []
    page.keyboard.press("Escape")
    assert page.evaluate("leaked") == ["Escape"]


def test_a_pen_that_is_down_is_lifted_when_the_keys_go_elsewhere(page):
    widget = shown(page, DrawDigit(vae()))
    sheet = widget.locator(".vx-sheet")
    sheet.focus()
    page.keyboard.press("Space")
    expect(sheet).to_contain_class("vx-down")
    page.keyboard.press("Tab")
    expect(sheet).not_to_contain_class("vx-down")


def test_writing_with_a_finger(page):
    widget = shown(page, DrawDigit(vae()))
    box = widget.locator(".vx-sheet").bounding_box()
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})

    def touch(kind, *points):
        places = [{"x": box["x"] + u * box["width"], "y": box["y"] + v * box["height"]} for u, v in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", (0.5, 0.2))
    for v in (0.3, 0.5, 0.7):
        touch("touchMove", (0.5, v))
    touch("touchEnd")
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    frame(page)
    image = pixels(widget.locator(".vx-sheet canvas"))
    assert image[7:19, 13:15].min() > 0.9
    assert image[:, 17:].max() == 0


def test_new_samples_are_drawn_from_the_posterior(page):
    model, images = vae(), Images()
    widget = shown(page, DrawDigit(model, images, precision="float32"))
    load(page, widget)
    sample = widget.get_by_role("img", name="Sample 0")
    page.wait_for_timeout(400)  # samples are drawn once the hand rests
    first = pixels(sample)
    widget.get_by_role("button", name="New samples").click()
    page.wait_for_timeout(400)
    assert not torch.equal(pixels(sample), first)
    q = model.encode(images.x[:1])
    many = model.decode(q.mu + torch.randn(2000, 4) * (q.logvar / 2).exp())[:, 0]
    for i in range(4):
        image = pixels(widget.get_by_role("img", name=f"Sample {i}"))
        assert ((image >= many.amin(0) - 0.05) & (image <= many.amax(0) + 0.05)).float().mean() > 0.98


# Classes


def test_a_conditional_model_encodes_as_the_class_that_is_pressed_and_shows_all_of_them(page):
    model, images = conditional(), Images()
    widget = shown(page, DrawDigit(model, images, precision="float32"))
    widget.get_by_role("button", name="Image 6, class 5").click()
    frame(page)
    assert widget.get_by_role("button", name="Class 5", exact=True).get_attribute("aria-pressed") == "true"
    torch.testing.assert_close(told_mu(widget), model.encode(images.x[5:6], 5).mu[0], atol=1e-4, rtol=0)
    widget.get_by_role("button", name="Class 2", exact=True).click()
    frame(page)
    mu = model.encode(images.x[5:6], 2).mu
    torch.testing.assert_close(told_mu(widget), mu[0], atol=1e-4, rtol=0)
    page.wait_for_timeout(400)
    for y in range(10):
        picture = widget.get_by_role("img", name=f"Class {y}", exact=True)
        torch.testing.assert_close(pixels(picture), model.decode(mu, y)[0, 0], atol=0.51 / 255 + 1e-5, rtol=0)


def test_a_plain_model_has_no_classes(page):
    widget = shown(page, DrawDigit(vae(), Images()))
    assert widget.get_by_role("group", name="Class").count() == 0
    assert widget.get_by_text("decoded as every class").count() == 0


# Places and errors


@pytest.mark.parametrize("model", [vae, conditional])
def test_a_saved_page_works_from_a_file_and_on_a_telephone(page, tmp_path, model):
    page = open_saved(page, DrawDigit(model(), Images()), tmp_path)
    page.set_viewport_size({"width": 390, "height": 800})
    assert fits(page)
    stroke(page, page, *SEVEN)
    assert reconstruction(page).get_attribute("data-z") != ""
    assert fits(page)
    assert page.failures == []
    page.close()


@pytest.mark.parametrize("shape", [(3, 20, 12), (1, 6, 6)])
def test_images_of_other_sizes_can_be_written(page, shape):
    model = vae(shape=shape)
    widget = shown(page, DrawDigit(model, precision="float32"))
    stroke(page, widget, *SEVEN)
    image = seen(widget).expand(1, *shape)
    torch.testing.assert_close(told_mu(widget), model.encode(image).mu[0], atol=0.02, rtol=0)


@pytest.mark.parametrize("make", [vae, conditional])
def test_the_name_and_the_still_picture_are_always_the_same(make):
    model = make()
    first, second = DrawDigit(model), DrawDigit(model)
    classes = ", n_classes=10" if model.n_classes else ""
    assert repr(first) == f"DrawDigit(z_dim={model.z_dim}, 28x28{classes})"
    assert first._still() == second._still()
    assert len(first._still()) < 60_000
    assert Image.open(io.BytesIO(first._still())).size[1] > 200


class Odd(nn.ReLU):
    """An activation that the browser does not know."""


def test_an_encoder_that_cannot_run_in_the_browser_is_refused(plain):
    model = vae()
    model.encoder.body[2] = Odd()
    with pytest.raises(TypeError, match=r"encoder cannot be run in the browser: .*Odd"):
        DrawDigit(model)
    with pytest.raises(TypeError, match="model must be"):
        DrawDigit(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="precision must be"):
        DrawDigit(vae(), precision="float8")
    with pytest.raises(ValueError, match="labels y for a conditional model"):
        DrawDigit(conditional(), Images().x)


def test_a_decoder_that_cannot_run_in_the_browser_is_asked_of_the_kernel(page, tmp_path):
    model, images = vae(), Images()
    model.decoder.body[1] = Odd()
    console = DrawDigit(model, images, precision="float32")
    widget = shown(page, console)
    load(page, widget)
    page.wait_for_function("model.asked.length")
    question = page.evaluate("model.asked[0]")
    mu = model.encode(images.x[:1]).mu
    torch.testing.assert_close(torch.tensor(question["codes"]), mu, atol=1e-4, rtol=0)
    picture = torch.arange(784) % 256
    page.evaluate("([ask, bytes]) => answer({ answer: ask }, bytes)", [question["ask"], picture.tolist()])
    page.wait_for_function("document.querySelector('.vx-reconstruction').dataset.z")
    torch.testing.assert_close(pixels(reconstruction(widget)), picture.view(28, 28) / 255, atol=1e-6, rtol=0)
    with pytest.raises(TypeError, match="Odd"):
        console.save(tmp_path / "page.html")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.add_style_tag(content=":root { color-scheme: light dark; } body { background: light-dark(#fff, #111); }")
    widget = shown(page, DrawDigit(conditional(), Images()))
    frame(page)
    assert violations(page, ".vx") == []
    load(page, widget)
    assert violations(page, ".vx") == []
    page.emulate_media(color_scheme="light")


def test_latents_are_ranked_without_images_too():
    model = vae(z_dim=5)
    with torch.no_grad():
        heads = model.encoder.body[-1]
        heads.weight[3].mul_(30)
    assert DrawDigit(model).scene["order"][0] == 3
