"""Whose a file is, by its name: Moodle's, Canvas's or a plain one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# mod/assign/classes/downloader.php: NAME_NUMBER_assignsubmission_PLUGIN is a folder, or in front of a file's name. Old
# versions end the folder's name with another "_"; a group without a number is the default one; NAME has no "_".
MOODLE = re.compile(r"(?P<name>.+?)(?:_(?P<number>\d+))?_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?")
# lib/content_zipper.rb: NAME_USER_ATTACHMENT_FILE, with LATE_ before USER, and anon_ID for an anonymous NAME_USER. FILE
# has "-1" before its suffix where an earlier one of the learner has its name. An ATTACHMENT of two digits is a date's.
CANVAS = re.compile(r"(?P<who>.+?_\d+|(?:LATE_)?anon_[^_]+)_(?P<attachment>[1-9]\d{2,})_(?P<file>.+)")
COPY = re.compile(r" \(\d+\)$")  # a browser's, of a file that was there


@dataclass(frozen=True)
class Owner:
    """Whose a file is. name: never empty. number: tells people of one name apart, Moodle's for this assignment alone.

    file: its name without what the system put before it, "" for a folder. order: grows with the time of handing in.
    typed: it is text that was typed into a form, no file of the learner's.
    """

    name: str
    number: str = ""
    file: str = ""
    order: int = 0
    late: bool = False
    typed: bool = False
    system: str = ""


def by_system(name: str) -> Owner | None:
    """The owner that Moodle or Canvas has written into a name at the top of its archive."""
    if found := MOODLE.fullmatch(name):
        typed = found["plugin"] != "file"
        return Owner(found["name"], found["number"] or "", found["file"] or "", typed=typed, system="Moodle")
    if found := CANVAS.fullmatch(name):
        who = found["who"].split("_")
        late = "LATE" in who
        name = "_".join(part for part in who if part != "LATE")  # with USER, which is the learner's in all assignments
        return Owner(name, "", found["file"], int(found["attachment"]), late, system="Canvas")
    return None


def by_stem(stem: str, assignments: Sequence[str]) -> Owner | None:
    """The owner in a plain file name without its suffix: LEARNER, LEARNER_ASSIGNMENT or ASSIGNMENT_LEARNER.

    None where it is an assignment's alone.
    """
    stem = COPY.sub("", stem)
    for assignment in assignments:
        if stem.casefold() == assignment.casefold():
            return None
        if found := re.fullmatch(rf"(.+?)(?:_attempt_.*)?[_ .-]{re.escape(assignment)}", stem, re.IGNORECASE):
            return Owner(found[1])
        if found := re.fullmatch(rf"{re.escape(assignment)}_(.+)", stem, re.IGNORECASE):
            return Owner(found[1])
    return Owner(stem)


def folder_name(name: str) -> str:
    """The nearest text to `name` that vae_tutorial.course.assign.check_learner accepts, of at most 100 characters."""
    usable = "".join("_" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in name)
    return usable.strip(" .")[:100].strip(" .") or "_"
