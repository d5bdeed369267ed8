"""An independent decision of local minimality for shallow networks, by an SMT solver.

Network [d, h, 1] with act(z) = p z for z >= 0 and q z below, squared loss, rational point.
Derivation from first principles, without cones or multipliers:

Move the incoming weights of unit j by u_j and its output weight by t_j, and the bias by t_0. The
loss is the convex function L(f) = sum (f_i - y_i)^2 of the outputs, so it falls for arbitrarily
small moves if its derivative G = sum g_i df_i is negative for some of them, where df_i is the
change of f_i; and if G >= 0 for all small moves then L >= its value, since L(f + df) = L(f) + G +
sum df_i^2.

Let act'_i(u) be the one-sided derivative of act at z_ij along u.x~_i: p u.x~_i if z > 0, q u.x~_i
if z < 0, act(u.x~_i) if z = 0; and act(z + u.x~) = act(z) + act'(u) exactly, for small u. Then G
= sum_j sum_i g_i [(v_j + t_j)(act(z_ij) + act'_ij(u_j)) - v_j act(z_ij)] + t_0 sum_i g_i. The
terms of different units are independent, so G >= 0 for all small moves iff sum g_i = 0 and for
each unit H_j(t, u) = t A_j + (v_j + t) B_j(u) >= 0, A_j = sum g_i act(z_ij), B_j(u) = sum g_i
act'_ij(u).
* v_j != 0: u = 0 forces A_j = 0; then the sign of v_j + t is that of v_j: v_j B_j(u) >= 0 for all
  u.
* v_j = 0: t (A_j + B_j(u)) >= 0 for both signs of t: B_j(u) = -A_j for all small u, so A_j = 0
  and B_j = 0 everywhere, because B_j is positively homogeneous.
If one of these fails, some arbitrarily small move has G < 0; scaled down along that move (t, or u
with t = 0), G is linear and the squares are quadratic, so the loss really falls. (For v_j = 0
first turn by the small u with B_j(u) != 0, which changes nothing, then move t alone.)

z3 is asked whether a u exists that violates the condition: linear real arithmetic with if-then-
else.
"""

from fractions import Fraction

import z3

from spurious.problem import Point, Problem


def real(value: Fraction) -> z3.RatNumRef:
    return z3.Q(value.numerator, value.denominator)


def is_local_minimum(problem: Problem, point: Point) -> bool:
    p, q = problem.network.slopes
    hidden, last = point.layers
    outgoing, bias = last.weight[0], last.bias[0]
    inputs = [(*x, Fraction(1)) for x in problem.data.x]
    rows = [(*w, b) for w, b in zip(hidden.weight, hidden.bias, strict=True)]
    z = [[sum(a * b for a, b in zip(row, x, strict=True)) for x in inputs] for row in rows]

    def act(value: Fraction) -> Fraction:
        return value * (p if value >= 0 else q)

    outputs = [
        bias + sum(v * act(zs[i]) for v, zs in zip(outgoing, z, strict=True))
        for i in range(len(inputs))
    ]
    g = [2 * (f - y[0]) for f, y in zip(outputs, problem.data.y, strict=True)]
    if sum(g) != 0:
        return False
    for v, zs in zip(outgoing, z, strict=True):
        if sum(gi * act(zi) for gi, zi in zip(g, zs, strict=True)) != 0:
            return False
        u = [z3.Real(f"u{k}") for k in range(len(inputs[0]))]
        total = z3.RealVal(0)
        for gi, zi, x in zip(g, zs, inputs, strict=True):
            step = z3.Sum([real(a) * b for a, b in zip(x, u, strict=True)])
            if zi == 0:
                step = z3.If(step >= 0, real(p) * step, real(q) * step)
            else:
                step = real(p if zi > 0 else q) * step
            total = total + real(gi) * step
        solver = z3.Solver()
        solver.add(total != 0 if v == 0 else real(v) * total < 0)
        answer = solver.check()
        assert answer != z3.unknown
        if answer == z3.sat:
            return False
    return True
