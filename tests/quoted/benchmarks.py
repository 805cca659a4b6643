"""README.md, "What was measured": lines on benchmarks and on tests."""

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from quoted.quotes import Quote, says
from quoted.sources import ROOT

Rows = list[dict[str, Any]]


def rows_of(name: str, **which: object) -> Rows:
    """Rows of benchmarks/NAME.json, or of results/, that have these values."""
    paths = [ROOT / folder / f"{name}.json" for folder in ("benchmarks", "results")]
    rows = json.loads(next(path for path in paths if path.is_file()).read_text())["rows"]
    return [row for row in rows if all(row[key] == value for key, value in which.items())]


def quotes() -> Iterator[Quote]:
    yield from answers()
    yield from attacks()
    yield from grading()
    yield from training()
    yield from explorer()
    yield from course()
    yield from others()
    yield says("under a second", command="python benchmarks/digits.py")


def training() -> Iterator[Quote]:
    loops = {(row["network"], row["loop"]): row for row in rows_of("training")}
    times = [f"{loops[network, loop]['to_ours']:.2f}" for loop in ("tutorial", "pythae") for network in ("mlp", "conv")]
    floors = [1 / loops[network, "floor"]["to_ours"] for network in ("mlp", "conv")]
    compiled = [f"{loops[network, 'ours, compiled']['to_ours']:.2f}" for network in ("mlp", "conv")]
    yield says(
        "an epoch of the MLP in {} s; the loop of most tutorials takes {} and {} times as long, pythae's trainer {} "
        "and {} times, ours with `compile=True` {} and {} times; ours takes {} and {} times as long as its matrix "
        "products alone",
        f"{loops['mlp', 'ours']['seconds']:.1f}",
        *times,
        *compiled,
        *(f"{floor:.1f}" for floor in floors),
        command="python benchmarks/training.py",
    )
    pieces = {row["name"]: f"{100 * row['ratio']:.0f}" for row in rows_of("floor")}
    yield says(
        "matrix products {} %, cross-entropy {} %, Adam {} %, images {} %, the rest (activations, the cloud, autograd, "
        "Python) {} %",
        *(pieces[name] for name in ("matrix products", "cross-entropy, forward and backward", "Adam, fused")),
        pieces["images: picked, to floats"],
        pieces["the rest"],
        command="python benchmarks/floor.py",
    )
    added = [row["megabytes"] for row in rows_of("cost", what="images", network="mlp")]
    template = "{} to {} MB, from [60] thousand to a million images, most of it libraries that are loaded then"
    yield says(template, f"{min(added):.0f}", f"{max(added):.0f}", command="python benchmarks/cost.py")


def explorer() -> Iterator[Quote]:
    for decoder in ("mlp", "conv"):
        idle, training = (
            rows_of("explorer", decoder=decoder, what=f"{what}") for what in ("idle kernel", "kernel trains")
        )
        parts = [between(rows, key) for rows in (idle, training) for key in ("p50", "p95")]
        template = "median {} ms, [95] % within {} ms; while the kernel trains on both cores {} and {} ms"
        yield says(template, *parts, command="python benchmarks/explorer.py")
    (first,) = rows_of("explorer", decoder="mlp", what="first picture")
    (weights,) = rows_of("explorer", decoder="mlp", what="new weights")
    numbers = (f"{first['p50'] / 1000:.2f}", f"{weights['p50'] / 1000:.2f}")
    yield says("{} s; {} s (median of [5])", *numbers, command="python benchmarks/explorer.py")


def between(rows: Rows, key: str) -> str:
    low, high = (f"{end(row[key] for row in rows):.1f}" for end in (min, max))
    return low if low == high else f"{low} to {high}"


def course() -> Iterator[Quote]:
    seconds = [row["seconds"] for row in rows_of("lessons")]
    template = "{} to {} s each, {} minutes together"
    numbers = (f"{min(seconds):.0f}", f"{max(seconds):.0f}", f"{sum(seconds) / 60:.1f}")
    yield says(template, *numbers, command="python benchmarks/lessons.py")
    phases = {row["phase"]: row["seconds"] for row in rows_of("newcomer")}
    installing = sum(seconds for phase, seconds in phases.items() if phase.startswith("pip") or "compile" in phase)
    yield says(
        "{} s, of which installing {} s",
        f"{sum(phases.values()):.0f}",
        f"{installing:.0f}",
        command="python benchmarks/newcomer.py",
    )


def others() -> Iterator[Quote]:
    rows = [row for row in rows_of("conformance") if row["outcome"] != "not applicable"]
    counts, causes = [], {}
    for peer in ("vae-tutorial", "pythae", "pyro-ppl"):
        asked = [row for row in rows if row["peer"] == peer]
        wrong = [row for row in asked if (row["outcome"], row["kind"]) == ("does not hold", "correctness")]
        counts += [str(len(wrong)), str(len(asked))]
        causes[peer] = len({row["note"] for row in wrong})
    template = "correctness fails in {} of {} pairs here, {} of {} in pythae ({} causes), {} of {} in pyro"
    counts.insert(4, str(causes["pythae"]))
    yield says(template, *counts, command="python benchmarks/conformance.py")
    ends = [rows_of("burda", method=method, k=500)[-1] for method in ("VAE", "IWAE-5")]
    yield says(
        "bound on −log p(x), [500] samples: VAE {} after {} of [3,280] epochs, IWAE-[5] {} after {}; published at the "
        "end [86.76] and [85.54]",
        *(number for end in ends for number in (f"{end['minus_bound']:.2f}", f"{end['epochs']}")),
        command="python results/burda.py",
    )


def answers() -> Iterator[Quote]:
    modules = [import_module(f"mutants.{path.stem}") for path in sorted(ROOT.glob("tests/mutants/test_*.py"))]
    banks = [bank for module in modules for bank in module.BANKS.values()]
    yield says(
        "{} wrong answers, all refused with the sentence meant for their slip; {} right ones written differently",
        f"{sum(len(bank.wrong) for bank in banks):,}",
        f"{sum(len(bank.right) for bank in banks):,}",
        command="python -m pytest tests/mutants",
    )


def attacks() -> Iterator[Quote]:
    modules = [
        import_module(f"adversarial.{path.stem}") for path in sorted(ROOT.glob("tests/adversarial/attacks_*.py"))
    ]
    known = [attack for module in modules for attack in [*module.ATTACKS, *getattr(module, "ACROSS", [])]]
    template = "{}, none earns more than what is right in it"
    yield says(template, str(len(known)), command="python -m pytest tests/adversarial")


def grading() -> Iterator[Quote]:
    rate = {(row["checks"], row["learners"], row["jobs"]): f"{row['a_minute']:.0f}" for row in rows_of("grading")}
    yield says(
        "{} and {} where checks need no PyTorch ([100] and [300] learners), {} for exercise [01] with all answered; "
        "by one worker {} and {}",
        *(rate["small", learners, 2] for learners in (100, 300)),
        rate["course", 24, 2],
        *(rate[at] for at in (("small", 20, 1), ("course", 12, 1))),
        command="python benchmarks/grading.py",
    )
