"""Discrete-time hazard regression: the chance to leave in a period, given having stayed until then."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse, special

from .. import _checks
from .._checks import Floats
from .._numerics import normal_quantile
from ..errors import InputError
from ..options import HazardLink, HazardVariance
from ..results import Assumption
from ..weighting.distances import gram
from .hazard_model import HazardFit, fit_hazard
from .hazard_result import HazardRegression
from .person_periods import Histories, histories_of, intervals_of

_BLOCK = 1 << 22  # entries of scores held at once


def hazard_regression(
    duration: npt.ArrayLike, event: npt.ArrayLike, x: Any, *, entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None, counts: npt.ArrayLike | None = None, clusters: npt.ArrayLike | None = None,
    link: HazardLink = "logit", baseline: Any = "free", variance: HazardVariance | None = None, level: float = 0.95,
) -> HazardRegression:
    """Who leaves when: the chance to leave in a period by period and characteristics, and survival given the latter.

        g(h_u(x)) = α_j(u) + x b,   u = entry + 1, ..., duration,   S(t | x) = Π_{u <= t} {1 - h_u(x)}

    with g logit, or cloglog (then b are the effects of Cox's model on grouped times). The likelihood is that of one binomial
    row per customer and period at risk; it is summed over the cells of characteristics and period, and no row is expanded.

    Parameters
    ----------
    duration : array of whole numbers (n,)
        Periods from purchase to leaving, or to the last period the customer was seen through: 3 with an event is leaving in
        the third period.
    event : array of bool (n,)
        Whether he left then.
    x : mapping, dataframe, array (n, p) or None
        Characteristics at purchase, numbers or labels; labels become indicators against their first level. None: periods only.
    entry : array of whole numbers (n,), optional
        Periods from purchase to coming under observation (left truncation).
    weights : array (n,), optional
        Weights per unit, taken as given.
    counts : array (n,), optional
        How often a row stands there.
    clusters : array of labels (n,), optional
        Rows that are not independent of each other.
    link : {"logit", "cloglog"}
        Scale of the effects: log odds of leaving in a period, or log hazard ratio.
    baseline : "free" or list of whole numbers
        A baseline of its own in every period; or periods after which it may change, such as [6, 12, 24].
    variance : {"model", "robust"}, optional
        None: the sandwich beside weights or clusters, the inverse information otherwise.
    level : float
        Confidence level.

    Returns
    -------
    HazardRegression
        Baselines and effects, and `survival` of given characteristics.

    Raises
    ------
    InputError
        Durations that are no whole periods or do not exceed their entry, missing characteristics, unknown options.
    IdentificationError
        A period, or a level of x, in which nobody or everybody left or nobody was at risk (the first with the `baseline` that
        merges it); columns that cannot be told apart; separation.
    ConvergenceError
        The equations were not solved.

    References
    ----------
    Cox (1972), JRSS B 34(2), sec. 6; Prentice & Gloeckler (1978), Biometrics 34(1) (cloglog); Allison (1982), Sociol. Methodol. 13;
    Tutz & Schmid (2016), Modeling Discrete Time-to-Event Data, ch. 3; Binder (1983), Int. Stat. Rev. 51(3) (sandwich).

    Examples
    --------
    >>> years = [1, 1, 2, 2, 3, 3, 3, 1, 2, 3, 3, 3]
    >>> left = [True, True, True, False, True, False, False, True, True, True, False, False]
    >>> r = hazard_regression(years, left, {"serviced": list("nnnnnnnyyyyy")})
    >>> r.to_frame()[["term", "estimate", "std_error"]].round(3)
             term  estimate  std_error
    0    period=1    -1.053      0.758
    1    period=2    -1.205      0.889
    2    period=3    -0.639      0.971
    3  serviced=y    -0.110      0.893
    >>> r.survival({"serviced": ["n", "y"]}, times=[3])[["survival", "std_error"]].round(3)
       survival  std_error
    0     0.373      0.192
    1     0.408      0.214
    """
    _checks.level(level)
    _checks.choice(link, HazardLink, "link")
    n = np.shape(duration)[0] if np.ndim(duration) else 1
    w, often = (
        np.ones(n) if value is None else _checks.non_negative(value, name, length=n)
        for value, name in ((weights, "weights"), (counts, "counts"))
    )
    chosen = _variance(variance, weights is not None or clusters is not None)
    histories = histories_of(duration, event, entry, x, w * often)
    fit = fit_hazard(histories, intervals_of(histories, baseline), link, histories.sums(w * often))
    covariance = linalg.inv(fit.cells.bread(fit.parameters, fit.mass)) if chosen == "model" else _robust(fit, w, often, clusters)
    accounts = ["independent_units" if clusters is None else "clustering", *(["weights_as_given"] if weights is not None else [])]
    return _result(fit, covariance, chosen, level, often, tuple(accounts))


def assumptions_of(histories: Histories) -> tuple[Assumption, ...]:
    """What a fitted hazard rests on."""
    names = ", ".join(histories.coding.levels)
    same = Assumption(code="same_effect_in_every_period", testable="yes", values={"auxiliaries": names})
    return (Assumption(code="independent_censoring", testable="partly"), *([same] if names else []))


def _variance(variance: HazardVariance | None, weighted: bool) -> HazardVariance:
    if variance is None:
        return "robust" if weighted else "model"
    if _checks.choice(variance, HazardVariance, "variance") == "model" and weighted:
        raise InputError(
            "variance='model' is the inverse information of unweighted, independent customers. Use variance='robust'.",
            code="model_variance", argument="variance",
        )
    return variance


def _robust(fit: HazardFit, w: Floats, often: Floats, clusters: npt.ArrayLike | None) -> Floats:
    """A^-1 B A^-1 n/(n-1): B adds up squared scores, Σ c w² s s' over units, or those of sums over clusters; in runs of histories."""
    h, q = fit.histories, fit.parameters.size
    size = h.profile.size
    block = max(_BLOCK // q, 1)
    runs = [slice(first, first + block) for first in range(0, size, block)]
    if clusters is None:
        squares, n = h.sums(often * w**2), float(often[h.used].sum())
        middle = sum((gram(fit.score(rows), squares[rows]) for rows in runs), np.zeros((q, q)))
    else:
        groups, names = _checks.factorize(_checks.factorize(clusters, "clusters", length=w.size)[0][h.used], "clusters")
        n = float(names.size)
        mass: Any = sparse.csc_array(((often * w)[h.used], (groups, h.place[h.used])), shape=(names.size, size))
        totals = sum((np.asarray(mass[:, rows] @ fit.score(rows)) for rows in runs), np.zeros((names.size, q)))
        middle = totals.T @ totals
    inverse = linalg.inv(fit.cells.observed(fit.parameters, fit.mass))
    return np.asarray(inverse @ middle @ inverse.T) * n / max(n - 1.0, 1.0)


def _result(
    fit: HazardFit, covariance: Floats, variance: HazardVariance, level: float, often: Floats, accounts: tuple[str, ...]
) -> HazardRegression:
    h, cells, estimate = fit.histories, fit.cells, fit.parameters
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    half, z = normal_quantile(level) * error, estimate / np.where(error > 0, error, np.nan)
    counted = h.sums(often)
    return HazardRegression(
        terms=cells.names, variables=(*("period" for _ in fit.intervals.names), *h.coding.variables[1:]), estimate=estimate,
        std_error=error, conf_low=estimate - half, conf_high=estimate + half, z=z, p_value=2.0 * special.ndtr(-np.abs(z)),
        covariance=covariance, start=float(fit.intervals.start), ends=fit.intervals.ends, at_risk=fit.at_risk, events=fit.events,
        n=float(counted.sum()), n_events=float(counted @ h.event), log_likelihood=-cells.loss(estimate, fit.mass), link=cells.link,
        levels=h.coding.levels, variance=variance, level=level, variance_accounts_for=accounts, assumptions=assumptions_of(h),
    )
