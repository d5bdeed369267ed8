"""The data: inputs and targets."""

from dataclasses import dataclass
from fractions import Fraction

from spurious.errors import InputError
from spurious.problem.number import unwrapped
from spurious.problem.table import check_matrix, items, matrix


@dataclass(frozen=True, slots=True, repr=False)
class Dataset:
    """A finite dataset with exact entries.

    Attributes:
        x: Inputs, shape (n, d).
        y: Targets, shape (n, K); for cross entropy integer labels, shape (n, 1).

    Raises:
        InputError: If there is no point, the rows are ragged, or x and y differ in length.

    Examples:
        >>> import spurious
        >>> data = spurious.dataset("d1").data
        >>> data.size, data.inputs, data.y[3]
        (5, 1, (Fraction(-3, 1),))
    """

    x: tuple[tuple[Fraction, ...], ...]
    y: tuple[tuple[Fraction, ...], ...]

    def __post_init__(self) -> None:
        check_matrix(self.x, "data.x")
        check_matrix(self.y, "data.y")
        if len(self.x) != len(self.y):
            raise InputError(
                f"data.y: found {len(self.y)} rows, expected {len(self.x)}, "
                "one for each row of data.x"
            )

    @property
    def size(self) -> int:
        """Number of points, n."""
        return len(self.x)

    def __repr__(self) -> str:
        outputs = len(self.y[0])
        return f"<Dataset: {self.size} points, {self.inputs} to {outputs} numbers>"

    @property
    def inputs(self) -> int:
        """Number of inputs of each point, d."""
        return len(self.x[0])


def dataset_from_arrays(x: object, y: object) -> Dataset:
    """Build a dataset from lists or arrays; floats keep their exact dyadic value.

    Args:
        x: Inputs, shape (n, d).
        y: Targets, shape (n, K), or (n,) for one output.

    Raises:
        InputError: If an entry is no finite number or the shapes do not fit.
    """
    targets = items(y, "data.y", "rows of numbers")
    flat = all(not isinstance(unwrapped(entry), list | tuple) for entry in targets)
    column = [[entry] for entry in targets] if flat else targets
    return Dataset(matrix(x, "data.x"), matrix(column, "data.y"))
