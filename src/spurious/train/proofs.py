"""What is proved of where a run ended, apart from what it is called."""

from __future__ import annotations

import enum
from typing import Final

from spurious.verdict import Decision


class ProofKind(enum.StrEnum):
    """What a statement on the end of a run rests on.

    `CERTIFICATE`: the rules of `certify`, in exact arithmetic (the certificate is not kept).
    `FLOAT_BOUND`: a pass in double precision with its rounding errors bounded (`large.ending`).
    """

    NONE = "none"
    CERTIFICATE = "certificate"
    FLOAT_BOUND = "float_bound"


class Proved(enum.StrEnum):
    """What is proved: a `Decision`, or `LOCAL_MINIMUM_IN_REGION`.

    By a certificate, a decision is about the polished point as it was rounded:
    `NOT_LOCAL_MINIMUM` says that this point is none, not that none is near.

    By a float bound, a decision is about the parameters at the end of training.
    `LOCAL_MINIMUM_IN_REGION`: no parameters nearby have a loss below that of a local minimum which
    has the same hidden layers. How far away that minimum is, is not said.
    """

    LOCAL_MINIMUM = Decision.LOCAL_MINIMUM.value
    LOCAL_MINIMUM_NEARBY = Decision.LOCAL_MINIMUM_NEARBY.value
    LOCAL_MINIMUM_IN_REGION = "local_minimum_in_region"
    SADDLE_NEARBY = Decision.SADDLE_NEARBY.value
    NOT_LOCAL_MINIMUM = Decision.NOT_LOCAL_MINIMUM.value
    UNDECIDED = Decision.UNDECIDED.value


MINIMA: Final = (
    Proved.LOCAL_MINIMUM,
    Proved.LOCAL_MINIMUM_NEARBY,
    Proved.LOCAL_MINIMUM_IN_REGION,
)
"""The statements that there is a minimum."""
