"""What the terms would be if those not heard differed from those who speak for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from .._checks import Integers as Codes
from .._numerics import t_quantile
from ..customer_base import GROUPS, SOURCES, Cells
from ..results import Floats
from ..sensitivity import ShiftCurve, shift_curve, worst_case_bounds
from .corrected_score import PARTS
from .representation import ACTIVE, ACTIVE_POOLS, CHURNED_ANSWERED, CHURNED_REST, SILENT, Representation
from .statistic import Measure

if TYPE_CHECKING:
    from .correction import Question
    from .estimates import Estimates

_CHURNED = GROUPS.index("churned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifts:
    """The declared shifts, each (lowest, highest), in score points."""

    silent: tuple[float, float]
    churned: tuple[float, float]
    mode: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """A group whose score may be shifted: its share of each term's customers (D, 3), and what a shift does to the statistic."""

    mass: Floats
    curve: ShiftCurve

    def ends(self, shift: tuple[float, float]) -> tuple[Floats, Floats]:
        """Smallest and largest change of each term over the declared shifts."""
        changes = sorted(self.curve.at(s) for s in shift)
        return self.mass * changes[0], self.mass * changes[1]


def what_if(question: Question, cells: Cells, made: Representation, y: Floats, domain: Codes, estimates: Estimates) -> dict[str, Any]:
    """Fields of the result that say how far the terms could move: declared shifts, monotone and worst case, tipping points."""
    domains = estimates.estimate.shape[0]
    assumed = assumed_customers(question, cells, made, domain, domains)
    levers = _levers(question, cells, made, estimates, assumed)
    declared = (question.shifts.silent, question.shifts.churned, tuple(-s for s in reversed(question.shifts.mode)))
    ends = [lever.ends(shift) for lever, shift in zip(levers, declared, strict=True)]  # type: ignore[arg-type]
    anchor_low, anchor_high, anchor_error = _anchors(question, made, estimates)
    range_low = anchor_low + sum(low for low, _ in ends)
    range_high = anchor_high + sum(high for _, high in ends)
    limits = question.measure.limits
    margin = t_quantile(question.level, estimates.df) * anchor_error
    below = np.where(np.isnan(estimates.estimate), margin, estimates.estimate - estimates.conf_low)
    above = np.where(np.isnan(estimates.estimate), margin, estimates.conf_high - estimates.estimate)
    worst_low, worst_high = _worst(cells, y, domain, domains, estimates, limits)
    unhappy_is_low = question.measure.name != "bottom_box"
    scale_effect = question.measure.factor if question.measure.linear else np.nan
    effect = np.stack([lever.mass * sign * scale_effect for lever, sign in zip(levers, (1.0, 1.0, -1.0), strict=True)], axis=2)
    return {
        "range_low": np.clip(range_low, *limits),
        "range_high": np.clip(range_high, *limits),
        "range_conf_low": np.clip(range_low - below, limits[0], None),
        "range_conf_high": np.clip(range_high + above, None, limits[1]),
        "monotone_low": np.where(np.isnan(estimates.estimate), np.nan, worst_low if unhappy_is_low else estimates.estimate),
        "monotone_high": np.where(np.isnan(estimates.estimate), np.nan, estimates.estimate if unhappy_is_low else worst_high),
        "worst_low": worst_low,
        "worst_high": worst_high,
        "shift_effect": effect,
        "tipping": np.stack([_tipping(question.kpi, estimates.estimate, lever) for lever in levers[:2]], axis=2),
        "kpi_confidence": _confidence(question.kpi, estimates),
        "part_assumed": _part_assumed(assumed, estimates),
    }


def assumed_customers(question: Question, cells: Cells, made: Representation, domain: Codes, domains: int) -> Floats:
    """Customers of each part (D, 4) for whom neither an answer nor a documented random draw speaks, only an assumption.

    A documented draw (`selected` or `selection_probability`) speaks for those not drawn; of a group so sampled only the
    share that would not answer rests on an assumption.
    """
    group_part = np.array([PARTS.index(name) for name in GROUPS])[cells.group]
    size = np.zeros((domains, 4))
    np.add.at(size, (domain, group_part), made.size)
    speaking = np.zeros(made.pool.size, bool)
    speaking[made.voices] = True
    heard = np.zeros((domains, 4))
    np.add.at(heard, (domain[speaking], group_part[speaking]), made.size[speaking])
    assumed = size - heard
    engaged, silent, _, churned = range(4)
    if question.method == "double_sampling" and cells.documented.get("follow_up"):
        assumed[:, silent] = size[:, silent] * _refusing(cells, group_part == silent)
    if cells.documented.get("exit_interview") and not question.pool_churned:
        answered = np.bincount(domain[made.pool == CHURNED_ANSWERED], weights=made.size[made.pool == CHURNED_ANSWERED], minlength=domains)
        assumed[:, churned] = (size[:, churned] - answered) * _refusing(cells, (group_part == churned) & (made.pool == CHURNED_REST))
    assumed[:, engaged] = np.maximum(assumed[:, engaged], 0.0)
    return assumed


def _refusing(cells: Cells, inside: Codes) -> float:
    """Share of those drawn from the given cells who did not answer; 1 if nobody was drawn."""
    drawn = float(cells.counts[inside & cells.drawn].sum())
    return 1.0 - float(cells.counts[inside & cells.drawn & (cells.source >= 0)].sum()) / drawn if drawn else 1.0


