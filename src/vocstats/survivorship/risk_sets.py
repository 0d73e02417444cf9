"""Who was under observation when somebody left: risk sets of left-truncated, weighted, grouped durations, without loops over rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._checks import Floats, Integers
from .._numerics import sums_by
from ..errors import IdentificationError
from ..results import Flags


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spells:
    """Stretches of observation (entry, duration], one per row, each standing there `counts` times.

    Attributes
    ----------
    entry, duration : float array (n,)
        Minus infinity where a row was observed from the start.
    event : bool array (n,)
    weights, counts : float array (n,)
    group : int array (n,)
    groups : int
    cluster : int array (n,) or None
        None: every unit by itself.
    """

    entry: Floats
    duration: Floats
    event: Flags
    weights: Floats
    counts: Floats
    group: Integers
    groups: int
    cluster: Integers | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskSets:
    """The cells (group, time) in which somebody leaves, sorted, and where the rows stand among them.

    Positions count cells of all groups: with C a running sum over cells that starts with 0, what happens to a row of group g
    up to time t is C[position of t] - C[position of its entry]; the sums of the groups before cancel.

    Attributes
    ----------
    group : int array (cells,)
    points : float array
        All times of entry and exit, sorted; `keys` combines group and time.
    time, events, at_risk : float array (cells,)
        Mass c w of those who leave, and of those with entry < time <= duration.
    all_leave : bool array (cells,)
        Whether nobody at risk stays.
    first : int array (groups + 1,)
        Position of each group's first cell.
    entered, left_before, left : int array (n,)
        Position of each row's entry, just before its end, and of its end.
    """

    spells: Spells
    points: Floats
    keys: Integers
    group: Integers
    time: Floats
    events: Floats
    at_risk: Floats
    all_leave: Flags
    first: Integers
    entered: Integers
    left_before: Integers
    left: Integers

    def position(self, group: Integers, time: Floats) -> Integers:
        """Number of cells up to `time` in this group and the groups before."""
        rank = np.searchsorted(self.points, time, side="right") - 1
        return np.searchsorted(self.keys, group * self.points.size + rank, side="right")

    def mass_at_risk(self, group: Integers, time: Floats) -> Floats:
        """Mass of those with entry < time <= duration."""
        spells = self.spells
        before = group * self.points.size + np.searchsorted(self.points, time, side="left")
        entry, exit_ = (spells.group * self.points.size + np.searchsorted(self.points, edge) for edge in (spells.entry, spells.duration))
        return _mass_below(entry, exit_, spells.counts * spells.weights, before)

    def survival(self) -> Floats:
        """Product of 1 - d/n over the cells of the group so far, (cells,)."""
        stays = np.where(self.all_leave, 1.0, 1.0 - self.events / self.at_risk)
        alive = np.exp(self.within_group(np.log(stays)))
        return np.where(self.within_group(self.all_leave.astype(float)) > 0, 0.0, alive)

    def within_group(self, step: Floats) -> Floats:
        """Running sums over the cells of each group."""
        running = _running(step)
        return running[1:] - running[self.first[self.group]]

    def slopes(self, *, hazard: bool) -> tuple[Floats, Floats]:
        """What one unit at risk, and one that leaves, do to the cumulative hazard or to -log survival.

            hazard:    dH = (dN - Y d/n) / n            -log survival:   dN / (n - d) - Y d / (n (n - d))

        Returned are d/n² and 1/n, or d/(n (n - d)) and 1/(n - d).
        """
        stay = self.at_risk - (0.0 if hazard else self.events)
        possible = stay > 0 if hazard else ~self.all_leave
        leaving = np.divide(1.0, stay, out=np.zeros_like(stay), where=possible)
        return leaving * self.events / self.at_risk, leaving

    def influence(self, position: Integers) -> Floats:
        """Influence of a unit of each row, weight included, on -log survival of its own group at that group's position, (n,)."""
        exposed, leaving = self.slopes(hazard=False)
        running, spells = _running(exposed), self.spells
        end = position[spells.group]
        through = running[np.minimum(self.left, end)] - running[np.minimum(self.entered, end)]
        gone = spells.event & (self.left <= end)
        return np.asarray(spells.weights * (np.where(gone, np.append(0.0, leaving)[self.left], 0.0) - through))

    def leaving_share(self) -> Floats:
        """Share of the cohort that each unit who leaves in a cell stands for: S just before, over those at risk, (cells,)."""
        alive = self.survival()
        start = np.zeros(alive.size, bool)
        start[self.first[:-1][self.first[:-1] < alive.size]] = True
        return np.where(start, 1.0, np.concatenate([[1.0], alive[:-1]])) / self.at_risk

    def leaving_influence(self, change: Floats, position: Integers) -> Floats:
        """Influence of a unit of each row on Σ_u change_u log share_u, of cells up to its group's position, shares from `leaving_share`.

            Σ_v Y(v) {d_v/(n_v (n_v - d_v)) G(v) - change_v/n_v} - dN(v) G(v)/(n_v - d_v),   G(v) = Σ_{u > v} change_u

        `change` is 0 in cells beyond the positions.
        """
        exposed, leaving = self.slopes(hazard=False)
        spells, running = self.spells, self.within_group(change)
        last = np.append(0.0, running)[self.first[1:]] * (np.diff(self.first) > 0)
        later = last[self.group] - running
        through = _running(exposed * later - change / self.at_risk)
        end = position[spells.group]
        gone = spells.event & (self.left <= end)
        stayed = through[np.minimum(self.left, end)] - through[np.minimum(self.entered, end)]
        return np.asarray(spells.weights * (stayed - np.where(gone, np.append(0.0, leaving * later)[self.left], 0.0)))

    def robust(self, *, hazard: bool) -> Floats:
        """Infinitesimal jackknife variance in every cell of the cumulative hazard, or of -log survival, (cells,).

        A unit adds P + Q A with A the running sum of `slopes`: Q = -w while it is at risk, P constant between its entry and exit.
        Sums over a cluster change only there, so Σ (P + Q A)² = ΣP² + 2A ΣPQ + A² ΣQ² takes one sort of entries and exits.
        """
        exposed, leaving = self.slopes(hazard=hazard)
        running, spells = _running(exposed), self.spells
        weight = spells.weights if spells.cluster is None else spells.weights * spells.counts
        often = spells.counts if spells.cluster is None else (spells.counts > 0).astype(float)
        gone = np.where(spells.event, np.append(leaving, 0.0)[self.left_before], 0.0)
        rows = np.tile(np.flatnonzero(often > 0), 2)
        late = np.arange(rows.size) >= rows.size // 2
        position = np.where(late, self.left_before[rows], self.entered[rows])
        q = np.where(late, weight[rows], -weight[rows])
        p = weight[rows] * np.where(late, gone[rows] - running[self.left[rows]], running[self.entered[rows]])
        unit = rows if spells.cluster is None else spells.cluster[rows] * spells.groups + spells.group[rows]
        within = position < self.first[spells.group[rows] + 1]
        sums = _sums_of_squares(p[within], q[within], unit[within], position[within], often[rows[within]], self.time.size)
        pp, pq, qq = (self.within_group(column) for column in sums)
        a = running[1:]
        return np.maximum(pp + 2.0 * a * pq + a**2 * qq, 0.0)


