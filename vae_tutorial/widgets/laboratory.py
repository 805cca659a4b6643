"""The loss laboratory of lesson 02: one pixel, one latent, and what every loss charges for them."""

import ipywidgets
from IPython.display import display

from vae_tutorial import figures


def loss_laboratory() -> ipywidgets.Widget:
    """Five sliders above a figure that follows them: `figures.loss_laboratory` with its arguments.

    Its messages go through the kernel and would disturb a running cell that draws with pyplot; lessons draw without.
    """
    sliders = {
        "x": _slider("pixel x", 0, 1, 0.01, 0.7),
        "logit": _slider("logit", -6, 6, 0.05, -1.0),
        "sigma": _slider("sigma of p(x|z)", 0.05, 1.5, 0.01, 0.5),
        "mu": _slider("mu of q(z|x)", -3, 3, 0.05, 1.0),
        "logvar": _slider("log variance of q", -6, 2, 0.05, -1.0),
    }
    picture = ipywidgets.interactive_output(lambda **values: display(figures.loss_laboratory(**values)), sliders)
    return ipywidgets.VBox([ipywidgets.GridBox(list(sliders.values()), layout=_two_columns()), picture])


def _slider(label: str, low: float, high: float, step: float, value: float) -> ipywidgets.FloatSlider:
    return ipywidgets.FloatSlider(
        description=label, min=low, max=high, step=step, value=value, style={"description_width": "8em"}
    )


def _two_columns() -> ipywidgets.Layout:
    return ipywidgets.Layout(grid_template_columns="repeat(2, 24em)")
