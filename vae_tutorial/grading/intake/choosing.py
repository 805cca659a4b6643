"""Which of a learner's files is the notebook to judge, which lie beside it, and what is to be told of the others."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from vae_tutorial.course.reading import LESSONS
from vae_tutorial.grading.intake.leaf import Leaf

LARGEST_NOTEBOOK, LARGEST_FILES, MOST_FILES = 50_000_000, 20_000_000, 50  # bytes, bytes together, files
NOTEBOOK = re.compile(r"\.ipynb(\.json|\.txt)?$", re.IGNORECASE)  # browsers add the others
NUMBERED = re.compile(r"(.+?)(?:-\d+| \(\d+\))(\.\w+)?")  # Canvas's and browsers' names of a later file of one name
NAMED = 5  # files that a sentence names
REASONS = ("by its time of handing in", "Canvas received it last", "its file is the newest")  # as in Piece.age


@dataclass(frozen=True)
class Piece:
    """One file of a learner's. `leaf.parts` begin below what names the learner.

    handed_in: ISO 8601 in UTC, or "". order: Canvas's number, which grows with time, or 0. named: its learner's name
    is the file's.
    """

    leaf: Leaf
    handed_in: str = ""
    order: int = 0
    named: bool = False

    @property
    def path(self) -> str:
        return shown("/".join(self.leaf.parts))

    @property
    def age(self) -> tuple[str, int, float]:
        return self.handed_in, self.order, self.leaf.modified

    def told(self) -> str:
        """What is wrong with it."""
        problem = "is a folder, not a notebook" if self.leaf.folder and not self.leaf.problem else self.leaf.problem
        return f"{self.path} {problem}"


@dataclass(frozen=True)
class Choice:
    """notebook: None where `problem` says why. beside: files by their names from the notebook's folder."""

    notebook: Piece | None
    beside: tuple[tuple[str, Leaf], ...]
    problem: str
    remarks: tuple[str, ...]


def is_notebook(name: str) -> bool:
    return NOTEBOOK.search(name) is not None


def shown(text: str) -> str:
    """A name of somebody else's making, as a sentence may have it."""
    printable = "".join(c if c.isprintable() else "�" for c in text)
    return printable if len(printable) <= 100 else f"{printable[:60]}...{printable[-37:]}"


def listed(names: Sequence[str]) -> str:
    """Some of the names in words."""
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more])


def choose(pieces: Sequence[Piece], assignment: str) -> Choice:
    """The notebook of `assignment` among all that a learner handed in.

    Those named after it come before others, then the newest is taken; others are named in a remark.
    """
    candidates = [piece for piece in pieces if is_notebook(piece.leaf.name) and not _elsewhere(piece, assignment)]
    if not candidates:
        return Choice(None, (), _nothing(pieces, assignment), ())
    best = min(_rank(piece, assignment) for piece in candidates)
    ranked = [piece for piece in candidates if _rank(piece, assignment) == best]
    usable = [piece for piece in ranked if not (piece.leaf.problem or piece.leaf.folder)]
    if not usable:
        return Choice(None, (), "; ".join(_told(ranked)), ())
    notebook = max(usable, key=lambda piece: (piece.age, piece.leaf.parts))
    if notebook.leaf.size > LARGEST_NOTEBOOK:
        return Choice(None, (), f"{notebook.path} is larger than {LARGEST_NOTEBOOK / 1e6:g} MB", ())
    remarks = []
    if best == 2:
        remarks.append(f"the notebook is called {notebook.path}, not {assignment}.ipynb")
    if len(candidates) > 1:
        remarks.append(_others(notebook, usable, candidates))
    beside, odd = _beside(notebook, pieces)
    return Choice(notebook, beside, "", (*remarks, *odd))


def _elsewhere(piece: Piece, assignment: str) -> bool:
    """Whether it is of another exercise of the course."""
    path = "/".join(piece.leaf.parts).casefold()
    return assignment.casefold() not in path and any(lesson.casefold() in path for lesson in LESSONS)


def _rank(piece: Piece, assignment: str) -> int:
    """0: named after the learner or the assignment, perhaps numbered as a copy. 1: the assignment is in its name. 2."""
    stem = NOTEBOOK.sub("", piece.leaf.name).casefold()
    numbered = NUMBERED.fullmatch(stem)
    if piece.named or assignment.casefold() in (stem, numbered and numbered[1]):
        return 0
    return 1 if assignment.casefold() in stem else 2


