"""Typesets the formulas of the pages on mathematics: in code spans, blocks, and the text."""

from docutils import nodes
from sphinx.application import Sphinx
from typeset_formula import IN_TEXT, is_formula, pieces, typeset

PAGES = ("mathematics", "small-deadlocks-lower-bound")


def set_formulas(_: Sphinx, doctree: nodes.document, docname: str) -> None:
    if docname not in PAGES:
        return
    for node in list(doctree.findall(nodes.literal)):
        if is_formula(node.astext()):
            node.replace_self(html(f'<span class="formula">{typeset(node.astext())}</span>'))
    for block in list(doctree.findall(nodes.literal_block)):
        if "$" not in block.astext():
            shown = typeset(block.astext())
            block.replace_self(html(f'<div class="formula display">{shown}</div>'))
    for text in list(doctree.findall(nodes.Text)):
        if IN_TEXT.search(text) and not isinstance(text.parent, (nodes.literal, nodes.raw)):
            text.parent.replace(text, in_text(text))


def in_text(text: str) -> list[nodes.Node]:
    """A sentence with its formulas typeset."""
    return [html(part) if typed else nodes.Text(part) for part, typed in pieces(text)]


def html(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", set_formulas, priority=600)  # after theorems are links
    return {"parallel_read_safe": True}
