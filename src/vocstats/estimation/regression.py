"""Regression with design-based standard errors: linear, generalised linear and ordinal models on the weights of a chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._checks import Floats, Integers
from .._numerics import t_quantile
from ..errors import IdentificationError, InputError, shown
from ..options import Inference, RegressionFamily, RegressionLink
from ..weighting.chain import Weights
from ..weighting.estimated_targets import covariance_root
from .axis import Axis, axis_of
from .coding import Coding, coding_of
from .covariance import covariance
from .design import Design
from .generalized_linear import FAMILIES, GeneralizedLinear, check_outcome, family_of
from .linearization import Influence, spread_influence
from .ordinal import CURVES, Ordinal, categories_of, refuse_missing
from .regression_result import THRESHOLD, Regression
from .replication import Replicates, Replication
from .scoring import Model, solve, solved
from .variance import Linearization, variance


def regress(
    y: Any, x: Any, w: npt.ArrayLike | Weights | Replicates | None = None, *, design: Design | None = None,
    family: RegressionFamily = "gaussian", link: RegressionLink | None = None, domain: npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None, inference: Inference = "r", level: float = 0.95,
) -> Regression:
    """Regression of an outcome on variables, for the population the weights stand for.

        sum(c w s_i(b)) = 0,   influence of a unit: w A^-1 s_i(b), A = sum(c w B_i), pulled back through the chain

    with score s = (y - mu) mu' / V(mu) x and B = mu'^2 / V(mu) x x' (expected information) for a generalised linear model
    g(mu) = x b, and the score and observed information of log P(y) under P(y <= k) = F(theta_k - x b) for an ordinal one.

    Parameters
    ----------
    y : array (n,)
        Outcome; missing only where the weight is 0 or outside `domain`. Ordinal outcomes are numbers or an ordered categorical.
    x : mapping, dataframe, array (n, p) or None
        Variables, numbers or labels; labels become indicators against their first level, an intercept is added. None: nothing else.
    w, design, counts, inference, level
        As in `mean`. With `Replicates` the model is fitted again in every replicate.
    family : {"gaussian", "binomial", "poisson", "gamma", "ordinal"}
        What is modelled. The standard errors come from the design and not from the family's variance: binomial and poisson are
        what R calls quasibinomial and quasipoisson.
    link : {"identity", "log", "logit", "probit", "cloglog", "loglog", "inverse", "sqrt"}, optional
        Scale of the coefficients; None takes identity, logit, log, inverse and logit, in the order of the families.
    domain : boolean array (n,), optional
        Rows the regression is about; the others stay in the design as draws.

    Returns
    -------
    Regression
        t and p with the degrees of freedom of R's svyglm: clusters less strata (in the domain) less variables, under "r" and with
        `Replicates`; under the other two Satterthwaite's, less variables.

    Raises
    ------
    InputError
        Missing or impossible outcomes, unknown options, lengths that differ.
    IdentificationError
        Columns are collinear, or predict the outcome of some rows for certain; they are named.
    ConvergenceError
        The equations were not solved.

    References
    ----------
    Binder (1983), Int. Stat. Rev. 51(3); Lumley & Scott (2017), Stat. Sci. 32(2). Ordinal: McCullagh (1980), JRSS B 42(2).

    Examples
    --------
    >>> from vocstats.estimation import regress
    >>> fit = regress([7, 8, 6, 9, 9, 10], {"visits": [1, 2, 1, 3, 3, 4], "type": list("aabbab")}, [2, 1, 1, 2, 3, 1])
    >>> fit.to_frame()[["term", "estimate", "std_error"]].round(3)
            term  estimate  std_error
    0  intercept     5.604      0.276
    1     visits     1.183      0.113
    2     type=b    -0.357      0.231
    """
    _checks.choice(family, RegressionFamily, "family")
    chosen = _link(family, link)
    axis = axis_of(y, w, design, None, counts, inference, level)
    if domain is not None:
        axis = axis.within(domain)
    used = np.flatnonzero(axis.heard)
    model, coding = _model(y, x, family, chosen, axis, axis.positions(used))
    mass = axis.mass[used]
    parameters = solve(model, mass)
    lost = len(coding.columns) - 1
    if axis.replicates is None:
        linear = _linearized(axis, used, model, parameters, mass)
        table, df = covariance(linear, inference), _degrees(axis, linear) - lost
        return _finish(model, parameters, table, df, coding, axis, mass, family, chosen, linear)
    spread = _replicated(axis.replicates, used, model, parameters)
    table, df = spread.scaling.covariance(spread.values, parameters), np.full(parameters.size, spread.scaling.df - lost)
    return _finish(model, parameters, table, df, coding, axis, mass, family, chosen, spread)


def _link(family: str, link: str | None) -> RegressionLink:
    allowed = list(CURVES if family == "ordinal" else FAMILIES[family][1])
    if link is not None and link not in allowed:
        raise InputError(
            f"link of the {family} family must be one of {shown(allowed, len(allowed))}; got {link!r}.",
            code="not_a_choice", argument="link", value=repr(link), allowed=", ".join(map(repr, allowed)),
        )
    return link or allowed[0]  # type: ignore[return-value]


def _model(y: Any, x: Any, family: str, link: str, axis: Axis, rows: Integers) -> tuple[Model, Coding]:
    coding = coding_of(x, length=axis.length, rows=rows)
    for name, levels in coding.levels.items():
        if levels is not None and len(levels) < 2:
            raise IdentificationError(
                f"x[{name!r}] has one level only ({shown(levels)}) among the rows used, so it has no effect to estimate. Leave it out.",
                code="one_level_predictor", argument="x", levels=levels, column=name,
            )
    matrix = coding.matrix(x, length=axis.length, rows=rows)
    if family == "ordinal":
        codes, labels = categories_of(y, rows)
        return Ordinal(x=matrix, codes=codes, labels=labels, columns=coding.columns, curve=CURVES[link]), coding
    outcome = _checks.vector(y, "y", missing=True, infinite=True)[rows]
    refuse_missing(~np.isfinite(outcome), rows)
    check_outcome(_checks.squarable(outcome, "y"), rows, family)
    return GeneralizedLinear(x=matrix, y=outcome, columns=coding.columns, name=family, family=family_of(family, link)), coding


def _linearized(axis: Axis, used: Integers, model: Model, parameters: Floats, mass: Floats) -> Linearization:
    """Influence values of the coefficients, pulled back through the chain."""
    derivative = np.zeros((axis.length, parameters.size))
    derivative[used] = solved(model.bread(parameters, mass), model.score(parameters).T).T
    base = axis.weights.base[:, None]
    influence = _full(base * axis.weights.pullback(derivative))
    contrast = influence if axis.inference == "r" else _full(base * axis.weights.pullback(derivative, contrast=True))
    root = covariance_root(axis.weights.target_variance(derivative))
    targets = _full(root.T) if root.size else None
    return axis.material(influence, contrast, _full(derivative), np.full(parameters.size, axis.n[0]), targets)


def _full(values: Floats) -> Influence:
    """Influence values (n, k) as they are."""
    return spread_influence(values, np.eye(values.shape[1]))


def _degrees(axis: Axis, material: Linearization) -> Floats:
    """Degrees of freedom of each coefficient before variables are counted; rows outside the domain stand in one of their own."""
    size = material.heard.size
    if axis.inference == "r":
        return np.full(size, axis.design_df[0])
    codes, heard = np.where(axis.heard, 0, 1), np.array([material.heard[0], 0.0])
    degrees = []
    for k in range(size):
        chosen = np.eye(size)[:, [k]] * [1.0, 0.0]
        influence, contrast, deviation = (_chosen(side, chosen) for side in (material.influence, material.contrast, material.deviation))
        targets = None if material.targets is None else _chosen(material.targets, chosen)
        one = replace(material, influence=influence, contrast=contrast, deviation=deviation, heard=heard, targets=targets)
        degrees.append(variance(one, axis.inference, codes)[1][0])
    return np.array(degrees)


def _chosen(influence: Influence, loadings: Floats) -> Influence:
    """Influence on combinations of the coefficients."""
    return replace(influence, loadings=influence.loadings @ loadings)


def _replicated(replicates: Replicates, used: Integers, model: Model, parameters: Floats) -> Replication:
    """The coefficients of every replicate, each fit beginning at those of the sample."""
    columns = []
    for masses in replicates.chunks():
        for mass in masses[used].T:
            try:
                columns.append(solve(model, mass, start=parameters))
            except IdentificationError as error:
                raise IdentificationError(
                    f"Replicate {len(columns) + 1} cannot be fitted: {error} Or use linearised standard errors (Weights as w).",
                    code="replicate_not_identified", argument="w", levels=error.levels, replicate=len(columns) + 1, reason=str(error),
                ) from error
    return Replication(values=np.column_stack(columns), scaling=replicates.scaling)


def _finish(
    model: Model, parameters: Floats, table: Floats, df: Floats, coding: Coding, axis: Axis, mass: Floats, family: RegressionFamily,
    link: RegressionLink, material: Linearization | Replication,
) -> Regression:
    error, n = np.sqrt(np.maximum(np.diag(table), 0.0)), float(axis.n[0])
    df = np.where(df > 0, df, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = parameters / error
    if isinstance(material, Replication) and material.scaling.interval == "percentile":
        low, high = material.scaling.limits(material.values, parameters, error, axis.level)
    else:
        half = t_quantile(axis.level, df) * error
        low, high = parameters - half, parameters + half
    names, ordinal = model.names, isinstance(model, Ordinal)
    variables = coding.variables[1:] if ordinal else coding.variables
    return Regression(
        terms=names, variables=(*variables, *(THRESHOLD for _ in names[len(variables) :])), estimate=parameters, std_error=error,
        conf_low=low, conf_high=high, t=t, p_value=_p_values(t, df), df=df, covariance=table,
        dispersion=model.dispersion(parameters, mass, n) if isinstance(model, GeneralizedLinear) else np.nan,
        n=n, family=family, link=link, levels=coding.levels, categories=model.labels if isinstance(model, Ordinal) else (),
        level=axis.level, inference=axis.inference, variance_accounts_for=axis.accounts(), material=material,
    )


def _p_values(t: Floats, df: Floats) -> Floats:
    finite = np.isfinite(df)
    value = 2.0 * np.where(finite, special.stdtr(np.where(finite, df, 1.0), -np.abs(t)), special.ndtr(-np.abs(t)))
    return np.where(np.isnan(df), np.nan, value)
