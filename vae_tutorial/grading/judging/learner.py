"""A learner's code in a sandbox, as marking sees it: what it answers, and what it does not."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from vae_tutorial.grading.judging.key import Item
from vae_tutorial.grading.judging.sheet import Step
from vae_tutorial.grading.judging.talking import STARTING, LostError, Talk
from vae_tutorial.grading.sandbox import Limits, Sandbox
from vae_tutorial.grading.words import plain

STEP, CALL, GRACE = 60.0, 20.0, 5.0  # seconds for a cell, for an answer, and for code that ignores being interrupted
MOST_SAID = 65_536  # bytes of an answer that is no value
NO_ANSWER = "it sent what is no answer"
ALL = 300.0  # seconds for everything of one submission
STARTS = 8  # of the process, after each of which the cells are run again


class Process:
    """A process with a learner's cells, started when it is needed and again when it was lost.

    ends: when all time is over, by time.monotonic. troubles: what stopped each cell that did not run to its end, by the
    cell's label.
    """

    def __init__(
        self, sandbox: Sandbox, steps: Sequence[Step], files: Mapping[str, bytes], limits: Limits, ends: float
    ):
        self._sandbox, self._files, self._limits, self._ends = sandbox, files, limits, ends
        self._steps = list(steps)
        self._talk: Talk | None = None
        self._starts, self._why = 0, ""
        self._glue, self._glued = "", False
        self._stuck: dict[str, str] = {}
        self.troubles: dict[str, str] = {}

    def begin(self, glue: Sequence[str]) -> None:
        """Turn to an item, whose given code will be run before the first question."""
        self._glue, self._glued = "\n".join(glue), not glue
        self._stuck.clear()

    def run_glue(self) -> str:
        """Run the given code where that was not done yet; what stopped it, or "". Raises LostError."""
        if self._glued:
            return ""
        request = json.dumps({"source": self._glue, "seconds": STEP}).encode()
        answer = self._asked("step", request, STEP + GRACE, ("stepped",))[1]
        self._glued = True
        return _words(answer)

    def kinds(self, names: Sequence[str]) -> dict[str, str]:
        """What stands behind each name: "function", "value" or "nothing". Raises LostError."""
        _, payload = self._asked("kinds", json.dumps(names).encode(), CALL, ("kinds",))
        try:
            told = json.loads(payload)
            return {name: str(told[name]) for name in names}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise LostError(NO_ANSWER) from error

    def ask(self, kind: str, payload: bytes) -> tuple[str, bytes]:
        """The answer to a frame of the referee's, "value" or "raised"; what is wrong with the process is raised too.

        A name behind which the process was lost, or the time was over, is not asked again for the same item: the others
        need their share of the time and of the starts.
        """
        head, newline, rest = payload.partition(b"\n")
        request, began = json.loads(head), time.monotonic()
        timed = json.dumps(request | {"seconds": CALL}).encode() + newline + rest
        why = self._stuck.get(request["name"], "")
        if not why:
            try:
                self.run_glue()
                answer = self._asked(kind, timed, CALL + GRACE, ("value", "raised"))
                if time.monotonic() - began >= CALL:
                    self._stuck[request["name"]] = f"it took longer than {CALL:g} s"
                return answer
            except LostError as error:
                why = self._stuck[request["name"]] = str(error)
        late = "longer" in why or "used up" in why
        return "raised", json.dumps({"type": "TimeoutError" if late else "RuntimeError", "text": why}).encode()

    def stop(self) -> None:
        if self._talk is not None:
            self._talk.stop()
            self._talk, self._glued = None, not self._glue

    def _asked(self, kind: str, payload: bytes, seconds: float, answers: Sequence[str]) -> tuple[str, bytes]:
        """One answer of the kinds that there are. Raises LostError, and ends the process, for anything else: what is
        still to come from it would be taken for the answer to another question.
        """
        try:
            answer = self._started().ask(kind, payload, seconds)
            if answer[0] not in answers or (answer[0] != "value" and len(answer[1]) > MOST_SAID):
                raise LostError(NO_ANSWER)  # long ones are not even read: that would cost this process its memory
        except LostError as error:
            if self._talk is not None:
                self._why = str(error)
                self.stop()
            raise
        return answer

    def _started(self) -> Talk:
        """The process, its cells run. Raises LostError where it cannot be had any more."""
        while self._talk is None:
            rest = self._ends - time.monotonic()
            if rest <= 0:
                raise LostError(f"the {ALL:g} s for all of the notebook are used up")
            if self._starts == STARTS:
                raise LostError(f"its process was lost {STARTS} times, {self._why}")
            self._starts += 1
            self._talk = Talk(
                self._sandbox, "vae_tutorial.grading.judging.runner", self._files, replace(self._limits, wall=rest)
            )
            self._begin(self._talk)
        return self._talk

    def _begin(self, talk: Talk) -> None:
        """Run the cells; one that takes the process with it is left out from now on."""
        running = None
        try:
            talk.read(STARTING)
            for running in self._steps:
                request = json.dumps({"source": running.source, "seconds": STEP}).encode()
                kind, answer = talk.ask("step", request, STEP + GRACE)
                if kind != "stepped" or len(answer) > MOST_SAID:
                    raise LostError(NO_ANSWER)
                if problem := _words(answer):
                    self.troubles[running.label] = problem
        except LostError as error:
            self.stop()
            self._why = str(error)
            if running is None:
                raise
            self.troubles[running.label] = str(error)
            self._steps = [step for step in self._steps if step is not running]


class Learner:
    """The processes of one submission: one for what visible checks ask, and one for hidden ones.

    Were there one, a function could remember what a hidden check sends in, and tell it through the next visible one.
    """

    def __init__(self, sandbox: Sandbox, steps: Sequence[Step], files: Mapping[str, bytes], limits: Limits):
        ends = time.monotonic() + ALL
        self._seen, self._unseen = (Process(sandbox, steps, files, limits, ends) for _ in range(2))

    @property
    def troubles(self) -> Mapping[str, str]:
        """What stopped each cell that did not run to its end, by the cell's label."""
        return self._seen.troubles

    def begin(self, item: Item) -> tuple[str, dict[str, str]]:
        """Turn to an item: what stopped its given code, or "", and what stands behind each of its names.

        Raises LostError.
        """
        for process in (self._seen, self._unseen):
            process.begin(item.glue)
        return self._seen.run_glue(), self._seen.kinds(item.theirs)

    def ask(self, kind: str, payload: bytes) -> tuple[str, bytes]:
        """The answer to a frame of the referee's."""
        return self._unseen.ask("call", payload) if kind == "hidden" else self._seen.ask(kind, payload)

    def stop(self) -> None:
        self._seen.stop()
        self._unseen.stop()


def _words(answer: bytes) -> str:
    try:
        return plain(" ".join(str(json.loads(answer)).split())[:200])
    except (ValueError, RecursionError):
        return ""
