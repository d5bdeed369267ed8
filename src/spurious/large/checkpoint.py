"""Checkpoints: the state of an ensemble as a safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from spurious.late import require


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """An ensemble's state.

    Attributes:
        members: A name for each network.
        step: Updates made.
        arrays: As `State.arrays` gives them.
    """

    members: tuple[str, ...]
    step: int
    arrays: Mapping[str, npt.NDArray[Any]]

    def of(self, members: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """The arrays of some of its networks."""
        if tuple(members) == self.members:
            return dict(self.arrays)
        chosen = [self.members.index(name) for name in members]
        seen = ("losses", "correct")
        return {
            key: value[:, chosen] if key in seen else value[chosen] if value.ndim else value
            for key, value in self.arrays.items()
        }


def checkpoint_name(members: Sequence[str]) -> str:
    """The file of an ensemble, the same for the same networks in the same order."""
    return f"{sha256(json.dumps(list(members)).encode()).hexdigest()[:32]}.safetensors"


def checkpoint_bytes(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as a file.

    Raises:
        InputError: safetensors is missing.
    """
    require("safetensors", "large")
    from safetensors.numpy import save

    metadata = {"members": json.dumps(checkpoint.members), "step": str(checkpoint.step)}
    # A copy: safetensors writes the memory as it lies.
    arrays = {key: np.array(value, order="C") for key, value in checkpoint.arrays.items()}
    return save(arrays, metadata)


def read_checkpoint(content: bytes) -> Checkpoint | None:
    """The checkpoint in a file, or None if it is damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(content)
        size = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + size])["__metadata__"]
        members = tuple(json.loads(metadata["members"]))
        return Checkpoint(members, int(metadata["step"]), arrays)
    except (SafetensorError, ValueError, KeyError):
        return None
