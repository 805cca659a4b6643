"""As _sections.py, for what is measured against other code: speed, cost, accelerators, rightness, published numbers."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from _measuring import Row
from _tables import cell, of_rows, seconds, table

OURS = "vae-tutorial"
ALTERNATIVES = ("Adam, a kernel for each operation", "cross-entropy, derivative by hand")


def training_in_short(stored: Row) -> str:
    said = []
    for network in dict.fromkeys(row["network"] for row in stored["rows"]):
        rows = [row for row in stored["rows"] if row["network"] == network and row["loop"] != "ours"]
        times = ", ".join(f"{row['loop']} {row['to_ours']:.2f}" for row in rows)
        said.append(f"{network}: {times}")
    return "seconds of training in units of ours, " + "; ".join(said)


def training(stored: Row) -> str:
    lines = []
    for r in stored["rows"]:
        span = f"{seconds(r['seconds'])} ({r['least']:.3g} to {r['most']:.3g})"
        ratios = (f"{r[ratio]:.2f}" for ratio in ("to_ours", "to_floor"))
        lines.append([r["network"], r["loop"], span, r["images_a_second"], *ratios, seconds(r["ready_after"])])
    added = ", ".join(f"{r['network']} {r['added_megabytes']:.0f} MB" for r in stored["rows"] if r["added_megabytes"])
    steps = " and ".join(f"{n} for {name}" for name, n in {r["network"]: r["steps"] for r in stored["rows"]}.items())
    titles = ["network", "loop", "median (least to most)", "images a second", "× ours", "× floor", "ready after"]
    return f"""\
The same layers, batches of {stored["settings"]["batch"]} MNIST images and Adam in every loop; steps: {steps} (468
are an epoch). `tutorial` is the loop as most tutorials write it; `pythae`, version {stored["settings"]["pythae"]}, is
that library's trainer; `floor` is nothing but the products of forward and backward, which no loop can do without.
Median of {stored["settings"]["repeats"]} turns. Ready after: from nothing to the first step, which is where compiling
goes. Above torch and the images, training adds {added or "a memory that was not measured on this system"}.
On shared machines another run gives other ratios, by more than the turns of one differ; the order of the loops was the
same in both runs that were kept.

{table(titles, lines)}"""


def floor_in_short(stored: Row) -> str:
    changes = [row["ratio"] for row in stored["rows"] if row["kind"] == "change"]
    shares = {row["name"]: row["ratio"] for row in stored["rows"] if row["kind"] == "piece"}
    return (
        f"matrix products are {100 * shares['matrix products']:.0f} % of a step of the MLP; of {len(changes)} changes "
        f"that were tried, the best leaves {min(changes):.2f} of the seconds"
    )


def floor(stored: Row) -> str:
    steps = stored["settings"]["steps"]
    titles = ["piece", "ms a step (least to most)", "of a step"]
    pieces, others, changes = [], [], []
    for row in stored["rows"]:
        times = (f"{1000 * row[key] / steps:.3g}" for key in ("seconds", "least", "most"))
        line = [row["name"], "{} ({} to {})".format(*times), f"{100 * row['ratio']:.1f} %"]
        if row["kind"] == "piece":
            (others if row["name"] in ALTERNATIVES else pieces).append(line)
        else:
            changes.append([row["name"], f"{row['ratio']:.2f}", row["foretold"], "yes" if row["kept"] else "no"])
    return f"""\
Parts of one training step of the MLP, each run alone on tensors of the same shapes, {steps} steps at a time, in
{stored["settings"]["repeats"]} turns with whole steps. What no piece explains is the rest: biases, activations, the
cloud, the KL, autograd and Python, in dozens of small operations.

{table(titles, pieces)}

Two pieces could be done in another way:

{table(titles, others)}

What was tried: `fit` with one thing changed, in turns with `fit` as it was. Foretold is the ratio that the pieces
promise, where they do; a change is kept where it gains much and the loop reads as before (`compile=True` is an option,
since compiling costs more seconds than a lesson trains).

{table(["change", "of the seconds before", "foretold", "kept"], changes)}"""


def cost_in_short(stored: Row) -> str:
    rows = [r for r in stored["rows"] if (r["what"], r["network"]) == ("batch", "mlp")]
    first, last = min(rows, key=lambda r: r["value"]), max(rows, key=lambda r: r["value"])
    return (
        f"{first['images_a_second']:,} images a second in batches of {first['value']}, "
        f"{last['images_a_second']:,} in batches of {last['value']:,} (mlp)"
    )


def cost(stored: Row) -> str:
    blocks = "\n\n".join(_one_setting(list(rows)) for _, rows in groupby(stored["rows"], key=_setting))
    return f"""\
