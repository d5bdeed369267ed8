"""Writes a page of reference for every public package, before the site is built."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import spurious

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = Path(__file__).parents[1] / "reference"
CHECKER = "spurious_checker"
MADE_ELSEWHERE = ("command-line.rst",)

TOPICS = {
    "Ask": ("certify", "check", "atlas", "penalised_atlas", "optimum", "diagnose", "train"),
    "Search": ("certified_minima", "certified_saddles"),
    "Problems from arrays, models and files": (
        "problem",
        "from_torch",
        "from_jax",
        "from_onnx",
        "read_problem",
        "parse_problem",
        "write_problem",
    ),
    "Data": ("dataset", "datasets", "Dataset"),
    "What a problem is made of": ("Problem", "ProgramProblem", "Network", "Loss", "Point"),
    "Answers": ("Verdict", "Decision", "Answer", "Enclosure", "Atlas", "PenalisedAtlas"),
    "Errors": ("InputError", "SpuriousError"),
}
"""The names of `import spurious`, by what one wants."""


def write_pages(_: Sphinx) -> None:
    """One page for each module of the package's top level with public names, and the checker."""
    FOLDER.mkdir(exist_ok=True)
    wanted = {"spurious.rst": front_page()}
    for found in iter_modules(spurious.__path__, "spurious."):
        names = [n for n in getattr(import_module(found.name), "__all__", ()) if n != "__version__"]
        if names:
            wanted[f"{found.name}.rst"] = page(found.name, names)
    wanted[f"{CHECKER}.rst"] = page(CHECKER, ["check", "main"])
    for old in FOLDER.glob("*.rst"):
        if old.name not in wanted and old.name not in MADE_ELSEWHERE:
            old.unlink()
    for name, text in wanted.items():
        written(FOLDER / name, text)


def written(path: Path, text: str) -> None:
    """Writes a page unless it is there already: Sphinx then reads only what has changed."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def front_page() -> str:
    """What the package itself offers, by topic, with what each name is and where it stands."""
    title = "spurious"
    lines = [title, "=" * len(title), "", "What ``import spurious`` offers."]
    for topic, names in TOPICS.items():
        rows = [(name, f"{home_of(name)}.{name}", getattr(spurious, name)) for name in names]
        lines += ["", topic, "-" * len(topic), "", *table(rows)]
    return "\n".join(lines) + "\n"


def home_of(name: str) -> str:
    """The module from which the package takes a name."""
    tree = ast.parse(inspect.getsource(spurious))
    return next(
        str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}
    )


def table(rows: list[tuple[str, str, object]]) -> list[str]:
    """Names with their first sentences: (name, where it is described, value)."""
    lines = [".. list-table::", "   :widths: 25 75", "   :class: names", ""]
    for name, target, value in rows:
        lines += [f"   * - :py:obj:`{name} <{target}>`", f"     - {sentence(value)}"]
    return lines


def sentence(value: object) -> str:
    """The first sentence of a docstring."""
    first = inspect.cleandoc(value.__doc__ or "").partition("\n\n")[0]
    return " ".join(first.split()).replace("``", "`").replace("|", r"\|").replace("*", r"\*")


def page(module: str, names: list[str]) -> str:
    """A module's names: a table of what each is, then each at length, with its source."""
    lines = [module, "=" * len(module), "", f".. automodule:: {module}", "   :no-members:", ""]
    values = {name: getattr(import_module(module), name) for name in names}
    told = [(n, f"{module}.{n}", v) for n, v in values.items() if kind_of(v) is not None]
    if len(told) > 2:
        lines += [*table(told), ""]
    lines.append(f".. currentmodule:: {module}")
    for name, value in values.items():
        kind = kind_of(value)
        lines += ["", f".. auto{kind}:: {name}"] if kind else constant(module, name)
    return "\n".join(lines) + "\n"


def kind_of(value: object) -> str | None:
    """How autodoc calls a value, or None for a constant."""
    if isinstance(value, type):
        return "exception" if issubclass(value, Exception) else "class"
    return "function" if callable(value) else None


def constant(package: str, name: str) -> list[str]:
    """A constant with the string that follows it in the module that a package takes it from."""
    tree = ast.parse(inspect.getsource(import_module(package)))
    home = next(
        str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}
    )
    body = ast.parse(inspect.getsource(import_module(home))).body
    for node, following in pairwise(body):
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if name in [getattr(target, "id", "") for target in targets]:
            told = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            text = inspect.cleandoc(str(following.value.value)) if told else ""
            value = shown(getattr(import_module(home), name))
            lines = [*text.splitlines(), *(["", f"Value: {value}"] if value else [])]
            return ["", f".. py:data:: {name}", "", *(f"   {line}".rstrip() for line in lines)]
    return constant(home, name)  # which takes it from elsewhere


def shown(value: object) -> str:
    """A constant that is a list of words, or a number; "" for any other."""
    if isinstance(value, (str, int, float)):
        return f"``{value}``"
    if isinstance(value, (tuple, frozenset)) and all(isinstance(entry, str) for entry in value):
        words = value if isinstance(value, tuple) else sorted(value)
        return ", ".join(f"``{entry}``" for entry in words)
    return ""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}
