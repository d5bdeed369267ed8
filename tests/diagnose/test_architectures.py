"""Ten ordinary architectures: no crash, no false alarm, and their faults named."""

import pytest
import torch
from tests.diagnose.architectures import ARCHITECTURES, train

import spurious


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_sound_models_have_no_problem(name: str) -> None:
    torch.manual_seed(0)
    setup = ARCHITECTURES[name](False)
    for trained in (False, True):
        if trained:
            train(setup)
        report = spurious.diagnose(
            setup.model, setup.data, setup.loss, optimiser=setup.optimiser, points=128
        )
        assert not report.problems, [(f.kind, f.explanation) for f in report.problems]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_fault_is_named(name: str) -> None:
    torch.manual_seed(0)
    setup = ARCHITECTURES[name](True)
    train(setup)
    report = spurious.diagnose(
        setup.model, setup.data, setup.loss, optimiser=setup.optimiser, points=128
    )
    assert report.problems, "no problem"
    assert str(report.problems[0].kind) in setup.fault, [str(f.kind) for f in report.problems]
