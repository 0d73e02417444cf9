"""Item discordance: overall answers at full marks that the same form's answers to single questions do not bear out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._checks import Integers
from ..results import Floats
from .chances import Learned, chances_elsewhere, learn_elsewhere, named
from .null import FEWEST, EmpiricalNull, fit_null
from .signal_result import Dealers, Signal, dealers_of, own_responses, signal

Flags = npt.NDArray[np.bool_]

_ENOUGH = 2_000  # independent forms, to learn from them alone
_FEWEST = 2  # forms of a dealer
_LIFTED = 0.3  # share of forms lifted whatever their items say, for which the weights are best
_NUMBERS = 8  # classes of the share of items at full marks
_GRAIN = 20.0  # classes of the mean of items, and of the log odds of a level
_ROUNDS = 3
_SUSPICIOUS = 1.5  # robust deviations beyond which a dealer does not teach what is usual
_EDGE = 1e-6


def item_discordance(
    score: npt.ArrayLike, dealer: Any, items: Any, *, x: Any = None, top: float | None = None, independent: npt.ArrayLike | None = None,
    null: EmpiricalNull | None = None, level: float = 0.95,
) -> Signal:
    """Full marks overall beyond what the answers to the single questions of the same form make likely.

    Who begs for a ten, or gives something for it, gets it for the question that counts; the others keep something of what the customer
    thinks. e_i is the chance of a score of `top` or more given the items: the share at full marks and the mean of the others, in
    cells, then the characteristics and the level of the dealer's items. It is learned at other dealers, from independent forms, which
    their dealers have not touched. If a share c of the forms is lifted whatever the items say, the chance is c + (1 - c) e_i, and the
    most powerful weights are

        w_i = logit(c + (1 - c) e_i) - logit(e_i),   c = .3
        δ_d = Σ w_i (y_i - e_i) / Σ w_i e_i (1 - e_i),   v_d = Σ w_i² e_i (1 - e_i) / [Σ w_i e_i (1 - e_i)]²

    y_i is 1 at full marks, else 0. δ_d, a difference in log odds, is held against honest dealers N(μ, v_d + u_d + ω²), fitted to the lower
    tail (`fit_null`), with the skewness of its error. u_d is the variance of what e is wrong by at dealers like this one: it is learned
    from a sample of forms, of dealers of whom few are as good as the best (`Learned.level_variance`).

    Parameters
    ----------
    score : array (n,)
        Overall score of each form, what the KPI is made of.
    dealer : array (n,)
        Dealer of each form.
    items : mapping, dataframe or array (n, k)
        Answers to the single questions, each on any scale; missing where not answered. A form without any stays out.
    x : mapping, dataframe or array (n, p), optional
        Characteristics of the customer. Labels enter as indicators, numbers as they are.
    top : float, optional
        Lowest full mark of the score; None: the highest score given.
    independent : bool array (n,), optional
        Whether somebody other than the dealer invited the customer. e is learned from such forms, and they are not counted. None, or fewer
        than 2,000 such forms: it is learned from all forms, in rounds without the dealers that stand out.
    null : EmpiricalNull, optional
        Honest network of δ from elsewhere; None: fitted to these dealers.
    level : float
        Confidence level.

    Returns
    -------
    Signal
        Its effect is the share of forms lifted whatever the items say, Σ w_i (y_i - e_i) / Σ w_i (1 - e_i) less what is usual; the standard
        error accounts for chance, u, ω, and the uncertainty of μ. Details: `full_marks` and `expected` (Σ e_i), numbers of forms. Evidence:
        the full marks, those the items make least likely first. Abstains without items (no_items), with a single form (few_responses),
        where all or no scores reach `top` (constant_scores), and with fewer than 20 dealers and no `null` (few_dealers).

    Raises
    ------
    InputError
        Bad arrays, missing scores or labels, or no responses.

    References
    ----------
    Neyman & Pearson (1933), Phil. Trans. R. Soc. A 231, for the weights; Hartman, Messana, Kang, Naik, Shearon & He (2024), Ann. Appl.
    Stat. 18(1), for the null. The signal is ours.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> dealer = np.repeat(np.arange(60), 150)
    >>> content = rng.normal(size=(dealer.size, 1))
    >>> items = np.clip(np.round(8.5 + 1.2 * content + 0.8 * rng.normal(size=(dealer.size, 5))), 1, 10)
    >>> score = np.clip(np.round(8.5 + 1.2 * content[:, 0] + 0.8 * rng.normal(size=dealer.size)), 1, 10)
    >>> score[(dealer == 7) & (rng.random(dealer.size) < 0.3)] = 10
    >>> r = item_discordance(score, dealer, items)
    >>> print(f"{r.details['full_marks'][7]:.0f} instead of {r.details['expected'][7]:.1f}, p = {r.p_value[7]:.0e}")
    75 instead of 34.3, p = 2e-32
    """
    _checks.level(level)
    overall = _checks.vector(score, "score")
    dealers = dealers_of(dealer, length=overall.size)
    full = overall >= (overall.max(initial=0.0) if top is None else _checks.number(top, "top"))
    answers = _read_items(items, overall.size)
    complete = np.asarray(answers.known.any(axis=1), bool)
    own = complete & own_responses(independent, overall.size)
    n = dealers.sums(own)
    constant = not full[complete].any() or bool(full[complete].all())
    abstains = {
        "no_items": np.full(dealers.count, not complete.any()), "constant_scores": np.full(dealers.count, constant),
        "few_responses": n < _FEWEST,
    }
    speaks = ~np.logical_or.reduce(list(abstains.values()))
    learned = _learned(full, answers, x, dealers, own, complete, speaks) if speaks.any() else None
    return _told(full, learned, own, dealers, n, abstains, speaks, null, level)


@dataclass(frozen=True, slots=True, eq=False)
class _Items:
    """Answers from 0 to 1 (full marks) by question, (n, k), and which are known."""

    share: Floats
    known: Flags

    @property
    def full(self) -> Flags:
        """Answers at full marks, (n, k)."""
        return self.known & (self.share >= 1.0)


def _read_items(items: Any, size: int) -> _Items:
    columns = _checks.columns_of(items, "items")
    if not columns or not size:
        return _Items(np.zeros((size, 1)), np.zeros((size, 1), bool))
    values = np.column_stack([_checks.vector(column, name, length=size, missing=True) for name, column in columns.items()])
    known = ~np.isnan(values)
    low, high = (reach(np.where(known, values, fill), axis=0) for reach, fill in ((np.min, np.inf), (np.max, -np.inf)))
    varies = known & (high > low)
    return _Items(np.where(varies, values - low, 0.0) / np.where(high > low, high - low, 1.0), varies)


def _learned(full: Flags, items: _Items, x: Any, dealers: Dealers, own: Flags, complete: Flags, speaks: Flags) -> Learned:
    """e of every form, from independent forms or from dealers that do not stand out."""
    elsewhere = complete & ~own
    columns = _cells(items)
    more = _levels(items, own, elsewhere, dealers)
    if elsewhere.sum() >= _ENOUGH:
        return _chance(full, columns, more, x, elsewhere, dealers)
    teaches = np.ones(dealers.count, bool)
    for _ in range(_ROUNDS):
        learned = _chance(full, columns, more, x, complete & teaches[dealers.code], dealers)
        shift, variance, _ = _shift(full, learned.chance, own, dealers)
        z = shift[speaks] / np.sqrt(variance[speaks])
        gap = z - np.median(z)
        teaches[speaks] = gap <= _SUSPICIOUS * max(1.0, float(np.median(np.abs(gap))) / 0.6745)
    return learned


def _cells(items: _Items) -> dict[str, Any]:
    """Columns that say what the items are: cells by the share at full marks, the mean of the others, and whether all agree."""
    full, short = items.full, items.known & ~items.full
    answered = np.maximum(items.known.sum(axis=1), 1)
    share, mean = full.sum(axis=1) / answered, np.where(items.known, items.share, 0.0).sum(axis=1) / answered
    rest = np.where(short, items.share, 0.0).sum(axis=1) / np.maximum(short.sum(axis=1), 1)
    number = np.round(min(items.share.shape[1], _NUMBERS) * share).astype(np.intp)
    place = np.where(short.any(axis=1), np.round(_GRAIN * rest), _GRAIN + 1.0).astype(np.intp)
    agree = np.where(items.known, items.share, -np.inf).max(axis=1) == np.where(items.known, items.share, np.inf).min(axis=1)
    mean = np.round(2.0 * _GRAIN * mean) / (2.0 * _GRAIN)
    return {
        "cell": _labels((number * int(_GRAIN + 2.0) + place) * 2 + agree), "number": _labels(number), "mean": mean, "square": mean**2,
        "full": share == 1.0,
    }


def _labels(code: Integers) -> npt.NDArray[np.str_]:
    """Numbers as labels, no wider than they need, which enter as indicators."""
    levels, each = np.unique(code, return_inverse=True)
    return np.array([str(level) for level in levels.tolist()])[each]


def _levels(items: _Items, own: Flags, elsewhere: Flags, dealers: Dealers) -> Floats:
    """Log odds of full marks for an item at the dealer, in the channel of each form: drawn towards the network's as far as it is chance."""
    share = items.full.sum(axis=1) / np.maximum(items.known.sum(axis=1), 1)
    return np.where(elsewhere, *(_level(share, rows, dealers)[dealers.code] for rows in (elsewhere, own)))


