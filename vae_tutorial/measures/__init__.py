"""What is measured of a trained model: bounds on the likelihood, and what its latents do."""

from vae_tutorial.measures.bounds import log_likelihood
from vae_tutorial.measures.latents import active_units, code_dataset, kl_per_dimension
from vae_tutorial.measures.samples import sharpness

__all__ = ["active_units", "code_dataset", "kl_per_dimension", "log_likelihood", "sharpness"]
