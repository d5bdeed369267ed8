"""Findings about a loss of several terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.remedy import Remedy, joined

if TYPE_CHECKING:
    from spurious.diagnose.measure.scene import Scene
    from spurious.diagnose.treat.penalty import Weighing

FAR_BELOW: Final = 10.0
"""Times the term with the targets, and 1: a penalty is not negative, an entropy is a few units."""

SILENT: Final = 0.1
"""Outputs that save less than a tenth of the term that depends on the targets, compared with the
targets in another order, say next to nothing about which point is which."""


def is_silent(scene: Scene) -> bool:
    """Whether a trained model says nothing of a term's targets, of a loss of several terms."""
    terms = scene.terms
    if terms is None or not scene.training.begun:
        return False
    told = terms.told if terms.depends is not None else min(terms.each, default=1.0)
    return told < SILENT


def falls_without_end(scene: Scene) -> Finding | None:
    """A term without the targets that is far below 0 in a trained model."""
    terms = scene.terms
    if terms is None or terms.depends is None or not is_silent(scene):
        return None  # a likelihood has a logarithm that falls as the model learns
    if terms.rest > -FAR_BELOW * max(abs(terms.data), 1.0):
        return None
    return Finding(
        Kind.GRADIENT_SIGN_FLIPPED,
        Severity.WARNING,
        None,
        {"term_with_targets": terms.data, "terms_without": terms.rest},
        "Look at the signs of the loss's terms: those that do not depend on the targets are "
        f"{terms.rest:.4g} in all and fall without end, beside {terms.data:.4g} of the others. "
        "Was a penalty subtracted?",
        (Remedy.LIGHTER_PENALTY,),
    )


def unbalanced_terms(weighing: Weighing | None, scene: Scene) -> Finding | None:
    """A copy learns the targets where the terms without them are light, and not as it is."""
    if weighing is None or scene.terms is None:
        return None
    if scene.terms.of_weights and weighing.as_is >= thresholds.HELPED:
        return Finding(
            Kind.OVER_REGULARISED,
            Severity.WARNING,
            None,
            {
                "penalty_of_weights": scene.terms.rest,
                "term_with_targets": scene.terms.data,
                "told_now": scene.terms.told,
                "told_without": weighing.as_is,
            },
            "Use a far smaller penalty of the weights: the loss holds one of "
            f"{scene.terms.rest:.4g} beside {scene.terms.data:.4g} of the term with the targets, "
            f"of which the outputs save {max(scene.terms.told, 0.0):.0%}. Copies that are trained "
            f"without it save {weighing.as_is:.0%} in {weighing.steps} steps.",
            (Remedy.REDRAW_WEIGHTS,),
        )
    apart = weighing.lighter - weighing.as_is
    if scene.terms.depends is None:
        sure = apart >= thresholds.ALL_THE_DIFFERENCE and weighing.as_is < thresholds.HELPED
        silent = scene.terms.each[weighing.which] < SILENT
        return _drowned(weighing, scene.terms.each) if sure and silent else None
    if weighing.as_is >= SILENT or apart < thresholds.HELPED:
        return None
    return Finding(
        Kind.UNBALANCED_LOSS_TERMS,
        Severity.WARNING,
        None,
        {
            "term_with_targets": scene.terms.data,
            "terms_without": scene.terms.rest,
            "told_now": scene.terms.told,
            "steps": weighing.steps,
            "told_as_it_is": weighing.as_is,
            "told_with_light_terms": weighing.lighter,
        },
        "Weigh the terms of the loss: those that do not depend on the targets outweigh the one "
        "that does (is one a sum over the batch and another a mean?). The outputs say nothing "
        f"about which point is which. Tried on copies for {weighing.steps} steps: with a "
        f"ten-thousandth of these terms the outputs save {weighing.lighter:.0%} of the other "
        f"term, as it is {max(weighing.as_is, 0.0):.0%}.",
        (Remedy.LIGHTER_PENALTY,),
        "loss = data_term + weight * penalty  # both means over points; weight from 1e-4 upwards",
    )


def _drowned(weighing: Weighing, each: tuple[float, ...]) -> Finding:
    """One of several terms with targets is learnt only where all have the same size."""
    return Finding(
        Kind.UNBALANCED_LOSS_TERMS,
        Severity.WARNING,
        None,
        {
            "told_of_each_term": list(each),
            "steps": weighing.steps,
            "told_as_it_is": weighing.as_is,
            "told_with_terms_of_one_size": weighing.lighter,
        },
        f"Weigh the terms of the loss: of {len(each)} terms the outputs say nothing "
        f"of term {weighing.which + 1}, which others drown (are their targets in other units?). "
        f"Tried on copies for {weighing.steps} steps: with each term divided by its size at the "
        f"start the outputs save {weighing.lighter:.0%} of it, as it is "
        f"{max(weighing.as_is, 0.0):.0%}.",
        (Remedy.BALANCE_TERMS, joined((Remedy.REDRAW_WEIGHTS, Remedy.BALANCE_TERMS))),
        "loss = term / term_size + other / other_size  # sizes at the start, or scaled targets",
    )
