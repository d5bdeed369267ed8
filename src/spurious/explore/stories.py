"""Stories: settings of the page that show something, each with a few lines on what to look for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from spurious.problem import point_to_data
from spurious.problem.bundled import bundled, point_of
from spurious.train import Outcome

ABOUT: Final = {
    Outcome.SOLVED: "zero training error, or the loss of a fit",
    Outcome.FINITE_LOCAL_MINIMUM: "a place from which no small step leads down",
    Outcome.VALLEY_TO_INFINITY: "the loss falls for ever, ever more slowly, as parameters grow",
    Outcome.SADDLE_OR_PLATEAU: "it stood still, but a way leads down",
    Outcome.DEAD: "a layer of units is off on all data: no gradient reaches it",
    Outcome.HELD_BY_DECAY: "weight decay keeps it where the loss alone would not",
    Outcome.STILL_DESCENDING: "it was on its way when the updates were over",
    Outcome.DIVERGED: "numbers grew beyond all bounds",
}
"""What the names of ends mean, in a few words."""


@dataclass(frozen=True, slots=True)
class Story:
    """Settings with a story.

    Attributes:
        name: What an address calls it.
        title: What the page calls it.
        text: What to look for, and what it means.
        dataset: A built-in dataset.
        hidden: Units of the hidden layers, with commas.
        activation: After each of them.
        loss: squared or logistic.
        shows: What some of the runs are called; a test looks.
        optimiser: With its `step_size`.
        step_size: Of the optimiser.
        updates: Of each run.
        initialisation: Where runs start.
        runs: How many.
        seed: Of all of them.
        point: A built-in problem file whose point can be looked at, or "".
    """

    name: str
    title: str
    text: str
    dataset: str
    hidden: str
    activation: str
    loss: str
    shows: Outcome
    optimiser: str = "adam"
    step_size: str = "0.01"
    updates: int = 10_000
    initialisation: str = "pytorch"
    runs: int = 100
    seed: int = 1
    point: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The story as JSON data, `point` as in problem files, or None."""
        point = point_to_data(point_of(bundled(self.point))) if self.point else None
        return {**asdict(self), "point": point}


STORIES: Final = (
    Story(
        "one-unit",
        "One unit, five points",
        "The simplest bad minimum: one ReLU unit can bend once, and the data ask for two bends. "
        "Which side a run bends to is decided at its start; no small step leads to the other. "
        "“Show its point” is the one that the paper prints: certify it.",
        dataset="d1",
        hidden="1",
        activation="relu",
        loss="squared",
        shows=Outcome.FINITE_LOCAL_MINIMUM,
        point="c5-d1",
    ),
    Story(
        "dead",
        "Units that die",
        "A ReLU unit that is off on every point gets no gradient, and stays off. Look at the runs "
        "marked D: the function is flat. Then take leaky_relu as the activation: its units never "
        "die, and still some runs are trapped.",
        dataset="d1",
        hidden="1",
        activation="relu",
        loss="squared",
        shows=Outcome.DEAD,
    ),
    Story(
        "width",
        "More units, fewer traps",
        "The four points of exclusive or. Two units can tell the classes apart, and yet most "
        "runs fail to. Add units, one at a time, and watch the share of S grow: that is Table 1 of "
        "the paper.",
        dataset="xor",
        hidden="2",
        activation="relu",
        loss="logistic",
        shows=Outcome.FINITE_LOCAL_MINIMUM,
    ),
    Story(
        "valley",
        "A valley to infinity",
        "With the log loss some runs never arrive: the loss of the points that are right goes on "
        "falling as the weights grow, while the others stay wrong. Such runs are marked V. There "
        "is no minimum, and no way out either.",
        dataset="jellyfish",
        hidden="2",
        activation="sigmoid",
        loss="logistic",
        shows=Outcome.VALLEY_TO_INFINITY,
    ),
    Story(
        "patience",
        "Stuck, or slow?",
        "Gradient descent on two sigmoid units. After so few updates all loss curves stand "
        "still, and none of them is in a trap. Give them a hundred times the updates: most of them "
        "move on. A loss that stands still proves nothing.",
        dataset="xor",
        hidden="2",
        activation="sigmoid",
        loss="squared",
        optimiser="gd",
        step_size="0.1",
        updates=200,
        shows=Outcome.SADDLE_OR_PLATEAU,
    ),
    Story(
        "seven-points",
        "Seven points, a smooth network",
        "No kinks to blame: two sigmoid units, and a strict bad minimum on seven points, found and "
        "proved by this project; the authors of the paper had ten. Random starts run off to "
        "infinity rather than meet it. “Show its point”, and certify it.",
        dataset="deadlock7",
        hidden="2",
        activation="sigmoid",
        loss="logistic",
        shows=Outcome.VALLEY_TO_INFINITY,
        point="c13-deadlock-7-points",
    ),
)
"""The stories, in the order in which a lesson tells them."""
