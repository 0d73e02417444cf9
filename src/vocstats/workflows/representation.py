"""Who speaks for whom: pools of the base, the answers that represent each, and the weights that make them do so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import Integers as Codes
from .._numerics import sums_by
from ..customer_base import Cells
from ..errors import ConvergenceError, InfeasibleError, InputError
from ..options import WeightingMethod
from ..results import Flags, Floats
from ..weighting import Weights, calibrate, poststratify, rake, trim
from .correction_records import Balance, WeightingStep
from .identified import Identified, Replaced, identify
from .pools import ACTIVE, ACTIVE_POOLS, ENGAGED, POOLS, SILENT, pools_of
from .question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """The cells of a base divided into pools, each represented by the answers heard in it.

    Attributes
    ----------
    pool : int array (cells,)
        Index into `POOLS` of the customers of each cell; -1 for those the other active pools represent (never invited).
    voices : int array (v,)
        Cells whose answers speak; the axis of `weights`, `codes` and of every array called "of the voices".
    weights : Weights
        On the voices; totals are ``sum(counts * values * y)``, in customers.
    codes : dict of int arrays (cells,)
        Auxiliary levels after merging, blocked by pool; what the weights were fitted on.
    size : Floats (cells,)
        Customers of each cell (counts times base weight).
    merged : tuple of str
        One line per merged level.
    identified : dict of Identified
        Pools that speak through an estimator of their own instead of through characteristics alone.
    """

    pool: Codes
    voices: Codes
    weights: Weights
    codes: dict[str, Codes]
    size: Floats
    merged: tuple[str, ...]
    identified: dict[int, Identified]

    @property
    def voice_pool(self) -> Codes:
        """Pool of each voice."""
        return self.pool[self.voices]


def represent(question: Question, cells: Cells, values: Floats) -> Representation:
    """Build the pools and the weights of those who speak for them, once, on the whole base; `values` are those of the statistic.

    Within each pool those heard are weighted to the pool's customers on the auxiliaries; where customers were never invited,
    the active ones are then weighted to all active customers. `trim` caps the weights. A pool with an estimator of its own gets
    that one's weights instead.
    """
    pool, speaks = pools_of(cells, follows=question.follows, pools_churned=question.pools_churned(cells))
    size = cells.counts * cells.base_weight
    voices = np.flatnonzero(speaks)
    if voices.size == 0:
        raise InputError(
            "Nobody who answered can speak for this base: every answer is missing. Check outcome= and missing_codes=.",
            code="nobody_heard", argument="answers",
        )
    base = cells.base_weight[voices]
    drawn_with = cells.selection_probability[voices]
    base = np.where(np.isnan(drawn_with), base, base / np.where(np.isnan(drawn_with), 1.0, drawn_with))
    auxiliaries, weighting, minimum = question.auxiliaries, question.weighting, question.minimum_cell
    weights, codes, merged = _fit_merging(cells, auxiliaries, weighting, pool, speaks, size, base, cells.counts[voices], minimum)
    uninvited = pool == -1
    if uninvited.any() and np.isin(pool[voices], ACTIVE_POOLS).any():
        whole = np.where(np.isin(pool, (-1, ENGAGED, SILENT)), ACTIVE, pool)
        weights, _, more = _fit_merging(cells, auxiliaries, weighting, whole, speaks, size, weights, None, minimum)
        merged += tuple(line for line in more if line not in merged)
    if question.trim is not None:
        weights = _trimmed(weights, question.trim, pool[voices])
    identified = identify(question, cells, pool, codes, values)
    for p, found in identified.items():
        weights = weights.followed_by(Replaced.by(str(question.method), weights, pool[voices] == p, found.weights[voices]))
    return Representation(pool=pool, voices=voices, weights=weights, codes=codes, size=size, merged=merged, identified=identified)


def _trimmed(weights: Weights, cap: float, groups: Codes) -> Weights:
    try:
        return trim(weights, upper=cap, relative_to=groups)
    except (InfeasibleError, ConvergenceError) as error:
        raise InfeasibleError(
            f"No weights of at most {cap:g} times their mean meet the margins of the auxiliaries. "
            "Raise trim, raise minimum_cell so that more levels are merged, or leave auxiliaries out.",
            code="trim_too_low", argument="trim", cap=cap,
        ) from error


def _fit_merging(
    cells: Cells,
    auxiliaries: Sequence[str],
    weighting: WeightingMethod,
    pool: Codes,
    speaks: Flags,
    size: Floats,
    base: Any,
    counts: Any,
    minimum: int,
) -> tuple[Weights, dict[str, Codes], tuple[str, ...]]:
    """Weight the voices; where the few heard in a pool cannot meet all its margins at once, merge more of its levels and try again."""
    voices = np.flatnonzero(speaks)
    needed = dict.fromkeys(np.unique(pool[voices]).tolist(), minimum)
    while True:
        codes, merged = _blocked_codes(cells, auxiliaries, pool, speaks, size, needed)
        try:
            return _fit(weighting, codes, pool, voices, size, base, counts), codes, merged
        except (InfeasibleError, ConvergenceError):
            refused = [p for p in needed if not _can_fit(weighting, codes, pool, voices, size, p, cells.counts, cells.base_weight)]
            if not refused or max(needed[p] for p in refused) > cells.counts[voices].sum():
                raise
            needed |= {p: 2 * needed[p] for p in refused}


def _can_fit(
    weighting: WeightingMethod, codes: dict[str, Codes], pool: Codes, voices: Codes, size: Floats, p: int, counts: Any, base: Floats
) -> bool:
    """Whether the voices of one pool can be weighted to its customers."""
    mine = voices[pool[voices] == p]
    inside = np.where(pool == p, pool, -1)
    try:
        _fit(weighting, codes, inside, mine, size, base[mine], counts[mine])
    except (InfeasibleError, ConvergenceError):
        return False
    return True


def _fit(
    weighting: WeightingMethod,
    codes: dict[str, Codes],
    pool: Codes,
    voices: Codes,
    size: Floats,
    base: Any,
    counts: Any,
) -> Weights:
    """One weighting of the voices to the customers of their pools; pools in which nobody speaks have no target."""
    heard_pools = np.unique(pool[voices])
    represented = np.isin(pool, heard_pools)
    margins, targets = {}, {}
    for name, code in (codes or {"pool": pool}).items():
        total = np.bincount(code[represented], weights=size[represented])
        levels = np.unique(code[represented])
        margins[name] = code[voices]
        targets[name] = dict(zip(levels.tolist(), total[levels].tolist(), strict=True))
    if weighting == "rake":
        return rake(margins, targets, base_weights=base, counts=counts)
    if weighting == "poststratify":
        crossed, totals = _crossed(codes or {"pool": pool}, voices, size, represented)
        return poststratify(crossed, totals, base_weights=base, counts=counts)
    columns = [(code[:, None] == np.array(list(targets[name]))) for name, code in margins.items()]
    totals_x = np.concatenate([list(target.values()) for target in targets.values()])
    return calibrate(np.hstack(columns).astype(float), totals_x, base_weights=base, counts=counts, distance="linear")


def _crossed(
    codes: dict[str, Codes],
    voices: Codes,
    size: Floats,
    represented: Flags,
) -> tuple[Codes, dict[int, float]]:
    table = np.column_stack(list(codes.values()))
    _, cell = np.unique(table, axis=0, return_inverse=True)
    cell = cell.ravel()
    totals = np.bincount(cell[represented], weights=size[represented])
    levels = np.unique(cell[represented])
    return cell[voices], dict(zip(levels.tolist(), totals[levels].tolist(), strict=True))


def _blocked_codes(
    cells: Cells,
    auxiliaries: Sequence[str],
    pool: Codes,
    speaks: Flags,
    size: Floats,
    minimum: Mapping[int, int],
) -> tuple[dict[str, Codes], tuple[str, ...]]:
    """Codes ``pool * levels + level`` of each auxiliary, thin levels merged with their neighbour within the pool."""
    blocked, lines = {}, []
    for name in auxiliaries:
        code, labels = cells.columns[name], cells.levels[name]
        width = len(labels)
        result = np.where(pool < 0, -1, pool * width + code)
        for p in np.unique(pool[speaks]):
            inside = pool == p
            if not (inside & ~speaks).any():
                continue
            people = sums_by(code[inside], size[inside], width)
            heard = sums_by(code[inside & speaks], cells.counts[inside & speaks].astype(float), width)
            target = merge_thin_levels(people, heard, minimum[int(p)])
            result[inside] = p * width + target[code[inside]]
            lines += [f"{POOLS[p]} / {name}: {labels[i]} -> {labels[t]}" for i, t in enumerate(target) if t != i and people[i] > 0]
        blocked[name] = result
    return blocked, tuple(lines)


def merge_thin_levels(people: Floats, heard: Floats, minimum: int) -> Codes:
    """Level each level is merged into: those with customers but fewer than `minimum` heard join a neighbour, thinnest first.

    Neighbours are those next in the order of the levels; of two, the one with fewer heard.
    """
    target = np.arange(people.size)
    alive = [int(i) for i in np.flatnonzero(people > 0)]
    count = heard.astype(float).copy()
    while len(alive) > 1:
        position = min(range(len(alive)), key=lambda k: (count[alive[k]], k))
        if count[alive[position]] >= minimum:
            break
        beside = [k for k in (position - 1, position + 1) if 0 <= k < len(alive)]
        into = alive[min(beside, key=lambda k: (count[alive[k]], k))]
        thin = alive.pop(position)
        target[target == thin] = into
        count[into] += count[thin]
    return target


def balance_of(cells: Cells, auxiliaries: Sequence[str], made: Representation) -> Balance | None:
    """Shares of each auxiliary level among the customers of a pool and among its voices, before and after weighting."""
    if not auxiliaries:
        return None
    rows: list[tuple[str, str, str, float, float, float, int]] = []
    pool = np.where(made.pool < 0, ACTIVE, made.pool)
    if (made.pool < 0).any():
        pool = np.where(np.isin(pool, (ENGAGED, SILENT)), ACTIVE, pool)
    voice_pool, weight = pool[made.voices], cells.counts[made.voices] * made.weights.values
    for p in np.unique(voice_pool):
        inside, voiced = pool == p, voice_pool == p
        for name in auxiliaries:
            width = len(cells.levels[name])
            code, voice_code = cells.columns[name][inside], cells.columns[name][made.voices][voiced]
            people = np.bincount(code, weights=made.size[inside], minlength=width)
            heard = np.bincount(voice_code, weights=cells.counts[made.voices][voiced], minlength=width)
            after = np.bincount(voice_code, weights=weight[voiced], minlength=width)
            rows += [
                (POOLS[p], name, str(label), people[i] / people.sum(), heard[i] / heard.sum(), after[i] / after.sum(), int(heard[i]))
                for i, label in enumerate(cells.levels[name])
                if people[i] > 0
            ]
    part, variable, level, target, before, after_share, heard_n = zip(*rows, strict=True)
    return Balance(
        part=part,
        variable=variable,
        level=level,
        target=np.array(target),
        before=np.array(before),
        after=np.array(after_share),
        heard=np.array(heard_n),
    )


def steps_of(made: Representation) -> tuple[WeightingStep, ...]:
    """The weight chain of the voices, step by step."""
    weights, lines = made.weights, []
    for k in range(len(weights.steps) + 1):
        value = weights.entering(k) if k < len(weights.steps) else weights.values
        n = float(weights.counts.sum())
        total = float(weights.counts @ value)
        square = float(weights.counts @ value**2)
        effect = n * square / total**2
        lines.append(
            WeightingStep(
                name="base" if k == 0 else weights.steps[k - 1].name,
                n=int(n),
                total=total,
                smallest=float(value.min()),
                largest=float(value.max()),
                cv=float(np.sqrt(max(effect - 1.0, 0.0))),
                design_effect=effect,
                effective_n=n / effect,
            )
        )
    return tuple(lines)
