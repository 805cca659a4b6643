"""How fast the latent explorer is in JupyterLab, in a real Chromium with a real mouse.

    python benchmarks/explorer.py

Latency is from the time stamp of the trusted input event to the first task after the frame that holds its picture, in
milliseconds; 300 moves a row, each in two runs. A headless browser has no screen to wait for: times are relative.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _measuring import Row, record

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import KERNEL, Lab, chromium
from lab_server import jupyterlab, write_notebook

SETTINGS = {"decoders": ["mlp", "conv"], "moves": 300, "runs": 2, "new_weights": 5}
RUNS = range(1, SETTINGS["runs"] + 1)

SET_UP = """
import time, torch
from torch import nn
from vae_tutorial.networks import Decoder, mlp
from vae_tutorial.vae import VAE
from vae_tutorial.widgets import LatentExplorer

def upsample(before, after):
    return [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU()]

torch.manual_seed(0)
x = torch.rand(1000, 1, 28, 28)
dense = VAE(*mlp(hidden=(512, 256), z_dim=32))
body = nn.Sequential(
    nn.Linear(10, 256), nn.LeakyReLU(), nn.Linear(256, 1024), nn.LeakyReLU(), nn.Unflatten(1, (64, 4, 4)),
    *upsample(64, 64), *upsample(64, 32), *upsample(32, 32), nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1),
)
conv = VAE(mlp((1, 64, 64), (16,), 10)[0], Decoder(body, (1, 64, 64), 10))
models = {"mlp": (dense, x), "conv": (conv, torch.rand(1000, 1, 64, 64))}
"""
SHOW = "model, images = models[{name!r}]\nexplorer = LatentExplorer(model, images)\nexplorer"
BUSY = """
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import fit
fit(VAE(*mlp(z_dim=32)), Objective(KL()), torch.rand(8192, 1, 28, 28), steps=4000, progress=False)
"""

# Every picture is matched with its own event by the value of the slider that it shows.
WATCH = """([canvas, slider, latent]) => {
  const events = new Map(), painted = new Map();
  slider.addEventListener("input", event => {
    if (event.isTrusted) events.set(Number(slider.value).toFixed(2), event.timeStamp);
  }, true);
  new MutationObserver(() => {
    const value = Number(canvas.dataset.z.split(" ")[latent]).toFixed(2);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => painted.set(value, performance.now());
    port2.postMessage(0);
  }).observe(canvas, { attributeFilter: ["data-z"] });
  window.measured = { events, painted };
}"""
READ = """() => {
  const { events, painted } = measured;
  const shown = [...events].filter(([value]) => painted.has(value));
  const result = { moves: events.size, ms: shown.map(([value, at]) => painted.get(value) - at) };
  events.clear(); painted.clear();
  return result;
}"""
FIRST_PICTURE = """async () => {
  const start = performance.now();
  jupyterapp.commands.execute("notebook:run-cell");
  return new Promise(done => {
    const watch = () => {
      if (document.querySelector(".vx-picture[data-z]")) done(performance.now() - start);
      else requestAnimationFrame(watch);
    };
    watch();
  });
}"""
EPOCH = "model.decoder.body[0].bias.data += 0.01 * torch.rand(1)\nexplorer.set_model(model)"
NEW_WEIGHTS = f"""async code => {{
  const canvas = document.querySelector(".vx-picture");
  const seen = new Promise(done => new MutationObserver((_, watch) => (watch.disconnect(), done(performance.now())))
    .observe(canvas, {{ attributeFilter: ["data-z"] }}));
  const start = performance.now();
  {KERNEL}.requestExecute({{ code }});
  return await seen - start;
}}"""


@contextmanager
def opened(name: str) -> Iterator[tuple[Lab, float]]:
    """A notebook with the explorer of one of the models, and the seconds until its first picture."""
    with tempfile.TemporaryDirectory() as folder:
        home, fresh = Path(folder, "home"), Path(folder, "fresh")
        home.mkdir()
        fresh.mkdir()
        write_notebook(home / "bench.ipynb", SET_UP, SHOW.format(name=name), BUSY)
        with chromium(fresh) as browser, jupyterlab(home, fresh) as url:
            lab = browser.open_notebook(url, "bench.ipynb")
            lab.run(0)
            lab.page.evaluate("() => { jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
            first = lab.page.evaluate(FIRST_PICTURE) / 1000
            assert lab.errors() == []
            yield lab, first


def moves(lab: Lab) -> tuple[int, list[float]]:
    """Drag the first slider to and fro; gives how many moves the page saw, and the latency of those painted, ms."""
    explorer = lab.explorer()
    slider = explorer.root.locator(".vx-row input").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    lab.page.evaluate(READ)
    middle = box["y"] + box["height"] / 2
    lab.page.mouse.move(box["x"] + box["width"] / 2, middle)
    lab.page.mouse.down()
    for i in range(SETTINGS["moves"]):
        lab.page.mouse.move(box["x"] + 8 + (i * 0.91) % (box["width"] - 16), middle)
    lab.page.mouse.up()
    lab.page.wait_for_timeout(300)
    result = lab.page.evaluate(READ)
    return result["moves"], result["ms"]


def row(decoder: str, what: str, run: int, asked: int, ms: list[float]) -> Row:
    """Median and 95th percentile of the latencies; of fewer than twenty, that is the largest."""
    times = sorted(ms)
    p50, p95 = round(statistics.median(times), 1), round(times[int(0.95 * len(times))], 1)
    return {"decoder": decoder, "what": what, "run": run, "asked": asked, "painted": len(times), "p50": p50, "p95": p95}


def measure(name: str) -> Iterator[Row]:
    """One model through all states of the kernel."""
    with opened(name) as (lab, first):
        yield row(name, "first picture", 1, 1, [1000 * first])
        explorer = lab.explorer()
        slider = explorer.root.locator(".vx-row input").first
        latent = int(explorer.root.locator(".vx-row label").first.inner_text()[2:-1])
        lab.page.evaluate(WATCH, [explorer.canvas.element_handle(), slider.element_handle(), latent])
        moves(lab)  # the browser compiles what it sees often
        yield from (row(name, "idle kernel", run, *moves(lab)) for run in RUNS)
        asked = SETTINGS["new_weights"]
        yield row(name, "new weights", 1, asked, [lab.page.evaluate(NEW_WEIGHTS, EPOCH) for _ in range(asked)])
        lab.start(2)
        yield from (row(name, "kernel trains", run, *moves(lab)) for run in RUNS)
        assert lab.busy()
        for state, end in (("restarted", "restart"), ("dead", "shutdown")):
            lab.page.evaluate(f"async () => {{ await {KERNEL}.{end}(); }}")
            yield from (row(name, f"kernel {state}", run, *moves(lab)) for run in RUNS)


def main() -> None:
    """Print the rows as they come."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    started, rows = time.perf_counter(), []
    for name in SETTINGS["decoders"]:
        for found in measure(name):
            rows.append(found)
            print("{decoder:5} {what:16} {painted} of {asked}: median {p50} ms, 95 % {p95} ms".format(**found))
    print(record("explorer", SETTINGS, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
