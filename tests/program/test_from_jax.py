"""Programs read from JAX: values and gradients against JAX's own, and what is refused."""

from fractions import Fraction

import pytest

pytest.importorskip("jax")

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np

from spurious.errors import InputError
from spurious.exact import balls
from spurious.program.arithmetic_balls import BallArithmetic
from spurious.program.arithmetic_numpy import NumpyArithmetic
from spurious.program.curvature import hessian
from spurious.program.dense import dense_program
from spurious.program.evaluate import evaluator
from spurious.program.functions import ELU, RELU, SILU, SOFTPLUS, leaky_relu
from spurious.program.jax import from_jax
from spurious.program.operations import Const, Map
from tests.program.jax_losses import LOSSES, X, Y, array, cross_entropy, perceptron

FLOATS, BALLS = NumpyArithmetic(), BallArithmetic()


@pytest.fixture(autouse=True)
def doubles():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", LOSSES)
def test_against_jax(name: str) -> None:
    loss, parameters = LOSSES[name]()
    program, point = from_jax(loss, parameters)
    flat, restore = jax.flatten_util.ravel_pytree(parameters)
    assert [float(v) for v in point] == flat.tolist()
    evaluate = evaluator(program, FLOATS)
    derivative = jax.jit(jax.value_and_grad(lambda x: loss(restore(x))))
    rng = np.random.default_rng(1)
    for step in (0, 0.3, 0.3):
        x = np.asarray(flat) + step * rng.normal(size=flat.shape)
        run = evaluate.run(x)
        value, gradient = derivative(x)
        assert float(run.loss) == pytest.approx(float(value), rel=1e-9)
        scale = max(np.abs(gradient).max(), 1e-3)
        np.testing.assert_allclose(run.gradient, gradient, atol=1e-9 * scale)


@pytest.mark.parametrize("name", ["attention", "physics_informed", "recurrence", "cross_entropy"])
def test_hessians_against_jax(name: str) -> None:
    loss, parameters = LOSSES[name]()
    program, point = from_jax(loss, parameters)
    flat, restore = jax.flatten_util.ravel_pytree(parameters)
    true = jax.jit(jax.hessian(lambda x: loss(restore(x))))(flat)
    found = hessian(evaluator(program, FLOATS).run(FLOATS.constant(Const(point)), 2))
    np.testing.assert_allclose(found, true, atol=1e-9 * np.abs(true).max())


@pytest.mark.parametrize("name", ["attention", "physics_informed", "layer_norm", "image"])
def test_balls_enclose_the_value(name: str) -> None:
    loss, parameters = LOSSES[name]()
    program, point = from_jax(loss, parameters)
    with balls.precision(128):
        run = evaluator(program, BALLS).run(BALLS.constant(Const(point)))
        assert float(run.loss[()].rad()) < 1e-30
        assert float(run.loss[()]) == pytest.approx(float(loss(parameters)), rel=1e-11)


def test_huge_logits_in_balls() -> None:
    loss, parameters = cross_entropy(scale=1e5)
    program, point = from_jax(loss, parameters)
    with balls.precision(128):
        run = evaluator(program, BALLS).run(BALLS.constant(Const(point)))
        assert float(run.loss[()].rad()) < 1e-20
        assert float(run.loss[()]) == pytest.approx(float(loss(parameters)), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("relu", RELU),
        ("leaky_relu", leaky_relu(Fraction(0.01))),
        ("elu", ELU),
        ("silu", SILU),
        ("softplus", SOFTPLUS),
    ],
)
def test_functions_are_recognised(name: str, function: object) -> None:
    program, _ = from_jax(*LOSSES[name]())
    assert [op.function for op in program.operations if isinstance(op, Map)] == [function]


