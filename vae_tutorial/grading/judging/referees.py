"""The processes that judge: one for each key and thread, kept for the next submission."""

import json
import math
import threading
from collections.abc import Mapping
from typing import Any

from vae_tutorial.grading.judging.key import Item, Key
from vae_tutorial.grading.judging.learner import Learner
from vae_tutorial.grading.judging.talking import STARTING, LostError, Talk
from vae_tutorial.grading.sandbox import Limits, choose

BROKEN = "broken"
JUDGING = 180.0  # seconds between two words of a referee
MODULE = "vae_tutorial.grading.judging.referee"
_kept = threading.local()


class Referee:
    """A process with the key's modules loaded."""

    def __init__(self, key: Key, trusted: bool):
        self._key, self._trusted = key, trusted
        self._talk: Talk | None = None

    def judge(self, item: Item, kinds: Mapping[str, str], learner: Learner) -> dict[str, Any]:
        """Points and lines of an item, or what stood against a verdict by the key BROKEN."""
        request = {
            "ours": item.ours,
            "source": item.source,
            "hidden_lines": sorted(item.hidden_lines),
            "functions": [name for name, kind in kinds.items() if kind == "function"],
            "values": [name for name, kind in kinds.items() if kind != "function"],
            "most": item.most,
        }
        try:
            return self._conversation(json.dumps(request).encode(), learner)
        except LostError as error:
            self.stop()
            return {BROKEN: f"the checks did not come to an end, {error}"}
        except BaseException:
            self.stop()  # its fork still waits for an answer, and would take the next item for it
            raise

    def _conversation(self, request: bytes, learner: Learner) -> dict[str, Any]:
        talk = self._started()
        result: dict[str, Any] = {BROKEN: "the checks did not come to an end"}
        kind, payload = talk.ask("judge", request, JUDGING)
        while kind != "judged":
            if kind == "mark":
                result = json.loads(payload)
                kind, payload = talk.read(JUDGING)
            else:
                talk.send(*learner.ask(kind, payload), JUDGING)
                kind, payload = talk.read(JUDGING)
        return result

    def _started(self) -> Talk:
        if self._talk is not None and self._talk.over:  # ended since the last item, for no fault of this one's
            self.stop()
        if self._talk is None:
            self._talk = Talk(choose(self._trusted), MODULE, {}, Limits(wall=math.inf, cpu=10**6))
            self._talk.ask("preload", json.dumps(self._key.preload).encode(), STARTING)
        return self._talk

    def stop(self) -> None:
        if self._talk is not None:
            self._talk.stop()
            self._talk = None


def referee(key: Key, trusted: bool) -> Referee:
    """This thread's referee of a key."""
    if getattr(_kept, "of", None) != (key.assignment, key.preload, trusted):
        _kept.of, _kept.referee = (key.assignment, key.preload, trusted), Referee(key, trusted)
    return _kept.referee
