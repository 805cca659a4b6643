"""For nbconvert: web pages of a notebook in which the widgets run without a kernel.

jupyter nbconvert --to html --execute \\
    --HTMLExporter.preprocessors='["vae_tutorial.widgets.nbconvert.LiveWidgets"]' lesson.ipynb
"""

from typing import Any

from nbconvert.preprocessors import Preprocessor

from vae_tutorial.widgets.static import enliven


class LiveWidgets(Preprocessor):
    """`static.enliven` as a step of nbconvert, behind the one that executes the notebook."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Called by nbconvert."""
        return enliven(nb), resources
