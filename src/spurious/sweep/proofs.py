"""How many runs of a sweep something is proved of, and what: each run is counted once.

Stores of engine 1 have one column, `certified`, for everything. It is read as far as it can tell:
it is empty where nothing was proved; it holds `undecided` where `certify` proved no minimum, be it
that it refuted one or decided nothing; and on faces it is copied to runs that `certify` was not
asked about. What such a store cannot tell is NULL in the table `runs`, and counted as unknown.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from spurious.train import MINIMA, ProofKind, Proved


class Standing(enum.StrEnum):
    """What is proved of one run, and how."""

    NOTHING = "nothing_proved"
    CERTIFY_MINIMUM = "certify_minimum"
    CERTIFY_NO_MINIMUM = "certify_no_minimum"
    CERTIFY_UNDECIDED = "certify_undecided"
    FACE_MINIMUM = "face_minimum"
    BOUND_MINIMUM = "bound_minimum"
    BOUND_NO_MINIMUM = "bound_no_minimum"
    UNKNOWN_MINIMUM = "minimum_asked_unknown"
    UNKNOWN = "unknown"


CERTIFIED: Final = (
    Standing.CERTIFY_MINIMUM,
    Standing.CERTIFY_NO_MINIMUM,
    Standing.CERTIFY_UNDECIDED,
)
"""Of the runs whose own point `certify` was asked about."""

BOUNDED: Final = (Standing.BOUND_MINIMUM, Standing.BOUND_NO_MINIMUM)
"""Of the runs that the large engine's float bound settled."""


def standing(asked: bool | None, proof: str | None, proved: str | None) -> Standing:
    """What a row's columns say; None where an old store does not tell."""
    if proof is None or proved is None:
        return Standing.UNKNOWN
    minimum = proved in MINIMA
    if proof == ProofKind.FLOAT_BOUND:
        return Standing.BOUND_MINIMUM if minimum else Standing.BOUND_NO_MINIMUM
    if proof == ProofKind.NONE:
        return Standing.CERTIFY_UNDECIDED if asked else Standing.NOTHING
    if asked is None:
        return Standing.UNKNOWN_MINIMUM
    if not asked:
        return Standing.FACE_MINIMUM
    return Standing.CERTIFY_MINIMUM if minimum else Standing.CERTIFY_NO_MINIMUM


def proof_columns(columns: Sequence[str]) -> Mapping[str, str]:
    """The columns `asked`, `proof` and `proved` in SQL, where rows lack them.

    Args:
        columns: Those that the rows have.
    """
    if "certified" not in columns:
        return {}
    by_certify = f"'undecided', '{Proved.LOCAL_MINIMUM}', '{Proved.LOCAL_MINIMUM_NEARBY}'"
    on_face = "coalesce(exact_loss, '') <> ''" if "exact_loss" in columns else "FALSE"
    return {
        "asked": f"CASE WHEN coalesce(certified, '') NOT IN ({by_certify}) THEN FALSE "
        f"WHEN {on_face} THEN NULL ELSE TRUE END",
        "proof": f"CASE WHEN coalesce(certified, '') = '' THEN '{ProofKind.NONE}' "
        "WHEN certified = 'undecided' THEN NULL "
        f"WHEN certified IN ({by_certify}) THEN '{ProofKind.CERTIFICATE}' "
        f"ELSE '{ProofKind.FLOAT_BOUND}' END",
        "proved": f"CASE WHEN coalesce(certified, '') = '' THEN '{Proved.UNDECIDED}' "
        "WHEN certified = 'undecided' THEN NULL ELSE certified END",
    }


def proof_lines(counts: Counter[Standing]) -> Iterator[str]:
    """What was counted, in sentences; of what did not occur nothing is said.

    `certify` and the float bound have a line each even if they were not used, so that nobody takes
    the one for the other.
    """
    minimum, none, undecided = (counts[kind] for kind in CERTIFIED)
    asked = minimum + none + undecided
    if counts[Standing.UNKNOWN] + counts[Standing.UNKNOWN_MINIMUM]:
        yield (
            "certify, by an old store that does not tell which points it was asked about: "
            f"{minimum + counts[Standing.UNKNOWN_MINIMUM]:,} runs are at or near a local minimum "
            f"(by a proof for their own point or for another on the same face); for "
            f"{counts[Standing.UNKNOWN]:,} no minimum was proved, and whether it was refuted or "
            "left undecided is unknown"
        )
    elif asked:
        yield (
            f"certify was asked about {asked:,} points: {minimum:,} are at or near a local "
            f"minimum, {none:,} are no local minimum themselves, {undecided:,} undecided"
        )
    else:
        yield "certify was asked about no point"
    if counts[Standing.FACE_MINIMUM]:
        yield (
            f"{counts[Standing.FACE_MINIMUM]:,} more runs are at or near a local minimum, since "
            "they ended on the face of one that certify proved"
        )
    stuck, slow = (counts[kind] for kind in BOUNDED)
    if stuck + slow:
        yield (
            f"the large engine's float bound settled {stuck + slow:,} runs: nothing near {stuck:,} "
            f"of them beats a local minimum with the same hidden layers, {slow:,} are at no local "
            "minimum"
        )
    if counts[Standing.NOTHING]:
        yield f"nothing is proved of the other {counts[Standing.NOTHING]:,} runs"
