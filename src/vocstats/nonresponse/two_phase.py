"""Two-phase sampling: the strata of everybody asked are known, the outcome of a subsample; Hansen and Hurwitz's follow-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._numerics import t_quantile
from ..errors import IdentificationError, InputError, shown
from ..options import MeanOrTotal
from ..results import Floats, Labels, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("two_phase")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoPhaseEstimate(Result):
    """Mean or total from a first phase that shows the strata and a second that shows the outcome.

    Attributes
    ----------
    statistic : {"mean", "total"}
        What was estimated.
    estimate, std_error, conf_low, conf_high, df : float
        In the units of the outcome; Student limits with Satterthwaite's degrees of freedom.
    variance_first, variance_second : float
        What drawing the first phase and drawing the second add to the variance.
    population : float
        N, the population of the first phase.
    labels : {"stratum": array (strata,)}
        Strata, sorted.
    asked, heard : float arrays (strata,)
        Units of the first phase, and those whose outcome is known.
    means, deviations : float arrays (strata,)
        Mean and standard deviation of the outcome.
    level : float
        Confidence level.
    """

    statistic: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    df: float
    variance_first: float
    variance_second: float
    population: float
    labels: Labels
    asked: Floats
    heard: Floats
    means: Floats
    deviations: Floats
    level: float

    def to_frame(self) -> pd.DataFrame:
        """One row per stratum: stratum, asked, heard, mean, deviation."""
        return frame({**self.labels, "asked": self.asked, "heard": self.heard, "mean": self.means, "deviation": self.deviations})

    def tidy(self) -> pd.DataFrame:
        """One row: term, estimate, std_error, conf_low, conf_high."""
        numbers = {name: [getattr(self, name)] for name in ("estimate", "std_error", "conf_low", "conf_high")}
        return frame({"term": [self.statistic], **numbers})

    def summary(self, language: str = "en") -> str:
        """The estimate above the table of strata."""
        frames = (self.tidy(), self.to_frame())
        return "\n\n".join(frame.to_string(index=False, float_format=lambda value: f"{value:.6g}") for frame in frames)


def two_phase_stratified(
    y: npt.ArrayLike, stratum: npt.ArrayLike, *, counts: npt.ArrayLike | None = None, population: float | None = None,
    statistic: MeanOrTotal = "mean", level: float = 0.95,
) -> TwoPhaseEstimate:
    """Two-phase sampling for stratification: n drawn from N, then m_h of the n_h in each stratum, both at random.

        mean = Σ_h w_h ȳ_h,   w_h = n_h / n
        V = (N-1)/N Σ_h [(n_h - 1)/(n - 1) - (m_h - 1)/(N - 1)] w_h s_h²/m_h + (N - n)/(N (n - 1)) Σ_h w_h (ȳ_h - ȳ)²

    of which Σ_h w_h² (1 - m_h/n_h) s_h²/m_h stems from the second phase. A total is N times the mean.

    Parameters
    ----------
    y : array of numbers (n,)
        Outcome of everybody in the first phase; missing where the second phase did not reach.
    stratum : array of labels (n,)
        Stratum of everybody in the first phase.
    counts : array (n,), optional
        How often a row stands there.
    population : float, optional
        N. None: the first phase is the whole population.
    statistic : {"mean", "total"}
        What to estimate.
    level : float
        Confidence level.

    Returns
    -------
    TwoPhaseEstimate
        NaN standard error where a stratum that was subsampled shows one outcome only.

    Raises
    ------
    InputError
        The population is smaller than the first phase, fewer than two units, or bad arrays.
    IdentificationError
        A stratum in which no outcome is known.

    References
    ----------
    Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, eq. 9.4.14.

    Examples
    --------
    >>> nan = float("nan")
    >>> y = [1, 2, 3, 4, 5] + [nan] * 7 + [6, 7, 8] + [nan] * 5
    >>> r = two_phase_stratified(y, [1] * 12 + [2] * 8, population=300, statistic="total")
    >>> round(r.estimate, 2), round(r.std_error**2, 2)
    (1380.0, 36522.63)
    """
    _checks.choice(statistic, MeanOrTotal, "statistic")
    _checks.level(level)
    outcome = _checks.vector(y, "y", missing=True)
    often = np.ones(outcome.size) if counts is None else _checks.non_negative(counts, "counts", length=outcome.size)
    codes, labels = _checks.factorize(stratum, "stratum", length=outcome.size)
    present = np.bincount(codes, often, minlength=labels.size) > 0
    return _two_phase(_strata(outcome, often, codes, labels.size), present, labels, population, statistic, level)


def double_sampling(
    y: npt.ArrayLike, silent: npt.ArrayLike, *, counts: npt.ArrayLike | None = None, population: float | None = None,
    statistic: MeanOrTotal = "mean", level: float = 0.95,
) -> TwoPhaseEstimate:
    """Hansen and Hurwitz's double sampling: everybody is asked, and a random part of the silent is followed up.

        mean = w_1 ȳ_heard + w_2 ȳ_follow-up,   w_2 = share of the silent among those asked

    Two-phase sampling in two strata, the first of which answered in full.

    Parameters
    ----------
    y : array of numbers (n,)
        Outcome of everybody asked; missing for the silent who were not drawn for the follow-up.
    silent : array of bool (n,)
        Who did not answer at first.
    counts, population, statistic, level
        As in `two_phase_stratified`; without `population` everybody in the base was asked.

    Returns
    -------
    TwoPhaseEstimate
        Strata False (answered at first) and True (silent).

    Raises
    ------
    InputError
        Somebody who is not silent has no outcome, or `silent` is not boolean.
    IdentificationError
        No silent person was heard in the follow-up.

    References
    ----------
    Hansen & Hurwitz (1946), JASA 41; Särndal, Swensson & Wretman (1992), sec. 15.4.3.

    Examples
    --------
    >>> nan = float("nan")
    >>> y = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 2, 4] + [6, 7, 8] + [nan] * 5
    >>> r = double_sampling(y, [False] * 12 + [True] * 8, population=300)
    >>> round(r.estimate, 6), round(r.std_error**2, 8)
    (4.6, 0.29073684)
    """
    outcome = _checks.vector(y, "y", missing=True)
    later = np.asarray(silent)
    if later.dtype != bool:
        raise InputError(
            f"silent must be an array of True and False; it holds {later.dtype}.",
            code="not_boolean", argument="silent", dtype=str(later.dtype),
        )
    _checks.same_length(later, "silent", outcome.size)
    rows = np.flatnonzero(np.isnan(outcome) & ~later)
    if rows.size:
        raise InputError(
            f"y is missing at rows {shown(rows)}, who are not silent. Mark them as silent, or weight this item nonresponse first.",
            code="answered_without_outcome", argument="y", rows=rows, count=int(rows.size),
        )
    return two_phase_stratified(outcome, later, counts=counts, population=population, statistic=statistic, level=level)


def _strata(y: Floats, counts: Floats, codes: npt.NDArray[np.intp], size: int) -> dict[str, Floats]:
    """Asked, heard, mean and variance of each stratum."""
    known = ~np.isnan(y)
    weight, filled = np.where(known, counts, 0.0), np.where(known, y, 0.0)
    asked, heard, top = (np.bincount(codes, column, minlength=size) for column in (counts, weight, weight * filled))
    mean = np.divide(top, heard, out=np.full(size, np.nan), where=heard > 0)
    squares = np.bincount(codes, weight * (filled - np.where(known, mean[codes], 0.0)) ** 2, minlength=size)
    spread = np.divide(squares, heard - 1.0, out=np.full(size, np.nan), where=heard > 1)
    return {"asked": asked, "heard": heard, "mean": mean, "spread": spread}


def _two_phase(
    strata: dict[str, Floats], present: npt.NDArray[np.bool_], levels: npt.NDArray[Any], population: float | None,
    statistic: MeanOrTotal, level: float,
) -> TwoPhaseEstimate:
    asked, heard, means, spread = (column[present] for column in strata.values())
    levels = levels[present]
    unheard = levels[heard == 0].tolist()
    if unheard:
        raise IdentificationError(
            f"No outcome is known in stratum {shown(unheard)}, so nobody can represent it. Follow up some of them, or merge the stratum.",
            code="stratum_not_heard", argument="y", levels=unheard,
        )
    n = float(asked.sum())
    size = n if population is None else _checks.number(population, "population", low=n)
    if n < 2:
        raise InputError("The first phase must hold at least two units.", code="first_phase_too_small", argument="y", n=n)
    share = asked / n
    centre = float(share @ means)
    inner = ((asked - 1.0) / (n - 1.0) - (heard - 1.0) / (size - 1.0)) * share / heard * (size - 1.0) / size
    within = np.where(inner > 0, inner * spread, 0.0)
    between = (size - n) / (size * (n - 1.0)) * float(share @ (means - centre) ** 2)
    second = np.where(heard < asked, share**2 * (1.0 - heard / asked) * spread / heard, 0.0)
    total, later = float(within.sum()) + between, float(second.sum())
    error = float((within**2 / np.maximum(heard - 1.0, 1.0)).sum() + between**2 / (n - 1.0))
    df = total**2 / error if error > 0 else float("inf")
    scale = size if statistic == "total" else 1.0
    std_error = scale * total**0.5
    half = float(t_quantile(level, df)) * std_error
    return TwoPhaseEstimate(
        statistic=statistic, estimate=scale * centre, std_error=std_error, df=df,
        conf_low=scale * centre - half, conf_high=scale * centre + half,
        variance_first=scale**2 * (total - later), variance_second=scale**2 * later, population=size, labels={"stratum": levels},
        asked=asked, heard=heard, means=means, deviations=np.sqrt(spread), level=level,
    )
