"""Executes notebooks in place and stores their outputs, without what differs from one run to the next."""

import argparse
import base64
import io
import os
import re
from pathlib import Path
from time import perf_counter

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image, ImageChops

WIDGET = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
VISIBLE, SPOT = 24, 40  # levels of grey by which a pixel is off; pixels
ADDRESS = re.compile(r"\b0x[0-9a-f]{8,16}\b")


def execute(path: Path) -> nbformat.NotebookNode:
    """Run all cells in a fresh kernel, in the folder of the notebook; an error in a cell is raised."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(path.parent)}},
        timeout=None,
        record_timing=False,
        coalesce_streams=True,
    )
    client.execute()
    return notebook


def steady(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """Write addresses in memory as one constant; leave of a widget its static picture or text, or nothing.

    A widget without its kernel is an error message, and its id is another one in each run.
    """
    data = output.get("data", {})
    if data.pop(WIDGET, None) is not None and not {"image/png", "text/markdown"} & data.keys():
        return None
    if output.output_type == "stream":
        output.text = ADDRESS.sub("0x...", output.text)
    if "image/png" in data:
        data["image/png"] = small(data["image/png"])
    for kind, text in data.items():
        if kind.startswith("text/") and isinstance(text, str):
            data[kind] = ADDRESS.sub("0x...", text)
    return output


def small(png: str) -> str:
    """A base64 PNG with few colours: nothing that eyes miss, in about a third of the bytes."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    few = picture.quantize(64, dither=Image.Dither.NONE)
    off = ImageChops.difference(picture, few.convert("RGB")).convert("L").histogram()
    if sum(off[VISIBLE:]) > SPOT:  # as in a bar of many colours
        few = picture.quantize(256, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def normalise(notebook: nbformat.NotebookNode) -> None:
    """Drop what a run leaves behind beside its results."""
    notebook.metadata["kernelspec"] = KERNEL
    notebook.metadata.get("language_info", {}).pop("version", None)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [kept for output in cell.outputs if (kept := steady(output)) is not None]


def main() -> None:
    """Execute the notebooks named on the command line, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="+", type=Path)
    for path in parser.parse_args().notebooks:
        start = perf_counter()
        try:
            notebook = execute(path)
        except CellExecutionError as error:
            raise SystemExit(f"{path} stopped with an error and was left as it was.\n{error}") from None
        normalise(notebook)
        nbformat.write(notebook, path)
        print(f"{path}: {perf_counter() - start:.0f} s, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    os.environ.setdefault("TQDM_DISABLE", "1")
    main()
