"""The directive `claims-table`: the summary of a reproduction's claims.json."""

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from spurious.paper.page import typeset

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
        budgets = sorted({claim["budget"] for claim in claims if claim["seconds"]})
        table = (
            '<div class="table-wrapper docutils"><table class="docutils claims"><thead><tr>'
            f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
            f"<p>Budget: {', '.join(budgets)}.</p>"
        )
        return [nodes.raw("", table, format="html")]


def _row(claim: dict[str, str]) -> str:
    cells = (
        f"<strong>{claim['id']}</strong> {typeset(claim['title'])}",
        typeset(claim["printed"]),
        typeset(claim["measured"]),
        f'<span class="verdict">{typeset(claim["verdict"])}</span>',
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("claims-table", ClaimsTable)
    return {"parallel_read_safe": True}
