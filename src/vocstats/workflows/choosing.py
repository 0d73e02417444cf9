"""Which method represents the silent, where the choice is left to the software: design first, then what identifies, then look-alikes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..errors import ConvergenceError, IdentificationError, InfeasibleError, InputError
from ..options import CorrectionMethod
from .question import Question, was_heard
from .representation import represent


def choose(question: Question) -> tuple[CorrectionMethod, str]:
    """The first method the base supports, and the code of the reason.

    A follow-up is drawn at random, so it comes first: with a model of those who refused it, where some did and auxiliaries tell of
    them. Without one, a named shadow variable that is relevant, then attempts whose likelihood is not flat. What is left are
    look-alikes, and nothing can test them.

    Returns
    -------
    method : str
    reason : str
        Code of ``texts/reason.toml``.
    """
    for method, reason in _supported(question):
        if method in ("weighting", "double_sampling"):
            return method, reason
        if _works(replace(question, method=method)):
            return method, reason
    raise AssertionError("weighting is always supported")


def _supported(question: Question) -> Iterator[tuple[CorrectionMethod, str]]:
    cells = replace(question, method=None).cells()
    if was_heard(cells, "follow_up"):
        refused = bool((cells.drawn & (cells.source < 0)).any())
        if refused and question.auxiliaries:
            yield "doubly_robust", "chosen_refusals"
        yield "double_sampling", "chosen_follow_up"
    if question.shadow is not None:
        yield "shadow", "chosen_shadow"
    if question.base.knows_attempts:
        yield "callbacks", "chosen_attempts"
        yield "weighting", "chosen_attempts_flat"
    yield "weighting", "chosen_nothing_else"


def _works(question: Question) -> bool:
    """Whether the estimator identifies an answer, and not a barely told one."""
    cells = question.cells()
    try:
        made = represent(question, cells, question.measure.values(cells.outcome))
    except (IdentificationError, InfeasibleError, ConvergenceError, InputError):
        return False
    return not any(found.flat for found in made.identified.values())
