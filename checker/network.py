"""Networks and losses (sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, cast

from checker.functions import PIECEWISE, SMOOTH, enclosure, exact
from checker.numbers import (
    Interval,
    Invalid,
    Number,
    Undecided,
    atom,
    dot,
    hull,
    interval,
    log_one_plus_exp,
    require,
    soft_atom,
)
from checker.reading import (
    Json,
    Layers,
    as_int,
    as_list,
    as_object,
    as_text,
    problem_number,
    read_layers,
    read_row,
)


@dataclass(frozen=True)
class Problem:
    """A spurious-problem/1 object: network, loss, data and point; or one with the keys of 9.8.

    Attributes:
        widths: Inputs, hidden units of each layer, outputs.
        activation: Its name.
        slopes: (p, q) of section 3 for a homogeneous activation, None for a smooth one.
        loss: Its name.
        xs: (n, d) inputs.
        ys: (n, K) targets; for cross_entropy (n, 1) labels.
        layers: The point.
        weights: A factor for each data point; empty for ones.
        penalties: For each block of parameters (weights, biases, layer by layer) what the sum of
            its squares costs; empty for nothing.
    """

    widths: list[int]
    activation: str
    slopes: tuple[Fraction, Fraction] | None
    loss: str
    xs: list[list[Fraction]]
    ys: list[list[Fraction]]
    layers: Layers
    weights: list[Fraction] = field(default_factory=list[Fraction])
    penalties: list[Fraction] = field(default_factory=list[Fraction])

    @property
    def hidden(self) -> bool:
        """Whether there is a hidden layer."""
        return len(self.widths) > 2

    @property
    def kinked(self) -> bool:
        """Whether units can be on a kink (section 3)."""
        return self.slopes is not None and self.slopes[0] != self.slopes[1]

    def groups(self) -> list[int]:
        """For each point the name of its group: the first point with the same input."""
        first: dict[tuple[Fraction, ...], int] = {}
        return [first.setdefault(tuple(x), i) for i, x in enumerate(self.xs)]


def read_problem(x: object, extended: bool = False) -> Problem:
    """Reads and validates a dense problem: spurious-problem/1, or /2 with the keys of 9.8."""
    more = ["penalty", "reduction", "weights"] if extended else []
    fields = as_object(x, "format", "network", "loss", "data", "point", optional=["witness", *more])
    expected = "spurious-problem/2" if extended else "spurious-problem/1"
    require(fields["format"] == expected, "the problem has an unknown format")
    network = as_object(fields["network"], "widths", "activation", optional=["slope"])
    widths = [as_int(w) for w in as_list(network["widths"])]
    require(len(widths) >= 2 and min(widths) >= 1, "widths are at least two positive integers")
    activation, loss = as_text(network["activation"]), as_text(fields["loss"])
    require(("slope" in network) == (activation == "leaky_relu"), "slope is for leaky_relu alone")
    slopes: tuple[Fraction, Fraction] | None = None
    if activation == "leaky_relu":
        slopes = (Fraction(1), problem_number(network["slope"]))
    elif activation in PIECEWISE:
        slopes = (Fraction(PIECEWISE[activation][0]), Fraction(PIECEWISE[activation][1]))
    require(slopes is not None or activation in SMOOTH, "unknown activation")
    if len(widths) == 2:
        slopes = (Fraction(1), Fraction(1))  # section 3: homogeneous, no kinks
    data = as_object(fields["data"], "x", "y")
    xs = [read_row(row, widths[0], problem_number) for row in as_list(data["x"])]
    require(len(xs) > 0, "there are no data")
    outputs = widths[-1]
    labels = as_list(data["y"], len(xs))
    if loss == "cross_entropy":
        ys = [read_row(row, 1, problem_number) for row in labels]
        require(outputs >= 2, "cross_entropy needs two outputs")
        require(all(y in range(outputs) for (y,) in ys), "a label is not one of the classes")
    else:
        ys = [read_row(row, outputs, problem_number) for row in labels]
        require(loss in ("squared", "logistic") or (extended and loss == "hinge"), "unknown loss")
        require(loss == "squared" or all(abs(y) == 1 for r in ys for y in r), "labels are -1 or 1")
    layers = read_layers(fields["point"], widths, problem_number)
    if "witness" in fields:
        read_layers(fields["witness"], widths, problem_number)
    weights = read_weights(fields, len(xs))
    penalties = read_penalties(fields["penalty"], len(layers)) if "penalty" in fields else []
    return Problem(widths, activation, slopes, loss, xs, ys, layers, weights, penalties)


def read_weights(fields: Json, points: int) -> list[Fraction]:
    """The keys `weights` and `reduction` of 9.8 as a factor for each data point."""
    reduction = fields.get("reduction", "sum")
    require(reduction in ("sum", "mean"), "reduction is not sum or mean")
    weights = [Fraction(1)] * points
    if "weights" in fields:
        weights = read_row(fields["weights"], points, problem_number)
    return [w / points for w in weights] if reduction == "mean" else weights


def read_penalties(x: object, layers: int) -> list[Fraction]:
    """The key `penalty` of 9.8: one number for all blocks or all weights, or one a block."""
    names = [f"layers[{m}].{part}" for m in range(layers) for part in ("weight", "bias")]
    require(isinstance(x, dict), "the penalty is not an object")
    fields = cast("Json", x)
    if "l2" in fields:
        as_object(fields, "l2", optional=["biases"])
        biases = fields.get("biases", True)
        require(isinstance(biases, bool), "biases is not true or false")
        cost = problem_number(fields["l2"])
        return [cost, cost if biases else Fraction(0)] * layers
    as_object(fields, optional=names)
    return [problem_number(fields.get(name, 0)) for name in names]


def activation_enclosure(pb: Problem, z: Interval) -> tuple[Interval, Interval, Interval]:
    """Ranges of act, act' and act'' over z; a z that may be on a kink raises `Undecided`."""
    value, first, second = enclosure(pb.activation, pb.slopes, z)
    if first is None:
        raise Undecided("a pre-activation is not bounded away from the kink")
    return value, first, second


