"""An exercise, as the first cell of its notebook names it."""

import hashlib
from dataclasses import dataclass, field
from types import SimpleNamespace

from vae_tutorial.arguments import check_choice, check_whole
from vae_tutorial.course.hints import Hint
from vae_tutorial.course.reading import read


@dataclass(frozen=True)
class Exercise:
    """One exercise in the variant of one learner.

    lesson: such as "01_autoencoder_to_vae". learner: any text that tells learners apart; "" is the variant in
    `exercises/`. The same text gives the same variant everywhere and always. Raises ValueError for an unknown lesson.
    """

    lesson: str
    learner: str = ""
    variant: SimpleNamespace = field(init=False, repr=False)

    def __post_init__(self) -> None:
        options = read(self.lesson).get("variant", {})
        chosen = {name: values[self._draw(name) % len(values)] for name, values in options.items()}
        object.__setattr__(self, "variant", SimpleNamespace(seed=self._draw("seed") % 10_000, **chosen))

    def hint(self, item: str, step: int = 1) -> Hint:
        """The first `step` hints for an item: to be shown in the notebook, which thereby keeps what was opened.

        Raises ValueError for an item without hints or for more steps than it has, naming what there is.
        """
        hints = read(self.lesson).get("hints", {})
        check_choice(item, hints, name="item")
        if check_whole(step, name="step") > len(hints[item]):
            raise ValueError(f"step must be a whole number from 1 to {len(hints[item])} for {item!r}, got {step}")
        return Hint(self.lesson, item, tuple(hints[item][:step]), of=len(hints[item]))

    def _draw(self, name: str) -> int:
        """A whole number that depends on nothing but the learner, the lesson and `name`; 0 for no learner."""
        text = f"{self.lesson}/{name}/{self.learner}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) if self.learner else 0
