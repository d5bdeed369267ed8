"""An entry of the catalogue, and what running it showed."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from spurious.certify import certify
from spurious.problem import Problem, ProgramProblem
from spurious.proof import Verdict, loss_text, proved_decimal, verdict_text
from spurious.verdict import Decision, Enclosure


class Standing(enum.StrEnum):
    """How far an entry is proved by this project."""

    CERTIFIED = "certified"
    """A certificate that the independent checker accepts."""

    PROVED = "proved"
    """Proved in exact or ball arithmetic by code of the catalogue, without a certificate."""

    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a computation in exact or ball arithmetic came to, where no certificate exists.

    Attributes:
        holds: Whether it was proved.
        text: What it says, with its numbers.
    """

    holds: bool
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A construction from the literature. One of `problem`, `prove` and `reason` is given.

    Attributes:
        name: Short and unique.
        title: What it is, in a line.
        citation: Where it comes from.
        problem: Builds the problem with its point.
        prove: Proves a statement, where there is no certificate for it.
        reason: Why there is no certificate, or what is missing.
    """

    name: str
    title: str
    citation: str
    problem: Callable[[], Problem | ProgramProblem] | None = None
    prove: Callable[[], Statement] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """What running an entry showed.

    Attributes:
        entry: The entry.
        standing: How far it is proved.
        text: In words, with numbers.
        problem: The problem, if the entry has one.
        verdict: The verdict on its point.
    """

    entry: Entry
    standing: Standing
    text: str
    problem: Problem | ProgramProblem | None = None
    verdict: Verdict | None = None


def examine(entry: Entry) -> Examination:
    """Certifies an entry's problem, or proves its statement."""
    if entry.problem is not None:
        problem = entry.problem()
        verdict = certify(problem)
        standing = Standing.OPEN if verdict.certificate is None else Standing.CERTIFIED
        return Examination(entry, standing, _text(verdict), problem, verdict)
    if entry.prove is not None:
        statement = entry.prove()
        standing = Standing.PROVED if statement.holds else Standing.OPEN
        return Examination(entry, standing, f"{statement.text}; no certificate: {entry.reason}")
    return Examination(entry, Standing.OPEN, entry.reason)


def _text(verdict: Verdict) -> str:
    if verdict.decision is Decision.UNDECIDED:
        return f"undecided: {verdict.reason}"
    text = verdict_text(verdict.claim)
    if verdict.valley_limit is not None:
        text += f", limit of the loss {_number(verdict.valley_limit)}"
    elif verdict.loss is not None:
        text += f", loss {_number(verdict.loss)}"
    if verdict.witness_loss is not None:
        text += f"; a better point has {_number(verdict.witness_loss)}"
    return text


def _number(value: Enclosure) -> str:
    """Exact if that is short; a bound where no digit is proved."""
    if value.lower <= 0 < value.upper:
        return f"at most {float(value.upper):.0e}"
    exact, rounded = loss_text(value), proved_decimal(value, 6)
    return exact if len(exact) <= len(rounded) else rounded
