"""Retention: the share of customers still there after a time, from durations of which many have not ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._numerics import normal_quantile
from ..errors import InputError, shown
from ..estimation.axis import crossed
from ..options import SurvivalVariance
from ..results import Floats, Labels, Result, frame, register
from .risk_sets import RiskSets, Spells, risk_sets

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 20


@register("survival_curve")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalCurve(Result):
    """Kaplan-Meier's survival and Nelson and Aalen's cumulative hazard at some times, of one group or several.

    Attributes
    ----------
    labels : {name: array (rows,)}
        Group of each row of the table; empty without groups.
    time : float array (rows,)
        Rising within a group, in the unit of the durations.
    at_risk, events : float array (rows,)
        Weight of those at risk just before the time, and of those who left since the row before.
    survival, std_error, conf_low, conf_high : float array (rows,)
        S(t) with log-log limits; NaN beyond the last observation. At 0 there is no standard error, at 0 and 1 there are no limits.
    hazard, hazard_std_error, hazard_low, hazard_high : float array (rows,)
        H(t) with limits symmetric in log H.
    variance : {"greenwood", "robust"}
        Whether rows are independent copies of customers (Greenwood, Aalen), or weighted or clustered (infinitesimal jackknife).
    level : float
        Confidence level of the limits.
    material : RiskSets or None
        What influence values are computed from; None after reading from a file.
    """

    labels: Labels
    time: Floats
    at_risk: Floats
    events: Floats
    survival: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    hazard: Floats
    hazard_std_error: Floats
    hazard_low: Floats
    hazard_high: Floats
    variance: SurvivalVariance
    level: float
    material: RiskSets | None = field(default=None, repr=False, metadata={"memory_only": True})

    def influence_at(self, time: float) -> Floats:
        """Influence of one unit of each row, its weight included, on its own group's survival at `time`, (n,).

        Parameters
        ----------
        time : float
            In the unit of the durations.

        Returns
        -------
        Floats (n,)
            0 where the survival is 0.

        Raises
        ------
        InputError
            The curve was read from a file.
        """
        if self.material is None:
            raise InputError(
                "This curve was read from a file, which holds no influence values. Compute it again from the durations.",
                code="no_influence", argument="curve",
            )
        groups = np.arange(self.material.spells.groups)
        position = self.material.position(groups, np.full(groups.size, float(time)))
        alive = _at(self.material.survival(), position, self.material.first[:-1], before=1.0)
        return -alive[self.material.spells.group] * self.material.influence(position)

    def to_frame(self) -> pd.DataFrame:
        """One row per group and time: labels, time, at_risk, events, survival and hazard with standard errors and limits."""
        columns = ("time", "at_risk", "events", *_SURVIVAL, *_HAZARD)
        return frame({**self.labels, **{name: getattr(self, name) for name in columns}})

    def tidy(self) -> pd.DataFrame:
        """Long form: term (survival, hazard), labels, time, estimate, std_error, conf_low, conf_high."""
        tables = []
        for term, names in (("survival", _SURVIVAL), ("hazard", _HAZARD)):
            numbers = dict(zip(("estimate", "std_error", "conf_low", "conf_high"), (getattr(self, name) for name in names), strict=True))
            tables.append({"term": np.full(self.time.size, term), **self.labels, "time": self.time, **numbers})
        return frame({name: np.concatenate([table[name] for table in tables]) for name in tables[0]})

    def summary(self, language: str = "en") -> str:
        """The first rows of the table, survival only."""
        table = self.to_frame()[[*self.labels, "time", "at_risk", "events", *_SURVIVAL]]
        lines = [table.head(_SHOWN).to_string(index=False, float_format=lambda value: f"{value:.6g}")]
        return "\n".join([*lines, f"... ({len(table)})"] if len(table) > _SHOWN else lines)


_SURVIVAL = ("survival", "std_error", "conf_low", "conf_high")
_HAZARD = ("hazard", "hazard_std_error", "hazard_low", "hazard_high")


def survival_curve(
    duration: npt.ArrayLike, event: npt.ArrayLike, *, entry: npt.ArrayLike | None = None, weights: npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None, clusters: npt.ArrayLike | None = None, by: Any = None, times: npt.ArrayLike | None = None,
    start: float | None = None, variance: SurvivalVariance | None = None, level: float = 0.95,
) -> SurvivalCurve:
    """Share of customers still there after a time: Kaplan and Meier's estimator, and Nelson and Aalen's cumulative hazard.

        S(t) = Π_{u <= t} (1 - d_u/n_u),   H(t) = Σ_{u <= t} d_u/n_u,   n_u = Σ c w 1{entry < u <= duration}

    Greenwood's variance of log S is Σ d/(n (n - d)), Aalen's of H is Σ d/n². The robust one is Σ_g (Σ_{i in g} c_i w_i z_i)² with z_i
    the derivative of log S or H to the weight of unit i.

    Parameters
    ----------
    duration : array of numbers (n,)
        Time from purchase to leaving, or to the last time the customer was seen.
    event : array of bool (n,)
        Whether he left then.
    entry : array of numbers (n,), optional
        Time from purchase to coming under observation, smaller than the duration: at risk from then on (left truncation). A
        CRM that lists those who were customers on its first day needs it. The curve is then about those who reach the first entry.
    weights : array (n,), optional
        Weights per unit, taken as given.
    counts : array (n,), optional
        How often a row stands there.
    clusters : array of labels (n,), optional
        Rows that are not independent of each other: dealers, or several rows of one customer.
    by : array of labels, or {name: array}, optional
        Groups with a curve each; several columns are crossed.
    times : array of numbers (k,), optional
        When to read the curves. None: whenever somebody left.
    start : float, optional
        Retention of those who reach this time; what happened before is left out.
    variance : {"greenwood", "robust"}, optional
        None: robust beside weights or clusters, Greenwood's otherwise.
    level : float
        Confidence level.

    Returns
    -------
    SurvivalCurve
        Rows by group and time.

    Raises
    ------
    InputError
        A duration does not exceed its entry or is negative, nobody is observed, Greenwood's variance beside clusters.
    IdentificationError
        With late entries, nobody of a group is observed for a while.

    References
    ----------
    Kaplan & Meier (1958), JASA 53; Aalen (1978), Ann. Stat. 6(4); Klein & Moeschberger (2003), Survival Analysis, secs. 4.2, 4.3 and 4.6
    (truncation); Therneau & Grambsch (2000), Modeling Survival Data, sec. 7.2 (infinitesimal jackknife).

    Examples
    --------
    >>> months = [3, 8, 8, 12, 20, 24]
    >>> r = survival_curve(months, [True, True, False, True, False, False])
    >>> [round(float(value), 3) for value in r.survival]
    [0.833, 0.667, 0.444]
    """
    _checks.level(level)
    chosen = variance or ("greenwood" if weights is None and clusters is None else "robust")
    _checks.choice(chosen, SurvivalVariance, "variance")
    if chosen == "greenwood" and clusters is not None:
        raise InputError(
            'Greenwood\'s variance takes rows as independent of each other. Leave clusters out, or choose variance="robust".',
            code="greenwood_with_clusters", argument="variance",
        )
    spells, labels = _spells(duration, event, entry, weights, counts, clusters, by, start)
    sets = risk_sets(spells)
    if times is None:
        group, time = sets.group, sets.time
    else:
        grid = np.unique(_checks.vector(times, "times"))
        group, time = np.repeat(np.arange(spells.groups), grid.size), np.tile(grid, spells.groups)
    return _table(sets, group, time, {name: column[group] for name, column in labels.items()}, chosen, level)


def _spells(
    duration: npt.ArrayLike, event: npt.ArrayLike, entry: npt.ArrayLike | None, weights: npt.ArrayLike | None, counts: npt.ArrayLike | None,
    clusters: npt.ArrayLike | None, by: Any, start: float | None,
) -> tuple[Spells, dict[str, npt.NDArray[Any]]]:
    """The arguments, checked; rows that ended by `start` carry no weight."""
    end = _checks.non_negative(duration, "duration")
    n = end.size
    begin = np.full(n, -np.inf) if entry is None else _checks.non_negative(entry, "entry", length=n)
    early = np.flatnonzero(begin >= end)
    if early.size:
        raise InputError(
            f"duration must exceed entry; it does not at rows {shown(early)}. Leave out who was never under observation.",
            code="entry_not_before_duration", argument="entry", rows=early,
        )
    weight, often = (
        np.ones(n) if value is None else _checks.non_negative(value, name, length=n)
        for value, name in ((weights, "weights"), (counts, "counts"))
    )
    left = _checks.flags(event, "event", length=n)
    cluster = None if clusters is None else _checks.factorize(clusters, "clusters", length=n)[0]
    codes, labels, groups = crossed(by, n)
    if start is not None:
        begin = np.maximum(begin, _checks.number(start, "start", low=0.0))
        often = np.where(end > begin, often, 0.0)
        begin = np.where(end > begin, begin, -np.inf)
    if not (weight * often).any():
        raise InputError(
            "Nobody with a positive weight is under observation. Check duration, weights and start.",
            code="nobody_observed", argument="duration",
        )
    spells = Spells(entry=begin, duration=end, event=left, weights=weight, counts=often, group=codes, groups=groups, cluster=cluster)
    return spells, labels


def _table(
    sets: RiskSets, group: npt.NDArray[Any], time: Floats, labels: Labels, variance: SurvivalVariance, level: float
) -> SurvivalCurve:
    """The curves read at rows of group and time."""
    position, first = sets.position(group, time), sets.first[group]
    known = time <= _last_seen(sets.spells)[group]
    survival = _at(sets.survival(), position, first, before=1.0)
    survival = np.where(known | (survival == 0), survival, np.nan)
    hazard = np.where(known, _at(sets.within_group(sets.events / sets.at_risk), position, first), np.nan)
    events = _at(sets.within_group(sets.events), position, first)
    log_error, hazard_error = (
        np.sqrt(np.where(known, _at(_variance(sets, variance, of_hazard), position, first), np.nan)) for of_hazard in (False, True)
    )
    z, inside = normal_quantile(level), np.where((survival > 0) & (survival < 1), survival, np.nan)
    width = np.exp(z * log_error / -np.log(inside))
    factor = np.exp(z * hazard_error / np.where(hazard > 0, hazard, np.nan))
    opened = np.diff(group, prepend=-1) > 0
    return SurvivalCurve(
        labels=labels, time=time, at_risk=sets.mass_at_risk(group, time), events=np.where(opened, events, np.diff(events, prepend=0.0)),
        survival=survival, std_error=np.where(survival > 0, survival * log_error, np.nan),
        conf_low=inside**width, conf_high=inside ** (1.0 / width),
        hazard=hazard, hazard_std_error=hazard_error, hazard_low=hazard / factor, hazard_high=hazard * factor,
        variance=variance, level=level, material=sets,
    )


def _variance(sets: RiskSets, variance: SurvivalVariance, hazard: bool) -> Floats:
    """Variance in every cell of the cumulative hazard, or of log survival."""
    return sets.robust(hazard=hazard) if variance == "robust" else sets.within_group(sets.slopes(hazard=hazard)[0])


def _at(column: Floats, position: npt.NDArray[Any], first: npt.NDArray[Any], *, before: float = 0.0) -> Floats:
    """A column of cells at positions, `before` where nobody of the group has left yet."""
    return np.where(position > first, np.append(before, column)[position], before)


def _last_seen(spells: Spells) -> Floats:
    last = np.full(spells.groups, -np.inf)
    present = spells.counts * spells.weights > 0
    np.maximum.at(last, spells.group[present], spells.duration[present])
    return last
