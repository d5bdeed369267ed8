"""A box around a critical point of Lambda on a face, and what Theorem 23 asks over it.

Sections 12 and 16 of `docs/mathematics.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from flint import arb

from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.critical import critical_point
from spurious.certify.enclosures import enclosure
from spurious.certify.face_search import Proposal
from spurious.certify.isolation import Isolation, isolated
from spurious.certify.pattern import Pattern, lagrangian
from spurious.certify.subject import Subject, nearby_limit
from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.problem import DenseLoss, FlatPoint
from spurious.program import Program, ProgramError, restricted
from spurious.proof import Proof, Undecided
from spurious.verdict import Enclosure

LEAST_RADIUS = Fraction(1, 10**28)
"""Of a box: so that few bits are enough to check it."""

LOSS_WIDER = 16
"""The loss is enclosed over a box wider by this factor, so that a checker's enclosure fits in."""


@dataclass(frozen=True, eq=False)
class FaceBox:
    """A box that holds exactly one critical point of Lambda, at the precision it was made with.

    Attributes:
        problem: What is minimised.
        pattern: The face.
        program: Lambda in the free parameters and the multipliers.
        free: Flat indices of the parameters that vary, ascending.
        centre: All parameters, shape (P,).
        isolation: The box in the free parameters and the multipliers.
    """

    problem: DenseLoss
    pattern: Pattern
    program: Program
    free: tuple[int, ...]
    centre: FlatPoint
    isolation: Isolation

    @cached_property
    def inside(self) -> list[arb]:
        """The free parameters and the multipliers over the box."""
        return around(self.isolation.centre, self.isolation.radius)

    @cached_property
    def values(self) -> list[arb]:
        """All parameters over the box, shape (P,)."""
        found = around(self.centre)
        for p, value in zip(self.free, self.inside, strict=False):
            found[p] = value
        return found

    @property
    def multipliers(self) -> tuple[Fraction, ...]:
        """The multipliers at the centre."""
        return self.isolation.centre[len(self.free) :]

    @property
    def loss(self) -> Enclosure:
        """The loss at the critical point."""
        at = self.isolation
        return enclosure(
            BallProgram.of(self.program).loss(around(at.centre, LOSS_WIDER * at.radius))
        )

    def signs_hold(self) -> bool:
        """Whether just the held pairs may be on their kink, among units that are not at zero."""
        above, below = self.problem.network.slopes
        if above == below:
            return True
        return not any(layer.any() for layer in self.unclear)

    @cached_property
    def unclear(self) -> list[npt.NDArray[np.bool_]]:
        """For each layer where a sign is not as it should be, shape (n, width)."""
        run = BallProgram.of(self.problem.program()).run(self.values, order=0)
        found = [signs for _, signs in sorted(run.kink_signs().items())]
        away = [
            np.where(np.abs(signs) == 1, signs, 0) != expected
            for signs, expected in zip(found, self.pattern.signs, strict=True)
        ]
        for pair in self.pattern.loose:
            away[pair.layer][list(pair.points), pair.unit] = False
        return away

    @cached_property
    def _back(self) -> tuple[Program, list[arb]]:
        """Lambda with activations and shifts as further parameters, and its gradient."""
        program = lagrangian(self.problem, self.pattern, activations=True)
        known = [*self.values, *self.inside[len(self.free) :]]
        more = [arb(0)] * (program.parameter_count - len(known))
        return program, BallProgram.of(program).gradient([*known, *more])

    @property
    def held(self) -> list[arb]:
        """D of each held pair over the box, then of each loose one."""
        program, gradient = self._back
        return gradient[program.parameters.get("activations", slice(0, 0))]

    @property
    def shifts(self) -> dict[int, Any]:
        """For each layer above one with units at zero D_ik over the box, shape (n, width)."""
        program, gradient = self._back
        found: dict[int, Any] = {}
        for level, width in enumerate(self.problem.network.widths[1:]):
            place = program.parameters.get(f"shifts[{level}]")
            if place is not None:
                found[level] = np.array(gradient[place], dtype=object).reshape(-1, width)
        return found

    def stays(self) -> bool:
        """Inequality (2) over the box."""
        network = self.problem.network
        bends = [network.slopes] * network.depth + [(Fraction(1), Fraction(0))]  # the hinge's last
        multipliers = self.inside[len(self.free) :]
        for pair, weight, mu in zip(self.pattern.pairs, self.held, multipliers, strict=False):
            above, below = map(rational, bends[pair.layer])
            if not balls.certainly_less(below * weight, mu):
                return False
            if not balls.certainly_less(mu, above * weight):
                return False
        loose = self.held[len(self.pattern.pairs) :]
        return all(balls.certainly_less(arb(0), weight) for weight in loose)


def face_box(
    subject: Subject,
    problem: DenseLoss,
    proposal: Proposal,
    values: Sequence[Fraction],
    free: tuple[int, ...],
) -> FaceBox | Undecided:
    """Encloses a critical point of Lambda that is a minimum on the face and slice.

    Args:
        subject: The point that it has to be near to.
        problem: What is minimised.
        proposal: The face, and the multipliers at which Newton's method starts.
        values: All parameters there, shape (P,).
        free: Flat indices of the parameters that vary, ascending.

    Raises:
        ProgramError: A function may be undefined there.
    """
    pattern = proposal.pattern
    start = [*values, *(Fraction(float(v)) for v in proposal.multipliers)]
    moving = [*free, *range(len(values), len(start))]
    program = restricted(lagrangian(problem, pattern), start, moving)
    limit = nearby_limit(tuple(start))
    critical = critical_point(program, tuple(start[p] for p in moving), limit)
    if isinstance(critical, Undecided):
        return critical
    isolation = isolated(program, critical, LEAST_RADIUS)
    if isinstance(isolation, Undecided):
        return isolation
    below = isolation.index - len(pattern.pairs)
    if below:
        return Undecided(f"the critical point on the face is a saddle of index {below}")
    centre = list(values)
    for p, value in zip(free, isolation.centre, strict=False):
        centre[p] = value
    if subject.distance(tuple(centre)) > nearby_limit(subject.values):
        return Undecided("the critical point on the face is not nearby")
    return FaceBox(problem, pattern, program, free, tuple(centre), isolation)


def attempts(
    tried: Iterable[Proposal], prove: Callable[[Proposal], Proof | Undecided]
) -> Iterator[Proof | Undecided]:
    """What becomes of each proposal."""
    for proposal in tried:
        try:
            yield prove(proposal)
        except np.linalg.LinAlgError:
            yield Undecided("on the face the numbers are too large for floats")
        except ProgramError as error:
            yield Undecided(f"on the face: {error}")
