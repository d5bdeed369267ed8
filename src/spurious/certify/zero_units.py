"""Units whose weights are zero: what one could gain by leaving, and what that costs.

Section 16 of `docs/mathematics.md`. Such a unit with incoming weights and bias u and outgoing
weights V changes Lambda by `sum_k V_k Q_k(u)`, `Q_k(u) = sum_i D_ik act(u.a~_i)`, and pays
`l_v |V|^2 + |u|^2` with `|u|^2 = l_w |w|^2 + l_b b^2`. It stays if `sum_k m_k^2 < 4 l_v` for bounds
`|Q_k(u)| <= m_k |u|`. Each is proved on cones that cover the space: there Q_k is at least a linear
function plus multiples of the cone's inequalities, and the norm of what is left is the bound. On
the cone on which it has the pattern of a live unit, the two can be merged: no bound is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from flint import arb

from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.proof import ConeLeaf, ConeSplit, ConeTree

Floats = npt.NDArray[np.float64]

LEAVES = 20_000
"""Cones of one tree; with more it is given up."""

DIGITS = 12
"""Of multipliers."""


@dataclass(frozen=True, slots=True)
class AtZero:
    """What one unit at zero could see.

    Attributes:
        states: The inputs a_i of its layer, in balls, shape (n, m).
        slopes: (p, q) of the activation.
        cost: What the squares of its incoming weights cost, and of its bias.
        alike: For each live unit that it may be merged with, the signs of that unit's z at all data
            points, 0 where it is held.
    """

    states: Sequence[Sequence[arb]]
    slopes: tuple[Fraction, Fraction]
    cost: tuple[Fraction, Fraction]
    alike: Mapping[int, Sequence[int]] = field(default_factory=dict[int, Sequence[int]])

    def norm(self, linear: Sequence[arb]) -> arb:
        """An upper bound for the dual norm of a linear function of weights and bias, (m + 1,)."""
        weight, bias = (arb(rational(cost)) for cost in self.cost)
        *parts, last = linear
        squares = sum((balls.square(part) for part in parts), arb(0)) / weight
        return _root(squares + balls.square(last) / bias)


def _root(square: arb) -> arb:
    """An upper bound for the square root; a ball around 0 has one, too."""
    return square.abs_upper().sqrt()


def bound_at_kept_bias(unit: AtZero, back: Sequence[arb], slope: Fraction) -> arb:
    """m_k where the bias costs nothing and is not 0: one slope at all data points.

    Args:
        unit: The unit.
        back: D_ik, shape (n,).
        slope: Of the activation at the bias.
    """
    columns = zip(*unit.states, strict=True)
    sums = [sum((d * a for d, a in zip(back, c, strict=True)), arb(0)) for c in columns]
    squares = sum((balls.square(s) for s in sums), arb(0)) / arb(rational(unit.cost[0]))
    return abs(arb(rational(slope))) * _root(squares)


def bound_by(tree: ConeTree, unit: AtZero, back: Sequence[arb]) -> arb:
    """An upper bound m for `-Q(u) / |u|`, proved by the tree.

    Args:
        tree: Cones and multipliers.
        unit: The unit.
        back: D_i, shape (n,).
    """
    return _bound_on(tree, unit, back, {})


def _bound_on(tree: ConeTree, unit: AtZero, back: Sequence[arb], signs: dict[int, int]) -> arb:
    if isinstance(tree, ConeSplit):
        sides = ((tree.plus, 1), (tree.minus, -1))
        plus, minus = (
            _bound_on(side, unit, back, {**signs, tree.split: sign}) for side, sign in sides
        )
        return plus.max(minus)
    if tree.like is not None:
        same = all(signs.get(i) == s for i, s in enumerate(unit.alike[tree.like]) if s)
        return arb(0) if same else arb("inf")
    above, below = (arb(rational(slope)) for slope in unit.slopes)
    middle, bend = (above + below) / 2, (above - below) / 2
    left, crude = [arb(0)] * (len(unit.states[0]) + 1), arb(0)
    for i, (state, d) in enumerate(zip(unit.states, back, strict=True)):
        inputs, curved, factor = [*state, arb(1)], bend * d, middle * d
        if i in signs:
            factor += curved * signs[i] - arb(rational(tree.mu.get(i, Fraction(0)))) * signs[i]
        elif curved >= 0:
            factor += curved * arb(rational(tree.tau.get(i, Fraction(0))))
        else:
            crude += abs(curved) * unit.norm(inputs)
        left = [part + factor * x for part, x in zip(left, inputs, strict=True)]
    return unit.norm(left) + crude


def propose(unit: AtZero, back: Sequence[arb], enough: float) -> ConeTree | None:
    """A tree that proves a bound below `enough`; or the least bound, for `enough` = 0.

    Args:
        unit: The unit.
        back: D_i, shape (n,).
        enough: The bound wanted.

    Returns:
        The tree, or None if the bound is not true, or takes too many cones.
    """
    weight, bias = (float(cost) ** -0.5 for cost in unit.cost)
    states = np.array([[float(a.mid()) for a in row] for row in unit.states]).reshape(len(back), -1)
    inputs = np.hstack([states * weight, np.full((len(back), 1), bias)])
    above, below = map(float, unit.slopes)
    d = np.array([float(b.mid()) for b in back])
    alike = {j: np.array(signs) for j, signs in unit.alike.items()} if enough else {}
    search = _Search(inputs, (above + below) / 2 * d, (above - below) / 2 * d, enough, alike)
    return search.tree({})


class _Search:
    """Branch and bound over the signs at points where the gain bends down.

    Args:
        inputs: In coordinates in which the norm is Euclidean, shape (n, m + 1).
        middle: The gain's slope at each point, kink averaged, shape (n,).
        bend: Half of how much it bends there, shape (n,).
        enough: The bound wanted; 0 for the least one.
        alike: The signs of live units.
    """

    def __init__(
        self,
        inputs: Floats,
        middle: Floats,
        bend: Floats,
        enough: float,
        alike: Mapping[int, npt.NDArray[np.intp]],
    ) -> None:
        self.inputs, self.middle, self.bend, self.enough = inputs, middle, bend, enough
        self.alike = alike
        self.crude = np.maximum(-bend, 0) * np.linalg.norm(inputs, axis=1)
        self.leaves = 0

    def tree(self, signs: dict[int, int]) -> ConeTree | None:
        """A tree for the cone with these signs."""
        split = list(signs)
        rest = self.crude.copy()
        rest[split] = 0
        leaf, bound = self._leaf(signs)
        k = int(rest.argmax())
        if bound + rest.sum() < self.enough or not rest.any():
            self.leaves += 1
            true = not self.enough or bound < self.enough
            if true or self.leaves > LEAVES:
                return leaf if self.leaves <= LEAVES else None
            unit = self._like(signs)
            if unit is None:
                return None
            left = [i for i in np.flatnonzero(self.alike[unit]).tolist() if i not in signs]
            if not left:
                return ConeLeaf(like=unit)
            k = left[0]
        plus = self.tree({**signs, k: 1})
        minus = None if plus is None else self.tree({**signs, k: -1})
        return None if plus is None or minus is None else ConeSplit(k, plus, minus)

    def _like(self, signs: dict[int, int]) -> int | None:
        """A live unit with these signs where it is not held."""
        for unit, own in self.alike.items():
            if all(own[i] in (0, s) for i, s in signs.items()):
                return unit
        return None

    def _leaf(self, signs: dict[int, int]) -> tuple[ConeLeaf, float]:
        """The multipliers that leave the smallest norm, and that norm."""
        split = list(signs)
        side = np.array([signs[i] for i in split], dtype=np.float64)
        slope = self.middle.copy()
        slope[split] += self.bend[split] * side
        loose = [i for i in np.flatnonzero(self.bend > 0).tolist() if i not in signs]
        linear = self.inputs.T @ slope
        columns = np.hstack([
            (self.inputs[loose] * self.bend[loose, None]).T,
            -(self.inputs[split] * side[:, None]).T,
        ])  # fmt: skip
        if not columns.shape[1]:
            return ConeLeaf(), float(np.linalg.norm(linear))
        from scipy.optimize import lsq_linear  # heavy, so imported where used

        low = np.array([-1.0] * len(loose) + [0.0] * len(split))
        high = np.array([1.0] * len(loose) + [np.inf] * len(split))
        size = np.linalg.norm(columns, axis=0) + (np.linalg.norm(columns, axis=0) == 0)
        found = lsq_linear(columns / size, -linear, (low * size, high * size), method="bvls")
        x = np.clip(found.x / size, low, high)
        exact = [balls.rounded_float(v, DIGITS) for v in x.tolist()]
        tau = {i: v for i, v in zip(loose, exact[: len(loose)], strict=True) if v}
        mu = {i: v for i, v in zip(split, exact[len(loose) :], strict=True) if v}
        return ConeLeaf(tau, mu), float(np.linalg.norm(linear + columns @ x))
