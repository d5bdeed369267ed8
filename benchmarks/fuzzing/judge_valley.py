"""Does the loss fall along a curve to infinity, towards the limit that is named?

The curves are built from the certificate's numbers by section 6 of `docs/certificates.md`; losses
are compared in many digits, by differences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fuzzing import precise
from fuzzing.case import Case, layers, number, parameters
from fuzzing.settle import rational

PLACES = ("1", "0.9", "0.7", "0.5", "0.3", "0.1", "0.03", "0.01", "1e-3", "1e-4", "1e-6", "1e-9")
"""Along the curve, from the point, 1, towards its end, 0."""

STEP = "1e-8"
"""The loss is compared over this share of the way that is left."""

DIGITS = 120

Parameters = Callable[[Any, Any], Sequence[Any]]


def along_curve(case: Case, curve: Parameters, limit: Any) -> list[str]:
    """The loss a little further on, at places along the curve; where it begins and ends."""
    if limit is None:
        return ["the valley has no limit"]
    ctx = precise.context(DIGITS)

    def loss(r: Any) -> Any:
        return precise.loss(case, ctx, precise.forward(case, ctx, curve(ctx, r)).outputs)

    start = curve(ctx, ctx.one)
    here = [precise.real(ctx, v) for v in case.point]
    if any(abs(a - b) > ctx.mpf("1e-90") * (1 + abs(b)) for a, b in zip(start, here, strict=True)):
        return ["the curve begins elsewhere"]
    tiny, last = ctx.mpf("1e-100"), ctx.inf
    for place in PLACES:
        r = ctx.mpf(place)
        now, on = loss(r), loss(r * (1 - ctx.mpf(STEP)))
        if now - on < -tiny or now > last + tiny:
            return [f"the loss rises along the curve at {place}"]
        last = now
    end, slack = rational(last), (1 + abs(rational(last))) / 10**6
    if not limit.lower - (1 + abs(end)) / 10**40 <= end <= limit.upper + slack:
        return [f"the valley ends at {float(end):.17g}, not {float(limit.mid):.17g}"]
    return []


def merging_curve(case: Case, ctx: Any, proof: dict[str, Any], r: Any) -> list[Any]:
    """Section 6.5."""
    pairs = [(p["layer"], *p["units"], number(p["factor"])) for p in proof["pairs"]]
    known = [parameters(c) for c in proof["curve"]]
    eta = _changed(case, list(case.point), pairs, _apart)
    last = [v - sum(column) for v, *column in zip(eta, *known, strict=True)]
    values = [
        ctx.fsum(precise.real(ctx, c) * r**n for n, c in enumerate(column))
        for column in zip(*known, last, strict=True)
    ]
    tau = r if case.exact else ctx.sqrt(r)

    def together(u: Any, w: Any, s: Any, incoming: bool) -> tuple[Any, Any]:
        s = precise.real(ctx, s)
        if incoming:
            return w + tau * u / 2, (w - tau * u / 2) / s
        return w / tau + u / 2, s * (u / 2 - w / tau)

    return _changed(case, values, pairs, together)


def _apart(one: Any, two: Any, s: Any, incoming: bool) -> tuple[Any, Any]:
    if incoming:
        return one - s * two, (one + s * two) / 2
    return one + two / s, (one - two / s) / 2


def _changed(
    case: Case, values: list[Any], pairs: Sequence[Any], change: Callable[..., Any]
) -> list[Any]:
    """Each pair of weights of two units replaced by two other numbers."""
    network = layers(values, case.widths)
    for m, j, k, s in pairs:
        (weight, bias), (above, _) = network[m], network[m + 1]
        rows = [change(a, b, s, True) for a, b in zip(weight[j], weight[k], strict=True)]
        weight[j], weight[k] = [a for a, _ in rows], [b for _, b in rows]
        bias[j], bias[k] = change(bias[j], bias[k], s, True)
        for row in above:
            row[j], row[k] = change(row[j], row[k], s, False)
    return [v for weight, bias in network for v in [*(w for row in weight for w in row), *bias]]


def gated_curve(case: Case, ctx: Any, proof: dict[str, Any], r: Any) -> list[Any]:
    """Section 9.11 with gates, t = 1 / r - 1: incoming weights times m, outgoing ones over m."""
    t, ray = 1 / r - 1, parameters(proof["direction"])
    moved = [precise.real(ctx, v) + t * precise.real(ctx, u)
             for v, u in zip(case.point, ray, strict=True)]  # fmt: skip
    (weight, bias), (above, last) = layers(moved, case.widths)
    for j, gate in enumerate(parameters(proof["gates"])):
        m = 1 + t * precise.real(ctx, gate)
        weight[j], bias[j] = [v * m for v in weight[j]], bias[j] * m
        for row in above:
            row[j] /= m
    network = ((weight, bias), (above, last))
    return [v for rows, ends in network for v in [*(w for row in rows for w in row), *ends]]
