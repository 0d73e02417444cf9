"""Straight-lining: forms with the same answer to every question, short of full marks everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Integers
from .._numerics import sums_by
from ..results import Floats
from .count_excess import count_excess
from .null import EmpiricalNull
from .signal_result import Dealers, Signal, dealers_of, signal

_LEAST = 3  # items: of two, equal answers are common
_ROUNDS = 4
_SUSPICIOUS = 1.5  # robust deviations beyond which a dealer does not teach what is usual


def straightlining(
    items: Any, dealer: Any, *, top: float | None = None, null: EmpiricalNull | None = None, level: float = 0.95
) -> Signal:
    """Forms with the same answer to every question beyond those that honest customers of the same level hand in.

    How likely equal answers are depends on how content a customer is, the factor behind his answers. So forms are compared at the same
    rounded mean c: P_c is the share of straight ones in the network, learned without dealers that stand out. Forms with full marks
    everywhere, of which an honest dealer has many, are left out and counted apart. O_d straight forms of dealer d, of which the network
    would have E_d = Σ P_c with variance V_d = Σ P_c (1 - P_c), are held against honest dealers on the scale of square roots, in units of
    log odds:

        x_d = 2 (√(O_d + 3/8) - √(E_d + 3/8)) √E_d / V_d,   x_d ~ N(μ, 1 / V_d + ω²) at honest dealers (`fit_null`)
        p-value = ∫ P(X > O_d | x) + P(X = O_d | x) / 2 dN(x; μ, ω²),   X binomial with mean E_d and
        variance V_d at x = 0, its log odds moved by x

    where ω includes what is not known of μ and ω.

    Parameters
    ----------
    items : mapping, dataframe or array (n, k)
        Answers to three questions or more on one scale; forms with a missing answer are left out.
    dealer : array (n,)
        The dealer of each form.
    top : float, optional
        Full marks; None: the highest answer given.
    null : EmpiricalNull, optional
        The honest network of x, of an earlier period; None: fitted to the lower tail of these dealers.
    level : float
        Confidence level of the limits of the effect.

    Returns
    -------
    Signal
        The effect is the share of the forms in excess. Details: `forms`, `straight`, `expected` and `perfect`, the forms with
        full marks everywhere. Evidence: the straight forms, those at the rarest level first.

    Raises
    ------
    InputError
        Bad arrays or labels.

    References
    ----------
    Blasius & Thiessen (2015), Soc. Sci. Res. 52 (identical answers as a sign of filling in); Yan (2008), Encyclopedia of Survey
    Research Methods (straight-lining). The comparison at equal levels is ours.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(3)
    >>> dealer = np.repeat(np.arange(30), 100)
    >>> attitude = rng.normal(size=(dealer.size, 1))
    >>> items = np.clip(np.round(4 + attitude + 0.7 * rng.normal(size=(dealer.size, 4))), 1, 5)
    >>> items[700:730] = 4
    >>> r = straightlining(items, dealer)
    >>> int(np.argmin(r.p_value)), bool((r.details["straight"] - r.details["expected"])[7] > 20)
    (7, True)
    """
    _checks.level(level)
    columns = _checks.columns_of(items, "items")
    rows = len(next(iter(columns.values()))) if columns else None
    dealers = dealers_of(dealer, length=rows)
    answers = np.full((dealers.code.size, 0), np.nan)
    if columns:
        answers = np.column_stack([_checks.vector(column, name, length=rows, missing=True) for name, column in columns.items()])
    few = np.full(dealers.count, answers.shape[1] < _LEAST)
    return _told(_forms(answers, dealers, top), dealers, few, null, level)


@dataclass(frozen=True, slots=True, eq=False)
class _Forms:
    """Complete forms short of full marks everywhere: their rows, dealers, whether straight, and level; perfect ones by dealer."""

    rows: Integers
    dealer: Integers
    straight: npt.NDArray[np.bool_]
    level: Integers
    perfect: Floats


def _forms(answers: Floats, dealers: Dealers, top: float | None) -> _Forms:
    complete = ~np.isnan(answers).any(axis=1) & (answers.shape[1] >= _LEAST)
    low, high = (answers.min(axis=1, initial=np.inf), answers.max(axis=1, initial=-np.inf))
    best = float(high[complete].max(initial=-np.inf)) if top is None else _checks.number(top, "top")
    perfect = complete & (low >= best)
    rows = np.flatnonzero(complete & ~perfect)
    straight, of = low[rows] == high[rows], dealers.code[rows]
    _, class_of = np.unique(np.floor(answers[rows].mean(axis=1) + 0.5), return_inverse=True) if rows.size else (rows, rows)
    return _Forms(rows=rows, dealer=of, straight=straight, level=class_of.ravel(), perfect=dealers.sums(perfect * 1.0))


def _usual(forms: _Forms, table: Floats, seen: Floats) -> Floats:
    """Chance of a straight form at every level, from dealers that do not stand out; `table` counts forms by dealer and level."""
    straight = np.zeros_like(table)
    np.add.at(straight, (forms.dealer, forms.level), forms.straight)
    teaches = np.ones(len(table), bool)
    for _ in range(_ROUNDS):
        chance = (straight[teaches].sum(axis=0) + 0.5) / (table[teaches].sum(axis=0) + 1.0)
        z = (seen - table @ chance) / np.sqrt(np.maximum(table @ (chance * (1.0 - chance)), 1e-12))
        gap = z - np.median(z)
        teaches = gap <= _SUSPICIOUS * max(1.0, float(np.median(np.abs(gap))) / 0.6745)
    return np.asarray(chance)


def _told(forms: _Forms, dealers: Dealers, few_items: npt.NDArray[np.bool_], null: EmpiricalNull | None, level: float) -> Signal:
    """Counts against the honest network."""
    size = dealers.count
    table = np.zeros((size, int(forms.level.max(initial=0)) + 1))
    np.add.at(table, (forms.dealer, forms.level), 1.0)
    n, seen = table.sum(axis=1), sums_by(forms.dealer, np.asarray(forms.straight, float), size)
    speaks = n > 0
    chance = _usual(forms, table, seen) if speaks.any() else np.ones(1)
    expected, variance = (table @ each for each in (chance, chance * (1.0 - chance)))
    excess = count_excess(seen, expected, variance, speaks, null, level)
    size_of = np.maximum(n, 1.0)
    rows = np.flatnonzero(forms.straight)
    told = {"forms": n, "straight": seen, "expected": expected, "perfect": forms.perfect}
    return signal(
        "straightlining", dealers, n=n, effect=excess.effect / size_of, std_error=excess.std_error / size_of, statistic=excess.statistic,
        p_value=excess.p_value, unit="share", details=told,
        abstains={"few_items": few_items, "no_imperfect_forms": ~speaks, "few_dealers": np.full(size, excess.null is None)}, level=level,
        null=excess.told, evidence=forms.rows[rows], weight=-np.log(chance[forms.level[rows]]),
    )
