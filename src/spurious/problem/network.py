"""The network's architecture: widths and activation."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from spurious.errors import InputError
from spurious.problem.number import shown
from spurious.program.functions import SMOOTH_ACTIVATIONS

MAX_WIDTH = 1_000_000
"""The widest layer that a problem may ask for; a guard against mistyped widths."""

HOMOGENEOUS: tuple[str, ...] = ("relu", "leaky_relu", "abs", "identity")
"""Activations with act(t z) = t act(z) for t >= 0: piecewise linear with their kink at 0."""

ACTIVATIONS: tuple[str, ...] = (*HOMOGENEOUS, *SMOOTH_ACTIVATIONS)
"""Every activation that a problem may name: those, and the smooth ones of the table."""


def shape_name(widths: Sequence[int]) -> str:
    """Units of layers in a word, such as 2-3-1."""
    return "-".join(map(str, widths))


@dataclass(frozen=True, slots=True)
class Network:
    """A fully connected network with one activation after each hidden layer and a linear output.

    With widths (d, h_1, ..., h_L, K) it computes, for an input x of shape (d,),
    z_1 = W_1 x + b_1, z_{l+1} = W_{l+1} act(z_l) + b_{l+1}, and returns z_{L+1} of shape (K,).

    Attributes:
        widths: Inputs, hidden units layer by layer, outputs; a list becomes a tuple.
        activation: One of `ACTIVATIONS`.
        slope: The slope of leaky_relu on the negative side; None for every other activation.

    Raises:
        InputError: If there are fewer than two widths, a width is no integer from 1 to a
            million, the activation is unknown, or `slope` is missing for leaky_relu or given for
            another activation.

    Examples:
        >>> from spurious import Network
        >>> network = Network([2, 3, 1], "relu")
        >>> network.inputs, network.hidden, network.outputs
        (2, (3,), 1)
    """

    widths: tuple[int, ...]
    activation: str
    slope: Fraction | None = None

    def __post_init__(self) -> None:
        if isinstance(self.widths, list):  # pyright: ignore[reportUnnecessaryIsInstance]
            object.__setattr__(self, "widths", tuple(self.widths))
        if not isinstance(self.widths, tuple) or len(self.widths) < 2:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(
                f"network.widths: found {shown(self.widths)}, expected at least 2 integers "
                "(inputs, hidden units, outputs), such as [2, 3, 1]"
            )
        for index, width in enumerate(self.widths):
            if type(width) is not int or not 1 <= width <= MAX_WIDTH:
                raise InputError(
                    f"network.widths[{index}]: found {shown(width)}, "
                    f"expected an integer from 1 to {MAX_WIDTH}"
                )
        if self.activation not in ACTIVATIONS:
            raise InputError(
                f"network.activation: found {shown(self.activation)}, "
                f"expected one of {', '.join(ACTIVATIONS)}"
            )
        self._check_slope()

    def _check_slope(self) -> None:
        if self.activation == "leaky_relu":
            if not isinstance(self.slope, Fraction):
                raise InputError(
                    f"network.slope: found {'nothing' if self.slope is None else shown(self.slope)}"
                    ', expected the exact slope of leaky_relu below zero, such as "1/100"'
                )
        elif self.slope is not None:
            raise InputError(
                f"network.slope: found {shown(self.slope)}, expected no slope for "
                f"{self.activation}; leave it out, or use the activation leaky_relu"
            )

    @property
    def inputs(self) -> int:
        """Number of inputs, d."""
        return self.widths[0]

    @property
    def outputs(self) -> int:
        """Number of outputs, K."""
        return self.widths[-1]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of each hidden layer, first to last."""
        return self.widths[1:-1]

    @property
    def shape_name(self) -> str:
        """The widths in a word, such as 2-3-1."""
        return shape_name(self.widths)

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.hidden)

    @property
    def parameter_count(self) -> int:
        """Number of weights and biases."""
        return sum(above * (below + 1) for below, above in pairwise(self.widths))

    @property
    def homogeneous(self) -> bool:
        """Whether the activation is positively homogeneous: act(t z) = t act(z) for t >= 0."""
        return self.activation in HOMOGENEOUS

    @property
    def slopes(self) -> tuple[Fraction, Fraction]:
        """Slopes of a homogeneous activation above and below zero.

        Raises:
            InputError: If the activation is not positively homogeneous.
        """
        if self.activation == "leaky_relu" and self.slope is not None:
            return Fraction(1), self.slope
        below = {"relu": 0, "abs": -1, "identity": 1}.get(self.activation)
        if below is None:
            raise InputError(
                f"network.activation: found {self.activation}, which has no constant slopes; "
                f"expected one of {', '.join(HOMOGENEOUS)}"
            )
        return Fraction(1), Fraction(below)
