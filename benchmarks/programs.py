"""How long proofs about programs take, with their checks, beside what floats need for a Hessian.

    python benchmarks/programs.py [--quick] [--json]

Networks 2-h-h-1 with tanh and weight decay on 30 points, at the end of training. `prove` is the
decision without the check of its certificate; `check` is the independent checker in plain Python.
The yardstick is one dense Hessian by automatic differentiation in float64, in JAX (compiled) and in
PyTorch, at the same point: no proof can do with less.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from time import perf_counter
from typing import Any

import numpy as np
from scipy.optimize import minimize

import spurious_checker
from spurious import certify
from spurious.certify.arithmetics import FloatProgram
from spurious.problem import ProgramProblem
from spurious.program import Const, Param, dense_program

TARGETS = {105: 3.0, 205: 20.0, 501: 180.0}
"""Seconds for a proof, by the number of parameters."""


def trained(hidden: int, seed: int = 0) -> ProgramProblem:
    rng = np.random.Generator(np.random.Philox(key=seed))
    x, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 1))
    program = dense_program((2, hidden, hidden, 1), "tanh", "squared", x, y, l2=Fraction(1, 100))
    floats = FloatProgram(program)
    options: Any = {"maxiter": 6000, "gtol": 1e-8}
    start = rng.normal(size=program.parameter_count)
    end = minimize(floats.loss_and_gradient, start, jac=True, method="BFGS", options=options).x
    return ProgramProblem(program, tuple(map(Fraction, end.tolist())))


def seconds(action: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = perf_counter()
        action()
        times.append(perf_counter() - start)
    return min(times)


def jax_hessian(problem: ProgramProblem) -> float:
    import jax

    from spurious.program.jax import compiled

    with jax.enable_x64(True):
        function = compiled(problem.program, "float64").hessian
        at = np.array([float(v) for v in problem.point or ()])
        np.asarray(function(at))
        return seconds(lambda: np.asarray(function(at)), 3)


def torch_hessian(problem: ProgramProblem) -> float:
    import torch

    torch.set_num_threads(1)
    shapes = [op.shape for op in problem.program.operations if isinstance(op, Param)]
    data = [op.values for op in problem.program.operations if isinstance(op, Const)]
    x, y = torch.tensor(data[0].copy()), -torch.tensor(data[1].copy())

    def loss(flat):
        blocks, start = [], 0
        for shape in shapes:
            size = int(np.prod(shape))
            blocks.append(flat[start : start + size].reshape(shape))
            start += size
        h = x
        for level in range(0, len(blocks), 2):
            h = h @ blocks[level].T + blocks[level + 1]
            h = torch.tanh(h) if level < len(blocks) - 2 else h
        return ((h - y) ** 2).sum() + (flat**2).sum() / 100

    at = torch.tensor([float(v) for v in problem.point or ()], dtype=torch.float64)
    return seconds(lambda: torch.autograd.functional.hessian(loss, at), 2)


def rows(widths: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    for hidden in widths:
        problem = trained(hidden)
        count, found = problem.program.parameter_count, []
        prove = seconds(
            lambda p=problem, f=found: f.append(certify(p, check=False, search=False)), 2
        )
        certificate = found[0].certificate
        check = (
            None
            if certificate is None
            else seconds(lambda c=certificate: spurious_checker.check(dict(c)), 1)
        )
        yield {
            "parameters": count,
            "decision": str(found[0].decision),
            "prove": prove,
            "check": check,
            "jax_hessian": jax_hessian(problem),
            "torch_hessian": torch_hessian(problem),
            "target": TARGETS.get(count),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="up to 205 parameters")
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    options = parser.parse_args()
    for row in rows((3, 8, 12) if options.quick else (3, 5, 8, 12, 16, 20)):
        if options.json:
            print(json.dumps(row), flush=True)
            continue
        goal = row["target"]
        said = (
            ""
            if goal is None
            else f"  target {goal:g} s: {'met' if row['prove'] < goal else 'MISSED'}"
        )
        check = "none" if row["check"] is None else f"{row['check']:.2f} s"
        print(
            f"{row['parameters']:4d} parameters  {row['decision']:22s} proof {row['prove']:6.2f} s"
            f"  check {check}  one Hessian: JAX {1e3 * row['jax_hessian']:.1f} ms, PyTorch"
            f" {1e3 * row['torch_hessian']:.0f} ms{said}",
            flush=True,
        )


if __name__ == "__main__":
    main()
