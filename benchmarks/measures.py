"""Seconds of every measure in vae_tutorial.measures, by the number of images, and how they grow with it.

    python benchmarks/measures.py [--repeats 3]

All measures of all sizes run once, then all again, in one process. Images are drawn digits and sprites, models those
that come with the package: nothing is trained or fetched. What needs minutes or gigabytes for 10,000 images stops
earlier (LARGEST). `growth` is the slope of log seconds over log images: 0 constant, 1 linear, 2 quadratic.
"""

import argparse
import math
import time
from collections.abc import Callable, Sequence

import torch
from _measuring import Row, in_turns, record, spread

from vae_tutorial import data, measures, zoo
from vae_tutorial.regularizers import imq, mmd2, rbf

SETTINGS = {"sizes": [500, 1_000, 2_000, 5_000, 10_000], "k": [1, 10, 100], "trees": 10, "repeats": 3}
LARGEST = {
    **dict.fromkeys(["dci", "prior_test", "log_likelihood, k = 100"], 2_000),
    **dict.fromkeys(["precision_recall", "mmd2, imq", "mmd2, rbf"], 5_000),
}
TAIL = 3  # sizes, the largest, over which growth is told: small ones are ruled by what every call costs
Work = Callable[[], object]


def growth(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The exponent a of seconds = c * size^a, by least squares on the logarithms of the TAIL last pairs.

    Raises ValueError for fewer than two sizes.
    """
    x, y = ([math.log(value) for value in values[-TAIL:]] for values in (sizes, seconds))
    if len(set(x)) < 2:
        raise ValueError(f"sizes must be at least two, got {list(sizes)}")
    middle, height = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - middle) * (b - height) for a, b in zip(x, y, strict=True))
    return slope / sum((a - middle) ** 2 for a in x)


def of_models(n: int) -> dict[str, Work]:
    """What is asked of a model and n images of 28 x 28 pixels."""
    model, images = zoo.load("vae-mnist"), data.load("digits", "test", limit=n)
    codes, half = measures.code_dataset(model, images.x).mu, n // 2
    bounds = {
        f"log_likelihood, k = {k}": lambda k=k: measures.log_likelihood(model, images.x, k) for k in SETTINGS["k"]
    }
    return bounds | {
        "code_dataset": lambda: measures.code_dataset(model, images.x),
        "kl_per_dimension": lambda: measures.kl_per_dimension(model, images.x),
        "active_units": lambda: measures.active_units(model, images.x),
        "dead_units": lambda: measures.dead_units(model, images.x),
        "prior_test": lambda: measures.prior_test(codes),
        "probe_accuracy": lambda: measures.probe_accuracy(codes[:half], images.y[:half], codes[half:], images.y[half:]),
        "sharpness": lambda: measures.sharpness(images.x),
    }


def of_crowds(n: int) -> dict[str, Work]:
    """What compares n images, or codes, with n others."""
    judge, images = zoo.classifier(), data.load("digits", "train", limit=2 * n)
    a, b = measures.image_features(judge, images.x).split(n)
    z = measures.code_dataset(zoo.load("vae-mnist"), images.x[:n]).mu
    prior = torch.randn_like(z)
    return {
        "image_features": lambda: measures.image_features(judge, images.x[:n]),
        "frechet_distance": lambda: measures.frechet_distance(a, b),
        "precision_recall": lambda: measures.precision_recall(a, b),
        "mmd2, imq": lambda: mmd2(z, prior, imq),
        "mmd2, rbf": lambda: mmd2(z, prior, rbf),
    }


def of_factors(n: int) -> dict[str, Work]:
    """What sets n codes of 10 latents beside the 5 factors of their images."""
    images = zoo.images("beta-4-sprites")[:n]
    z, factors = measures.code_dataset(zoo.load("beta-4-sprites"), images.x).mu, images.factors
    assert factors is not None
    return {
        "mutual_information": lambda: measures.mutual_information(z, factors),
        "mig": lambda: measures.mig(z, factors),
        "modularity": lambda: measures.modularity(z, factors),
        "sap": lambda: measures.sap(z, factors),
        "dci": lambda: measures.dci(z, factors, trees=SETTINGS["trees"]),
        "factor_vae_score": lambda: measures.factor_vae_score(z, factors, votes=2_000, test_votes=1_000),
        "beta_vae_score": lambda: measures.beta_vae_score(z, factors, points=2_000, test_points=1_000),
        "gaussian_total_correlation": lambda: measures.gaussian_total_correlation(z),
        "shuffle_codes": lambda: measures.shuffle_codes(z),
    }


def works(n: int) -> dict[str, Work]:
    """Every measure on n images, but for those that would take too long or too much."""
    every = of_models(n) | of_crowds(n) | of_factors(n)
    return {name: work for name, work in every.items() if n <= LARGEST.get(name, n)}


def measure(sizes: Sequence[int], repeats: int) -> list[Row]:
    """A row for each measure and size."""
    places = {f"{name}, {n}": (name, n, work) for n in sizes for name, work in works(n).items()}
    for name, n, work in places.values():
        if n == min(sizes):
            work()  # the first call of a kind loads libraries
            print(f"ready: {name}", flush=True)
    times = in_turns({place: work for place, (_, _, work) in places.items()}, repeats)
    rows = [{"measure": name, "images": n} | spread(times[place]) for place, (name, n, _) in places.items()]
    return sorted(rows, key=lambda row: list(dict.fromkeys(r["measure"] for r in rows)).index(row["measure"]))


def by_measure(rows: Sequence[Row]) -> dict[str, dict[int, float]]:
    """measure -> (images -> median seconds), sizes rising."""
    names = dict.fromkeys(row["measure"] for row in rows)
    return {name: {r["images"]: r["seconds"] for r in rows if r["measure"] == name} for name in names}


def main() -> None:
    """Print the seconds and the growth of each measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=SETTINGS["repeats"])
    repeats = parser.parse_args().repeats
    torch.manual_seed(0)
    started = time.perf_counter()
    rows = measure(SETTINGS["sizes"], repeats)
    for name, seconds in by_measure(rows).items():
        times = "".join(f"{value:10.4g}" for value in seconds.values())
        print(f"{name:28} growth {growth(list(seconds), list(seconds.values())):5.2f}, s:{times}")
    print(record("measures", SETTINGS | {"repeats": repeats, "largest": LARGEST}, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
