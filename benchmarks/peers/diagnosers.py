"""Existing tools on the public cases: what each says of a program, in our words.

torchmortem 0.1.1, torchtest2 0.1.0, torch-audit 0.3.0 and traintools 0.6.2 (pip install NAME), with
their default settings, each used as its own page says: torchtest2 looks at a batch before training;
the others follow all of it. Warnings and worse count, in the order in which they come. Their words
are translated generously: `MEANS` lists every kind of ours that a finding of theirs may stand for.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable
from typing import Any, Final

from public_cases.program import Program

OUTPUT: Final = {"output_range", "wrong_output_activation", "softmax_over_one_unit"}
SCALE: Final = {"unscaled_inputs", "target_scale", "bad_initial_scale", "exploding_gradient"}
SMALL: Final = {"step_too_small", "vanishing_gradient", "plateau", "saddle", "too_few_updates"}
LARGE: Final = {"step_too_large", "exploding_gradient", "not_finite", "bad_initial_scale"}

MEANS: Final[dict[str, set[str]]] = {
    # torchmortem
    "dead units": {"dead_units", "blind_spots", "shifted_initialisation"},
    "activation saturation": {"saturation", "unscaled_inputs", "bad_initial_scale"},
    "vanishing gradients": SMALL | {"frozen_layers", "detached_loss"},
    "gradient stalling": SMALL,
    "exploding gradients": LARGE | SCALE,
    "training divergence": LARGE | SCALE,
    "loss plateau": SMALL | {"local_minimum", "valley_to_infinity"},
    "rank collapse": {"constant_output", "duplicated_units", "shared_regions"},
    "update ratio too low": SMALL | {"over_regularised"},
    "update ratio too high": LARGE,
    "weight norm": {"exploding_gradient", "valley_to_infinity", "over_regularised"},
    # torchtest2
    "output_range": OUTPUT,
    "output_varies": OUTPUT | {"constant_output", "one_feature_norm", "constant_inputs"},
    "output_finite": {"not_finite"},
    "loss:": {"not_finite", "labels_outside_loss", "wrong_loss", "broadcast_targets"},
    "initial_loss": OUTPUT | SCALE | {"labels_outside_loss", "logits_to_probability_loss"},
    "optimizer_coverage": {"optimiser_misses_parameters", "frozen_layers"},
    "gradient_flow": {"detached_loss", "vanishing_gradient", "frozen_layers", *OUTPUT},
    "gradient_magnitude": LARGE | SCALE,
    "params_change": {"optimiser_misses_parameters", "frozen_layers", "detached_loss"},
    "frozen_params": {"frozen_layers"},
    "input_dependency": {"wrong_axis", "constant_inputs", "detached_loss", *OUTPUT},
    "batch_independence": {"wrong_axis"},
    # torch-audit
    "TA100": {"not_finite", "step_too_large"},
    "TA102": LARGE | SCALE,
    "TA103": {"dead_units", "vanishing_gradient", "detached_loss"},
    "TA104": {"detached_loss", "frozen_layers", "optimiser_misses_parameters"},
    "TA105": {"dead_units", "constant_output"},
    "TA301": {"unscaled_inputs"},
    "TA302": {"constant_inputs", "unscaled_inputs"},
    "TA401": {"over_regularised"},
    "TA402": {"over_regularised"},
    "TA500": {"detached_loss", "optimiser_misses_parameters"},
    # traintools
    "scale": SCALE,
    "constant": {"constant_inputs", "one_class_targets"},
    "imbalance": {"one_class_targets"},
    "expected": {"labels_outside_loss"},
    "non-finite": {"not_finite", "step_too_large"},
    "vanished": SMALL | {"detached_loss", *OUTPUT},
    "very large": LARGE | SCALE,
    "ratio is high": LARGE,
    "ratio is tiny": SMALL,
    "no gradients": {"detached_loss"},
}
"""The first of these words that stands in what a tool says gives its meaning; else it has none."""


def torchmortem(program: Program) -> list[str]:
    """The titles of its autopsy."""
    from torchmortem import Autopsy  # pyright: ignore[reportMissingImports]

    autopsy = Autopsy(program.model, optimizer=program.optimiser)
    autopsy.attach()
    for loss in program.loop(program):
        autopsy.step(loss=float(loss.detach()))
    autopsy.detach()
    found = autopsy.get_report().findings
    return [f.title.lower() for f in found if f.severity.name in ("WARNING", "CRITICAL")]


def torchtest2(program: Program) -> list[str]:
    """The names of the checks that warn or fail, on the first batch."""
    from torchtest2 import Status, check_model  # pyright: ignore[reportMissingImports]

    x, y = program.x[: program.batch], program.y[: program.batch]
    report = check_model(
        program.model, x, y, loss_fn=program.loss, optimizer=program.optimiser, skip=("gpu",)
    )
    bad = [r for r in report.results if r.status in (Status.FAIL, Status.WARN)]
    return [f"{r.name}: {r.message}" for r in bad]


def torch_audit(program: Program) -> list[str]:
    """The rules that warn, in twenty looks at the training."""
    from torch_audit import autopatch  # pyright: ignore[reportMissingImports]
    from torch_audit.core import Severity  # pyright: ignore[reportMissingImports]

    every = max(1, program.steps // 20)
    auditor = autopatch(program.model, optimizer=program.optimiser, every_n_steps=every)
    for _ in program.loop(program):
        pass
    found = auditor.finish(report=False).findings
    auditor.unpatch()
    return [f"{f.rule_id} {f.message}" for f in found if f.severity >= Severity.WARN]


def traintools(program: Program) -> list[str]:
    """The warnings about the first batch, and about the gradients of twenty steps."""
    from traintools import BatchInspector, GradientHealthMonitor  # pyright: ignore[reportMissingImports]

    x, y = program.x[: program.batch], program.y[: program.batch]
    said = list(BatchInspector().inspect(x, y, step=0).warnings)
    monitor = GradientHealthMonitor()
    every = max(1, program.steps // 20)
    for step, _ in enumerate(program.loop(program)):
        if step % every == 0:
            rate = program.optimiser.param_groups[0]["lr"]
            said += monitor.inspect(program.model, step=step, lr=rate).warnings
    return said


PEERS: Final[dict[str, Callable[[Program], list[str]]]] = {
    "torchmortem": torchmortem,
    "torchtest2": torchtest2,
    "torch-audit": torch_audit,
    "traintools": traintools,
}


def said_by(peer: str, program: Program) -> list[str]:
    """What a tool says of a program at its start, which it may train; a crash is no finding."""
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return list(dict.fromkeys(PEERS[peer](program)))
    except Exception:
        return []
    finally:
        logging.disable(logging.NOTSET)


def kinds_of(text: str) -> set[str]:
    """What a finding of a tool may stand for."""
    return next((kinds for words, kinds in MEANS.items() if words in text), set())


def judged(peer: str, make: Callable[[], Program], mend: Callable[[], Program],
           right: frozenset[str]) -> dict[str, Any]:  # fmt: skip
    """One row: any alarm, the cause first, at all, and an alarm on the twin."""
    said = said_by(peer, make())
    return {
        "said": said[:4],
        "alarm": bool(said),
        "first": bool(said) and bool(kinds_of(said[0]) & right),
        "some": any(kinds_of(text) & right for text in said),
        "twin": bool(said_by(peer, mend())),
    }