One setting of `fit` varies in each table, from the MLP (784-512-256-32), batches of 128, 60,000 images and as many
threads as cores; its values run in {stored["settings"]["repeats"]} turns. Megabytes are what training adds to torch
and the images, at its peak. The start of an epoch shuffles and takes the first batch; loading processes are those of
the tutorials' DataLoader, a dash stands for `fit`, which has none.

{blocks}"""


def _setting(row: Row) -> tuple[str, str]:
    return row["what"], row["network"]


def _one_setting(rows: Sequence[Row]) -> str:
    """The values of a setting side by side."""
    what, network = _setting(rows[0])
    lines = [
        ["seconds", *(seconds(row["seconds"]) for row in rows)],
        ["images a second", *(row["images_a_second"] for row in rows)],
        ["megabytes", *(row["megabytes"] for row in rows)],
    ]
    known = [line for line in lines if any(value is not None for value in line[1:])]
    return table([what if network == "none" else f"{what} ({network})", *(cell(row["value"]) for row in rows)], known)


def accelerator_in_short(stored: Row) -> str:
    best = max((row for row in stored["rows"] if row["loop"] == "fit"), key=lambda row: row["images_a_second"])
    device = stored["settings"]["device"]
    return f"{best['images_a_second']:,} images a second by `fit` in batches of {best['batch']:,} on {device}"


def accelerator(stored: Row) -> str:
    rows, settings = stored["rows"], stored["settings"]
    return f"""\
The MLP (784-512-256-32) on {settings["device"]}: `fit`, `fit` compiled, and a loop by hand whose step is one CUDA
graph. Seconds are for {settings["steps"]} steps. Shares are of what the device did in the same run: arithmetic of a
product of large matrices, bandwidth of a large copy; busy is the share of the time of `fit` in which kernels ran.

{of_rows(rows, {key: key.replace("_", " ") for key in rows[0]})}"""


def conformance_in_short(stored: Row) -> str:
    asked = Counter(row["peer"] for row in stored["rows"] if row["outcome"] != "not applicable")
    wrong = Counter(row["peer"] for row in stored["rows"] if _wrong(row))
    said = ", ".join(f"{peer} {wrong[peer]} of {count}" for peer, count in asked.items())
    return f"failures of correctness, of all pairs of a model and a property: {said}"


def conformance(stored: Row) -> str:
    rows = stored["rows"]
    lines = []
    for peer in dict.fromkeys((row["peer"], row["version"]) for row in rows):
        mine = [row for row in rows if (row["peer"], row["version"]) == peer]
        outcomes = Counter(row["outcome"] for row in mine)
        kinds = Counter(row["kind"] for row in mine if row["outcome"] == "does not hold")
        failed = (kinds[kind] for kind in ("correctness", "precision", "convention"))
        lines.append([*peer, outcomes["holds"], *failed, outcomes["not applicable"]])
    return f"""\
The same {stored["settings"]["properties"]} properties, asked of every model that has the part in question, ours too.
Each has an oracle that is none of the libraries: a closed form, torch.distributions, a sum by hand. Counted are pairs
of a model and a property. What does not hold is of three kinds: correctness; precision, what float32 loses of a right
formula; convention, where a library states another choice, or papers and libraries differ.

{table(["library", "version", "hold", "correctness", "precision", "convention", "not applicable"], lines)}

What does not hold and is no convention, and all of ours that does not hold; models with the same cause in one line. The
other conventions are in [conformance.json](conformance.json).

{table(["library", "models", "kind", "property", "seen", "expected", "why"], _failed(rows))}"""


def _failed(rows: Sequence[Row]) -> list[list[str]]:
    """A line for each property of a library that does not hold for one reason."""
    causes: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row["outcome"] == "does not hold" and (row["kind"] != "convention" or row["peer"] == OURS):
            causes.setdefault((row["peer"], row["kind"], row["statement"], row["note"]), []).append(row)
    return [
        [peer, "; ".join(row["model"] for row in group), kind, statement, group[0]["seen"], group[0]["expected"], why]
        for (peer, kind, statement, why), group in causes.items()
    ]


def _wrong(row: Row) -> bool:
    return row["outcome"] == "does not hold" and row["kind"] == "correctness"
