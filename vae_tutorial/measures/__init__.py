"""What is measured of a trained model: bounds on the likelihood, what its latents and hidden units do, its samples."""

from vae_tutorial.measures.aggregate import prior_test
from vae_tutorial.measures.bounds import log_likelihood
from vae_tutorial.measures.classifier import Classifier, label_confusion
from vae_tutorial.measures.latents import active_units, code_dataset, kl_per_dimension
from vae_tutorial.measures.mutual_information import mig, modularity, mutual_information
from vae_tutorial.measures.predictors import dci, sap
from vae_tutorial.measures.probes import probe_accuracy
from vae_tutorial.measures.samples import sharpness
from vae_tutorial.measures.units import dead_units
from vae_tutorial.measures.votes import beta_vae_score, factor_vae_score

__all__ = [
    "Classifier",
    "active_units",
    "beta_vae_score",
    "code_dataset",
    "dci",
    "dead_units",
    "factor_vae_score",
    "kl_per_dimension",
    "label_confusion",
    "log_likelihood",
    "mig",
    "modularity",
    "mutual_information",
    "prior_test",
    "probe_accuracy",
    "sap",
    "sharpness",
]
