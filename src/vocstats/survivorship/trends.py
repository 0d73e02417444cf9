"""Why a score changed between two periods: people changed their minds, other people answered, or the unhappy left."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from ..errors import IdentificationError, InputError, shown
from ..estimation import Design, Estimate
from ..results import Flags
from ..weighting import Weights
from .parts import Domains, Part, domains_of, estimate_of, weightings_of


def decompose_trend(
    before: npt.ArrayLike, after: npt.ArrayLike, churned: npt.ArrayLike, *, weights_before: npt.ArrayLike | Weights | None = None,
    weights_after: npt.ArrayLike | Weights | None = None, counts: npt.ArrayLike | None = None, design: Design | None = None, by: Any = None,
    level: float = 0.95,
) -> Estimate:
    """Change of the naive score = change within persons + composition + survivorship, exactly.

    With S the persons heard twice, C those heard before who had left by the second period, O those heard before who stayed and were
    not heard again, J those heard after only, a1 and a2 the shares of weight in each period, b1 and b2 those among S:

        change       = Σ a2 y2 - Σ a1 y1
        within       = Σ_S (b1 + b2)/2 (y2 - y1)
        survivorship = Σ_C a1 (ȳ1_S - y1)
        composition  = joined Σ_J a2 (y2 - ȳ2_S) + fell_silent Σ_O a1 (ȳ1_S - y1) + reweighted Σ_S (b2 - b1)(y1 + y2)/2

    Parameters
    ----------
    before, after : array of numbers (n,)
        A person's score in each period; missing where he was not heard.
    churned : array of bool (n,)
        Who had left by the second period.
    weights_before, weights_after : Weights or array (n,), optional
        Weights per person in each period. The standard errors take an array as given, a `Weights` as estimated: they are pulled
        back through its chain, with calibration targets known (those of both periods independent unless it is the same object).
    counts : array (n,), optional
        How often a row stands there. Not beside a `Weights`, which has its own.
    design : Design, optional
        How persons were drawn. None: independently, with replacement.
    by : array of labels, or {name: array}, optional
        Domains with a decomposition each; a person belongs to one in both periods.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Rows by domain and ``part``: change, within, composition, survivorship, joined, fell_silent, reweighted. The standard errors
        include the variance of who is heard, and are NaN where one person was heard twice; `influence` and `covariance` are joint.

    Raises
    ------
    InputError
        Somebody who had left is heard after, bad arrays, Replicates, negative weights, or weights with different counts.
    IdentificationError
        Nobody of a domain was heard in both periods.

    References
    ----------
    Melitz & Polanec (2015), RAND J. Econ. 46(2), eq. 4, with those who left apart from those who fell silent.

    Examples
    --------
    >>> nan = float("nan")
    >>> r = decompose_trend([8, 7, 9, 2, 3], [8, 8, 8, nan, nan], [False, False, False, True, True])
    >>> dict(zip(r.labels["part"].tolist()[:4], r.estimate.round(2).tolist()))
    {'change': 2.2, 'within': 0.0, 'composition': 0.0, 'survivorship': 2.2}
    """
    _checks.level(level)
    y1 = _checks.vector(before, "before", missing=True)
    y2 = _checks.vector(after, "after", missing=True, length=y1.size)
    for score, argument in ((y1, "before"), (y2, "after")):
        _checks.squarable(np.nan_to_num(score), argument)
    gone = _checks.flags(churned, "churned", length=y1.size)
    back = np.flatnonzero(gone & ~np.isnan(y2))
    if back.size:
        raise InputError(
            f"after holds scores of people who had left, at rows {shown(back)}. "
            "Correct churned, or take their exit interviews out of after.",
            code="churned_heard_after", argument="after", rows=back,
        )
    weightings = weightings_of(y1.size, counts, weights_before=weights_before, weights_after=weights_after)
    domains = domains_of(y1.size, by, None, design, weightings)
    w1, w2 = (weights.values * ~np.isnan(y) for weights, y in zip(weightings, (y1, y2), strict=True))
    stayed = (w1 > 0) & (w2 > 0)
    parts = _parts(domains, np.nan_to_num(y1), np.nan_to_num(y2), w1, w2, stayed, gone)
    given = any(not isinstance(weights, Weights | None) for weights in (weights_before, weights_after))
    return estimate_of("trend", parts, domains, level=level, weights_given=given)


def _parts(domains: Domains, y1: Floats, y2: Floats, w1: Floats, w2: Floats, stayed: Flags, gone: Flags) -> dict[str, Part]:
    twice = domains.sums(stayed.astype(float))
    if not twice.all():
        unheard = [domains.names[d] for d in np.flatnonzero(twice == 0)]
        raise IdentificationError(
            f"Nobody was heard in both periods in {shown(unheard)}, so change within persons cannot be told from change of persons. "
            "Link the answers of the two periods by customer, or merge the domain.",
            code="nobody_heard_twice", argument="after", levels=unheard,
        )
    told = twice > 1
    s1, s2 = w1 * stayed, w2 * stayed
    mean1, mean2, both = domains.mean(y1, s1, 1), domains.mean(y2, s2, 2), (y1 + y2) / 2
    apart = {
        "joined": _departure(domains, y2, w2, (w2 > 0) & ~stayed, mean2, 2, told),
        "fell_silent": _departure(domains, y1, w1, (w1 > 0) & ~stayed & ~gone, mean1, 1, told),
        "reweighted": _sum(domains, [(1.0, domains.mean(both, s2, 2)), (-1.0, domains.mean(both, s1, 1))], stayed, told),
    }
    heard = (w1 > 0) | (w2 > 0)
    two = domains.sums(heard.astype(float)) > 1
    return {
        "change": _sum(domains, [(1.0, domains.mean(y2, w2, 2)), (-1.0, domains.mean(y1, w1, 1))], heard, two),
        "within": _sum(domains, [(0.5, domains.mean(y2 - y1, s1, 1)), (0.5, domains.mean(y2 - y1, s2, 2))], stayed, told),
        "composition": _sum(domains, [(1.0, (part.value, part.influence)) for part in apart.values()], heard & ~gone, told),
        "survivorship": _departure(domains, y1, w1, (w1 > 0) & gone, mean1, 1, told),
        **apart,
    }


def _departure(domains: Domains, y: Floats, w: Floats, who: Flags, mean: tuple[Floats, Floats], period: int, told: Flags) -> Part:
    """± Σ_who w (y - mean) / Σ w: what these people move the average of their period away from that of the stayers."""
    (centre, centre_influence), sign = mean, 1.0 if period == 2 else -1.0
    value, influence = domains.mean(who * (y - centre[domains.codes]), w, period)
    share, _ = domains.mean(who.astype(float), w)
    return Part(
        value=sign * value, influence=sign * (influence - share[domains.codes] * centre_influence), n=domains.sums(who.astype(float)),
        spread=told,
    )


def _sum(domains: Domains, terms: list[tuple[float, tuple[Floats, Floats]]], who: Flags, told: Flags) -> Part:
    """Σ factor * (value, influence), resting on `who`."""
    value, influence = (sum((factor * term[k] for factor, term in terms), np.zeros(1)) for k in (0, 1))
    return Part(value=value, influence=influence, n=domains.sums(who.astype(float)), spread=told)
