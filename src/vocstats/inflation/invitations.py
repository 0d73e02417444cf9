"""Invitation bias: customers who look dissatisfied are invited, reached or heard less often than the dealer's others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from ..results import Floats
from .case_mix import least_expected
from .chances import chances_elsewhere, named
from .invitation_stages import Stage, answer_chances, stage
from .outcomes import any_outcome, read_outcomes
from .signal_result import Dealers, Signal, dealers_of, signal

Flags = npt.NDArray[np.bool_]


def invitation_bias(
    dealer: Any, invited: npt.ArrayLike | None, *, reached: npt.ArrayLike | None = None, heard: npt.ArrayLike | None = None,
    x: Any = None, later: Any = None, score: npt.ArrayLike | None = None, drawn: npt.ArrayLike | None = None, low: float | None = None,
    dissatisfaction: npt.ArrayLike | None = None, level: float = 0.95,
) -> Signal:
    """Who of the visits on the service roster was not invited, not reached or not heard, by predicted dissatisfaction.

    g_i is predicted dissatisfaction in standard deviations. Of the n_d visits that come to a stage (invited, reached, heard) k_d drop out.
    Given k_d, and as if they were drawn by lot, the score of a conditional logistic regression of dropping out on g has mean 0 and moments

        U_d = Σ_out (g_i - ḡ_d),   V_d = k (n - k) S₂ / [n (n - 1)],   κ₃ = k (n - k) (n - 2k) S₃ / [n (n - 1) (n - 2)]

    with S_j = Σ (g_i - ḡ_d)ʲ over all n.

    β_d = U_d / V_d, the log odds of dropping out per standard deviation of g, is held against the honest network N(μ, 1 / V_d + ω²), fitted
    to the lower tail stage by stage. Given who comes to a stage, what happens there is a new draw, so that p = 1 - (1 - min p_s)^S.

    Parameters
    ----------
    dealer : array (n,)
        Dealer of each visit on the roster.
    invited, reached, heard : bool array (n,)
        Whether the customer was asked, got hold of, and answered; `reached` and `heard` may be left out. Without `invited` there is no
        roster, and the signal abstains.
    x : mapping, dataframe or array (n, p), optional
        What was known of the visit: repeat repair, waiting time, warranty. Labels enter as indicators, numbers as they are.
    later : bool array (n,), mapping or dataframe of them, optional
        What the customer did later: complaint, return, churn; missing where not known.
    score : array (n,), optional
        Scores of those heard, missing for the others: `dissatisfaction` is learned from them.
    drawn : bool array (n,), optional
        Visits that somebody else drew to be invited. Dissatisfaction is learned from those of them who were heard, and the dealer is not
        judged by them. None: it is learned from everybody heard, and where the dissatisfied are kept out less is seen.
    low : float, optional
        Scores below are dissatisfied; None: the median of the scores learned from.
    dissatisfaction : array (n,), optional
        Prediction of one's own, larger for the dissatisfied. None: the log odds of a score below `low` given x and `later`, by a logistic
        model of other dealers' visits; without scores the number of things done later.
    level : float
        Confidence level.

    Returns
    -------
    Signal
        Of the stage with the smallest p-value (`stage`): the effect is β_d - μ, its standard error accounts for chance, ω and the error
        of μ. Details: at that stage `left_out` and the mean g of those left out and kept (`risk_left_out`, `risk_kept`), their shares with
        something done later (`later_left_out`, `later_kept`); `log_odds_` and `p_` of each stage; the mean score of those heard,
        `ipw_score` weighted by one over the chance of an answer given g at this dealer, and their difference `implied_inflation`.
        Evidence: visits left out at that stage, those who look least satisfied first (50 a dealer). Abstains without roster (no_roster),
        where nothing predicts (no_prediction), where everybody or nobody dropped out at every stage (all_or_none), and with fewer than
        20 dealers (few_dealers).

    Raises
    ------
    InputError
        Bad arrays or labels, or no visits.

    References
    ----------
    Breslow & Day (1980), Statistical Methods in Cancer Research I, ch. 7 (conditional logistic score); Cochran (1977), Sampling Techniques,
    ch. 2; Hájek (1971) for the weighted mean.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> dealer, g = np.repeat(np.arange(60), 200), rng.normal(size=12_000)
    >>> invited = rng.random(12_000) < np.where((dealer == 7) & (g > 1), 0.4, 0.85)
    >>> r = invitation_bias(dealer, invited, dissatisfaction=g)
    >>> print(f"{r.effect[7]:.2f} ± {r.std_error[7]:.2f}, p = {r.p_value[7]:.0e}")
    0.66 ± 0.17, p = 6e-04
    """
    _checks.level(level)
    dealers = dealers_of(dealer)
    size = dealers.code.size
    asked, reach, answer, by_lot = (
        None if each is None else _checks.flags(each, name, length=size)
        for each, name in ((invited, "invited"), (reached, "reached"), (heard, "heard"), (drawn, "drawn"))
    )
    own = np.ones(size, bool) if by_lot is None else ~by_lot
    steps = [] if asked is None else [(n, f) for n, f in (("invited", asked), ("reached", reach), ("heard", answer)) if f is not None]
    given = None if score is None else _checks.vector(score, "score", length=size, missing=True)
    columns = read_outcomes(later, size, "later")
    g = _risk(dissatisfaction, x, columns, given, by_lot, low, dealers)
    stages = _stages(steps, own, g, dealers, level)
    return _signal(stages, own, g, given, columns, dealers, level, absent=asked is None)


def _risk(
    dissatisfaction: npt.ArrayLike | None, x: Any, later: dict[str, Floats], score: Floats | None, drawn: Flags | None, low: float | None,
    dealers: Dealers,
) -> Floats:
    """Predicted dissatisfaction with mean 0 and variance 1; all 0 where nothing predicts."""
    n = dealers.code.size
    if dissatisfaction is not None:
        return _standardised(_checks.squarable(_checks.vector(dissatisfaction, "dissatisfaction", length=n), "dissatisfaction"))
    learn = np.zeros(n, bool) if score is None else ~np.isnan(score) & (drawn if drawn is not None else np.ones(n, bool))
    if score is None or not learn.any() or (x is None and not later):
        return _standardised(sum((np.nan_to_num(each) for each in later.values()), np.zeros(n)))
    bound = float(np.median(score[learn])) if low is None else _checks.number(low, "low")
    did = {f"later_{name}": np.nan_to_num(each) for name, each in later.items()}
    unknown = {f"unknown_{name}": np.isnan(each) for name, each in later.items() if np.isnan(each).any()}
    dissatisfied = learn & (np.where(learn, score, bound) < bound)
    return _standardised(special.logit(chances_elsewhere(named(x, **did, **unknown), dissatisfied, learn, dealers)))


def _standardised(g: Floats) -> Floats:
    spread = float(g.std())
    return (g - g.mean()) / spread if spread > 1e-9 * max(float(np.abs(g).max()), 1e-300) else np.zeros_like(g)


def _stages(steps: Sequence[tuple[str, Flags]], own: Flags, g: Floats, dealers: Dealers, level: float) -> list[Stage]:
    """Each stage among those who came through the one before."""
    stages, at_risk = [], own
    for name, passed in steps:
        stages.append(stage(name, at_risk, ~passed, g, dealers, level))
        at_risk = at_risk & passed
    return stages


def _signal(
    stages: list[Stage], own: Flags, g: Floats, score: Floats | None, later: dict[str, Floats], dealers: Dealers, level: float, *,
    absent: bool,
) -> Signal:
    count = dealers.count
    p = np.array([each.p_value for each in stages]).reshape(-1, count)
    worst = np.argmin(np.where(np.isnan(p), 2.0, p), axis=0) if stages else np.zeros(count, np.intp)
    tried = (~np.isnan(p)).sum(axis=0)
    figures = np.array([_figures(each) for each in stages]).reshape(-1, 4, count)
    excess, error, z, dropped = (figures[worst, k, np.arange(count)] if stages else np.full(count, np.nan) for k in range(4))
    lowest = p[worst, np.arange(count)] if stages else np.full(count, np.nan)
    varied = np.isfinite(np.array([each.log_odds for each in stages]).reshape(-1, count)).any(axis=0)
    out, kept = _sides(stages, worst, dealers)
    details = {
        "stage": np.array([each.name for each in stages] or [""], object)[worst], "left_out": dropped,
        **_contrast("risk", g, out, kept, dealers), **_later(later, out, kept, dealers),
        **{f"log_odds_{each.name}": row[0] for each, row in zip(stages, figures, strict=True)},
        **{f"p_{each.name}": each.p_value for each in stages}, **_weighted_score(stages, own, g, score, dealers),
    }
    with np.errstate(divide="ignore"):
        together = -np.expm1(tried * np.log1p(-lowest))
    return signal(
        "invitation_bias", dealers, n=dealers.sums(own), effect=excess, std_error=error, statistic=z, p_value=together, unit="log_odds",
        abstains={
            "no_roster": np.full(count, absent), "no_prediction": np.full(count, not g.any()), "all_or_none": ~varied,
            "few_dealers": tried == 0,
        },
        details=details, null=_told(stages), evidence=least_expected(g, dealers.code, out), level=level,
    )


def _figures(of: Stage) -> list[Floats]:
    """Log odds beyond the honest centre, their standard error, the statistic, and how many dropped out."""
    if of.null is None:
        return [np.full(of.dropped.size, np.nan)] * 3 + [of.dropped]
    error = np.sqrt(of.variance + of.null.spread**2 + of.null.centre_error**2)
    return [of.log_odds - of.null.centre, error, of.null.statistic(of.log_odds, of.variance), of.dropped]


def _sides(stages: list[Stage], worst: npt.NDArray[np.intp], dealers: Dealers) -> tuple[Flags, Flags]:
    """Visits left out, and kept, at the stage that counts at their dealer."""
    out, kept = np.zeros(dealers.code.size, bool), np.zeros(dealers.code.size, bool)
    for k, each in enumerate(stages):
        here = (worst == k)[dealers.code] & each.at_risk
        out |= here & each.out
        kept |= here & ~each.out
    return out, kept


def _contrast(name: str, values: Floats, out: Flags, kept: Flags, dealers: Dealers) -> dict[str, Floats]:
    with np.errstate(invalid="ignore"):
        return {f"{name}_{side}": dealers.sums(rows * values) / dealers.sums(rows) for side, rows in (("left_out", out), ("kept", kept))}


def _later(later: dict[str, Floats], out: Flags, kept: Flags, dealers: Dealers) -> dict[str, Floats]:
    """Shares of those of whom it is known with something done later."""
    if not later:
        return {}
    followed, known = any_outcome(later, out.size)
    return _contrast("later", followed.astype(float), out & known, kept & known, dealers)


def _weighted_score(stages: list[Stage], own: Flags, g: Floats, score: Floats | None, dealers: Dealers) -> dict[str, Floats]:
    """Mean score of those the dealer had heard, raw and with one over the chance of an answer."""
    if score is None or not stages:
        return {}
    heard = own & ~np.isnan(score)
    code = dealers.code[own]
    chance = answer_chances(heard[own], g[own], Dealers(code=code, labels=dealers.labels))[heard[own]]
    group, y = code[heard[own]], score[heard]
    with np.errstate(invalid="ignore"):
        raw, weighted = (
            np.bincount(group, w * y, dealers.count) / np.bincount(group, w, dealers.count) for w in (np.ones(y.size), 1.0 / chance)
        )
    return {"score": raw, "ipw_score": weighted, "implied_inflation": raw - weighted}


def _told(stages: list[Stage]) -> dict[str, float]:
    nulls = {each.name: each.null for each in stages if each.null is not None}
    return {f"{key}_{name}": getattr(null, key) for name, null in nulls.items() for key in ("centre", "spread")}
