"""What a training run leaves behind: its curves."""

from dataclasses import dataclass

from torch import Tensor

from vae_tutorial.objectives import Terms


@dataclass(frozen=True)
class History:
    """Curves of one run: `terms` holds a [steps] tensor each, in nats per image of the batch of that step.

    `gradient_norm` [steps] is the norm of the loss's gradient over all parameters, before clipping, where `fit` was
    given a clip_norm; else None. `seconds` is the wall time spent training, over all runs of a resumed one.
    """

    terms: Terms
    steps_per_epoch: int
    batch_size: int
    seconds: float
    gradient_norm: Tensor | None = None

    def __len__(self) -> int:
        return len(self.terms.loss)

    @property
    def images_per_second(self) -> float:
        """How many training images were seen in a second."""
        return len(self) * self.batch_size / max(self.seconds, 1e-9)

    def per_epoch(self) -> Terms:
        """Means over each epoch, a tensor [epochs] each; a last epoch cut short counts as one."""
        return Terms(*(self._means(curve) for curve in self.terms))

    def _means(self, curve: Tensor) -> Tensor:
        chunks = curve.split(self.steps_per_epoch)
        return curve.new_tensor([chunk.mean() for chunk in chunks if len(chunk)])

    def __repr__(self) -> str:
        if not len(self):
            return "History(no steps)"
        last = Terms(*(curve[-1] for curve in self.per_epoch()))
        return (
            f"History({len(self):,} steps in {self.seconds:.1f} s, {self.images_per_second:,.0f} images/s; last epoch: "
            f"loss {last.loss:.2f}, reconstruction {last.reconstruction:.2f}, KL {last.kl:.2f} nats)"
        )
