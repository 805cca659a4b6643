"""Hints that open step by step, and stay in the notebook as they were opened."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

LOG = "application/vnd.vae-tutorial.hint+json"  # read by who marks; JupyterLab shows the text beside it


@dataclass(frozen=True)
class Hint:
    """The hints for one item that have been opened so far, `of` how many."""

    lesson: str
    item: str
    steps: tuple[str, ...]
    of: int

    def __str__(self) -> str:
        return "\n".join(f"Hint {i} of {self.of}: {text}" for i, text in enumerate(self.steps, start=1))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        opened = datetime.now(UTC).isoformat(timespec="seconds")
        return {
            "text/plain": str(self),
            "text/markdown": "\n".join(f"- **Hint {i} of {self.of}.** {t}" for i, t in enumerate(self.steps, start=1)),
            LOG: {"lesson": self.lesson, "item": self.item, "steps": len(self.steps), "opened": opened},
        }
