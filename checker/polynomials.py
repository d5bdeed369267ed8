"""Outputs and held pre-activations on a face as polynomials of the parameters (5.9)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from checker.network import Problem
from checker.numbers import require

MAX_TERMS = 200_000  # of all polynomials; of one that is reduced

Monomial = tuple[int, ...]
Polynomial = dict[Monomial, Fraction]
Field = list[tuple[int, Monomial, Fraction]]  # (p, m, c): c times the monomial m in component p


def face_map(
    pb: Problem, slopes: list[list[list[Fraction]]], pairs: list[tuple[int, int, list[int]]]
) -> list[Polynomial]:
    """G: z of each held pair, then what the loss depends on; a monomial has one parameter a layer.

    That is the outputs; with the cross entropy their differences to the label's.
    """
    where = {(m, j, points[0]): k for k, (m, j, points) in enumerate(pairs)}
    held, outputs, terms = [Polynomial()] * len(pairs), list[Polynomial](), 0
    for i, x in enumerate(pb.xs):
        state, start = [{(): v} for v in x], 0
        for level, (below, above) in enumerate(pairwise(pb.widths)):
            z = list[Polynomial]()
            for j in range(above):
                total: Polynomial = {(start + above * below + j,): Fraction(1)}
                for k, a in enumerate(state):
                    p = start + j * below + k
                    total.update({(*m, p): c for m, c in a.items() if c})
                terms += len(total)
                require(terms <= MAX_TERMS, "the polynomials have too many terms")
                if (level, j, i) in where:
                    held[where[level, j, i]] = total
                z.append(total)
            start += above * (below + 1)
            state = z
            if level < len(slopes):
                state = [{m: s * c for m, c in a.items()} if s else {}
                         for s, a in zip(slopes[level][i], z, strict=True)]  # fmt: skip
        if pb.loss == "cross_entropy":
            label = state.pop(int(pb.ys[i][0]))
            state = [less(f, label) for f in state]
        outputs += state
    return held + outputs


def less(one: Polynomial, other: Polynomial) -> Polynomial:
    """The difference."""
    zero = Fraction(0)
    found = {m: one.get(m, zero) - other.get(m, zero) for m in {**one, **other}}
    return {m: c for m, c in found.items() if c}


def moved(polynomial: Polynomial, vectors: Field) -> Polynomial:
    """The derivative of a polynomial along a vector field."""
    table, found = dict[int, list[tuple[Monomial, Fraction]]](), Polynomial()
    for p, factor, c in vectors:
        table.setdefault(p, []).append((factor, c))
    for monomial, coefficient in polynomial.items():
        for k, p in enumerate(monomial):
            for factor, c in table.get(p, ()):
                key = tuple(sorted((*monomial[:k], *monomial[k + 1 :], *factor)))
                found[key] = found.get(key, Fraction(0)) + coefficient * c
    return {m: c for m, c in found.items() if c}


def on_face(polynomial: Polynomial, known: dict[int, Polynomial]) -> Polynomial:
    """The polynomial with the known parameters replaced until none is left."""
    found, pending, steps = Polynomial(), list(polynomial.items()), 0
    while pending:
        monomial, coefficient = pending.pop()
        k = next((k for k, p in enumerate(monomial) if p in known), None)
        if k is None:
            found[monomial] = found.get(monomial, Fraction(0)) + coefficient
            continue
        rest = (*monomial[:k], *monomial[k + 1 :])
        for m, c in known[monomial[k]].items():
            pending.append((tuple(sorted((*rest, *m))), coefficient * c))
        steps += 1
        require(steps <= MAX_TERMS, "the face makes too many terms")
    return {m: c for m, c in found.items() if c}


def relations(held: list[Polynomial]) -> dict[int, Polynomial]:
    """Parameters that the others determine where all held z are 0.

    A z that contains a parameter by itself and nowhere else gives one. What is put for it contains
    no parameter known before, so replacing comes to an end.
    """
    known = dict[int, Polynomial]()
    for z in held:
        rest = on_face(z, known)
        alone = [m[0] for m in rest if len(m) == 1 and sum(m[0] in other for other in rest) == 1]
        if alone:
            p = min(alone)
            known[p] = {m: -c / rest[(p,)] for m, c in rest.items() if m != (p,)}
    return known


def is_multiple(image: Polynomial, polynomial: Polynomial) -> bool:
    """Whether the image is a number times the polynomial: then it vanishes where that does."""
    if not image or image.keys() != polynomial.keys():
        return not image
    return len({c / polynomial[m] for m, c in image.items()}) == 1