def _nothing(pieces: Sequence[Piece], assignment: str) -> str:
    odd = _told([piece for piece in pieces if piece.leaf.problem])
    files = [piece.path for piece in pieces if not (piece.leaf.problem or piece.leaf.folder)]
    only = f", only {listed(files)}" if files else ""
    return "; ".join([f"there is no notebook of {assignment}{only}", *odd])


def _told(pieces: Sequence[Piece]) -> list[str]:
    return list(dict.fromkeys(piece.told() for piece in pieces))[:NAMED]


def _others(notebook: Piece, usable: Sequence[Piece], candidates: Sequence[Piece]) -> str:
    left = [piece.told() if piece.leaf.problem else piece.path for piece in candidates if piece is not notebook]
    ages = [piece.age for piece in usable]
    why = "by its name"
    if len(usable) > 1:
        why = "their times are the same, it is the last by name"
        why = next((reason for i, reason in enumerate(REASONS) if len({age[i] for age in ages}) > 1), why)
    return f"{len(candidates)} notebooks were handed in: {notebook.path} was taken ({why}), not {listed(left)}"


def _beside(notebook: Piece, pieces: Sequence[Piece]) -> tuple[tuple[tuple[str, Leaf], ...], list[str]]:
    """Files from the notebook's folder on, and remarks on those that were left out."""
    base = notebook.leaf.parts[:-1]
    files: dict[str, Leaf] = {}
    others = [piece for piece in pieces if not is_notebook(piece.leaf.name)]
    remarks = [f"{problem}, and was left out" for problem in _told([piece for piece in others if piece.leaf.problem])]
    good = [piece for piece in others if not (piece.leaf.problem or piece.leaf.folder)]
    outside = [piece.path for piece in good if piece.leaf.parts[: len(base)] != base]
    for piece in sorted(good, key=lambda piece: (piece.age, piece.leaf.parts)):
        name = "/".join(piece.leaf.parts[len(base) :])
        if piece.leaf.parts[: len(base)] != base:
            continue
        if name in files:
            remarks.append(f"{piece.path} was handed in more than once, the newest was taken")
        files[name] = piece.leaf
        if piece.order and (numbered := NUMBERED.fullmatch(name)):
            first = numbered[1] + (numbered[2] or "")
            files[first] = piece.leaf
            remarks.append(f"{shown(name)} is there as {shown(first)} too, its name before Canvas numbered it")
    if outside:
        remarks.append(f"left out, because they do not lie beside the notebook: {listed(outside)}")
    unfit = [name for name in files if not _can_be_placed(name, files)]
    if unfit:
        remarks.append(f"left out, because no file can have such a name: {listed([shown(name) for name in unfit])}")
    kept = _within({name: leaf for name, leaf in files.items() if name not in unfit}, remarks)
    return kept, list(dict.fromkeys(remarks))


def _can_be_placed(name: str, files: Container[str]) -> bool:
    """Whether a file system takes it: UTF-8, of bounded length, not in a folder that is a file too."""
    parts = name.split("/")
    above = ("/".join(parts[:i]) for i in range(1, len(parts)))
    try:
        fits = all(len(part.encode()) < 256 for part in parts) and len(name) < 1000
    except UnicodeEncodeError:
        return False
    return fits and not any(folder in files for folder in above)


def _within(files: dict[str, Leaf], remarks: list[str]) -> tuple[tuple[str, Leaf], ...]:
    """As many as the limits allow, small ones first."""
    kept: list[tuple[str, Leaf]] = []
    total = 0
    for name, leaf in sorted(files.items(), key=lambda item: (item[1].size, item[0])):
        if len(kept) < MOST_FILES and total + leaf.size <= LARGEST_FILES:
            kept.append((name, leaf))
            total += leaf.size
    left = [shown(name) for name in files if name not in dict(kept)]
    if left:
        most = f"{LARGEST_FILES / 1e6:g} MB and {MOST_FILES} files"
        remarks.append(f"left out, because what lies beside a notebook may have {most} together: {listed(left)}")
    return tuple(sorted(kept))
