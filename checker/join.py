"""Joins the parts of the checker to the one file that is shipped: `python checker/join.py`.

The docstring of the package comes first, then one block of imports, then the parts as they are.
"""

from __future__ import annotations

import ast
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parent / "src" / "spurious_checker.py"
PARTS = ("bounds", "numbers", "functions", "reading", "arrays", "network", "programs",
         "derivatives", "dense", "matrices", "cases", "minima", "boxes", "constants", "valleys",
         "merging", "optimum", "faces", "kinked", "penalised", "interpolation", "claims",
         "command")  # fmt: skip


def joined() -> str:
    """The text of the shipped file."""
    plain, named, bodies = set[str](), dict[str, set[str]](), list[str]()
    for part in PARTS:
        text = (HERE / f"{part}.py").read_text(encoding="utf-8")
        docstring, *nodes = ast.parse(text).body
        body = text.splitlines()[docstring.end_lineno or 0 :]
        for node in nodes:
            if isinstance(node, ast.Import):
                plain |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                if not str(node.module).startswith("checker."):
                    named.setdefault(str(node.module), set()).update(a.name for a in node.names)
            else:
                continue
            start, end = node.lineno, node.end_lineno or 0
            shift = docstring.end_lineno or 0
            body[start - 1 - shift : end - shift] = [""] * (end - start + 1)
        title, *more = ast.literal_eval(ast.unparse(docstring)).strip().split("\n")
        heading = [f"# ---- {title} ".ljust(100, "-"), *(f"# {line}" for line in more if line)]
        bodies.append("\n".join(heading) + "\n\n\n" + "\n".join(body).strip())
    future = named.pop("__future__")
    imports = [f"import {name}" for name in sorted(plain)]
    imports += [f"from {module} import {', '.join(sorted(named[module], key=isort_order))}"
                for module in sorted(named)]  # fmt: skip
    head = (HERE / "__init__.py").read_text(encoding="utf-8").strip()
    first = f"from __future__ import {', '.join(future)}\n\n" + "\n".join(imports)
    return "\n\n".join((head, first, "\n\n\n".join(bodies))) + "\n"


def isort_order(name: str) -> tuple[bool, str]:
    """Classes, then functions."""
    return name[0].islower(), name


if __name__ == "__main__":
    TARGET.write_text(joined(), encoding="utf-8")
