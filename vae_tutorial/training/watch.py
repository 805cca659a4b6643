"""Watching a run: curves, progress bar and the guard against a loss that is no longer a number.

Reading a value stalls an accelerator, so all of it happens once every `EVERY` steps, from tensors kept until then.
"""

import sys
import time
from types import TracebackType

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from vae_tutorial.objectives import Terms
from vae_tutorial.training.history import History
from vae_tutorial.training.plan import Plan

EVERY = 50


class TrainingDivergedError(ArithmeticError):
    """The loss or the weights stopped being finite; the model holds the last good weights, `history` the curves."""

    def __init__(self, message: str, history: History):
        super().__init__(message)
        self.history = history

    def __reduce__(self) -> tuple[type, tuple[str, History]]:
        return type(self), (str(self), self.history)  # so that it reaches the parent of the process it arose in


class Watch:
    """Collects the terms of every step; `look` brings the curves up to date and checks them.

    As a context manager it ends the run: Ctrl-C goes no further, the last terms are looked at, the bar is closed.
    """

    def __init__(self, model: nn.Module, plan: Plan, progress: bool):
        self.model, self.plan, self.progress = model, plan, progress
        self.start(torch.zeros(0, len(Terms._fields) + (plan.clip_norm is not None)), seconds=0.0)

    def start(self, curves: Tensor, seconds: float) -> None:
        """Begin behind the steps of `curves` [steps, terms and perhaps a norm], which took so many seconds."""
        self.curves, self.step = [curves], len(curves)
        self.pending: list[Tensor] = []
        self.good = snapshot(self.model)
        self.began = time.perf_counter() - seconds

    def __enter__(self) -> "Watch":
        hidden = {} if self.progress and interactive() else {"disable": True}  # {} leaves the say to TQDM_DISABLE
        self.bar = tqdm(total=self.plan.total * self.plan.batch, unit=" images", unit_scale=True, **hidden)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            if kind is None or issubclass(kind, KeyboardInterrupt):
                self.look()
        finally:
            self.bar.close()
        return kind is not None and issubclass(kind, KeyboardInterrupt)

    @property
    def epoch_is_over(self) -> bool:
        """Whether the last step ended an epoch or the run."""
        return self.step % self.plan.steps_per_epoch == 0 or self.step == self.plan.total

    @property
    def seconds(self) -> float:
        """Time in training, earlier runs of a resumed one included."""
        return time.perf_counter() - self.began

    def add(self, terms: Terms, *norm: Tensor) -> None:
        """Note the terms of one step, and its gradient's norm if known; look at them when enough have come together."""
        self.pending.append(torch.stack([*terms, *norm]).detach())
        self.step += 1
        if len(self.pending) == EVERY:
            self.look()

    def look(self) -> None:
        """Bring the curves up to date. Raises TrainingDivergedError if a pending term, or a weight, is not finite."""
        if not self.pending:
            return
        fresh = torch.stack(self.pending).cpu()
        self.pending = []
        terms = fresh[:, : len(Terms._fields)]
        bad = (~terms.isfinite()).any(1).nonzero()
        if len(bad):
            first = int(bad[0])
            self.curves.append(fresh[:first])
            self._stop(self.step - len(fresh) + first, Terms(*terms[first].tolist()))
        self.curves.append(fresh)
        if not all(torch.isfinite(p).all() for p in self.model.parameters()):
            self._stop(self.step - 1, None)
        self.good = snapshot(self.model)
        self._show(Terms(*terms.mean(0).tolist()))

    def history(self) -> History:
        """The curves up to the last look."""
        loss, reconstruction, kl, regularizer, *norm = torch.cat(self.curves).unbind(1)
        terms = Terms(loss, reconstruction, kl, regularizer)
        return History(terms, self.plan.steps_per_epoch, self.plan.batch, self.seconds, *norm)

    def _show(self, terms: Terms) -> None:
        self.bar.set_postfix_str(
            f"loss {terms.loss:.1f}, reconstruction {terms.reconstruction:.1f}, KL {terms.kl:.1f} nats", refresh=False
        )
        self.bar.update(self.step * self.plan.batch - self.bar.n)

    def _stop(self, step: int, terms: Terms | None) -> None:
        self.model.load_state_dict(self.good)
        raise TrainingDivergedError(
            f"training stopped at step {step}: {diagnosis(terms)} The model holds the weights of at most {EVERY} "
            "steps before.",
            self.history(),
        )


def diagnosis(terms: Terms | None) -> str:
    """Which term is not finite, and why that is likely; None: the terms were finite, the weights are not."""
    if terms is None:
        return (
            "the weights are not finite though the loss was; likely cause: steps too large, lower lr or set clip_norm."
        )
    parts = terms._asdict()
    name = next(n for n in ("kl", "reconstruction", "regularizer", "loss") if not torch.tensor(parts[n]).isfinite())
    causes = {
        "kl": "mu or logvar ran away, or the encoder's weights did; lower lr, set clip_norm or warm the KL up",
        "reconstruction": "logits ran away, or the images hold a value that is no number; lower lr or set clip_norm",
        "regularizer": "too large a weight on a regularizer; lower it, or warm it up",
        "loss": "terms that overflow when added; lower the weights of the regularizers",
    }
    return f"the {name} term is {parts[name]}; likely cause: {causes[name]}."


def snapshot(model: nn.Module) -> dict[str, Tensor]:
    """A copy of every parameter and buffer."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def interactive() -> bool:
    """Whether somebody may be looking: a terminal, or a notebook's kernel."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
