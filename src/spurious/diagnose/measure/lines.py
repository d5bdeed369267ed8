# pyright: basic
"""Lines of the user's program."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Final

import torch

INSIDE: Final = (str(Path(torch.__file__).parent), str(Path(__file__).parents[1]))
"""Folders whose lines are not the user's."""


def line_of_the_user() -> str:
    """The line that is being run: file, number and text; "" if there is none."""
    for frame in reversed(traceback.extract_stack()):
        if not frame.filename.startswith(INSIDE):
            text = f": {frame.line}" if frame.line else ""
            return f"{Path(frame.filename).name}:{frame.lineno}{text}"
    return ""
