"""A verdict on a point: decided, with evidence and certificate, or undecided, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NoReturn

from spurious.errors import InputError
from spurious.files import write_json
from spurious.notebook import table
from spurious.proof.claim import Claim
from spurious.proof.evidence import Evidence
from spurious.proof.fall import Fall, Unfinished
from spurious.proof.words import loss_text
from spurious.verdict import Answer, Decision, Enclosure

NOTHING: Final = Claim(Decision.UNDECIDED)
"""The claim of who proves nothing."""


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """What is known about a point: `Decided` or `Undecided`.

    Its truth value is not defined: compare `verdict.decision` with a `Decision`. Two are equal if
    they say the same with the same certificate; the time taken does not count.

    Attributes:
        reason: One sentence for a person.
        claim: What is proved; of an undecided point the loss at most.
        seconds: Time taken.
        evidence: What proves it (`docs/certificates.md`), or None when undecided.
        certificate: The certificate as JSON data, or None when undecided.
        slope: For `NOT_LOCAL_MINIMUM` by a slope: the loss's derivative along the certificate's
            direction (largest entry about 1), rounded; else None.
        fall: For `NOT_LOCAL_MINIMUM`: a lower point on the way down, if one was proved.
        unfinished: Where the fall is large enough for float64 to show it: how long training would
            still take. None where it would not, or falls for ever along a proved valley.

    Examples:
        >>> import spurious
        >>> off_on_all_data = [([[-1]], [-1]), ([[1]], ["1/3"])]
        >>> problem = spurious.problem([0, 1, 2], [0, 1, 0], hidden=1, point=off_on_all_data)
        >>> verdict = spurious.certify(problem)
        >>> verdict.decision, verdict.is_global, verdict.certificate["format"]
        (<Decision.LOCAL_MINIMUM: 'local_minimum'>, <Answer.NO: 'no'>, 'spurious-certificate/1')
    """

    reason: str
    _: KW_ONLY
    claim: Claim
    seconds: float = field(default=0.0, compare=False)
    evidence: Evidence | None
    certificate: Mapping[str, Any] | None
    slope: Fraction | None = None
    fall: Fall | None = None
    unfinished: Unfinished | None = None

    def __bool__(self) -> NoReturn:
        """Always raises.

        Raises:
            TypeError: every time; look at `decision`.
        """
        raise TypeError("a Verdict has no truth value: compare verdict.decision with a Decision")

    @property
    def decision(self) -> Decision:
        """The decision. Its truth value is not defined either."""
        return self.claim.decision

    @property
    def loss(self) -> Enclosure | None:
        """The loss at the point (at the critical point found, for the decisions nearby)."""
        return self.claim.loss

    @property
    def is_global(self) -> Answer:
        """Whether it is a global minimum of this network on this data."""
        return self.claim.is_global

    @property
    def witness_loss(self) -> Enclosure | None:
        """The loss of the better point, where there is one."""
        return self.claim.witness_loss

    @property
    def strict(self) -> Answer:
        """Whether it is a strict local minimum."""
        return self.claim.strict

    @property
    def strict_up_to_rescaling(self) -> Answer:
        """The same after identifying points that differ by positive rescalings of hidden units."""
        return self.claim.strict_up_to_rescaling

    @property
    def flat_dimension(self) -> int | None:
        """Dimension, near the minimum, of the set of points of equal loss, or None."""
        return self.claim.flat_dimension

    @property
    def eigenvalue_bound(self) -> Fraction | None:
        """A positive lower bound of the Hessian's eigenvalues in the free parameters, or None."""
        return self.claim.eigenvalue_bound

    @property
    def radius(self) -> Fraction | None:
        """For decisions nearby: the largest difference of a parameter from the given point."""
        return self.claim.radius

    @property
    def valley_limit(self) -> Enclosure | None:
        """The limit of the loss along a proved ray to infinity, or None."""
        return self.claim.valley_limit

    @property
    def index(self) -> int | None:
        """For saddles: the number of negative eigenvalues of the Hessian; else None."""
        return self.claim.index

    @property
    def method(self) -> str:
        """The rule that proves it, or "none"."""
        return "none" if self.evidence is None else self.evidence.rule

    @property
    def decrease(self) -> Fraction | None:
        """For `NOT_LOCAL_MINIMUM`: the loss provably falls by this on the way to the witness.

        None if nothing that large was proved, or for other verdicts.
        """
        return None if self.fall is None else self.fall.decrease

    @property
    def decrease_radius(self) -> Fraction | None:
        """The largest change of a parameter on that way, or None."""
        return None if self.fall is None else self.fall.distance

    def to_dict(self) -> dict[str, Any]:
        """JSON data: what `spurious certify --json` prints, and the certificate."""
        witness = self.witness_loss
        return {
            "verdict": str(self.decision),
            "strict": str(self.strict),
            "global": str(self.is_global),
            "method": self.method,
            "reason": self.reason,
            "loss": None if self.loss is None else loss_text(self.loss),
            "witness_loss": None if witness is None else loss_text(witness),
            "index": self.index,
            "slope": _float(self.slope),
            "decrease": _float(self.decrease),
            "decrease_radius": _float(self.decrease_radius),
            "unfinished": None if self.unfinished is None else asdict(self.unfinished),
            "seconds": round(self.seconds, 6),
            "certificate": self.certificate,
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the certificate, for `spurious check`.

        Args:
            path: The file.

        Raises:
            InputError: There is no certificate, or the file cannot be written.
        """
        if self.certificate is None:
            raise InputError(f"{path}: nothing to write, the point is {self.decision}")
        write_json(Path(path), self.certificate)

    def __repr__(self) -> str:
        told = "".join(f", {name} {text}" for name, text in self._told())
        return f"<Verdict: {self.decision.replace('_', ' ')}{told}>"

    def _told(self) -> list[tuple[str, str]]:
        """The main facts but the decision."""
        found = [("global:", str(self.is_global)), ("strict:", str(self.strict))]
        if self.loss is not None:
            found.insert(0, ("loss", str(self.loss)))
        if self.witness_loss is not None:
            found.append(("better:", str(self.witness_loss)))
        return [*found, ("by", self.method.replace("_", " "))]

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        rows = [("", self.decision.replace("_", " ")), *self._told(), ("reason", self.reason)]
        return table((name.rstrip(":"), text) for name, text in rows)


@dataclass(frozen=True, slots=True, repr=False)
class Decided(Verdict):
    """A decision that its certificate proves."""

    claim: Claim
    evidence: Evidence
    certificate: Mapping[str, Any]

    __bool__ = Verdict.__bool__


@dataclass(frozen=True, slots=True, repr=False)
class Undecided(Verdict):
    """Nothing is proved about the point, and why. A rule that proves nothing answers so, too."""

    claim: Claim = NOTHING
    evidence: None = None
    certificate: None = None

    __bool__ = Verdict.__bool__


def _float(value: Fraction | None) -> float | None:
    """The nearest float, or None where there is none."""
    try:
        return None if value is None else float(value)
    except OverflowError:
        return None
