"""One problem for each rule of the certificate format, small enough to follow with a pencil."""

from fractions import Fraction

from spurious.catalogue.duplicated_unit import duplicated_unit
from spurious.problem import Dataset, Loss, Network, Problem, unflatten
from spurious.problem.bundled import bundled


def problem(
    widths: tuple[int, ...],
    activation: str,
    loss: str,
    x: list[list[str]],
    y: list[list[str]],
    point: str,
    slope: str | None = None,
) -> Problem:
    """A problem from short texts; `point` lists the parameters in flat order."""
    network = Network(widths, activation, None if slope is None else Fraction(slope))
    table = [tuple(tuple(Fraction(v) for v in row) for row in rows) for rows in (x, y)]
    return Problem(
        network,
        Loss(loss),
        Dataset(*table),
        unflatten([Fraction(v) for v in point.split()], network),
    )


LINE = [["-1"], ["0"], ["1"], ["2"]]
SQUARE = [["0", "0"], ["0", "1"], ["1", "0"], ["1", "1"]]

CASES = {
    "one_sided_derivatives, kink": bundled("c5-d1"),
    "one_sided_derivatives, three units": bundled("c7-d3"),
    "one_sided_derivatives, zero unit": problem(
        # w = b = 0: every point is on the kink; g = (1, -2, 1) is a mean preserving spread
        (1, 1, 1), "relu", "squared", LINE[:3], [["-1/2"], ["1"], ["-1/2"]], "0 0 1 0",
    ),
    "one_sided_derivatives, split cones": problem(
        (1, 1, 1), "relu", "squared",
        [["-2"], ["-1"], ["0"], ["1"], ["2"], ["3"]],
        [["-1/2"], ["1"], ["-1/2"], ["-1/2"], ["1"], ["-1/2"]], "0 0 1 0",
    ),
    "one_sided_derivatives, two outputs": problem(
        (1, 1, 2), "relu", "squared", LINE[:3],
        [["-1/2", "-1"], ["1", "2"], ["-1/2", "-1"]], "0 0 1 2 0 0",
    ),
    "one_sided_derivatives, no output weight": problem(
        (1, 1, 1), "abs", "squared", [["0"], ["0"]], [["1"], ["-1"]], "3 1 0 0",
    ),
    "classwise_optimum, points on kinks": problem(
        (1, 1, 1, 1), "relu", "squared", [["0"], ["0"], ["1"]], [["1"], ["3"], ["3"]],
        "1 0 1 0 1 2",
    ),
    "classwise_optimum": problem(
        (1, 2, 2, 1), "relu", "squared", LINE, [["1"], ["2"], ["0"], ["5"]],
        "1 -1 3 3 0 0 0 0 -1 -2 1 1 2",
    ),
    "convex_ball, sigmoid": bundled("c13-deadlock-7-points"),
    "convex_ball, exact gradient": problem(
        # a perfect fit; enough points on every linear piece
        (1, 2, 1, 1), "leaky_relu", "squared",
        [["-9"], ["-7"], ["-5"], ["-7/8"], ["-3/4"], ["-1/4"], ["1/2"], ["2"], ["4"], ["7"]],
        [["-13"], ["-10"], ["-7"], ["-3/4"], ["-1/2"], ["1"], ["4"], ["12"], ["24"], ["42"]],
        "1 1 1 -1 1 2 1 2 0", "1/2",
    ),
    "convex_ball, rescalings fixed": problem(
        # the same, a little off the perfect fit
        (1, 2, 1, 1), "leaky_relu", "squared",
        [["-9"], ["-7"], ["-5"], ["-7/8"], ["-3/4"], ["-1/4"], ["1/2"], ["2"], ["4"], ["7"]],
        [["-13"], ["-10"], ["-7"], ["-3/4"], ["-1/2"], ["1"], ["4"], ["12"], ["24"], ["42"]],
        "1 1 1 -1 1 2 1 2 0.0000001", "1/2",
    ),
    "constant_units": problem(
        # the targets bend down, the units up, at any width
        (2, 2, 1), "sigmoid", "squared", [["1", "0"], ["0", "1"], ["1/2", "1/2"]],
        [["0"], ["0"], ["1"]], "1 1 0 0 -2 -1 1 2 -0.4734909308",
    ),
    "constant_units, transport": problem(
        # the same beside a point with the mean target, off their line
        (2, 1, 1), "gelu", "squared", [["-1", "0"], ["1", "0"], ["0", "0"], ["0", "3"]],
        [["0"], ["0"], ["2"], ["2/3"]], "0 0 -2 -1 0.6211666",
    ),
    "constant_units, exact": problem(
        (1, 2, 1), "softsign", "squared", LINE[:3], [["0"], ["6"], ["0"]], "0 0 -1 2 1 -3 9/2",
    ),
    "constant_units, logistic": problem(
        (1, 1, 1), "tanh", "logistic", [["-3"], ["3"], ["0"]], [["-1"], ["-1"], ["1"]],
        "0 -1 1 0.0684469752",
    ),
    "pointwise_optimum": problem(
        # both units see the data alike, so the Hessian is singular; the equal inputs' mean is 1/2
        (1, 2, 1), "softsign", "squared", [["0"], ["1"], ["1"], ["-2"]],
        [["0"], ["1"], ["0"], ["-2/3"]], "1 1 0 0 1/2 1/2 0",
    ),
    "constant_output": problem(
        (1, 1, 1), "relu", "logistic", [["1"], ["2"], ["3"]], [["1"], ["1"], ["-1"]],
        "-1 -1 1 0.6931471805",
    ),
    "kinked, logistic": problem(
        (1, 1, 1), "relu", "logistic",
        [["-3"], ["-4"], ["-2"], ["-3"], ["2"], ["1"], ["4"], ["0"]],
        [["-1"], ["1"], ["1"], ["1"], ["-1"], ["-1"], ["1"], ["1"]],
        "-0.575643450 0.575643451 0.6082189 -0.1710662",
    ),
    "kinked": problem(
        # two outputs, 0 on the kink; the output bias is a little off
        (1, 1, 2), "relu", "squared", [["-2"], ["0"], ["-6"], ["3"], ["9"]],
        [["1/40", "3/2"], ["-341/150", "253/200"], ["539/120", "2"], ["-673/300", "373/300"],
         ["-9/4", "149/120"]], "-1/2 0 9/4 1/4 -9/4 1.2500001",
    ),
    "constant_rank": problem(
        # the upper unit is on its kink at -1; the lower one is on at all inputs but two
        (1, 1, 1, 1), "relu", "squared", [["6"], ["-1"], ["7"], ["2"], ["-7"], ["-3"]],
        [["-113/75"], ["-61/40"], ["-301/200"], ["-37/25"], ["1439/120"], ["121/40"]],
        "-3/2 5/4 1 -11/4 3/2 -1.5000001",
    ),
    "constant_rank, off the kinks": problem(
        (1, 1, 1, 1), "relu", "squared", [["3"], ["4"], ["-8"], ["-1"], ["6"]],
        [["-11/15"], ["-33/20"], ["407/180"], ["403/180"], ["-101/30"]],
        "7/4 2 1 -5/4 -1/2 2.2500001",
    ),
    "twin_units": duplicated_unit("plateau"),
    "negative_curvature, duplicated unit": duplicated_unit("saddle"),
    "descent_direction": bundled("c6-d2-as-printed"),
    "descent_direction, smooth": problem(
        (1, 1, 1), "gelu", "squared", LINE, [["1"], ["2"], ["0"], ["5"]],
        "1 2 3 4",
    ),
    "zero_output_weight": problem(
        # the unit fits nothing at its weights, but would after a small turn
        (1, 1, 1), "relu", "squared", [["1"], ["2"], ["-1"]], [["-1"], ["1/2"], ["1/2"]], "1 0 0 0",
    ),
    "negative_curvature": problem(
        (1, 1, 1), "tanh", "squared", [["-1"], ["1"]], [["-1"], ["1"]], "0 0 0 0",
    ),
    "monotone_valley, saturating unit": problem(
        # the best step; the inner points would have a higher one, the outer points a lower one
        (1, 1, 1), "tanh", "squared", [["-2"], ["-1"], ["1"], ["2"]],
        [["-1/2"], ["-3/2"], ["3/2"], ["1/2"]], "40 0 1 0",
    ),
    "merging_valley": problem(
        # in the limit critical: the residuals are orthogonal to all that the pair can reach there
        (1, 2, 1), "tanh", "squared",
        [["3/10"], ["27/10"], ["1/5"], ["0"], ["5/2"], ["-2/5"], ["8/5"], ["2/5"], ["-11/5"]],
        [["102563/250000"], ["-41627/200000"], ["5473/2500"], ["25227/20000"], ["518919/100000"],
         ["224189/100000"], ["6006/3125"], ["78487/50000"], ["333709/1000000"]],
        "-2381/2000 -2419/2000 -799/2000 -801/2000 -853/5 847/5 6/5",
    ),
    "monotone_valley, sharpening unit": problem(
        # as good a relu as there is, so nearly
        (1, 1, 1), "gelu", "squared", [["3/2"], ["1"], ["-3/4"]], [["1"], ["1"], ["1/5"]],
        "-20 40 -38209/2000000 127463/100000",
    ),
    "valley_to_infinity, some margins stay": problem(
        (1, 1, 1), "relu", "logistic", LINE, [["-1"], ["1"], ["1"], ["1"]], "1 0 1 0",
    ),
    "valley_to_infinity, cross entropy": problem(
        (1, 2, 3), "relu", "cross_entropy", [["-1"], ["1"]], [["0"], ["2"]],
        "1 -1 0 0 0 0 0 0 0 0 0 0 0",
    ),
    "valley_to_infinity, smooth": problem(
        (1, 1, 1), "tanh", "logistic", LINE, [["-1"], ["1"], ["1"], ["1"]], "1 1/2 1 0",
    ),
}  # fmt: skip
