"""All sets of programs, by name, in the order in which they were written down."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Final

from public_cases.program import Case

IN_A_FILE: Final = {"early": "cases", "first": "first_half", "second": "second_half"}
"""The first sets, by the file that holds each; the others have folders."""

ORDER: Final = [
    "early",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty_first",
    "twenty_second",
]


def _cases(name: str) -> list[Case]:
    if name in IN_A_FILE:
        return import_module(f"public_cases.{IN_A_FILE[name]}").CASES
    folder = import_module(f"public_cases.{name}")
    parts = [part.name for part in pkgutil.iter_modules(folder.__path__)]
    return [case for part in parts for case in import_module(f"public_cases.{name}.{part}").CASES]


SETS: Final = {name: _cases(name) for name in ORDER}
