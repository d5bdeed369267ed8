"""The report's page: one HTML file that needs no other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from spurious import __version__
from spurious.paper.claim import ClaimResult, Picture, Row
from spurious.paper.findings import beside, head_note
from spurious.proof import interval_text, verdict_text

__all__ = ["inline_svg", "render_page", "typeset"]

_SIGNS: Final = (
    ("+/-", "\N{PLUS-MINUS SIGN}"),
    (">=", "\N{GREATER-THAN OR EQUAL TO}"),
    (" ~ ", " \N{ALMOST EQUAL TO} "),
    ("w2", "w\N{SUBSCRIPT TWO}"),
    ("'", "\N{RIGHT SINGLE QUOTATION MARK}"),
)
_POWER: Final = re.compile(r"\b(?:(\d+(?:\.\d+)?)e|1e)(-?\d+)\b")
_NEGATIVE: Final = re.compile(r"(?<![\w\d])-(?=[\d.])")


def render_page(results: Sequence[ClaimResult], budget: str, drawings: Mapping[str, str]) -> str:
    """The page as HTML text.

    Args:
        results: All claims, in order, run or not.
        budget: Which budget was asked for.
        drawings: The SVG document of every picture, by name.
    """

    def drawn(picture: Picture) -> Markup:
        return inline_svg(drawings[picture.name], picture)

    environment = Environment(
        loader=PackageLoader("spurious.paper"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    filters: dict[str, Callable[..., object]] = {
        "typeset": typeset,
        "parts": _parts,
        "inline": drawn,
        "verdict": verdict_text,
        "interval": interval_text,
        "beside": beside,
        "head_note": head_note,
    }
    environment.filters.update(filters)  # pyright: ignore[reportUnknownMemberType]
    return environment.get_template("report.html.j2").render(
        results=results, budget=budget, version=__version__
    )


def typeset(text: str) -> Markup:
    """Text with proper minus signs, powers of ten and other signs of print, as HTML."""
    for plain, sign in _SIGNS:
        text = text.replace(plain, sign)
    parts: list[Markup] = []
    start = 0
    for match in _POWER.finditer(text):
        parts.append(_minus(text[start : match.start()]))
        mantissa, exponent = match[1], _minus(match[2])
        factor = "" if mantissa in (None, "1") else f"{mantissa}\u202f\N{MULTIPLICATION SIGN}\u202f"
        parts.append(Markup("{}10<sup>{}</sup>").format(factor, exponent))
        start = match.end()
    parts.append(_minus(text[start:]))
    return Markup("").join(parts)


def _minus(text: str) -> Markup:
    return escape(_NEGATIVE.sub("\N{MINUS SIGN}", text))


def inline_svg(drawing: str, picture: Picture) -> Markup:
    """A figure as an `svg` element whose identifiers clash with no other figure's."""
    text = drawing[drawing.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    prefix = re.sub(r"\W", "-", picture.name)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
    label = escape(picture.caption)
    return Markup(text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))


def _parts(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Rows by heading, in order."""
    return [(heading, list(group)) for heading, group in groupby(rows, lambda row: row.heading)]
