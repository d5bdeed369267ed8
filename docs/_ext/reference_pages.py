"""Writes a page of reference for every public package, before the site is built."""

import ast
import inspect
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from pkgutil import iter_modules

from sphinx.application import Sphinx

import spurious

FOLDER = Path(__file__).parents[1] / "reference"
CHECKER = "spurious_checker"


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
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        path = FOLDER / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def front_page() -> str:
    """What the package itself offers, with links to where it is described."""
    title = "spurious"
    lines = [title, "=" * len(title), "", "What `import spurious` offers:", ""]
    for name in spurious.__all__:
        if name != "__version__":
            lines.append(f"* :py:obj:`{name} <{home_of(name)}.{name}>`")
    return "\n".join(lines) + "\n"


def home_of(name: str) -> str:
    """The module from which the package takes a name."""
    tree = ast.parse(inspect.getsource(spurious))
    return next(
        str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}
    )


def page(module: str, names: list[str]) -> str:
    lines = [module, "=" * len(module), "", f".. automodule:: {module}", "   :no-members:", ""]
    lines.append(f".. currentmodule:: {module}")
    for name in names:
        value = getattr(import_module(module), name)
        kind = "exception" if isinstance(value, type) and issubclass(value, Exception) else None
        kind = kind or ("class" if isinstance(value, type) else None)
        kind = kind or ("function" if callable(value) else None)
        lines += ["", f".. auto{kind}:: {name}"] if kind else constant(module, name)
    return "\n".join(lines) + "\n"


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
            return ["", f".. py:data:: {name}", "", *(f"   {line}" for line in text.splitlines())]
    return constant(home, name)  # which takes it from elsewhere


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}