def _level(share: Floats, rows: Flags, dealers: Dealers) -> Floats:
    n, total, square = (dealers.sums(np.where(rows, each, 0.0)) for each in (np.ones(share.size), share, share**2))
    if not n.any():
        return np.zeros(dealers.count)
    mean = float(total.sum() / n.sum())
    own = np.divide(total, n, out=np.full(n.size, mean), where=n > 0)
    within = float(square.sum() - n @ own**2) / max(float(n.sum() - (n > 0).sum()), 1.0)
    between = (float(n @ (own - mean) ** 2) - float((n > 0).sum() - 1) * within) / max(float(n.sum() - n @ n / n.sum()), 1e-9)
    drawn = mean + (own - mean) * n * max(between, 0.0) / np.maximum(n * max(between, 0.0) + within, 1e-12)
    return np.asarray(np.round(_GRAIN * special.logit(np.clip(drawn, 0.01, 0.99))) / _GRAIN)


def _chance(full: Flags, columns: dict[str, Any], level: Floats, x: Any, learn: Flags, dealers: Dealers) -> Learned:
    """By cells first; then by the characteristics and the level beside what the cells make of it."""
    by_cell = {name: column for name, column in columns.items() if name != "full"}
    odds = np.round(special.logit(np.clip(chances_elsewhere(by_cell, full, learn, dealers), _EDGE, 1.0 - _EDGE)), 3)
    level = level - float(level[learn].mean()) if learn.any() else level
    more = {"odds": odds, "level": level, "level_square": level**2, "level_at_full": np.where(columns["full"], level, 0.0)}
    learned = learn_elsewhere(named(x, **more), full, learn, dealers)
    return replace(learned, chance=np.clip(learned.chance, _EDGE, 1.0 - _EDGE))


