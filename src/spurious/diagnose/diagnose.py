"""Why is this PyTorch model stuck? The entry point; torch is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spurious.diagnose.show.report import Report
from spurious.errors import InputError
from spurious.late import require

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram

    from spurious.diagnose.measure.own_step import Step
    from spurious.diagnose.watch.watch import TrainingWatch

POINTS = 512
"""Points looked at by default."""


def _quiet(_: str) -> None:
    """Says nothing."""


def diagnose(
    model: nn.Module | ExportedProgram,
    data: Any,
    loss: Callable[..., Any] | None = None,
    *,
    points: int = POINTS,
    optimiser: Any = None,
    watch: TrainingWatch | None = None,
    step: Step | None = None,
    curvature: bool = True,
    rehearse: bool = True,
    say: Callable[[str], None] = _quiet,
) -> Report:
    """Examines a PyTorch model and says what keeps it from learning.

    The model is left exactly as it was. The cost is one pass forward and back over the points,
    one forward pass at midpoints, with `curvature` some 25 Hessian-vector products and 30
    forward passes over at most 256 points, and with `rehearse`, if the loss is not small already,
    up to fifteen trainings of copies of at most 300 steps; of cheap models that have learnt nothing
    and show no cause, as many of 3,000.

    Args:
        model: Any module; wrappers of data parallelism and `torch.compile` are looked through; or
            a program of `torch.export`.
        data: `(inputs, targets)`, or a loader or list of such batches, or of mappings of the
            model's keyword arguments.
        loss: A function of (outputs, targets) that returns a scalar tensor; None if the model's
            output has a field `loss`, as in Hugging Face's models.
        points: How many points to look at: spread over all of them, or a loader's first ones.
        optimiser: What trains the model: its step size, what it holds and its weight decay are
            then judged too, and copies are trained by one like it (else by Adam).
        watch: What followed the training, if anything did: what it saw of the loop is told too, and
            where weights are lost, and show no cause, the last that were finite are looked at.
        step: Your own update, a function of (model, optimiser, inputs, targets) that does what one
            turn of your loop does. It is called on copies of model and optimiser and compared with
            a textbook's (zero_grad, loss, backward, step) on the same batches, those of `data`:
            what it does otherwise, and whether they learn less by it.
        curvature: Whether to look at the Hessian and along directions too.
        rehearse: Whether to train copies, to see which change helps.
        say: Called with a line on what is being done.

    Raises:
        InputError: torch is not installed, or the model, the data or the loss cannot be used; a
            step is given without an optimiser, raises, or moves another model than its own.

    Examples:
        >>> import spurious, torch
        >>> hidden, output = torch.nn.Linear(2, 8), torch.nn.Linear(8, 1)
        >>> model = torch.nn.Sequential(hidden, torch.nn.ReLU(), output)
        >>> _ = torch.nn.init.constant_(hidden.bias, -10)
        >>> x = torch.linspace(0, 1, 64).reshape(32, 2)
        >>> report = spurious.diagnose(model, (x, x.sum(1, keepdim=True)), torch.nn.MSELoss())
        >>> report.findings[0].kind
        'shifted_initialisation'

        The loop is looked at as well, if its update is given as a function:

        >>> def step(model, optimiser, inputs, targets):
        ...     loss = torch.nn.functional.mse_loss(model(inputs), targets)
        ...     (-loss).backward()
        ...     optimiser.step()
        ...     optimiser.zero_grad()
        >>> model, y = torch.nn.Linear(2, 1), x.sum(1, keepdim=True)
        >>> sgd = torch.optim.SGD(model.parameters(), lr=0.01)
        >>> spurious.diagnose(
        ...     model, (x, y), torch.nn.MSELoss(), optimiser=sgd, step=step
        ... ).findings[0].kind
        'gradient_sign_flipped'
    """
    require()
    from torch import nn

    from spurious.diagnose.examination import Asked, examined, is_cause
    from spurious.diagnose.measure.left import left_by
    from spurious.diagnose.measure.optimiser import optimiser_seen
    from spurious.diagnose.measure.preserve import (
        has_lost_weights,
        put_back,
        untouched,
        unwrapped,
    )
    from spurious.diagnose.measure.scene_of import was_trained

    model = unwrapped(model)
    if not isinstance(model, nn.Module):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"model: found a {type(model).__name__}, expected a torch.nn.Module")
    if points < 2:
        raise InputError(f"points: found {points}, expected at least 2")
    if any(isinstance(p, nn.parameter.UninitializedParameter) for p in model.parameters()):
        raise InputError("model: has lazy modules without weights; call it once on a batch first")
    held = None if optimiser is None else optimiser_seen(optimiser, model)
    trained = was_trained(model, held)
    made = held.steps if held is not None else None
    made = watch.steps if made is None and watch is not None else made
    left = replace(left_by(model, optimiser), made=made)
    followed = watch is not None and (watch.steps > 0 or not trained)
    seen = watch.loop_findings if watch is not None and followed else ()
    if step is not None and optimiser is None:
        raise InputError("optimiser: found None beside a step, expected what the step moves with")
    asked = Asked(
        data,
        loss,
        points,
        optimiser,
        held,
        trained,
        left,
        seen,
        step,
        curvature,
        rehearse,
        say,
        unseen=tuple(_not_given(optimiser is None, watch is None and step is None, not rehearse)),
    )
    before = None if watch is None else watch.before_nan
    paused = nullcontext if watch is None else watch.paused
    with paused(), untouched(model):
        report = examined(model, asked)
    if before is None or not has_lost_weights(model) or any(map(is_cause, report.findings)):
        return report
    with paused(), untouched(model):
        weights, found = before
        put_back(model, weights)
        earlier = examined(model, replace(asked, of_the_loop=(*asked.of_the_loop, found)))
    return earlier if any(map(is_cause, earlier.findings)) else report


def _not_given(optimiser: bool, loop: bool, copies: bool) -> Iterator[str]:
    """What could not be looked at, and what to give so that it can be."""
    if optimiser:
        yield "the optimiser (optimiser=): its step size, its weight decay, what it holds"
    if loop:
        yield "your loop: give what one turn of it does (step=), or what followed it (watch=)"
    if copies:
        yield "copies: none were trained (rehearse=True)"
