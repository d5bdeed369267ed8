"""The list: who found which bad minimum, and how this project proves it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Final

from spurious.catalogue.affine_fit import affine_fit
from spurious.catalogue.affine_target import affine_target
from spurious.catalogue.binary_instances import binary_instances
from spurious.catalogue.cloned_units import cloned_units
from spurious.catalogue.constant_units import constant_units
from spurious.catalogue.dead_programs import one_relu, two_convolutions
from spurious.catalogue.duplicated_unit import duplicated_unit
from spurious.catalogue.entry import Entry
from spurious.catalogue.hinge_plateau import hinge_plateau
from spurious.catalogue.linear_bottleneck import linear_bottleneck
from spurious.catalogue.safran_shamir import (
    NINE_FOR_EIGHT,
    ONE_MORE,
    PUBLISHED,
    SYMMETRIC,
    symmetric_point,
)
from spurious.catalogue.single_neuron import single_neuron
from spurious.catalogue.two_outputs import two_outputs
from spurious.catalogue.valley import bad_valley
from spurious.construct import dead_layer, region_trap
from spurious.problem import Network, Problem, ProgramProblem, dataset, read_any_problem
from spurious.problem.bundled import bundled

FUKUMIZU: Final = "Fukumizu, Amari 2000, Neural Networks 13(3)"
PAPER: Final = "Swirszcz, Czarnecki, Pascanu 2016, arXiv 1611.06310"
YUN: Final = "Yun, Sra, Jadbabaie 2019, ICLR, arXiv 1802.03487"
DING: Final = f"{YUN}; any width: Ding, Li, Sun 2019, arXiv 1911.01413"
DEEP: Final = (
    "He, Wang, Tao 2020, ICLR, arXiv 2003.12236; Christof, Kowalczyk 2022, arXiv 2202.12262"
)
FIELD: Final = "after Arjevani, Field 2021, arXiv 2107.10370"
OUTSIDE: Final = "its output is not of the form that problem files describe"


def _points(name: str) -> Callable[[], Problem]:
    return partial(bundled, name)


def _program(name: str) -> Callable[[], ProgramProblem]:
    path = files("spurious.catalogue") / "programs" / f"{name}.json"

    def read() -> ProgramProblem:
        problem = read_any_problem(str(path))
        assert isinstance(problem, ProgramProblem)
        return problem

    return read


def _fit(data: str, *hidden: int, activation: str = "relu") -> Callable[[], Problem]:
    return lambda: affine_fit(dataset(data).data, hidden, activation)


def _dead() -> Problem:
    return dead_layer(Network((1, 3, 3, 3, 1), "relu"), dataset("d2").data, 2).problem


ENTRIES: Final = (
    Entry("swirszcz-d1", "one relu unit, a point on the kink", PAPER, _points("c5-d1")),
    Entry("swirszcz-d2", "two relu units, a blind spot", PAPER, _points("c6-d2-corrected")),
    Entry("swirszcz-d3", "three relu units in the wrong regions", PAPER, _points("c7-d3")),
    Entry("swirszcz-dead-layer", "a dead layer, at any depth", PAPER, _dead),
    Entry(
        "swirszcz-ten-points",
        "ten points, two sigmoid units, log loss",
        PAPER,
        _points("c13-deadlock-10-points"),
    ),
    Entry(
        "seven-points",
        "seven points, two sigmoid units, log loss",
        "this project (docs/constructions/deadlocks.md)",
        _points("c13-deadlock-7-points"),
    ),
    Entry(
        "six-points",
        "six points, two sigmoid units, squared loss",
        "this project (docs/constructions/deadlocks.md)",
        _points("sigmoid-squared-6-points"),
    ),
    Entry(
        "five-binary-instances",
        "one sigmoid unit, squared loss, two weights: the fewest binary instances",
        "this project (docs/constructions/binary-instances.md), after Sontag, Sussmann 1989, "
        "Complex Systems 3",
        binary_instances,
    ),
    *(
        Entry(
            f"fewest-{name}",
            f"{title}, weight decay",
            "this project (benchmarks/fewest_points.py)",
            _program(f"fewest-{name}"),
        )
        for name, title in (
            ("attention", "one softmax attention head, two sequences of four tokens"),
            ("convolution", "a convolution with tanh and mean pooling, two series"),
            ("recurrence", "a tanh recurrence over five steps, one sequence"),
            ("layer-norm", "layer normalisation, two points"),
            ("residual", "two residual blocks, three points"),
        )
    ),
    Entry("yun-relu", "the best affine fit, any data", YUN, _fit("deadlock7", 3)),
    Entry(
        "yun-leaky-relu",
        "the best affine fit, leaky relu",
        YUN,
        _fit("jellyfish", 2, activation="leaky_relu"),
    ),
    Entry(
        "yun-sigmoid",
        "three points that no unit sees, two sigmoid units",
        YUN,
        lambda: constant_units("sigmoid", 2),
    ),
    Entry(
        "ding-softplus",
        "the same, ten softplus units",
        DING,
        lambda: constant_units("softplus", 10),
    ),
    Entry(
        "fukumizu-amari-plateau",
        "a unit duplicated at a minimum, shares 1/2 and 1/2: a line of minima",
        FUKUMIZU,
        lambda: duplicated_unit("plateau"),
    ),
    Entry(
        "fukumizu-amari-saddle",
        "the same unit, shares 3/2 and -1/2: a saddle of the same loss",
        FUKUMIZU,
        lambda: duplicated_unit("saddle"),
    ),
    Entry("affine-deep", "the best affine fit, any depth", DEEP, _fit("d3", 3, 2, 2)),
    Entry(
        "region-trap-3d",
        "two units where three are needed, in three dimensions",
        "this project (docs/constructions/region-traps.md), after " + PAPER,
        lambda: region_trap(3, 2, 3, 9).problem,
    ),
    Entry(
        "valley-to-infinity",
        "log loss falls for ever to 2 log 2; the infimum is 0",
        "this project; Josz, Li 2023, arXiv 2303.03536, on minima at infinity",
        bad_valley,
    ),
    Entry(
        "affine-target-leaky",
        "one leaky unit, y = x on eight points, no dead unit",
        "this project (docs/constructions/affine-targets.md), after Cheridito, Jentzen, Rossmannek "
        "2022, arXiv 2103.10922",
        affine_target,
    ),
    Entry(
        "two-outputs-zero-weight",
        "a relu unit without weight to the second of two outputs, whose errors it could lower",
        "this project (docs/results.md), on a question of Wu, Simsek, Ged 2025, arXiv 2402.05626",
        two_outputs,
    ),
    Entry(
        "laurent-von-brecht",
        "hinge loss, where it is perfectly flat",
        "after Laurent, von Brecht 2018, ICML, arXiv 1712.10132",
        hinge_plateau,
    ),
    Entry(
        "trager-kohn-bruna",
        "a linear network with a bottleneck of one unit, two outputs, log loss, six points",
        "after Trager, Kohn, Bruna 2020, ICLR, arXiv 1910.01671",
        linear_bottleneck,
    ),
    Entry(
        "vardi-yehudai-shamir",
        "a single relu with a bias, realisable data, off on all of them",
        "after Vardi, Yehudai, Shamir 2021, NeurIPS, arXiv 2106.01101",
        one_relu,
    ),
    Entry(
        "two-convolutions",
        "two convolutions with relu, the second one off on all data",
        "after Liu 2021, arXiv 2102.13233",
        two_convolutions,
    ),
    Entry(
        "joudaki-clones",
        "cloned tanh units with weight decay: a minimum among clones, a saddle of index 1",
        "after Joudaki et al. 2025, arXiv 2510.00304",
        cloned_units,
    ),
    Entry(
        "auer-single-neuron",
        "one sigmoid neuron, exponentially many minima",
        "Auer, Herbster, Warmuth 1996, NIPS 8",
        prove=single_neuron,
        reason=f"{OUTSIDE} (a sigmoid, no bias)",
    ),
    Entry(
        "safran-shamir",
        "six relu neurons, Gaussian inputs, population loss times 2 pi",
        "Safran, Shamir 2018, ICML, arXiv 1712.08968",
        lambda: symmetric_point(PUBLISHED),
    ),
    Entry(
        "arjevani-field-symmetric",
        "the same, a minimum with the whole symmetry of the problem",
        FIELD,
        lambda: symmetric_point(SYMMETRIC),
    ),
    Entry(
        "arjevani-field-one-more",
        "the same with seven neurons for six: a saddle of index 4",
        FIELD,
        lambda: symmetric_point(ONE_MORE),
    ),
    Entry(
        "nine-neurons-for-eight",
        "the same with eight inputs and nine neurons: a minimum with one neuron too many",
        "this project (docs/results.md); on extra neurons: Safran, Shamir 2018",
        lambda: symmetric_point(NINE_FOR_EIGHT, 8),
    ),
    Entry(
        "sprinkhuizen-kuyper-boers-xor",
        "a region of local minima of the 2-3-1 XOR network",
        "Sprinkhuizen-Kuyper, Boers 1999, IEEE Trans. Neural Networks 10(4)",
        reason=f"{OUTSIDE} (a sigmoid), and the article's weights were not available to us",
    ),
    Entry(
        "martinelli-channel",
        "flat channels to infinity: two units merge, their output weights diverge",
        "Martinelli, Van Meegen, Simsek, Gerstner, Brea 2025, NeurIPS, arXiv 2506.14951",
        reason="the loss falls along a curve, and certificates know rays only",
    ),
    Entry(
        "petzka-sminchisescu",
        "regions of local minima that training does not reach",
        "Petzka, Sminchisescu 2021, JMLR 22(143), arXiv 1812.06486",
        reason="minima that are not strict, in smooth networks of two hidden layers, have no rule",
    ),
)
"""In the order in which they are shown."""
