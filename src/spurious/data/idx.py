"""IDX files, the format of MNIST: a magic number, the sizes, then the bytes."""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.errors import InputError

_UNSIGNED_BYTE: Final = 8
_GZIP: Final = b"\x1f\x8b"
_LARGEST: Final = 2**30
"""More entries than this are taken for a damaged header."""


def read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """Reads an IDX file of unsigned bytes, plain or compressed with gzip.

    The format is two zero bytes, the type (8: unsigned byte), the number of dimensions, each size
    as a big-endian 32-bit integer, and the entries, the last index fastest.

    Args:
        path: The file.
        dimensions: How many it must have: 1 for labels, 3 for images.

    Raises:
        InputError: It cannot be read, is no such file, or is longer or shorter than it says.

    Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
    """
    content = _content(path)
    header = 4 + 4 * dimensions
    expected = f"expected an IDX file of unsigned bytes with {dimensions} dimensions"
    if len(content) < header:
        raise InputError(f"{path}: found {len(content)} bytes, {expected}")
    zero, kind, found = struct.unpack(">HBB", content[:4])
    if zero != 0 or kind != _UNSIGNED_BYTE:
        raise InputError(f"{path}: found the magic number {content[:4].hex()}, {expected}")
    if found != dimensions:
        raise InputError(f"{path}: found {found} dimensions, {expected}")
    sizes = struct.unpack(f">{dimensions}I", content[4:header])
    entries = prod(sizes)
    shape = " x ".join(map(str, sizes))
    if not 0 < entries <= _LARGEST:
        raise InputError(f"{path}: found the sizes {shape}, expected between 1 and 2^30 entries")
    if len(content) - header != entries:
        kind = "truncated" if len(content) - header < entries else "too long"
        raise InputError(
            f"{path}: found {len(content) - header} entries, expected {entries} ({shape}); the "
            f"file is {kind}, fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(sizes)


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw.startswith(_GZIP) else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: found a damaged gzip file ({error}), expected a whole one; fetch it again"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
