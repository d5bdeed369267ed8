"""What is studied: networks, losses, datasets, points, and problem files. Plain frozen values."""

from spurious.problem.dataset import Dataset, dataset_from_arrays
from spurious.problem.datasets import DATASETS, BuiltIn, dataset, datasets
from spurious.problem.dense_loss import DenseLoss, Penalty
from spurious.problem.files import (
    parse_problem,
    point_from_data,
    point_to_data,
    problem_from_data,
    problem_to_data,
    read_problem,
    write_problem,
)
from spurious.problem.front_doors import from_jax, from_onnx, from_torch, problem
from spurious.problem.loss import Loss
from spurious.problem.network import ACTIVATIONS, HOMOGENEOUS, SMOOTH_ACTIVATIONS, Network
from spurious.problem.number import exact
from spurious.problem.point import (
    Layer,
    Point,
    flatten,
    incoming_indices,
    point_from_arrays,
    unflatten,
)
from spurious.problem.problem import Problem
from spurious.problem.program_files import (
    any_problem_to_data,
    parse_any_problem,
    program_problem_from_data,
    program_problem_to_data,
    read_any_problem,
    write_program_problem,
)
from spurious.problem.program_problem import FlatPoint, ProgramProblem
from spurious.problem.sources import Named, dense_loss_of, problem_at, problem_of

__all__ = [
    "ACTIVATIONS",
    "DATASETS",
    "HOMOGENEOUS",
    "SMOOTH_ACTIVATIONS",
    "BuiltIn",
    "Dataset",
    "DenseLoss",
    "FlatPoint",
    "Layer",
    "Loss",
    "Named",
    "Network",
    "Penalty",
    "Point",
    "Problem",
    "ProgramProblem",
    "any_problem_to_data",
    "dataset",
    "dataset_from_arrays",
    "datasets",
    "dense_loss_of",
    "exact",
    "flatten",
    "from_jax",
    "from_onnx",
    "from_torch",
    "incoming_indices",
    "parse_any_problem",
    "parse_problem",
    "point_from_arrays",
    "point_from_data",
    "point_to_data",
    "problem",
    "problem_at",
    "problem_from_data",
    "problem_of",
    "problem_to_data",
    "program_problem_from_data",
    "program_problem_to_data",
    "read_any_problem",
    "read_problem",
    "unflatten",
    "write_problem",
    "write_program_problem",
]
