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
`spurious.from_torch(model, x, y, loss)`, the model of an ONNX file with
`spurious.from_onnx(path, x, y, loss)`, a dense network on arrays with `spurious.problem(x, y)`.

`spurious.atlas`, `certify`, `diagnose`, `problem` and `train` are functions; what else their
packages hold is imported with `from spurious.diagnose import TrainingWatch`.
"""

from typing import TYPE_CHECKING

from spurious.errors import InputError, SpuriousError
from spurious.late import import_late
from spurious.verdict import Answer, Decision, Enclosure

if TYPE_CHECKING:
    from spurious.atlas import Atlas, PenalisedAtlas, atlas, optimum, penalised_atlas
    from spurious.certify import certified_minima, certified_saddles, certify, check
    from spurious.diagnose import diagnose
    from spurious.problem import (
        Dataset,
        Loss,
        Network,
        Point,
        Problem,
        ProgramProblem,
        dataset,
        datasets,
        from_jax,
        from_onnx,
        from_torch,
        parse_problem,
        problem,
        read_problem,
        write_problem,
    )
    from spurious.proof import Verdict
    from spurious.train import train

__all__ = [
    "Answer",
    "Atlas",
    "Dataset",
    "Decision",
    "Enclosure",
    "InputError",
    "Loss",
    "Network",
    "PenalisedAtlas",
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
    "check",
    "dataset",
    "datasets",
    "diagnose",
    "from_jax",
    "from_onnx",
    "from_torch",
    "optimum",
    "parse_problem",
    "penalised_atlas",
    "problem",
    "read_problem",
    "train",
    "write_problem",
]

__version__ = "0.1.0"

import_late(__name__)
