"""Things to drag: widgets that show what a trained model has learned, decoded in the browser."""

from vae_tutorial.widgets.explorer import LatentExplorer

__all__ = ["LatentExplorer"]
