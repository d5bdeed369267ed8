"""Lists of minima with weight decay: against certificates, a grid of directions, and training."""

import warnings
from fractions import Fraction
from random import Random

import numpy as np
import pytest

import spurious
import spurious_checker
from spurious import Answer, InputError, penalised_atlas
from spurious.atlas.decay.basins import measure_decay_basins
from spurious.atlas.decay.bounds import CellBounds
from spurious.atlas.decay.setting import describe
from spurious.atlas.decay.walk import Walk
from spurious.exact import balls
from spurious.problem import Dataset, DenseLoss, Network, Penalty, ProgramProblem, dataset


def loss_of(name, hidden, l2, loss="squared", activation="relu", slope=None):
    data = dataset(name).data
    network = Network((data.inputs, hidden, 1), activation, slope)
    return DenseLoss(network, loss, data, Penalty(Fraction(l2)))


def losses(found):
    return [float(family.loss.mid) for family in found.minima]


def test_every_family_of_xor_is_accepted_by_the_checker():
    found = penalised_atlas(loss_of("xor", 2, "1/20"))
    assert found.complete and found.families == 14
    for family in found.minima:
        verdict = spurious.certify(found.problem(family), search=False)
        assert verdict.claim.is_minimum
        assert verdict.flat_dimension == family.dimension
        assert abs(verdict.loss.mid - family.loss.mid) <= verdict.loss.rad + family.loss.rad
        answer = spurious_checker.check(dict(verdict.certificate))
        assert answer.valid, answer.reason


def test_bad_minima_of_fewer_units_stay_with_a_unit_split():
    few, more = (penalised_atlas(loss_of("xor", m, "1/20")) for m in (1, 2))
    for family in few.minima:
        (same,) = [f for f in more.minima if f.outputs == family.outputs]
        assert same.rests is Answer.NO and same.dimension == family.dimension + 1


def test_units_die_together_once_decay_is_strong():
    found = penalised_atlas(loss_of("xor", 2, "3"))
    (family,) = found.minima
    assert found.complete and found.is_global(family) is Answer.YES
    assert family.directions == 0 and family.rests is Answer.YES and family.dimension == 0
    assert not any(family.point[:-1])
    assert family.loss.mid == 4  # XOR has as many ones as minus ones, so the bias is 0, too
    verdict = spurious.certify(found.problem(family), search=False)
    assert verdict.claim.is_minimum and verdict.flat_dimension == 0


def test_the_bias_alone_has_the_loss_worked_out_by_hand():
    data = Dataset(((Fraction(0),), (Fraction(1),)), ((Fraction(3),), (Fraction(3),)))
    found = penalised_atlas(DenseLoss(Network((1, 1, 1), "relu"), "squared", data, Penalty(50)))
    (family,) = found.minima
    assert abs(family.loss.mid - (18 - Fraction(36, 2 + 50))) <= family.loss.rad


def drawn(seed):
    """A random problem with one input and one unit."""
    rng = Random(seed)
    size = rng.randint(2, 6)
    x = tuple((Fraction(rng.randint(-4, 4)),) for _ in range(size))
    kind = ("squared", "logistic")[seed % 2]
    values = [rng.randint(-3, 3) for _ in range(size)]
    if kind == "logistic":
        values = [1, -1, *(rng.choice((-1, 1)) for _ in range(size - 2))]
    activation = ("relu", "abs", "leaky_relu")[seed % 3]
    slope = Fraction(1, 3) if activation == "leaky_relu" else None
    cost = Fraction(1, rng.choice((3, 10, 40)))
    names = ("layers[0].weight", "layers[0].bias", "layers[1].weight", "layers[1].bias")
    costs = (cost, 2 * cost, cost / 3, (0, cost)[seed % 5 > 1])
    penalty = Penalty(dict(zip(names, costs, strict=True)))
    return DenseLoss(
        Network((1, 1, 1), activation, slope),
        kind,
        Dataset(x, tuple((Fraction(v),) for v in values)),
        penalty,
        "mean" if seed % 7 == 0 else "sum",
        tuple(Fraction(rng.randint(1, 3)) for _ in range(size)),
    )


def losses_at(loss, f):
    """The loss at outputs, shape (k, n), without penalty, and its derivatives by the outputs."""
    y = np.array([float(row[0]) for row in loss.data.y])
    factors = np.array([float(w) for w in loss.factors])
    if loss.loss == "squared":
        own, slope, curve = (f - y) ** 2, 2 * (f - y), np.full_like(f, 2.0)
    else:
        s = 1 / (1 + np.exp(y * f))
        own, slope, curve = np.logaddexp(0, -y * f), -y * s, s * (1 - s)
    return own @ factors, factors * slope, factors * curve


