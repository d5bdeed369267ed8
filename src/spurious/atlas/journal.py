"""Finished parts of an atlas on disk, one line each, so that an interrupted run can go on."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TextIO

from spurious.errors import InputError
from spurious.problem import Problem, problem_to_data

__all__ = ["Journal", "open_journal"]

VERSION: Final = 1
"""Changes when the same problem would give other lines."""


class Journal:
    """Finished parts by name.

    Attributes:
        parts: What is finished: JSON data by name.
    """

    def __init__(self, parts: dict[str, Any], file: TextIO | None) -> None:
        self.parts = parts
        self._file = file

    def add(self, name: str, data: object) -> None:
        """Records a finished part, durably if there is a file.

        Raises:
            InputError: The file cannot be written.
        """
        self.parts[name] = data
        if self._file is None:
            return
        try:
            self._file.write(json.dumps([name, data], separators=(",", ":")) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise InputError(f"{self._file.name}: cannot be written ({error.strerror})") from None


@contextmanager
def open_journal(path: Path | None, problem: Problem) -> Generator[Journal]:
    """Opens a journal; lines of another problem, and a torn last line, are dropped.

    Args:
        path: The file, or None to keep nothing.
        problem: What the parts belong to; its points do not matter.

    Raises:
        InputError: The file cannot be read or written.
    """
    if path is None:
        yield Journal({}, None)
        return
    bare = Problem(problem.network, problem.loss, problem.data)
    text = json.dumps(problem_to_data(bare), sort_keys=True)
    heading = json.dumps(["problem", f"{VERSION}:{sha256(text.encode()).hexdigest()}"])
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        known = list(_finished(lines[1:])) if lines[:1] == [heading] else []
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(heading + "\n")
            for name, data in known:
                file.write(json.dumps([name, data], separators=(",", ":")) + "\n")
        fresh.replace(path)
        with path.open("a", encoding="utf-8") as file:
            yield Journal(dict(known), file)
    except OSError as error:
        raise InputError(f"{path}: cannot be used ({error.strerror})") from None


def _finished(lines: list[str]) -> Iterator[tuple[str, Any]]:
    for line in lines:
        try:
            name, data = json.loads(line)
        except ValueError:
            return
        yield name, data
