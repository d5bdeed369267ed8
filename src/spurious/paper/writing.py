"""Files that are either complete or absent."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from spurious.errors import InputError

__all__ = ["make_folder", "write_atomically", "write_json"]


def make_folder(path: Path) -> None:
    """Makes a folder and those above it, if they are missing.

    Raises:
        InputError: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot make this folder ({error.strerror})") from None


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file under a temporary name beside it, then renames it.

    Args:
        path: Where to write; the folder exists.
        content: Bytes, or text to be written as UTF-8.

    Raises:
        InputError: The file cannot be written.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary: Path | None = None
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
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


def _umask() -> int:
    """The permissions that new files are denied."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
