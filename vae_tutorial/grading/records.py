"""What grading hands from step to step: plain data that goes into JSON and comes back equal."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

NO_VERDICT = "no verdict"  # begins the reason of what could not be judged, for a cause that may lie with us


@dataclass(frozen=True)
class Line:
    """What one check says. hidden: it stands in the key alone."""

    good: bool
    text: str
    hidden: bool = False


@dataclass(frozen=True)
class Mark:
    """What is known of one item of one submission.

    points: between 0 and `most`, or None where somebody has to mark it. reason: why there is no verdict, or why there
    are no points though no check speaks; "" where `lines` say it all. answer: the text of an item marked by hand.
    """

    id: str
    title: str
    most: float
    by_hand: bool = False
    points: float | None = None
    lines: tuple[Line, ...] = ()
    reason: str = ""
    answer: str = ""

    @property
    def needs_marking(self) -> bool:
        return self.points is None


@dataclass(frozen=True)
class Verdict:
    """What is known of one submission.

    submission, key: SHA-256 of what was judged and of what judged it. handed_in, graded: ISO 8601 with the zone;
    handed_in is "" where nobody knows. late: seconds behind the deadline. remarks: sentences on what was odd in the
    file, for who marks. weights: for each trained model that was judged, what tells whether two are copies.
    """

    learner: str
    assignment: str
    submission: str
    key: str
    marks: tuple[Mark, ...]
    remarks: tuple[str, ...] = ()
    handed_in: str = ""
    late: float = 0.0
    graded: str = ""
    seconds: float = 0.0
    weights: Mapping[str, Any] = field(default_factory=dict)

    @property
    def points(self) -> float:
        """The sum of what has been decided."""
        return sum(mark.points for mark in self.marks if mark.points is not None)

    @property
    def settled(self) -> bool:
        """Whether another try would tell nothing new: nothing stood against judging any item."""
        return not any(mark.reason.startswith(NO_VERDICT) for mark in self.marks)

    @property
    def most(self) -> float:
        return sum(mark.most for mark in self.marks)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Verdict":
        """Raises ValueError for a text that is not a verdict's."""
        try:
            data = json.loads(text)
            marks = [Mark(**mark | {"lines": tuple(Line(**line) for line in mark["lines"])}) for mark in data["marks"]]
            return cls(**data | {"marks": tuple(marks), "remarks": tuple(data["remarks"])})
        except (TypeError, KeyError, json.JSONDecodeError) as error:
            raise ValueError(f"text must be the JSON of a verdict, got {text[:60]!r}") from error


@dataclass(frozen=True)
class Submission:
    """What a learner handed in: the notebook's bytes, and those of the files beside it by their names.

    problem: a sentence, where there is nothing that could be judged. remarks: sentences on what was odd.
    """

    learner: str
    assignment: str
    notebook: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)
    handed_in: str = ""
    problem: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Of all that is judged: another learner's same files have the same."""
        digest = hashlib.sha256()
        for name, content in [("", self.notebook), *sorted(self.files.items()), ("problem", self.problem.encode())]:
            digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(content).digest())
        return digest.hexdigest()
