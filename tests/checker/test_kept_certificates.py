"""Certificates that version 0.1 made stay valid for ever.

`kept_certificates.json` holds one of each rule, verdict and loss: formats 1 and 2. It is never made
anew. Entries are added when a rule is.
"""

import json
from pathlib import Path
from typing import Any

import pytest

import spurious_checker
from spurious_checker import check

FILE = Path(__file__).parent / "kept_certificates.json"
KEPT: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))

RULES_OF_0_1 = {
    "spurious-certificate/1": {
        "classwise_optimum", "constant_output", "constant_units", "convex_ball",
        "descent_direction", "kinked_ball", "negative_curvature", "one_sided_derivatives",
        "pointwise_optimum", "twin_units", "valley_to_infinity", "zero_output_weight",
    },
    "spurious-certificate/2": {
        "descent_direction", "krawczyk", "negative_curvature", "strongly_convex",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_it_is_still_valid(name: str) -> None:
    result = check(KEPT[name])
    assert result.valid, result.reason


def test_all_rules_of_0_1_are_kept() -> None:
    for form, rules in RULES_OF_0_1.items():
        kept = [c for c in KEPT.values() if c["format"] == form]
        assert {c["proof"]["rule"] for c in kept} >= rules
    proofs = {(c["global_proof"] or {}).get("rule") for c in KEPT.values()}
    assert proofs >= {None, "witness", "not_local_minimum", "pointwise_optimum", "affine_optimum",
                      "cell_multipliers"}  # fmt: skip
    assert set(spurious_checker.FORMATS) >= set(RULES_OF_0_1)
