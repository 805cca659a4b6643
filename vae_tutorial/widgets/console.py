"""What all widgets share: a scene for the page, something still for places without one, answers to what it asks."""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets

from vae_tutorial.vae import Model
from vae_tutorial.widgets import assets, static
from vae_tutorial.widgets.models import Json, decode

MOST_CODES = 256  # in one question of the page


class Console(anywidget.AnyWidget):
    """The abstract base of the widgets: a subclass says what the page shows with `_show`, and then calls `__init__`.

    In this order what cannot be shown is refused before there is a widget, and one message carries all to the page.
    The scene is one value, so that the page never sees half of it. The page decodes by itself, whatever the kernel is
    doing; it asks the kernel only for decoders that it cannot run.
    """

    title: str  # what people call this kind of widget
    _esm = assets.javascript()
    _css = assets.css()
    scene = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.on_msg(self._answer)

    def _show(self, scene: Json, *, still: Callable[[], bytes | str], name: str, models: Sequence[Model] = ()) -> None:
        """Show `scene`; `name` is its text, `models` are those whose decoders it may ask for.

        `still` draws a PNG of it, or writes it as Markdown, once the widget is displayed: new weights after an epoch
        need not wait for one.
        """
        self._still, self._name, self._models = still, name, list(models)
        self.scene = {**scene, "title": self.title}

    def save(self, path: str | Path, title: str | None = None) -> Path:
        """Write the widget as one HTML page that works from a file, with no kernel and no network; returns `path`.

        title: of the page, by default what widgets of this kind are called. Raises TypeError where a decoder needs the
        kernel.
        """
        page = Path(path)
        page.write_text(static.page(self.scene, title or self.title), encoding="utf-8")
        return page

    def __repr__(self) -> str:
        return self._name

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            still = self._still()
            if isinstance(still, bytes):
                bundle[0]["image/png"] = base64.b64encode(still).decode()
            else:
                bundle[0]["text/markdown"] = still
        return bundle

    def _answer(self, _: Any, question: Json, buffers: Any) -> None:
        """Send the page the reply to a question with an id under "ask"."""
        try:
            reply = self._reply(question)
        except Exception as error:  # the page must hear of it, whatever went wrong
            self.send({"answer": question.get("ask"), "problem": f"{type(error).__name__}: {error}"})
        else:
            self.send({"answer": question["ask"]}, buffers=[reply])

    def _reply(self, question: Json) -> bytes:
        """Decode what the page asks for: {"model": number, "codes": [[...]], "label": class or None}.

        The label may be a list too, of one class per code.
        """
        model, codes = self._models[question["model"]], torch.tensor(question["codes"][:MOST_CODES])
        label = question["label"] or 0
        labels = torch.tensor(label[:MOST_CODES]) if isinstance(label, list) else label
        images = decode(model, codes.view(-1, model.z_dim), labels)
        return images.mul(255).round().byte().cpu().numpy().tobytes()
