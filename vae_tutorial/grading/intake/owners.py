"""All files of a class, learner by learner."""

import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

from vae_tutorial.course.reading import LESSONS
from vae_tutorial.grading.intake.archives import files_of, members_of
from vae_tutorial.grading.intake.choosing import NOTEBOOK, Piece, is_notebook
from vae_tutorial.grading.intake.leaf import Leaf, UnreadableError
from vae_tutorial.grading.intake.lms import Owner, by_stem, by_system
from vae_tutorial.grading.intake.stamps import STAMP, read_stamp

OTHER_ARCHIVES = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")  # told, not read


@dataclass
class Belongings:
    """All that one learner handed in. handed_in: by nbgrader's stamp, ISO 8601 in UTC, or ""."""

    pieces: list[Piece] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    handed_in: str = ""

    def remark(self, sentence: str) -> None:
        """Tell something, once."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)


def of_class(folder: Path, assignment: str) -> dict[str, Belongings]:
    """What is in a folder, or in an archive in place of one, by the learners' names as they stand there.

    Raises UnreadableError.
    """
    path = folder.resolve()  # a link that somebody names is meant
    leaves = _unwrapped(_leaves(path), assignment, path.is_file())
    owners = [(owner, leaf) for leaf in leaves if (owner := _owner(leaf, assignment, path.stem))]
    people = Counter(name for name, _ in {(owner.name, owner.number) for owner, _ in owners})
    nested = any(not owner.system and leaf.parts[1:2] == (assignment,) for owner, leaf in owners)
    learners: defaultdict[str, Belongings] = defaultdict(Belongings)
    for owner, leaf in owners:
        name = f"{owner.name}_{owner.number}" if people[owner.name] > 1 and owner.number else owner.name
        learner = learners[unicodedata.normalize("NFC", name)]
        if name != owner.name:
            learner.remark(f"{people[owner.name]} have this name; the number is Moodle's for this assignment alone")
        if owner.late:
            learner.remark("Canvas calls it late")
        _add(learner, owner, leaf, assignment, nested)
    for learner in learners.values():
        learner.pieces = [_stamped(piece, assignment, learner.handed_in) for piece in learner.pieces]
    return dict(learners)


def _leaves(path: Path) -> list[Leaf]:
    """All files. Where all that lies in a folder are a system's archives of a class, what they hold.

    All of it, because a learner's own archive must not name other learners.
    """
    if not path.is_dir():
        return members_of(Leaf((path.name,), path))
    leaves = files_of(path)
    inside = [_unpacked(leaf) for leaf in leaves if leaf.suffix == ".zip" and len(leaf.parts) == 1]
    others = [leaf for leaf in leaves if leaf.folder or is_notebook(leaf.name)]
    members = [member for archive in inside for member in archive]
    return members if members and not others and all(by_system(member.parts[0]) for member in members) else leaves


def _unpacked(leaf: Leaf) -> list[Leaf]:
    """The members of an archive, or the leaf itself where it is none; with its problem where it cannot be read."""
    if leaf.suffix != ".zip" or leaf.problem or leaf.folder:
        return [leaf]
    try:
        return members_of(leaf)
    except UnreadableError as error:
        return [replace(leaf, problem=str(error))]


def _unwrapped(leaves: list[Leaf], assignment: str, archive: bool) -> list[Leaf]:
    """The leaves without a folder that holds all of a class: programs that pack or unpack like to add one."""
    below = [leaf for leaf in leaves if len(leaf.parts) > 1]
    if len({leaf.parts[0] for leaf in leaves}) != 1 or not below or by_system(leaves[0].parts[0]):
        return leaves
    names = {leaf.parts[1] for leaf in below}
    whole = any(map(by_system, names)) or any(leaf.parts[2:3] == (assignment,) for leaf in below)
    if not whole and not {assignment, f"{assignment}.ipynb"} & names:
        handed_in = [leaf.parts for leaf in below if is_notebook(leaf.name) or leaf.suffix == ".zip"]
        direct = [parts for parts in handed_in if len(parts) == 2]
        folders = {parts[1] for parts in handed_in if len(parts) > 2}
        whole = (len(folders) > 1 and not direct) or (archive and len(direct) > 1)
    return [replace(leaf, parts=leaf.parts[1:]) for leaf in below] if whole else leaves


def _owner(leaf: Leaf, assignment: str, title: str) -> Owner | None:
    """None for a file that is none of a learner's. title: of the whole, where the file's name tells no learner."""
    top = leaf.parts[0]
    owner = by_system(top)
    if owner and (owner.system == "Moodle" or len(leaf.parts) == 1):
        return owner
    if len(leaf.parts) > 1 or (leaf.folder and not is_notebook(top)):
        return Owner(top)
    handed_in = is_notebook(top) or leaf.suffix in (".zip", *OTHER_ARCHIVES)
    if not handed_in and not leaf.problem and not _names(top, assignment):
        return None
    stem = NOTEBOOK.sub("", top) if is_notebook(top) else top if leaf.problem else top.removesuffix(leaf.suffix)
    return by_stem(stem, (assignment, *LESSONS)) or Owner(title)


def _names(file: str, assignment: str) -> bool:
    """Whether a file that is no notebook has the assignment in its name: somebody's wrong file, not the class's."""
    return assignment.casefold() in file.casefold()


def _add(learner: Belongings, owner: Owner, leaf: Leaf, assignment: str, nested: bool) -> None:
    """nested: each assignment has a folder of its own in the learner's, with nbgrader's stamp."""
    named = len(leaf.parts) == 1 and not owner.system
    below = (owner.file,) if owner.file else leaf.parts if len(leaf.parts) == 1 else leaf.parts[1:]
    if owner.typed or (leaf.folder and len(leaf.parts) == 1 and not is_notebook(leaf.name) and not leaf.problem):
        return
    if nested and not owner.system and len(below) > 1 and below[0] != assignment:
        return
    if nested and below == (assignment, STAMP):
        learner.handed_in, remark = read_stamp(leaf)
        if remark:
            learner.remark(remark)
        return
    for piece in _unpacked(replace(leaf, parts=below)):
        learner.pieces.append(Piece(piece, order=owner.order, named=named and piece.parts == below))


def _stamped(piece: Piece, assignment: str, handed_in: str) -> Piece:
    return replace(piece, handed_in=handed_in) if piece.leaf.parts[0] == assignment else piece
