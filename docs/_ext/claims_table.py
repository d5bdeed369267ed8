"""The directive `claims-table`: the summary of a reproduction's claims.json."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from spurious.studies.report.page import typeset

COLUMNS = ("Claim", "Printed", "Measured", "Verdict")


class ClaimsTable(SphinxDirective):
    """A table with a row for each claim of the file that is the argument."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        claims = json.loads(Path(path).read_text("utf-8"))
        head = "".join(f"<th>{name}</th>" for name in COLUMNS)
        rows = "".join(map(_row, claims))
        table = (
            '<div class="table-wrapper docutils"><table class="docutils claims"><thead><tr>'
            f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )
        return [nodes.raw("", table, format="html")]


def _row(claim: Mapping[str, Any]) -> str:
    cells = (
        f"<strong>{claim['id']}</strong> {typeset(claim['title'])}",
        _lines(claim["printed"]),
        _lines(claim["measured"]),
        "<br>".join((_verdict(claim), *map(_other, claim["beside"]))),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _lines(text: str) -> str:
    """`quantity: value; quantity: value`, a line for each quantity."""
    return "<br>".join(typeset(part) for part in re.split(r"; (?=[^;]*: )", text))


def _verdict(claim: Mapping[str, Any]) -> str:
    """The headline and, where it matters, its budget."""
    budget = "" if claim["same_at_every_budget"] else f"<br>{claim['budget']} budget"
    return f'<span class="verdict">{typeset(claim["verdict"])}</span>{budget}'


def _other(finding: Mapping[str, str]) -> str:
    """A verdict that disagrees with the headline."""
    return f"{finding['budget']} budget: {typeset(finding['verdict'])}"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("claims-table", ClaimsTable)
    return {"parallel_read_safe": True}
