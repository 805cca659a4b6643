"""Beside widget_model.py: to show a widget, to open its saved page, to wait for a frame."""

from pathlib import Path

import widget_model
from playwright.sync_api import Locator, Page, expect

from vae_tutorial.widgets.console import Console


def shown(page: Page, widget: Console) -> Locator:
    """The widget, drawn, on a page of `widget_model.widget_page`."""
    page.set_default_timeout(5_000)
    widget_model.mount(page, widget)
    root = page.locator(".vx")
    expect(root.locator(".vx-stage")).to_be_visible()
    return root


def open_saved(page: Page, widget: Console, folder: Path) -> Page:
    """The page that `widget.save` writes, opened as a file beside `page`, of whose browser it may ask nothing else.

    Errors of the page are listed in its `failures`.
    """
    path = widget.save(folder / "widget.html")
    saved = page.context.new_page()
    saved.set_default_timeout(5_000)
    saved.failures = []
    saved.on("pageerror", lambda error: saved.failures.append(error))
    saved.route(path.as_uri(), lambda route: route.continue_())
    saved.goto(path.as_uri())
    expect(saved.locator(".vx-stage")).to_be_visible()
    return saved


def frame(page: Page) -> None:
    """Wait until what was asked to be drawn is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def fits(page: Page) -> bool:
    """Whether nothing makes the page wider than its window."""
    return bool(page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"))
