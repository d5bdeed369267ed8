"""Lists of minima with weight decay that leaves biases free: by hand, kink by kink, by training."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations, pairwise
from random import Random

import numpy as np
import pytest

import spurious
import spurious_checker
from spurious import Answer, InputError, penalised_atlas
from spurious.atlas.decay.atlas import FREE_PRECISION
from spurious.atlas.decay.basins import measure_decay_basins
from spurious.atlas.decay.bounds import CellBounds
from spurious.atlas.decay.families import up_to_symmetry
from spurious.atlas.decay.places import judge_places
from spurious.atlas.decay.setting import describe
from spurious.atlas.decay.walk import Walk
from spurious.exact import balls
from spurious.problem import Dataset, DenseLoss, Network, Penalty, dataset


def free(l2):
    return Penalty(Fraction(l2), biases=False)


def loss_of(name, hidden, l2, loss="squared", activation="relu", slope=None):
    data = dataset(name).data
    return DenseLoss(Network((data.inputs, hidden, 1), activation, slope), loss, data, free(l2))


def on_line(x, y, hidden, l2, loss="squared", activation="relu", slope=None):
    data = Dataset(tuple((Fraction(v),) for v in x), tuple((Fraction(v),) for v in y))
    return DenseLoss(Network((1, hidden, 1), activation, slope), loss, data, free(l2))


def losses(found):
    return [float(family.loss.mid) for family in found.minima]


def test_two_points_by_hand():
    """A line of slope t costs (1 - t)^2 / 2 + 2 t / 10; without it the loss is 1/2."""
    found = penalised_atlas(on_line([0, 1], [0, 1], 1, "1/10"))
    assert found.complete and len(found.minima) == 2
    line, constant = found.minima
    assert abs(line.loss.mid - Fraction(18, 100)) <= line.loss.rad
    assert abs(constant.loss.mid - Fraction(1, 2)) <= constant.loss.rad
    assert found.is_global(line) is Answer.YES and found.is_global(constant) is Answer.NO


def test_where_decay_is_strong_the_constant_is_all_there_is():
    found = penalised_atlas(on_line([0, 1], [0, 1], 2, "2/3"))
    (constant,) = found.minima
    assert found.complete and constant.rests is Answer.YES and constant.dimension is None
    assert found.is_global(constant) is Answer.YES


@pytest.mark.parametrize("activation", ["leaky_relu", "abs"])
def test_without_a_side_that_is_off_the_constant_is_no_minimum_if_lines_pay(activation):
    slope = Fraction(1, 2) if activation == "leaky_relu" else None
    found = penalised_atlas(on_line([0, 1], [0, 1], 1, "1/10", activation=activation, slope=slope))
    assert found.complete
    assert all(family.directions for family in found.minima)
    # slope 1/2 costs twice as much for the same line: it stays only as long as that pays
    assert len(found.minima) == (2 if activation == "leaky_relu" else 1)


@pytest.mark.parametrize(("name", "l2"), [("xor", "1/10"), ("jellyfish", "1/100")])
def test_every_family_is_accepted_by_the_checker(name, l2):
    found = penalised_atlas(loss_of(name, 2, l2))
    assert found.complete
    for family in found.minima:
        verdict = spurious.certify(found.problem(family), search=False)
        assert verdict.claim.is_minimum
        assert abs(verdict.loss.mid - family.loss.mid) <= verdict.loss.rad + family.loss.rad
        answer = spurious_checker.check(dict(verdict.certificate))
        assert answer.valid, answer.reason


def test_minima_of_fewer_units_stay_with_units_off_for_good():
    few, more = (penalised_atlas(loss_of("jellyfish", m, "1/20")) for m in (1, 2))
    assert few.complete and more.complete
    for family in few.minima:
        (same,) = [f for f in more.minima if np.allclose(
            np.array(f.outputs, float), np.array(family.outputs, float), atol=1e-12)]  # fmt: skip
        assert same.orbit == family.orbit and same.directions == family.directions
        weights, (biases, outs) = same.point[:4], (same.point[4:6], same.point[6:8])
        assert not any(weights[2:]) and biases[1] < 0 and outs[1] == 0


def test_moving_all_inputs_changes_nothing():
    here = loss_of("xor", 2, "1/20")
    moved = tuple((a + 7, b - Fraction(10, 3)) for a, b in here.data.x)
    there = DenseLoss(here.network, "squared", Dataset(moved, here.data.y), here.penalty)
    one, two = penalised_atlas(here), penalised_atlas(there)
    assert [(f.loss, f.orbit) for f in one.minima] == [(f.loss, f.orbit) for f in two.minima]


def by_kink(loss, steps=8):
    """Losses of local minima of one unit at work on a line, by where its kink is.

    For a given kink the rest is convex. Minima of the best loss by kink are at data points, which
    the grid holds, or between two of them, where it may be constant, too.
    """
    from scipy.optimize import minimize

    high, low = map(float, loss.network.slopes)
    x = np.array([float(row[0]) for row in loss.data.x])
    y = np.array([float(row[0]) for row in loss.data.y])
    (weight, _), (outgoing, _) = loss.penalty.of_layers(loss.network)
    kappa = 2 * float(weight * outgoing) ** 0.5

    def best(sign, side, kink):
        z = side * (x - kink)
        unit = sign * np.where(z > 0, high, low) * z

        def value(p):
            f = p[0] * unit + p[1]
            if loss.loss == "squared":
                own, slope = (f - y) ** 2, 2 * (f - y)
            else:
                own, slope = np.logaddexp(0, -y * f), -y / (1 + np.exp(y * f))
            return own.sum() + kappa * p[0], np.array([slope @ unit + kappa, slope.sum()])

        ends = minimize(value, [1.0, 0.0], jac=True, bounds=[(0, None), (None, None)],
                        method="L-BFGS-B", options={"ftol": 1e-16, "gtol": 1e-12})  # fmt: skip
        return ends.fun, ends.x[0]

    first, last = int(x.min()) - 2, int(x.max()) + 2
    kinks = first + np.arange(steps * (last - first) + 1) / steps
    found = []
    for sign in (1, -1):
        for side in (1, -1):
            at = [best(sign, side, kink) for kink in kinks]
            for left, (value, length), right in zip([at[0], *at], at, [*at[1:], at[-1]]):  # noqa: B905
                if length > 1e-5:
                    flat = abs(left[0] - value) < 1e-9 and abs(right[0] - value) < 1e-9
                    lower = left[0] > value + 1e-9 and right[0] > value + 1e-9
                    found += [value] * bool(flat or lower)
    merged = sorted(found)
    return merged[:1] + [b for a, b in pairwise(merged) if b - a > 1e-7]


@pytest.mark.parametrize("seed", range(12))
def test_one_unit_on_a_line_kink_by_kink(seed):
    rng = Random(f"free {seed}")
    size = rng.randint(3, 5)
    x = rng.sample(range(-4, 5), size)
    kind = ("squared", "squared", "logistic")[seed % 3]
    y = [rng.randint(-4, 4) for _ in x]
    if kind == "logistic":
        y = [1, -1, *(rng.choice((1, -1)) for _ in x[2:])]
    activation = ("relu", "abs", "leaky_relu", "relu")[seed % 4]
    slope = Fraction(1, 3) if activation == "leaky_relu" else None
    decay = Fraction(1, rng.choice((7, 23, 60)) if kind == "squared" else 5)
    loss = on_line(x, y, 1, decay, kind, activation, slope)
    found = penalised_atlas(loss)
    assert found.complete
    here = sorted({float(f.loss.mid) for f in found.minima if f.directions})
    there = by_kink(loss)
    assert len(here) == len(there)
    assert np.allclose(here, there, atol=2e-2)
    assert all(a <= b + 1e-6 for a, b in zip(here, there, strict=True))  # the grid is coarse


@pytest.mark.parametrize(
    ("name", "l2", "loss", "activation", "slope"),
    [
        ("xor", "1/50", "squared", "relu", None),
        ("jellyfish", "1/100", "logistic", "relu", None),
        ("d3", "1/20", "squared", "relu", None),
        ("xor", "1/20", "squared", "leaky_relu", Fraction(1, 10)),
        ("d1", "1/10", "squared", "abs", None),
    ],
)
def test_trained_networks_end_in_the_list(name, l2, loss, activation, slope):
    found = penalised_atlas(loss_of(name, 2, l2, loss, activation, slope))
    assert found.complete
    basins = measure_decay_basins(found, 200, seed=3, spread=2.0, threads=2)
    assert not basins.unknown
    assert sum(basins.hits) + sum(basins.resting.values()) == basins.runs
    assert sum(basins.hits) > 150


def test_every_set_of_regions_is_solved_alike_without_the_walk():
    """Wherever a minimum is proved, it has the outputs of one that the walk has found."""
    loss = loss_of("d2", 2, "1/10")
    with balls.precision(FREE_PRECISION):
        setting = describe(loss)
        walk = Walk(setting, 2, lambda *_: None)
        walk.run()
        orbits, unclear = up_to_symmetry(walk)
        assert not unclear and sum(orbit.families for orbit in orbits) >= len(orbits)
        known = [minimum.enclosed.outputs for minimum in walk.minima]
        bounds, tried, seen = CellBounds(setting), 0, 0
        for size in (1, 2):
            cells = list(combinations(range(len(setting.regions)), size))
            for cell, proposed in zip(cells, bounds.propose(cells), strict=True):
                enclosed = bounds.enclose(cell, proposed)
                assert enclosed is not None
                tried += 1
                if judge_places(bounds, cell, proposed, enclosed).reason is None:
                    seen += 1
                    assert any(
                        all(a.overlaps(b) for a, b in zip(enclosed.outputs, own, strict=True))
                        for own in known
                    )
        assert tried > 100 and seen >= len(known)


def test_a_free_hidden_bias_with_a_costly_output_bias_is_refused():
    """A hidden unit could be the constant for nearly nothing: no minimum need exist."""
    names = ("layers[0].weight", "layers[1].weight", "layers[1].bias")
    data = dataset("xor").data
    costs = Penalty(dict.fromkeys(names, Fraction(1, 10)))
    with pytest.raises(InputError, match="let the output's bias be free, too"):
        penalised_atlas(DenseLoss(Network((2, 2, 1), "relu"), "squared", data, costs))


def test_one_point_and_points_on_one_line_of_the_plane():
    one = DenseLoss(
        Network((2, 2, 1), "relu"),
        "squared",
        Dataset(((Fraction(3), Fraction(1)),) * 2, ((Fraction(0),), (Fraction(1),))),
        free("1/10"),
    )
    found = penalised_atlas(one)
    (family,) = found.minima
    assert found.complete and family.loss.mid == Fraction(1, 2)
    x, y = (0, 1, 2, 4), (0, 1, -1, 2)
    flat = on_line(x, y, 2, "1/10")
    steep = Dataset(tuple((Fraction(3 * v, 5), Fraction(4 * v, 5)) for v in x), flat.data.y)
    plane = DenseLoss(Network((2, 2, 1), "relu"), "squared", steep, flat.penalty)
    here, there = penalised_atlas(flat), penalised_atlas(plane)
    assert here.complete
    assert all(any(abs(a - b) < 1e-9 for b in losses(here)) for a in losses(there))


@pytest.mark.parametrize("activation", ["relu", "abs"])
@pytest.mark.parametrize("target", ["1/3", "1/10", "1e-12"])
@pytest.mark.parametrize("hidden_cost", ["0", "1/10"])
def test_equal_targets_that_are_no_floats(activation, target, hidden_cost):
    """The constant is the best of all, and its loss of 0 is a ball around 0."""
    data = Dataset(tuple((Fraction(v),) for v in range(3)), ((Fraction(target),),) * 3)
    costs = {"layers[0].weight": Fraction(1, 10), "layers[0].bias": Fraction(hidden_cost),
             "layers[1].weight": Fraction(1, 10)}  # fmt: skip
    loss = DenseLoss(Network((1, 1, 1), activation), "squared", data, Penalty(costs))
    found = penalised_atlas(loss)
    (constant,) = found.minima
    assert found.complete and found.is_global(constant) is Answer.YES
    assert abs(constant.loss.mid) <= constant.loss.rad


@pytest.mark.parametrize(
    ("x", "l2"), [([0, "1e-30", 2], "1/10"), ([0, "1e400", 2], "1/10"), ([0, 1, 2], "1e-300")]
)
@pytest.mark.parametrize("biases", [False, True])
def test_numbers_that_floats_cannot_hold_side_by_side_are_refused(x, l2, biases):
    loss = on_line(x, [1, -1, 1], 1, l2)
    with pytest.raises(InputError, match="in other units"):
        penalised_atlas(replace(loss, penalty=Penalty(Fraction(l2), biases=biases)))
