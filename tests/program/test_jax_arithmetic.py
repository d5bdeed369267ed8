"""Programs run in JAX against the same programs in NumPy, compiled and in batches."""

import numpy as np
import pytest

pytest.importorskip("jax")

import jax

from spurious.errors import InputError
from spurious.program import NumpyArithmetic, along, evaluator, hessian
from spurious.program.jax import JaxArithmetic, compiled
from tests.program.random_programs import PROGRAMS, point

FLOATS = NumpyArithmetic()


@pytest.mark.parametrize("name", PROGRAMS)
def test_against_numpy(name: str) -> None:
    program = PROGRAMS[name]()
    points = np.stack([FLOATS.array(point(program, seed)) for seed in range(3)])
    evaluate = evaluator(program, FLOATS)
    with jax.enable_x64(True):
        run = compiled(program)
        losses, gradients = run.loss_and_gradient(points)
        np.testing.assert_allclose(run.loss(points), losses, rtol=1e-12)
        for x, loss, gradient in zip(points, losses, gradients, strict=True):
            plain = evaluate.run(x)
            assert float(loss) == pytest.approx(float(plain.loss), rel=1e-10)
            np.testing.assert_allclose(gradient, plain.gradient, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["every_operation", "softmax_layer", "gelu"])
def test_hessians_and_lines(name: str) -> None:
    program = PROGRAMS[name]()
    x, v = (FLOATS.array(point(program, seed)) for seed in (1, 2))
    with jax.enable_x64(True):
        true = hessian(evaluator(program, FLOATS).run(x, 2))
        found = compiled(program).hessian(x)
        np.testing.assert_allclose(found, true, atol=1e-9 * np.abs(true).max())
        line = along(evaluator(program, JaxArithmetic()), *map(jax.numpy.asarray, (x, v)))
        assert float(line.second) == pytest.approx(v @ true @ v, rel=1e-8)


def test_single_precision() -> None:
    program = PROGRAMS["tanh"]()
    x = FLOATS.array(point(program, 1))
    loss = compiled(program, np.float32).loss(x)
    assert loss.dtype == np.float32
    assert float(loss) == pytest.approx(float(evaluator(program, FLOATS).run(x).loss), rel=1e-5)


def test_doubles_have_to_be_switched_on() -> None:
    with pytest.raises(InputError, match="dtype: found float64 where JAX has doubles switched off"):
        compiled(PROGRAMS["tanh"]())
