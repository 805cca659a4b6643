"""Widgets on the site: their style sheet and script are files, linked by the pages that have widgets.

In a page's text the search would mark the words that it has found inside them too, and they would no longer work.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from vae_tutorial.widgets import static

# A widget is not text: Sphinx's marks would end up in its charts and rulers. It spares what says that it is a button.
UNMARKED = "for (const widget of document.querySelectorAll('.vx-scene')) widget.matches = () => true;\n"


def write(app: Sphinx) -> None:
    folder = Path(app.outdir, "_static")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "widgets.css").write_text(static.style(), encoding="utf-8")
    (folder / "widgets.js").write_text(static.classic_script() + UNMARKED, encoding="utf-8")


def link(app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    if 'class="vx-scene"' in context.get("body", ""):
        app.add_css_file("widgets.css")
        app.add_js_file("widgets.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write)
    app.connect("html-page-context", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
