"""The list of minima of the hinge loss: what is in a row, what is refused, what is printed."""

import json
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import pytest
import z3
from tests.atlas.test_brute_force import _on_face
from tests.atlas.test_hinge_brute_force import TINY, hinge, of_atlas
from typer.testing import CliRunner

import spurious
import spurious_checker
from spurious import Answer, Decision, InputError, atlas, optimum
from spurious.atlas.atlas import enumerate_strata
from spurious.atlas.basins import measure_basins
from spurious.atlas.files import atlas_to_data, certificates
from spurious.cli.app import app
from spurious.problem import DenseLoss, Network, any_problem_to_data, dataset, problem_at

XOR = ([[0, 1], [1, 0], [0, 0], [1, 1]], [1, 1, -1, -1])
SMALL = [name for name, entry in TINY.items() if entry[2] == 1]


def named(name, hidden):
    data = dataset(name).data
    return DenseLoss(Network((data.inputs, hidden, 1), "relu"), "hinge", data)


def tiny(name):
    x, y, hidden, activation, weights = TINY[name]
    return hinge(x, y, hidden, activation, weights)


def losses(found):
    """The losses of all families, those alike counted."""
    return sorted(counted(found).items())


def counted(found):
    counts = Counter()
    for family in found.minima:
        counts[family.loss] += family.orbit
    return counts


def test_xor_and_jellyfish():
    assert losses(atlas(named("xor", 1))) == [(2, 4), (4, 2)]
    assert losses(atlas(named("jellyfish", 1))) == [(2, 4), (Fraction(14, 5), 2), (4, 1)]
    assert losses(atlas(named("xor", 2))) == [(0, 6), (2, 1), (4, 3)]


def test_the_whole_of_a_list():
    found = atlas(named("jellyfish", 1))
    assert found.complete and found.least_loss == 2 and found.symmetries == 2
    assert repr(found) == (
        "<Atlas: 2-1-1 relu, 4 points, hinge loss: 7 families of local minima, all>"
    )
    assert atlas_to_data(found)["problem"]["loss"] == "hinge"
    held = {family.loss: family for family in found.minima}
    assert not held[Fraction(14, 5)].differentiable and held[Fraction(4)].differentiable
    assert held[Fraction(4)].blind_spots == (0, 1, 2, 3)


@pytest.mark.parametrize("loss", [named("xor", 1), named("jellyfish", 1), tiny("four points")])
def test_every_row_has_a_certificate_that_the_checker_accepts(loss):
    found = atlas(loss)
    verdicts = certificates(found)
    best = optimum(loss).loss
    for family, verdict in zip(found.minima, verdicts, strict=True):
        assert verdict.decision is Decision.LOCAL_MINIMUM
        assert verdict.loss.lower <= family.loss <= verdict.loss.upper
        assert verdict.is_global is (Answer.YES if family.loss == best else Answer.NO)
        assert found.is_global(family) is verdict.is_global
        assert spurious_checker.check(dict(verdict.certificate)).valid


@pytest.mark.parametrize("name", TINY)
def test_every_point_of_a_tiny_list_is_proved(name):
    found = atlas(tiny(name))
    proved = certificates(found)  # an error if one is refuted, or has another loss
    assert {verdict.decision for verdict in proved} == {Decision.LOCAL_MINIMUM}
    assert found.least_loss == optimum(found.asked).loss


@pytest.mark.parametrize(
    "x", [["1e-300", "1e300", "1"], ["1e300", "2e300", "3e300", "4e300"], ["1e-300", "0", "1e300"]]
)
def test_inputs_of_very_different_sizes_are_proved_too(x):
    found = atlas(hinge([[Fraction(v)] for v in x], [1, -1, 1, -1][: len(x)], 1))
    proved = certificates(found)  # a warning if the checker refuses one
    assert {verdict.decision for verdict in proved} == {Decision.LOCAL_MINIMUM}


def below(one, two):
    return any(
        all(
            s in (0, t) and all(a in (0, b) for a, b in zip(sides, others, strict=True))
            for (s, sides), (t, others) in zip(one, order, strict=True)
        )
        for order in permutations(two)
    )


