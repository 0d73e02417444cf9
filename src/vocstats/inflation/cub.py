"""CUB models of ordinal scores, with and without a shelter: all rows of a table of counts are fitted at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._numerics import normal_quantile
from ..errors import ConvergenceError, IdentificationError, InputError, shown
from ..results import Floats, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd

_GRID_PI = np.linspace(0.05, 0.95, 10)
_GRID_XI = np.linspace(0.02, 0.98, 49)
_GRID_DELTA = np.linspace(0.05, 0.9, 8)
_EDGE = 15.0  # log odds at which a parameter counts as standing at 0 or 1
_STEPS = 200
_TOLERANCE = 1e-11  # of the mean log-likelihood


@register("cub")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CubFit(Result):
    """A CUB model of every row of counts; the arrays have the shape of `counts` without its last axis.

    Attributes
    ----------
    n : Floats
        Answers.
    pi, xi, delta : Floats
        Weight of the shifted binomial against the uniform, its parameter (1 - xi is the liking), and the weight of the shelter.
    pi_error, xi_error, delta_error : Floats
        Standard errors from the observed information; NaN where a parameter stands at 0 or 1.
    log_likelihood : Floats
    shelter : int
        The score sheltered, from 1 to m; 0 without a shelter.
    scores : int
        m.
    level : float
        Confidence level of the limits in `tidy`.
    """

    n: Floats
    pi: Floats
    xi: Floats
    delta: Floats
    pi_error: Floats
    xi_error: Floats
    delta_error: Floats
    log_likelihood: Floats
    shelter: int
    scores: int
    level: float

    def probabilities(self) -> Floats:
        """Fitted chance of every score, (..., m)."""
        pi, xi, delta = (np.asarray(value)[..., None] for value in (self.pi, self.xi, self.delta))
        plain = pi * shifted_binomial(xi, self.scores) + (1 - pi) / self.scores
        return np.asarray((1 - delta) * plain + delta * (np.arange(1, self.scores + 1) == self.shelter))

    def to_frame(self) -> pd.DataFrame:
        """One row per fit: n, pi, xi, delta, their standard errors, log_likelihood."""
        names = ("n", "pi", "xi", "delta", "pi_error", "xi_error", "delta_error", "log_likelihood")
        return frame({name: np.ravel(getattr(self, name)) for name in names})

    def tidy(self) -> pd.DataFrame:
        """One row per fit and parameter: term, fit, estimate, std_error, conf_low, conf_high."""
        terms = ("pi", "xi", "delta") if self.shelter else ("pi", "xi")
        estimate = np.concatenate([np.ravel(getattr(self, name)) for name in terms])
        error = np.concatenate([np.ravel(getattr(self, f"{name}_error")) for name in terms])
        fits, half = np.size(self.n), normal_quantile(self.level) * error
        labels = {"term": np.repeat(terms, fits), "fit": np.tile(np.arange(fits), len(terms))}
        return frame({**labels, "estimate": estimate, "std_error": error, "conf_low": estimate - half, "conf_high": estimate + half})

    def summary(self, language: str = "en") -> str:
        """The parameters."""
        return str(self.to_frame().to_string(index=False, float_format=lambda value: f"{value:.4g}"))


def fit_cub(counts: npt.ArrayLike, *, shelter: int | None = None, level: float = 0.95) -> CubFit:
    """Fit a CUB model to counts of the scores 1 to m: a shifted binomial, a uniform and, if asked for, a shelter.

        P(r) = δ 1[r = s] + (1 - δ) [π b_r(ξ) + (1 - π) / m],   b_r(ξ) = C(m - 1, r - 1) ξ^(m - r) (1 - ξ)^(r - 1)

    Maximum likelihood: from the best point of a grid by damped scoring in log odds, so that a second mode is not mistaken for the first.

    Parameters
    ----------
    counts : array (m,) or (D, m)
        How often each score from 1 to m was given; m is at least 4, with a shelter 5.
    shelter : int, optional
        s, the score chosen for ease or on request; None: no shelter (δ = 0).
    level : float
        Confidence level of the limits.

    Returns
    -------
    CubFit

    Raises
    ------
    InputError
        Counts are negative, have too few scores, or `shelter` is not among them.
    IdentificationError
        A row has no answers.
    ConvergenceError
        A row did not converge.

    References
    ----------
    D'Elia & Piccolo (2005), Comput. Stat. Data Anal. 49; Iannario (2012), Adv. Data Anal. Classif. 6 (shelter, eq. 2).

    Examples
    --------
    >>> fit = fit_cub([3, 5, 9, 20, 43, 60, 160], shelter=7)
    >>> [round(float(value), 3) for value in (fit.pi, fit.xi, fit.delta)]
    [0.838, 0.23, 0.418]
    """
    array = np.asarray(counts)
    if array.ndim not in (1, 2):
        raise InputError(
            f"counts must have one or two dimensions; its shape is {array.shape}.",
            code="bad_count_shape", argument="counts", shape=str(array.shape),
        )
    scores, least = array.shape[-1], 4 if shelter is None else 5
    if scores < least:
        raise InputError(
            f"A CUB model with these parameters needs counts of at least {least} scores; there are {scores}.",
            code="too_few_scores", argument="counts", least=least, scores=scores,
        )
    table = _checks.non_negative(array.ravel(), "counts").reshape(-1, scores)
    _checks.level(level)
    place = None
    if shelter is not None:
        place = _checks.whole(shelter, "shelter", low=1) - 1
        _checks.number(shelter, "shelter", high=scores)
    empty = np.flatnonzero(table.sum(axis=1) == 0)
    if empty.size:
        raise IdentificationError(
            f"Rows {shown(empty)} of counts hold no answers. Leave them out.", code="no_answers_to_fit", argument="counts", rows=empty
        )
    parameters, likelihood = maximise(table, place)
    errors = _standard_errors(table, parameters, place)
    shape = array.shape[:-1]
    named = dict(zip(("pi", "xi", "delta"), parameters.T.reshape(3, *shape), strict=True))
    named |= dict(zip(("pi_error", "xi_error", "delta_error"), errors.T.reshape(3, *shape), strict=True))
    return CubFit(
        n=table.sum(axis=1).reshape(shape), log_likelihood=likelihood.reshape(shape), shelter=0 if place is None else place + 1,
        scores=scores, level=level, **named,
    )


def shifted_binomial(xi: npt.ArrayLike, scores: int) -> Floats:
    """b_r(ξ) of the scores 1 to m along a new last axis, which `xi` brings with length 1."""
    r = np.arange(scores)
    return np.asarray(special.binom(scores - 1, r) * np.asarray(xi) ** (scores - 1 - r) * (1.0 - np.asarray(xi)) ** r)


def maximise(counts: Floats, place: int | None, *, delta: float | None = None) -> tuple[Floats, Floats]:
    """Parameters (D, 3) = (π, ξ, δ) and log-likelihood (D,) of every row; δ is free at a `place` unless given, 0 without one."""
    free = 3 if place is not None and delta is None else 2
    odds = _start(counts, place, delta)
    n = counts.sum(axis=1)
    likelihood = _log_likelihood(counts, special.expit(odds), place)
    damping, running = np.full(n.size, 1e-3), np.ones(n.size, bool)
    for _ in range(_STEPS):
        rows = np.flatnonzero(running)
        if not rows.size:
            settled = _settled(odds)
            return settled, _log_likelihood(counts, settled, place)
        step = _step(counts[rows], odds[rows], place, free, damping[rows])
        trial = odds[rows]
        trial[:, :free] = np.clip(trial[:, :free] + np.clip(step, -2.0, 2.0), -_EDGE, _EDGE)
        reached = _log_likelihood(counts[rows], special.expit(trial), place)
        gain = reached - likelihood[rows]
        better = gain >= 0
        odds[rows[better]], likelihood[rows[better]] = trial[better], reached[better]
        damping[rows] = np.where(better, damping[rows] / 10.0, damping[rows] * 10.0)
        still = np.abs(gain) <= _TOLERANCE * n[rows]
        running[rows[still | (damping[rows] > 1e12)]] = False
    failed = np.flatnonzero(running)
    raise ConvergenceError(
        f"The CUB model of rows {shown(failed)} did not converge in {_STEPS} steps.",
        code="cub_no_convergence", argument="counts", rows=failed, steps=_STEPS,
    )


def derivatives(parameters: Floats, scores: int, place: int | None) -> tuple[Floats, Floats]:
    """P (D, m) and its derivatives (D, m, 3) after π, ξ and δ."""
    pi, xi, delta = (parameters[:, j, None] for j in range(3))
    b, slope, _ = _curves(xi, scores)
    plain, there = pi * b + (1 - pi) / scores, (np.arange(scores) == place) * 1.0
    p = (1 - delta) * plain + delta * there
    return p, np.stack([(1 - delta) * (b - 1 / scores), (1 - delta) * pi * slope, there - plain], axis=2)


def _curves(xi: Floats, scores: int) -> tuple[Floats, Floats, Floats]:
    """b(ξ) with its first and second derivative: differences of the shifted binomials of one and two scores less."""
    one, two = shifted_binomial(xi, scores - 1), shifted_binomial(xi, scores - 2)
    slope = (scores - 1) * np.diff(one, prepend=0.0, append=0.0)
    bend = (scores - 1) * (scores - 2) * np.diff(np.pad(two, ((0, 0), (2, 2))), n=2)
    return shifted_binomial(xi, scores), slope, bend


def _start(counts: Floats, place: int | None, delta: float | None) -> Floats:
    """Log odds of the best point of a grid, (D, 3); a δ of 0 is minus infinity."""
    deltas = np.array([0.0 if delta is None else delta]) if place is None or delta is not None else _GRID_DELTA
    grid = np.stack(np.meshgrid(_GRID_PI, _GRID_XI, deltas, indexing="ij"), axis=-1).reshape(-1, 3)
    p, _ = derivatives(grid, counts.shape[1], place)
    best = np.argmax(counts @ np.log(p).T, axis=1)
    return np.asarray(special.logit(grid[best]))


def _settled(odds: Floats) -> Floats:
    """Parameters; log odds at the edge are 0 or 1."""
    return np.where(odds <= -_EDGE + 1.0, 0.0, np.where(odds >= _EDGE - 1.0, 1.0, special.expit(odds)))


def _log_likelihood(counts: Floats, parameters: Floats, place: int | None) -> Floats:
    p, _ = derivatives(parameters, counts.shape[1], place)
    return np.asarray(special.xlogy(counts, p).sum(axis=1))


def _step(counts: Floats, odds: Floats, place: int | None, free: int, damping: Floats) -> Floats:
    """A damped Newton step in log odds, (D, free); where the likelihood is not concave, uphill in proportion to its curvature."""
    theta = special.expit(odds)
    rate, slopes, observed = _information(counts, theta, place)
    scale = (theta * (1 - theta))[:, :free]
    score = np.einsum("dr,drj->dj", rate, slopes)[:, :free] * scale
    outer = scale[:, :, None] * scale[:, None, :]
    observed = observed[:, :free, :free] * outer - np.eye(free) * (score * (1 - 2 * theta[:, :free]))[:, None, :]
    p, _ = derivatives(theta, counts.shape[1], place)
    expected = np.einsum("drj,drk->djk", slopes / np.maximum(p, 1e-300)[:, :, None], slopes)[:, :free, :free] * outer
    expected *= counts.sum(axis=1)[:, None, None]
    curvature, directions = np.linalg.eigh(observed)
    information = np.einsum("dij,dj,dkj->dik", directions, np.abs(curvature), directions)
    diagonal = np.einsum("djj->dj", expected)
    ridge = damping[:, None] * diagonal + 1e-9 * counts.sum(axis=1)[:, None]
    return np.asarray(np.linalg.solve(information + np.eye(free) * ridge[:, None, :], score[:, :, None])[:, :, 0])


def _information(counts: Floats, parameters: Floats, place: int | None) -> tuple[Floats, Floats, Floats]:
    """n_r / P_r (D, m), the derivatives of P (D, m, 3), and the observed information (D, 3, 3)."""
    scores = counts.shape[1]
    p, slopes = derivatives(parameters, scores, place)
    b, slope, bend = _curves(parameters[:, 1, None], scores)
    pi, delta = parameters[:, 0, None], parameters[:, 2, None]
    second = np.zeros((*p.shape, 3, 3))
    second[..., 1, 1] = (1 - delta) * pi * bend
    for j, k, value in ((0, 1, (1 - delta) * slope), (0, 2, 1 / scores - b), (1, 2, -pi * slope)):
        second[..., j, k] = second[..., k, j] = value
    rate = np.divide(counts, p, out=np.zeros_like(p), where=p > 0)
    squared = np.divide(rate, p, out=np.zeros_like(p), where=p > 0)
    outer = np.einsum("drj,drk->djk", squared[:, :, None] * slopes, slopes)
    return rate, slopes, outer - np.einsum("dr,drjk->djk", rate, second)


def _standard_errors(counts: Floats, parameters: Floats, place: int | None) -> Floats:
    """From the observed information of the parameters inside (0, 1); NaN for the others, (D, 3)."""
    *_, information = _information(counts, parameters, place)
    inside = (parameters > 0) & (parameters < 1)
    information = np.where(inside[:, :, None] & inside[:, None, :], information, np.eye(3))
    errors = np.full(parameters.shape, np.nan)
    curved = np.linalg.eigvalsh(information)[:, 0] > 0
    errors[curved] = np.sqrt(np.einsum("djj->dj", np.linalg.inv(information[curved])))
    return np.where(inside, errors, np.nan)


def whole_scores(score: Any, scale: tuple[int, int] | None) -> tuple[npt.NDArray[np.intp], int, int]:
    """Places 0 to m - 1 of whole scores on `scale` (None: from the lowest to the highest given), the lowest score and m."""
    values = _checks.vector(score, "score")
    odd = np.flatnonzero(values != np.round(values))
    if odd.size:
        raise InputError(
            f"score must hold whole numbers; it does not at rows {shown(odd)}. Give the answer to one question, not a mean of several.",
            code="not_whole_scores", argument="score", rows=odd,
        )
    low, high = (values.min(initial=np.inf), values.max(initial=-np.inf)) if scale is None else scale
    if scale is not None and not (low < high and low == round(low) and high == round(high)):
        raise InputError(f"scale must rise from lowest to highest; got {scale!r}.", code="bad_scale", argument="scale", levels=[low, high])
    outside = np.flatnonzero((values < low) | (values > high))
    if outside.size:
        raise InputError(
            f"score leaves the scale from {low:g} to {high:g} at rows {shown(outside)}. Correct score or scale.",
            code="outside_scale", argument="score", rows=outside, low=float(low), high=float(high),
        )
    return (values - low).astype(np.intp), int(low), int(high - low) + 1
