"""`make lab` in a fresh clone, and a learner at its page."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from _newcomer_lines import Line

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import lab_server
from browser import PANEL, Browser, Lab
from playwright.sync_api import Page

INSIDE = Path(__file__).with_name("_newcomer_inside.py")
SETTINGS = lab_server.SETTINGS | {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none", "recordTiming": True}
}
PATIENCE = 300_000  # milliseconds
LAB_ARGS = "--no-browser --LabApp.expose_app_in_browser=True --IdentityProvider.token= --ServerApp.port={port}"


class Course:
    """A running `make lab`."""

    def __init__(self, folder: Path, fresh: Path) -> None:
        self.port, self.notes_file = lab_server._free_port(), fresh / "notes"
        self.lines: list[Line] = []
        (fresh / "inside").mkdir(parents=True)
        self.notes_file.touch()
        (fresh / "inside" / "sitecustomize.py").symlink_to(INSIDE)
        settings = fresh / "config" / "labconfig" / "default_setting_overrides.json"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(SETTINGS))
        environment = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL", "PYTHON"}}
        environment |= {name: str(fresh / place) for name, place in lab_server.FOLDERS.items()}
        environment |= {"PYTHONPATH": str(fresh / "inside"), "NEWCOMER_NOTES": str(self.notes_file)}
        self.process = subprocess.Popen(
            ["make", "lab", f"LAB_ARGS={LAB_ARGS.format(port=self.port)}"],
            cwd=folder, env=environment | {"PYTHONUNBUFFERED": "1"}, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _read(self) -> None:
        for text in self.process.stdout:
            self.lines.append(Line(time.time(), text.rstrip("\n")))

    def wait(self) -> float:
        """The time at which JupyterLab answers."""
        while self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + "/api/status", timeout=5):
                    return time.time()
            except (urllib.error.URLError, TimeoutError):
                time.sleep(0.05)
        raise RuntimeError("`make lab` ended:\n" + "\n".join(line.text for line in self.lines[-20:]))

    def notes(self, began: float = 0.0, ended: float = float("inf")) -> dict[str, float]:
        """Seconds of all that was noted inside, of what began between two times."""
        seconds: dict[str, float] = {}
        for what, start, spent in map(json.loads, self.notes_file.read_text().splitlines()):
            if began <= start <= ended:
                seconds[what] = seconds.get(what, 0.0) + spent
        return seconds

    def stop(self) -> None:
        """End the whole group: make, its shell, and JupyterLab, which ends its kernels when asked."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def make_lab(folder: Path, fresh: Path) -> Iterator[Course]:
    """`make lab` in the clone `folder`, JupyterLab's settings in the new folder `fresh`."""
    course = Course(folder, fresh)
    try:
        yield course
    finally:
        course.stop()


def learn(browser: Browser, course: Course) -> dict[str, float]:
    """Open the page of `make lab`, run all cells, drag; gives the time of each mark, in their order."""
    page = browser.context.new_page()
    page.goto(course.url)  # JupyterLab sends it on to the first lesson
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate("() => window.jupyterapp.restored")
    page.wait_for_function(f"() => {PANEL}?.context?.isReady", timeout=PATIENCE)
    marks = {"page": time.time()}
    page.wait_for_function(f"() => {PANEL}.sessionContext?.session?.kernel?.status === 'idle'", timeout=PATIENCE)
    marks["kernel"] = time.time()
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_selector("canvas.vx-picture[data-z]", timeout=PATIENCE)
    shown = time.time()
    explorer = Lab(page).explorer()
    explorer.drag(int(explorer.root.locator(".vx-row label").first.inner_text()[2:-1]), to=1.5)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    dragged = time.time()
    for name, index in zip(("imports", "explorer"), code_cells(page), strict=False):
        marks |= cell_times(page, name, index)
    return marks | {"shown": shown, "dragged": dragged}


def code_cells(page: Page) -> list[int]:
    return page.evaluate(f"() => {PANEL}.content.widgets.flatMap((cell, i) => cell.model.type === 'code' ? [i] : [])")


def cell_times(page: Page, name: str, index: int) -> dict[str, float]:
    """When the kernel began a cell and when it had done with it, as JupyterLab records them."""
    timing = f"{PANEL}.content.widgets[{index}].model.getMetadata('execution')"
    page.wait_for_function(f"() => {timing}?.['shell.execute_reply']", timeout=PATIENCE)
    found = page.evaluate(f"() => {timing}")
    times = (found["iopub.execute_input"], found["shell.execute_reply"])
    began, ended = (datetime.fromisoformat(text).timestamp() for text in times)
    return {f"{name} begin": began, f"{name} end": ended}