def test_floats_are_the_exact_numbers_that_they_are() -> None:
    program, point = from_jax(lambda p: jnp.sum(p * jnp.float32(0.1)), np.float32([0.2]))
    assert point == (Fraction(float(np.float32(0.2))),)
    constants = [op.values[()] for op in program.operations if isinstance(op, Const)]
    assert float(np.float32(0.1)) in constants
    doubles, point = from_jax(lambda p: jnp.sum(p * 0.1), np.array([0.2]))
    assert point == (Fraction(0.2),)
    assert 0.1 in [op.values[()] for op in doubles.operations if isinstance(op, Const)]


def test_blocks_are_named_by_their_paths() -> None:
    program, _ = from_jax(
        lambda p: p["a"][0].sum() + p["b"] ** 2, {"a": [array(2, 1)], "b": array()}
    )
    assert program.parameters == {"['a'][0]": slice(0, 2), "['b']": slice(2, 3)}
    program, _ = from_jax(jnp.sum, array(3))
    assert program.parameters == {"parameters": slice(0, 3)}


@jax.jit
def relu(x):
    return x**3


def test_a_name_alone_is_not_believed() -> None:
    program, _ = from_jax(lambda p: relu(p).sum(), array(2))
    assert not any(isinstance(op, Map) for op in program.operations)


@jax.custom_jvp
def logaddexp(x, y):
    return x * y


logaddexp.defjvps(lambda t, *_: t, lambda t, *_: t)


def test_a_false_logaddexp_is_not_believed() -> None:
    program, point = from_jax(lambda p: logaddexp(p[0], p[1]), array(2))
    run = evaluator(program, FLOATS).run(FLOATS.constant(Const(point)), 0)
    assert float(run.loss) == pytest.approx(float(point[0] * point[1]))


@pytest.mark.parametrize(
    ("loss", "found"),
    [
        (lambda p: jnp.sum(jnp.where(p > 0, 1.0, 0.0)), "a choice by a sign that depends"),
        (lambda p: jnp.sum(jnp.where(p > 0, p, p + 1)), "a choice by a sign that depends"),
        (lambda p: jnp.sum(jnp.round(p)), "the primitive round"),
        (lambda p: jnp.sum(jnp.sort(p)), "the primitive sort"),
        (lambda p: jnp.sum(jnp.sign(p)), "the sign of a value"),
        (lambda p: jnp.sum(X[0, jnp.argmax(p)]), "the primitive argmax"),
        (lambda p: jnp.sum(p * (p > 0)), "a comparison of values that depend on parameters"),
        (lambda p: jnp.sum(p * jax.lax.stop_gradient(p)), "the primitive stop_gradient"),
        (
            lambda p: jnp.sum(p - jax.lax.stop_gradient(p.max())),
            "the primitive stop_gradient",
        ),
        (
            lambda p: jax.lax.while_loop(lambda c: c.sum() < 9, lambda c: 2 * c + 1, p).sum(),
            "a loop whose length depends on parameters",
        ),
        (
            lambda p: jax.lax.cond(p[0] > 0, lambda x: x, lambda x: 2 * x, p).sum(),
            "a comparison of values that depend on parameters",
        ),
        (lambda p: jnp.sum(p * jax.random.normal(jax.random.key(0), (4,))), "random numbers"),
        (lambda p: jnp.sum(jnp.linalg.cholesky(jnp.diag(p))), "the primitive cholesky"),
        (lambda p: jnp.sum(p * jnp.inf), "inf, expected finite numbers"),
    ],
)  # fmt: skip
def test_what_is_refused(loss, found: str) -> None:
    with pytest.raises(InputError) as caught:
        from_jax(loss, array(4))
    message = str(caught.value)
    assert message.startswith("loss: ")
    assert found in message
    assert message.endswith("what a program can hold")
    assert "\n" not in message


def test_the_message_says_where() -> None:
    with pytest.raises(InputError, match=r"^loss: round at test_from_jax\.py:\d+: found the"):
        from_jax(lambda p: jnp.sum(jnp.round(p)), array(4))