def activation_exact(pb: Problem, z: Fraction) -> tuple[Fraction, Fraction]:
    """act(z) and act'(z) where both are rational (sections 3 and 5.3); at a kink act' is p."""
    found = exact(pb.activation, pb.slopes, z)
    if found is None:
        raise Invalid("a value of the activation is not rational")
    return found


@dataclass
class Trace:
    """What happens in the network at one data point; layers counted from 0.

    Attributes:
        pre: z of each layer; the last is the output.
        post: The input of each layer; the first is x.
        first: act'(z) of each hidden layer.
        second: act''(z) of each hidden layer (intervals only).
    """

    pre: list[list[Number]] = field(default_factory=list[list[Number]])
    post: list[list[Number]] = field(default_factory=list[list[Number]])
    first: list[list[Number]] = field(default_factory=list[list[Number]])
    second: list[list[Number]] = field(default_factory=list[list[Number]])

    @property
    def out(self) -> list[Number]:
        """The outputs f."""
        return self.pre[-1]


def forward(pb: Problem, layers: Layers, x: list[Number], bits: int | None) -> Trace:
    """Evaluates the network at x, in intervals, or exactly if `bits` is None (section 3)."""
    trace = Trace()
    a = x if bits is None else [Interval.of(v, bits) for v in x]
    for depth, (weight, bias) in enumerate(layers):
        z: list[Number] = [b + dot(row, a) for row, b in zip(weight, bias, strict=True)]
        trace.post.append(a)
        trace.pre.append(z)
        if depth < len(layers) - 1:
            if bits is None:
                values = [(*activation_exact(pb, v), 0) for v in z]
            else:
                values = [activation_enclosure(pb, v) for v in z]
            a = [v[0] for v in values]
            trace.first.append([v[1] for v in values])
            trace.second.append([v[2] for v in values])
    return trace


