"""Are lists of minima with weight decay complete, and are their entries minima? Random problems.

    python benchmarks/complete_decay.py [--count N] [--seed S] [--starts R] [--free]

For each small random problem (inputs and targets small integers, so that ties and right angles
happen; costs drawn for each layer) the list is made. Every entry is attacked with rays in 60
digits. Then networks are trained and polished by the engine, which shares no code with the list:
each has to end at an entry, or with a unit at zero that can leave, which is no minimum. What ends
elsewhere is pushed by a little noise and polished again, as a saddle that floats creep along would
not hold. A fault is printed, and the exit status is 1. Problem k of a seed is always the same. With
--free biases cost nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from fractions import Fraction
from random import Random

from fuzzing.decay import Decayed, lower

from spurious.atlas.decay.atlas import PenalisedAtlas, penalised_atlas
from spurious.atlas.decay.basins import UPDATES, Lookup, settled
from spurious.atlas.random_starts import from_random_starts
from spurious.problem import Dataset, DenseLoss, Network, Penalty
from spurious.train import cores, train

SPREADS = (0.5, 3.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--starts", type=int, default=100, help="networks for each spread; may be 0"
    )
    parser.add_argument("--free", action="store_true", help="biases cost nothing")
    options = parser.parse_args()
    tally, begin = Counter[str](), time.monotonic()
    for index in range(options.first, options.first + options.count):
        rng = Random(f"complete {options.seed} {index}")
        loss = draw(rng, free=options.free)
        found = penalised_atlas(loss)
        tally["lists"] += 1
        tally["complete lists"] += found.complete
        tally["undecided cells"] += len(found.undecided)
        tally["families"] += found.families
        told = f"problem {index} of seed {options.seed}"
        for family in found.minima:
            fault = lower(_case(loss), family.point, rng)
            tally["entries attacked"] += 1
            if fault:
                tally["faults"] += 1
                print(f"{told}: loss {float(family.loss.mid):.9g}: {fault}", flush=True)
        for spread in SPREADS if options.starts else ():
            tally.update(_trained(found, options.starts, index, spread, told))
    for name, number in tally.items():
        print(f"{number:8,}  {name}")
    print(f"{time.monotonic() - begin:.0f} s")
    sys.exit(bool(tally["faults"]))


def draw(rng: Random, *, free: bool = False) -> DenseLoss:
    """A problem."""
    inputs, hidden = rng.choice(((1, 1), (1, 2), (1, 2), (1, 3), (2, 1), (2, 2)))
    size = rng.randint(2, 5 if inputs == 1 else 4)
    loss = rng.choice(("squared", "squared", "logistic"))
    x = tuple(tuple(Fraction(rng.randint(-3, 3)) for _ in range(inputs)) for _ in range(size))
    labels = [rng.choice((-1, 1)) for _ in range(size)]
    labels[:2] = [1, -1]
    targets = [rng.randint(-3, 3) for _ in range(size)]
    y = tuple((Fraction(v),) for v in (targets if loss == "squared" else labels))
    name = rng.choice(("relu", "relu", "leaky_relu", "abs"))
    below = rng.choice((Fraction(1, 10), Fraction(1, 2), Fraction(-1, 3)))
    network = Network((inputs, hidden, 1), name, below if name == "leaky_relu" else None)
    return DenseLoss(network, loss, Dataset(x, y), _costs(rng, free=free))


def _costs(rng: Random, *, free: bool) -> Penalty:
    cost = Fraction(1, rng.choice((2, 5, 10, 20, 50, 100, 1000)))
    if rng.random() < 0.5:
        return Penalty(cost, biases=not free)
    if free:
        weights = ("layers[0].weight", "layers[1].weight")
        return Penalty({block: cost * rng.choice((1, 2, Fraction(1, 3))) for block in weights})
    blocks = ("layers[0].weight", "layers[0].bias", "layers[1].weight")
    costs = {block: cost * rng.choice((1, 2, Fraction(1, 3))) for block in blocks}
    return Penalty({**costs, "layers[1].bias": cost * rng.choice((0, 0, 1))})


def _case(loss: DenseLoss) -> Decayed:
    return Decayed(
        loss.network.widths,
        loss.network.activation,
        None if loss.network.slope is None else str(loss.network.slope),
        loss.loss,
        tuple(tuple(map(str, row)) for row in loss.data.x),
        tuple(tuple(map(str, row)) for row in loss.data.y),
        ("1",) * loss.data.size,
        tuple((str(a), str(b)) for a, b in loss.penalty.of_layers(loss.network)),
    )


def _trained(
    found: PenalisedAtlas, starts: int, index: int, spread: float, told: str
) -> Counter[str]:
    """Where networks end."""
    recipe, tally = from_random_starts(found.loss, spread, UPDATES), Counter[str]()
    lookup = Lookup(found, recipe)
    at = train(recipe, index, 0, starts, threads=cores()).parameters
    at, losses = settled(lookup, at, index, threads=cores())
    for place, loss, point in zip(lookup.places(at), losses, at, strict=True):
        tally["networks trained"] += 1
        tally["at an entry"] += place is not None and place >= 0
        tally["with a unit at zero that can leave"] += place == -1
        if place is None:
            tally["faults"] += found.complete
            tally["elsewhere"] += 1
            print(f"{told}: a network ends at {loss:.9g}: {point.tolist()}", flush=True)
    return tally


if __name__ == "__main__":
    main()
