"""Training and evaluation: one loop for every objective of the course."""

from vae_tutorial.training.checkpoint import CheckpointError
from vae_tutorial.training.history import History
from vae_tutorial.training.loop import evaluate, fit, generalization_gap
from vae_tutorial.training.watch import TrainingDivergedError

__all__ = ["CheckpointError", "History", "TrainingDivergedError", "evaluate", "fit", "generalization_gap"]
