"""Figures as SVG text and PNG bytes, the same bytes every time, and as files."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure

from spurious.figures.style import STYLE
from spurious.files import write_atomically

DOTS_PER_INCH: Final = 300


def svg_text(figure: Figure) -> str:
    """The figure as a standalone SVG document; text is drawn as outlines, so no font is needed."""
    buffer = BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue().decode("utf-8")


def png_bytes(figure: Figure, dpi: int = DOTS_PER_INCH) -> bytes:
    """The figure as a PNG image.

    Args:
        figure: What to write.
        dpi: Pixels per inch.
    """
    buffer = BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def write_figure(figure: Figure, folder: Path, name: str) -> list[str]:
    """Writes a figure as SVG and PNG; returns the two files' names.

    The layout is made once, so both have the same one.

    Raises:
        InputError: A file cannot be written.
    """
    write_atomically(folder / f"{name}.svg", svg_text(figure))
    figure.set_layout_engine("none")
    write_atomically(folder / f"{name}.png", png_bytes(figure))
    return [f"{name}.svg", f"{name}.png"]