def risk_sets(spells: Spells) -> RiskSets:
    """Cells, risk sets and positions of spells.

    Raises
    ------
    IdentificationError
        Nobody of a group is under observation for a while, and others come later.
    """
    points, rank = np.unique(np.concatenate([spells.entry, spells.duration]), return_inverse=True)
    entry, exit_ = (spells.group * points.size + part for part in np.split(rank.astype(np.int64), 2))
    mass, present = spells.counts * spells.weights, spells.counts * spells.weights > 0
    _refuse_gaps(entry[present], exit_[present], spells.event[present], points)
    leaves = spells.event & present
    keys, cell = np.unique(exit_[leaves], return_inverse=True)
    rows_at_risk = _mass_below(entry[present], exit_[present], np.ones(int(present.sum())), keys)
    group = keys // points.size
    return RiskSets(
        spells=spells, points=points, keys=keys, group=group, time=points[keys % points.size],
        events=sums_by(cell, mass[leaves], keys.size), at_risk=_mass_below(entry, exit_, mass, keys),
        all_leave=rows_at_risk == np.bincount(cell, minlength=keys.size),
        first=np.searchsorted(group, np.arange(spells.groups + 1)), entered=np.searchsorted(keys, entry, side="right"),
        left_before=np.searchsorted(keys, exit_, side="left"), left=np.searchsorted(keys, exit_, side="right"),
    )


def _running(step: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(step)])


def _mass_below(entry: Integers, exit_: Integers, mass: Floats, keys: Integers) -> Floats:
    """Mass of rows whose entry, but not whose exit, lies below each key: the groups before cancel."""
    edges = np.concatenate([entry, exit_])
    order = np.argsort(edges, kind="stable")
    return np.asarray(_running(np.concatenate([mass, -mass])[order])[np.searchsorted(edges[order], keys, side="left")])


def _sums_of_squares(
    p: Floats, q: Floats, unit: Integers, position: Integers, often: Floats, cells: int
) -> tuple[Floats, Floats, Floats]:
    """What Σ P², Σ PQ and Σ Q² over units change by in every cell, when p and q are what P and Q of a unit change by."""
    order = np.lexsort((position, unit))
    position, often = position[order], often[order]
    begins = np.flatnonzero(np.diff(unit[order], prepend=-1))
    repeat = np.diff(np.append(begins, order.size))
    before_p, before_q, after_p, after_q = (
        running[side] - np.repeat(running[begins], repeat)
        for side in (slice(None, -1), slice(1, None)) for running in (_running(p[order]), _running(q[order]))
    )
    changes = (after_p**2 - before_p**2, after_p * after_q - before_p * before_q, after_q**2 - before_q**2)
    pp, pq, qq = (sums_by(position, often * change, cells) for change in changes)
    return pp, pq, qq


def _refuse_gaps(entry: Integers, exit_: Integers, event: Flags, points: Floats) -> None:
    """Raise where a group's risk set is used up before its last row: its curve would be 0, or flat, for no reason."""
    ends = np.unique(exit_)
    after = _mass_below(entry, exit_, np.ones(entry.size), ends + 1)
    at = _mass_below(entry, exit_, np.ones(entry.size), ends)
    leavers = np.bincount(np.searchsorted(ends, exit_[event]), minlength=ends.size)
    last = np.append(np.diff(ends // points.size) > 0, True)
    gap = ((after == 0) | (leavers == at)) & ~last
    if gap.any():
        key = ends[gap].max()
        time, later = float(points[key % points.size]), float(points[entry[entry >= key].min() % points.size])
        raise IdentificationError(
            f"Nobody of a group is left under observation after time {time:g}, but others come under observation from {later:g} on: "
            f"what happens in between is not known. Ask for retention among those who reach {later:g}: start={later:g}.",
            code="risk_set_empty", argument="entry", levels=[time], time=time, later=later,
        )
