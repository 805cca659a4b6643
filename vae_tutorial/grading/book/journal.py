"""The journal of a grading: every verdict there was, one JSON line each, in a file that only grows."""

from pathlib import Path

from vae_tutorial.grading.records import Verdict
from vae_tutorial.lines import Lines

START = b'{"learner": "'


class Journal(Lines):
    """A journal opened by one grading alone; as a context manager it holds the file's lock.

    Verdicts of older keys and older submissions stay in it. Raises ValueError, with nothing written, for a file in no
    folder, one with a line that is no verdict, and one to which another grading is writing.
    """

    def __init__(self, path: str | Path):
        super().__init__(path, name="journal", writer="grading")

    def append(self, verdict: Verdict) -> None:
        """Write a verdict, down to the disk. Raises OSError, with nothing added, for a full disk."""
        # Half of a surrogate pair, which no file can hold, is written as JSON's escape of it.
        self._write(verdict.to_json().encode(errors="backslashreplace") + b"\n")
        self._verdicts.append(verdict)

    def verdicts(self) -> list[Verdict]:
        """All verdicts, in the order in which they were written."""
        return list(self._verdicts)

    def latest(self) -> dict[str, Verdict]:
        """The last verdict on each learner."""
        return {verdict.learner: verdict for verdict in self._verdicts}

    def holds(self, learner: str, submission_sha: str, key_sha: str) -> Verdict | None:
        """The last verdict on a learner, where it is of this submission by this key; None where there is more to do."""
        verdict = self.latest().get(learner)
        known = verdict is not None and (verdict.submission, verdict.key) == (submission_sha, key_sha)
        return verdict if known else None

    def _take(self, whole: bytes, rest: bytes) -> None:
        if not START.startswith(rest[: len(START)]):
            raise self._refusal(whole.count(b"\n") + 1, "it is no verdict, and has no end")
        self._verdicts = [self._verdict(number, line) for number, line in enumerate(whole.split(b"\n")[:-1], 1)]

    def _verdict(self, number: int, line: bytes) -> Verdict:
        try:
            return Verdict.from_json(line.decode())
        except ValueError as error:
            raise self._refusal(number, str(error)) from error

    def _refusal(self, number: int, reason: str) -> ValueError:
        return ValueError(f"journal must hold a verdict in each line, got {self.path}, line {number}: {reason}")
