"""The list of minima of the hinge loss, found a second way by an SMT solver.

The second way shares with the atlas the definition of a local minimum, and nothing else: no least
losses of cells, no generators, no rays. For each multiset of (sign of the output weight, signs of
the pre-activations) it asks z3 for parameters with these signs such that for every assignment of
sides to the points on a kink some subgradient at the outputs has no descent on that side: Kuhn and
Tucker, with one multiplier for each wall of the cone. That is linear in the effective parameters
and the multipliers.
"""

from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product
from random import Random

import pytest
import z3
from tests.atlas.test_brute_force import _faces, _on_face

from spurious import atlas
from spurious.atlas.hinge import hinge_strata
from spurious.problem import DenseLoss, Network, Penalty, dataset_from_arrays


def hinge(x, y, hidden, activation="relu", weights=None, reduction="sum"):
    slope = Fraction(1, 3) if activation == "leaky_relu" else None
    network = Network((len(x[0]), hidden, 1), activation, slope)
    data = dataset_from_arrays(x, [[label] for label in y])
    given = None if weights is None else tuple(map(Fraction, weights))
    return DenseLoss(network, "hinge", data, Penalty(), reduction, given)


def regions_around(sides, sign, whole):
    """(sign, sides off all kinks, points whose walls hold the cone) for every side of a unit."""
    kinks = [i for i, side in enumerate(sides) if side == 0]
    for choice in product((1, -1), repeat=len(kinks)):
        around = list(sides)
        for i, side in zip(kinks, choice, strict=True):
            around[i] = side
        for s in (sign,) if sign else (1, -1):
            yield s, tuple(around), range(len(sides)) if whole or not sign else kinks


class Wording:
    """What z3 is asked about a loss, in variables f and g for the outputs and the loss's slopes.

    Each sentence is written once: writing takes z3 longer than solving.
    """

    def __init__(self, loss):
        self.weights, self.slopes = loss.factors, loss.network.slopes
        self.x = [(*point, Fraction(1)) for point in loss.data.x]
        self.y = [int(label) for (label,) in loss.data.y]
        self.f = [z3.Real(f"f{i}") for i in range(len(self.x))]
        self.total = sum(
            w * z3.If(y * f < 1, 1 - y * f, 0)
            for w, y, f in zip(self.weights, self.y, self.f, strict=True)
        )
        self.unit, self.subgradient, self.cone = map(
            cache, (self._unit, self._subgradient, self._cone)
        )

    def slope(self, side):
        return self.slopes[0] if side > 0 else self.slopes[1]

    def _unit(self, j, sign, sides):
        """That it has this state, and what it adds to each output."""
        a = [z3.Real(f"a{j}_{k}") for k in range(len(self.x[0]))]
        parts = []
        for i, point in enumerate(self.x):
            z = sum(w * v for w, v in zip(a, point, strict=True))
            parts.append(sign * self.slope(sides[i]) * z)
        return list(_on_face(a, self.x, sides)), parts

    def _subgradient(self, tag):
        """One of the loss at the outputs, and that it is one."""
        g, said = [z3.Real(f"g_{tag}_{i}") for i in range(len(self.x))], []
        for w, y, f, slope in zip(self.weights, self.y, self.f, g, strict=True):
            said += [-y * slope >= 0, -y * slope <= w]
            said += [z3.Implies(y * f < 1, -y * slope == w), z3.Implies(y * f > 1, slope == 0)]
        return g, [*said, sum(g) == 0]

    def _cone(self, tag, j, sign, around, walls):
        """A unit's slopes, and that there is no descent in the cone that its walls hold."""
        g, _ = self.subgradient(tag)
        terms = [sign * self.slope(around[i]) * g[i] for i in range(len(self.x))]
        slopes = [
            sum(t * x[k] for t, x in zip(terms, self.x, strict=True)) for k in range(len(self.x[0]))
        ]
        held = {i: z3.Real(f"m_{tag}_{j}_{i}") for i in walls}
        inside = [m >= 0 for m in held.values()]
        for k, own in enumerate(slopes):
            inside.append(own == sum(m * around[i] * self.x[i][k] for i, m in held.items()))
        return slopes, inside


class Question:
    """Whether a network with given states can be at a local minimum; outputs are linear in z3."""

    def __init__(self, wording, units, fixed=None):
        """Units are (sign, sides); `fixed` has incoming weights for units with sign 0."""
        self.wording, self.solver = wording, z3.SimpleSolver()
        self.units, self.fixed = units, fixed
        added = []
        for j, (sign, sides) in enumerate(units):
            on_face, parts = wording.unit(j, sign, sides)
            self.solver.add(on_face)
            added.append(parts)
        c = z3.Real("c")
        self.solver.add([
            f == c + z3.Sum([parts[i] for parts in added]) for i, f in enumerate(wording.f)
        ])  # fmt: skip
        choices = [regions_around(sides, sign, whole=False) for sign, sides in units]
        for number, cell in enumerate(product(*map(list, choices))):
            self._minimal_in(cell, f"k{number}")

    def _minimal_in(self, cell, tag):
        self.solver.add(self.wording.subgradient(tag)[1])
        for j, (sign, around, walls) in enumerate(cell):
            slopes, inside = self.wording.cone(tag, j, sign, around, tuple(walls))
            if self.units[j][0] or self.fixed is None:
                self.solver.add(inside)
                continue
            at = sum(own * w for own, w in zip(slopes, self.fixed[j], strict=True))
            self.solver.add(z3.Or(at > 0, z3.And(at == 0, *inside)))

    def least(self):
        """The loss of all such minima, or None."""
        if self.solver.check() != z3.sat:
            return None
        total = self.wording.total
        value = self.solver.model().eval(total, model_completion=True).as_fraction()
        value = Fraction(value.numerator, value.denominator)
        self.solver.add(total != value)
        assert self.solver.check() == z3.unsat, "a stratum has two losses"
        return value


