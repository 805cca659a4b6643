"""How fast digits are drawn: 60,000 at once, against one call of the same function per image.

    python benchmarks/digits.py

Each runs in a fresh state (nothing drawn before), the slow way for fewer images. The ratio is what drawing every form
once, at every thickness, and then only cutting windows out of it, is worth on the machine at hand.
"""

import argparse
import time

from vae_tutorial.data import digits


def seconds(n: int, *, at_once: bool) -> float:
    """Wall-clock seconds to draw the first n digits of a seed, all at once or one by one, from a cold start."""
    factors = digits.make(n, seed=0).factors
    assert factors is not None
    rows = [factors] if at_once else list(factors.split(1))
    digits._canvases.cache_clear()
    start = time.perf_counter()
    for row in rows:
        if not at_once:
            digits._canvases.cache_clear()  # one by one means that nothing is known of the image before
        digits.draw(row)
    return time.perf_counter() - start


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=60_000, help="drawn at once (60000)")
    parser.add_argument("--single", type=int, default=2_000, help="drawn one by one (2000)")
    arguments = parser.parse_args()
    together = seconds(arguments.images, at_once=True)
    apart = seconds(arguments.single, at_once=False) / arguments.single * arguments.images
    print(f"{arguments.images:,} digits at once:    {together:6.2f} s")
    print(f"{arguments.images:,} digits one by one: {apart:6.2f} s, scaled from {arguments.single:,}")
    print(f"ratio: {apart / together:.0f}")


if __name__ == "__main__":
    main()
