"""Pictures have words for those who cannot see them, and links of the pages lead somewhere."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from tests.docs.blocks import PAGES, ROOT


def inline(page: Path) -> list[Token]:
    tokens = MarkdownIt().enable("table").parse(page.read_text("utf-8"))
    return [child for token in tokens for child in token.children or ()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pictures_are_described_and_links_lead_somewhere(page: Path) -> None:
    for token in inline(page):
        if token.type == "image":
            assert len(token.content) > 20, f"{token.attrs['src']}: say what it shows"
        target = token.attrs.get("src") or token.attrs.get("href")
        if target and not urlsplit(str(target)).scheme and not str(target).startswith("#"):
            path = (page.parent / str(target).partition("#")[0]).resolve()
            assert path.exists(), f"{target} is not there"


def test_every_page_is_in_the_menu() -> None:
    """The site's menu has these folders; pages elsewhere would not be found."""
    folders = {"docs", "docs/start", "docs/howto", "docs/ideas", "docs/constructions", "."}
    found = {str(page.parent.relative_to(ROOT)) for page in PAGES}
    assert found <= folders, "add the folder to the toctree of docs/index.md, and here"
    start = (ROOT / "docs/index.md").read_text("utf-8")
    for page in (ROOT / "docs/start").glob("*.md"):
        assert f"start/{page.stem}" in start
