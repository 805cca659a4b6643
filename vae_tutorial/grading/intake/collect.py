"""What a class handed in for one assignment, found in a folder or an archive and read."""

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from vae_tutorial.grading.intake.choosing import LARGEST_FILES, LARGEST_NOTEBOOK, choose, shown
from vae_tutorial.grading.intake.leaf import Leaf, UnreadableError
from vae_tutorial.grading.intake.lms import folder_name
from vae_tutorial.grading.intake.owners import Belongings, of_class
from vae_tutorial.grading.records import Submission


@dataclass(frozen=True)
class Found:
    """What one learner handed in. path: the file on the disk that holds the notebook, or None.

    handed_in: ISO 8601 in UTC, or "" where nobody knows. problem: a sentence, where there is nothing to judge.
    remarks: sentences on what is odd. beside: files by their names from the notebook's folder, with "/" in them where
    they lie deeper.
    """

    learner: str
    assignment: str
    path: Path | None = None
    notebook: Leaf | None = None
    beside: tuple[tuple[str, Leaf], ...] = ()
    handed_in: str = ""
    problem: str = ""
    remarks: tuple[str, ...] = ()

    def load(self) -> Submission:
        """Read it, within the limits. What cannot be read is told in there."""
        known = Submission(self.learner, self.assignment, handed_in=self.handed_in, remarks=self.remarks)
        if self.notebook is None:
            return replace(known, problem=self.problem)
        try:
            notebook = self.notebook.read(LARGEST_NOTEBOOK)
        except UnreadableError as error:
            return replace(known, problem=f"{shown('/'.join(self.notebook.parts))} {error}")
        files: dict[str, bytes] = {}
        remarks = list(self.remarks)
        for name, leaf in self.beside:
            try:
                files[name] = leaf.read(LARGEST_FILES - sum(map(len, files.values())))
            except UnreadableError as error:
                remarks.append(f"{shown(name)} {error}, and was left out")
        return replace(known, notebook=notebook, files=files, remarks=tuple(remarks))


def collect(folder: Path, assignment: str) -> list[Found]:
    """What each learner handed in for `assignment`, sorted by learner; nothing is written, nothing unpacked.

    folder: of a class, or a zip archive of one: nbgrader's `submitted`, notebooks or folders named after learners,
    what Moodle or Canvas gives. Raises ValueError where it cannot be read.
    """
    try:
        learners = of_class(folder, assignment)
    except UnreadableError as error:
        accepted = "a folder of what was handed in, or a zip archive of it"
        raise ValueError(f"submissions must be {accepted}, got {folder}, which {error}") from error
    ids = _ids(list(learners))
    found = [_found(ids[name], name, learner, assignment) for name, learner in learners.items()]
    return sorted(_alike(found), key=lambda one: one.learner)


def _ids(names: list[str]) -> dict[str, str]:
    """For each learner's name one that can name a folder, no two the same."""
    ids = {name: name for name in names if folder_name(name) == name}
    for name in sorted(set(names) - set(ids)):
        id, number = folder_name(name), 1
        while id in ids.values():
            number += 1
            id = f"{folder_name(name)}-{number}"
        ids[name] = id
    return ids


def _found(id: str, name: str, learner: Belongings, assignment: str) -> Found:
    choice = choose(learner.pieces, assignment)
    remarks = [*learner.remarks, *choice.remarks]
    if id != name:
        remarks.insert(0, f"{shown(name)} cannot name a folder and is called {id} here")
    if choice.notebook is None:
        return Found(id, assignment, problem=choice.problem, handed_in=learner.handed_in, remarks=tuple(remarks))
    leaf, handed_in = choice.notebook.leaf, choice.notebook.handed_in
    return Found(id, assignment, leaf.path, leaf, choice.beside, handed_in, "", tuple(remarks))


def _alike(found: list[Found]) -> list[Found]:
    """The same, with a remark where systems that ignore capital letters would take two learners for one."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for one in found:
        groups[one.learner.casefold()].append(one.learner)
    told = []
    for one in found:
        others = [id for id in groups[one.learner.casefold()] if id != one.learner]
        remark = f"differs in capital letters alone from {', '.join(others)}"
        told.append(replace(one, remarks=(*one.remarks, remark)) if others else one)
    return told