def least(loss, features, kappa, c_cost):
    """The least loss of f = features @ p plus kappa p[0] plus c_cost p[-1]^2, and where.

    By Newton's method for all features at once, shape (k, n, m). Steps of the logistic loss are
    shortened by how far they move outputs, which brings them to the minimum from anywhere.
    """
    count, _, width = features.shape
    p, linear, square = np.zeros((count, width)), np.zeros(width), np.zeros(width)
    linear[0], square[-1] = kappa, float(c_cost)
    for _ in range(60):
        own, slope, curve = losses_at(loss, np.einsum("knm,km->kn", features, p))
        total = own + p @ linear + p**2 @ square
        gradient = np.einsum("knm,kn->km", features, slope) + linear + 2 * square * p
        hessian = np.einsum("knm,kn,knl->kml", features, curve, features) + 2 * np.diag(square)
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        if loss.loss != "squared":
            step /= 1 + np.abs(np.einsum("knm,km->kn", features, step)).max(axis=1)[:, None]
        p = p - step
    assert np.abs(gradient).max(initial=0) < 1e-9
    return total, p


def on_grid(loss, count=720):
    """The local minima of one unit: those of the best loss for each direction, on a circle."""
    (w_cost, b_cost), (v_cost, c_cost) = loss.penalty.of_layers(loss.network)
    high, low = map(float, loss.network.slopes)
    x = np.array([float(row[0]) for row in loss.data.x])
    kappa, tau = 2 * float(w_cost * v_cost) ** 0.5, float(b_cost / w_cost) ** 0.5
    angles = 2 * np.pi * np.arange(count) / count
    z = np.outer(np.cos(angles), x) + np.sin(angles)[:, None] / tau
    unit = np.where(z > 0, high, low) * z
    ones = np.ones((1, x.size, 1))
    (constant,), ((bias,),) = least(loss, ones, 0.0, c_cost)

    _, slope, _ = losses_at(loss, np.full((1, x.size), bias))

    def best(sign):
        """For each direction; the constant, where a unit that opens costs more than it gains."""
        found, opens = np.full(count, constant), sign * unit @ slope[0] + kappa < 0
        features = np.stack([sign * unit[opens], np.ones_like(unit[opens])], axis=2)
        found[opens], _ = least(loss, features, kappa, c_cost)
        return found

    found = []
    shallow = 1e-5 * (1 + constant)  # what a grid leaves
    for values in map(best, (1, -1)):
        lower = (values <= np.roll(values, 1)) & (values < np.roll(values, -1))
        found += [v for v in values[lower] if v < constant - shallow]
    return sorted(found) or [constant]


@pytest.mark.parametrize("seed", range(8))
def test_one_unit_agrees_with_a_grid_of_directions(seed):
    loss = drawn(seed)
    found = penalised_atlas(loss)
    assert found.complete
    even = loss.network.activation == "abs"
    here = sorted(
        v for v, f in zip(losses(found), found.minima, strict=True) for _ in range(f.orbit)
    )
    there = on_grid(loss)[:: 2 if even and here != [] and found.minima[0].directions else 1]
    assert len(here) == len(there)
    assert np.allclose(here, there, atol=1e-2 * (1 + abs(here[0])))
    assert all(a <= b + 1e-6 for a, b in zip(here, there, strict=True))  # the grid is coarse


@pytest.mark.parametrize(
    ("name", "hidden", "l2", "loss", "activation", "slope"),
    [
        ("xor", 2, "1/50", "squared", "relu", None),
        ("jellyfish", 2, "1/100", "logistic", "relu", None),
        ("d3", 2, "1/10", "squared", "relu", None),
        ("xor", 2, "1/20", "logistic", "leaky_relu", Fraction(1, 10)),
        ("d1", 2, "1/10", "squared", "abs", None),
    ],
)
def test_trained_networks_end_in_the_list(name, hidden, l2, loss, activation, slope):
    found = penalised_atlas(loss_of(name, hidden, l2, loss, activation, slope))
    assert found.complete
    basins = measure_decay_basins(found, 200, seed=3, spread=2.0, threads=2)
    assert not basins.unknown
    assert sum(basins.hits) + sum(basins.resting.values()) == basins.runs
    assert sum(basins.hits) > 100


def test_a_dead_unit_that_may_leave_is_no_minimum_though_training_ends_there():
    found = penalised_atlas(loss_of("xor", 2, "1/100"))
    basins = measure_decay_basins(found, 200, seed=1, spread=1.0, threads=2)
    assert basins.resting
    single = next(f for f in found.minima if f.directions == 1)
    point = [*single.point]
    half = [i for i, v in enumerate(point[:-1]) if i in (2, 3, 5, 7)]  # the second of two units
    for i in half:
        point[i] = Fraction(0)
    for i in (0, 1, 4, 6):
        point[i] *= Fraction(14142135623730951, 10**16)  # the first one does all the work
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdict = spurious.certify(
            ProgramProblem(found.loss.program(), tuple(point), dense=found.loss), search=False
        )
    assert not verdict.claim.is_minimum


