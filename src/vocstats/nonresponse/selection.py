"""Heckman's selection model: silence and outcome share what is not observed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._checks import Floats
from ..errors import IdentificationError, InputError, VocstatsError, shown
from ..estimation.coding import coding_of, collinear
from ..estimation.replication import Replicates
from ..options import SelectionMethod, SelectionVariance
from ..results import Assumption
from ..weighting.chain import Weights, begin
from .cautions import ExclusionWarning, LikelihoodWarning
from .selection_fit import SelectionData, bread, fit, likelihood, mills, other_summits, scores
from .selection_result import SelectionEstimate, limits

_WEAK = 0.05  # an exclusion whose joint p-value is above this hardly moves response


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """How the data were scaled, and the columns of z that x does not span."""

    x: Floats
    z: Floats
    centre: float
    spread: float
    excluded: tuple[str, ...]


def heckman(
    y: npt.ArrayLike, x: Any, z: Any, *, method: SelectionMethod = "likelihood",
    w: npt.ArrayLike | Weights | Replicates | None = None, counts: npt.ArrayLike | None = None,
    variance: SelectionVariance = "robust", level: float = 0.95,
) -> SelectionEstimate:
    """Regression, and mean of everybody, where what makes people silent may go with their score (Heckman).

        outcome  y = x β + σ u;   heard if z γ + v > 0;   (u, v) normal, variances 1, correlation ρ

        two_step    probit of being heard on z; least squares of y on x and λ = φ(zγ)/Φ(zγ), whose coefficient is ρσ
        likelihood  the maximum of Σ_silent log Φ(-zγ) + Σ_heard {log φ(u)/σ + log Φ((zγ + ρu)/sqrt(1 - ρ²))}

    The mean of everybody is that of x β. It needs a column of z that moves response and not the outcome (the exclusion
    restriction); without one the answer comes from the shape of the normal distribution, and an `ExclusionWarning` says so.

    Parameters
    ----------
    y : array of numbers (n,)
        Outcome; missing for the silent.
    x, z : mapping, dataframe or array (n, p)
        What the outcome, and what response depends on, of everybody; numbers or labels. Intercepts are added.
    method : {"likelihood", "two_step"}
        Maximum likelihood, or Heckman's two steps (less efficient; asks for normal v and a linear mean of u given v only).
    w : array (n,), Weights or Replicates, optional
        Weights of everybody, heard or not. With `Replicates` the model is fitted anew in each.
    counts : array (n,), optional
        How often a row stands there.
    variance : {"robust", "model"}
        The sandwich, with both steps in one; or the inverse information of an unweighted likelihood.
    level : float
        Confidence level.

    Returns
    -------
    SelectionEstimate
        Coefficients of both equations, σ, ρ, the coefficient of λ, and the mean of everybody.

    Raises
    ------
    InputError
        Missing characteristics, options that do not go together.
    IdentificationError
        Nobody or everybody was heard, columns are collinear, response is told for certain (separation), or the likelihood
        rises until ρ is 1 or -1.
    ConvergenceError
        The likelihood found no summit.

    References
    ----------
    Heckman (1979), Econometrica 47(1); Toomet & Henningsen (2008), J. Stat. Softw. 27(7); Nawata (1994), Econ. Lett. 45 (several
    summits); Newey & McFadden (1994), Handbook of Econometrics 4, sec. 6 (two steps in one sandwich).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x, call = rng.normal(size=2000), rng.integers(0, 2, 2000)
    >>> v, e = rng.normal(size=(2, 2000))
    >>> y = np.where(call + 0.5 * x - 0.5 + v > 0, 7 + x + 0.6 * v + 0.8 * e, np.nan)
    >>> r = heckman(y, {"x": x}, {"x": x, "call": call})
    >>> print(f"naive {r.naive:.2f}, corrected {r.mean:.2f} (SE {r.mean_std_error:.2f}), rho {r.rho:.2f}")
    naive 7.70, corrected 6.90 (SE 0.06), rho 0.67
    """
    _checks.choice(method, SelectionMethod, "method")
    _checks.choice(variance, SelectionVariance, "variance")
    _checks.level(level)
    outcome = _checks.vector(y, "y", missing=True)
    repeated = w if isinstance(w, Replicates) else None
    if repeated is not None and counts is not None:
        raise InputError(
            "counts does not go with Replicates, which say themselves how those asked were drawn. Leave it out.",
            code="not_with_replicates", argument="counts",
        )
    weights = begin(repeated.weights if repeated is not None else w, counts, outcome.size, "w")
    if variance == "model" and (method == "two_step" or w is not None):
        raise InputError(
            "variance='model' is the inverse information of an unweighted likelihood. Use variance='robust'.",
            code="model_variance", argument="variance",
        )
    rows = np.flatnonzero(weights.mass > 0)
    mass = weights.mass[rows]
    data, units = _data(outcome, x, z, rows, mass)
    theta = fit(data, method, mass)
    if repeated is not None:
        table = _replicated(data, method, repeated, rows, theta)
        accounts: tuple[str, ...] = (*repeated.accounts_for, "selection_model")
    else:
        table = _sandwich(data, method, theta, weights.counts[rows], weights.values[rows], variance)
        accounts = ("with_replacement", "selection_model") if w is None else ("with_replacement", "selection_model", "weights_as_given")
    source = variance if repeated is None else "replicates"
    return _result(data, method, theta, table, units, weights.counts[rows], mass, source, level, accounts)


def _data(y: Floats, x: Any, z: Any, rows: npt.NDArray[np.intp], mass: Floats) -> tuple[SelectionData, Units]:
    coded = [coding_of(each, length=y.size, rows=rows) for each in (x, z)]
    wide = [coding.matrix(each, length=y.size, rows=rows) for coding, each in zip(coded, (x, z), strict=True)]
    heard = ~np.isnan(y[rows])
    if heard.all() or not heard.any():
        raise IdentificationError(
            "Everybody was heard, so there is no silence to model. Use estimation.regress." if heard.all()
            else "Nobody was heard, so nothing is known of the outcome.",
            code="everybody_heard" if heard.all() else "outcome_not_heard", argument="y",
        )
    names = [coding.columns for coding in coded]
    dependent = collinear(wide[0], np.where(heard, mass, 0.0), names[0])
    if dependent or heard.sum() <= wide[0].shape[1] + 1:
        raise IdentificationError(
            f"Among the {heard.sum()} people heard the columns {shown(dependent or names[0])} of x cannot be told apart. Leave columns "
            "out or merge levels.",
            code="selection_collinear", argument="x", levels=dependent,
        )
    scales = [np.sqrt(mass @ matrix**2 / mass.sum()) for matrix in wide]
    scales = [np.where(scale > 0, scale, 1.0) for scale in scales]
    known = np.where(heard, mass, 0.0)
    values = np.where(heard, y[rows], 0.0)
    centre = float(known @ values / known.sum())
    spread = float(np.sqrt(known @ (values - centre) ** 2 / known.sum())) or 1.0
    both = np.hstack([wide[0], wide[1]])
    spanned = set(collinear(both, mass, (*names[0], *(f"z: {name}" for name in names[1]))))
    excluded = tuple(name for name in names[1] if f"z: {name}" not in spanned)
    data = SelectionData(
        y=(values - centre) / spread, x=wide[0] / scales[0], z=wide[1] / scales[1], heard=heard, x_names=names[0], z_names=names[1]
    )
    return data, Units(x=scales[0], z=scales[1], centre=centre, spread=spread, excluded=excluded)


def _sandwich(
    data: SelectionData, method: SelectionMethod, theta: Floats, counts: Floats, w: Floats, variance: SelectionVariance
) -> Floats:
    inverse = np.linalg.inv(bread(data, method, theta, counts * w))
    if variance == "model":
        return (inverse + inverse.T) / 2.0
    moved, n = (scores(data, method, theta) * w[:, None]) @ inverse.T, float(counts.sum())
    return np.asarray(moved.T @ (moved * counts[:, None])) * n / (n - 1.0)


def _replicated(
    data: SelectionData, method: SelectionMethod, replicates: Replicates, rows: npt.NDArray[np.intp], theta: Floats
) -> Floats:
    values = []
    place = np.searchsorted(rows, replicates.rows)
    for masses in replicates.chunks():
        for mass in masses.T:
            whole = np.zeros(rows.size)
            whole[place] = mass
            try:
                values.append(fit(data, method, whole, start=theta))
            except VocstatsError as error:
                raise IdentificationError(
                    f"Replicate {len(values) + 1} cannot be fitted: {error} Or use linearised standard errors (Weights as w).",
                    code="replicate_not_identified", argument="w", levels=error.levels, replicate=len(values) + 1, reason=str(error),
                ) from error
    return replicates.scaling.covariance(np.column_stack(values), theta)


def _result(
    data: SelectionData, method: SelectionMethod, theta: Floats, table: Floats, units: Units, counts: Floats, mass: Floats, variance: str,
    level: float, accounts: tuple[str, ...],
) -> SelectionEstimate:
    gamma, beta, third, last = data.parts(theta)
    q, k = gamma.size, beta.size
    # beside the coefficients: sigma, rho and rho sigma, with their derivatives to the last two parameters
    if method == "two_step":
        sigma, rho = last**0.5, third / last**0.5
        tail = np.array([[0.0, 0.5 / sigma], [1.0 / sigma, -0.5 * rho / last], [1.0, 0.0]])
    else:
        sigma, rho = float(np.exp(third)), float(np.tanh(last))
        tail = np.array([[sigma, 0.0], [0.0, 1.0 - rho**2], [rho * sigma, sigma * (1.0 - rho**2)]])
    jacobian = np.zeros((q + k + 3, theta.size))
    jacobian[np.arange(q + k), np.arange(q + k)] = np.concatenate([1.0 / units.z, units.spread / units.x])
    jacobian[q + k :, q + k :] = tail * np.array([[units.spread], [1.0], [units.spread]])
    estimate = np.concatenate([gamma / units.z, beta * units.spread / units.x, [sigma * units.spread, rho, rho * sigma * units.spread]])
    estimate[q] += units.centre  # the intercept stands first
    covariance = jacobian @ table @ jacobian.T
    centre = mass @ data.x / mass.sum()
    mean_error = float(units.spread * np.sqrt(max(centre @ table[q : q + k, q : q + k] @ centre, 0.0)))
    mean = float(units.centre + units.spread * (centre @ beta))
    p_value = _exclusion_p_value(gamma, table[:q, :q], data.z_names, units.excluded)
    summits, gains = other_summits(data, mass, theta) if method == "likelihood" else (np.zeros(0), np.zeros(0))
    _warn(units.excluded, p_value, summits, gains)
    known = np.where(data.heard, mass, 0.0)
    low, high = limits(estimate, covariance, method, level)
    mean_low, mean_high = (mean + sign * float(special.ndtri(0.5 + level / 2)) * mean_error for sign in (-1, 1))
    return SelectionEstimate(
        method=method, equations=("selection",) * q + ("outcome",) * k + ("errors",) * 3,
        terms=(*data.z_names, *data.x_names, "sigma", "rho", "mills"), estimate=estimate,
        std_error=np.sqrt(np.maximum(np.diag(covariance), 0.0)), conf_low=low, conf_high=high, covariance=covariance,
        mean=mean, mean_std_error=mean_error, mean_conf_low=mean_low, mean_conf_high=mean_high,
        naive=float(units.centre + units.spread * (known @ data.y / known.sum())), n=float(counts.sum()),
        n_heard=float(counts @ data.heard), exclusions=units.excluded, exclusion_p_value=p_value,
        summits=summits, summit_gains=gains,
        mills_r_squared=_mills_r_squared(data, gamma, known), variance=variance, level=level, variance_accounts_for=accounts,
        log_likelihood=float(mass @ likelihood(data, theta)[0] - known.sum() * np.log(units.spread)) if method == "likelihood" else np.nan,
        assumptions=_assumptions(units.excluded, method),
    )


def _exclusion_p_value(gamma: Floats, table: Floats, names: tuple[str, ...], excluded: tuple[str, ...]) -> float:
    """Wald test that no excluded column moves response; NaN without one."""
    place = [names.index(name) for name in excluded]
    if not place:
        return float("nan")
    statistic = float(gamma[place] @ np.linalg.pinv(table[np.ix_(place, place)]) @ gamma[place])
    return float(special.chdtrc(len(place), statistic))


def _mills_r_squared(data: SelectionData, gamma: Floats, known: Floats) -> float:
    """Share of the variance of λ among those heard that x explains: near 1 it cannot be told apart from x."""
    ratio, root = mills(data.z @ gamma), np.sqrt(known)
    fitted = data.x @ np.linalg.lstsq(data.x * root[:, None], ratio * root, rcond=None)[0]
    centred = ratio - known @ ratio / known.sum()
    return float(1.0 - known @ (ratio - fitted) ** 2 / max(known @ centred**2, 1e-300))


def _warn(excluded: tuple[str, ...], p_value: float, summits: Floats, gains: Floats) -> None:
    if (gains > 0).any():
        best = int(np.argmax(gains))
        warnings.warn(
            f"The likelihood has a higher summit at rho = {summits[best]:.3f} (log-likelihood {gains[best]:.1f} higher) than the one next "
            "to the two steps, which is reported: the errors are hardly normal, or the data do not tell. Compare method='two_step'.",
            LikelihoodWarning, stacklevel=4,
        )
    if not excluded:
        warnings.warn(
            "Every column of z is in x, too: nothing moves response that does not move the outcome. The correction rests on the normal "
            "distribution of the errors alone. Give z a column of its own, or report a sensitivity range instead.",
            ExclusionWarning, stacklevel=4,
        )
    elif p_value > _WEAK:
        warnings.warn(
            f"{shown(excluded)} hardly moves response (p = {p_value:.2f}): the correction rests on the normal distribution of the errors.",
            ExclusionWarning, stacklevel=4,
        )


def _assumptions(excluded: tuple[str, ...], method: SelectionMethod) -> tuple[Assumption, ...]:
    restriction = Assumption(code="exclusion_restriction", testable="no", values={"auxiliaries": ", ".join(excluded)})
    normal = Assumption(code="normal_selection_errors" if method == "likelihood" else "normal_response_errors", testable="partly")
    return (restriction if excluded else Assumption(code="no_exclusion", testable="no"), normal)
