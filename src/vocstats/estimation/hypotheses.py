"""Wald tests of coefficients and of domains, with the covariance of the design."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from ..errors import InputError, shown
from ..options import WaldStatistic
from .coding import INTERCEPT
from .design import Design
from .estimate import Estimate
from .hypothesis_test import HypothesisTest
from .quadratic_forms import f_tail, quadratic
from .regression_result import THRESHOLD, Regression
from .replication import Replication


def wald_test(
    estimate: Estimate | Regression, *, terms: str | Iterable[str] | None = None, contrast: npt.ArrayLike | None = None,
    null: npt.ArrayLike | float = 0.0, statistic: WaldStatistic = "F",
) -> HypothesisTest:
    """Wald test of linear hypotheses about coefficients or domains.

        W = (L b - m)' (L V L')^-1 (L b - m);   "F": W / q with q and d degrees of freedom;   "Chisq": W with q

    Parameters
    ----------
    estimate : Regression or Estimate
        What is tested. d are the degrees of freedom of the regression (the smallest of those tested); of domains clusters less strata
        less (domains - 1), as of a regression on their indicators.
    terms : str or list of str, optional
        Variables (all their columns) or single coefficients of a regression. None: everything but intercept and thresholds.
    contrast : array (q, k) or (k,), optional
        L. None, of an estimate by domain: all domains are equal.
    null : array (q,) or float
        m.
    statistic : {"F", "Chisq"}
        R's regTermTest with the design's and with infinite degrees of freedom.

    Returns
    -------
    HypothesisTest
        The test.

    Raises
    ------
    InputError
        Unknown terms, a contrast of another length, an estimate without covariances, a domain without standard error.
    IdentificationError
        The covariance of the contrasts is singular (more of them than the design has degrees of freedom), or none are left.

    References
    ----------
    Korn & Graubard (1990), Am. Stat. 44(4); Lumley (2010), Complex Surveys, sec. 5.2.

    Examples
    --------
    >>> from vocstats.estimation import mean
    >>> test = wald_test(mean([7, 9, 8, 5, 6, 4, 7, 8], by=list("aaabbbcc")))
    >>> round(test.statistic, 3), test.df, test.df_denominator
    (10.712, 2.0, 5.0)
    """
    _checks.choice(statistic, WaldStatistic, "statistic")
    value = np.ravel(estimate.estimate)
    if isinstance(estimate, Regression):
        rows, names = _of_terms(estimate, terms, contrast)
        table, df = estimate.covariance, float(estimate.df[np.any(rows != 0, axis=0)].min())
        n = estimate.n
    else:
        rows, names = _of_domains(estimate, terms, contrast)
        table, df = estimate.covariance(), _freedom(estimate)
        n = float(np.sum(estimate.n))
    touched = np.any(rows != 0, axis=0)
    unknown = touched & ~np.isfinite(value + np.diag(table))
    if unknown.any():
        blank = [names[k] for k in np.flatnonzero(unknown)]
        raise InputError(
            f"{shown(blank)} has no estimate or no standard error, so nothing can be tested about it. "
            "Merge it with another, or leave it out by contrast=.",
            code="untestable_domain", argument="estimate", levels=blank,
        )
    gap = rows[:, touched] @ value[touched] - np.broadcast_to(np.asarray(null, float), len(rows))
    wald, q = quadratic(gap, rows[:, touched] @ table[np.ix_(touched, touched)] @ rows[:, touched].T), float(len(rows))
    return HypothesisTest(
        method="wald", statistic=wald / q if statistic == "F" else wald, df=q, df_denominator=df if statistic == "F" else np.inf,
        p_value=f_tail(wald / q, q, df if statistic == "F" else np.inf), eigenvalues=np.zeros(0),
        hypothesis=tuple(names[k] for k in np.flatnonzero(touched)), n=n, variance_accounts_for=estimate.variance_accounts_for,
    )


def _of_terms(fit: Regression, terms: str | Iterable[str] | None, contrast: npt.ArrayLike | None) -> tuple[Floats, list[str]]:
    """Contrasts of a regression, one row each, and the names of its coefficients."""
    names = list(fit.terms)
    if contrast is not None:
        return _matrix(contrast, terms, len(names)), names
    if terms is None:
        chosen = [k for k, variable in enumerate(fit.variables) if variable not in (INTERCEPT, THRESHOLD)]
    else:
        wanted = [terms] if isinstance(terms, str) else list(terms)
        unknown = [name for name in wanted if name not in names and name not in fit.variables]
        if unknown:
            known = list(dict.fromkeys([*fit.variables, *names]))
            raise InputError(
                f"terms names {shown(unknown)}; the regression has {shown(known, len(known))}.",
                code="unknown_terms", argument="terms", levels=unknown, known=", ".join(known),
            )
        chosen = [k for k, name in enumerate(names) if name in wanted or fit.variables[k] in wanted]
    if not chosen:
        raise InputError("There is nothing to test: the regression has an intercept only.", code="nothing_to_test", argument="terms")
    return np.eye(len(names))[chosen], names


def _of_domains(estimate: Estimate, terms: object, contrast: npt.ArrayLike | None) -> tuple[Floats, list[str]]:
    """Contrasts of an estimate by domain, and the names of its domains."""
    size = estimate.estimate.size
    names = [", ".join(map(str, labels)) for labels in zip(*estimate.labels.values(), strict=True)] or [estimate.statistic]
    if contrast is not None:
        return _matrix(contrast, terms, size), names
    if terms is not None or size < 2:
        raise InputError(
            "Equality of domains needs an estimate by two domains or more; terms= belongs to a regression. Give by= to the estimate, or "
            "contrast= here.",
            code="no_domains", argument="estimate",
        )
    return np.eye(size)[1:] - np.eye(size)[:1], names


def _matrix(contrast: npt.ArrayLike, terms: object, size: int) -> Floats:
    rows = np.atleast_2d(np.asarray(contrast, float))
    if terms is not None or rows.shape[1] != size or not np.isfinite(rows).all() or not rows.any(axis=1).all():
        raise InputError(
            f"contrast must hold finite numbers, {size} for each hypothesis and not all 0, and stand without terms; "
            f"its shape is {rows.shape}.",
            code="bad_contrast", argument="contrast", size=size, shape=str(rows.shape),
        )
    return rows


def _freedom(estimate: Estimate) -> float:
    """Clusters less strata among those heard, less the domains but one."""
    material, others = estimate.material, estimate.estimate.size - 1.0
    if isinstance(material, Replication):
        return material.scaling.df - others
    assert material is not None
    return (material.design or Design()).degrees_of_freedom(np.where(material.values != 0, material.counts, 0.0)) - others