def _weights(chance: Floats) -> Floats:
    return np.asarray(special.logit(_LIFTED + (1.0 - _LIFTED) * chance) - special.logit(chance))


def _shift(full: Flags, chance: Floats, own: Flags, dealers: Dealers) -> tuple[Floats, Floats, Floats]:
    """δ, its variance and third central moment by dealer."""
    w, spread = np.where(own, _weights(chance), 0.0), chance * (1.0 - chance)
    size = np.maximum(dealers.sums(w * spread), 1e-12)
    third = dealers.sums(w**3 * spread * (1.0 - 2.0 * chance)) / size**3
    return dealers.sums(w * (full - chance)) / size, np.maximum(dealers.sums(w**2 * spread), 1e-12) / size**2, third


def _told(
    full: Flags, learned: Learned | None, own: Flags, dealers: Dealers, n: Floats, abstains: dict[str, Flags], speaks: Flags,
    null: EmpiricalNull | None, level: float,
) -> Signal:
    chance = np.full(full.size, 0.5) if learned is None else learned.chance
    shift, variance, third = _shift(full, chance, own, dealers)
    w = np.where(own, _weights(chance), 0.0)
    counts = w * chance * (1.0 - chance)
    if learned is not None and (null is not None or speaks.sum() >= FEWEST):
        usual = null or fit_null(shift[speaks], variance[speaks], level=level)
        variance = variance + learned.level_variance(counts, usual.spread)
        null = null or fit_null(shift[speaks], variance[speaks], level=level)
    p = statistic = effect = error = np.full(dealers.count, np.nan)
    if null is not None:
        to_share = dealers.sums(counts) / np.maximum(dealers.sums(w * (1.0 - chance)), 1e-12)
        effect, statistic = (shift - null.centre) * to_share, null.statistic(shift, variance)
        error = np.sqrt(variance + null.spread**2 + null.centre_error**2) * to_share
        p = np.full(dealers.count, np.nan)
        p[speaks] = null.p_values(shift[speaks], variance[speaks], third_moment=third[speaks])
    rows = np.flatnonzero(own & full)
    return signal(
        "item_discordance", dealers, n=n, effect=effect, std_error=error, statistic=statistic, p_value=p, unit="share",
        abstains={**abstains, "few_dealers": np.full(dealers.count, null is None)}, level=level,
        details={"full_marks": dealers.sums(own & full), "expected": dealers.sums(np.where(own, chance, 0.0))},
        null={} if null is None else {key: getattr(null, key) for key in ("centre", "spread", "honest_share")},
        evidence=rows, weight=1.0 - chance[rows],
    )
