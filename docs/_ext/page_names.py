"""Links that are called by a file's name, as they read well on GitHub, get the page's title."""

from docutils import nodes
from sphinx.application import Sphinx


def name(app: Sphinx, doctree: nodes.document, _: str) -> None:
    titles = app.env.titles
    for reference in doctree.findall(nodes.reference):
        text = reference.astext()
        if text.endswith(".md") and (title := titles.get(text.removesuffix(".md"))):
            reference.children = [nodes.Text(title.astext())]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", name)
    return {"parallel_read_safe": True}