def _levers(question: Question, cells: Cells, made: Representation, estimates: Estimates, assumed: Floats) -> tuple[Lever, Lever, Lever]:
    """The silent (with the never invited), the churned, and the answers by telephone."""
    share = estimates.share
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where(estimates.customers > 0, estimates.customers, np.nan).astype(float)
        silent = (assumed[:, 1] + assumed[:, 2])[:, None] / size
        churned = assumed[:, 3][:, None] / size
    silent[:, 0] = 0.0
    churned[:, :2] = 0.0
    telephone = share[SILENT] + (0.0 if question.pool_churned else share[CHURNED_REST])
    voice = made.voice_pool
    by_phone = np.isin(cells.source[made.voices], [SOURCES.index("follow_up"), SOURCES.index("exit_interview")])
    speak_silent = voice == (SILENT if question.method == "double_sampling" else ACTIVE)
    speak_churned = voice == CHURNED_REST
    if not speak_churned.any():
        speak_churned = voice == CHURNED_ANSWERED if (voice == CHURNED_ANSWERED).any() else np.isin(voice, ACTIVE_POOLS)
    curves = [_curve(question.measure, cells, made, rows) for rows in (speak_silent, speak_churned, by_phone)]
    return tuple(Lever(mass=np.nan_to_num(mass), curve=curve) for mass, curve in zip((silent, churned, telephone), curves, strict=True))  # type: ignore[return-value]


def _curve(measure: Measure, cells: Cells, made: Representation, rows: Codes) -> ShiftCurve:
    """What a shift of the scores of these voices does to the statistic; flat where nobody speaks."""
    if not rows.any():
        return ShiftCurve(shift=np.array([-1.0, 0.0, 1.0]), change=np.zeros(3))
    score = cells.outcome[made.voices[rows]]
    weight = made.weights.counts[rows] * made.weights.values[rows]
    if not measure.linear:
        return shift_curve(score, weight, value_of=measure.values, scale=measure.scale)
    mean = float(weight @ score / weight.sum())
    ends = np.array([measure.scale[0] - mean, 0.0, measure.scale[1] - mean])
    return ShiftCurve(shift=ends, change=ends * measure.factor)


def _anchors(question: Question, made: Representation, estimates: Estimates) -> tuple[Floats, Floats, Floats]:
    """Where the declared shifts start from, and its standard error.

    The estimate itself; for a survivor-corrected score whose churned nobody heard: their scores at the ends of the scale, or,
    where a churned shift is declared, those of the churned who answered the survey, else of the active.
    """
    low, high, error = estimates.estimate.copy(), estimates.estimate.copy(), estimates.std_error.copy()
    lacking = np.isnan(low[:, 2]) & ~np.isnan(low[:, 1]) & ~(made.voice_pool == CHURNED_REST).any()
    if not lacking.any():
        return low, high, error
    share, mean = estimates.share[:, :, 2], estimates.pool_mean
    rest = share[CHURNED_REST]
    with np.errstate(invalid="ignore"):
        answered = np.where(share[CHURNED_ANSWERED] > 0, share[CHURNED_ANSWERED] * mean[CHURNED_ANSWERED], 0.0)
    active = share[list(ACTIVE_POOLS)].sum(axis=0)
    known = active * low[:, 1] + answered
    if question.shifts.churned == (0.0, 0.0):
        ends = question.measure.limits
        start_low, start_high = known + rest * ends[0], known + rest * ends[1]
    else:
        reference = np.where(np.isnan(mean[CHURNED_ANSWERED]), low[:, 1], mean[CHURNED_ANSWERED])
        start_low = start_high = known + rest * reference
    low[:, 2], high[:, 2] = np.where(lacking, start_low, low[:, 2]), np.where(lacking, start_high, high[:, 2])
    error[:, 2] = np.where(lacking, active * error[:, 1], error[:, 2])
    return low, high, error


def _worst(cells: Cells, y: Floats, domain: Codes, domains: int, estimates: Estimates, limits: tuple[float, float]) -> tuple[Floats, Floats]:
    """Every answer as it is, everybody else at the end of the scale; for naive there is nobody else."""
    low, high = estimates.estimate.copy(), estimates.estimate.copy()
    answered = cells.source >= 0
    size = cells.counts * cells.base_weight
    for t, inside in ((1, answered & (cells.group != _CHURNED)), (2, answered)):
        heard = np.bincount(domain[inside], weights=size[inside], minlength=domains)
        total = np.bincount(domain[inside], weights=size[inside] * y[inside], minlength=domains)
        people = np.maximum(estimates.customers[:, t].astype(float), heard)
        low[:, t], high[:, t] = worst_case_bounds(total, heard, people, limits=limits)
    return low, high


def _tipping(kpi: float, estimate: Floats, lever: Lever) -> Floats:
    """Shift of the lever's group at which the term equals `kpi`; NaN where no shift on the scale does."""
    with np.errstate(invalid="ignore", divide="ignore"):
        needed = np.where(lever.mass > 0, (kpi - estimate) / lever.mass, np.nan)
    return lever.curve.solve(needed)


def _confidence(kpi: float, estimates: Estimates) -> Floats:
    """Confidence that the term stands at or above `kpi`, from sampling error alone."""
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (estimates.estimate - kpi) / estimates.std_error
    finite = np.isfinite(estimates.df)
    return np.where(finite, special.stdtr(np.where(finite, estimates.df, 1.0), t), special.ndtr(t))


def _part_assumed(assumed: Floats, estimates: Estimates) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(estimates.part_customers > 0, assumed / estimates.part_customers, np.nan)


