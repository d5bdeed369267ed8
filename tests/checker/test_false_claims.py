"""False claims with evidence that looks right: each exploits one thing a checker might forget."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from spurious_checker import check


def _pencil() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pencil", Path(__file__).parent / "pencil.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pencil = _pencil()
point, ball, column = pencil.point, pencil.ball, pencil.column


def rejected(certificate: Any) -> str:
    result = check(pencil.seal(certificate))
    assert not result.valid, result.claim
    assert result.claim == "" and result.reason
    return result.reason


def with_proof(name: str, **changes: Any) -> Any:
    case = copy.deepcopy(pencil.CASES[name])
    case["proof"].update(changes)
    return case


def concave() -> Any:
    """phi(u) = 2 max(0,b) - max(0,b-w) - max(0,b+w) <= 0: no minimum. The formula of section 5.1,
    used for a dominated group with c > 0, would balance at all four leaves."""
    at = point(([[0]], [0]), ([[1]], [0]))
    pb = pencil.problem(
        [1, 1, 1], "relu", "squared", column(-1, 0, 1), column("1/2", -1, "1/2"), at
    )

    def leaf(a: str, b: str) -> Any:
        return {"dominated": {"1": {"0": a, "2": b}}}

    h, n = "1/2", "-1/2"
    tree = {
        "split": 0,
        "plus": {"split": 2, "plus": leaf(h, h), "minus": leaf(h, n)},
        "minus": {"split": 2, "plus": leaf(n, h), "minus": leaf(n, n)},
    }
    proof = {"rule": "one_sided_derivatives", "units": [[tree]]}
    return pencil.certificate(pb, proof, loss=ball("3/2"), strict="no")


def test_dominated_group_with_positive_coefficient() -> None:
    assert "dominated" in rejected(concave())


def test_multipliers_that_balance_but_are_too_large() -> None:
    """g = (1, 2, -1, -2) at 0, 1, 2, -1: the loss falls when b does. |tau| is 3/2, c 1/2."""
    at = point(([[1]], [0]), ([[1]], [0]))
    ys = column("-1/2", 0, "5/2", 1)
    pb = pencil.problem([1, 1, 1], "relu", "squared", column(0, 1, 2, -1), ys, at)
    proof = {"rule": "one_sided_derivatives", "units": [[{"tau": {"0": "-3/2"}}]]}
    assert "tau" in rejected(pencil.certificate(pb, proof, loss=ball("5/2"), strict="no"))


def test_multipliers_that_balance_but_are_negative() -> None:
    """g = (-1, 1) at 0, -1: the loss falls when b rises."""
    at = point(([[1]], [0]), ([[1]], [0]))
    ys = column("1/2", "-1/2")
    pb = pencil.problem([1, 1, 1], "relu", "squared", column(0, -1), ys, at)
    tree = {"split": 0, "plus": {"mu": {"0": "-1"}}, "minus": {"mu": {"0": "0"}}}
    proof = {"rule": "one_sided_derivatives", "units": [[tree]]}
    assert "negative" in rejected(pencil.certificate(pb, proof, loss=ball("1/2"), strict="no"))


def line_fit(radius: str) -> Any:
    """The fit of y = x at -1 and 1 by w x + b, at w = 1 + 10^-8; the Hessian is 4."""
    at = point(([["100000001/100000000"]], [0]))
    pb = pencil.problem([1, 1], "identity", "squared", column(-1, 1), column(-1, 1), at)
    proof = {
        "rule": "convex_ball", "centre": at, "radius": radius, "fixed": [],
        "transform": [["1", "0"], ["0", "1"]],
    }  # fmt: skip
    return pencil.certificate(
        pb, proof, loss=ball(0, "1/10000000"), verdict="local_minimum_nearby", radius=radius,
        strict="yes", strict_up_to_rescaling="yes", flat_dimension=0, eigenvalue_bound="3",
    )  # fmt: skip


def test_a_box_that_the_minimum_is_not_in() -> None:
    assert check(line_fit("3/100000000")).valid
    assert "gradient" in rejected(line_fit("1/1000000000"))


def test_outputs_are_no_dead_layer() -> None:
    """All outputs are negative and sum g = 0, but the slope is wrong."""
    at = point(([[1]], [1]), ([[1]], [-5]))
    pb = pencil.problem([1, 1, 1], "relu", "squared", column(0, 1), column(-5, -2), at)
    proof = {"rule": "classwise_optimum"}
    rejected(pencil.certificate(pb, proof, loss=ball(2), strict="no"))
    moved = {"rule": "constant_output", "radius": "1"}
    claim = {"verdict": "local_minimum_nearby", "radius": "1", "strict": "no"}
    rejected(pencil.certificate(pb, moved, loss=ball(2), **claim))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_one_class_has_no_valley(activation: str) -> None:
    """With one class the loss is 0 everywhere: no margin is raised, none is left unraised."""
    at = point(([[1]], [1]), ([[1]], [0]))
    pb = pencil.problem([1, 1, 1], activation, "cross_entropy", column(1), column(0), at)
    proof = {"rule": "valley_to_infinity", "direction": {"weight": [["1"]], "bias": ["0"]}}
    rejected(pencil.refutation(pb, proof, ball(0), valley_limit=ball(0)))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_no_data(activation: str) -> None:
    at = point(([[1]], [1]), ([[1]], [0]))
    pb = pencil.problem([1, 1, 1], activation, "logistic", [], [], at)
    proof = {"rule": "valley_to_infinity", "direction": {"weight": [["1"]], "bias": ["0"]}}
    rejected(pencil.refutation(pb, proof, ball(0), valley_limit=ball(0)))


def test_trees() -> None:
    one = "one kink"
    for leaf in (
        {"tau": {"0": "-1/2", "00": "0"}},
        {"tau": {"2": "-1/2"}},  # point 2 belongs to group 0
        {"tau": {"0": "-1/2", "1": "0"}},  # no kink
        {"tau": {"0": "-1/2"}, "mu": {"0": "0"}},  # not split
        {"tau": {"0": "-1/2"}, "dominated": {"0": {}}},
        {"split": 0, "plus": {"tau": {"0": "-1/2"}}, "minus": {"tau": {"0": "-1/2"}}},
        {"tau": {"0": {"1/1": "-1/2"}}},
        {"tau": {"0": {"1": "-1/2", "2,1": "0"}}},  # not sorted
        {"tau": {"0": {"1": "-1/2", "1/0": "0"}}},
        {"tau": None},
        [],
    ):
        rejected(with_proof(one, units=[[leaf]]))
    rejected(with_proof(one, units=[]))
    rejected(with_proof(one, units=[[]]))
    rejected(with_proof(one, epsilon="1"))
    rejected(with_proof(one, point=pencil.CASES[one]["problem"]["point"]))
    rejected(with_proof("two outputs", epsilon="0"))
    rejected(with_proof("zero weight minimum", units=[[{}], []]))
    tree = pencil.CASES["split tree"]["proof"]["units"][0][0]
    again = {"split": 1, "plus": tree["plus"], "minus": tree["minus"]}
    rejected(with_proof("split tree", units=[[{**tree, "plus": again}]]))
    deep: Any = {}
    for _ in range(100_000):
        deep = {"split": 1, "plus": deep, "minus": {}}
    certificate = copy.copy(pencil.CASES["split tree"])
    certificate["proof"] = {"rule": "one_sided_derivatives", "units": [[deep]]}
    assert not check(certificate).valid


def test_fixed_parameters() -> None:
    """Fixing more than the rescaling takes away freedom that might lower the loss."""
    for fixed in ([], [1], [0, 1], [0, 2], [0, 3], [3], [0, 0], [-1], [4], [True], [0, 1, 2, 3]):
        free = [p for p in range(4) if p not in fixed]
        square = [[str(int(a == b)) for b in free] for a in free]
        rejected(with_proof("relu ball", fixed=fixed, transform=square))
    rejected(with_proof("sigmoid ball", fixed=[0]))
    rejected(with_proof("dead unit ball", fixed=[0, 1, 3]))
    rejected(with_proof("relu ball", radius="10"))  # reaches the kinks
    rejected(with_proof("sigmoid ball", radius="10"))
    zero = [["0"] * 4 for _ in range(4)]
    rejected(with_proof("sigmoid ball", transform=zero))
    rejected(with_proof("sigmoid ball", transform=[]))


def test_local_minimum_needs_an_exact_zero() -> None:
    """A box around an almost critical point proves a minimum nearby, not here."""
    case = copy.deepcopy(pencil.CASES["sigmoid ball"])
    case["problem"]["point"] = case["proof"]["centre"]
    case["claim"].update(verdict="local_minimum", radius=None)
    rejected(case)
    other = copy.deepcopy(pencil.CASES["relu ball"])
    other["problem"]["point"] = other["proof"]["centre"]
    other["claim"].update(verdict="local_minimum", radius=None)
    rejected(other)


def test_a_maximum_along_one_parameter_is_no_minimum() -> None:
    """The saddle of `saddle`, with Hessian evidence that ignores two parameters."""
    case = copy.deepcopy(pencil.CASES["tanh saddle"])
    at = case["problem"]["point"]
    case["proof"] = {
        "rule": "convex_ball", "centre": at, "radius": "1/1000", "fixed": [],
        "transform": [[str(int(a == b)) for b in range(4)] for a in range(4)],
    }  # fmt: skip
    case["claim"].update(
        verdict="local_minimum", strict="yes", strict_up_to_rescaling="yes", flat_dimension=0,
        eigenvalue_bound="1/1000000", **{"global": "unknown"},
    )  # fmt: skip
    case["global_proof"] = None
    rejected(case)


def test_faces() -> None:
    name, unit = "kinked ball", {"held": [6], "basis": [["1", "0"]]}
    for units in (
        [None],
        [],
        [{**unit, "held": [7]}],  # not the name of its group
        [{**unit, "held": [6, 6]}],
        [{**unit, "held": []}],
        [{**unit, "held": [0]}],
        [{**unit, "basis": []}],
        [{**unit, "basis": [["0", "1"]]}],
        [{**unit, "basis": [["0", "0"]]}],
        [{**unit, "basis": [["1", "0"], ["2", "0"]]}],
        [{"held": [], "basis": [["1", "0"], ["0", "1"]]}],
    ):
        rejected(with_proof(name, units=units))
    flipped = copy.deepcopy(pencil.CASES[name])
    for label in flipped["problem"]["data"]["y"][6:9]:
        label[0] = "1" if label[0] == "-1" else "-1"
    for label in flipped["problem"]["data"]["y"][9:12]:
        label[0] = "1" if label[0] == "-1" else "-1"
    rejected(flipped)  # the same face, but now the kink is concave


def test_global_claims() -> None:
    case = copy.deepcopy(pencil.CASES["dead layer"])
    case["claim"].update(witness_loss=None, **{"global": "yes"})
    for rule in ("pointwise_optimum", "affine_optimum", "not_local_minimum", "witness", "x"):
        rejected({**case, "global_proof": {"rule": rule}})
    case["claim"]["global"] = "no"
    rejected({**case, "global_proof": {"rule": "not_local_minimum"}})
    worse = {"rule": "witness", "point": point(([[0]], [-1]), ([[1]], [1]))}
    case["claim"]["witness_loss"] = ball(2)  # equal, not better
    rejected({**case, "global_proof": worse})
    up = copy.deepcopy(pencil.CASES["descent"])
    up["claim"]["global"] = "yes"
    rejected({**up, "global_proof": {"rule": "pointwise_optimum"}})
    near = copy.deepcopy(pencil.CASES["relu ball"])
    near["claim"]["global"] = "yes"
    rejected({**near, "global_proof": {"rule": "pointwise_optimum"}})


def test_transports() -> None:
    """Masses that are negative, off centre, too few, or of no group."""
    for name in ("constant spread", "constant beside"):
        for transport in (
            {},
            [],
            {"2": {}},
            {"2": {"0": "2/3"}},  # the right mass, off centre
            {"2": {"0": "1/6", "1": "1/6"}},
            {"2": {"0": "2/3", "1": "2/3"}},
            {"0": {"2": "-1/3"}, "1": {"2": "-1/3"}},  # makes G, but towards the midpoint
            {"0": {"2": "1/3"}, "1": {"2": "1/3"}},
            {"2": {"0": "1/3", "1": "1/3"}, "0": {"1": "-1/9"}, "1": {"0": "-1/9"}},
            {"2": {"0": "1/3", "1": "1/3", "9": "0"}},
            {"2": {"0": "1/3", "1": "1/3"}, "02": {}},
            {"2": {"0": "1/3", "01": "1/3"}},
            {"2": ["1/3", "1/3"]},
            {"2": {"0": {"1": "1/3"}, "1": "1/3"}},
        ):
            rejected(with_proof(name, transport=transport))
    concave = copy.deepcopy(pencil.CASES["constant beside"])
    concave["problem"]["data"]["y"] = column(1, 1, 0, "2/3")
    concave["problem"]["point"]["layers"][1]["bias"] = ["7/6"]
    concave["proof"]["transport"] = {"2": {"0": "-1/3", "1": "-1/3"}}
    assert "negative" in rejected(concave)
    twice = copy.deepcopy(pencil.CASES["constant exact"])
    twice["problem"]["data"]["x"].append(["0", "1"])
    twice["problem"]["data"]["y"] = column("0", "0", "1", "0")
    twice["problem"]["point"]["layers"][1]["bias"] = ["3/4"]
    twice["claim"]["loss"] = ball("3/4")
    for transport in (
        {"2": {"0": "1/4", "1": "1/4"}},  # the group of input 1 has two points
        {"2": {"0": "1/4", "1": "1/4", "3": "1/4"}},  # 3 is no name of a group
        None,  # sum G x is not zero
    ):
        twice["proof"]["transport"] = transport
        rejected(twice)


def test_moments_that_are_not_definite() -> None:
    rejected(with_proof("constant beside", transport=None))
    case = copy.deepcopy(pencil.CASES["constant exact"])
    case["problem"]["network"]["widths"] = [1, 1, 1]
    layers = case["problem"]["point"]["layers"]
    layers[0]["weight"] = [["0"]]
    case["claim"]["flat_dimension"] = 2
    for x, y, mean in (
        ([0, 1, 2, 3], ["1", "4", "-2", "1"], "1"),  # G = (0, -3, 3, 0): a slope
        ([0, 1, 2, 3], ["0", "4", "-2", "2"], "1"),  # G = (1, -3, 3, -1): no second moment
        ([-1, 0, 1], ["1", "0", "1"], "2/3"),  # a negative second moment
    ):
        case["problem"]["data"] = {"x": column(*x), "y": column(*y)}
        layers[1]["bias"] = [str(pencil.F(mean) + pencil.F(1, 2))]
        case["claim"]["loss"] = ball(sum((pencil.F(v) - pencil.F(mean)) ** 2 for v in y))
        rejected(case)
    case["problem"]["data"]["y"] = column(0, 1, 0)
    layers[1]["bias"] = ["5/6"]
    case["claim"]["loss"] = ball("2/3")
    assert check(pencil.seal(case)).valid
    saddle = copy.deepcopy(case)  # G = product of coordinates: one moment is positive, one negative
    saddle["problem"]["network"]["widths"] = [2, 1, 1]
    corners = [[2, 0], [-2, 0], [0, 1], [0, -1], [0, 0]]
    saddle["problem"]["data"] = {"x": pencil.text(corners), "y": column(-1, -1, 1, 1, 0)}
    saddle["problem"]["point"] = point(([[0, 0]], [-1]), ([[1]], ["1/2"]))
    saddle["claim"].update(loss=ball(4), flat_dimension=2)
    rejected(saddle)
    saddle["proof"]["transport"] = {"4": {"0": "1", "1": "1"}, "2": {"4": "1"}, "3": {"4": "1"}}
    saddle["claim"]["flat_dimension"] = None
    rejected(saddle)


def test_a_unit_that_sees_the_data_a_little() -> None:
    """Only just: the output stays within the radius of the best constant."""
    case = copy.deepcopy(pencil.CASES["constant spread"])
    tilted = ["1", str(1 + pencil.F(1, 10**20))]
    case["problem"]["point"]["layers"][0]["weight"][0] = tilted
    assert "not constant" in rejected(pencil.seal(case))


def test_units_that_bend_the_wrong_way() -> None:
    """Downwards, at an inflection or a jump of act'', without output weight, seeing the data."""
    case = copy.deepcopy(pencil.CASES["constant exact"])
    case["proof"]["transport"] = pencil.SPREAD
    case["claim"]["flat_dimension"] = None
    assert check(pencil.seal(case)).valid
    third = pencil.F(1, 3)
    for name, w, b, v, bias in (
        ("softsign", 0, -1, -1, third - pencil.F(1, 2)),
        ("softsign", 0, 1, 1, third - pencil.F(1, 2)),
        ("softsign", 0, 0, 1, third),
        ("softsign", 0, -1, 0, third),
        ("tanh", 0, 0, 1, third),
        ("elu", 0, 0, 1, third),
        ("gelu", 0, 0, -1, third),
        ("silu", 0, 0, -1, third),
        ("gelu", 0, 0, 0, third),
        ("softsign", pencil.F(1, 10**50), -1, 1, pencil.F(5, 6)),
        ("relu", 0, 1, 1, third - 1),
        ("identity", 0, 1, 1, third - 1),
        ("identity", 0, 1, -1, third + 1),
        ("relu", 0, -1, 1, third),
    ):
        case["problem"]["network"]["activation"] = name
        case["problem"]["point"] = point(([[w, 0]], [b]), ([[v]], [bias]))
        rejected(case)
    for name, value in (("gelu", third), ("silu", third)):
        case["problem"]["network"]["activation"] = name
        case["problem"]["point"] = point(([[0, 0]], [0]), ([[1]], [value]))
        assert check(pencil.seal(case)).valid
    case["problem"]["network"]["activation"] = "elu"  # affine where it is: no flat dimension
    case["problem"]["point"] = point(([[0, 0]], [1]), ([[-1]], [third + 1]))
    for transport in (pencil.SPREAD, None):
        case["proof"]["transport"] = transport
        assert check(pencil.seal(case)).valid
        case["claim"]["flat_dimension"] = 3
        rejected(case)
        case["claim"]["flat_dimension"] = None


def test_the_output_of_units_that_see_no_data() -> None:
    """The best constant has to be within the radius, or exactly there."""
    name = "constant spread"
    for radius in (
        "0",
        "-1",
        str(pencil.F(1, 2**41)),
        str(pencil.F(1, 2**40) - pencil.F(1, 2**90)),
    ):
        case = with_proof(name, radius=radius)
        case["claim"]["radius"] = radius
        rejected(case)
    near = copy.deepcopy(pencil.CASES["constant logistic units"])
    near["claim"].update(verdict="local_minimum", radius=None)
    rejected(near)
    del near["proof"]["radius"]
    rejected(near)
    exact = copy.deepcopy(pencil.CASES["constant exact"])
    exact["proof"]["radius"] = "1/100"
    rejected(exact)
    exact["claim"].update(verdict="local_minimum_nearby", radius="1/100")
    assert check(pencil.seal(exact)).valid
    del exact["proof"]["radius"]
    rejected(exact)
    yes = copy.deepcopy(pencil.CASES["constant exact"])
    yes["claim"]["global"] = "yes"
    for rule in ("pointwise_optimum", "affine_optimum"):
        rejected({**yes, "global_proof": {"rule": rule}})
    one_label = copy.deepcopy(pencil.CASES["constant logistic units"])
    one_label["problem"]["data"]["y"] = column(1, 1, 1)
    for transport in ({}, None):
        one_label["proof"]["transport"] = transport
        rejected(one_label)


def test_units_that_see_no_data_in_other_networks() -> None:
    """Only one hidden layer and one output."""
    case = copy.deepcopy(pencil.CASES["constant exact"])
    rows, zero = [["0", "0"]], point(([[0, 0]], [-1]), ([[1]], ["1/2"]), ([[1]], ["0"]))
    case["problem"]["network"]["widths"] = [2, 1, 1, 1]
    case["problem"]["point"] = zero
    rejected(case)
    case["problem"]["network"]["widths"] = [2, 1, 2]
    case["problem"]["point"] = point((rows, [-1]), ([[1], [1]], ["5/6", "5/6"]))
    case["problem"]["data"]["y"] = pencil.text([[0, 0], [0, 0], [1, 1]])
    case["claim"]["loss"] = ball("4/3")
    rejected(case)


def test_refutations_off_their_ground() -> None:
    """No second derivative on a kink; no first one from the wrong side."""
    at = point(([[1]], [0]), ([[-1]], [0]))  # -max(0, x): a kink at x = 0, target 1
    for name in ("relu", "elu", "softsign"):
        pb = pencil.problem([1, 1, 1], name, "squared", column(0), column(1), at)
        move = point(([[0]], [1]), ([[1]], [0]))
        rule = {"rule": "negative_curvature", "direction": move}
        rejected(pencil.refutation(pb, rule, ball(1)))
    uphill = with_proof("descent", direction=point(([[0]], [-1]), ([[0]], [0])))
    rejected(uphill)
    nothing = with_proof("descent", direction=point(([[0]], [0]), ([[0]], [0])))
    rejected(nothing)


def test_twins_that_are_no_minimum() -> None:
    """True evidence for the merged network, and twins whose parting lowers the loss."""
    name = "twins"
    v = pencil.F(pencil.CASES[name]["proof"]["centre"]["layers"][1]["weight"][0][0])
    for shares in (("5/4", "-1/4"), ("-1000", "1001"), (0, 1), (1, 0), ("1/2", "-1/2"), (1, 1)):
        case = copy.deepcopy(pencil.CASES[name])
        weights = [pencil.text(v * pencil.F(share)) for share in shares]
        case["problem"]["point"]["layers"][1]["weight"] = [weights]
        for radius in (case["claim"]["radius"], "1/100000", "1/100"):
            case["claim"]["radius"] = radius
            rejected(case)
    for shares in ((1, 1, -1), ("1/3", "1/3", "1/3"), ("3/2", 0, "-1/2"), (1, "1/2", "-1/2")):
        rejected(pencil.exact_triplets(shares))
    negative = with_proof(name, bends=[[["-1", "0"], ["0", "-1"]]])
    negative["problem"]["point"]["layers"][1]["weight"] = [pencil.text([v * 2, -v])]
    rejected(negative)


def test_units_that_are_no_twins() -> None:
    for layer, path in ((0, ("weight", 1, 0)), (0, ("bias", 1))):
        case = copy.deepcopy(pencil.CASES["twins"])
        target = case["problem"]["point"]["layers"][layer][path[0]]
        for step in path[1:-1]:
            target = target[step]
        target[path[-1]] = str(pencil.F(target[path[-1]]) + pencil.F(1, 10**30))
        assert "no two units" in rejected(case)
    case = copy.deepcopy(pencil.CASES["tanh ball"])  # a strict minimum, called a plateau
    del case["proof"]["fixed"]
    case["proof"].update(rule="twin_units", bends=[])
    case["claim"].update(strict="no", strict_up_to_rescaling="no")
    assert "no two units" in rejected(case)


def test_twins_claims() -> None:
    for name in ("twins", "exact triplets"):
        for claim in (
            {"strict": "yes"},
            {"strict_up_to_rescaling": "yes"},
            {"flat_dimension": 0},
            {"flat_dimension": 3},
            {"global": "yes"},
        ):
            case = copy.deepcopy(pencil.CASES[name])
            case["claim"].update(claim)
            if "global" in claim:
                case["global_proof"] = {"rule": "pointwise_optimum"}
            rejected(case)
        for bends in ([], [[]], [[["0", "0"], ["0", "0"]]], [[["1"]]], "x", None):
            rejected(with_proof(name, bends=bends))
        same = pencil.CASES[name]["proof"]["bends"]
        rejected(with_proof(name, bends=same * 2))
        rejected(with_proof(name, fixed=[]))
        rejected(with_proof(name, radius="10"))
    case = copy.deepcopy(pencil.CASES["twins"])
    for radius in ("0", "1/1000000000", "3/1000000000", "1"):
        case["claim"]["radius"] = radius
        rejected(case)
    case["problem"]["point"]["layers"] = [case["proof"]["centre"]["layers"][0]] * 2
    rejected(case)
    here = copy.deepcopy(pencil.CASES["twins"])  # near a minimum is not at one
    here["claim"].update(verdict="local_minimum", radius=None)
    rejected(here)
    there = copy.deepcopy(pencil.CASES["exact triplets"])
    there["problem"]["point"]["layers"][1]["bias"] = ["1/1000000000000"]
    rejected(there)


def nearby_triplets(shares: Any, radius: Any) -> Any:
    """`exact_triplets` with the output bias off by 2^-40."""
    case = pencil.exact_triplets(shares)
    case["problem"]["point"]["layers"][1]["bias"] = [str(pencil.F(1, 2**40))]
    case["claim"].update(verdict="local_minimum_nearby", radius=str(radius))
    return case


def test_large_shares_need_a_large_radius() -> None:
    """A share of 2 doubles what may be wrong with the weight."""
    shares, off, box = (2, "-1/2", "-1/2"), pencil.F(1, 2**40), pencil.F(1, 10**9)
    assert check(pencil.seal(nearby_triplets(shares, off + 2 * box))).valid
    assert "too small" in rejected(nearby_triplets(shares, off + 2 * box - pencil.F(1, 10**30)))


def test_twins_whose_weight_changes_its_sign() -> None:
    """For negative weights the evidence would be right; the minimum named has positive ones."""
    shares = ("-1/3", "-1/3", "-1/3")
    rejected(nearby_triplets(shares, pencil.F(2, 3) + pencil.F(1, 10**9)))


def test_twins_elsewhere() -> None:
    """Rectified, deep, or with several outputs: the rule says nothing."""
    for activation in ("identity", "relu", "abs"):
        case = copy.deepcopy(pencil.CASES["exact triplets"])
        case["problem"]["network"]["activation"] = activation
        rejected(case)
    for activation in ("elu", "tanh", "sigmoid"):  # other functions, not critical here
        case = copy.deepcopy(pencil.CASES["exact triplets"])
        case["problem"]["network"]["activation"] = activation
        rejected(case)
    case = copy.deepcopy(pencil.CASES["exact triplets"])
    case["problem"]["network"]["widths"] = [1, 3, 1, 1]
    case["problem"]["point"]["layers"].append({"weight": [["1"]], "bias": ["0"]})
    rejected(case)
    case = copy.deepcopy(pencil.CASES["exact triplets"])
    case["problem"]["network"]["widths"] = [1, 3, 2]
    last = case["problem"]["point"]["layers"][1]
    last["weight"], last["bias"] = last["weight"] * 2, last["bias"] * 2
    case["problem"]["data"]["y"] = [row * 2 for row in case["problem"]["data"]["y"]]
    rejected(case)


def test_a_twin_where_the_second_derivative_jumps() -> None:
    """A fitted point at z = 0 has g = 0 and changes nothing; the rule still wants z != 0 there."""
    assert check(pencil.exact_triplets(fitted=("1/1000", "-1/1000"))).valid
    assert "may be at 0" in rejected(pencil.exact_triplets(fitted=(0,)))
    assert "sign" in rejected(
        pencil.exact_triplets(fitted=("1/1000000000000",))
    )  # z = 0 in the box
