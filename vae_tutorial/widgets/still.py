"""The picture that stands where a widget cannot run: on GitHub, in a PDF, in a notebook that is not trusted yet."""

import io
from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vae_tutorial.pixels import as_float
from vae_tutorial.vae import Model
from vae_tutorial.widgets.models import Sample, decode, measure, offered, reconstruct, take

MAX_BYTES = 60_000
COLUMNS, ROWS, GRID = 9, 8, 13
CELL = 42  # pixels along the longer side of one image
GAP, HEAD = 3, 22
INK, FAINT, PAPER = "#202124", "#6b6f76", "#ffffff"
FONT = ImageFont.load_default(size=11)


def chart(figure: Figure) -> bytes:
    """A figure as a PNG: the same bytes for the same figure, with no version or date in them."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=80, metadata={"Software": None})
    return file.getvalue()


def traversal(model: Model, order: list[int], kl: Sequence[float] | None, span: float) -> bytes:
    """One row per latent (the first 8 of `order`), which alone goes from -span to span, the others being 0; a PNG."""
    rows = order[:ROWS]
    steps = torch.linspace(-span, span, COLUMNS)
    z = torch.zeros(len(rows), COLUMNS, model.z_dim)
    for row, latent in enumerate(rows):
        z[row, :, latent] = steps
    sheet = Sheet(cells(decode(model, z.flatten(0, 1))), columns=COLUMNS, margin=104, gap=GAP)
    for row, i in enumerate(rows):
        sheet.beside(row, f"z[{i}]" if kl is None else f"z[{i}]  {kl[i]:.2f} nats")
    for column, value in enumerate(steps.tolist()):
        sheet.above(column, f"{value:.3g}")
    return sheet.png()


def manifold(model: Model, span: float) -> bytes:
    """The images of a model with two latents: z[0] from -span to span to the right, z[1] upwards; a PNG."""
    steps = torch.linspace(-span, span, GRID)
    z = torch.cartesian_prod(steps.flip(0), steps).flip(1)
    sheet = Sheet(cells(decode(model, z)), columns=GRID, margin=64, gap=0)
    for i in range(0, GRID, (GRID - 1) // 2):
        sheet.beside(GRID - 1 - i, f"z[1] = {steps[i].item():.3g}")
        sheet.above(i, f"z[0] = {steps[i].item():.3g}")
    return sheet.png()


def classes(model: Model) -> bytes:
    """The same codes in every class (the first 10) of a conditional model: z = 0 and some from the prior; a PNG."""
    count = min(model.n_classes, 10)
    z = torch.randn(ROWS, model.z_dim, generator=torch.Generator().manual_seed(0))
    z[0] = 0
    images = decode(model, z.repeat_interleave(count, 0), torch.arange(count).repeat(ROWS))
    sheet = Sheet(cells(images), columns=count, margin=84, gap=GAP)
    for row in range(ROWS):
        sheet.beside(row, "another z" if row else "z = 0")
    for column in range(count):
        sheet.above(column, f"class {column}")
    return sheet.png()


def comparison(models: Mapping[str, Model], sample: Sample | None) -> bytes:
    """The same images (10 of the sample) through every model, one row each, or the same codes without images; a PNG."""
    rows: dict[str, Tensor] = {}
    if sample is not None:
        shown = take(sample, offered(sample, 10))
        rows["images"] = as_float(shown.x, torch.float32)
        rows |= {name: reconstruct(model, measure(model, shown)) for name, model in models.items()}
    else:
        z = torch.randn(10, max(model.z_dim for model in models.values()), generator=torch.Generator().manual_seed(0))
        y = torch.arange(10)
        for name, model in models.items():
            rows[name] = decode(model, z[:, : model.z_dim], y % max(1, model.n_classes)).cpu()
    names = [name if len(name) <= 24 else name[:23] + "…" for name in rows]
    margin = 14 + max(round(FONT.getlength(name)) for name in names)
    images = torch.cat([row.float() for row in rows.values()])
    sheet = Sheet(cells(images), columns=len(images) // len(rows), margin=margin, gap=GAP, head=GAP)
    for row, name in enumerate(names):
        sheet.beside(row, name)
    return sheet.png()


def encoded(images: Tensor, decoded: Mapping[str, Tensor]) -> bytes:
    """Images [n, c, h, w] above what was decoded of their codes, each row with its words beside it; a PNG."""
    rows = {"image": as_float(images, torch.float32).clamp(0, 1), **decoded}
    sheet = Sheet(cells(torch.cat([row.cpu() for row in rows.values()])), columns=len(images), margin=96, gap=GAP)
    for row, words in enumerate(rows):
        sheet.beside(row, words)
    return sheet.png()


def cells(images: Tensor) -> list[Image.Image]:
    """Images [n, c, h, w] as pictures of a cell's size; sharp when they grow, so that a model's blur stays visible."""
    pixels = images.mul(255).round().byte().cpu().permute(0, 2, 3, 1)
    height, width = pixels.shape[1:3]
    scale = CELL / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    filter_ = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    return [
        Image.fromarray(p.numpy().squeeze(-1) if p.shape[-1] == 1 else p.numpy()).resize(size, filter_) for p in pixels
    ]


class Sheet:
    """Cells in rows on white paper, with room for words on the left and above."""

    def __init__(self, cells: list[Image.Image], *, columns: int, margin: int, gap: int, head: int = HEAD):
        self.margin, self.gap, self.head, (self.width, self.height) = margin, gap, head, cells[0].size
        rows = len(cells) // columns
        size = (margin + columns * (self.width + gap), head + rows * (self.height + gap))
        self.paper = Image.new(cells[0].mode, size, PAPER)
        for i, cell in enumerate(cells):
            self.paper.paste(cell, self._place(*divmod(i, columns)))
        self.draw = ImageDraw.Draw(self.paper)

    def _place(self, row: int, column: int) -> tuple[int, int]:
        return self.margin + column * (self.width + self.gap), self.head + row * (self.height + self.gap)

    def beside(self, row: int, text: str) -> None:
        _, top = self._place(row, 0)
        self.draw.text((self.margin - 7, top + self.height // 2), text, fill=INK, font=FONT, anchor="rm")

    def above(self, column: int, text: str) -> None:
        left, _ = self._place(0, column)
        half = self.draw.textlength(text, FONT) / 2
        centre = min(left + self.width / 2, self.paper.width - half)
        self.draw.text((centre, self.head - 7), text, fill=FAINT, font=FONT, anchor="ms")

    def png(self) -> bytes:
        """A file below 60 kB, at the cost of colours: a lesson holds several of these, and all are kept for good."""
        for colours in (64, 32, 16, 8, 4, 2):
            file = io.BytesIO()
            self._in(colours).save(file, "PNG")
            if file.tell() < MAX_BYTES:
                break
        return file.getvalue()

    def _in(self, colours: int) -> Image.Image:
        """The sheet in that many colours, or greys."""
        if self.paper.mode == "L":
            step = 255 / (colours - 1)
            return self.paper.point([round(round(grey / step) * step) for grey in range(256)])
        return self.paper.quantize(colours, dither=Image.Dither.NONE)
