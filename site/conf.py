"""Sphinx's settings for the site of the course. scripts/build_site.py lays out the pages and starts Sphinx on them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = html_title = "Variational autoencoders"
extensions = ["myst_nb", "sphinx.ext.githubpages", "live_widgets", "mathematics"]
exclude_patterns = ["parts"]
highlight_language = "none"

# Lessons arrive executed. Widgets of other packages need scripts from elsewhere to be drawn, so none are.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_merge_streams = True
nb_render_image_options = {"alt": "Picture drawn by the code above"}
myst_enable_extensions = ["dollarmath", "amsmath", "attrs_block"]
myst_heading_anchors = 3
myst_update_mathjax = False
html_math_renderer = "mathml"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1565c0",
        "color-brand-content": "#1565c0",
        "color-brand-visited": "#1565c0",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7db4f5",
        "color-brand-content": "#7db4f5",
        "color-brand-visited": "#7db4f5",
    },
}
pygments_style, pygments_dark_style = "a11y-light", "a11y-dark"
html_copy_source = html_show_sourcelink = html_use_index = html_show_copyright = False
# A summary would fetch every page found, and a page holds the weights of its models.
html_show_search_summary = False