def test_every_set_of_regions_is_solved_alike_without_the_walk():
    """A set that the walk left out has an idle region, or the outputs of one that it looked at."""
    from itertools import combinations

    loss = loss_of("d2", 2, "1/10")
    with balls.precision(128):
        setting = describe(loss)
        walk = Walk(setting, 2, lambda *_: None)
        walk.run()
        bounds = CellBounds(setting)
        lowest = min(float(p.enclosed.low.mid()) for p in walk.minima)
        for size in (1, 2):
            cells = list(combinations(range(len(setting.regions)), size))
            for cell, proposed in zip(cells, bounds.propose(cells), strict=True):
                enclosed = bounds.enclose(cell, proposed)
                assert enclosed is not None
                assert float(enclosed.high.mid()) >= lowest - 1e-12
                pulls = bounds.model.pulls(enclosed.slopes)
                if any(bounds.idle(r, pulls[r]) for r in cell):
                    continue
                known = [p for p in walk.minima if p.explains(cell)]
                for p in known:
                    gap = abs(float((p.enclosed.high - enclosed.high).mid()))
                    assert gap < 1e-9


def test_the_least_loss_falls_as_units_are_added_until_units_may_rest():
    before = None
    for hidden in (1, 2, 3):
        found = penalised_atlas(loss_of("d3", hidden, "1/2"))
        least = found.least_loss
        assert found.complete and least is not None
        assert before is None or least.mid <= before.mid + before.rad
        before = least


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"penalty": Penalty()}, "penalty: found 0 for the weights"),
        ({"network": Network((2, 2, 1), "identity")}, "network.activation: found identity"),
        ({"network": Network((2, 2, 2, 1), "relu")}, "network.widths: found"),
        ({"loss": "hinge"}, "loss: found hinge"),
        ({"weights": (Fraction(0),) * 4}, "weights: found zeros only"),
    ],
)
def test_what_has_no_list_is_said_in_one_line(change, message):
    from dataclasses import replace

    with pytest.raises(InputError, match=message):
        penalised_atlas(replace(loss_of("xor", 2, "1/10"), **change))


def test_a_lone_label_with_a_free_bias_is_refused():
    names = ("layers[0].weight", "layers[0].bias", "layers[1].weight")
    data = Dataset(((Fraction(0),), (Fraction(1),)), ((Fraction(1),), (Fraction(1),)))
    free = Penalty(dict.fromkeys(names, Fraction(1)))
    with pytest.raises(InputError, match="one label only"):
        penalised_atlas(DenseLoss(Network((1, 1, 1), "relu"), "logistic", data, free))


def test_the_atlas_without_decay_does_not_take_a_loss_with_it():
    problem = ProgramProblem(loss_of("xor", 2, "1/10").program(), dense=loss_of("xor", 2, "1/10"))
    with pytest.raises(InputError, match="penalised_atlas lists its minima"):
        spurious.atlas(problem)


@pytest.mark.parametrize(
    ("x", "y", "loss", "hidden", "l2"),
    [
        ([(0, 3), (0, -1), (1, 3), (-2, -1)], [2, -1, -2, 0], "squared", 1, "1/20"),
        ([(-2,), (1,), (-1,), (-3,)], [1, -1, -1, 1], "logistic", 2, "1/50"),
    ],
)
def test_points_at_right_angles_put_directions_on_kinks_exactly(x, y, loss, hidden, l2):
    """With the bias as one more input: 1 and -1 are; no box of numbers could tell."""
    data = Dataset(tuple(tuple(map(Fraction, row)) for row in x), tuple((Fraction(v),) for v in y))
    network = Network((len(x[0]), hidden, 1), "relu")
    found = penalised_atlas(DenseLoss(network, loss, data, Penalty(Fraction(l2))))
    assert found.complete
    basins = measure_decay_basins(found, 60, seed=5, spread=2.0)
    assert not basins.unknown and sum(basins.hits)


def test_ties_are_undecided_and_said_so():
    """At the decay where the only unit dies its share is 0 and its slope is at the limit."""
    data = Dataset(
        ((Fraction(0), Fraction(3)), (Fraction(0), Fraction(1))), ((Fraction(1),), (Fraction(-1),))
    )
    network = Network((2, 2, 1), "abs")
    found = penalised_atlas(DenseLoss(network, "logistic", data, Penalty(Fraction(1, 2))))
    assert not found.complete and found.undecided[0].reason
    least = found.least_loss
    assert least is not None and least.rad < Fraction(1, 10**9)
