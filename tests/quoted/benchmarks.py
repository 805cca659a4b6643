"""README.md, "What was measured": lines on benchmarks and on tests."""

import json
from collections.abc import Iterator
from importlib import import_module

from quoted.quotes import Quote, says
from quoted.sources import ROOT

# Lines whose numbers do not come out of a stored file yet: their command prints them, or is to measure them anew.
AWAITED = {
    "python benchmarks/training.py": (
        "[3.2] to [4.9] s; [1.6] times as fast as the loop of most tutorials, [1.3] times",
        "[200] MB",
    ),
    "python benchmarks/training.py --compile": ("[1.6] to [2.0] times their time, with `compile=True` [1.5] to [1.9]",),
    "python benchmarks/digits.py": ("under a second",),
    "python benchmarks/explorer.py": (
        "median [5.3] to [5.4] ms, [95] % within [7.7] to [7.9] ms; "
        "while the kernel trains on both cores [5.8] to [6.6] and [11] to [13.2] ms",
        "median [17.6] to [17.7] ms, [95] % within [21] to [21.2] ms; "
        "while the kernel trains on both cores [22.6] to [23.2] and [29.8] to [30.1] ms",
        "[0.35] s; [0.09] to [0.16] s",
    ),
    "make lessons": (
        "[4] to [6] s, [40] to [66] s, [39] to [70] s, [63] s, [31] s, [30] s, [26] s, [37] s, [53] s, [26] s, [26] s, "
        "[31] s, [48] s",
    ),
}


def quotes() -> Iterator[Quote]:
    yield from answers()
    yield from attacks()
    yield from grading()
    for command, pieces in AWAITED.items():
        yield from (says(piece, command=command) for piece in pieces)


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
    rows = json.loads((ROOT / "benchmarks" / "grading.json").read_text())["rows"]
    rate = {(row["checks"], row["learners"], row["jobs"]): f"{row['a_minute']:.0f}" for row in rows}
    yield says(
        "{} to {} where checks need no PyTorch ([100] and [300] learners), {} for exercise [01] with all answered; "
        "by one worker {} and {}",
        *(rate["small", learners, 2] for learners in (100, 300)),
        rate["course", 24, 2],
        *(rate[at] for at in (("small", 20, 1), ("course", 12, 1))),
        command="python benchmarks/grading.py",
    )
