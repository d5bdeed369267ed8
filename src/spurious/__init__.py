"""Build, prove, enumerate, count and explain bad local minima of neural networks.

>>> import spurious
>>> problem = spurious.read_problem("problem.json")  # doctest: +SKIP
>>> spurious.certify(problem).decision  # doctest: +SKIP
<Decision.LOCAL_MINIMUM: 'local_minimum'>
>>> spurious.atlas(problem).minima[0].loss  # doctest: +SKIP
Fraction(1, 14)
>>> spurious.diagnose(model, (x, y), torch.nn.MSELoss()).findings[0].kind  # doctest: +SKIP
'dead_units'

Any differentiable loss becomes a problem with `spurious.from_jax(loss, parameters)` or
`spurious.from_torch(model, x, y, loss)`, a dense network on arrays with `spurious.problem(x, y)`.

`spurious.atlas`, `spurious.diagnose` and `spurious.problem` are functions; what else their packages
hold is imported with `from spurious.diagnose import TrainingWatch`.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from spurious.errors import InputError, SpuriousError
from spurious.verdict import Answer, Decision, Enclosure, Verdict

if TYPE_CHECKING:
    from spurious.atlas import Atlas, atlas, optimum
    from spurious.certify import certified_minima, certified_saddles, certify
    from spurious.diagnose import diagnose
    from spurious.problem import (
        Dataset,
        Loss,
        Network,
        Point,
        Problem,
        ProgramProblem,
        from_jax,
        from_torch,
        parse_problem,
        problem,
        read_problem,
        write_problem,
    )

__all__ = [
    "Answer",
    "Atlas",
    "Dataset",
    "Decision",
    "Enclosure",
    "InputError",
    "Loss",
    "Network",
    "Point",
    "Problem",
    "ProgramProblem",
    "SpuriousError",
    "Verdict",
    "__version__",
    "atlas",
    "certified_minima",
    "certified_saddles",
    "certify",
    "diagnose",
    "from_jax",
    "from_torch",
    "optimum",
    "parse_problem",
    "problem",
    "read_problem",
    "write_problem",
]

__version__ = "0.1.0"

_LATE = {
    "spurious.atlas": ("Atlas", "atlas", "optimum"),
    "spurious.certify": ("certified_minima", "certified_saddles", "certify"),
    "spurious.diagnose": ("diagnose",),
    "spurious.problem": (
        "Dataset",
        "Loss",
        "Network",
        "Point",
        "Problem",
        "ProgramProblem",
        "from_jax",
        "from_torch",
        "parse_problem",
        "problem",
        "read_problem",
        "write_problem",
    ),
}
"""What is imported when it is first asked for, so that nobody waits for what he does not use."""

_HOMES = {name: module for module, names in _LATE.items() for name in names}


class _Package(ModuleType):
    """This package, some of whose functions have the names of the packages they come from.

    Importing `spurious.atlas` would put the package in the function's place.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'spurious' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = _Package
