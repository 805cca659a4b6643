"""Widgets without a kernel: a page of its own, or part of another page. Nothing in them asks the network."""

import base64
import copy
import functools
import html
import json
import operator
import re
from typing import Any

from vae_tutorial.widgets import assets
from vae_tutorial.widgets.models import Json

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"

EXPORT = re.compile(r"^export (default .*\n)?", re.MULTILINE)

START = "for (const element of document.querySelectorAll('.vx-scene')) start(element);"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 1000px; margin: 24px auto; padding: 0 12px; font-family: system-ui, sans-serif;
  background: light-dark(#f6f7f8, #121314); }}
h1 {{ font-size: 20px; font-weight: 600; color: light-dark(#202124, #e8eaed); }}
{style}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{fragment}
</main>
<script type="module">{script}</script>
</body>
</html>
"""


def page(scene: Json, title: str) -> str:
    """A whole HTML page with one widget in it. Raises TypeError as `fragment`."""
    return PAGE.format(title=html.escape(title), style=style(), fragment=fragment(scene), script=script())


def fragment(scene: Json) -> str:
    """A widget as part of a page that also has `script` and `style`, once.

    Raises TypeError where a decoder needs the kernel, which the page would not have, and ValueError for numbers that
    are not finite.
    """
    if needs := _decoder_in_the_kernel(scene):
        raise TypeError(f"a page without a kernel cannot decode this model: {needs}")
    # "</" would end the element that the scene stands in; JSON may write its characters as escapes.
    data = json.dumps(scene, default=_encoded, allow_nan=False).replace("<", "\\u003c")
    return f'<div class="vx-scene"><script type="application/json">{data}</script></div>'


def script() -> str:
    """The JavaScript of all widgets, and what brings every fragment of the page to life: for a module script."""
    return f"{assets.javascript()}\n{START}"


def classic_script() -> str:
    """The same for a script in a file of its own: a page opened from the disk may load one, but no module."""
    return f'(() => {{\n"use strict";\n{EXPORT.sub("", assets.javascript())}\n{START}\n}})();\n'


def style() -> str:
    """The style sheet of all widgets."""
    return assets.css()


def enliven(notebook: Any, *, self_contained: bool = True) -> Any:
    """A copy of an executed notebook (nbformat's, version 4) whose widgets run in any HTML page made of it.

    Its metadata must hold the widgets' state, as nbclient and nbconvert store it. What cannot run without a kernel
    keeps its static picture: widgets of other packages, and those with a decoder that the browser does not know.
    self_contained: whether the last output brings along `style` and `script`; else they are left to the page.
    """
    notebook = copy.deepcopy(notebook)
    states = notebook.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    alive = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if VIEW in output.get("data", {}) and _enliven(output, states)
    ]
    if alive and self_contained:
        last = alive[-1].data
        last["text/html"] += f'<style>{style()}</style><script type="module">{script()}</script>'
    return notebook


def _enliven(output: Any, states: Json) -> bool:
    model = states.get(output.data.pop(VIEW)["model_id"], {})
    scene = model.get("state", {}).get("scene")
    if not (isinstance(scene, dict) and "kind" in scene):  # other packages know scenes too
        return False
    for buffer in model.get("buffers", []):
        *way, name = buffer["path"]
        place = functools.reduce(operator.getitem, way, model["state"])
        place[name] = {"bytes": buffer["data"]}
    try:
        output.data["text/html"] = fragment(scene)
    except TypeError:
        return False
    for still in ("image/png", "text/markdown"):
        output.data.pop(still, None)
    return True


def _encoded(value: Any) -> Json:
    return {"bytes": base64.b64encode(value).decode()}


def _decoder_in_the_kernel(scene: Any) -> str | None:
    """Why a decoder somewhere in the scene needs the kernel, if one does."""
    if isinstance(scene, dict) and "why" in scene:
        return str(scene["why"])
    parts = scene.values() if isinstance(scene, dict) else scene if isinstance(scene, list | tuple) else ()
    return next(filter(None, map(_decoder_in_the_kernel, parts)), None)
