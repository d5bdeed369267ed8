"""The checker's exact matrices against FLINT's, and its polynomials against values."""

import random
from fractions import Fraction
from typing import Any

import pytest
from flint import fmpq, fmpq_mat
from tests.checker.test_dense import random_problem

import spurious_checker as checker


def matrices(square: bool = False) -> list[list[list[Fraction]]]:
    """Of all shapes; some with rows that are combinations of others."""
    rng, found = random.Random(3), list[list[list[Fraction]]]()
    for _ in range(200):
        rows = rng.randint(1, 5)
        columns = rows if square else rng.randint(1, 5)
        matrix = [[Fraction(rng.randint(-3, 3), rng.randint(1, 4)) for _ in range(columns)]
                  for _ in range(rows)]  # fmt: skip
        for k in range(2, rows):
            if rng.random() < 0.4:
                matrix[k] = [2 * a - b / 3 for a, b in zip(*matrix[k - 2 : k], strict=True)]
        found.append(matrix)
    return found


def flint(matrix: list[list[Fraction]]) -> Any:
    return fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in matrix])


def rank(matrix: list[list[Fraction]]) -> int:
    return int(flint(matrix).rref()[1])


def test_ranks_and_row_spaces() -> None:
    for matrix in matrices():
        basis = checker.row_space(matrix)
        rows = [[Fraction(v) for v in row] for row in basis.values()]
        assert len(rows) == checker.rank(matrix) == rank(matrix) == rank([*matrix, *rows])
        assert all((row[p] != 0) == (p == q) for q, row in basis.items() for p in basis)


def test_null_vectors() -> None:
    count = 0
    for matrix in matrices():
        width, basis = len(matrix[0]), checker.row_space(matrix)
        if len(basis) == width - 1:
            found, count = checker.null_vector(basis, width), count + 1
            assert any(found)
            assert not any(checker.inner(row, found) for row in matrix)
    assert count > 20


def test_inverses() -> None:
    singular = 0
    for matrix in matrices(square=True):
        if rank(matrix) < len(matrix):
            singular += 1
            with pytest.raises(checker.Invalid):
                checker.inverse(matrix)
            continue
        columns = [*zip(*checker.inverse(matrix), strict=True)]
        for a, row in enumerate(matrix):
            assert [checker.inner(row, column) for column in columns] == [
                a == b for b in range(len(matrix))
            ]
    assert 20 < singular < 180


def test_the_polynomials_of_a_face_have_the_values_of_its_program() -> None:
    rng = random.Random(5)
    for seed, (loss, outputs) in enumerate((("squared", 2), ("cross_entropy", 3)) * 3):
        pb = checker.read_problem(random_problem("leaky_relu", loss, outputs, seed))
        held = [(0, 0, [0]), (0, 1, [1, 2])]
        slopes = [[[Fraction(rng.randint(-3, 3)) for _ in range(width)] for _ in pb.xs]
                  for width in pb.widths[1:-1]]  # fmt: skip
        program, _, slice_map = checker.lagrangian(pb, checker.Pattern(slopes, held))
        size = sum(len(step.block) for step in program.steps)
        point = [Fraction(rng.randint(-9, 9), 7) for _ in range(size)]
        right = checker.evaluated(program.steps, checker.Numbers(point, 128))[slice_map].entries
        found = checker.face_map(program.steps[: slice_map + 1])
        assert len(found) == 2 + len(pb.xs) * (outputs - (loss == "cross_entropy"))
        for polynomial, value in zip(found, right, strict=True):
            total = Fraction(0)
            for monomial, coefficient in polynomial.items():
                for p in monomial:
                    coefficient *= point[p]
                total += coefficient
            assert total == value
