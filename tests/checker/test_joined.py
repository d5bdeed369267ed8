"""The shipped file is what its parts under checker/ make."""

import ast
import runpy
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_shipped_file_is_joined_from_its_parts() -> None:
    """If not: python checker/join.py."""
    script = runpy.run_path(str(ROOT / "checker" / "join.py"))
    shipped = (ROOT / "src" / "spurious_checker.py").read_text(encoding="utf-8")
    assert script["joined"]() == shipped
    parts = {path.stem for path in (ROOT / "checker").glob("*.py")}
    assert parts == {*script["PARTS"], "__init__", "join"}


def test_no_name_is_defined_in_two_parts() -> None:
    """In the shipped file the second would replace the first."""
    names = Counter[str]()
    for path in (ROOT / "checker").glob("*.py"):
        if path.stem in ("__init__", "join"):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names[node.name] += 1
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names.update(t.id for t in targets if isinstance(t, ast.Name))
    assert not [name for name, count in names.items() if count > 1]
