"""Completeness by proof: every stratum of tiny problems, found a second way by an SMT solver.

The second way shares nothing with the atlas but the definition of a local minimum. For each
multiset of (sign of the output weight, signs of the pre-activations) it asks z3 whether some
parameters have these signs and pass Theorem 1, with Farkas multipliers for every assignment of
sides to the points on a kink. That is linear in the effective parameters and the multipliers.
"""

from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product

import pytest
import z3

from spurious.atlas.atlas import enumerate_strata
from spurious.problem import Loss, Network, Problem, dataset_from_arrays


def _faces(x):
    """The sign vectors of one unit that can occur."""
    width = len(x[0])
    found = []
    for sides in product((1, 0, -1), repeat=len(x)):
        a = [z3.Real(f"a{k}") for k in range(width)]
        solver = z3.SimpleSolver()
        solver.add(*_on_face(a, x, sides))
        if solver.check() == z3.sat:
            found.append(sides)
    return found


def _on_face(a, x, sides):
    for point, side in zip(x, sides, strict=True):
        z = sum(w * v for w, v in zip(a, point, strict=True))
        yield z == 0 if side == 0 else (z > 0 if side > 0 else z < 0)


def _passes(x, g, sides, sign, slopes, tag):
    """Theorem 1 for one unit: its first-order term is nonnegative on every cone around."""
    kinks = [i for i, side in enumerate(sides) if side == 0]
    for number, choice in enumerate(product((1, -1), repeat=len(kinks))):
        around = list(sides)
        for i, side in zip(kinks, choice, strict=True):
            around[i] = side
        slope = [slopes[0] if side > 0 else slopes[1] for side in around]
        multipliers = [z3.Real(f"{tag}_{number}_{i}") for i in kinks]
        yield from (m >= 0 for m in multipliers)
        for k in range(len(x[0])):
            term = sum(sign * slope[i] * g[i] * x[i][k] for i in range(len(x)))
            cone = sum(
                m * side * x[i][k] for m, i, side in zip(multipliers, kinks, choice, strict=True)
            )
            yield term == cone


def _brute_force(x, y, hidden, slopes, weights=None):
    """All (states, outputs) of local minima.

    What is asked of a unit in a state is written once, in variables f and g for the outputs and
    the loss's derivatives by them: writing takes z3 longer than solving.
    """
    weights = weights or [1] * len(x)
    x = [(*point, Fraction(1)) for point in x]
    states = [(sign, sides) for sides in _faces(x) for sign in (1, 0, -1)]
    c = z3.Real("c")
    f, g = ([z3.Real(f"{name}{i}") for i in range(len(x))] for name in "fg")

    @cache
    def of_unit(j, sign, sides):
        """The conditions, and what it adds to each output."""
        a = [z3.Real(f"a{j}_{k}") for k in range(len(x[0]))]
        signs = (sign,) if sign else (1, -1)
        conditions = [
            *_on_face(a, x, sides),
            *(each for s in signs for each in _passes(x, g, sides, s, slopes, f"m{j}_{s}")),
        ]
        parts = []
        for side, point in zip(sides, x, strict=True):
            slope = slopes[0] if side > 0 else slopes[1]
            parts.append(sign * slope * sum(w * v for w, v in zip(a, point, strict=True)))
        return conditions, parts

    always = [z3.Sum(g) == 0]
    always += [g[i] == 2 * weights[i] * (f[i] - y[i]) for i in range(len(x))]
    found = set()
    for units in combinations_with_replacement(sorted(states), hidden):
        solver = z3.SimpleSolver()
        solver.add(always)
        chosen = [of_unit(j, *state) for j, state in enumerate(units)]
        for conditions, _ in chosen:
            solver.add(conditions)
        solver.add([v == c + z3.Sum([parts[i] for _, parts in chosen]) for i, v in enumerate(f)])
        if solver.check() != z3.sat:
            continue
        model = solver.model()
        values = tuple(model.eval(v, model_completion=True).as_fraction() for v in f)
        solver.add(z3.Or(*(v != value for v, value in zip(f, values, strict=True))))
        assert solver.check() == z3.unsat, "a stratum has two fitted vectors"
        found.add((units, tuple(Fraction(v.numerator, v.denominator) for v in values)))
    return found


def _of_atlas(problem):
    """The same from the atlas, which merges repeated points."""
    found = set()
    places = list(dict.fromkeys(problem.data.x))
    group = [places.index(x) for x in problem.data.x]
    for outputs, states in enumerate_strata(problem):
        units = sorted(
            (
                state.sign,
                tuple(
                    (state.sides.positive >> i & 1) - (state.sides.negative >> i & 1) for i in group
                ),
            )
            for state in states
        )
        found.add((tuple(units), tuple(outputs[i] for i in group)))
    return found


TINY = {
    "two points": ([[0], [1]], [0, 1], 2, "relu"),
    "three points": ([[-1], [0], [2]], [1, -1, 2], 2, "relu"),
    "three points, tied": ([[-1], [0], [1]], [1, 0, 1], 2, "relu"),
    "three equal targets": ([[-1], [0], [1]], [1, 1, 1], 1, "relu"),
    "four points": ([[-2], [0], [1], [3]], [1, -1, 2, 0], 1, "relu"),
    "xor": ([[0, 1], [1, 0], [0, 0], [1, 1]], [1, 1, -1, -1], 1, "relu"),
    "collinear in the plane": ([[0, 0], [1, 2], [2, 4]], [1, -1, 2], 1, "relu"),
    "triangle": ([[0, 0], [1, 0], [0, 1]], [1, -1, 2], 1, "relu"),
    "leaky": ([[-1], [0], [2]], [1, -1, 2], 2, "leaky_relu"),
    "abs": ([[-1], [0], [2]], [1, -1, 2], 2, "abs"),
    "repeated points": ([[0], [2], [0], [1]], [1, 0, 2, -1], 1, "relu"),
    "one point": ([[3]], [2], 2, "relu"),
}


@pytest.mark.parametrize("name", TINY)
def test_the_same_strata_as_brute_force(name):
    x, y, hidden, activation = TINY[name]
    slope = Fraction(1, 3) if activation == "leaky_relu" else None
    network = Network((len(x[0]), hidden, 1), activation, slope)
    data = dataset_from_arrays(x, [[target] for target in y])
    found = _of_atlas(Problem(network, Loss.SQUARED, data))
    slopes = [Fraction(s) for s in network.slopes]
    assert found
    assert found == _brute_force(data.x, [row[0] for row in data.y], hidden, slopes)
