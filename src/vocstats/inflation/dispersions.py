"""Dispersion: answers that vary less, and go together less, than those of other dealers with the same mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Integers
from ..results import Floats
from .null import FEWEST, fit_null
from .signal_result import Dealers, Signal, dealers_of, signal

_LEAST = 10  # responses below which a variance says nothing
_VALUES = 3  # of two, the mean tells the variance
_PARTS = ("variance", "covariance", "variance_good", "covariance_good")
_HIGHEST = 0.9
_ROUNDS = 25
_HUBER = 1.345  # 95 % efficient for normal errors
_NORMAL_QUARTILE = 0.6745


def dispersion(score: npt.ArrayLike, dealer: Any, *, items: Any = None, above: float = 0.25, level: float = 0.95) -> Signal:
    """Share of the variance of scores, and of the covariance of items, that is missing given the dealer's mean.

    Forms copied or filled in by the same hand vary too little; forms filled in without a customer behind them do not go together. With
    items the mean of a form takes the place of the score. At mean M, answers from a to b have a variance of at most (b - M)(M - a). The
    share u of it that form means (or scores) have, and the share that the mean covariance of two items has, are smooth curves f(M) in
    the network, quadratic and fitted robustly. The variance v(M) of what a form adds to the residual is learned likewise, so that a
    dealer without variance does not count as measured exactly:

        x_d = 1 - u_d / f(M_d),   u = s² / [(b - M)(M - a)];     x_d ~ N(μ, v(M_d) / n_d + ω²) at honest dealers (`fit_null`)

    Such forms are good ones, and beside the complaints of real customers they may widen the spread of all. So both are taken of all
    forms and, with items, of those above the network's lower quartile too. What a form mean varies and what its items share is nearly the
    same figure, so that the p-values are combined by Cauchy's law, which holds for dependent ones: t = mean of cot(π p_j), p = P(C > t).

    Parameters
    ----------
    score : array (n,)
        Scores; with two items or more they are not used.
    dealer : array (n,)
        The dealer of each response.
    items : mapping, dataframe or array (n, k), optional
        Answers to the single questions, on one scale; forms with a missing one are left out.
    above : float
        Share of the network's forms, the lowest by their mean, that are not among the good ones.
    level : float
        Confidence level of the limits of the effect.

    Returns
    -------
    Signal
        The effect is the share that is missing of the variance or covariance that shows it most, named in `shows_in`. Details: that,
        `sd`, `expected_sd`, and `p_variance`, `p_covariance`, `p_variance_good`, `p_covariance_good` (NaN where not taken).

    Raises
    ------
    InputError
        Bad arrays or labels, or `above` outside [0, 1).

    References
    ----------
    Liu & Xie (2020), J. Amer. Stat. Assoc. 115(529), for Cauchy's law, which stands here with its lower end cut off;
    Bredl, Winker & Kötschau (2012), Survey Methodology 38(1) (too little variance in interviews filled in by interviewers); Schäfer,
    Schräpler, Müller & Wagner (2005), J. Applied Social Science Studies 125 (variability method).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(3)
    >>> dealer = np.repeat(np.arange(40), 100)
    >>> score = rng.binomial(9, 0.8, dealer.size) + 1
    >>> score[dealer == 7] = np.where(rng.random(100) < 0.3, 9, 8)
    >>> r = dispersion(score, dealer)
    >>> int(np.argmin(r.p_value)), bool(r.effect[7] > 0.5)
    (7, True)
    """
    _checks.level(level)
    share = _checks.number(above, "above", low=0.0, high=1.0, open_high=True)
    y = _checks.vector(score, "score")
    dealers = dealers_of(dealer, length=y.size)
    answers = _complete(items, y.size)
    if answers is not None:
        y = answers.mean(axis=1)
    rows = np.flatnonzero(~np.isnan(y))
    values = np.unique(y[rows])
    scores = _spread(y[rows, None], _of(dealers, rows), values)
    abstains = {
        "constant_scores": np.full(dealers.count, values.size == 1), "scale_too_short": np.full(dealers.count, 1 < values.size < _VALUES),
        "few_responses": scores.n < _LEAST, "at_end_of_scale": ~(scores.limit > 0),
    }
    speaks = ~np.logical_or.reduce(list(abstains.values()))
    parts = {"variance": _against_curve(scores, speaks)}
    if answers is not None and rows.size:
        parts["covariance"] = _against_curve(_spread(answers[rows], _of(dealers, rows), values), speaks)
        good = rows[y[rows] >= np.quantile(y[rows], share)]
        range_of_good = np.unique(y[good])
        if range_of_good.size >= _VALUES:
            for name, columns in (("variance_good", y[:, None]), ("covariance_good", answers)):
                parts[name] = _against_curve(_spread(columns[good], _of(dealers, good), range_of_good), speaks)
    return _told(dealers, scores, parts, abstains, level)


def _of(dealers: Dealers, rows: Integers) -> Dealers:
    """The dealers of some of the responses."""
    return Dealers(code=dealers.code[rows], labels=dealers.labels)


def _complete(items: Any, length: int) -> Floats | None:
    """Items as columns; None with fewer than two."""
    columns = _checks.columns_of(items, "items")
    if len(columns) < 2:
        return None
    return np.column_stack([_checks.vector(column, name, length=length, missing=True) for name, column in columns.items()])


def _told(
    dealers: Dealers, scores: _Figure, parts: dict[str, _Missing], abstains: dict[str, npt.NDArray[np.bool_]], level: float
) -> Signal:
    """All parts as one signal."""
    nothing = np.full(dealers.count, np.nan)
    p = {name: parts[name].p_value if name in parts else nothing for name in _PARTS}
    known = np.stack([part.z for part in parts.values()])
    most = np.argmax(np.where(np.isnan(known), -np.inf, known), axis=0)
    here = (most, np.arange(most.size))
    effect, error, z = (np.stack([getattr(part, name) for part in parts.values()])[here] for name in ("missing", "error", "z"))
    taken = np.isfinite(known).sum(axis=0)
    return signal(
        "dispersion", dealers, n=scores.n, effect=effect, std_error=error, statistic=z,
        p_value=_together(np.stack(list(p.values()))), unit="share", level=level,
        abstains={**abstains, "few_dealers": taken == 0},
        details={
            "sd": np.sqrt(np.maximum(scores.u * scores.limit, 0.0)), "expected_sd": np.sqrt(np.maximum(parts["variance"].expected, 0.0)),
            "shows_in": np.array(list(parts))[most], **{f"p_{name}": value for name, value in p.items()},
        },
        null={f"{name}_{what}": getattr(part, what) for name, part in parts.items() for what in ("centre", "spread")},
    )


def _together(p: Floats) -> Floats:
    """p-values by part, (k, D), as one; NaN where there is none. A p-value near 1 must not outweigh a small one and counts as .9."""
    taken = np.isfinite(p)
    heights = np.where(taken, 1.0 / np.tan(np.pi * np.clip(p, 1e-300, _HIGHEST)), 0.0).sum(axis=0)
    mean = np.divide(heights, taken.sum(axis=0), out=np.full(heights.size, np.nan), where=taken.any(axis=0))
    return np.asarray(np.arctan2(1.0, mean) / np.pi)


@dataclass(frozen=True, slots=True, eq=False)
class _Figure:
    """A variance or covariance as a share u of its limit, and the mean, by dealer, with what each response adds to u and to the mean."""

    u: Floats
    limit: Floats
    mean: Floats
    n: Floats
    adds_to_u: Floats
    adds_to_mean: Floats
    dealers: Dealers


@dataclass(frozen=True, slots=True, eq=False)
class _Missing:
    """How much of a figure is missing against the network's curve, with what it is held against."""

    observed: Floats
    expected: Floats
    missing: Floats
    error: Floats
    z: Floats
    p_value: Floats
    centre: float
    spread: float