def by_brute_force(loss):
    """All (loss, states) of minima that are good on whole faces."""
    wording = Wording(loss)
    states = sorted((sign, sides) for sides in _faces(wording.x) for sign in (1, 0, -1))
    found = set()
    for units in combinations_with_replacement(states, loss.network.hidden[0]):
        value = Question(wording, units).least()
        if value is not None:
            found.add((value, units))
    return found


def of_atlas(loss):
    """The same of the atlas, which merges repeated points."""
    places = list(dict.fromkeys(loss.data.x))
    group = [places.index(x) for x in loss.data.x]
    return {
        (
            value,
            tuple(
                sorted(
                    (
                        state.sign,
                        tuple(
                            (state.sides.positive >> i & 1) - (state.sides.negative >> i & 1)
                            for i in group
                        ),
                    )
                    for state in states
                )
            ),
        )
        for value, states in hinge_strata(loss)
    }


LINE = [[-1], [0], [2]]
TINY = {
    "two points": ([[0], [1]], [1, -1], 2, "relu", None),
    "three points": (LINE, [1, -1, 1], 1, "relu", None),
    "weighted, on a part of a face": ([[0], [1], [2]], [1, -1, 1], 1, "relu", ["2/3", 1, "2/3"]),
    "huge and tiny": (LINE, [1, -1, 1], 1, "relu", ["1e12", "1", "1e-12"]),
    "four points": ([[0], [1], [2], [3]], [1, -1, 1, -1], 1, "relu", [1, 2, 1, 1]),
    "contradicting": ([[0], [0], [1]], [1, -1, 1], 1, "relu", [1, 3, 1]),
    "balanced contradiction": ([[0], [0], [1]], [1, -1, -1], 1, "relu", None),
    "one class": ([[0], [1]], [1, 1], 1, "relu", None),
    "one point": ([[3]], [-1], 2, "relu", None),
    "leaky": (LINE, [1, -1, 1], 1, "leaky_relu", [1, 1, 2]),
    "abs": (LINE, [1, -1, 1], 1, "abs", None),
    "identity": (LINE, [1, -1, 1], 1, "identity", None),
    "xor": ([[0, 1], [1, 0], [0, 0], [1, 1]], [1, 1, -1, -1], 1, "relu", None),
    "triangle": ([[0, 0], [1, 0], [0, 1]], [1, -1, -1], 1, "relu", None),
    "collinear in the plane": ([[0, 0], [1, 2], [2, 4]], [1, -1, 1], 1, "relu", None),
}


@pytest.mark.parametrize("name", TINY)
def test_the_same_strata_as_brute_force(name):
    x, y, hidden, activation, weights = TINY[name]
    loss = hinge(x, y, hidden, activation, weights)
    found = of_atlas(loss)
    assert found
    assert found == by_brute_force(loss)


def some_weights(random, size):
    return [[Fraction(random.randint(-6, 6)) for _ in range(size)] for _ in range(25)]


@pytest.mark.parametrize("name", [name for name, entry in TINY.items() if entry[3] == "relu"])
def test_output_weights_of_zero_add_no_loss_with_relu(name):
    """Exactly, at incoming weights chosen at random: Theorem 41."""
    x, y, _, activation, weights = TINY[name]
    loss = hinge(x, y, 1, activation, weights)
    losses = {family.loss for family in atlas(loss).minima}
    wording = Wording(loss)
    lifted, minima = wording.x, 0
    for w in some_weights(Random(name), len(lifted[0])):
        zs = [sum(a * b for a, b in zip(w, point, strict=True)) for point in lifted]
        sides = tuple((z > 0) - (z < 0) for z in zs)
        value = Question(wording, ((0, sides),), {0: w}).least()
        minima += value is not None
        assert value is None or value in losses
    assert minima


def test_a_part_of_a_face():
    """The example after Theorem 41: same face, a minimum here and none there."""
    loss = hinge([[0], [1], [2]], [1, -1, 1], 1, weights=["2/3", 1, "2/3"])
    wording, unit = Wording(loss), ((0, (1, 1, -1)),)
    assert Question(wording, unit, {0: (Fraction(-3), Fraction(5))}).least() == 2  # z = 5, 2, -1
    assert Question(wording, unit, {0: (Fraction(-3), Fraction(4))}).least() is None  # z = 4, 1, -2
    assert Question(wording, unit).least() is None
    assert (Fraction(2), ((0, (1, 1, -1)),)) not in of_atlas(loss)
    assert Fraction(2) in {family.loss for family in atlas(loss).minima}
