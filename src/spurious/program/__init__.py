"""A loss as a program: nine operations, a table of functions, and what evaluates them.

>>> from spurious.program import ExactArithmetic, dense_program, evaluator
>>> program = dense_program((1, 1), "identity", "squared", [[1], [2]], [[1], [3]])
>>> exact = ExactArithmetic()
>>> run = evaluator(program, exact).run(exact.array([2, -1]))
>>> run.loss[()], list(run.gradient)
(0, [0, 0])

`spurious.program.jax` reads losses written in JAX and runs programs in it; it needs the extra
`jax`, and so it is imported by itself.
"""

from spurious.program.arithmetic import UNKNOWN, Arithmetic
from spurious.program.arithmetic_balls import BallArithmetic
from spurious.program.arithmetic_exact import ExactArithmetic
from spurious.program.arithmetic_numpy import NumpyArithmetic
from spurious.program.build import Builder, Handle
from spurious.program.curvature import hessian, hessian_products
from spurious.program.dense import (
    DenseLayer,
    dense_layers,
    dense_network,
    dense_program,
)
from spurious.program.evaluate import Evaluator, Run, evaluator
from spurious.program.exact_array import exact_array, fractions
from spurious.program.faults import DomainError, IrrationalError, KinkError, ProgramError
from spurious.program.function_kinds import Function, PiecewiseLinear, Smooth
from spurious.program.functions import FUNCTIONS, SMOOTH, leaky_relu
from spurious.program.line import Line, along
from spurious.program.losses import LOSSES
from spurious.program.operations import (
    Add,
    Const,
    Join,
    Map,
    MatMul,
    Mul,
    Operation,
    Param,
    Sum,
    Take,
    operands,
)
from spurious.program.program import Program
from spurious.program.restrict import restricted

__all__ = [
    "FUNCTIONS",
    "LOSSES",
    "SMOOTH",
    "UNKNOWN",
    "Add",
    "Arithmetic",
    "BallArithmetic",
    "Builder",
    "Const",
    "DenseLayer",
    "DomainError",
    "Evaluator",
    "ExactArithmetic",
    "Function",
    "Handle",
    "IrrationalError",
    "Join",
    "KinkError",
    "Line",
    "Map",
    "MatMul",
    "Mul",
    "NumpyArithmetic",
    "Operation",
    "Param",
    "PiecewiseLinear",
    "Program",
    "ProgramError",
    "Run",
    "Smooth",
    "Sum",
    "Take",
    "along",
    "dense_layers",
    "dense_network",
    "dense_program",
    "evaluator",
    "exact_array",
    "fractions",
    "hessian",
    "hessian_products",
    "leaky_relu",
    "operands",
    "restricted",
]
