"""How many of those who have a pain a list finds, from customers on another list who are known to have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from ..errors import IdentificationError, InputError, shown
from ..results import Assumption, Floats, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("reporting_rate")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportingRate(Result):
    """Chances, by pain point, that who has the pain is found in a source to mention it.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : float arrays (K,)
        Mean, standard deviation and central limits of Beta(a, b).
    a, b : float arrays (K,)
        Of the Beta distribution of each pain's chance.
    mention_a, mention_b : float
        Of the Beta distribution of the chance of a pain like these, taken from among them: what `estimate_pain_points` takes as
        ``mentions={source: (mention_a, mention_b)}``.
    linked, known : float arrays (K,)
        Customers known to have the pain whom the source found too, and all who are known to have it.
    level : float
        Probability of the limits.
    assumptions : tuple of Assumption
        What the chances rest on.
    """

    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    a: Floats
    b: Floats
    mention_a: float
    mention_b: float
    linked: Floats
    known: Floats
    level: float
    assumptions: tuple[Assumption, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per pain: linked, known, estimate, std_error, conf_low, conf_high, a, b."""
        names = ("linked", "known", "estimate", "std_error", "conf_low", "conf_high", "a", "b")
        return frame({name: getattr(self, name) for name in names})

    def tidy(self) -> pd.DataFrame:
        """One row per pain: term, pain (its number), estimate, std_error, conf_low, conf_high."""
        size = self.estimate.size
        numbers = {name: getattr(self, name) for name in ("estimate", "std_error", "conf_low", "conf_high")}
        return frame({"term": ["reporting_rate"] * size, "pain": np.arange(size), **numbers})

    def summary(self, language: str = "en") -> str:
        """The chances, and what they rest on."""
        lines = [self.to_frame().to_string(index=False, float_format=lambda value: f"{value:.4g}")]
        return "\n".join([*lines, *(f"- {assumption.text(language)}" for assumption in self.assumptions)])


def reporting_rate(
    linked: npt.ArrayLike, known: npt.ArrayLike, *, audit: npt.ArrayLike | None = None, prior: tuple[float, float] = (0.5, 0.5),
    level: float = 0.9,
) -> ReportingRate:
    """Chance that a source, such as tickets, finds who has a pain, from the customers another list knows to have it.

        s ~ Beta(prior + (linked, known - linked)),   ρ = s / v,   v ~ Beta(1/2 + right, 1/2 + wrong)

    v is the share of the known who truly have the pain (1 without an audit); ρ is given the Beta distribution of its mean and variance.

    Parameters
    ----------
    linked, known : arrays (K,)
        By pain point: customers known to have it (from the survey, say), and those of them whom the source found too.
    audit : array (K, 2) or (2,), optional
        Of audited customers of the other list found to have the pain, how many truly had it, and how many had not; of each pain, or of
        all. None: all of the known have the pain.
    prior : pair of float
        Beta distribution added to the counts.
    level : float
        Probability of the limits.

    Returns
    -------
    ReportingRate
        A Beta distribution by pain point, and one for `mentions` of `estimate_pain_points`.

    Raises
    ------
    InputError
        More are linked than known, negative counts, a prior that is not positive, an audit of the wrong shape.
    IdentificationError
        Nobody is known to have a pain; or the audit leaves fewer with the pain than are linked.

    References
    ----------
    Sekar & Deming (1949), JASA 44(245), for the share of one list found by another; moments of 1 / v: E = (a + b - 1) / (a - 1),
    E of the square = (a + b - 1)(a + b - 2) / ((a - 1)(a - 2)).

    Examples
    --------
    >>> r = reporting_rate([12, 30], [200, 310], audit=(90, 10))
    >>> [round(float(value), 3) for value in r.estimate]
    [0.069, 0.11]
    """
    _checks.level(level)
    found, all_known = _counts(linked, known)
    a, b = (_checks.number(value, "prior", low=0.0, open_low=True) for value in _pair(prior, "prior"))
    share = found + a, all_known - found + b
    total = share[0] + share[1]
    mean, square = share[0] / total, share[0] * (share[0] + 1.0) / (total * (total + 1.0))
    if audit is not None:
        right, wrong = _audit(audit, found.size).T + 0.5
        mean = mean * (right + wrong - 1.0) / (right - 1.0)
        square = square * (right + wrong - 1.0) * (right + wrong - 2.0) / ((right - 1.0) * (right - 2.0))
    alpha, beta = _matched(mean, square - mean**2)
    low, high = (np.asarray(special.betaincinv(alpha, beta, tail), float) for tail in ((1.0 - level) / 2.0, (1.0 + level) / 2.0))
    spread = float(np.mean(square) - np.mean(mean) ** 2)
    mention = _matched(np.array([np.mean(mean)]), np.array([spread]))
    return ReportingRate(
        estimate=mean, std_error=np.sqrt(square - mean**2), conf_low=low, conf_high=high, a=alpha, b=beta, mention_a=float(mention[0][0]),
        mention_b=float(mention[1][0]), linked=found, known=all_known, level=level,
        assumptions=(
            Assumption(code="linked_like_everybody", testable="no"),
            Assumption(code="lists_matched", testable="no"),
        ),
    )


