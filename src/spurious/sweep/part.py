# pyright: basic
"""Parts: the rows of a shard as a Parquet file. Only this file knows Arrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from spurious.sweep.axes import AXES, Label, named_labels
from spurious.train import Outcome

_TYPES = {
    **dict.fromkeys(AXES, pa.string()),
    "l2": pa.float64(),
    "biases": pa.bool_(),
    "step_size": pa.float64(),
    "weight_decay": pa.float64(),
    "tolerance": pa.float64(),
    "updates": pa.int64(),
    "batch": pa.int64(),
}


def part_bytes(
    name: str, labels: tuple[Label, ...], seed: int, columns: Mapping[str, npt.NDArray[Any]]
) -> bytes:
    """Rows as a Parquet file: the same rows give the same bytes.

    Args:
        name: The shard's name, kept in the file.
        labels: The cell's value on each of `AXES`; each becomes a column, but for those of `LATER`
            that were left out.
        seed: The sweep's, a column too.
        columns: As `train_and_name` or `large.rows` returns them.
    """
    count = len(columns["index"])
    cell = {
        axis: pa.array([label] * count, type=_TYPES[axis])
        for axis, label in named_labels(labels).items()
    }
    unsolved = columns["outcome"] != Outcome.SOLVED
    every = np.ones(count, np.bool_)
    rows = {
        column: _column(values, unsolved if column == "parameters" else every)
        for column, values in columns.items()
    }
    assert not rows.keys() & cell.keys()
    seeds = pa.array(np.full(count, seed, np.uint64))
    table = pa.table({**cell, "seed": seeds, **rows}, metadata={"shard": name})
    out = BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _column(values: npt.NDArray[Any], kept: npt.NDArray[np.bool_]) -> Any:
    """A column; rows of a matrix become lists, null where they are not kept."""
    if values.ndim == 1:
        return pa.array(values.tolist() if values.dtype.kind == "U" else values)
    ends = np.cumsum(np.where(kept, values.shape[1], 0))
    offsets = pa.array(np.concatenate([[0], ends]).astype(np.int32))
    flat = pa.array(values[kept].ravel())
    return pa.ListArray.from_arrays(offsets, flat, mask=pa.array(~kept))


def part_entry(content: bytes, name: str, count: int) -> dict[str, Any] | None:
    """A part's entry in the manifest, or None if it is damaged or another shard's."""
    try:
        file = pq.ParquetFile(BytesIO(content))
    except (pa.ArrowInvalid, OSError):
        return None
    if file.metadata.num_rows != count:
        return None
    if (file.schema_arrow.metadata or {}).get(b"shard") != name.encode():
        return None
    digest = sha256(content).hexdigest()
    return {"shard": name, "rows": count, "bytes": len(content), "sha256": digest}


def part_outcomes(content: bytes) -> Mapping[str, int]:
    """How many of a part's runs had which outcome."""
    return Counter(pq.read_table(BytesIO(content), columns=["outcome"])["outcome"].to_pylist())
