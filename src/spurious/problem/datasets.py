"""Built-in datasets: those of the paper, and smaller sigmoid deadlocks."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from spurious.errors import InputError
from spurious.problem.dataset import Dataset, dataset_from_arrays
from spurious.problem.loss import Loss
from spurious.problem.number import shown

_PAPER = (
    "Swirszcz, Czarnecki, Pascanu, Local minima in training of neural networks, arXiv 1611.06310"
)
_HERE = f"found by this project, after {_PAPER} (v2, Theorem 1)"

_Rows: TypeAlias = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A dataset that comes with the package.

    Attributes:
        name: Its name in `DATASETS`.
        description: One line on what it is.
        citation: Where it comes from.
        loss: The loss that it is used with.
        data: The points.
    """

    name: str
    description: str
    citation: str
    loss: Loss
    data: Dataset

    @property
    def arrays(self) -> tuple[list[list[Fraction]], list[list[Fraction]]]:
        """Inputs and targets, as `spurious.problem(x, y)` takes them."""
        return [list(row) for row in self.data.x], [list(row) for row in self.data.y]


def datasets() -> tuple[BuiltIn, ...]:
    """All built-in datasets.

    Examples:
        >>> import spurious
        >>> [found.name for found in spurious.datasets()][:3]
        ['xor', 'jellyfish', 'd1']
    """
    return tuple(_BUILT_IN.values())


def dataset(name: str) -> BuiltIn:
    """Return a built-in dataset.

    Args:
        name: One of `DATASETS`.

    Raises:
        InputError: If there is no dataset of that name.

    Examples:
        >>> import spurious
        >>> spurious.dataset("d1").data.x[0], spurious.dataset("d1").loss
        ((Fraction(5, 1),), <Loss.SQUARED: 'squared'>)
    """
    found = _BUILT_IN.get(name)
    if found is None:
        raise InputError(
            f"dataset: found the unknown name {shown(name)}, expected one of {', '.join(DATASETS)}"
        )
    return found


def _two_classes(
    name: str, description: str, citation: str, positive: _Rows, negative: _Rows
) -> BuiltIn:
    """Build a dataset for the logistic loss, targets +1 then -1."""
    targets = [[1]] * len(positive) + [[-1]] * len(negative)
    data = dataset_from_arrays(positive + negative, targets)
    return BuiltIn(name, description, citation, Loss.LOGISTIC, data)


def _curve(
    name: str, description: str, citation: str, pairs: tuple[tuple[int, int], ...]
) -> BuiltIn:
    """Build a regression dataset with one input, for the squared loss."""
    data = dataset_from_arrays([[x] for x, _ in pairs], [[y] for _, y in pairs])
    return BuiltIn(name, description, citation, Loss.SQUARED, data)


def _deadlock(count: int, citation: str, rows: tuple[tuple[str, str, int], ...]) -> BuiltIn:
    """Build a dataset on which a 2-2-1 sigmoid network has a strict bad minimum."""
    data = dataset_from_arrays([row[:2] for row in rows], [[row[2]] for row in rows])
    description = (
        f"{count} points on which a 2-2-1 sigmoid network has a strict spurious local minimum"
    )
    return BuiltIn(f"deadlock{count}", description, citation, Loss.LOGISTIC, data)


_ALL = (
    _two_classes(
        "xor",
        "exclusive or: the four corners of the unit square",
        f"{_PAPER} (v1, Table 1)",
        (("0", "1"), ("1", "0")),
        (("0", "0"), ("1", "1")),
    ),
    _two_classes(
        "jellyfish",
        "four points, a flattened exclusive or",
        f"{_PAPER} (v1, Table 1)",
        (("1.0", "0.0"), ("0.2", "0.6")),
        (("0.0", "1.0"), ("0.6", "0.2")),
    ),
    _curve(
        "d1",
        "five points on a line with a bad minimum for one ReLU unit",
        f"{_PAPER} (v1, Proposition 1)",
        ((5, 2), (4, 1), (3, 0), (1, -3), (-1, 3)),
    ),
    _curve(
        "d2",
        "six points on a line with a bad minimum for two ReLU units",
        f"{_PAPER} (v1, Proposition 2)",
        ((-1, 5), (0, 0), (1, -1), (10, -3), (11, -4), (12, -5)),
    ),
    _curve(
        "d3",
        "six points on a line with a bad minimum for three ReLU units",
        f"{_PAPER} (v1, Proposition 3)",
        ((-1, 3), (0, 0), (1, -1), (10, -3), (11, -4), (12, -6)),
    ),
    _deadlock(
        10,
        f"{_PAPER} (v2, Theorem 1)",
        (
            ("2.8", "0.4", 1),
            ("3.1", "4.3", 1),
            ("0.1", "-3.4", 1),
            ("-4.2", "-3.3", 1),
            ("-0.5", "0.2", 1),
            ("-2.7", "-0.4", -1),
            ("-3.0", "-4.3", -1),
            ("-0.1", "3.4", -1),
            ("4.2", "3.2", -1),
            ("0.4", "-0.1", -1),
        ),
    ),
    _deadlock(
        9,
        _HERE,
        (
            ("-4.9", "0.6", 1),
            ("2.5", "-7.0", 1),
            ("-2.4", "-7.6", -1),
            ("-8.0", "0.9", -1),
            ("3.3", "2.8", -1),
            ("1.0", "3.1", 1),
            ("3.9", "0.8", 1),
            ("-1.4", "-7.4", 1),
            ("0.8", "0.4", -1),
        ),
    ),
    _deadlock(
        8,
        _HERE,
        (
            ("-9.67", "-1.04", -1),
            ("-0.15", "4.36", -1),
            ("-0.07", "-3.55", -1),
            ("-0.13", "0.79", 1),
            ("8.61", "1.93", -1),
            ("-9.82", "-2.97", 1),
            ("8.47", "3.74", 1),
            ("-0.10", "-3.02", 1),
        ),
    ),
    _deadlock(
        7,
        _HERE,
        (
            ("1.586", "-9.329", 1),
            ("1.709", "-10.004", -1),
            ("-9.316", "0.747", 1),
            ("-10.002", "0.825", -1),
            ("-1.083", "7.481", 1),
            ("-0.038", "-0.282", -1),
            ("7.491", "-0.788", 1),
        ),
    ),
)
_BUILT_IN = {built_in.name: built_in for built_in in _ALL}

DATASETS: tuple[str, ...] = tuple(_BUILT_IN)
"""The names of the built-in datasets."""