def _counts(linked: Any, known: Any) -> tuple[Floats, Floats]:
    found = _checks.non_negative(np.atleast_1d(np.asarray(linked)), "linked")
    everybody = _checks.non_negative(np.atleast_1d(np.asarray(known)), "known", length=found.size)
    rows = np.flatnonzero(found > everybody)
    if rows.size:
        raise InputError(
            f"linked is larger than known at rows {shown(rows)}: those linked are some of the known.",
            code="more_linked_than_known", argument="linked", rows=rows,
        )
    nobody = np.flatnonzero(everybody == 0)
    if nobody.size or not found.size:
        raise IdentificationError(
            f"Nobody is known to have the pain points at rows {shown(nobody)}: nothing tells how many of such customers the source finds. "
            "Leave them out.",
            code="nobody_known", argument="known", rows=nobody,
        )
    return found, everybody


def _pair(value: Any, argument: str) -> tuple[float, float]:
    pair = _checks.numbers(value, argument)
    if len(pair) != 2:
        raise InputError(
            f"{argument} must be a pair of numbers; got {value!r}.", code="bad_beta_prior", argument=argument, value=repr(value)
        )
    return pair[0], pair[1]


def _audit(audit: Any, size: int) -> Floats:
    """Right and wrong by pain, (K, 2)."""
    array = np.asarray(audit)
    if array.shape not in ((2,), (size, 2)):
        raise InputError(
            f"audit must be (right, wrong), or an array ({size}, 2); its shape is {array.shape}.",
            code="bad_reporting_audit", argument="audit", shape=str(array.shape), pains=size,
        )
    table = np.broadcast_to(_checks.non_negative(array.ravel(), "audit").reshape(array.shape), (size, 2))
    few = np.flatnonzero(table[:, 0] < 2)
    if few.size:
        raise IdentificationError(
            f"The audit found fewer than two with the pain at rows {shown(few)}: the other list may be wrong altogether.",
            code="audit_found_nobody", argument="audit", rows=few,
        )
    return table


def _matched(mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Beta distributions of these means and variances."""
    impossible = np.flatnonzero(~((mean < 1.0) & (variance < mean * (1.0 - mean))))
    if impossible.size:
        raise IdentificationError(
            f"At rows {shown(impossible)} the audit leaves hardly more with the pain than are linked: the source would find everybody. "
            "Check audit and links.",
            code="linked_beyond_audit", argument="audit", rows=impossible,
        )
    size = mean * (1.0 - mean) / variance - 1.0
    return mean * size, (1.0 - mean) * size
