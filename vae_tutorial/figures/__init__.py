"""Pictures of the course: pure functions from tensors to a matplotlib Figure, none of which touches global state."""

from vae_tutorial.figures.axes import COLORS
from vae_tutorial.figures.charts import bars, codes, curves, functions, spread
from vae_tutorial.figures.diagnoses import confusion, gradient_norms, latent_kl
from vae_tutorial.figures.laboratory import loss_laboratory
from vae_tutorial.figures.marks import histogram, pass_rates
from vae_tutorial.figures.pictures import CELL, compare, gallery, manifold
from vae_tutorial.figures.relations import heat, plane

__all__ = [
    "CELL",
    "COLORS",
    "bars",
    "codes",
    "compare",
    "confusion",
    "curves",
    "functions",
    "gallery",
    "gradient_norms",
    "heat",
    "histogram",
    "latent_kl",
    "loss_laboratory",
    "manifold",
    "pass_rates",
    "plane",
    "spread",
]
