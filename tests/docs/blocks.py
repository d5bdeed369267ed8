"""The code blocks of the pages: found, and told apart by what they hold."""

import ast
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    *sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts),
)
PROGRAMS = ("spurious", ".venv/bin/spurious", "make", "pip", "python", "dask", "git", "cd")
LANGUAGES = ("console", "json", "python", "text", "toml")


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    language: str
    text: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    text: str
    output: tuple[str, ...]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order.

    Of the site's directives only `code-block` is code; its caption is the name of a file.
    """
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.map is None or token.type not in ("fence", "code_block"):
            continue
        if token.info.startswith("{code-block}"):
            caption, _, text = token.content.partition("\n")
            file = caption.removeprefix(":caption: ")
            yield Block(page, token.map[0] + 1, token.info.split()[1], text, file)
            continue
        if token.info.startswith("{"):
            continue
        language = token.info.split()[0] if token.info.strip() else guess(token.content)
        yield Block(page, token.map[0] + 1, language, token.content)


def guess(text: str) -> str:
    """The language of a block that does not name it."""
    lines = [line for line in text.splitlines() if line.strip()]
    if lines[0].startswith("$ ") or all(line.split()[0] in PROGRAMS for line in lines):
        return "console"
    try:
        json.loads(text)
        return "json"
    except ValueError:
        pass
    try:
        tomllib.loads(text)
        return "toml"
    except ValueError:
        pass
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return "text"
    told = (ast.Import, ast.ImportFrom, ast.Assign)
    return "python" if any(isinstance(node, told) for node in tree.body) else "text"


def commands(block: Block) -> list[Command]:
    """The commands of a console block, each with the output that the page shows."""
    lines = block.text.rstrip().splitlines()
    if not any(line.startswith("$ ") for line in lines):
        return [Command(line, ()) for line in lines if line.strip()]
    found: list[Command] = []
    for line in lines:
        if line.startswith("$ "):
            found.append(Command(line[2:], ()))
        elif found:
            found[-1] = Command(found[-1].text, (*found[-1].output, line))
    return found
