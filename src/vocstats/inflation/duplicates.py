"""Near-duplicates: forms of a dealer with the same answers to all items, or all but one or two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._checks import Floats, Integers
from ..errors import InputError
from .answer_patterns import Comparison, comparisons, item_shares
from .resampled_null import draws_needed, honest_p, log_excess
from .signal_result import Dealers, Signal, dealers_of, signal

_FEWEST_ITEMS = 3
_CLASSES = 5
_EXCESS = 0.05  # blocks expected at an honest dealer for one to count as excess
_SUM = 0.8  # part of the error that goes to the sum over blocks, the rest to the most surprising one
_DECISIVE = 0.01  # blocks expected in the whole honest network


def near_duplicates(
    items: Any, dealer: npt.ArrayLike, *, channel: npt.ArrayLike | None = None, full_marks: float | None = None, differing: int = 1,
    draws: int | None = None, level: float = 0.95, seed: int = 0,
) -> Signal:
    """Forms with the same or nearly the same answers at one dealer, all-perfect forms left out.

    Forms of a dealer that agree in the items compared (all, or all but one or two) make a block. It surprises by its Poisson deviance

        g = m log(m / λ) - m + λ,    λ_dx = Σ_c n_dc P(x | c),    T_d = Σ_x g_dx  over blocks of m ≥ 2 forms,  m > λ

    P(x | c) is the chance of the pattern among forms of level class c elsewhere in the network; -log P is the score of a pair. T_d is held
    against networks whose dealers have exchanged forms within level class and channel, and against an empirical null for the habits of
    dealers: the larger p-value counts. A block of m forms, each of probability P, is expected at most

        E = F Σ_d P(Poisson(n_d P) ≥ m) / P

    times among F choices of the items compared; it is in excess where its dealer alone would have .05, and decisive where the whole
    network would have .01. The p-value is the smaller of p(T_d) / .8 and E / .2, E that of the dealer alone; the statistic is -log p.

    Parameters
    ----------
    items : array (n, K), mapping or dataframe
        Answers, at least three items; a missing answer counts as an answer of its own.
    dealer : array (n,)
        Dealer of each response.
    channel : array (n,), optional
        Forms are exchanged within a channel only.
    full_marks : float, optional
        Best answer to every item; None: the highest given to each.
    differing : int
        Items in which near-identical forms may differ: 0, 1 or 2.
    draws : int, optional
        Draws of the honest network; None: as many as make 10,000 over all dealers, 400 at most.
    level : float
        Confidence level; the effect is a count and has no limits.
    seed : int
        Seed of the draws.

    Returns
    -------
    Signal
        `n` counts the forms compared: answered and not all perfect; `effect` is the share of them in excess blocks. `details`: forms
        in the most surprising block (`block_forms`), such blocks expected in the network (`block_expected`), whether it is `decisive`,
        its `pair_score`, and the forms in all excess blocks (`forms`). Evidence: these forms, block by block.

    Raises
    ------
    InputError
        Bad arrays or options.

    References
    ----------
    Kuriakose & Robbins (2016), Stat. J. IAOS 32(3), for the rule of 85 % matches; Simmons, Mercer, Schwarzer & Kennedy (2016), Stat. J.
    IAOS 32(3), on its false alarms; Fellegi & Sunter (1969), JASA 64, for scores of pairs; Witten & Bell (1991), IEEE Trans. Inf.
    Theory 37(4), method C, for P(x | c).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> items, dealer = rng.integers(4, 11, (400, 6)), np.repeat(np.arange(20), 20)
    >>> items[:8] = items[0]
    >>> r = near_duplicates(items, dealer)
    >>> int(r.details["block_forms"][0]), bool(r.details["decisive"][0]), r.rows_of(0).tolist()
    (8, True, [0, 1, 2, 3, 4, 5, 6, 7])
    """
    _checks.level(level)
    columns = _checks.columns_of(items, "items")
    dealers = dealers_of(dealer, length=_length(columns))
    answers = np.column_stack([_checks.vector(column, name, length=dealers.code.size, missing=True) for name, column in columns.items()])
    pool = np.zeros(dealers.code.size, np.intp) if channel is None else _checks.factorize(channel, "channel", length=dealers.code.size)[0]
    if differing not in (0, 1, 2):
        raise InputError(
            f"differing must be 0, 1 or 2; got {differing!r}.", code="bad_differing", argument="differing", value=repr(differing)
        )
    best = np.nanmax(answers, axis=0, initial=-np.inf) if full_marks is None else _checks.number(full_marks, "full_marks")
    used = ~np.isnan(answers).all(axis=1) & ~(np.isnan(answers) | (answers >= best)).all(axis=1)
    few = answers.shape[1] < _FEWEST_ITEMS
    rows = np.flatnonzero(used & (not few))
    rounds = draws_needed(dealers) if draws is None else _checks.whole(draws, "draws", low=2)
    answers = answers[rows]
    search = _Search.of(answers, dealers.code[rows], pool[rows], dealers, differing)
    return _found(search, rows, search.draws(rounds, np.random.default_rng(_checks.whole_seed(seed, "seed"))), dealers, few, level)


def _length(columns: dict[str, Any]) -> int:
    if not columns:
        raise InputError("There are no items.", code="no_items", argument="items")
    return int(np.shape(next(iter(columns.values())))[0])


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """What is compared: forms by dealer, stratum of exchange and level class, and every choice of items."""

    dealer: Integers
    stratum: Integers
    by_class: Floats
    choices: list[Comparison]

    @classmethod
    def of(cls, answers: Floats, dealer: Integers, pool: Integers, dealers: Dealers, differing: int) -> _Search:
        level_class = _level_classes(answers)
        codes: Integers = np.zeros(answers.shape, np.int32)
        for item, column in enumerate(answers.T):
            codes[:, item] = np.unique(column, return_inverse=True)[1]
        classes = int(level_class.max(initial=0)) + 1
        by_class = np.bincount(dealer * classes + level_class, minlength=dealers.count * classes).reshape(-1, classes).astype(float)
        shares = item_shares(codes, level_class)
        choices = list(comparisons(codes, level_class, shares, differing)) if dealer.size else []
        return cls(dealer, pool * classes + level_class, by_class, choices)

    @property
    def forms(self) -> Floats:
        return np.asarray(self.by_class.sum(axis=1))

    def deviance(self, dealer: Integers) -> Floats:
        """Surprise of all blocks by dealer when form i stands at dealer[i], (D,): near-identical ones per choice of items."""
        total = np.zeros(self.by_class.shape[0])
        choices = np.bincount([choice.left_out for choice in self.choices])
        for choice in self.choices:
            blocks = choice.blocks(dealer, self.by_class)
            total += np.bincount(blocks.dealer, blocks.surprise, minlength=total.size) / choices[choice.left_out]
        return total

    def draws(self, rounds: int, rng: np.random.Generator) -> Floats:
        """`deviance` of the forms as they stand, and of `rounds` networks with forms exchanged, (1 + rounds, D)."""
        home = np.argsort(self.stratum, kind="stable")
        exchanged = np.empty_like(self.dealer)
        found = [self.deviance(self.dealer)]
        for _ in range(rounds):
            exchanged[home] = self.dealer[np.argsort(self.stratum + rng.random(self.dealer.size))]
            found.append(self.deviance(exchanged))
        return np.stack(found)


def _level_classes(answers: Floats) -> Integers:
    """Fifths of the forms by mean standardised answer, (n,)."""
    if not answers.size:
        return np.zeros(0, np.intp)
    known = ~np.isnan(answers)
    filled = np.where(known, answers, 0.0)
    number = np.maximum(known.sum(axis=0), 1)
    mean = filled.sum(axis=0) / number
    spread = np.sqrt((np.where(known, filled - mean, 0.0) ** 2).sum(axis=0) / number)
    place = np.where(known, filled - mean, 0.0) / np.where(spread > 0, spread, 1.0)
    standing = np.round(place.sum(axis=1) / known.sum(axis=1), 9)
    edges = np.unique(np.quantile(standing, np.arange(1, _CLASSES) / _CLASSES))
    return np.asarray(np.searchsorted(edges, standing, side="right"))


def _found(search: _Search, rows: Integers, deviance: Floats, dealers: Dealers, few: bool, level: float) -> Signal:
    forms, speaks = search.forms, (search.forms >= 2) & (dealers.count > 1)
    p_sum, honest = honest_p(log_excess(deviance), forms, speaks)
    habit = float(np.exp(max(0.0, honest.get("centre", 0.0) + 2.0 * honest.get("spread", 0.0))))
    block, least, evidence, weight = _excess(search, dealers.count, habit)
    p_value = np.minimum(np.minimum(p_sum / _SUM, least / (1.0 - _SUM)), 1.0)
    in_excess = np.bincount(search.dealer[evidence], minlength=dealers.count)
    everybody = np.ones(dealers.count, bool)
    return signal(
        "near_duplicates", dealers, n=forms, effect=in_excess / np.maximum(forms, 1.0), std_error=np.full(dealers.count, np.nan),
        statistic=-np.log(p_value), p_value=p_value, unit="share", level=level,
        abstains={"few_items": everybody & few, "one_dealer": everybody & (dealers.count == 1), "few_responses": forms < 2},
        details={**block, "forms": in_excess.astype(float)}, null=honest,
        evidence=rows[evidence], weight=weight,
    )


def _excess(search: _Search, dealers: int, habit: float) -> tuple[dict[str, npt.NDArray[Any]], Floats, Integers, Floats]:
    """The most surprising block of each dealer, its E there, the forms of all excess blocks and how surprising the best of each is.

    `habit` multiplies chances: a pattern may be so much commoner at an honest dealer than in the network.
    """
    best = {name: np.full(dealers, np.nan) for name in ("block_forms", "block_expected", "pair_score")}
    least, form_weight = np.full(dealers, np.inf), np.full(search.dealer.size, -np.inf)
    forms, choices = search.forms, len(search.choices)
    sizes, number = _binned(forms)
    for choice in search.choices:
        blocks = choice.blocks(search.dealer, search.by_class)
        chance = np.minimum(habit * blocks.chance, 1.0)
        own = choices * special.gammainc(blocks.size, forms[blocks.dealer] * chance) / chance
        kept = own < _EXCESS
        blocks, chance, own = blocks.where(kept), chance[kept], np.maximum(own[kept], 1e-300)
        if not own.size:
            continue
        expected = choices * (special.gammainc(blocks.size[:, None], sizes * chance[:, None]) @ number) / chance
        members, of = choice.members(search.dealer, blocks)
        np.maximum.at(form_weight, members, -np.log(own[of]))
        order = np.argsort(-own, kind="stable")
        order = order[own[order] < least[blocks.dealer[order]]]
        at = blocks.dealer[order]  # of several of a dealer the last, with the smallest expectation, stays
        least[at] = own[order]
        for name, value in (("block_forms", blocks.size), ("block_expected", expected), ("pair_score", -np.log(chance))):
            best[name][at] = value[order]
    evidence = np.flatnonzero(np.isfinite(form_weight))
    return {**best, "decisive": best["block_expected"] < _DECISIVE}, least, evidence, form_weight[evidence]


def _binned(forms: Floats) -> tuple[Floats, Floats]:
    """At most some sixty sizes that stand for those of all dealers, rounded up by 15 % or less, and how many dealers have each."""
    step = 1.15
    sizes, number = np.unique(np.ceil(np.log(forms[forms > 1]) / np.log(step)), return_counts=True)
    return step**sizes, number.astype(float)
