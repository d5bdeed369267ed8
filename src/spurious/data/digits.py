"""The 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn.

Source: E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning
Repository (1998); the test half.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spurious.late import require

DARKEST: Final = 16


def digits() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Grey values from 0 to 1, shape (1797, 64), and labels, shape (1797,).

    Raises:
        InputError: scikit-learn is missing.
    """
    require("sklearn", "large")
    from sklearn import datasets  # pyright: ignore[reportMissingTypeStubs]

    load: Any = datasets.load_digits  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    bunch = load()
    return (bunch.data / DARKEST).astype(np.float32), bunch.target.astype(np.int64)
