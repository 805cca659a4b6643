"""Things to drag: widgets that show what a trained model has learned, decoded in the browser."""

from vae_tutorial.widgets.explorer import LatentExplorer
from vae_tutorial.widgets.laboratory import loss_laboratory

__all__ = ["LatentExplorer", "loss_laboratory"]