@pytest.mark.parametrize("name", TINY)
def test_families_are_the_components_of_the_strata(name):
    """By comparing all strata with one another, state by state."""
    left, parts = of_atlas(tiny(name)), Counter()
    while left:
        value, units = left.pop()
        fresh = [units]
        while fresh:
            here = fresh.pop()
            near = {
                (v, other)
                for v, other in left
                if v == value and (below(here, other) or below(other, here))
            }
            left -= near
            fresh += [other for _, other in near]
        parts[value] += 1
    assert parts == counted(atlas(tiny(name)))


def dimension(loss, value, units):
    """Of a stratum of one unit, by asking z3 for points off the affine hull of those at hand."""
    ((sign, sides),) = units
    x = [(*point, Fraction(1)) for point in loss.data.x]
    a, c = [z3.Real(f"a{k}") for k in range(len(x[0]))], z3.Real("c")
    slopes = [loss.network.slopes[0] if s > 0 else loss.network.slopes[1] for s in sides]
    terms = [
        z3.If(label * f < 1, factor * (1 - label * f), 0)
        for (label,), factor, f in zip(
            loss.data.y,
            loss.factors,
            (
                c + sign * s * sum(w * v for w, v in zip(a, p, strict=True))
                for s, p in zip(slopes, x, strict=True)
            ),
            strict=True,
        )
    ]
    solver = z3.Solver()
    solver.add(*_on_face(a, x, sides), sum(terms) == value)
    points = []
    while True:
        if points:
            steps = [[p - q for p, q in zip(point, points[0], strict=True)] for point in points[1:]]
            solver.push()
            solver.add(z3.Or(*(_off(steps, points[0], [*a, c]))))
        if solver.check() != z3.sat:
            return len(points) - 1 + (sign != 0)
        model = solver.model()
        values = [model.eval(v, model_completion=True).as_fraction() for v in [*a, c]]
        points.append([Fraction(v.numerator, v.denominator) for v in values])
        if len(points) > 1:
            solver.pop()


def _off(steps, start, place):
    """That a place is not on the affine hull: some normal of it says so."""
    from flint import fmpq, fmpq_mat

    width = len(place)
    rows = [[fmpq(v.numerator, v.denominator) for v in step] for step in steps]
    if not rows:
        return [v != s for v, s in zip(place, start, strict=True)]
    reduced, rank = fmpq_mat(rows).rref()
    pivots = [next(j for j in range(width) if reduced[i, j] != 0) for i in range(rank)]
    found = []
    for free in set(range(width)) - set(pivots):
        normal = [Fraction(0)] * width
        normal[free] = Fraction(1)
        for i, pivot in enumerate(pivots):
            normal[pivot] = -Fraction(int(reduced[i, free].p), int(reduced[i, free].q))
        shift = sum(n * s for n, s in zip(normal, start, strict=True))
        found.append(sum(n * v for n, v in zip(normal, place, strict=True)) != shift)
    return found


@pytest.mark.parametrize("name", SMALL)
def test_dimensions_are_those_that_z3_finds(name):
    loss = tiny(name)
    largest = {}
    for value, units in of_atlas(loss):
        if units[0][0]:
            largest[value] = max(largest.get(value, 0), dimension(loss, value, units))
    found = {}
    for family in atlas(loss).minima:
        found[family.loss] = max(found.get(family.loss, 0), family.dimension)
    assert found == largest


def test_a_mean_divides_the_losses():
    plain = losses(atlas(named("jellyfish", 1)))
    mean = losses(atlas(replace(named("jellyfish", 1), reduction="mean")))
    assert mean == [(loss / 4, count) for loss, count in plain]


def test_whole_weights_are_repeated_points():
    x, y = [[0], [1], [2], [3]], [1, -1, 1, -1]
    weighted = atlas(hinge(x, y, 1, weights=[2, 1, 1, 3]))
    repeated = atlas(hinge([[0], *x, [3], [3]], [1, *y, -1, -1], 1))
    assert losses(weighted) == losses(repeated)
    assert [f.dimension for f in weighted.minima] == [f.dimension for f in repeated.minima]


