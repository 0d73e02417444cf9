"""Who speaks for whom at each tenure: those heard, weighted to the customers of their tenure band on what is known of everybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import Integers
from .._numerics import solve_symmetric, sums_by
from ..customer_base import GROUPS, Cells
from ..errors import ConvergenceError, InfeasibleError
from ..results import Flags, Floats
from ..weighting import Weights, rake
from ..weighting.chain import Step
from .pools import POOLS, pools_of
from .question import was_heard
from .representation import merge_thin_levels

_CHURNED = GROUPS.index("churned")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Voices:
    """Weights of those heard, on the axis of all cells.

    Attributes
    ----------
    weights : Weights
        0 where nobody speaks; those of a block add up to its customers.
    part : int array (cells,)
        Index into `POOLS` of the customers of each cell; -1: never invited, spoken for by the invited of their band.
    speaks : Flags (cells,)
    merged : tuple of str
        One line per merged level of an auxiliary.
    inverses : tuple of float arrays (p, p)
        Inverse bread of each step.
    """

    weights: Weights
    part: Integers
    speaks: Flags
    merged: tuple[str, ...]
    inverses: tuple[Floats, ...]

    def influence(self, slope: Floats, base_weight: Floats) -> Floats:
        """Influence of a unit of each cell on an estimate with the derivative `slope` to the mass of those heard.

        The customers that the weights reproduce are a draw as well: a unit adds what it does to those totals, x'B, whether heard or not.
        """
        weights, u, registry = self.weights, slope, np.zeros(slope.size)
        for k in reversed(range(len(weights.steps))):
            step = weights.steps[k]
            moved = self.inverses[k] @ (_columns(step, exact=True).T @ (weights.counts * weights.entering(k) * u))
            registry += _columns(step) @ moved
            u = step.factor * u + step.score() @ moved
        return np.asarray(weights.base * u + base_weight * registry)


def _columns(step: Step, *, exact: bool = False) -> Any:
    """The characteristics a step weights on, times the slope of its factor if `exact`."""
    return step.gradient(exact=exact)


def voices_of(cells: Cells, band: Integers, labels: Sequence[str], auxiliaries: Sequence[str], minimum: int) -> Voices:
    """Weight those heard to the customers of their block on the auxiliaries.

    Blocks are the active customers of a tenure band, apart for those who answered the survey and the silent where a follow-up was
    heard, and the churned, apart for those who had answered the survey. `band` is -1 beyond the last one.
    """
    part, speaks = pools_of(cells, follows=was_heard(cells, "follow_up"), pools_churned=False)
    size = cells.counts * cells.base_weight
    drawn = np.where(np.isnan(cells.selection_probability), 1.0, cells.selection_probability)
    base = np.where(speaks, cells.base_weight / drawn, 0.0)
    active = cells.group != _CHURNED
    bands = len(labels) + 1
    block = np.where(part < 0, -1, part * bands + np.where(active, band + 1, 0))
    weights, merged = _weighted(cells, block, speaks, size, auxiliaries, minimum, bands, labels, start=base)
    if (part < 0).any():
        whole = np.where(active, band + 1, block)
        weights, more = _weighted(cells, whole, speaks, size, auxiliaries, minimum, bands, labels, start=weights)
        merged += tuple(line for line in more if line not in merged)
    inverses = tuple(_inverse(step) for step in weights.steps)
    return Voices(weights=weights, part=part, speaks=speaks, merged=merged, inverses=inverses)


def _inverse(step: Step) -> Floats:
    bread: Any = step.bread(exact=True)
    bread = bread if isinstance(bread, np.ndarray) else bread.toarray()
    return solve_symmetric(bread, np.eye(len(bread)))


def _weighted(
    cells: Cells, block: Integers, speaks: Flags, size: Floats, auxiliaries: Sequence[str], minimum: int, bands: int, labels: Sequence[str],
    *, start: Floats | Weights,
) -> tuple[Weights, tuple[str, ...]]:
    """One raking of all blocks in which somebody speaks, thin levels merged within the block."""
    counts = None if isinstance(start, Weights) else cells.counts
    base = start.values if isinstance(start, Weights) else start
    codes = {name: np.full(block.size, -1) for name in (*auxiliaries, "block")}
    spoken_for = np.isin(block, block[speaks & (base > 0)]) & (block >= 0)
    codes["block"][spoken_for] = block[spoken_for]
    merged: list[str] = []
    for b in np.unique(block[spoken_for]).tolist():
        rows = np.flatnonzero(block == b)
        name = f"{POOLS[b // bands]} / {labels[b % bands - 1]}" if b % bands else POOLS[b // bands]
        for variable, found, line in _merged(cells, rows, base, speaks, size, auxiliaries, minimum):
            codes[variable][rows] = b * len(cells.levels[variable]) + found
            merged += [f"{name} / {variable}: {text}" for text in line]
    targets = {}
    for name, code in codes.items():
        levels, place = np.unique(code[spoken_for], return_inverse=True)
        totals = sums_by(place, size[spoken_for], levels.size)
        targets[name] = {level: total for level, total in zip(levels.tolist(), totals.tolist(), strict=True) if total > 0}
    if auxiliaries:
        del codes["block"], targets["block"]
    return rake(codes, targets, base_weights=start, counts=counts), tuple(merged)


def _merged(
    cells: Cells, rows: Integers, base: Floats, speaks: Flags, size: Floats, auxiliaries: Sequence[str], minimum: int
) -> Iterator[tuple[str, Integers, list[str]]]:
    """Codes of the auxiliaries within one block, levels merged until those heard can meet all margins at once."""
    heard = rows[speaks[rows] & (base[rows] > 0)]
    self_representing = heard.size == rows.size
    while True:
        found = {}
        for name in auxiliaries:
            code, width = cells.columns[name], len(cells.levels[name])
            people, spoken = sums_by(code[rows], size[rows], width), sums_by(code[heard], cells.counts[heard].astype(float), width)
            target = np.arange(width) if self_representing else merge_thin_levels(people, spoken, minimum)
            lines = [f"{cells.levels[name][i]} -> {cells.levels[name][t]}" for i, t in enumerate(target) if t != i and people[i] > 0]
            found[name] = (target[code], lines)
        if not found or minimum > cells.counts[heard].sum() or _feasible(found, rows, heard, base, size, cells.counts):
            break
        minimum *= 2
    for name, (code, lines) in found.items():
        yield name, code[rows], lines


def _feasible(
    found: dict[str, tuple[Integers, list[str]]], rows: Integers, heard: Integers, base: Floats, size: Floats, counts: Integers
) -> bool:
    targets = {}
    for name, (code, _) in found.items():
        totals = sums_by(code[rows], size[rows], int(code.max()) + 1)
        targets[name] = {level: total for level, total in enumerate(totals.tolist()) if total > 0}
    try:
        rake({name: code[heard] for name, (code, _) in found.items()}, targets, base_weights=base[heard], counts=counts[heard])
    except (InfeasibleError, ConvergenceError):
        return False
    return True
