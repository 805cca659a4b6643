"""Training and evaluation: one loop for every objective of the course, and one for the method with two optimisers."""

from vae_tutorial.training.adversarial import critic, fit_wae_gan
from vae_tutorial.training.checkpoint import CheckpointError
from vae_tutorial.training.history import History
from vae_tutorial.training.loop import evaluate, fit, generalization_gap
from vae_tutorial.training.watch import TrainingDivergedError

__all__ = [
    "CheckpointError",
    "History",
    "TrainingDivergedError",
    "critic",
    "evaluate",
    "fit",
    "fit_wae_gan",
    "generalization_gap",
]
