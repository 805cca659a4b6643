"""What is measured of a trained model: bounds on the likelihood, what its latents and hidden units do, its samples."""

from vae_tutorial.measures.aggregate import prior_test
from vae_tutorial.measures.bounds import log_likelihood
from vae_tutorial.measures.classifier import Classifier, label_confusion
from vae_tutorial.measures.disentanglement import disentanglement, reference_codes
from vae_tutorial.measures.features import PrecisionRecall, frechet_distance, image_features, precision_recall
from vae_tutorial.measures.latents import active_units, code_dataset, kl_per_dimension
from vae_tutorial.measures.mutual_information import mig, modularity, mutual_information
from vae_tutorial.measures.predictors import dci, sap
from vae_tutorial.measures.probes import probe_accuracy
from vae_tutorial.measures.samples import sharpness
from vae_tutorial.measures.total_correlation import gaussian_total_correlation, shuffle_codes
from vae_tutorial.measures.units import dead_units
from vae_tutorial.measures.votes import beta_vae_score, factor_vae_score

__all__ = [
    "Classifier",
    "PrecisionRecall",
    "active_units",
    "beta_vae_score",
    "code_dataset",
    "dci",
    "dead_units",
    "disentanglement",
    "factor_vae_score",
    "frechet_distance",
    "gaussian_total_correlation",
    "image_features",
    "kl_per_dimension",
    "label_confusion",
    "log_likelihood",
    "mig",
    "modularity",
    "mutual_information",
    "precision_recall",
    "prior_test",
    "probe_accuracy",
    "reference_codes",
    "sap",
    "sharpness",
    "shuffle_codes",
]
