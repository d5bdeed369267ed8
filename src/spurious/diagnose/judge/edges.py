"""Logarithms, roots and divisions at 0; exponentials beyond what numbers hold: NaN weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.edges import Edge
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.remedy import Remedy, joined
from spurious.diagnose.treat.rehearsal import Aspect, Rehearsals

MEND: Final[Mapping[Kind, str]] = {
    Kind.LOG_OF_ZERO: "Keep the argument of the logarithm away from 0, log(x + 1e-8), or use a "
    "loss that takes logits (CrossEntropyLoss, BCEWithLogitsLoss)",
    Kind.ROOT_AT_ZERO: "Keep the argument of the root away from 0, sqrt(x + 1e-8), where its "
    "derivative is infinite",
    Kind.DIVISION_BY_ZERO: "Keep the divisor away from 0, x / (y + 1e-8)",
    Kind.OVERFLOW: "Take the logarithm of a sum of exponentials at once, torch.logsumexp(z, dim), "
    "and their shares by torch.softmax(z, dim): exp(z) is infinite from z = 89 on and 0 below -104",
}

CODE: Final[Mapping[Kind, str]] = {
    Kind.LOG_OF_ZERO: "loss = torch.nn.CrossEntropyLoss()  # takes raw outputs, without a softmax\n"
    "# or: torch.log(p + 1e-8)",
    Kind.ROOT_AT_ZERO: "root = torch.sqrt(x + 1e-8)",
    Kind.DIVISION_BY_ZERO: "share = x / (y + 1e-8)  # or y.clamp_min(1e-8)",
    Kind.OVERFLOW: "torch.logsumexp(z, 1)  # not z.exp().sum(1).log()\n"
    "torch.log_softmax(z, 1)  # not (z.exp() / z.exp().sum(1, keepdim=True)).log()",
}


def at_edge(found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """A copy that ends in NaN, and one that learns once such arguments are moved by 1e-8.

    Or once logarithms and shares of sums of exponentials are taken at once.

    Or training that has ended in NaN, copies that go on without it, and a loss that is NaN where
    the model is sure of every point, as training makes it.
    """
    won = max(found.now, 0.0) + thresholds.HELPED
    for result in found.of(Aspect.EDGE):
        edge = result.trial.edge
        if edge is None or result.loss is None or result.gain < won:
            continue
        yield _finding(
            edge,
            Severity.CRITICAL,
            {"steps": found.steps, "loss_with_the_change": result.loss},
            f"Tried on copies for {found.steps} steps: loss {result.loss:.4g} with that and "
            "nothing else changed, NaN or infinity without.",
            (result.change.joined, joined((Remedy.REDRAW_WEIGHTS, Remedy.KEEP_FROM_ZERO))),
        )
        return
    afresh = found.afresh
    if not scene.training.begun or not found.as_is.lost or afresh is None or afresh.loss is None:
        return
    edge = scene.task.edge_when_sure
    if edge is not None and not afresh.diverged:
        yield _finding(
            edge,
            Severity.WARNING,  # it was not seen to happen
            {"steps": found.steps, "loss_of_a_fresh_copy": afresh.loss},
            "That is the loss's value where the model is sure of every point, 0 and 1. A copy that "
            f"starts afresh has not come there in {found.steps} steps (loss {afresh.loss:.4g}); "
            "this training, which ended in NaN, may have.",
            (joined((Remedy.REDRAW_WEIGHTS, Remedy.KEEP_FROM_ZERO)),),
        )


def _finding(
    edge: Edge,
    severity: Severity,
    evidence: dict[str, object],
    shown: str,
    remedies: tuple[str, ...],
) -> Finding:
    few, many = edge.entries
    where = f" in {edge.line}" if edge.line else ""
    gets = "come to 0 or infinity" if edge.kind is Kind.OVERFLOW else "gets 0"
    return Finding(
        edge.kind,
        severity,
        None,
        evidence
        | {"operation": edge.operation, "line": edge.line, "entries": few, "of_entries": many},
        f"{MEND[edge.kind]}: {edge.operation}{where} {gets} for {few} of {many} numbers. {shown}",
        tuple(dict.fromkeys(remedies)),
        CODE[edge.kind],
    )
