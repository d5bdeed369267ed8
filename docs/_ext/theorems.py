"""Theorems: an anchor at each, links wherever one is named, and the directive `theorem-list`."""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective
from stated_theorems import others, stated

NAMED = re.compile(r"\b(Theorems? (\d+|[A-C]))\b")


class Anchors(SphinxTransform):
    """Gives the paragraph that states a theorem its anchor."""

    default_priority = 400

    def apply(self, **_: object) -> None:
        known = {t.label: t for t in stated() if t.page == self.env.docname}
        for paragraph in self.document.findall(nodes.paragraph):
            first = paragraph.children[0] if paragraph.children else None
            text = first.astext() if isinstance(first, nodes.strong) else ""
            match = NAMED.match(text)
            theorem = known.pop(match[2], None) if match else None
            if theorem is not None:
                paragraph["ids"].append(theorem.anchor)
                paragraph["classes"].append("theorem")


class TheoremList(SphinxDirective):
    """All theorems, each with its name and a link."""

    def run(self) -> list[nodes.Node]:
        listed = nodes.bullet_list(classes=["theorems"])
        for theorem in stated():
            text = f"Theorem {theorem.label}. {theorem.name}"
            listed += nodes.list_item("", nodes.paragraph(text, text))
        return [listed]


def link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Makes links of the theorems that a page names."""
    known = {theorem.label: theorem for theorem in stated()}
    for text in list(doctree.findall(nodes.Text)):
        if _linked_or_code(text) or not NAMED.search(text):
            continue
        parts: list[nodes.Node] = []
        end = 0
        for match in NAMED.finditer(text):
            theorem = known.get(match[2])
            if theorem is None or others(text[: match.start()], text[match.end() :]):
                continue
            uri = app.builder.get_relative_uri(docname, theorem.page) + f"#{theorem.anchor}"
            parts += [nodes.Text(text[end : match.start()])]
            parts += [nodes.reference(match[1], match[1], refuri=uri, internal=True)]
            end = match.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def _linked_or_code(text: nodes.Text) -> bool:
    kept = (nodes.reference, nodes.literal, nodes.literal_block, nodes.title, nodes.strong)
    node: nodes.Node | None = text.parent
    while node is not None:
        if isinstance(node, kept):
            return True
        node = node.parent
    return False


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("theorem-list", TheoremList)
    app.add_transform(Anchors)
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True}
