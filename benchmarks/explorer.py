"""How fast the explorer decodes in Chromium, and how far its pictures are from torch's.

PYTHONPATH=tests python benchmarks/explorer.py
"""

import base64
import sys
import tempfile
import time
from pathlib import Path

import torch

from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE
from vae_tutorial.widgets import LatentExplorer, assets
from vae_tutorial.widgets.payload import payload

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import chromium

# Milliseconds per decode (median of 200), milliseconds to read the weights, and the images of the codes.
TIME = """([packed, weights, codes]) => {
  const bytes = Uint8Array.from(atob(weights), letter => letter.charCodeAt(0));
  const begin = performance.now();
  const network = vx.readNetwork({...packed, weights: bytes});
  const reading = performance.now() - begin;
  const times = Array.from({length: 200}, (_, i) => {
    const start = performance.now();
    vx.decode(network, codes[i % codes.length]);
    return performance.now() - start;
  });
  return [times.sort((a, b) => a - b)[100], reading, codes.map(z => [...vx.decode(network, z)])];
}"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
        page = browser.open_module(assets.javascript("decode.js"))
        for z_dim, hidden in ((2, (256, 128)), (32, (512, 256)), (32, (1024, 1024))):
            model = VAE(*mlp(hidden=hidden, z_dim=z_dim))
            z = torch.randn(50, z_dim)
            count = sum(p.numel() for p in model.decoder.parameters())
            packed = payload(model)
            weights = base64.b64encode(packed.pop("weights")).decode()
            decoding, reading, images = page.evaluate(TIME, [packed, weights, z.tolist()])
            apart = (torch.tensor(images).view(50, 1, 28, 28) - model.decode(z)).abs().max().item()
            start = time.perf_counter()
            LatentExplorer(model, torch.rand(1000, 1, 28, 28))
            making = 1000 * (time.perf_counter() - start)
            print(
                f"z {z_dim:2}, hidden {hidden}: {count:,} weights, decode {decoding:.2f} ms, "
                f"read {reading:.1f} ms, made in {making:.0f} ms, at most {apart:.1e} from torch"
            )


if __name__ == "__main__":
    main()
