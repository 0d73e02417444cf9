"""The day from which a dealer scores higher than before: a risk-adjusted CUSUM, and the likelihood of the change-point."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from ..results import Flags
from .case_mix import adjust_for_case_mix, least_expected, outcome
from .change_points import ChangePoints, Paths, change_points
from .clock import Moments, moments
from .null import FEWEST, fit_null
from .resampled_null import draws_needed, pooled_p, pooled_quantile
from .signal_result import Dealers, Signal, dealers_of, signal

_FEWEST = 10  # answers


def onset(
    score: npt.ArrayLike, dealer: npt.ArrayLike, time: npt.ArrayLike, *, x: Any = None, top: float | None = None, allowance: float = 0.1,
    false_alarm: float = 0.01, draws: int | None = None, level: float = 0.95, seed: int = 0,
) -> Signal:
    """Since when a dealer scores higher than he did, if he does.

    Answers are adjusted for case mix and for the season (what it does to other dealers), and divided by the standard deviation of dealer
    and season. Each is held against the mean of the t - 1 answers before it, so that excellent dealers do not stand out:

        C_t = max(0, C_{t-1} + q_t - k),    q_t = √((t - 1) / t) (z_t - z̄_{t-1})

    Answers of the same moment enter together. The largest C_t is held against that of the same answers in random order plus a random
    walk, dealers of like size taken together: honest dealers wander. How far is an empirical null's spread of the rise from the first half
    of the time to the second, fitted to the lower tail. Where C_t passes the limit h that an honest dealer passes with
    probability `false_alarm`, there is an alarm, and C_t starts again from 0.

    The onset is where the likelihood of one upward change of the mean is largest; the interval holds the days whose log-likelihood falls
    short of it by at most c / 2, c = -2 log(1 - √level).

    Parameters
    ----------
    score : array (n,)
        Scores.
    dealer : array (n,)
        Dealer of each response.
    time : array of dates or moments (n,)
        When the customer answered; missing where unknown.
    x : mapping, dataframe or array (n, p), optional
        Characteristics of the customer, whose effects within dealers are taken off.
    top : float, optional
        Count a score of at least this as 1, any other as 0. None: the mean score.
    allowance : float
        k, less than the rise to be found, in standard deviations of an answer.
    false_alarm : float
        Probability of any alarm at an honest dealer.
    draws : int, optional
        Random orders; None: as many as make 10,000 over all dealers, 400 at most.
    level : float
        Confidence level of the effect and of the onset.
    seed : int
        Seed of the draws.

    Returns
    -------
    Signal
        `effect`: mean after the onset less that before, whose standard error takes the onset for known; with no change
        it is the largest of many chance differences, and too large. `details`: `alarms`; where there is one, `onset` with `onset_low` and
        `onset_high`, and `first_alarm`; the `limit` h. Evidence, of dealers with an alarm: top marks since the onset. Abstains without
        times (no_times), with fewer than ten answers or a single moment (few_responses), where all scores are equal (constant_scores).

    Raises
    ------
    InputError
        Bad arrays or options.

    References
    ----------
    Page (1954), Biometrika 41; Hawkins (1987), The Statistician 36, for the running mean; Steiner, Cook, Farewell & Treasure (2000),
    Biostatistics 1(4), for risk adjustment; Hansen (2000), Econometrica 68(3), theorem 1, for c.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> time, dealer = np.datetime64("2026-01-01") + rng.integers(0, 180, 4_000), np.repeat(np.arange(40), 100)
    >>> score = 8.0 + rng.integers(-2, 3, 4_000)
    >>> score[(dealer == 0) & (time >= np.datetime64("2026-04-01"))] += 2.0
    >>> r = onset(score, dealer, time)
    >>> print(f"{r.details['onset'][0]}, p = {r.p_value[0]:.0e}, {r.effect[0]:.2f} ± {r.std_error[0]:.2f}")
    2026-04-01, p = 5e-03, 2.06 ± 0.29
    """
    _checks.level(level)
    k = _checks.number(allowance, "allowance", low=0.0)
    chance = _checks.number(false_alarm, "false_alarm", low=0.0, high=0.5, open_low=True)
    y = outcome(score, top)
    dealers = dealers_of(dealer, length=y.size)
    moment = moments(time, "time", length=y.size)
    adjusted = adjust_for_case_mix(y, x, dealers.code, dealers.count).scores
    rows = np.flatnonzero(~np.isnat(moment))
    rows = rows[np.lexsort((moment[rows], dealers.code[rows]))]
    paths = _without_season(adjusted[rows], dealers.code[rows], moment[rows], dealers.count)
    rounds = draws_needed(dealers) if draws is None else _checks.whole(draws, "draws", low=2)
    drawn, wander = _drawn(paths, k, rounds, np.random.default_rng(_checks.whole_seed(seed, "seed")))
    return _found(paths, drawn, wander, k, chance, rows, adjusted, y == y.max(), moment, dealers, level)


def _without_season(score: Floats, dealer: npt.NDArray[np.intp], moment: Moments, dealers: int) -> Paths:
    """Scores less what the season does to the other dealers; near the top of the scale they spread less, which is seasonal too."""
    raw = Paths.of(score, dealer, moment, dealers)
    season, seasons = raw.seasons()
    cell = dealer * seasons + season
    own, network = (
        [np.bincount(code, weight, minlength=size) for weight in (raw.z, np.ones(score.size))]
        for code, size in ((cell, dealers * seasons), (season, seasons))
    )
    others = (network[0][season] - own[0][cell]) / np.maximum(network[1][season] - own[1][cell], 1.0)
    square = np.bincount(season, (raw.z - others) ** 2, minlength=seasons) / np.maximum(network[1], 1.0)
    scale = np.sqrt(np.where(square > 0, square, 1.0))
    return Paths.of(score - raw.spread[dealer] * others, dealer, moment, dealers, scale=scale[season])


def _drawn(paths: Paths, k: float, rounds: int, rng: np.random.Generator) -> tuple[Floats, dict[str, float]]:
    """Largest C_t of honest dealers, (rounds, D): answers in random order that wander as honest dealers do, and how far that is."""
    rise, variance = paths.halves()
    known = np.isfinite(rise) & (paths.spread > 0)
    if known.sum() < FEWEST:
        return np.stack([paths.drawn(rng, 0.0).highest(k) for _ in range(rounds)]), {}
    null = fit_null(rise[known], variance[known])
    wander = rng.choice(null.spreads, rounds, p=null.chances)
    return np.stack([paths.drawn(rng, each).highest(k) for each in wander]), {"wander": null.spread, "wander_error": null.spread_error}


def _found(
    paths: Paths, drawn: Floats, wander: dict[str, float], k: float, chance: float, rows: npt.NDArray[np.intp], adjusted: Floats,
    marks: Flags, moment: Moments, dealers: Dealers, level: float,
) -> Signal:
    moving = paths.spread > 0
    speaks = (paths.n >= _FEWEST) & (paths.moments > 1) & moving
    height, p_value, limit = paths.highest(k), np.full(dealers.count, np.nan), np.full(dealers.count, np.inf)
    if speaks.any():
        p_value[speaks] = pooled_p(height[speaks], drawn[:, speaks], paths.n[speaks])
        limit[speaks] = pooled_quantile(1.0 - chance, drawn[:, speaks], paths.n[speaks])
    alarms, first = paths.alarms(k, limit)
    found = change_points(paths, level)
    told = (alarms > 0) & speaks
    days = _days(found, first, told, moment[rows])
    late = np.zeros(moment.size, bool)
    late[rows] = np.arange(rows.size) >= np.where(told, found.best, rows.size)[paths.dealer]
    return signal(
        "onset", dealers, n=paths.n, effect=found.rise, std_error=found.error, statistic=height, p_value=p_value, level=level,
        unit="points",
        abstains={
            "no_times": paths.n == 0, "few_responses": (paths.n < _FEWEST) | (paths.moments < 2), "constant_scores": ~moving,
        },
        details={"alarms": alarms, **days, "limit": limit}, null=wander,
        evidence=least_expected(adjusted, dealers.code, late & marks),
    )


def _days(found: ChangePoints, first: npt.NDArray[np.intp], told: Flags, moment: Moments) -> dict[str, npt.NDArray[Any]]:
    """Onset, its limits and the first alarm as days; NaT where there was no alarm."""
    places = {"onset": found.best, "onset_low": found.low, "onset_high": found.high, "first_alarm": first}
    days = np.append(moment.astype("datetime64[D]"), np.datetime64("NaT", "D"))
    return {name: days[np.where(told, place, moment.size)] for name, place in places.items()}
