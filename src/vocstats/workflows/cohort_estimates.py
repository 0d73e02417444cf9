"""Satisfaction by tenure: as reported, of everybody who bought, and had nobody left, with what each rests on.

In the band of tenures (a, b], whole numbers u, with S the retention and L = 1 - mean of S over the band,

    naive               mean of the survey answers given at these tenures
    survivor_corrected  (1 - L) active + L churned,   churned = Σ w S(u-)/n_u g(u) y / Σ w S(u-)/n_u g(u)  over those who left,
                        g(u) the part of the band that comes at or after u;  L = Σ S(u-)/n_u g(u) over all who left
    had_nobody_left     Σ w y / S(t | x) / Σ w / S(t | x)  over those heard of the active

Every error is stacked: of retention, of both weighted means with their weights, and of S(t | x).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._checks import Floats
from .._numerics import exact_share_limits, sums_by, t_quantile
from ..customer_base import SOURCES
from ..errors import IdentificationError
from ..estimation import Design
from ..estimation.linearization import own_influence
from ..estimation.variance import Linearization, variance
from ..results import Flags
from ..survivorship import survival_curve
from ..survivorship.risk_sets import RiskSets
from .cohort_staying import Staying
from .cohort_tenures import Tenures
from .cohort_voices import Voices
from .parts import spread_of_one_more
from .pools import CHURNED_ANSWERED, CHURNED_REST, POOLS, SILENT

TERMS = ("naive", "survivor_corrected", "had_nobody_left")
FEW = 5
_CHURNED_POOLS = (CHURNED_ANSWERED, CHURNED_REST)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """An estimate with its variance, degrees of freedom, number of answers and effective number."""

    value: float
    variance: float = np.nan
    df: float = np.inf
    n: float = 0.0
    effective: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mean:
    """A mean of those heard of one part: value, influence of a unit of each cell, answers, effective answers, own variance."""

    value: float
    influence: Floats
    n: float
    effective: float
    own: float
    extra: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Everything the bands of one group of customers are estimated from; arrays are (cells,)."""

    tenures: Tenures
    voices: Voices
    y: Floats
    width: float
    curve: RiskSets | None
    staying: Staying
    edges: Floats

    @property
    def counts(self) -> Floats:
        """Customers of each cell."""
        return self.tenures.cells.counts.astype(float)

    def band(self, k: int) -> Flags:
        """Cells whose tenure lies in the band."""
        return np.asarray((self.tenures.duration > self.edges[k]) & (self.tenures.duration <= self.edges[k + 1]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """What was found in one band: the three terms, and what the second is made of."""

    terms: tuple[Figure, Figure, Figure]
    retention: float
    active: float
    churned: float
    n_churned: float
    customers: float
    left: float
    probability: float
    assumed: tuple[float, float]


def group_of(tenures: Tenures, voices: Voices, y: Floats, width: float, edges: Floats, staying: Staying) -> Group:
    """Retention of a group, None where nobody was under observation for a while."""
    cells = tenures.cells
    duration, entry = tenures.spans()
    try:
        curve = survival_curve(duration, tenures.event, entry=entry, counts=cells.counts, weights=cells.base_weight).material
    except IdentificationError:
        curve = None
    return Group(tenures=tenures, voices=voices, y=y, width=width, curve=curve, staying=staying, edges=edges)


def estimate_band(group: Group, k: int) -> Band:
    """The three terms of one band."""
    cells, inside = group.tenures.cells, group.band(k)
    active = inside & ~group.tenures.event
    customers = float((group.counts * cells.base_weight)[active].sum())
    spoken = _mean(group, active, np.ones(len(cells)))
    reason = _unheard(group, active, "active") if customers else "no_customers"
    lost = _leaving(group, k)
    left = group.tenures.event & (lost > 0)
    gone = _mean(group, left, lost, through_curve=True)
    why = reason or _unknown(group, left)
    retention = np.nan if group.curve is None or not customers else 1.0 - float(group.counts @ (cells.base_weight * lost))
    corrected = Figure(value=np.nan, reason=why) if why else _corrected(group, spoken, gone, lost)
    return Band(
        terms=(_naive(group, inside), corrected, _nobody_left(group, active, reason)),
        retention=retention, active=np.nan if reason else spoken.value,
        churned=np.nan if why or not left.any() else gone.value, n_churned=gone.n, customers=customers,
        left=float(group.counts[left].sum()), probability=_smallest(group, active),
        assumed=(_assumed(group, active, np.ones(len(cells))), (1.0 - retention) * _assumed(group, left, lost)),
    )


def _leaving(group: Group, k: int) -> Floats:
    """Share of everybody who bought that each of those who left stands for in this band, per unit of base weight."""
    if group.curve is None:
        return np.zeros(len(group.y))
    low, high = group.edges[k], min(group.edges[k + 1], group.tenures.duration.max())
    part = np.clip((high - group.tenures.duration + 1.0) / max(high - low, 1.0), 0.0, 1.0)
    share = np.append(0.0, group.curve.leaving_share())[group.curve.left]
    return np.where(group.tenures.event, share * part, 0.0)


def _mean(group: Group, who: Flags, factor: Floats, *, through_curve: bool = False) -> Mean:
    """Weighted mean over those heard among `who`, its influence through the weights and, of leavers, through their shares."""
    weights, counts = group.voices.weights, group.counts
    mass = np.where(who, weights.values * factor, 0.0)
    total, n = float(counts @ mass), float(counts[mass > 0].sum())
    if not total > 0:
        return Mean(value=np.nan, influence=np.zeros(counts.size), n=0.0, effective=0.0, own=0.0, extra=0.0)
    y = np.where(mass > 0, group.y, 0.0)
    value = float(counts @ (mass * y)) / total
    apart = np.where(mass > 0, y - value, 0.0)
    influence = group.voices.influence(np.where(mass > 0, factor * apart, 0.0) / total, group.tenures.cells.base_weight)
    influence = influence * np.where(mass > 0, np.sqrt(n / max(n - 1.0, 1.0)), 1.0)
    own = float(counts @ (np.where(mass > 0, influence, 0.0) ** 2))
    if through_curve:
        influence = influence + _through_curve(group, mass * apart / total)
    effective = total**2 / float(counts @ mass**2)
    equal = float(counts @ (mass * apart**2)) / total <= 1e-12 * group.width**2
    extra = float(spread_of_one_more(effective, group.width)) / effective if equal else 0.0
    return Mean(value=value, influence=influence, n=n, effective=effective, own=own + extra, extra=extra)


def _through_curve(group: Group, change: Floats) -> Floats:
    """Influence of a unit of each cell on Σ counts change log share, shares being those of `_leaving`."""
    curve = group.curve
    assert curve is not None
    left = group.tenures.event & (group.counts > 0)
    moved = sums_by(curve.left[left] - 1, (group.counts * change)[left], curve.time.size)
    return curve.leaving_influence(moved, np.array([curve.time.size]))


def _corrected(group: Group, active: Mean, churned: Mean, lost: Floats) -> Figure:
    """Everybody who bought: those still there and those who left."""
    base_weight = group.tenures.cells.base_weight
    share = float(group.counts @ (base_weight * lost))
    apart = churned.value - active.value if share > 0 else 0.0
    gone = base_weight * lost
    change = gone + _through_curve(group, gone)
    influence = (1 - share) * active.influence + share * churned.influence + apart * change
    pieces = ((1 - share) ** 2 * active.own, active.effective), (share**2 * churned.own, churned.effective)
    total = _variance(group, influence) + (1 - share) ** 2 * active.extra + share**2 * churned.extra
    return Figure(
        value=active.value + share * apart, variance=total, df=_freedom(total, pieces), n=active.n + churned.n,
        effective=active.effective + churned.effective,
    )


def _nobody_left(group: Group, active: Flags, reason: str) -> Figure:
    """The active, each for those like him who would be there had nobody left."""
    staying = group.staying
    if reason or staying.reason:
        return Figure(value=np.nan, reason=reason or staying.reason)
    heard = active & (group.voices.weights.values > 0)
    if (staying.probability[heard] <= 0).any():
        return Figure(value=np.nan, reason="nobody_stays")
    inverse = np.where(heard, 1.0 / np.where(heard, staying.probability, 1.0), 0.0)
    mean = _mean(group, active, inverse)
    mass = np.where(heard, group.voices.weights.values * inverse, 0.0)
    total = float(group.counts @ mass)
    slope = np.where(heard, mass * (group.y - mean.value) / total, 0.0)
    influence = mean.influence + staying.influence(slope)
    var = _variance(group, influence) + mean.extra
    return Figure(
        value=mean.value, variance=var, df=_freedom(var, ((mean.own, mean.effective),)), n=mean.n, effective=mean.effective
    )


def _assumed(group: Group, who: Flags, mass: Floats) -> float:
    """Share of customers, each counted by `mass`, for whom no answer and no documented random draw speaks, only an assumption."""
    cells, heard = group.tenures.cells, group.voices.weights.values > 0
    size = group.counts * cells.base_weight * np.where(who, mass, 0.0)
    unheard = np.where(heard, 0.0, size)
    for name, source in ((SILENT, "follow_up"), (CHURNED_REST, "exit_interview")):
        mine = who & (group.voices.part == name)
        drawn, answered = size[mine & cells.drawn].sum(), size[mine & heard].sum()
        if cells.documented.get(source) and drawn > 0:
            unheard[mine] = size[mine] * (1.0 - answered / drawn)
    return float(unheard.sum() / size.sum()) if size.sum() > 0 else 0.0


def _smallest(group: Group, active: Flags) -> float:
    """Smallest probability of still being a customer among those heard of the active."""
    heard = active & (group.voices.weights.values > 0)
    return float(group.staying.probability[heard].min()) if heard.any() and not group.staying.reason else np.nan


def _naive(group: Group, inside: Flags) -> Figure:
    """The plain mean of the survey answers, with the variance anyone would report."""
    answered = inside & (group.tenures.cells.source == SOURCES.index("survey"))
    counts, y = group.counts[answered], group.y[answered]
    n = float(counts.sum())
    if not n:
        return Figure(value=np.nan, reason="nobody_answered")
    mean = float(counts @ y) / n
    spread = float(counts @ (y - mean) ** 2) / max(n - 1.0, 1.0)
    equal = spread <= 1e-12 * group.width**2
    variance_of = float(spread_of_one_more(n, group.width)) if equal else spread
    few = n == 1
    return Figure(
        value=mean, variance=np.nan if few else variance_of / n, df=max(n - 1.0, 1.0), n=n, effective=n, reason="one_answer" if few else ""
    )


def _variance(group: Group, influence: Floats) -> float:
    """Variance over draws of customers like these, with the strata and clusters of the base."""
    cells = group.tenures.cells
    design = None
    if cells.stratum is not None or cells.cluster is not None:
        clusters = list(cells.cluster) if isinstance(cells.cluster, tuple) else cells.cluster
        design = Design(strata=cells.stratum, clusters=clusters, lonely_psu="average")
    own = own_influence(influence, np.zeros(influence.size, np.intp), 1)
    material = Linearization(
        influence=own, contrast=own, deviation=own, counts=group.counts, values=np.ones(influence.size), silence=np.zeros(influence.size),
        heard=np.ones(1), design=design,
    )
    return float(variance(material, "r")[0][0])


def _freedom(total: float, pieces: tuple[tuple[float, float], ...]) -> float:
    """Degrees of freedom by Satterthwaite: those of the parts heard; retention has many."""
    spread = sum(piece**2 / max(effective - 1.0, 1.0) for piece, effective in pieces)
    return max(total**2 / spread, 1.0) if spread > 0 else np.inf


def _unheard(group: Group, who: Flags, name: str) -> str:
    """Why customers have nobody, or too few, to speak for them; "" where they have."""
    part, counts = group.voices.part, group.counts
    heard = group.voices.weights.values > 0
    if who.any() and (part[who] < 0).all():
        return "nobody_invited"
    for p in np.unique(part[who & (part >= 0)]).tolist():
        mine = who & (part == p)
        customers, answers = counts[mine].sum(), counts[mine & heard].sum()
        if answers < customers and answers < FEW:
            called = "churned" if p in _CHURNED_POOLS else POOLS[p]
            return f"{called}_{'few' if answers else 'unheard'}"
    return ""


def _unknown(group: Group, left: Flags) -> str:
    """Why the part of those who left is not known; "" where it is, or nobody left."""
    if group.curve is None:
        return "retention_unknown"
    return _unheard(group, left, "churned") if left.any() else ""


def limits_of(figure: Figure, limits: tuple[float, float], level: float) -> tuple[float, float]:
    """Confidence limits within the scale; exact ones where every answer stands at an end of it."""
    low, high = limits
    if not np.isfinite(figure.value) or not np.isfinite(figure.variance):
        return np.nan, np.nan
    position = (figure.value - low) / (high - low)
    if not 1e-12 < position < 1 - 1e-12:
        exact = exact_share_limits(np.rint(position), figure.effective, level)
        return low + (high - low) * float(exact[0]), low + (high - low) * float(exact[1])
    half = float(t_quantile(level, figure.df)) * np.sqrt(figure.variance)
    return max(figure.value - half, low), min(figure.value + half, high)
