"""No problem but that training goes on is seen of ordinary programs, at any moment."""

import pytest
from tests.diagnose.sound_programs import PROGRAMS

import spurious
from spurious.diagnose import Kind

ONLY_EARLY = {Kind.TOO_FEW_UPDATES}
"""What may be said midway: a copy then learns with more of the same steps."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_is_wrong(name: str) -> None:
    program, made = PROGRAMS[name](), 0
    for steps in program.moments:
        program.train(steps - made)
        made = steps
        report = spurious.diagnose(
            program.model,
            program.data,
            program.loss,
            optimiser=program.optimiser,
            points=256,
        )
        seen = [(steps, str(f.kind), f.explanation) for f in report.problems]
        assert {f.kind for f in report.problems} <= ONLY_EARLY, seen
