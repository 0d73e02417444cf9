"""Outcome discordance: customers who gave full marks, and complained, came back with the same fault or left."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._numerics import sums_by
from ..results import Floats
from .chances import chances_elsewhere, named, spread_of_shares
from .null import FEWEST, EmpiricalNull, fit_null
from .poisson_binomial import poisson_binomial_tail
from .signal_result import Dealers, Signal, dealers_of, own_responses, signal

Flags = npt.NDArray[np.bool_]

_LEAST_EVENTS = 50  # outcomes among independent top marks, to learn from them alone


def outcome_discordance(
    score: npt.ArrayLike, dealer: Any, outcomes: Any, *, independent: npt.ArrayLike | None = None, x: Any = None,
    top: float | None = None, null: EmpiricalNull | None = None, level: float = 0.95,
) -> Signal:
    """More complaints, returns and churn among those who gave top marks than such marks leave elsewhere.

    Of the responses i with a score of `top` or more, p_i is the chance of any of the outcomes given score, characteristics and the level
    of the dealer in this channel (share of top marks, drawn towards the network's as far as it is chance): an honest dealer with
    satisfied customers has few complaints; one with as many top marks and dissatisfied customers has too many. The logistic model is
    learned from the independent top marks of other dealers, which their dealers have not touched. The number O_d at the dealer has mean
    E_d = Σ p_i and variance V_d = Σ p_i (1 - p_i), and exactly a Poisson-binomial distribution where the dealer is as p says. Its tail as
    a normal score, z_d = -Φ⁻¹(P(X > O_d) + P(X = O_d) / 2), is held against the honest network, where log odds differ from the model by
    N(μ, ω²) between dealers (μ: what the dealers' own channel usually adds):

        z_d ~ N(μ √V_d, 1 + ω² V_d)

    Parameters
    ----------
    score : array (n,)
        Score of each response.
    dealer : array (n,)
        Its dealer.
    outcomes : bool array (n,), mapping or dataframe of them
        What followed: complaint, return for the same fault, churn. Missing where not known; a response of which nothing is known to have
        happened and something is unknown stays out. None: the signal abstains.
    independent : bool array (n,), optional
        Whether somebody other than the dealer invited the customer. From such responses p is learned (from all, where fewer than 50
        outcomes followed them), and they are not counted. None: all are the dealer's, and p is the less honest the more dealers inflate.
    x : mapping, dataframe or array (n, p), optional
        Characteristics of the customer. Labels enter as indicators, numbers as they are.
    top : float, optional
        Lowest top mark; None: the second highest score given.
    null : EmpiricalNull, optional
        μ and ω from elsewhere; None: fitted to these dealers.
    level : float
        Confidence level.

    Returns
    -------
    Signal
        Its effect is the excess share of top marks followed by an outcome, (O_d - E_d - μ V_d) / n_d; the standard error accounts for
        chance and the honest spread. Details: `observed`, `expected` (E_d + μ V_d), and the number of each outcome. Evidence: the top
        marks followed by an outcome, least expected first. Abstains without outcomes (no_outcomes), without top marks of known outcome
        (no_top_marks), where nothing ever happened (outcome_never), and with fewer than 20 dealers and no `null` (few_dealers).

    Raises
    ------
    InputError
        Bad arrays, missing scores or labels, or no responses.

    References
    ----------
    Hong (2013), Comput. Stat. Data Anal. 59, for the Poisson-binomial distribution; Hartman, Messana, Kang, Naik, Shearon & He (2024), Ann.
    Appl. Stat. 18(1), for the null.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(2)
    >>> dealer = np.repeat(np.arange(100), 200)
    >>> complaint = rng.random(20_000) < np.where(dealer == 7, 0.12, 0.03)
    >>> r = outcome_discordance(rng.integers(8, 11, 20_000), dealer, {"complaint": complaint})
    >>> print(f"{r.details['observed'][7]:.0f} instead of {r.details['expected'][7]:.1f}, p = {r.p_value[7]:.0e}")
    21 instead of 3.6, p = 4e-07
    """
    _checks.level(level)
    y = _checks.vector(score, "score")
    dealers = dealers_of(dealer, length=y.size)
    columns = read_outcomes(outcomes, y.size, "outcomes")
    followed, known = any_outcome(columns, y.size)
    own = own_responses(independent, y.size)
    marks = y >= _top(y, top)
    high, tested = known & marks, known & marks & own
    p = _chances(y, x, marks, followed, high, own, dealers)
    code, chance = dealers.code[tested], p[tested]
    n, observed = dealers.sums(tested), dealers.sums(tested & followed)
    expected, variance = (sums_by(code, each, dealers.count) for each in (chance, chance * (1.0 - chance)))
    abstains = {
        "no_outcomes": np.full(dealers.count, not columns), "no_top_marks": n == 0,
        "outcome_never": np.full(dealers.count, not (high & followed).any()),
    }
    above, equal = poisson_binomial_tail(chance, code, observed.astype(np.intp))
    speaks = ~np.logical_or.reduce(list(abstains.values()))
    null = _null(above + equal / 2.0, variance, speaks, level) if null is None else null
    excess, error, z, p_value = _against(null, above, equal, observed - expected, variance)
    evidence = np.flatnonzero(tested & followed)
    with np.errstate(divide="ignore", invalid="ignore"):
        return signal(
            "outcome_discordance", dealers, n=n, effect=excess / n, std_error=error / n, statistic=z, p_value=p_value, unit="share",
            abstains={**abstains, "few_dealers": np.full(dealers.count, null is None)}, level=level, evidence=evidence,
            weight=1.0 - p[evidence], null={} if null is None else {"centre": null.centre, "spread": null.spread},
            details={"observed": observed, "expected": observed - excess, **_counts(columns, tested, dealers)},
        )


def read_outcomes(outcomes: Any, n: int, argument: str) -> dict[str, Floats]:
    """Columns of 0, 1 and NaN."""
    if outcomes is None:
        return {}
    columns = {}
    for name, column in _checks.named_columns(outcomes, argument).items():
        values = _checks.vector(column, f"{argument}[{name!r}]", length=n, missing=True)
        _checks.flags(values[~np.isnan(values)], f"{argument}[{name!r}]")
        columns[name] = values
    return columns


def any_outcome(columns: dict[str, Floats], n: int) -> tuple[Flags, Flags]:
    """Whether any outcome followed, and whether that is known."""
    followed, unknown = np.zeros(n, bool), np.full(n, not columns)
    for values in columns.values():
        followed |= values == 1.0
        unknown |= np.isnan(values)
    return followed, followed | ~unknown


def _top(y: Floats, top: float | None) -> float:
    if top is not None:
        return _checks.number(top, "top")
    return float(np.unique(y)[-2:][0]) if y.size else 0.0


def _chances(y: Floats, x: Any, marks: Flags, followed: Flags, high: Flags, own: Flags, dealers: Dealers) -> Floats:
    """p of every response, learned from independent top marks where they were followed by enough."""
    if not high.any():
        return np.zeros(y.size)
    level = np.where(own, *(_level(marks, rows, dealers)[dealers.code] for rows in (own, ~own)))
    elsewhere = high & ~own
    learn = elsewhere if (elsewhere & followed).sum() >= _LEAST_EVENTS else high
    return chances_elsewhere(named(x, score=y, level=level), followed, learn, dealers)


def _level(high: Flags, rows: Flags, dealers: Dealers) -> Floats:
    """Share of top marks in one channel, drawn towards the network's as far as it is chance, rounded to tenths of its spread."""
    n, k = dealers.sums(rows), dealers.sums(rows & high)
    mean = float(k.sum() / max(n.sum(), 1.0))
    share = np.divide(k, n, out=np.full(n.size, mean), where=n > 0)
    chance = mean * (1.0 - mean)
    spread = spread_of_shares(share, n, mean)
    if spread == 0.0:
        return np.full(n.size, mean)
    grain = np.sqrt(spread) / 10.0
    return np.asarray(grain * np.round((mean + (share - mean) * n * spread / (n * spread + chance)) / grain))


def _null(middle: Floats, variance: Floats, speaks: Flags, level: float) -> EmpiricalNull | None:
    """The honest network from normal scores of P(X > O) + P(X = O) / 2, which chance leaves around 0; None with too few dealers."""
    speaks = speaks & (variance > 0)
    if speaks.sum() < FEWEST:
        return None
    deviation = np.sqrt(variance[speaks])
    return fit_null(-special.ndtri(np.clip(middle[speaks], 1e-15, 1.0 - 1e-15)) / deviation, 1.0 / deviation**2, level=level)


def _against(null: EmpiricalNull | None, above: Floats, equal: Floats, excess: Floats, variance: Floats) -> list[Floats]:
    """Excess beyond the honest centre, its standard error, statistic and p-value; NaN without a null."""
    if null is None:
        return [np.full(excess.size, np.nan)] * 4
    v = np.maximum(variance, 1e-12)
    score = -special.ndtri(np.clip(above + equal / 2.0, 1e-300, 1.0 - 1e-15)) / np.sqrt(v)
    return [
        excess - null.centre * variance, np.sqrt(v + (null.spread * v) ** 2), null.statistic(score, 1.0 / v), null.p_values(score, 1.0 / v),
    ]


def _counts(columns: dict[str, Floats], tested: Flags, dealers: Dealers) -> dict[str, Floats]:
    return {f"observed_{name}": dealers.sums(tested & (values == 1.0)) for name, values in columns.items()}
