"""The sweeps behind C1, C2 and C8: networks too large for the kernel.

The paper's protocols are known in outline only. Ours were fixed before any result was seen.

* Images: `quick` trains on scikit-learn's 1,797 digits, `standard` on the 10,000 images of MNIST's
  test half, `full` on its 60,000 training images. Grey values from 0 to 1, log loss, Adam with step
  size 0.001, batches of 50.
* Starts of C1: PyTorch's default as the standard one; and normal weights and biases of standard
  deviation 0.05 whose mean is shifted, or of standard deviation 0.01 without shift. The shifts are
  such that a first-layer unit is on at a typical point with probability 1 % ("mild") or 0.001 %
  ("strong"): at an input x the pre-activation is about normal with mean m sum(x) and deviation
  0.05 |x|, so m = -z 0.05 median(|x| / sum(x)) with z = 2.33 or 4.26.
* Zig-zag: 61 points, 12 straight pieces between -1 and 1, no noise, full batch; a run counts as
  solved at a mean squared error of a thousandth of the targets' variance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from spurious.data import array_data
from spurious.studies.report.claim import Budget
from spurious.sweep import Plan, plan_of

SEED: Final = 1
BATCH: Final = 50
RUNS: Final = {Budget.QUICK: 3, Budget.STANDARD: 3, Budget.FULL: 10}

DATA: Final[dict[Budget, dict[str, Any]]] = {
    Budget.QUICK: {"name": "digits"},
    Budget.STANDARD: {"name": "mnist", "part": "test"},
    Budget.FULL: {"name": "mnist", "part": "train"},
}
"""The images of each budget."""

WIDTHS: Final[dict[Budget, dict[int, tuple[int, ...]]]] = {
    Budget.QUICK: {1_000: (10, 40)},
    Budget.STANDARD: {20_000: (25,), 10_000: (100,)},
    Budget.FULL: {1_000_000: (25, 50, 100, 200, 400, 800)},
}
"""C1: updates, and the hidden units of each layer that are trained for so long."""

DEPTHS: Final = (2, 5)

SCALED_WIDTHS: Final[dict[Budget, dict[int, tuple[int, ...]]]] = {
    Budget.QUICK: {1_000: (10, 40)},
    Budget.STANDARD: {20_000: (25,), 10_000: (100, 200)},
    Budget.FULL: {1_200_000: (25, 50, 100, 200, 400, 800)},
}
"""C2, the same."""

TAUS: Final = (1.0, 0.1, 0.01, 0.001)

ZIGZAG_WIDTHS: Final[dict[Budget, dict[int, tuple[int, ...]]]] = {
    Budget.QUICK: {10_000: (10, 100)},
    Budget.STANDARD: {20_000: (10, 100, 1_000), 5_000: (3_000,)},
    Budget.FULL: {2_000_000: (10, 30, 100, 300, 1_000, 3_000)},
}
"""C8, the same."""

ZIGZAG_TAUS: Final = (1.0, 0.1, 0.03, 0.01)

STANDARD: Final = "standard"
MILD: Final = "mild shift"
STRONG: Final = "strong shift"
SMALL: Final = "std 0.01"

_SHIFTED_STD: Final = 0.05
_QUANTILES: Final = {MILD: 2.33, STRONG: 4.26}


@dataclass(frozen=True, slots=True)
class Arm:
    """What a cell of one of these plans stands for.

    Attributes:
        start: A name of `starts`.
        permuted: Whether the labels are permuted.
        tau: The scale of the inputs.
    """

    start: str = STANDARD
    permuted: bool = False
    tau: float = 1.0


@dataclass(frozen=True, slots=True)
class Design:
    """A plan with the meaning of its cells.

    Attributes:
        plan: The plan.
        arms: For each of the plan's cells what it stands for.
    """

    plan: Plan
    arms: tuple[Arm, ...]


def starts(data: Mapping[str, Any]) -> dict[str, str | dict[str, Any]]:
    """The initial distributions of C1 by name, as a plan writes them."""
    inputs = array_data(data).inputs.astype(np.float64)
    ratio = float(np.median(np.linalg.norm(inputs, axis=1) / inputs.sum(axis=1)))
    shifted = {
        name: {
            "name": "normal",
            "mean": float(f"{-z * _SHIFTED_STD * ratio:.2g}"),
            "std": _SHIFTED_STD,
            "bias": "drawn",
        }
        for name, z in _QUANTILES.items()
    }
    small = {"name": "normal", "mean": 0.0, "std": 0.01, "bias": "drawn"}
    return {STANDARD: "pytorch", **shifted, SMALL: small}


def initial_design(budget: Budget) -> Design:
    """C1: starts, depths, widths, true and permuted labels."""
    data = DATA[budget]
    grids = [
        (
            Arm(name, permuted),
            {
                "dataset": {**data, "labels": "permuted"} if permuted else dict(data),
                "hidden": [[units] * depth for units in widths for depth in DEPTHS],
                "initialisation": start,
                "updates": updates,
                "batch": BATCH,
            },
        )
        for updates, widths in WIDTHS[budget].items()
        for permuted in (False, True)
        for name, start in starts(data).items()
    ]
    return _design(f"initial-{budget}", RUNS[budget], grids)


def scaled_design(budget: Budget) -> Design:
    """C2: one hidden layer, inputs times tau."""
    grids = [
        (
            Arm(tau=tau),
            {
                "dataset": {**DATA[budget], "tau": tau},
                "hidden": list(widths),
                "updates": updates,
                "batch": BATCH,
            },
        )
        for updates, widths in SCALED_WIDTHS[budget].items()
        for tau in TAUS
    ]
    return _design(f"scaled-{budget}", RUNS[budget], grids)


def zigzag_design(budget: Budget) -> Design:
    """C8: regression on the zig-zag, inputs times tau."""
    targets = array_data({"name": "zigzag"}).targets
    grids = [
        (
            Arm(tau=tau),
            {
                "dataset": {"name": "zigzag", "tau": tau},
                "hidden": list(widths),
                "updates": updates,
                "tolerance": float(f"{1e-3 * len(targets) * targets.var():.2g}"),
            },
        )
        for updates, widths in ZIGZAG_WIDTHS[budget].items()
        for tau in ZIGZAG_TAUS
    ]
    return _design(f"zigzag-{budget}", 10 if budget is Budget.FULL else 5, grids)


_SAME: Final = {
    "activation": "relu",
    "initialisation": "pytorch",
    "optimiser": "adam",
    "step_size": 0.001,
}
"""What all grids have unless they say otherwise."""


def _design(name: str, runs: int, grids: Sequence[tuple[Arm, Mapping[str, Any]]]) -> Design:
    """Each grid varies `hidden` alone."""
    plan = plan_of(name, [{**_SAME, **grid} for _, grid in grids], runs=runs, seed=SEED, shard=runs)
    arms = tuple(arm for arm, grid in grids for _ in grid["hidden"])
    assert len(arms) == len(plan.cells)
    return Design(plan, arms)
