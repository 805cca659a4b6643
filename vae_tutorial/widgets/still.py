"""The picture that stands where a widget cannot run: on GitHub, in a PDF, in a notebook that is not trusted yet."""

import io

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from vae_tutorial.vae import VAE

MAX_BYTES = 60_000
COLUMNS, ROWS, GRID = 9, 8, 13
CELL = 42  # pixels along the longer side of one image
GAP, HEAD = 3, 22
INK, FAINT, PAPER = "#202124", "#6b6f76", "#ffffff"


def traversal(model: VAE, order: list[int], kl: Tensor | None, span: float) -> "Sheet":
    """One row per latent (the first 8 of `order`), which alone goes from -span to span, the others being 0."""
    rows = order[:ROWS]
    steps = torch.linspace(-span, span, COLUMNS)
    z = torch.zeros(len(rows), COLUMNS, model.z_dim)
    for row, latent in enumerate(rows):
        z[row, :, latent] = steps
    sheet = Sheet(_cells(model, z.flatten(0, 1)), columns=COLUMNS, margin=104, gap=GAP)
    for row, i in enumerate(rows):
        sheet.beside(row, f"z[{i}]" if kl is None else f"z[{i}]  {kl[i].item():.2f} nats")
    for column, value in enumerate(steps.tolist()):
        sheet.above(column, f"{value:.3g}")
    return sheet


def manifold(model: VAE, span: float) -> "Sheet":
    """The images of a model with two latents: z[0] from -span to span to the right, z[1] upwards."""
    steps = torch.linspace(-span, span, GRID)
    z = torch.cartesian_prod(steps.flip(0), steps).flip(1)
    sheet = Sheet(_cells(model, z), columns=GRID, margin=64, gap=0)
    for i in range(0, GRID, (GRID - 1) // 2):
        sheet.beside(GRID - 1 - i, f"z[1] = {steps[i].item():.3g}")
        sheet.above(i, f"z[0] = {steps[i].item():.3g}")
    return sheet


def _cells(model: VAE, z: Tensor) -> list[Image.Image]:
    """The images of the codes [n, z], scaled to cells; sharp when they grow, so that a model's blur stays visible."""
    pixels = model.decode(z).nan_to_num().clamp(0, 1).mul(255).round().byte().cpu().permute(0, 2, 3, 1)
    height, width = pixels.shape[1:3]
    scale = CELL / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    filter_ = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    return [Image.fromarray(p.numpy().squeeze()).resize(size, filter_) for p in pixels]


class Sheet:
    """Cells in rows on white paper, with room for words on the left and above."""

    def __init__(self, cells: list[Image.Image], *, columns: int, margin: int, gap: int):
        self.margin, self.gap, (self.width, self.height) = margin, gap, cells[0].size
        rows = len(cells) // columns
        size = (margin + columns * (self.width + gap), HEAD + rows * (self.height + gap))
        self.paper = Image.new("RGB", size, PAPER)
        for i, cell in enumerate(cells):
            self.paper.paste(cell, self._place(*divmod(i, columns)))
        self.draw, self.font = ImageDraw.Draw(self.paper), ImageFont.load_default(size=11)

    def _place(self, row: int, column: int) -> tuple[int, int]:
        return self.margin + column * (self.width + self.gap), HEAD + row * (self.height + self.gap)

    def beside(self, row: int, text: str) -> None:
        _, top = self._place(row, 0)
        self.draw.text((self.margin - 7, top + self.height // 2), text, fill=INK, font=self.font, anchor="rm")

    def above(self, column: int, text: str) -> None:
        left, _ = self._place(0, column)
        half = self.draw.textlength(text, self.font) / 2
        centre = min(left + self.width / 2, self.paper.width - half)
        self.draw.text((centre, HEAD - 7), text, fill=FAINT, font=self.font, anchor="ms")

    def png(self) -> bytes:
        """A file below 60 kB, at the cost of colours: a lesson holds several of these, and all are kept for good."""
        for colours in (64, 32, 16, 8, 4, 2):
            file = io.BytesIO()
            self.paper.quantize(colours, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
            if file.tell() < MAX_BYTES:
                break
        return file.getvalue()
