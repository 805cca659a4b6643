"""How fast the latent explorer is in JupyterLab, in a real Chromium with a real mouse.

PYTHONPATH=tests python benchmarks/explorer.py [--json FILE]

Latency is from the time stamp of the trusted input event to the first task after the frame that holds its picture, in
milliseconds; 300 moves a row, each in two runs. A headless browser has no screen to wait for: times are relative.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import KERNEL, Lab, chromium
from lab_server import jupyterlab, write_notebook

MOVES = 300

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


def moves(lab: Lab) -> dict[str, float]:
    """Drag the first slider to and fro, 300 times; gives the latencies and how many of the moves were painted."""
    explorer = lab.explorer()
    slider = explorer.root.locator(".vx-row input").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    lab.page.evaluate(READ)
    middle = box["y"] + box["height"] / 2
    lab.page.mouse.move(box["x"] + box["width"] / 2, middle)
    lab.page.mouse.down()
    for i in range(MOVES):
        lab.page.mouse.move(box["x"] + 8 + (i * 0.91) % (box["width"] - 16), middle)
    lab.page.mouse.up()
    lab.page.wait_for_timeout(300)
    result = lab.page.evaluate(READ)
    times = sorted(result["ms"])
    return {
        "moves": result["moves"],
        "painted": len(times),
        "p50": round(statistics.median(times), 1),
        "p95": round(times[int(0.95 * len(times))], 1),
    }


def measure(name: str) -> dict[str, object]:
    """One model through all states of the kernel."""
    found: dict[str, object] = {}
    with opened(name) as (lab, first):
        explorer = lab.explorer()
        slider = explorer.root.locator(".vx-row input").first
        latent = int(explorer.root.locator(".vx-row label").first.inner_text()[2:-1])
        lab.page.evaluate(WATCH, [explorer.canvas.element_handle(), slider.element_handle(), latent])
        moves(lab)  # the browser compiles what it sees often
        found["seconds to the first picture"] = round(first, 3)
        found["idle kernel"] = [moves(lab), moves(lab)]
        found["seconds to new weights"] = [round(lab.page.evaluate(NEW_WEIGHTS, EPOCH) / 1000, 3) for _ in range(5)]
        lab.start(2)
        found["kernel trains"] = [moves(lab), moves(lab)]
        assert lab.busy()
        for state, end in (("restarted", "restart"), ("dead", "shutdown")):
            lab.page.evaluate(f"async () => {{ await {KERNEL}.{end}(); }}")
            found[f"kernel {state}"] = [moves(lab), moves(lab)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    args = parser.parse_args()
    found = {name: measure(name) for name in ("mlp", "conv")}
    for name, states in found.items():
        for state, figures in states.items():
            for figure in figures if isinstance(figures, list) else [figures]:
                print(f"{name:5} {state:30} {figure}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
