"""What a rule is given, what it returns, and a network evaluated exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from checker.arrays import MAX_MAGNITUDE, Numbers
from checker.derivatives import Box, evaluated
from checker.network import Problem, Units, hinge_slopes, loss_slopes
from checker.numbers import Invalid, Number, require
from checker.programs import Program
from checker.reading import (
    Json,
    as_int,
    as_object,
    as_table,
    as_text,
    positive,
    read_layers,
    read_row,
)


@dataclass(frozen=True)
class Case:
    """What a rule is given."""

    program: Program  # the loss and the point
    claim: Json  # all its keys are there
    bits: int
    layered: bool  # points are written in layers (section 1); in format 1 rational losses as such

    @property
    def nearby(self) -> bool:
        """Whether the claim is about a point nearby."""
        return as_text(self.claim["verdict"]).endswith("_nearby")

    @property
    def eigenvalue(self) -> Fraction:
        """The eigenvalue bound claimed."""
        return positive(self.claim["eigenvalue_bound"])

    @property
    def problem(self) -> Problem:
        """The dense problem."""
        if self.program.dense is None:
            raise Invalid("the rule is for dense networks")
        return self.program.dense

    def exact(self, point: Sequence[Fraction]) -> Numbers:
        """A point or direction, for values that are exact as long as they are rational."""
        return Numbers(point, self.bits, None if self.program.layers else MAX_MAGNITUDE)

    @cached_property
    def values(self) -> list[Numbers]:
        """The values of all steps at the problem's point."""
        return evaluated(self.program.steps, self.exact(self.program.point))

    def values_of(self, point: list[Fraction]) -> list[Numbers]:
        """The values of all steps at any point."""
        here = point == self.program.point
        return self.values if here else evaluated(self.program.steps, self.exact(point))

    def loss_at(self, point: list[Fraction]) -> Number:
        """The loss at a point, exact if everything below is rational."""
        return self.values_of(point)[-1].entries[0]

    def read_point(self, x: object) -> list[Fraction]:
        """Reads a point or a direction as a flat vector."""
        if self.layered:
            return read_layers(x, self.problem.widths)
        return read_row(x, len(self.program.point))

    def read_box(self, proof: Json, free: Sequence[int]) -> Box:
        """Reads the box of all points around a centre, equal to it but in the free parameters."""
        centre, radius = self.read_point(proof["centre"]), positive(proof["radius"])
        return Box(self.program, centre, radius, free, self.bits)


@dataclass
class Found:
    """What a rule establishes."""

    strict: str = "unknown"
    rescaled: str = "unknown"  # strict up to rescaling
    flat: int | None = None  # the flat dimension
    eigenvalue: Fraction | None = None
    loss: Number | None = None  # of the point or minimum; None: of the problem's point
    radius: Fraction | None = None  # of what is nearby: the smallest that may be claimed
    place: list[Fraction] | None = None  # the exact point that the verdict is about, if any
    limit: Number | None = None  # of the loss along a valley
    index: int | None = None  # of a saddle: the number of negative eigenvalues
    unbeaten: bool = False  # whether no outputs whatever have a smaller loss


class Rule(NamedTuple):
    """A rule, and what certificates that name it hold."""

    check: Callable[[Case, Json], Found]
    verdicts: tuple[str, ...]
    keys: str = ""  # of the proof; ?: optional, ~: only if the verdict is of what is nearby
    claims: str = ""  # what is claimed of a program besides `PROGRAM_CLAIMS`
    losses: tuple[str, ...] = ()  # for sums of these losses alone (9.12)

    def read(self, proof: Json, nearby: bool) -> None:
        """The proof has these keys."""
        marks = {key.lstrip("?~"): key[0] for key in self.keys.split()}
        needed = [k for k, mark in marks.items() if mark != "?" and (nearby or mark != "~")]
        as_object(proof, "rule", *needed, optional=[k for k, m in marks.items() if m == "?"])


@dataclass(frozen=True)
class Exact:
    """A network evaluated exactly at all data."""

    pb: Problem
    units: Units  # the point
    pre: list[list[list[Fraction]]]  # z of each layer and data point; the last are the outputs
    g: list[list[Number]]  # for each data point the derivative of the loss by the outputs
    loss: Number

    def slope(self, i: int, j: int) -> Fraction:
        """Slope of unit j of the first layer at data point i; p on the kink (section 5.1)."""
        p, q = self.pb.sides
        return p if self.pre[0][i][j] >= 0 else q


def evaluate(case: Case, point: list[Fraction], slopes: object = None) -> Exact:
    """The problem at a point where all pre-activations are rational.

    The slopes are the g of the hinge loss, chosen among its subgradients.
    """
    pb, pre, values = case.problem, list[list[list[Fraction]]](), case.values_of(point)
    if slopes is None:
        pb.require_weighted("squared", "logistic", "cross_entropy")
    for (_, z), width in zip(case.program.layers, pb.widths[1:], strict=True):
        row = [v for v in values[z].entries if isinstance(v, Fraction)]
        require(len(row) == len(pb.xs) * width, "a value of the activation is not rational")
        pre.append([row[i : i + width] for i in range(0, len(row), width)])
    if slopes is None:
        g = [loss_slopes(pb, i, f) for i, f in enumerate(pre[-1])]
    else:
        g = hinge_slopes(pb, read_row(slopes, len(pb.xs)), pre[-1])
    return Exact(pb, pb.units(point), pre, g, values[-1].entries[0])


def combined(terms: Iterable[tuple[Number | int, Sequence[Number]]], size: int) -> list[Number]:
    """The sum of multiples of vectors of this size."""
    found: list[Number] = [Fraction(0)] * size
    for factor, vector in terms:
        if factor:
            found = [a + factor * b for a, b in zip(found, vector, strict=True)]
    return found


def require_zero(numbers: Iterable[Number], what: str) -> None:
    """All are recognised as exactly zero (section 1): an interval never is."""
    require(not any(numbers), f"{what} is not zero")


def leaves(
    tree: object, may_split: Iterable[int], signs: dict[int, int] | None = None
) -> Iterator[tuple[Json, dict[int, int]]]:
    """The leaves of a tree (5.1, 9.10), each with the signs of what is split above it."""
    node, above, known = as_table(tree, "a tree"), signs or {}, set(may_split)
    if "split" not in node:
        yield node, above
        return
    as_object(node, "split", "plus", "minus")
    i = as_int(node["split"])
    require(i in known and i not in above, "a split names nothing that may be split")
    yield from leaves(node["plus"], known, {**above, i: 1})
    yield from leaves(node["minus"], known, {**above, i: -1})
