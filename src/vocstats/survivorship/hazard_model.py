"""The likelihood of leaving in discrete time, on cells of profile and interval: the design is never written out.

Parameters are one baseline α_j per interval and the effects b: η = α_j + x b in the cell of profile x and interval j.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse, special

from .._checks import Floats, Integers
from .._numerics import sums_by
from ..errors import IdentificationError, shown
from ..estimation.scoring import root
from ..options import HazardLink
from ..results import Flags
from ..weighting.distances import gram
from . import hazard_links as links
from .person_periods import Histories, Intervals, tables

_SURE = 1e-5  # a fitted hazard this close to 0 or 1 is either separation or one in a hundred thousand
_COLLINEAR = 1e-12  # share of a column's square that others leave over: six digits of the column


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HazardCells:
    """Cells with somebody at risk; the share of a cell that leaves is its outcome, its mass at risk comes with every call.

    Attributes
    ----------
    x : float array (profiles, p)
    profile, interval : int array (cells,)
    share : float array (cells,)
    names : tuple of str (intervals + p,)
    intervals : int
    link : {"logit", "cloglog"}
    """

    x: Floats
    profile: Integers
    interval: Integers
    share: Floats
    names: tuple[str, ...]
    intervals: int
    link: HazardLink

    def eta(self, parameters: Floats) -> Floats:
        """Linear predictor of the cells."""
        baseline, effects = np.split(parameters, [self.intervals])
        return np.asarray((self.x @ effects)[self.profile] + baseline[self.interval])

    def start(self, mass: Floats) -> Floats:
        """Baselines at the rates of the intervals, no effects."""
        at_risk, leave = (sums_by(self.interval, part, self.intervals) for part in (mass, mass * self.share))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.concatenate([links.predictor(leave / at_risk, self.link), np.zeros(self.x.shape[1])])

    def loss(self, parameters: Floats, mass: Floats) -> float:
        """Minus the log-likelihood."""
        with np.errstate(over="ignore", invalid="ignore"):
            c = links.cumulative(self.eta(parameters), self.link)
            value = -float(mass @ (special.xlogy(self.share, -np.expm1(-c)) - (1.0 - self.share) * c))
        return value if np.isfinite(value) else np.inf

    def equations(self, parameters: Floats, mass: Floats) -> tuple[Floats, Floats]:
        """Summed scores, (share c'/h - c') (1_j, x), and the sums of their absolute terms."""
        eta = self.eta(parameters)
        leaving, staying = mass * self.share * links.odds(eta, self.link), mass * links.slope(eta, self.link)
        return self._sums(leaving - staying, self.x), self._sums(leaving + staying, np.abs(self.x))

    def bread(self, parameters: Floats, mass: Floats) -> Floats:
        """Expected information."""
        return self._gram(mass * links.expected(self.eta(parameters), self.link))

    def observed(self, parameters: Floats, mass: Floats) -> Floats:
        """Observed information: minus the derivative of the summed scores."""
        return self._gram(mass * links.observed(self.eta(parameters), self.share, self.link))

    def extreme(self, parameters: Floats, mass: Floats) -> bool:
        """Whether a fitted hazard lies next to 0 or 1."""
        hazard = -np.expm1(-links.cumulative(self.eta(parameters)[mass > 0], self.link))
        return bool((hazard < _SURE).any() or (hazard > 1.0 - _SURE).any())

    def ordering(self) -> tuple[Floats, Floats]:
        """Cells nobody leaves below, cells everybody leaves above, others in between."""
        design = np.hstack([self.interval[:, None] == np.arange(self.intervals), self.x[self.profile]])
        return design, np.where(self.share == 1.0, 1.0, np.where(self.share == 0.0, -1.0, 0.0))

    def collinear(self, mass: Floats) -> list[str]:
        """Effects that intervals and the effects before them span among the cells at risk."""
        table = self._gram(mass)
        size = np.sqrt(np.maximum(np.diag(table), 1e-300))
        left = table / size[:, None] / size
        spanned = []
        for k in range(size.size):  # one elimination after the other: columns are told apart in their order
            pivot = left[k, k]
            if pivot <= _COLLINEAR:
                spanned.append(self.names[k])
                continue
            left = left - np.outer(left[:, k], left[k]) / pivot
        return spanned

    def _sums(self, values: Floats, x: Floats) -> Floats:
        baseline = sums_by(self.interval, values, self.intervals)
        return np.concatenate([baseline, sums_by(self.profile, values, len(x)) @ x])

    def _gram(self, weights: Floats) -> Floats:
        """Σ weights (1_j, x)(1_j, x)' from a table of intervals and profiles."""
        mixed = sparse.csr_array((weights, (self.interval, self.profile)), shape=(self.intervals, len(self.x))) @ self.x
        baseline = np.diag(sums_by(self.interval, weights, self.intervals))
        return np.block([[baseline, mixed], [mixed.T, gram(self.x, sums_by(self.profile, weights, len(self.x)))]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HazardFit:
    """A fitted model, and what it says of histories: scores, and -log survival with its derivative.

    Attributes
    ----------
    cells : HazardCells
    mass : float array (cells,)
    at_risk, events : float array (intervals,)
        Mass of person-periods at risk and of those who leave.
    parameters : float array (q,)
    """

    histories: Histories
    intervals: Intervals
    columns: Integers
    cells: HazardCells
    mass: Floats
    at_risk: Floats
    events: Floats
    parameters: Floats

    def score(self, rows: slice = slice(None)) -> Floats:
        """Score of a unit of some histories, (h, q)."""
        h, link = self.histories, self.cells.link
        eta = self._table()[h.profile[rows]]
        column = -self.intervals.overlap(h.entry[rows], h.duration[rows]) * links.slope(eta, link)
        left = np.flatnonzero(h.event[rows])
        where = self.intervals.holding(h.duration[rows][left])
        column[left, where] += links.odds(eta[left, where], link)
        return self._with_effects(column, rows)

    def cumulative_hazard(self) -> tuple[Floats, Floats]:
        """-log S(until | x) of each history, and its derivative, (h,) and (h, q)."""
        h, link = self.histories, self.cells.link
        table = self._table()
        periods = self.intervals.overlap(np.full(h.until.size, self.intervals.start), h.until)
        value = (periods * links.cumulative(table, link)[h.profile]).sum(axis=1)
        return value, self._with_effects(periods * links.slope(table, link)[h.profile], slice(None))

    def _table(self) -> Floats:
        """Linear predictor of every profile in every interval."""
        baseline, effects = np.split(self.parameters, [self.cells.intervals])
        return np.asarray((self.cells.x @ effects)[:, None] + baseline)

    def _with_effects(self, column: Floats, rows: slice) -> Floats:
        return np.hstack([column, column.sum(axis=1)[:, None] * self.cells.x[self.histories.profile[rows]]])


def fit_hazard(
    histories: Histories, intervals: Intervals, link: HazardLink, mass: Floats, *, columns: Integers | None = None,
    start: Floats | None = None,
) -> HazardFit:
    """Maximum likelihood on some of the columns (None: all); `mass` is by history.

    Raises
    ------
    IdentificationError
        An interval or a level nobody or everybody leaves in, effects that cannot be told apart, separation.
    """
    chosen = np.arange(histories.x.shape[1]) if columns is None else columns
    at_risk, events = tables(histories, intervals, mass)
    _refuse_still_intervals(intervals, at_risk.sum(axis=0), events.sum(axis=0))
    _refuse_still_levels(histories, chosen, at_risk.sum(axis=1), events.sum(axis=1))
    profile, interval = np.nonzero(at_risk)
    names = histories.coding.columns[1:]
    each = at_risk[profile, interval]
    cells = HazardCells(
        x=histories.x[:, chosen], profile=profile, interval=interval, share=events[profile, interval] / each,
        names=(*intervals.names, *(names[j] for j in chosen)), intervals=intervals.ends.size, link=link,
    )
    spanned = cells.collinear(each)
    if spanned:
        raise IdentificationError(
            f"{shown(spanned)} cannot be told apart from the periods and the other columns of x: it is constant, a combination of them, or "
            "its levels were never at risk in the same period. Leave it out, or merge levels or periods.",
            code="hazard_collinear", argument="x", levels=spanned,
        )
    return HazardFit(
        histories=histories, intervals=intervals, columns=chosen, cells=cells, mass=each, at_risk=at_risk.sum(axis=0),
        events=events.sum(axis=0), parameters=root(cells, each, start=start),
    )


def _refuse_still_intervals(intervals: Intervals, at_risk: Floats, events: Floats) -> None:
    """Raise where the baseline of an interval is infinite, or nobody is at risk."""
    if not events.any():
        raise IdentificationError(
            "Nobody left while under observation: there is no hazard to model, and nothing tells how many will leave.",
            code="nobody_left", argument="event",
        )
    bad = _still(at_risk, events)
    if bad.any():
        names = [name for name, flag in zip(intervals.names, bad, strict=True) if flag]
        remedy = intervals.ends[~bad][:-1].tolist()
        raise IdentificationError(
            f"In {shown(names)} nobody was at risk, nobody left or everybody did, so the baseline hazard there has no finite estimate. "
            f"Merge with neighbours, the hazard being constant over what is merged: baseline={remedy}.",
            code="period_without_estimate", argument="baseline", levels=names, remedy=str(remedy),
        )


def _refuse_still_levels(histories: Histories, columns: Integers, at_risk: Floats, events: Floats) -> None:
    """Raise where nobody, or everybody, with a level of a label variable leaves."""
    variables = histories.coding.variables[1:]
    for name, levels in histories.coding.levels.items():
        if levels is None or not any(variables[j] == name for j in columns):
            continue
        own = histories.levels(name)
        exposed, gone = (sums_by(own, part, len(levels)) for part in (at_risk, events))
        bad = _still(exposed, gone)
        if bad.any():
            named = [level for level, flag in zip(levels, bad, strict=True) if flag]
            raise IdentificationError(
                f"With x[{name!r}] = {shown(named)} nobody was at risk, nobody left or everybody did at once, so the effect is infinite. "
                "Merge levels or leave the column out.",
                code="level_without_estimate", argument="x", levels=named, column=name,
            )


def _still(at_risk: Floats, events: Floats) -> Flags:
    """Where no hazard between 0 and 1 fits."""
    return np.asarray((at_risk <= 0) | (events == 0) | (events >= at_risk * (1.0 - 1e-12)))
