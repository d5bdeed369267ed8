"""Bad minima and saddles of the population loss of ReLU neurons, and with one neuron more.

Safran and Shamir 2018: the minimum, with the published digits. Arjevani and Field: critical points
come in families that keep some of the symmetry of exchanging inputs together with neurons. All of
them lie near matrices of seven numbers: the first neurons have one weight on their own axis, one on
the last and one on the others; the last neuron, and those beyond, one on the last axis and one on
the others. `benchmarks/safran_shamir_families.py` looks for them for other numbers of neurons.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from spurious.catalogue.population_loss import population_loss
from spurious.problem import ProgramProblem

PUBLISHED: Final = ("0.98670382", "0.30801099", "-0.05041341", "-0.60151192", "0.22451583")
"""The digits of Safran and Shamir: a neuron's weight on its own axis, on the last one, on the
others; the last neuron's on its own axis and on the others."""

SYMMETRIC: Final = (
    "-0.66339736831674",
    "0.33070978329160",
    "0.33070978329160",
    "-0.66339736831674",
    "0.33070978329160",
)
"""Another minimum, which keeps the whole symmetry."""

ONE_MORE: Final = (
    "0.95878113850867",
    "0.30804406835935",
    "-0.05780566092824",
    "-0.17841803148837",
    "0.18568636555774",
    "-0.42927866601399",
    "0.08729689728378",
)
"""With a seventh neuron: what the minimum becomes."""

NINE_FOR_EIGHT: Final = (
    "0.98408751861783",
    "0.23009749728747",
    "-0.02984683216917",
    "-0.48623270353777",
    "0.06869170074039",
    "-0.18899776438441",
    "0.12633353928598",
)
"""Nine neurons for eight inputs: a minimum."""

ASIDE: Final = Fraction(1, 100)
"""The witness is the teacher with this much added: at the teacher itself the formula divides by
the sine of an angle that is 0."""


def symmetric_point(numbers: Sequence[str], inputs: int = 6) -> ProgramProblem:
    """A point given by its five numbers, and two more for each neuron beyond the inputs.

    Args:
        numbers: As in `PUBLISHED`; then the weights of further neurons on the last axis and on the
            others, in turns.
        inputs: As many as neurons of the teacher.
    """
    own, last, other, *ends = map(Fraction, numbers)
    rows = [
        [own if axis == neuron else last if axis == inputs - 1 else other for axis in range(inputs)]
        for neuron in range(inputs - 1)
    ]
    for on_last, elsewhere in zip(ends[::2], ends[1::2], strict=True):
        rows.append([elsewhere] * (inputs - 1) + [on_last])
    point = tuple(entry for row in rows for entry in row)
    better = _near_teacher(len(rows), inputs)
    return ProgramProblem(population_loss(len(rows), inputs), point, better)


def _near_teacher(students: int, inputs: int) -> tuple[Fraction, ...]:
    """The teacher's weights, each neuron bent towards the next axis; further neurons are small."""
    rows = [[Fraction(int(axis == k)) for axis in range(inputs)] for k in range(inputs)]
    for k, row in enumerate(rows):
        row[(k + 1) % inputs] = ASIDE
    rows += [[ASIDE * (axis + 1 + k) for axis in range(inputs)] for k in range(students - inputs)]
    return tuple(entry for row in rows for entry in row)
