"""Running statistics of batch normalisation that lag behind the training."""

from tests.diagnose.unrehearsed import points, problems, trained
from torch import nn


def test_running_statistics_that_lag() -> None:
    x, y = points()
    for momentum, wrong in ((1e-4, True), (0.3, False)):
        model = nn.Sequential(
            nn.Linear(3, 16), nn.BatchNorm1d(16, momentum=momentum), nn.Tanh(), nn.Linear(16, 1)
        )
        rule = trained(model, 10 + 3 * x, y, 120)
        kinds = [f.kind for f in problems(model, (10 + 3 * x, y), nn.MSELoss(), optimiser=rule)]
        assert ("train_eval_gap" in kinds) is wrong
