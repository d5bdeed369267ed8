"""The shipped file is what its parts under checker/ make."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_shipped_file_is_joined_from_its_parts() -> None:
    """If not: python checker/join.py."""
    script = runpy.run_path(str(ROOT / "checker" / "join.py"))
    shipped = (ROOT / "src" / "spurious_checker.py").read_text(encoding="utf-8")
    assert script["joined"]() == shipped
    parts = {path.stem for path in (ROOT / "checker").glob("*.py")}
    assert parts == {*script["PARTS"], "__init__", "join"}
