"""Notebooks in a real JupyterLab and a real Chromium, for the tests that need eyes and hands.

with jupyterlab(folder, fresh) as url, chromium(fresh) as browser:  # jupyterlab is in lab_server.py
    lab = browser.open_notebook(url, "lesson.ipynb")
    lab.run_all()
    explorer = lab.explorer()
    explorer.drag(0, to=1.5)
    assert explorer.code()[0] == 1.5 and lab.errors() == [] and browser.strangers == []
"""

import base64
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, sync_playwright

CHROMIUM = shutil.which("chromium")
CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def need_chromium() -> str:
    """The path of Chromium. Without one the test is skipped, or fails where CI=true says that it must be there."""
    if CHROMIUM is None:
        reason = "no chromium on the PATH: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return CHROMIUM


@dataclass
class Browser:
    """Chromium with an empty profile. `strangers` lists the addresses off this machine that pages asked for in vain."""

    context: BrowserContext
    strangers: list[str] = field(default_factory=list)

    def guard(self, route: Route) -> None:
        url = route.request.url
        if url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            route.continue_()
        else:
            self.strangers.append(url)
            route.abort()

    def open_module(self, source: str) -> Page:
        """An empty page with the JavaScript module `source` in `window.vx`."""
        page = self.context.new_page()
        page.set_content("<!doctype html><title>test</title><main></main>")
        address = "data:text/javascript;base64," + base64.b64encode(source.encode()).decode()
        page.evaluate("async address => { window.vx = await import(address); }", address)
        return page

    def open_notebook(self, url: str, path: str, *, in_notebook_7: bool = False) -> "Lab":
        """A notebook on its own in the window, its kernel idle. `path` is relative to the server's root."""
        page = self.context.new_page()
        lab = Lab(page)
        page.on("websocket", lambda socket: socket.on("framesent", lab.sent))
        workspace = f"w{time.monotonic_ns()}"  # two pages on one workspace would chase each other
        page.goto(f"{url}/notebooks/{path}" if in_notebook_7 else f"{url}/doc/workspaces/{workspace}/tree/{path}")
        page.wait_for_function("() => window.jupyterapp")
        page.evaluate("() => window.jupyterapp.restored")
        page.wait_for_function(READY, timeout=60_000)
        return lab


@contextmanager
def chromium(fresh: Path) -> Iterator[Browser]:
    """Headless Chromium that reaches this machine only; `fresh` is a folder for its profile."""
    path = need_chromium()
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            fresh / "profile", executable_path=path, headless=True, args=CHROMIUM_FLAGS,
            viewport={"width": 1280, "height": 1000},
        )  # fmt: skip
        browser = Browser(context)
        context.route("**/*", browser.guard)
        try:
            yield browser
        finally:
            context.close()


PANEL = "window.jupyterapp.shell.currentWidget"
READY = f"""() => {PANEL}?.context?.isReady
    && {PANEL}.sessionContext?.session?.kernel?.status === "idle" """
KERNEL = f"{PANEL}.sessionContext.session.kernel"
OUTPUTS = f"() => {PANEL}.content.widgets.map(cell => cell.model.outputs?.toJSON() ?? [])"


@dataclass
class Lab:
    """One open notebook."""

    page: Page
    frames: list[str | bytes] = field(default_factory=list)

    def sent(self, frame: str | bytes) -> None:
        self.frames.append(frame)

    def messages_sent(self) -> int:
        """How many messages the page has sent to kernels so far."""
        self.page.wait_for_timeout(200)  # for one that might be on its way
        return len(self.frames)

    def command(self, name: str, **arguments: object) -> None:
        """Run one of JupyterLab's commands to its end: steadier than its menus."""
        run = "async ([name, arguments_]) => { await jupyterapp.commands.execute(name, arguments_); }"
        self.page.evaluate(run, [name, arguments])

    def run_all(self) -> None:
        self.command("notebook:run-all-cells")

    def run(self, cell: int) -> None:
        """Run one cell to its end."""
        self.page.evaluate(f"nth => {{ {PANEL}.content.activeCellIndex = nth; }}", cell)
        self.command("notebook:run-cell")

    def start(self, cell: int) -> None:
        """Run one cell without waiting for its end; returns when the kernel is at work."""
        self.page.evaluate(f"nth => {{ {PANEL}.content.activeCellIndex = nth; }}", cell)
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-cell'); }")
        self.page.wait_for_function(f"() => {KERNEL}.status === 'busy'")

    def busy(self) -> bool:
        return bool(self.page.evaluate(f"() => {KERNEL}.status === 'busy'"))

    def ask(self, code: str) -> None:
        """Run code in the notebook's kernel, beside its cells."""
        self.page.evaluate(f"code => {KERNEL}.requestExecute({{ code }}).done", code)

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        return list(self.page.evaluate(OUTPUTS)[cell])

    def errors(self) -> list[str]:
        """What went wrong in the cells, as "ValueError: text"."""
        outputs = chain.from_iterable(self.page.evaluate(OUTPUTS))
        return [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]

    def cells(self) -> int:
        return int(self.page.evaluate(f"() => {PANEL}.content.widgets.length"))

    def theme(self, name: str) -> None:
        """ "JupyterLab Light" or "JupyterLab Dark"; returns when the page has it."""
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)

    def explorer(self, nth: int = 0) -> "Explorer":
        """The nth latent explorer of the notebook, once its picture is drawn."""
        explorer = Explorer(self.page.locator(".vx").nth(nth))
        explorer.canvas.and_(self.page.locator("[data-z]")).wait_for(timeout=15_000)
        explorer.root.scroll_into_view_if_needed()
        return explorer


@dataclass
class Explorer:
    """A latent explorer, as hands and eyes know it."""

    root: Locator

    @property
    def canvas(self) -> Locator:
        return self.root.locator("canvas.vx-picture")

    def slider(self, latent: int) -> Locator:
        return self.root.get_by_label(f"z[{latent}]", exact=True)

    def code(self) -> list[float]:
        """The code whose picture is on the canvas."""
        return [float(value) for value in str(self.canvas.get_attribute("data-z")).split()]

    def wait_for(self, latent: int, value: float) -> None:
        """Wait until the picture on the canvas is that of a code with this value; fails after 5 seconds."""
        self.canvas.page.wait_for_function(
            "([canvas, latent, value]) => Math.abs(canvas.dataset.z?.split(' ')[latent] - value) < 0.006",
            arg=[self.canvas.element_handle(), latent, value],
            timeout=5_000,
        )

    def drag(self, latent: int, to: float, steps: int = 20) -> float:
        """Drag a slider's thumb with the mouse, as close to `to` as its pixels allow; gives where it ended."""
        slider, mouse = self.slider(latent), self.root.page.mouse
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box is not None
        span = float(slider.get_attribute("max") or 3)
        middle, path = box["y"] + box["height"] / 2, box["width"] - 16  # the thumb stays half its width inside

        def x(value: float) -> float:
            return box["x"] + 8 + path * (value + span) / (2 * span)

        mouse.move(x(float(slider.input_value())), middle)
        mouse.down()
        mouse.move(x(to), middle, steps=steps)
        mouse.up()
        end = float(slider.input_value())
        self.wait_for(latent, end)
        return end

    def pixels(self) -> list[int]:
        """The picture's red bytes, row by row."""
        red = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 0)"
        return [int(value) for value in self.canvas.evaluate(red)]
