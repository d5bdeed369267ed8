"""A network that cannot learn two spirals, and why: prints the findings, writes stuck.html.

pip install 'spurious[torch]'
python examples/stuck.py
"""

import torch
from rich import print as show
from torch import nn

import spurious


def spirals(points: int = 240) -> tuple[torch.Tensor, torch.Tensor]:
    """Two classes of points on two arms of a spiral, (n, 2) and (n, 1)."""
    turn = 0.5 + 5.5 * torch.rand(points)
    label = torch.arange(points) % 2
    angle = turn + torch.pi * label
    x = turn[:, None] / 3 * torch.stack([angle.cos(), angle.sin()], dim=1)
    return x, label[:, None].float()


def main() -> None:
    """Harms a network, diagnoses it, and tries the remedies."""
    torch.manual_seed(4)
    x, y = spirals()
    model = nn.Sequential(
        nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)
    )
    with torch.no_grad():
        model[2].bias -= 0.9
        model[0].bias -= 0.6
    loss = nn.BCEWithLogitsLoss()
    report = spurious.diagnose(model, (x, y), loss)
    show(report)
    report.to_html("stuck.html")
    for trial in report.try_remedies(model, (x, y), loss, steps=600, step_size=1e-2):
        show(
            f"{trial.remedy}: loss {trial.before:.4f}, after 600 steps {trial.after or trial.note}"
        )


if __name__ == "__main__":
    main()
