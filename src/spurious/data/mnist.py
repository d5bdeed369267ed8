"""MNIST, from a folder that the user names, or fetched once into the user's cache.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
recognition", Proceedings of the IEEE 86 (1998). CC BY-SA 3.0.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spurious.data.idx import read_idx
from spurious.errors import InputError
from spurious.late import require

FOLDER_VARIABLE: Final = "SPURIOUS_DATA"
"""The environment variable that names the folder with the files."""

MIRRORS: Final = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

HASHES: Final = {
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
"""SHA-256 of each file as it is distributed, compressed with gzip."""

SIDE: Final = 28
CLASSES: Final = 10
_PREFIXES: Final = {"train": "train", "test": "t10k"}


def mnist(
    part: str, folder: Path | None = None, mirrors: Sequence[str] = MIRRORS
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Images and labels.

    Args:
        part: "train", 60,000 images, or "test", 10,000.
        folder: Where the files are, plain or compressed; by default the folder that
            `SPURIOUS_DATA` names, and without it the user's cache, into which they are fetched.
        mirrors: Where to fetch from, tried in turn.

    Returns:
        Grey values of shape (n, 784), from 0 to 255, and labels of shape (n,).

    Raises:
        InputError: The files are not there, cannot be fetched, or are not MNIST.
    """
    if part not in _PREFIXES:
        raise InputError(f"mnist: found the part {part!r}, expected train or test")
    named = os.environ.get(FOLDER_VARIABLE, "")
    if folder is None and named:
        folder = Path(named)
    names = [f"{_PREFIXES[part]}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
    paths = [_fetched(n, mirrors) if folder is None else _beside(folder, n) for n in names]
    images, labels = read_idx(paths[0], 3), read_idx(paths[1], 1)
    if images.shape[1:] != (SIDE, SIDE):
        shape = " x ".join(map(str, images.shape[1:]))
        raise InputError(f"{paths[0]}: found images of {shape} pixels, expected 28 x 28")
    if len(labels) != len(images):
        raise InputError(
            f"{paths[1]}: found {len(labels)} labels, expected {len(images)}, one for each image"
        )
    if labels.max() >= CLASSES:
        raise InputError(f"{paths[1]}: found the label {labels.max()}, expected 0 to 9")
    return images.reshape(len(images), -1), labels.astype(np.int64)


def _beside(folder: Path, name: str) -> Path:
    """A file in the user's folder."""
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise InputError(
        f"{folder}: found no file {name}.gz or {name}; put MNIST's files there, or unset "
        f"{FOLDER_VARIABLE} to have them fetched"
    )


def _fetched(name: str, mirrors: Sequence[str]) -> Path:
    """A file in the cache, from the first mirror that has it whole."""
    require("pooch", "large")
    import pooch  # pyright: ignore[reportMissingTypeStubs]

    cache = Path(str(pooch.os_cache("spurious")))
    file = f"{name}.gz"
    reasons: list[str] = []
    retrieve: Any = pooch.retrieve  # pyright: ignore
    level = pooch.get_logger().level
    pooch.get_logger().setLevel("ERROR")
    try:
        for mirror in mirrors:
            try:
                path = retrieve(mirror + file, f"sha256:{HASHES[name]}", file, cache)
            except Exception as error:  # whatever the network does; the next mirror may do better
                reasons.append(f"{mirror}: {_reason(error)}")
            else:
                return Path(path)
    finally:
        pooch.get_logger().setLevel(level)
    raise InputError(
        f"mnist: {file} could not be fetched ({'; '.join(reasons)}); put MNIST's files into a "
        f"folder and name it with --data or {FOLDER_VARIABLE}"
    )


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "does not match the known hash" in text:
        return "the file there has another checksum"
    return text if len(text) <= 80 else f"{type(error).__name__}"
