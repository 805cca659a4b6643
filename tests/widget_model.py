"""One widget in a page without JupyterLab: a stand-in for anywidget's model on the page's side."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser import chromium
from playwright.sync_api import Page

from vae_tutorial.widgets import assets

# `model` keeps what the page tells and asks; `tell(name, value)` is Python speaking. `leaked` are keys that got out.
MOUNT = """({ scene, pose }) => {
  const revive = value => value?.bytes === undefined ? value
    : new DataView(Uint8Array.from(atob(value.bytes), letter => letter.charCodeAt(0)).buffer);
  const unpack = value => value === undefined ? value : JSON.parse(JSON.stringify(value), (_, part) => revive(part));
  const state = { scene, pose };
  const listeners = new Map();
  const kernel = { status: "idle" };
  const model = {
    get: name => unpack(state[name]),
    set: (name, value) => { state[name] = value; model.told.push(value); },
    save_changes() {},
    send: question => model.asked.push(question),
    on: (event, f) => listeners.set(event, [...listeners.get(event) ?? [], f]),
    off: (event, f) => listeners.set(event, listeners.get(event).filter(other => other !== f)),
    widget_manager: { kernel },
    told: [], asked: [],
  };
  const main = document.querySelector("main");
  window.unmount?.();
  main.replaceChildren();
  Object.assign(window, { model, kernel, listeners, leaked: [] });
  window.tell = (name, value) => { state[name] = value; listeners.get(`change:${name}`).forEach(f => f()); };
  window.answer = (content, bytes) => listeners.get("msg:custom").forEach(f => f(content,
    bytes ? [new DataView(Uint8Array.from(bytes).buffer)] : undefined));
  window.unmount = vx.default.render({ model, el: main });
  main.onkeydown = event => leaked.push(event.key);
}"""


@contextmanager
def widget_page(fresh: Path) -> Iterator[Page]:
    """A page with the widgets' module and style; fails at the end if anything in it threw an error."""
    with chromium(fresh) as browser:
        page = browser.open_module(assets.javascript())
        page.add_style_tag(content=assets.css())
        failures: list[object] = []
        page.on("pageerror", lambda error: failures.append(error))
        yield page
        assert failures == []
        assert browser.strangers == []


def plain(value: object) -> object:
    """A scene as JSON: bytes are wrapped, to be unwrapped in the page."""
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def mount(page: Page, widget: object, **changes: object) -> None:
    """Show a widget, its scene changed in places."""
    scene = {**widget.scene, **changes}
    page.evaluate(MOUNT, {"scene": plain(scene), "pose": getattr(widget, "pose", None)})
