"""`spurious diagnose`: why a PyTorch model does not learn."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from spurious.cli.commands import Exit
from spurious.cli.options import AsJson
from spurious.cli.output import echo_json
from spurious.errors import InputError


def diagnose(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="module:function that returns one, a .pt2 file of torch.export, or an ONNX file.",
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=".npz or .pt with x and y, or .csv with the target in the last column.",
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="mse, l1, huber, cross_entropy, nll, bce, bce_with_logits, or module:name.",
        ),
    ] = None,
    points: Annotated[int, typer.Option(metavar="N", min=2, help="Points to look at.")] = 512,
    steps: Annotated[
        int,
        typer.Option(
            "--try", metavar="STEPS", min=0, help="Try remedies on copies, so many steps each."
        ),
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the report with pictures there, as HTML."),
    ] = None,
    as_json: AsJson = False,
) -> Exit:
    """Say why a PyTorch model does not learn.

    Findings with evidence, the gravest first, and what would help. The function of MODEL may also
    return (model, data) or (model, data, loss), with data as spurious.diagnose takes it in Python.
    Exported programs have lost their layers: of those less can be said. A function is imported from
    this folder and run, so name only what you trust.

    Examples:
      spurious diagnose train:make --data batch.npz --loss cross_entropy
      spurious diagnose model.pt2 --data points.csv --loss mse --out why.html
      spurious diagnose train:make --try 200

    Exit status:
      0    no problem is seen
      1    there are problems
      2    the model, the data or the loss cannot be used
      3    no problem is seen, but it does not learn
      130  interrupted
    """
    from spurious.late import require

    require()
    from rich.text import Text

    from spurious.cli.consoles import answers, messages, now_and_then
    from spurious.diagnose import Outcome
    from spurious.diagnose import diagnose as examine
    from spurious.diagnose.exchange.named import data_named, loss_named, model_named

    made, given_data, given_loss = model_named(model)
    if data is None and given_data is None:
        raise InputError(f"--data: missing, and {model} brings none; add the option")
    if loss is None and given_loss is None:
        raise InputError(f"--loss: missing, and {model} brings none; add the option, as in mse")
    measure = given_loss if loss is None else loss_named(loss)
    batch = given_data if data is None else data_named(data, made, loss or "")
    say = now_and_then(messages(), 2.0)
    report = examine(made, batch, measure, points=points, say=say)
    trials = report.try_remedies(made, batch, measure, steps, say=say) if steps else ()
    if trials:
        report = replace(report, trials=trials)
    if out is not None:
        report.to_html(out)
    if as_json:
        echo_json(report.to_dict() | {"trials": [asdict(trial) for trial in trials]})
    else:
        console = answers(100)
        console.print(report)
        for trial in trials:
            after = (
                trial.note
                or f"loss {trial.before:.4g}, after {trial.steps} steps {trial.after:.4g}"
            )
            console.print(Text(f"  {trial.remedy}: {after}"), soft_wrap=True)
        if out is not None:
            console.print(Text(f"report  {out}"), soft_wrap=True)
    if report.problems:
        return Exit.INVALID
    return Exit.UNDECIDED if report.conclusion.outcome is Outcome.STUCK else Exit.OK
