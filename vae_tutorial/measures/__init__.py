"""What is measured of a trained model: bounds on the likelihood, what its latents and hidden units do, its samples."""

from vae_tutorial.measures.bounds import log_likelihood
from vae_tutorial.measures.classifier import Classifier, label_confusion
from vae_tutorial.measures.latents import active_units, code_dataset, kl_per_dimension
from vae_tutorial.measures.probes import probe_accuracy
from vae_tutorial.measures.samples import sharpness
from vae_tutorial.measures.units import dead_units

__all__ = [
    "Classifier",
    "active_units",
    "code_dataset",
    "dead_units",
    "kl_per_dimension",
    "label_confusion",
    "log_likelihood",
    "probe_accuracy",
    "sharpness",
]
