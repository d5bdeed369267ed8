"""The option that names the folder with MNIST."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from spurious.errors import InputError

__all__ = ["DataOption", "name_data_folder"]

DataOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        envvar="SPURIOUS_DATA",
        help="Folder with MNIST's files; without it they are fetched into the user's cache.",
    ),
]


def name_data_folder(folder: Path | None) -> None:
    """Makes a folder the place where this process looks for MNIST.

    Raises:
        InputError: There is no such folder.
    """
    if folder is None:
        return
    if not folder.is_dir():
        raise InputError(f"data: found no folder {folder}, expected one with MNIST's files")
    from spurious.data import FOLDER_VARIABLE

    os.environ[FOLDER_VARIABLE] = str(folder)