def _spread(answers: Floats, dealers: Dealers, values: Floats) -> _Figure:
    """Variance of one column, or mean covariance of several, over the largest variance that the mean allows on the range of `values`."""
    low, high = (values[0], values[-1]) if values.size else (0.0, 0.0)
    n, code, k = dealers.sums(np.ones(len(answers))), dealers.code, answers.shape[1]
    gap = answers - np.stack([dealers.sums(column) / np.maximum(n, 1.0) for column in answers.T], axis=1)[code]
    mean, off = dealers.sums(answers.mean(axis=1)) / np.maximum(n, 1.0), gap.mean(axis=1)
    product = gap[:, 0] ** 2 if k == 1 else ((k * off) ** 2 - (gap**2).sum(axis=1)) / (k * (k - 1.0))
    limit = (high - mean) * (mean - low)
    with np.errstate(invalid="ignore", divide="ignore"):
        together = dealers.sums(product) / (n - 1.0)
        u = together / limit
        adds = (product - together[code] - (u * (high + low - 2.0 * mean))[code] * off) / limit[code]
    return _Figure(u=u, limit=limit, mean=mean, n=n, adds_to_u=adds, adds_to_mean=off, dealers=dealers)


def _against_curve(figure: _Figure | None, speaks: npt.NDArray[np.bool_]) -> _Missing:
    """A figure against its curve over the mean, in the network of those who speak."""
    nothing = np.full(speaks.size, np.nan)
    missing = _Missing(nothing, nothing, nothing, nothing, nothing, nothing, float("nan"), float("nan"))
    if figure is None:
        return missing
    known = speaks & (figure.n >= _LEAST) & np.isfinite(figure.u)
    if known.sum() < FEWEST:
        return missing
    mean, n = figure.mean, figure.n
    level, slope = _curve(mean[known], figure.u[known], n[known])
    expected, rise = _spread_out(level, known), _spread_out(slope, known)
    code = figure.dealers.code
    adds = (rise[code] * figure.adds_to_mean - figure.adds_to_u) / expected[code]
    second, third = (figure.dealers.sums(np.where(known[code], adds, 0.0) ** power)[known] / n[known] for power in (2, 3))
    usual = np.exp(_curve(mean[known], np.log(np.maximum(second, 1e-12)), n[known])[0])
    skewness = float(np.median(third / np.maximum(second, 1e-12) ** 1.5))
    x, v = 1.0 - figure.u[known] / level, usual / n[known]
    null = fit_null(x, v)
    p = null.p_values(x, v, third_moment=skewness * usual**1.5 / n[known] ** 2)
    return _Missing(
        observed=_spread_out((figure.u * figure.limit)[known], known), expected=expected * figure.limit,
        missing=_spread_out(x - null.centre, known),
        error=_spread_out(np.sqrt(v + null.spread**2), known), z=_spread_out(null.statistic(x, v), known), p_value=_spread_out(p, known),
        centre=null.centre, spread=null.spread,
    )


def _spread_out(values: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    everywhere = np.full(known.size, np.nan)
    everywhere[known] = values
    return everywhere


def _curve(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """A quadratic in x through most of the points and its slope, by Huber's weights."""
    centre, width = np.average(x, weights=weight), max(float(np.ptp(x)), 1e-9)
    t = (x - centre) / width
    terms = np.stack([np.ones_like(t), t, t**2], axis=1)
    kept = weight
    for _ in range(_ROUNDS):
        coefficients = np.linalg.lstsq(terms * np.sqrt(kept)[:, None], y * np.sqrt(kept), rcond=None)[0]
        gap = np.abs(y - terms @ coefficients) * np.sqrt(weight)
        scale = _HUBER * max(float(np.median(gap)) / _NORMAL_QUARTILE, 1e-12)
        kept = weight * np.minimum(1.0, scale / np.maximum(gap, 1e-300))
    return terms @ coefficients, (coefficients[1] + 2.0 * coefficients[2] * t) / width
