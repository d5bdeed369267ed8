"""Rule `negative_curvature` (Theorem 7): a line along which the loss curves down.

At a local minimum the second derivative along every line through it is at least zero, where it
exists. Near a saddle this says more than a tiny slope, so it is tried first where the gradient is
not told from zero, or is small and the curvature is not, and where equal units may part.
"""

from __future__ import annotations

from fractions import Fraction

from spurious.certify.arithmetics import BallProgram, around, curvature
from spurious.certify.lines import Lines, ball_gradient, has_converged
from spurious.certify.rules.descent_direction import short
from spurious.certify.rules.twin_units import Merger, twins
from spurious.certify.subject import Rule, Subject
from spurious.exact import balls
from spurious.exact.definiteness import float_spectrum
from spurious.proof import Claim, NegativeCurvature, Proof, Undecided
from spurious.verdict import Decision

PARAMETER_LIMIT = 200
"""With more parameters no direction of negative curvature is looked for."""

CLEAR = 1e-6
"""A negative eigenvalue counts as clear from this share of the largest on."""


def _prove(subject: Subject) -> Proof | Undecided:
    gradient = subject.once(ball_gradient)
    flat = isinstance(subject.once(twins), Merger) or all(
        balls.sign(entry) in (None, 0) for entry in gradient
    )
    if not flat and not subject.once(has_converged):
        return Undecided("the gradient is not zero")
    with balls.precision(balls.PRECISIONS[1]):
        run = BallProgram.of(subject.program).run(around(subject.values))
        spectrum = float_spectrum(curvature(run))
    if spectrum is None or spectrum[0][0] >= 0:
        return Undecided("no direction of negative curvature was found")
    lowest, highest = float(spectrum[0][0]), float(spectrum[0][-1])
    if not flat and -lowest < CLEAR * highest:
        return Undecided("the surface is almost flat in all directions that do not lead up")
    direction = short([Fraction(float(entry)) for entry in spectrum[1][:, 0]])
    second = Lines(subject.program, subject.values).negative_curvature(direction)
    if second is None:
        return Undecided("no direction of negative curvature was proved")
    return Proof(
        claim=Claim(Decision.NOT_LOCAL_MINIMUM),
        evidence=NegativeCurvature(subject.place(direction)),
        reason=f"the loss curves down along a line: second derivative {float(second):.3g}",
        directions=(direction,),
    )


RULE = Rule(lambda s: len(s.values) <= PARAMETER_LIMIT, _prove)
