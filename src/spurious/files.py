"""Files that are either complete or absent, and journals of work that can go on."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from spurious.errors import InputError

__all__ = ["Journal", "make_folder", "private_folder", "write_atomically", "write_json"]


def make_folder(path: Path) -> None:
    """Makes a folder and those above it, if they are missing.

    Raises:
        InputError: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot make this folder ({error.strerror})") from None


def private_folder(name: str) -> str:
    """A folder among the temporary files that nobody else can write; "" if there is none.

    What is in a cache may be run, so a folder that another user has made is never taken.

    Args:
        name: What it is for, in one word.
    """
    if not hasattr(os, "getuid"):
        return ""
    path = Path(tempfile.gettempdir()) / f"spurious-{name}-{os.getuid()}"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError:
        return ""
    own = found.st_uid == os.getuid() and stat.S_ISDIR(found.st_mode)
    return str(path) if own and not found.st_mode & 0o077 else ""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file under a temporary name beside it, then renames it.

    Args:
        path: Where to write; the folder exists. A link is followed.
        content: Bytes, or text to be written as UTF-8.

    Raises:
        InputError: The file cannot be written.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary: Path | None = None
    target = path.resolve() if path.is_symlink() else path
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); choose another path"
        ) from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Writes JSON, readable and complete.

    Raises:
        InputError: The file cannot be written.
    """
    write_atomically(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


class Journal:
    """Finished parts of a long work, one line of JSON each, so that an interrupted run can go on.

    The first line says what the work is. A torn last line is dropped.

    Args:
        path: The file, made at the first entry, or None to keep nothing.
        heading: What the work is, as JSON data.

    Attributes:
        entries: What is finished, as JSON data.
        other: Whether the file held another work's parts; they are replaced at the first entry.

    Raises:
        InputError: The file cannot be read.
    """

    def __init__(self, path: Path | None, heading: object) -> None:
        self.path = path
        self.heading = json.dumps(heading)
        self.entries: list[Any] = []
        lines: list[str] = []
        if path is not None and path.exists():
            try:
                lines = path.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"{path}: cannot be read ({error})") from None
        self.other = bool(lines) and lines[0] != self.heading
        if not self.other:
            self.entries = list(_whole(lines[1:]))
        self._started = False

    def add(self, entry: object) -> None:
        """Records a finished part, durably if there is a file.

        Raises:
            InputError: The file cannot be written.
        """
        self.entries.append(entry)
        if self.path is None:
            return
        if not self._started:
            lines = [self.heading, *map(_line, self.entries)]
            write_atomically(self.path, "\n".join(lines) + "\n")
            self._started = True
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(entry) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error.strerror})") from None


def _line(entry: object) -> str:
    return json.dumps(entry, separators=(",", ":"))


def _whole(lines: list[str]) -> Iterator[Any]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return


def _umask() -> int:
    """The permissions that new files are denied."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
