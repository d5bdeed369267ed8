"""Seven points on which a 2-2-1 sigmoid network with log loss has a strict bad minimum, proved.

    python examples/deadlock7.py

writes deadlock7.png, the decision boundaries at the minimum and at a better point, and
deadlock7_slices.png, the loss around the minimum along its two flattest directions.
"""

from pathlib import Path

from spurious import Decision, certify
from spurious.figures import decision_boundaries, loss_slices, png_bytes
from spurious.figures.panels import boundary_panel, sampled_slices
from spurious.problem.bundled import bundled, point_of, witness_of
from spurious.studies.classify import classified


def main() -> None:
    problem = bundled("c13-deadlock-7-points")
    verdict = certify(problem)
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    panels = []
    for name, point in (("minimum", point_of(problem)), ("better", witness_of(problem))):
        right = classified(problem.network, point, problem.data)
        panels.append(boundary_panel(f"{name}: {right} right", problem, point, right.right))
    Path("deadlock7.png").write_bytes(png_bytes(decision_boundaries(panels)))
    around = sampled_slices(problem, point_of(problem), reach=8.0)
    Path("deadlock7_slices.png").write_bytes(png_bytes(loss_slices(around.lines, around.plane)))
    print(f"strict: {verdict.strict}, global: {verdict.is_global}, loss {float(verdict.loss):.9f}")


if __name__ == "__main__":
    main()