def test_a_point_of_weight_zero_is_left_out():
    found = atlas(hinge([[0], [1], [5]], [1, -1, 1], 1, weights=[1, 1, 0]))
    assert losses(found) == losses(atlas(hinge([[0], [1]], [1, -1], 1)))
    assert all(len(family.outputs) == 2 for family in found.minima)


def test_other_labels_and_another_order_change_nothing():
    x, y = [[0, 0], [2, 1], [1, 3], [-1, 1]], [1, -1, 1, 1]
    plain = losses(atlas(hinge(x, y, 1)))
    assert losses(atlas(hinge(x[::-1], y[::-1], 1))) == plain
    assert losses(atlas(hinge(x, [-label for label in y], 1))) == plain


def test_labels_are_only_turned_around_where_margins_stay():
    """With one class y -> 2 - y keeps all targets, and the squared loss of 2 - f, not this one."""
    one_class = hinge([[-1], [1]], [1, 1], 1)
    assert atlas(one_class).symmetries == 2
    assert atlas(replace(one_class, loss="squared")).symmetries == 4
    assert atlas(hinge([[-1], [1]], [1, -1], 1)).symmetries == 2


def test_minima_of_fewer_units_may_be_undecided_unless_units_can_be_off():
    x, y, weights = [[0], [1], [2], [3]], [1, -1, 1, -1], [1, 2, 1, 1]
    leaky = atlas(hinge(x, y, 1, "leaky_relu", weights))
    assert not leaky.complete
    assert [item.loss for item in leaky.undecided] == [4]
    assert "output weight 0" in leaky.undecided[0].reason
    assert leaky.is_global(leaky.minima[0]) is Answer.YES
    assert atlas(hinge(x, y, 1, "relu", weights)).complete
    assert atlas(hinge(x, y, 1, "identity", weights)).complete


def test_what_is_refused():
    penalised = spurious.problem(*XOR, hidden=1, loss="hinge", l2="1/10")
    with pytest.raises(InputError, match="penalty: found a loss with weight decay"):
        atlas(penalised)
    with pytest.raises(InputError, match="found hinge, but an atlas with weight decay needs"):
        spurious.penalised_atlas(penalised)
    with pytest.raises(InputError, match=r"data\.y"):
        atlas(hinge([[0], [1]], [0, 2], 1))
    with pytest.raises(InputError, match="too many cells for the list of minima of the hinge"):
        atlas(named("xor", 6))
    with pytest.raises(InputError, match="whose minima have many outputs"):
        next(enumerate_strata(named("xor", 1)))
    with pytest.raises(InputError, match="starts: found the hinge loss"):
        measure_basins(atlas(named("xor", 1)), 10, 0)


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)])


def test_the_command_prints_and_writes_the_list(tmp_path):
    result = run("atlas", "jellyfish", "--hidden", 1, "--loss", "hinge", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "2-1-1 relu, 4 points, hinge loss: 28 cells, 7 families" in result.stdout
    assert "spurious, on kinks only" in result.stdout
    data = json.loads((tmp_path / "atlas.json").read_text())
    assert data["complete"] and len(data["minima"]) == 4
    for row in data["minima"]:
        certificate = json.loads((tmp_path / row["certificate"]).read_text())
        assert spurious_checker.check(certificate).valid
    assert {path.name for path in tmp_path.iterdir()} >= {"atlas.png", "minima.parquet"}


def test_the_command_answers_files_with_weights(tmp_path):
    loss = hinge([[0], [1], [2]], [1, -1, 1], 1, weights=["2/3", 1, "2/3"])
    path = tmp_path / "weighted.json"
    path.write_text(json.dumps(any_problem_to_data(problem_at(loss))))
    result = run("atlas", path, "--json")
    assert result.exit_code == 0, result.output
    assert [row["loss"] for row in json.loads(result.stdout)["minima"]] == ["4/3", "2"]


def test_the_command_refuses_starts_and_decay():
    result = run("atlas", "xor", "--hidden", 1, "--loss", "hinge", "--starts", 10)
    assert result.exit_code == 2
    assert "--starts: found 10, but minima of the hinge loss" in result.stderr
    result = run("atlas", "xor", "--hidden", 1, "--loss", "hinge", "--l2", "1/10")
    assert result.exit_code == 2
    assert "found hinge, but an atlas with weight decay needs squared or logistic" in result.stderr
