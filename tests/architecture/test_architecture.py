"""Rules of the layout that a program can check. Packages that do not exist yet are passed over."""

import ast
import functools
import graphlib
import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
CHECKER = "spurious_checker"
CHECKER_LINES = 4433
ORDER = (
    "exact", "program", "problem", "data", "proof", "certify", "train", "large", "atlas",
    "construct", "hunt", "sweep", "figures", "diagnose", "catalogue", "studies", "explore", "cli",
)  # fmt: skip
FOR_ALL = ("errors", "files", "late", "notebook", "verdict", "__version__")
MODULES = {
    ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SRC.rglob("*.py"))
}
PARTS = {f"checker.{path.stem}": path for path in sorted((ROOT / "checker").glob("*.py"))}
WITHOUT_TYPES = {"jax", "lightning", "numba", "onnx", "optax", "pyarrow", "scipy", "torch"}
"""Libraries that are annotated in part or not at all: files that use them may say `basic`."""

PACKAGES = [name for name, path in MODULES.items() if path.name == "__init__.py"]


@functools.cache
def imports(name: str) -> set[str]:
    """What a module imports, inside its functions too, as dotted names."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: write {ast.unparse(node)} with the package's name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def module_of(dotted: str) -> str | None:
    """The module of this project that an imported name comes from."""
    while dotted not in MODULES and "." in dotted:
        dotted = dotted.rpartition(".")[0]
    return dotted if dotted in MODULES else None


def part(dotted: str) -> str:
    """The package (or root module) of spurious that a dotted name belongs to, or nothing."""
    return ([*dotted.split("."), ""])[1] if dotted.split(".")[0] == "spurious" else ""


@pytest.mark.parametrize("name", [name for name in MODULES if part(name)])
def test_imports_go_one_way(name: str) -> None:
    here = part(name)
    assert here in ORDER or here in (*FOR_ALL, "__main__"), f"{name}: a package with no place"
    above = ORDER[: ORDER.index(here) + 1] if here in ORDER else ()
    allowed = {"", *FOR_ALL, *(ORDER if here == "__main__" else above)}
    wrong = {dotted for dotted in imports(name) if part(dotted) not in allowed}
    assert not wrong, f"{name} may not import {sorted(wrong)}"


def test_no_import_cycles() -> None:
    """Late imports, and those for types alone, count too."""
    graph = {
        name: {m for dotted in imports(name) if (m := module_of(dotted))} - {name}
        for name in MODULES
    }
    assert list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("name", [n for n in MODULES if n.split(".")[0] == CHECKER])
def test_the_checker_uses_the_standard_library_alone(name: str) -> None:
    outside = {i.split(".")[0] for i in imports(name)} - sys.stdlib_module_names - {CHECKER}
    assert not outside, f"{name} may not import {sorted(outside)}"


def test_the_checker_is_no_longer_than_one_can_read() -> None:
    """All rules in one file. A new rule may raise this; anything else should lower it."""
    assert len(MODULES[CHECKER].read_text(encoding="utf-8").splitlines()) <= CHECKER_LINES


@pytest.mark.parametrize("name", [n for n in MODULES if n.split(".")[0] != CHECKER])
def test_few_use_the_checker(name: str) -> None:
    """No rule does: only who hands out verdicts, `check`, and the report, which keeps a copy."""
    uses = any(dotted.split(".")[0] == CHECKER for dotted in imports(name))
    asks = ("proof.refusal", "certify.check", "studies.report.page", "cli.check")
    allowed = name in {f"spurious.{module}" for module in asks}
    assert not uses or allowed, f"{name} may not import {CHECKER}"


@pytest.mark.parametrize("name", MODULES)
def test_types_are_checked_strictly_but_beside_libraries_without_types(name: str) -> None:
    if "\n# pyright: basic\n" in "\n" + MODULES[name].read_text(encoding="utf-8"):
        assert {dotted.split(".")[0] for dotted in imports(name)} & WITHOUT_TYPES, name


@pytest.mark.parametrize("name", PACKAGES)
def test_public_names_are_the_sorted_reexports(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    body = list(tree.body)
    for node in tree.body:  # what a type checker sees is what there is
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            body += node.body
    public = {
        alias.asname or alias.name
        for node in body
        if isinstance(node, ast.ImportFrom)
        and str(node.module).startswith(f"{name}.")
        and node.module != "spurious.late"
        for alias in node.names
        if not alias.name.startswith("_")
    }
    own = {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    package = importlib.import_module(name)
    listed = [n for n in getattr(package, "__all__", []) if n != "__version__"]
    assert set(listed) == public | {n for n in own if not n.startswith("_")}
    assert listed == sorted(listed, key=isort_style), "sort __all__ (ruff check --fix does)"
    assert all(hasattr(package, public_name) for public_name in listed)


@pytest.mark.parametrize("name", PACKAGES)
def test_what_is_imported_late_comes_from_where_it_is_said(name: str) -> None:
    """A name stays what it is when the module of that name is imported too."""
    package = importlib.import_module(name)
    for public, home in getattr(package, "_homes", {}).items():
        importlib.import_module(f"{name}.{public}" if f"{name}.{public}" in MODULES else home)
        assert getattr(package, public) is getattr(importlib.import_module(home), public)
        assert public in dir(package)
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        _ = package.nothing_of_this_name


def isort_style(name: str) -> tuple[int, str]:
    """Ruff's order: CONSTANTS, then Classes, then functions."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name


@pytest.mark.parametrize("name", [*MODULES, *PARTS])
def test_files_are_small_and_named_for_what_they_hold(name: str) -> None:
    lines = len({**MODULES, **PARTS}[name].read_text(encoding="utf-8").splitlines())
    if name != CHECKER:  # joined from small parts; it has to run from a copy of one file
        assert lines <= 500, f"{name} has {lines} lines; split it"
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert name.rpartition(".")[2].strip("_") not in drawers, f"name {name} for what it holds"


def test_changelog_and_version_agree() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    cited = re.search(r"^version: (\S+)", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert newest and cited
    assert importlib.import_module("spurious").__version__ == version == newest[1] == cited[1]
