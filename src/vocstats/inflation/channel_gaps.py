"""Channel gap: dealers whose own invitations bring higher scores than independent ones, beyond what is usual."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .case_mix import adjust_for_case_mix, dealer_moments, least_expected, outcome
from .null import EmpiricalNull
from .null_signal import excess_signal
from .signal_result import Signal, dealers_of, own_responses


def channel_gap(
    score: npt.ArrayLike, dealer: Any, independent: npt.ArrayLike | None, *, x: Any = None, top: float | None = None,
    null: EmpiricalNull | None = None, level: float = 0.95,
) -> Signal:
    """Dealer-invited minus independently invited scores of the same dealer, adjusted for who was invited.

    With b the effects of the characteristics among independently invited responses of the same dealer, the gap is

        g_d = ȳ_d1 - ȳ_d0 - (x̄_d1 - x̄_d0)' b,    z_d = (g_d - g_0) / sqrt(v_d + ω²),    v_d = s_d² (1 / n_d1 + 1 / n_d0) + V_b

    s_d² the variance of all the dealer's answers, partly borrowed from the network: an honest dealer's answers are alike in both channels.
    The gap g_0 that is usual and its honest spread ω are fitted to the lower tail by `fit_null`; p-values allow for the skewness of a
    gap measured on a few answers. Each dealer is his own control, so that excellent dealers do not stand out.

    Parameters
    ----------
    score : array (n,)
        Score of each response.
    dealer : array (n,)
        Its dealer.
    independent : boolean array (n,), optional
        Whether somebody other than the dealer invited the customer (the manufacturer). None: not known, and the signal abstains.
    x : mapping, dataframe or array (n, p), optional
        Characteristics of the customer. Labels enter as indicators, numbers as they are.
    top : float, optional
        Count a score of at least this as 1, any other as 0: the effect is then a share. None: the mean score.
    null : EmpiricalNull, optional
        Usual gap and its spread from elsewhere; None: fitted to these dealers.
    level : float
        Confidence level.

    Returns
    -------
    Signal
        Its effect g_d - g_0 is the inflation of the dealer-invited responses; the standard error accounts for the error of measurement in
        each channel, ω, the uncertainty of g_0, and b. Evidence: dealer-invited top marks of customers who seldom give them. Abstains
        without channels (no_channel), with one of them (one_channel), with a single response in one (few_responses), where all scores of
        the network are equal (constant_scores), and with fewer than 20 dealers and no `null` (few_dealers).

    Raises
    ------
    InputError
        Bad arrays, missing scores or labels, or no responses.

    References
    ----------
    Hartman, Messana, Kang, Naik, Shearon & He (2024), Ann. Appl. Stat. 18(1), for the null; Pearson (1895) for the skew tail.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> dealer, independent = np.repeat(np.arange(100), 200), np.tile(np.arange(200) < 50, 100)
    >>> chance = np.where((dealer == 7) & ~independent, 0.95, 0.7)
    >>> r = channel_gap(np.where(rng.random(20_000) < chance, 10, 8), dealer, independent, top=9)
    >>> print(f"{r.effect[7]:.2f} ± {r.std_error[7]:.2f}, p = {r.p_value[7]:.0e}")
    0.26 ± 0.08, p = 1e-03
    """
    _checks.level(level)
    y = outcome(score, top)
    dealers = dealers_of(dealer, length=y.size)
    outside = ~own_responses(independent, y.size)
    adjusted = adjust_for_case_mix(y, x, dealers.code, dealers.count, rows=outside)
    both, own, other = (
        dealer_moments(adjusted.scores[rows], dealers.code[rows], dealers.count) for rows in (np.ones(y.size, bool), ~outside, outside)
    )
    mix = adjusted.variance(*(adjusted.means(dealers.code, dealers.count, rows) for rows in (~outside, outside)))
    with np.errstate(divide="ignore", invalid="ignore"):  # dealers without one channel
        variance = both.variance * (1.0 / own.n + 1.0 / other.n) + mix
        third = both.third * (1.0 / own.n**2 - 1.0 / other.n**2)
        error = own.variance / own.n + other.variance / other.n + mix
    fewer = np.minimum(own.n, other.n)
    return excess_signal(
        "channel_gap", dealers, effect=own.mean - other.mean, variance=variance, own_variance=error, third_moment=third,
        abstains={
            "no_channel": np.full(dealers.count, independent is None), "one_channel": fewer == 0, "few_responses": fewer < 2,
            "constant_scores": np.full(dealers.count, np.ptp(y) == 0),
        },
        null=null, n=both.n, unit="points" if top is None else "share", level=level,
        evidence=least_expected(adjusted.scores, dealers.code, (y == y.max()) & ~outside),
        details={"n_dealer": own.n, "n_independent": other.n, "dealer_level": own.mean, "independent_level": other.mean},
    )
