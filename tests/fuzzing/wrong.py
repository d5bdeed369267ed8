"""Verdicts that `certify` once gave and that are false, as they were."""

from typing import Any


def _problem(
    widths: list[int], loss: str, x: list[str], y: list[str], layers: list[tuple[Any, Any]]
) -> dict[str, Any]:
    return {
        "format": "spurious-problem/1",
        "network": {"widths": widths, "activation": "relu"},
        "loss": loss,
        "data": {"x": [[v] for v in x], "y": [[v] for v in y]},
        "point": {"layers": [{"weight": weight, "bias": bias} for weight, bias in layers]},
    }


SATURATED = _problem(
    [1, 1, 1], "logistic", ["0", "1"], ["1", "1"], [([["-1"]], ["-5"]), ([["1"]], ["40000"])]
)
"""The unit is off, both labels are 1: the loss 2 log(1 + e^-c) falls for ever, at 10^-17372."""

TINY_BIAS = _problem(
    [1, 1, 1], "logistic", ["0", "1"], ["1", "-1"], [([["-1"]], ["-5"]), ([["1"]], ["1e-60"])]
)
"""The best constant is 0, not 1e-60."""

MINIMUM_CLAIM = {
    "verdict": "local_minimum", "strict": "no", "strict_up_to_rescaling": "no",
    "flat_dimension": 3, "eigenvalue_bound": None, "global": "unknown",
    "loss": {"mid": "0", "rad": "11/100000000000000000000000000"},
    "witness_loss": None, "radius": None, "valley_limit": None,
}  # fmt: skip

COMES_ALIVE = _problem(
    [1, 1, 2, 1],
    "squared",
    ["-2", "-1", "1", "2", "3", "5", "6"],
    ["11/10", "9/10", "637/740", "163/370", "237/740", "1", "-1"],
    [
        ([["1/100"]], ["-301/100000"]),
        ([["-1000/37"], ["100000"]], ["1", "-11399/2"]),
        ([["1", "-1/1000000000"]], ["0"]),
    ],
)
"""A dead unit of the second layer that is alive at the minimum that was claimed nearby."""

ALIVE_CENTRE = {
    "layers": [
        {
            "weight": [["1/100"]],
            "bias": ["-1499844042638893542687713701/500000000000000000000000000000"],
        },
        {
            "weight": [["-1000/37"], ["100000"]],
            "bias": ["62500842922612149525706004887/62500000000000000000000000000", "-11399/2"],
        },
        {
            "weight": [
                ["15624818174235643914812783401/15625000000000000000000000000", "-1/1000000000"]
            ],
            "bias": ["265595736110645731229/1000000000000000000000000000000"],
        },
    ]
}

NEARBY_CLAIM = {
    "verdict": "local_minimum_nearby", "strict": "no", "strict_up_to_rescaling": "no",
    "flat_dimension": 5, "eigenvalue_bound": "139/1000", "global": "unknown",
    "loss": {
        "mid": "127187499935550555680386249/62500000000000000000000000",
        "rad": "21/100000000000000000000000000",
    },
    "witness_loss": None, "radius": "7/500000", "valley_limit": None,
}  # fmt: skip

SOFTSIGN_FIT = {
    "format": "spurious-problem/1",
    "network": {"widths": [1, 2, 1], "activation": "softsign"},
    "loss": "squared",
    "data": {"x": [["0"], ["1"]], "y": [["1/2"], ["2/3"]]},
    "point": {
        "layers": [
            {"weight": [["1"], ["1"]], "bias": ["1", "0"]},
            {"weight": [["1", "0"]], "bias": ["0"]},
        ]
    },
}
"""A perfect fit that was left undecided; its loss is 0, so it is a global minimum, not strict."""
