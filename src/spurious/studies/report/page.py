"""The report's page: one HTML file that needs no other."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

import spurious_checker
from spurious import __version__
from spurious.files import write_atomically, write_json
from spurious.studies.report.claim import MEANINGS

SUMMARY: Final = "claims.json"
CHECKER: Final = "spurious_checker.py"
STATEMENTS: Final = ("mathematics.md", "small-deadlocks-lower-bound.md", "certificates.md")
"""What certificates rest on; a wheel has copies of these pages of `docs` (pyproject.toml)."""

_SIGNS: Final = (
    ("+/-", "\N{PLUS-MINUS SIGN}"),
    (">=", "\N{GREATER-THAN OR EQUAL TO}"),
    (" ~ ", " \N{ALMOST EQUAL TO} "),
    ("w2", "w\N{SUBSCRIPT TWO}"),
    ("'", "\N{RIGHT SINGLE QUOTATION MARK}"),
)
_POWER: Final = re.compile(r"\b(?:(\d+(?:\.\d+)?)e|1e)(-?\d+)\b")
_NEGATIVE: Final = re.compile(r"(?<![\w\d])-(?=[\d.])")


class Page:
    """The report's `claims.json` and `index.html`: made from the claims' entries and figures."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._records: dict[str, Mapping[str, Any]] = {}
        self._sections: dict[str, Markup] = {}
        self._templates = Environment(
            loader=PackageLoader("spurious.studies.report"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        filters: dict[str, Callable[..., object]] = {
            "typeset": typeset,
            "parts": _parts,
            "grid": _grid,
            "inline": self._drawn,
        }
        self._templates.filters.update(filters)  # pyright: ignore[reportUnknownMemberType]

    def put(self, record: Mapping[str, Any]) -> None:
        """Adds a claim's entry, or replaces it; the order is that of the first time."""
        self._records[record["id"]] = record
        template = self._templates.get_template("section.html.j2")
        self._sections[record["id"]] = Markup(template.render(record=record))

    def write(self) -> None:
        """Writes both files.

        Raises:
            InputError: A file cannot be written.
        """
        write_json(self._folder / SUMMARY, list(self._records.values()))
        text = self._templates.get_template("report.html.j2").render(
            records=list(self._records.values()),
            sections=list(self._sections.values()),
            version=__version__,
            made=_made(),
            budgets=_budgets(self._records.values()),
            meanings=MEANINGS,
        )
        write_atomically(self._folder / "index.html", text)
        write_atomically(self._folder / CHECKER, Path(spurious_checker.__file__).read_text("utf-8"))
        for name in STATEMENTS:
            write_atomically(self._folder / name, statements(name))

    def _drawn(self, picture: Mapping[str, str]) -> Markup:
        drawing = (self._folder / "figures" / f"{picture['name']}.svg").read_text("utf-8")
        return inline_svg(drawing, picture["name"], picture["caption"])


def _made() -> str:
    """When and with what."""
    parts = [f"Python {platform.python_version()}"]
    parts += [f"{name} {version(name)}" for name in ("numpy", "numba", "python-flint")]
    parts += [f"{platform.system()} {platform.machine()}", f"{os.cpu_count()} processors"]
    return " \N{MIDDLE DOT} ".join([date.today().isoformat(), *parts])


def _budgets(records: Iterable[Mapping[str, Any]]) -> str:
    """The budgets of the claims that were run."""
    run = [record["this_run"]["budget"] for record in records if record["rows"]]
    found = list(dict.fromkeys(run))
    return f"{' and '.join(found)} budget{'s' if len(found) > 1 else ''}" if found else ""


def statements(name: str) -> str:
    """The theorems and the format of certificates, which the package holds, as Markdown.

    Args:
        name: One of `STATEMENTS`.
    """
    inside = Path(__file__).parent / "statements" / name
    checkout = Path(__file__).parents[4] / "docs" / name
    return (inside if inside.exists() else checkout).read_text("utf-8")


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


def inline_svg(drawing: str, name: str, caption: str) -> Markup:
    """A figure as an `svg` element whose identifiers clash with no other figure's."""
    text = drawing[drawing.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    prefix = re.sub(r"\W", "-", name)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
    label = escape(caption)
    return Markup(text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))


def _parts(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Rows by heading, in order."""
    return [(part, list(group)) for part, group in groupby(rows, lambda row: row["part"])]


def _grid(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Rows that are marks of one table: its columns and lines; None where they are not."""
    marks = [row.get("mark") for row in rows]
    if not all(marks):
        return None
    cells = {(row["mark"]["line"], row["mark"]["column"]): row for row in rows}
    columns = list(dict.fromkeys(column for _, column in cells))
    lines = list(dict.fromkeys(line for line, _ in cells))
    return {
        "columns": columns,
        "lines": [(line, [cells.get((line, column)) for column in columns]) for line in lines],
    }
