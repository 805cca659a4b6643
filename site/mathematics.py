"""Equations as MathML, which browsers draw by themselves: nothing is loaded from elsewhere and no script runs.

What browsers lack is a good font. The STIX Two Math font that comes with ziamath is cut down to the letters in use.
"""

import logging
import re
from pathlib import Path

import ziamath
from docutils import nodes
from fontTools import subset
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger
from sphinx.writers.html5 import HTML5Translator

FONT = Path(ziamath.__file__).with_name("fonts") / "STIXTwoMath-Regular.ttf"
EQUATION = re.compile(r"<math\b.*?</math>", re.DOTALL)
SLANTED = {*range(0x1D434, 0x1D468), 0x210E, *range(0x1D6E2, 0x1D71C)}  # a browser slants a lone letter by itself
FORMS = ["ssty", "dtls", "flac"]  # what MathML asks of a font: small scripts, dotless letters, flat accents
CONVERTER = LatexToMathML(fancy_error=False)
logger = getLogger(__name__)
logging.getLogger("fontTools").setLevel(logging.WARNING)  # Sphinx would show what it says of every letter


def mathml(node: nodes.math | nodes.math_block, *, display: bool) -> str:
    """The equation of a node; one that cannot be read is a warning that names its place."""
    try:
        return CONVERTER.convert_with_local_state(node.astext(), displaystyle=display)
    except LatexError as error:
        logger.warning("equation %r: %s", node.astext(), error, location=node)
        return ""


def inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(mathml(node, display=False))
    raise nodes.SkipNode


def block(writer: HTML5Translator, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="equation">{mathml(node, display=True)}</div>\n')
    raise nodes.SkipNode


def cut_font(app: Sphinx, exception: Exception | None) -> None:
    """Write the font for the equations of all pages."""
    if exception or app.builder.format != "html":
        return
    pages = (page.read_text(encoding="utf-8") for page in Path(app.outdir).rglob("*.html"))
    letters = {ord(letter) for page in pages for equation in EQUATION.findall(page) for letter in equation}
    options = subset.Options(flavor="woff2", layout_features=FORMS, name_IDs=["*"])
    font = subset.load_font(str(FONT), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=letters | SLANTED)
    cutter.subset(font)
    subset.save_font(font, str(Path(app.outdir, "_static", "mathematics.woff2")), options)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("build-finished", cut_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
