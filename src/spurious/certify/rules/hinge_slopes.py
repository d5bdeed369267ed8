"""Rule `hinge_slopes`: minima of the hinge loss at or near a point, margins of exactly 1 included.

Theorem 39 (`docs/mathematics.md`, section 18): Theorem 1 with a subgradient of the loss by the
outputs. A linear program chooses it, such that at no kink a unit bends down; Theorem 1 then decides
as for any other loss. Of a float point those next to it are tried, at which what is almost at a
bend is exactly there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from flint import fmpq

from spurious.certify.evaluate import Evaluation, evaluate, slope_at
from spurious.certify.hinge_faces import points_on_faces
from spurious.certify.moved import moved
from spurious.certify.rule import Rule
from spurious.certify.rules.one_sided_derivatives import Minimum, test_point
from spurious.certify.subject import Subject
from spurious.exact.linear_program import Feasible, solve
from spurious.exact.rationals import ONE, ZERO, Vector, fraction, rational
from spurious.problem import Loss, unflatten
from spurious.proof import Claim, OneSidedDerivatives, Proof, Undecided
from spurious.verdict import Answer, Decision

__all__ = ["RULE"]

Entries = Mapping[tuple[str, int], fmpq]
"""A column of the linear program: its entry in each equation, by the equation's name."""


def _prove(subject: Subject) -> Proof | Undecided:
    loss = subject.hinge
    assert loss is not None
    other = replace(loss, loss=Loss.LOGISTIC.value)  # whose derivative nobody looks at
    evaluation = evaluate(other, unflatten(subject.values, loss.network))
    here = _prove_at(evaluation)
    if isinstance(here, Proof):
        return here
    for candidate in points_on_faces(evaluation):
        found = _prove_at(candidate)
        if isinstance(found, Proof):
            return moved(subject, subject.at(candidate.point), found)
    return here


def _prove_at(evaluation: Evaluation) -> Proof | Undecided:
    """Proves a minimum at an exact point."""
    slopes = _slopes(evaluation)
    if slopes is None:
        return Undecided("no slopes of the hinge loss make all one-sided derivatives vanish")
    found = test_point(replace(evaluation, loss_derivative=tuple((g,) for g in slopes)))
    if not isinstance(found, Minimum):
        return Undecided("a unit's first-order term is negative in some direction")
    return Proof(
        claim=Claim(Decision.LOCAL_MINIMUM, strict=Answer.NO),
        evidence=OneSidedDerivatives(found.units, slopes=tuple(map(fraction, slopes))),
        reason="with some slopes of the hinge loss no one-sided derivative is negative",
    )


def _slopes(evaluation: Evaluation) -> Vector | None:
    """A subgradient that Theorem 39 may take, shape (n,); None if the linear program has none."""
    labels = [rational(y) for (y,) in evaluation.problem.data.y]
    margins = [y * f for y, (f,) in zip(labels, evaluation.outputs, strict=True)]
    unknown = [i for i, m in enumerate(margins) if m == 1]
    columns: list[Entries] = [_effect(evaluation, i, -labels[i]) for i in unknown]
    upper: list[fmpq | None] = [evaluation.factors[i] for i in unknown]
    for column in _leeway(evaluation):
        columns.append(column)
        upper.append(None)
    right: dict[tuple[str, int], fmpq] = {}
    for i, m in enumerate(margins):
        if m < 1:
            for name, value in _effect(evaluation, i, -labels[i]).items():
                right[name] = right.get(name, ZERO) - evaluation.factors[i] * value
    names = sorted({name for column in columns for name in column} | right.keys())
    found = solve(
        [[column.get(name, ZERO) for name in names] for column in columns],
        [right.get(name, ZERO) for name in names],
        upper,
    )
    if not isinstance(found, Feasible):
        return None
    chosen = dict(zip(unknown, found.multipliers, strict=False))
    slopes: list[fmpq] = []
    for i, m in enumerate(margins):
        size = chosen.get(i, evaluation.factors[i] if m < 1 else ZERO)
        assert isinstance(size, fmpq)
        slopes.append(-labels[i] * size)
    return tuple(slopes)


def _effect(evaluation: Evaluation, i: int, g: fmpq) -> Entries:
    """What a slope g at point i adds to each equation: sum g, and for each unit lin and C."""
    found = {("sum", 0): g}
    half = (evaluation.slopes[0] - evaluation.slopes[1]) / 2
    for j, side in enumerate(_sides(evaluation)):
        z = evaluation.preactivations[0][i][j]
        on_kink = evaluation.has_kinks and z == 0
        middle = (evaluation.slopes[0] + evaluation.slopes[1]) / 2
        slope = middle if on_kink else slope_at(z, evaluation.slopes)
        for k, entry in enumerate(evaluation.inputs[i]):
            found[f"lin {j}", k] = (side or ONE) * slope * g * entry
        if on_kink:
            found[f"kink {j}", evaluation.groups[i]] = (side or ONE) * half * g
    return found


def _leeway(evaluation: Evaluation) -> Iterator[Entries]:
    """Columns for tau: lin + sum (a - b) x~_r = 0 with a, b >= 0 and a + b <= C_r."""
    for j, side in enumerate(_sides(evaluation)):
        if not side or not evaluation.has_kinks:
            continue
        zs = evaluation.preactivations[0]
        for r in sorted({evaluation.groups[i] for i, z in enumerate(zs) if z[j] == 0}):
            for sign in (ONE, -ONE):
                row = evaluation.inputs[r]
                lin = {(f"lin {j}", k): sign * entry for k, entry in enumerate(row)}
                yield {**lin, (f"kink {j}", r): -ONE}
            yield {(f"kink {j}", r): -ONE}


def _sides(evaluation: Evaluation) -> Sequence[fmpq]:
    """The sign of each output weight."""
    weights = evaluation.weights[1].rows[0][:-1]
    return [ONE if v > 0 else -ONE if v < 0 else ZERO for v in weights]


def _applies(subject: Subject) -> bool:
    if subject.hinge is None:
        return False
    network = subject.network
    return network.depth == network.outputs == 1 and network.homogeneous


RULE = Rule("hinge_slopes", _applies, _prove)
