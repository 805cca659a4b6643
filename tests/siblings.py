"""Hands and eyes for the map, the dial and the comparison: small models, and their pictures on canvases."""

from pathlib import Path
from types import SimpleNamespace

import torch
from accessibility import violations
from playwright.sync_api import Locator, Page
from torch import Tensor, nn
from widget_model import mount

from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE, ConditionalVAE, Model
from vae_tutorial.widgets.console import Console

SHAPE = (1, 5, 4)
IMAGES = SimpleNamespace(x=torch.rand(40, *SHAPE, generator=torch.Generator().manual_seed(1)), y=torch.arange(40) % 4)
FULL = {"precision": "float32"}
HALF = 0.51 / 255  # a byte of a canvas is a rounded picture
RED = """canvases => canvases.map(c => [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data]
    .filter((_, i) => i % 4 === 0).map(byte => byte / 255))"""


def vae(z_dim: int = 2, n_classes: int = 0, odd: bool = False) -> Model:
    """A small model whose pictures differ; an odd one has a layer that the browser does not know."""
    networks = mlp(SHAPE, (8,), z_dim, n_classes=n_classes)
    model = ConditionalVAE(*networks, n_classes) if n_classes else VAE(*networks)
    for layer in (model.decoder.body[0], model.decoder.body[-1], model.encoder.body[-1]):
        nn.init.normal_(layer.weight)
    if odd:
        model.decoder.body.append(nn.Hardswish())
    return model


def pixels(canvases: Locator) -> Tensor:
    """The red channel of each canvas, in [0, 1], [n, h * w]."""
    return torch.tensor(canvases.evaluate_all(RED))


def assert_same(shown: Tensor, images: Tensor) -> None:
    torch.testing.assert_close(shown, images.flatten(1), atol=HALF, rtol=0)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def settled(page: Page, *selectors: str) -> None:
    """Wait until these parts have drawn all that they were asked for."""
    page.wait_for_timeout(220)
    for selector in selectors:
        page.locator(f'{selector}[aria-busy="false"]').wait_for()


def slide(page: Page, slider: Locator, fraction: float) -> float:
    """Drag a slider's thumb with the mouse, as far as this part of its path; gives where it ended."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    low, high, now = (float(slider.evaluate(f"e => e.{name}")) for name in ("min", "max", "value"))
    start, end = (box["x"] + 8 + (box["width"] - 16) * at for at in ((now - low) / (high - low), fraction))
    page.mouse.move(start, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(end, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    return float(slider.input_value())


def serve(page: Page, widget: Console, rounds: int = 8) -> None:
    """Answer what the page asks, as a kernel would."""
    for _ in range(rounds):
        page.wait_for_timeout(80)
        for question in page.evaluate("model.asked.splice(0)"):
            said = []
            widget.send = lambda content, buffers=(), said=said: said.append((content, buffers))
            widget._answer(None, question, [])
            ((content, buffers),) = said
            page.evaluate("([content, bytes]) => answer(content, bytes)", [content, list(buffers[0])])


def assert_no_barriers(page: Page, widget: Console) -> None:
    """axe-core finds nothing, and a narrow window is wide enough, in light and in dark."""
    page.set_viewport_size({"width": 390, "height": 900})
    try:
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            mount(page, widget)
            settled(page)
            assert violations(page, ".vx") == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.emulate_media(color_scheme="light")


def assert_works_from_a_file(page: Page, widget: Console, folder: Path) -> None:
    """The saved page is drawn, and asks for nothing but itself."""
    alone, asked = page.context.new_page(), []
    alone.on("request", lambda request: asked.append(request.url))
    alone.route("file://**", lambda route: route.continue_())
    address = widget.save(folder / "page.html").as_uri()
    alone.goto(address)
    alone.locator(".vx-stage").wait_for()
    assert alone.locator("canvas").first.is_visible()
    assert asked == [address]
    alone.close()
