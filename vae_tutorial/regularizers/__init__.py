"""What a method charges beside the reconstruction: each regularizer maps (q, z, step) to one number, in nats.

A new idea is one frozen dataclass here; `Objective` adds it up and `fit` trains with it, unchanged.
"""

from vae_tutorial.regularizers.base import Regularizer
from vae_tutorial.regularizers.covariance import DIP, code_covariance
from vae_tutorial.regularizers.divergence import KL, Capacity
from vae_tutorial.regularizers.mmd import MMD, Kernel, imq, mmd2, rbf
from vae_tutorial.regularizers.total_correlation import TotalCorrelation, decompose_kl

__all__ = [
    "DIP",
    "KL",
    "MMD",
    "Capacity",
    "Kernel",
    "Regularizer",
    "TotalCorrelation",
    "code_covariance",
    "decompose_kl",
    "imq",
    "mmd2",
    "rbf",
]
