"""Bad minima and saddles of the population loss of six ReLU neurons, and of one neuron more.

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

SIZE: Final = 6

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

ASIDE: Final = Fraction(1, 100)
"""The witness is the teacher with this much added: at the teacher itself the formula divides by
the sine of an angle that is 0."""


def six_neurons(numbers: Sequence[str]) -> ProgramProblem:
    """A point given by its five numbers, and two more for each neuron beyond the sixth.

    Args:
        numbers: As in `PUBLISHED`; then the weights of further neurons on the last axis and on the
            others, in turns.
    """
    own, last, other, *ends = map(Fraction, numbers)
    rows = [
        [own if axis == neuron else last if axis == SIZE - 1 else other for axis in range(SIZE)]
        for neuron in range(SIZE - 1)
    ]
    for on_last, elsewhere in zip(ends[::2], ends[1::2], strict=True):
        rows.append([elsewhere] * (SIZE - 1) + [on_last])
    point = tuple(entry for row in rows for entry in row)
    return ProgramProblem(population_loss(len(rows), SIZE), point, _near_teacher(len(rows)))


def _near_teacher(students: int) -> tuple[Fraction, ...]:
    """The teacher's weights, each neuron bent towards the next axis; further neurons are small."""
    rows = [
        [
            Fraction(int(axis == k)) + (ASIDE if axis == (k + 1) % SIZE else 0)
            for axis in range(SIZE)
        ]
        for k in range(SIZE)
    ]
    rows += [[ASIDE * (axis + 1 + k) for axis in range(SIZE)] for k in range(students - SIZE)]
    return tuple(entry for row in rows for entry in row)
