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

from spurious.atlas import Atlas, atlas, optimum
from spurious.certify import certified_minima, certified_saddles, certify
from spurious.diagnose import diagnose
from spurious.errors import InputError, SpuriousError
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
from spurious.proof import Verdict
from spurious.verdict import Answer, Decision, Enclosure

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
