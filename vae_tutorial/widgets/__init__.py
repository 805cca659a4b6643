"""Things to drag: widgets that show what a trained model has learned, decoded in the browser."""

from vae_tutorial.widgets.compare import Compare
from vae_tutorial.widgets.covariance import CovarianceDial
from vae_tutorial.widgets.dial import BetaDial
from vae_tutorial.widgets.draw import DrawDigit
from vae_tutorial.widgets.explorer import LatentExplorer
from vae_tutorial.widgets.labs import KernelLab, LossLab
from vae_tutorial.widgets.manifold import ManifoldPad
from vae_tutorial.widgets.quiz import Quiz
from vae_tutorial.widgets.runs import RunDial

__all__ = [
    "BetaDial",
    "Compare",
    "CovarianceDial",
    "DrawDigit",
    "KernelLab",
    "LatentExplorer",
    "LossLab",
    "ManifoldPad",
    "Quiz",
    "RunDial",
]