def enclosed(layers: Layers, bits: int, radius: Fraction, fixed: Sequence[int] = ()) -> Layers:
    """The box of section 5.3: every parameter within the radius, the fixed ones exact."""
    index, kept, box = 0, set(fixed), list[tuple[list[list[Any]], list[Any]]]()

    def around(value: Fraction) -> Interval:
        nonlocal index
        r = 0 if index in kept else radius
        index += 1
        return hull(Interval.of(value - r, bits), Interval.of(value + r, bits))

    for weight, bias in layers:
        rows = [[around(w) for w in row] for row in weight]
        box.append((rows, [around(b) for b in bias]))
    return box


# ---- losses -------------------------------------------------------------------------------------


def loss_gradient(pb: Problem, i: int, f: list[Number]) -> list[Number]:
    """g_ik, the derivative of the loss by the outputs at point i, exact or enclosed (section 4)."""
    exact = not isinstance(f[0], Interval)
    y = pb.ys[i]
    if pb.loss == "squared":
        return [2 * (a - b) for a, b in zip(f, y, strict=True)]
    if pb.loss == "logistic":
        margins = [a * b for a, b in zip(f, y, strict=True)]
        return [
            -b * (soft_atom([m]) if exact else atom(m)) for m, b in zip(margins, y, strict=True)
        ]
    p = exact_softmax(f) if exact else softmax(f)
    p[int(y[0])] = p[int(y[0])] - 1
    return p


def softmax(f: list[Interval]) -> list[Number]:
    """Enclosures of exp(f_k) / sum exp(f_l)."""
    return [atom(*(b - a for m, b in enumerate(f) if m != k)) for k, a in enumerate(f)]


def exact_softmax(f: list[Fraction]) -> list[Number]:
    """The softmax as in section 4: the r largest share what the others leave."""
    top = max(f)
    p: list[Number] = [
        None if a == top else soft_atom(sorted(b - a for m, b in enumerate(f) if m != k))
        for k, a in enumerate(f)
    ]
    share = (1 - sum((v for v in p if v is not None), Fraction(0))) * Fraction(1, f.count(top))
    return [share if v is None else v for v in p]


def loss_hessian(pb: Problem, f: list[Interval]) -> list[list[Number]]:
    """The (K, K) second derivative of the loss by the outputs, enclosed."""
    outputs = range(len(f))
    if pb.loss == "cross_entropy":
        p = softmax(f)
        return [[p[k] * ((k == m) - p[m]) for m in outputs] for k in outputs]
    two = Interval.of(2, f[0].bits)
    # logistic, with s the sigmoid and y = -1 or 1: y^2 s(y f) s(-y f) = s(f) s(-f)
    diagonal = [two if pb.loss == "squared" else atom(a) * atom(-a) for a in f]
    return [[diagonal[k] if k == m else 0 for m in outputs] for k in outputs]


def loss_at(pb: Problem, i: int, f: list[Number], bits: int) -> Number:
    """The loss of data point i: rational for squared loss at rational outputs, else enclosed."""
    y = pb.ys[i]
    if pb.loss == "squared":
        errors = [a - b for a, b in zip(f, y, strict=True)]
        return sum(e.square() if isinstance(e, Interval) else e * e for e in errors)
    f = [interval(a, bits) for a in f]
    if pb.loss == "logistic":
        return sum(log_one_plus_exp(-(a * b)) for a, b in zip(f, y, strict=True))
    right = int(y[0])
    return log_one_plus_exp(*(a - f[right] for k, a in enumerate(f) if k != right))


def total_loss(pb: Problem, layers: Layers, bits: int) -> Number:
    """The loss at a point: a Fraction where section 4 makes it rational, else an interval."""
    exact = pb.slopes is not None
    at = layers if exact else enclosed(layers, bits, Fraction(0))
    return add_losses(pb, [forward(pb, at, x, None if exact else bits) for x in pb.xs], bits)


def add_losses(pb: Problem, traces: list[Trace], bits: int) -> Number:
    """The sum of the losses of all data points."""
    return sum((loss_at(pb, i, t.out, bits) for i, t in enumerate(traces)), Fraction(0))
