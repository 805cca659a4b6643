"""What a learner handed in, for the browser of who marks: text and pictures, bounded, nothing that runs or loads."""

import base64
import binascii
import re
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

SOURCE, OUTPUT = 50_000, 20_000  # characters of a cell, and of an output
ALL = {SOURCE: 2_000_000, OUTPUT: 1_000_000}  # characters of a notebook's cells, and of its outputs
PICTURE, ALL_PICTURES = 2_000_000, 10_000_000  # bytes of one, and of a notebook's
OUTPUTS = 30  # of a cell
PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
TEXTS = ("text/plain", "text/markdown", "text/latex")
NOT_SHOWN = "[an output of a kind that is not shown]"
# Where tags, entities, links and pictures begin, and the TeX that makes links or moves things on the page. Formgrader
# cleans tags alone: it keeps [a](javascript:...), and loads ![a](/address) from the marker's own server.
MARKUP = re.compile(
    r"<(?=[a-z/!?])|&(?=[#a-z])|\](?=[(\[:])|:(?=//)|\\(?=href|style|class|cssId|require)", re.IGNORECASE
)
NOTHING = "\u200b"  # a space without width: the text looks as it was typed, and begins nothing


class Room:
    """What may still be shown of one notebook."""

    def __init__(self) -> None:
        self.text, self.pictures = dict(ALL), ALL_PICTURES

    def cut(self, value: Any, most: int = SOURCE) -> str:
        """The beginning of a text, which notebooks hold as one or as a list of lines. most: SOURCE or OUTPUT."""
        text = "".join(map(str, value)) if isinstance(value, list) else str(value)
        text = text.encode(errors="replace").decode()
        kept = text[: min(most, self.text[most])]
        self.text[most] -= len(kept)
        return kept if len(kept) == len(text) else f"{kept}\n[{len(text) - len(kept)} more characters are not shown]"

    def markdown(self, source: str) -> str:
        """A text with its emphasis, lists, tables and formulas, in which tags, links and pictures stay text."""
        return MARKUP.sub(rf"\g<0>{NOTHING}", self.cut(source))

    def attachments(self, cell: dict[str, Any]) -> list[NotebookNode]:
        """The pictures that are attached to a text."""
        attached = cell.get("attachments")
        bundles = list(attached.values())[:OUTPUTS] if isinstance(attached, dict) else []
        pictures = [self._pictures(bundle) for bundle in bundles if isinstance(bundle, dict)]
        return [new_output("display_data", picture) for picture in pictures if picture]

    def outputs(self, cell: dict[str, Any]) -> list[NotebookNode]:
        """The outputs of a cell as they were handed in."""
        outputs = cell.get("outputs")
        outputs = outputs if isinstance(outputs, list) else []
        shown = [self._output(output) for output in outputs[:OUTPUTS] if isinstance(output, dict)]
        if len(outputs) > OUTPUTS:
            shown.append(self._words(f"[{len(outputs) - OUTPUTS} more outputs are not shown]"))
        return shown

    def _output(self, output: dict[str, Any]) -> NotebookNode:
        if output.get("output_type") == "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            return new_output("stream", name=name, text=self.cut(output.get("text", ""), OUTPUT))
        if output.get("output_type") == "error":
            name, value = (self.cut(output.get(part, ""), OUTPUT) for part in ("ename", "evalue"))
            lines = output.get("traceback")
            lines = "\n".join(map(str, lines)) if isinstance(lines, list) else f"{name}: {value}"
            return new_output("error", ename=name, evalue=value, traceback=[self.cut(lines, OUTPUT)])
        data = output.get("data")
        data = data if isinstance(data, dict) else {}
        text = next((data[kind] for kind in TEXTS if kind in data), NOT_SHOWN)
        return new_output("display_data", {"text/plain": self.cut(text, OUTPUT), **self._pictures(data)})

    def _words(self, text: str) -> NotebookNode:
        return new_output("display_data", {"text/plain": text})

    def _pictures(self, bundle: dict[str, Any]) -> dict[str, str]:
        """The pictures in a bundle that are what they say, each written anew."""
        found = {}
        for kind, start in PICTURES.items():
            content = _decoded(bundle.get(kind))
            if content.startswith(start) and len(content) <= min(PICTURE, self.pictures):
                self.pictures -= len(content)
                found[kind] = base64.b64encode(content).decode()
        return found


def _decoded(value: Any) -> bytes:
    text = "".join(map(str, value)) if isinstance(value, list) else value
    if isinstance(text, str) and len(text) > 2 * PICTURE:
        return b""
    try:
        return base64.b64decode("".join(text.split()), validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""
