"""One page of everything that was measured: benchmarks/README.md, with its pictures, from the JSON files beside it.

    python benchmarks/page.py

`make bench` measures first and ends with this. What was not measured is named, with the command that does.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import _pictures
import _sections
import _sections_peers
import _sections_published
from _measuring import FOLDER, Row
from _tables import seconds, table
from matplotlib.figure import Figure

PAGE = FOLDER / "README.md"
BESIDE_PEERS = ("conformance", "training")  # run where the libraries of `make peers` are
STORES = (FOLDER, FOLDER.parent / "results")
INTRODUCTION = """\
# Benchmarks

How fast, how big and how right the course and its package are, measured by the scripts in this folder. `make bench`
runs them all, one after the other, and ends with this page; each section names the command that repeats it. No
measured number on this page is typed: `python benchmarks/page.py` makes it of the JSON files; a test compares the two.

Compare within one run, not with other machines. What is compared runs **in turns** in one process (all once, then all
again), so that a busy machine slows down all alike. A time is the **median** of the turns, with the least and the most
of them where they are shown; a ratio is the median over the turns of the ratio within each. `build/peers`, where other
libraries are, is made by `make peers`.
"""


class Section(NamedTuple):
    """A part of the page: its title, and what is made of one stored file."""

    title: str
    in_short: Callable[[Row], str]
    body: Callable[[Row], str]
    picture: Callable[[Row], Figure] | None = None
    seen: str = ""  # what the picture shows, for those who cannot see it
    absent: str = "Not measured here."


SECTIONS = {
    "training": Section(
        "Training, ours and others'",
        _sections_peers.training_in_short,
        _sections_peers.training,
        _pictures.training,
        "Seconds of each loop in units of ours, for two networks",
    ),
    "floor": Section("Where the seconds of a step go", _sections_peers.floor_in_short, _sections_peers.floor),
    "cost": Section(
        "What training costs, by size",
        _sections_peers.cost_in_short,
        _sections_peers.cost,
        _pictures.cost,
        "Images a second, and megabytes, over the size of a batch, for two networks",
    ),
    "accelerator": Section(
        "On an accelerator",
        _sections_peers.accelerator_in_short,
        _sections_peers.accelerator,
        absent="No accelerator was at hand.",
    ),
    "conformance": Section(
        "Conformance, ours and others'", _sections_peers.conformance_in_short, _sections_peers.conformance
    ),
    "measures": Section(
        "Measures of a trained model, by the number of images",
        _sections.measures_in_short,
        _sections.measures,
        _pictures.measures,
        "Seconds over images of some measures, both axes logarithmic",
    ),
    "lessons": Section(
        "The course, lesson by lesson",
        _sections.lessons_in_short,
        _sections.lessons,
        _pictures.lessons,
        "Seconds of each lesson",
    ),
    "newcomer": Section("From nothing to the first slider", _sections.newcomer_in_short, _sections.newcomer),
    "explorer": Section("From the hand to the picture", _sections.explorer_in_short, _sections.explorer),
    "grading": Section("Marking a class", _sections.grading_in_short, _sections.grading),
    "burda": Section(
        "Beside published numbers",
        _sections_published.burda_in_short,
        _sections_published.burda,
        _pictures.burda,
        "The bound after each stage over epochs, and the published values",
    ),
}


def stored() -> dict[str, Row]:
    """Every file of SECTIONS that is there: name -> what record() wrote."""
    paths = {name: home(name) / f"{name}.json" for name in SECTIONS}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.is_file()}


def home(name: str) -> Path:
    """The folder of NAME.py and NAME.json."""
    return next((folder for folder in STORES if (folder / f"{name}.py").is_file()), FOLDER)


def page(found: dict[str, Row]) -> str:
    """The whole of README.md."""
    short = [
        f"- [{section.title}](#{anchor(section.title)}): {section.in_short(found[name])}."
        for name, section in SECTIONS.items()
        if name in found
    ]
    parts = [INTRODUCTION, "## In short\n", "\n".join(short), *(part(name, found.get(name)) for name in SECTIONS)]
    return "\n".join([*parts, "\n## Machine, versions, commands\n", commands(found)]) + "\n"


def part(name: str, found: Row | None) -> str:
    """One section, or the line that stands for it."""
    section = SECTIONS[name]
    if found is None:
        return f"\n## {section.title}\n\n{section.absent} `{command(name)}` measures it."
    picture = f"\n\n![{section.seen}]({name}.png)" if section.picture else ""
    return f"\n## {section.title}\n\n{section.body(found)}{picture}\n\nRepeat it: `{command(name)}`"


def command(name: str) -> str:
    """What makes NAME.json."""
    return f"{'build/peers/bin/' * (name in BESIDE_PEERS)}python {home(name).name}/{name}.py"


def anchor(title: str) -> str:
    """The address that GitHub gives a heading."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def commands(found: dict[str, Row]) -> str:
    """How everything was made, a line for each file."""
    lines = []
    for name, made in found.items():
        versions = ", ".join(f"{what} {version}" for what, version in made["versions"].items())
        lines.append([f"`{command(name)}`", seconds(made["seconds"]), made["machine"], versions])
    return table(["command", "took", "machine", "versions"], lines)


def main() -> None:
    """Write the page and its pictures."""
    found = stored()
    for name in found:
        if draw := SECTIONS[name].picture:
            draw(found[name]).savefig(FOLDER / f"{name}.png", dpi=110, facecolor="white")
    PAGE.write_text(page(found), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
