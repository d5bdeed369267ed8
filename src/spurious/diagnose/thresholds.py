"""When a measurement becomes a finding. Each number has its reason beside it.

Numbers that one check alone needs stand above it.

They were chosen by reasoning, then checked on models and data other than the bench's (synthetic
data and other seeds: `python benchmarks/stuck.py --tuning`).
"""

from __future__ import annotations

from typing import Final

DEAD_SHARE: Final = 0.5
"""A layer with this share of dead units has lost half of the width that was paid for."""

ALMOST_DEAD: Final = 0.01
"""A unit that is on for fewer points than this share learns from a hundredth of the data."""

SATURATED_SHARE: Final = 0.5
"""Half of a layer's values pass on less than a hundredth of the gradient."""

SATURATED_WHOLLY: Final = 0.99
"""The same for all values but one in a hundred: the layer is shut."""

FORCED_LOSS: Final = 0.1
"""Blind points that cost at least a tenth of the best constant's loss whatever the rest does."""

FORCED_ALL: Final = 0.9
"""Blind points that leave less than a tenth of the loss to be won."""

SHIFT: Final = 3.0
"""A shift of the pre-activations of three standard deviations of what the weights' spread gives:
of a thousand units, one has the other sign."""

SHIFT_SIGNIFICANCE: Final = 5.0
"""The mean of the weights, in standard errors; below, chance could have made it."""

AGREEMENT: Final = 0.95
"""Share of a layer's units that have one sign on a point, for units to count as agreeing there."""

AGREEING_POINTS: Final = 0.9
"""Share of the points on which they agree, for a shift to matter."""

FEWEST_UNITS: Final = 4
"""Layers with fewer units are not judged by the statistics of their weights."""

TWIN_SHARE: Final = 0.5
"""Half of a layer's units repeat others."""

SIGNAL_RATIO: Final = 1e-3
"""The first layer's signal over the last one's (or the reverse): a step size that suits one moves
the other a thousandth as far."""

EXPLODED: Final = 1e3
"""First-order change of the loss, in units of the best constant's loss, if one weight matrix
changes by its own size: a step of a thousandth of the weights overshoots."""

WORTHLESS: Final = 1e-3
"""What the differences between the outputs are worth, in units of the best constant's loss."""

CONSTANT: Final = 1e-6
"""Outputs whose spread is below this share of their size are equal but for rounding."""

AFFINE: Final = 0.02
"""Deviation at midpoints, relative to the outputs' differences, below which a model is affine on
the data: a fiftieth."""

FEW_BENDS: Final = 0.1
"""Share of kinked units that bend among the data, where midpoints cannot be tried."""

STATIONARY: Final = 0.01
"""Relative gradient at which training stands still: to first order, changing any weight matrix by
all of its size gains one hundredth of the loss."""

POOR: Final = 0.9
"""A loss above this share of the best constant's: nothing to speak of has been learnt."""

MIDDLING: Final = 0.5
"""Half of the best constant's loss: with more, what could be learnt mostly has not been."""

GOOD: Final = 0.1
"""A loss below this share of the best constant's: most has been learnt, and a linear predictor that
does better still is no reason for concern."""

CURVED: Final = 1e-3
"""Curvature times the squared norm of the parameters (or of a usual start), in units of the loss,
below which the surface counts as flat."""

NOISY: Final = 10.0
"""A Ritz value must exceed its error and the rounding by this factor to have a sign."""

VALLEY_LOSS: Final = 0.1
"""Loss that remains along a ray to infinity, in units of the best constant's, to be a trap."""

VALLEY_ALIGNMENT: Final = 0.5
"""Cosine between descent and the parameters from which descent is mostly growth."""

VALLEY_GAIN: Final = 0.5
"""Share of the loss that the whole ray may still gain; one that gains more is no trap."""

LEARNT: Final = 0.1
"""A tenth of the best constant's loss won: more than noise, less than an easy step's gain."""

HELPED: Final = 0.2
"""A change helps if it wins a fifth of the best constant's loss more than none."""

MANY_UPDATES: Final = 1e6
"""Updates that a step size needs at least; at a millisecond each, a quarter of an hour."""

ALL_THE_DIFFERENCE: Final = 0.5
"""A change that wins half of the best constant's loss in a short training."""

NO_DIFFERENCE: Final = 0.05
"""A short training that wins a twentieth of the best constant's loss has begun to learn."""

WORSE: Final = 1.1
"""A loss a tenth above a trivial predictor's is worse, whatever the noise of a fit."""

LARGE_SCALE: Final = 5.0
"""Inputs and targets of a larger mean or spread are tried on another scale."""

LARGE_START: Final = 5.0
"""Weights of more than this many times the size of torch's default start; He's has 2.4 times, and
so has a spread of 0.05 for 784 inputs."""

HE_START: Final = 6**0.5
"""He's start has this many times the spread of torch's: sqrt(2 / n) instead of 1 / sqrt(3 n)."""

SMALL_START: Final = 0.2
"""Weights of less than this share of it."""

MUCH_DROPOUT: Final = 0.5
"""Dropout that leaves out half of the values or more is tried without."""

SMALL_SCALE: Final = 0.05
"""The same of a smaller spread; pixels between 0 and 1 have one of 0.3."""

SORTED: Final = 0.5
"""The target before each explains half of it: targets in an order drawn by chance explain nothing.
"""

MUCH_NOISE: Final = 0.5
"""Two training passes of one point that are half as far apart as those of two points: training is
tried without what is drawn by chance."""
