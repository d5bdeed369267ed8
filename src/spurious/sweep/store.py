"""The result store: a folder of Parquet parts with a manifest, on this machine or any fsspec URL.

    STORE/plan.toml             the plan
    STORE/manifest.json         what is done: every part's rows and hash
    STORE/parts/<shard>.parquet the rows of a shard
    STORE/failed/<shard>.json   why a shard failed
    STORE/checkpoints/          where large networks were when training stopped

One Parquet file of rows, such as those of docs/results, can be read as a store, too.

A file is complete or absent: on this machine it is written under a temporary name, flushed to the
disk and renamed; object stores put whole objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import fsspec  # pyright: ignore[reportMissingTypeStubs]
from fsspec.implementations.local import (  # pyright: ignore[reportMissingTypeStubs]
    LocalFileSystem,
)

from spurious.errors import InputError
from spurious.files import make_folder, write_atomically

MANIFEST: Final = "manifest.json"
PLAN: Final = "plan.toml"
PARTS: Final = "parts"
FAILED: Final = "failed"
CHECKPOINTS: Final = "checkpoints"
TEMPORARY: Final = "."
ROWS: Final = ".parquet"
FORMAT: Final = "spurious-sweep/1"

_KEYS: Final = {"name", "engine", "seed", "runs", "shard", "cells", "shards", "parts", "failed"}


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """A result store.

    Attributes:
        url: What the user called it.
        files: The file system it is on.
        root: Its folder there.
    """

    url: str
    files: Any
    root: str

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        return isinstance(self.files, LocalFileSystem)

    @property
    def lone(self) -> bool:
        """Whether it is one Parquet file of rows, without plan and manifest."""
        return self.root.endswith(ROWS) and bool(self.files.isfile(self.root))

    def path(self, name: str) -> str:
        """Where a file of the store is, such as "parts/x.parquet"."""
        return f"{self.root}/{name}"

    def write(self, name: str, content: bytes) -> None:
        """Writes a file, completely or not at all.

        Raises:
            InputError: It cannot be written.
        """
        path = self.path(name)
        try:
            if not self.local:
                self.files.pipe_file(path, content)
                return
            make_folder(Path(path).parent)
            write_atomically(Path(path), content)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None

    def read(self, name: str) -> bytes | None:
        """A file's content, or None if there is no such file.

        Raises:
            InputError: It cannot be read.
        """
        try:
            content: bytes = self.files.cat_file(self.path(name))
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            raise InputError(
                f"{self.url}: found a file, expected the folder of a sweep, or a .parquet file"
            ) from None
        except OSError as error:
            raise InputError(f"{self.path(name)}: cannot be read ({error.strerror})") from None
        return content

    def remove(self, name: str) -> None:
        """Removes a file, if it is there."""
        if self.files.exists(self.path(name)):
            self.files.rm_file(self.path(name))

    def names(self, folder: str) -> list[str]:
        """The names of the files in one of its folders, sorted; temporary ones are removed."""
        path = self.path(folder)
        if not self.files.exists(path):
            return []
        found: list[str] = []
        for entry in self.files.ls(path, detail=False):
            name = str(entry).rstrip("/").rpartition("/")[2]
            if name.startswith(TEMPORARY):
                self.files.rm_file(f"{path}/{name}")
            else:
                found.append(name)
        return sorted(found)

    def manifest(self) -> dict[str, Any] | None:
        """The manifest, or None if there is none.

        Raises:
            InputError: There is one that is not ours.
        """
        content = None if self.lone else self.read(MANIFEST)
        if content is None:
            return None
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        ours = isinstance(found, dict) and found.get("format") == FORMAT and found.keys() >= _KEYS  # pyright: ignore
        if not ours:
            raise InputError(
                f"{self.path(MANIFEST)}: found no manifest of a sweep; remove the file, it will be "
                "made again from the parts"
            )
        return found  # pyright: ignore

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Writes the manifest."""
        text = json.dumps({"format": FORMAT, **manifest}, indent=1, ensure_ascii=False)
        self.write(MANIFEST, text.encode() + b"\n")

    def part(self, shard: str, count: int) -> dict[str, Any] | None:
        """What the manifest says of a part, read from the part; None if it is not whole."""
        content = self.read(part_name(shard))
        from spurious.sweep.part import part_entry  # pyarrow is slow to import

        return None if content is None else part_entry(content, shard, count)

    def parts(self) -> Iterator[str]:
        """The paths of the parts that the manifest lists, or of the one file of rows.

        Raises:
            InputError: There is no manifest, so there is no store.
        """
        if self.lone:
            yield self.root
            return
        manifest = self.manifest()
        if manifest is None:
            raise InputError(f"{self.url}: found no sweep there, expected a store of `sweep run`")
        for entry in manifest["parts"]:
            yield self.path(part_name(entry["shard"]))


def part_name(shard: str) -> str:
    """The file of a shard."""
    return f"{PARTS}/{shard}{ROWS}"


def open_store(url: str | Path) -> Store:
    """A store at a folder or fsspec URL; nothing is read or made yet.

    Raises:
        InputError: The URL names no known file system.
    """
    text = str(url)
    try:
        found: Any = fsspec.core.url_to_fs(text)  # pyright: ignore
    except (ValueError, ImportError) as error:
        raise InputError(f"store: found {text!r}: {error}") from None
    files, root = found
    return Store(text, files, root.rstrip("/"))
