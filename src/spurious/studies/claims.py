"""The paper's claims, C1 to C14.

Source: Swirszcz, Czarnecki, Pascanu, "Local minima in training of neural networks",
arXiv 1611.06310 (v1, November 2016; v2, February 2017). Statements are in our own words.
"""

from __future__ import annotations

from typing import Final

from spurious.errors import InputError
from spurious.studies.report.claim import Claim

C1: Final = Claim(
    "C1",
    "Bad initialisation on MNIST",
    "v1, Fig. 1",
    "ReLU networks that start with units dead on most data do not recover in a million steps "
    "of Adam; depth does not help, permuted labels make it worse.",
    measured=True,
)
C2: Final = Claim(
    "C2",
    "Scaled MNIST",
    "v1, Fig. 2",
    "Inputs scaled so that they fall into few linear regions of the fresh network make a "
    "one-layer ReLU network learn badly.",
    measured=True,
)
C3: Final = Claim(
    "C3",
    "XOR and Jellyfish: how often 2-h-1 networks converge",
    "v1, Table 1",
    "Full-batch training of networks with 2 to 7 hidden units often fails on four points; "
    "Adam is no cure; Jellyfish is harder than XOR.",
    measured=True,
)
C4: Final = Claim(
    "C4",
    "Decision surfaces on Jellyfish",
    "v1, Fig. 3",
    "Decision surfaces of an optimally converged and of a stuck network, ReLU and sigmoid.",
)
C5: Final = Claim(
    "C5",
    "One ReLU unit on five points",
    "v1, Proposition 1, Fig. 4a",
    "On the data (5,2), (4,1), (3,0), (1,-3), (-1,3) the point w = 1, b = -3, v = 1, c = 0 "
    "is a local minimum with loss 18, not global, and not strict: it lies on a "
    "one-dimensional manifold of equal loss.",
)
C6: Final = Claim(
    "C6",
    "Two ReLU units on six points",
    "v1, Proposition 2, Fig. 4b",
    "On the data (-1,5), (0,0), (1,-1), (10,-3), (11,-4), (12,-5) the point w = (-5,-1), "
    "b = (1,-8), v = (1,-1), c = -1 fits perfectly, and w = (-3,-1), b = (13/3,-10), "
    "v = (1,-1), c = -3 is a suboptimal local minimum.",
)
C7: Final = Claim(
    "C7",
    "Three ReLU units on six points",
    "v1, Proposition 3, Fig. 4c",
    "On the data (-1,3), (0,0), (1,-1), (10,-3), (11,-4), (12,-6) the point "
    "w = (-2,1,1), b = (11/3,-10,-11), v = (1,-1,-1), c = -3 is a local minimum, and "
    "w = (-3/2,-3/2,3/2), b = (1,0,-79/6), v = (1,1,-1), c = -1 is a better one. Each is the "
    "best fit in both regions x < 6 and x >= 6 for the units it spends there.",
)
C8: Final = Claim(
    "C8",
    "Zig-zag regression",
    "v1, Fig. 5",
    "Regression on a zig-zag whose inputs are squeezed together stays bad even with thousands "
    "of hidden units.",
    measured=True,
)
C9: Final = Claim(
    "C9",
    "A dataset that defeats a shifted normal initialisation",
    "v1, Proposition 4, Fig. 6",
    "There is a whitened, linearly separable dataset on which every ReLU network started from "
    "normal weights with a suitable non-zero mean fails, with probability as near 1 as "
    "wanted.",
    measured=True,
)
C10: Final = Claim(
    "C10",
    "Depth kills",
    "v1, Proposition 5, Fig. 6",
    "For any data and any zero-mean initialisation, the probability that training ends in a "
    "constant model goes to 1 as ReLU layers are added.",
    measured=True,
)
C11: Final = Claim(
    "C11",
    "A constant model ends at the mean",
    "v1, Lemmas 1 and 2, Corollary 1",
    "If every unit of some layer is off on every data point, the output is constant, local "
    "optimisation leaves that layer and those below unchanged, and training ends at the mean "
    "of the targets.",
)
C12: Final = Claim(
    "C12",
    "A dead layer is a local minimum, at any depth",
    "v1, Theorem 1",
    "A point of a ReLU regression network one of whose layers is strictly off on all data, "
    "with the layers above at their optimum, is a local minimum; with three units in the "
    "first layer and decent data it is not global; such points fill an open set of the dead "
    "layer's parameters.",
)
C13: Final = Claim(
    "C13",
    "A strict, isolated bad minimum for sigmoids",
    "v2, Theorem 1 (not read: see above)",
    "A 2-2-1 sigmoid network with log loss on ten points has a strict local minimum of loss "
    "about 5.7774 that classifies 40% of the points right, while other parameters classify "
    "all ten.",
)
C14: Final = Claim(
    "C14",
    "Few linear regions make learning hard",
    "discussion",
    "Learning is hard when many points of different classes share few linear regions of the "
    "initial network.",
    measured=True,
)

CLAIMS: Final = (C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14)
"""Every claim, in order."""


DECAY: Final = Claim(
    "decay",
    "Weight decay and bad minima",
    "not in the paper",
    "How many local minima there are as weight decay grows, which bad ones survive, and where "
    "training ends.",
    measured=True,
)

EXTRA: Final = (DECAY,)
"""What else is studied: no part of a reproduction unless it is asked for."""


def find_claim(name: str) -> Claim:
    """The claim called `C5`, `c5` or `C05`, or the study called `decay`.

    Raises:
        InputError: There is no such claim.
    """
    text = name.strip().upper()
    digits = text.removeprefix("C").lstrip("0")
    for claim in CLAIMS:
        if text.startswith("C") and claim.id == f"C{digits}":
            return claim
    for claim in EXTRA:
        if text == claim.id.upper():
            return claim
    others = ", ".join(claim.id for claim in EXTRA)
    raise InputError(f"claim: found {name!r}, expected one of C1 to C14, or {others}")