def test_what_is_not_used_may_be_anything() -> None:
    program, _ = from_jax(
        lambda p: (p**2).sum() + 0 * 1.0 if jnp.sort(p) is not None else 0, array(2)
    )
    assert program.parameter_count == 2


def test_arguments_are_checked() -> None:
    with pytest.raises(InputError, match=r"loss: found results of shapes \[\(2,\)\], expected one"):
        from_jax(lambda p: p, array(2))
    with pytest.raises(InputError, match=r"parameters\['n'\]: found int\d+, expected floats"):
        from_jax(lambda p: p["n"] * 1.0, {"n": np.array(3)})


def test_loops_over_integers() -> None:
    def loss(p):
        return jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * p + 1), (0, p))[1]

    p = array()
    program, point = from_jax(loss, p)
    run = evaluator(program, FLOATS).run(FLOATS.array(point))
    assert float(run.loss) == pytest.approx(float(loss(p)), rel=1e-12)
    assert float(run.gradient[0]) == pytest.approx(float(jax.jvp(loss, (p,), (1.0,))[1]))


def test_outputs() -> None:
    def loss(p):
        f = X @ p
        return jnp.sum((f - Y) ** 2), f

    p = array(3, 2)
    program, point = from_jax(loss, p)
    run = evaluator(program, FLOATS).run(FLOATS.array(point))
    np.testing.assert_allclose(run.outputs, X @ p)
    assert float(run.loss) == pytest.approx(float(loss(p)[0]))


def test_half_precision() -> None:
    program, point = from_jax(jnp.sum, jnp.asarray([0.1, 0.2], jnp.bfloat16))
    assert point == (Fraction(205, 2048), Fraction(205, 1024))
    assert program.parameter_count == 2


def test_a_maximum_that_is_subtracted_twice_does_not_cancel() -> None:
    """Both are read as they are, so the values agree all the same."""

    def loss(p):
        top = p.max(axis=1, keepdims=True)
        return jnp.sum(jnp.log(jnp.exp(p - top).sum(axis=1)) - top[:, 0]) + jnp.sum(top**3)

    p = array(3, 2)
    program, point = from_jax(loss, p)
    run = evaluator(program, FLOATS).run(FLOATS.array(point))
    assert float(run.loss) == pytest.approx(float(loss(p)), rel=1e-12)


def test_maxima_of_other_rows_do_not_cancel() -> None:
    def loss(p):
        top = p.max(axis=1, keepdims=True)
        return jnp.sum(jnp.log(jnp.exp(p - top).sum(axis=1)) + top[::-1, 0] * jnp.array([1, 2, 3]))

    p = array(3, 2)
    program, point = from_jax(loss, p)
    run = evaluator(program, FLOATS).run(FLOATS.array(point))
    assert float(run.loss) == pytest.approx(float(loss(p)), rel=1e-12)


def test_gathers_with_a_fill_value() -> None:
    with pytest.raises(InputError, match="an index outside of its array"):
        from_jax(lambda p: p.at[jnp.array([0, 9])].get(mode="fill", fill_value=0.0).sum(), array(4))


def test_two_programs_of_one_network() -> None:
    """The dense chain and the same network in JAX."""
    loss, parameters = perceptron(jnp.tanh)
    program, point = from_jax(loss, parameters)
    x = np.asarray(X)
    dense = dense_program((3, 4, 2), "tanh", "squared", x, np.asarray(Y))
    w, b, v = (np.asarray(parameters[k], np.float64) for k in ("w", "b", "v"))
    flat = np.concatenate([w.T.ravel(), b, v.T.ravel(), np.zeros(2)])
    ours = evaluator(dense, FLOATS).run(flat).loss / 12
    read = evaluator(program, FLOATS).run(FLOATS.constant(Const(point))).loss
    assert float(read) == pytest.approx(float(ours), rel=1e-12)
