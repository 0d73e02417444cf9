"""Level excess: dealers who score higher than the spread of honest dealers explains."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .case_mix import adjust_for_case_mix, dealer_moments, least_expected, outcome
from .null import EmpiricalNull
from .null_signal import excess_signal
from .signal_result import Signal, dealers_of


def level_excess(
    score: npt.ArrayLike, dealer: Any, *, x: Any = None, top: float | None = None, null: EmpiricalNull | None = None, level: float = 0.95
) -> Signal:
    """How far a dealer's score, adjusted for his customers, lies above what honest dealers show.

    With b the effects of the characteristics within dealers, the adjusted level and its variance are

        l_d = ȳ_d - (x̄_d - x̄)' b,    v_d = s_d² / n_d + (x̄_d - x̄)' V(b) (x̄_d - x̄)

    s_d² the variance of the dealer's answers, partly borrowed from the network. The excess l_d - μ is held against the empirical null
    N(μ, v_d + ω²) of `fit_null`, with the skewness of the error of measurement.

    Parameters
    ----------
    score : array (n,)
        Score of each response.
    dealer : array (n,)
        Its dealer.
    x : mapping, dataframe or array (n, p), optional
        Characteristics of the customer. Labels enter as indicators, numbers as they are.
    top : float, optional
        Count a score of at least this as 1, any other as 0: the effect is then a share. None: the mean score.
    null : EmpiricalNull, optional
        Honest network from elsewhere; None: fitted to these dealers.
    level : float
        Confidence level.

    Returns
    -------
    Signal
        Its effect is the excess; the standard error accounts for the error of measurement, the honest spread, the centre of the honest
        network and b. Evidence: top marks of customers who seldom give them. Abstains with one response (few_responses), where all scores
        of the network are equal (constant_scores), and with fewer than 20 dealers and no `null` (few_dealers).

    Raises
    ------
    InputError
        Bad arrays, missing scores or labels, or no responses.

    References
    ----------
    Hartman, Messana, Kang, Naik, Shearon & He (2024), Ann. Appl. Stat. 18(1), for the null. Reach of any test that sees nothing but the
    level: docs/methods/inflation/levels.md.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> dealer = np.repeat(np.arange(100), 200)
    >>> honest = rng.normal(0.6, 0.03, 100)
    >>> honest[7] = 0.85
    >>> r = level_excess(np.where(rng.random(20_000) < honest[dealer], 10, 8), dealer, top=9)
    >>> print(f"{r.effect[7]:.2f} ± {r.std_error[7]:.2f}, p = {r.p_value[7]:.0e}")
    0.29 ± 0.05, p = 5e-06
    """
    _checks.level(level)
    y = outcome(score, top)
    dealers = dealers_of(dealer, length=y.size)
    adjusted = adjust_for_case_mix(y, x, dealers.code, dealers.count)
    moments = dealer_moments(adjusted.scores, dealers.code, dealers.count)
    means = adjusted.means(dealers.code, dealers.count, np.ones(y.size, bool))
    variance = moments.variance / moments.n + adjusted.variance(means, (moments.n / y.size) @ means)
    return excess_signal(
        "level_excess", dealers, effect=moments.mean, variance=variance, own_variance=variance, third_moment=moments.third / moments.n**2,
        abstains={"constant_scores": np.full(dealers.count, np.ptp(y) == 0), "few_responses": moments.n < 2},
        null=null, n=moments.n, unit="points" if top is None else "share", level=level,
        evidence=least_expected(adjusted.scores, dealers.code, y == y.max()),
        details={"adjusted_level": moments.mean, "raw_level": dealers.sums(y) / moments.n},
    )
