"""What the terms would be if those not heard differed from those who speak for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from .._numerics import t_quantile
from ..customer_base import GROUPS, SOURCES, Cells
from ..results import Flags, Floats
from ..sensitivity import ShiftCurve, shift_curve, worst_case_bounds
from .corrected_score import PARTS
from .domains import Domains
from .part_table import part_of
from .pools import ACTIVE, ACTIVE_POOLS, CHURNED_ANSWERED, CHURNED_REST, SILENT
from .statistic import Measure

if TYPE_CHECKING:
    from .estimates import Estimates
    from .question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """A group whose score may be shifted: its share of each term's customers (D, 3), and what a shift does to the statistic."""

    mass: Floats
    curve: ShiftCurve

    def ends(self, shift: tuple[float, float]) -> tuple[Floats, Floats]:
        """Smallest and largest change of each term over the declared shifts."""
        changes = sorted(self.curve.at(s) for s in shift)
        return self.mass * changes[0], self.mass * changes[1]


def what_if(question: Question, domains: Domains, estimates: Estimates) -> dict[str, Any]:
    """Fields of the result that say how far the terms could move: declared shifts, monotone and worst case, tipping points."""
    limits = question.measure.limits
    assumed = assumed_customers(question, domains)
    levers = _levers(question, domains, estimates, assumed)
    low_mode, high_mode = question.shifts.mode
    declared = (question.shifts.silent, question.shifts.churned, (-high_mode, -low_mode))
    ends = [lever.ends(shift) for lever, shift in zip(levers, declared, strict=True)]
    worst = _worst(domains, estimates, limits)
    anchor_low, anchor_high, anchor_error = _anchors(question, domains, estimates, worst)
    (silent_low, silent_high), (churned_low, churned_high), (mode_low, mode_high) = ends
    range_low = np.maximum(anchor_low + silent_low + churned_low, np.minimum(worst[0], anchor_low)) + mode_low
    range_high = np.minimum(anchor_high + silent_high + churned_high, np.maximum(worst[1], anchor_high)) + mode_high
    missing = np.isnan(estimates.estimate)
    margin = t_quantile(question.level, estimates.df) * anchor_error
    below = np.where(missing, margin, estimates.estimate - estimates.conf_low)
    above = np.where(missing, margin, estimates.conf_high - estimates.estimate)
    worst_low, worst_high = worst
    unhappy_is_low = question.measure.name != "bottom_box"
    per_point = question.measure.factor if question.measure.linear else np.nan
    return {
        "range_low": np.clip(range_low, *limits),
        "range_high": np.clip(range_high, *limits),
        "range_conf_low": np.clip(range_low - below, limits[0], None),
        "range_conf_high": np.clip(range_high + above, None, limits[1]),
        "monotone_low": np.where(missing, np.nan, worst_low if unhappy_is_low else estimates.estimate),
        "monotone_high": np.where(missing, np.nan, estimates.estimate if unhappy_is_low else worst_high),
        "worst_low": worst_low,
        "worst_high": worst_high,
        "shift_effect": np.stack([lever.mass * sign * per_point for lever, sign in zip(levers, (1.0, 1.0, -1.0), strict=True)], axis=2),
        "shift_low": np.stack([low for low, _ in ends], axis=2),
        "shift_high": np.stack([high for _, high in ends], axis=2),
        "mode_share": levers[2].mass,
        "tipping": np.stack([_tipping(question.kpi, estimates.estimate, lever) for lever in levers[:2]], axis=2),
        "kpi_confidence": _confidence(question.kpi, estimates),
        "part_assumed": np.divide(
            assumed, estimates.parts.customers, out=np.full(assumed.shape, np.nan), where=estimates.parts.customers > 0
        ),
    }


def assumed_customers(question: Question, domains: Domains) -> Floats:
    """Customers of each part (D, 4) for whom neither an answer nor a documented random draw speaks, only an assumption.

    A documented draw (`selected` or `selection_probability`) speaks for those not drawn; of a group so sampled only the
    share that would not answer rests on an assumption.
    """
    cells, pool = domains.cells, domains.made.pool
    part = part_of(cells)
    speaking = np.zeros(pool.size, bool)
    speaking[domains.voices] = True
    assumed = np.column_stack([domains.customers((part == k) & ~speaking) for k in range(len(PARTS))])
    silent, churned = PARTS.index("silent"), PARTS.index("churned")
    if question.follows and cells.documented.get("follow_up"):
        assumed[:, silent] = domains.customers(part == silent) * _refusing(cells, part == silent)
    if cells.documented.get("exit_interview") and not question.pools_churned(cells):
        assumed[:, churned] = domains.customers(pool == CHURNED_REST) * _refusing(cells, pool == CHURNED_REST)
    return assumed


def _refusing(cells: Cells, inside: Flags) -> float:
    """Share of those drawn from the given cells who did not answer; 1 if nobody was drawn."""
    drawn = float(cells.counts[inside & cells.drawn].sum())
    return 1.0 - float(cells.counts[inside & cells.drawn & (cells.source >= 0)].sum()) / drawn if drawn else 1.0


def _levers(question: Question, domains: Domains, estimates: Estimates, assumed: Floats) -> tuple[Lever, Lever, Lever]:
    """The silent (with the never invited), the churned, and the answers by telephone."""
    voice = domains.made.voice_pool
    size = np.where(estimates.customers > 0, estimates.customers, np.inf)
    mass = np.zeros((3, domains.count, 3))
    mass[0, :, 1:] = (assumed[:, 1] + assumed[:, 2])[:, None] / size[:, 1:]
    mass[1, :, 2] = assumed[:, 3] / size[:, 2]
    mass[2] = estimates.share[SILENT] + (0.0 if question.pools_churned(domains.cells) else estimates.share[CHURNED_REST])
    speak_churned = voice == CHURNED_REST
    if not speak_churned.any():
        speak_churned = voice == CHURNED_ANSWERED
    if not speak_churned.any():
        speak_churned = np.isin(voice, ACTIVE_POOLS)
    speakers = (
        voice == (SILENT if question.follows else ACTIVE),
        speak_churned,
        np.isin(domains.cells.source[domains.voices], [SOURCES.index("follow_up"), SOURCES.index("exit_interview")]),
    )
    silent, churned, telephone = (
        Lever(mass=share, curve=_curve(question.measure, domains, rows)) for share, rows in zip(mass, speakers, strict=True)
    )
    return silent, churned, telephone


def _curve(measure: Measure, domains: Domains, rows: Flags) -> ShiftCurve:
    """What a shift of the scores of these voices does to the statistic; flat where nobody speaks. A weight below 0, which an outcome model
    may give a voice, counts as 0: what it would move is little, and of the other sign."""
    if not rows.any():
        return ShiftCurve(shift=np.array([-1.0, 0.0, 1.0]), change=np.zeros(3))
    score = domains.cells.outcome[domains.voices[rows]]
    weight = domains.made.weights.counts[rows] * np.maximum(domains.made.weights.values[rows], 0.0)
    if not measure.linear:
        return shift_curve(score, weight, value_of=measure.values, scale=measure.scale)
    mean = float(weight @ score / weight.sum())
    ends = np.array([measure.scale[0] - mean, 0.0, measure.scale[1] - mean])
    return ShiftCurve(shift=ends, change=ends * measure.factor)


def _anchors(
    question: Question, domains: Domains, estimates: Estimates, worst: tuple[Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """Where the declared shifts start from, and its standard error.

    The estimate itself; for a survivor-corrected score whose churned nobody heard: their scores at the ends of the scale, or,
    where a churned shift is declared, those of the churned who answered the survey, else of the active. Where active customers
    are there whom nobody heard speaks for, the worst case.
    """
    low, high, error = estimates.estimate.copy(), estimates.estimate.copy(), estimates.std_error.copy()
    voiceless = ~np.isin(np.arange(len(estimates.share)), domains.made.voice_pool)[:, None] & (estimates.share[:, :, 1] > 0)
    unheard = np.flatnonzero(np.isnan(low[:, 1]) & voiceless.any(axis=0))
    low[unheard, 1:], high[unheard, 1:], error[unheard, 1:] = worst[0][unheard, 1:], worst[1][unheard, 1:], 0.0
    lacking = np.isnan(low[:, 2]) & ~np.isnan(low[:, 1]) & ~(domains.made.voice_pool == CHURNED_REST).any()
    if not lacking.any():
        return low, high, error
    share, mean = estimates.share[:, :, 2], estimates.pool_mean
    rest, answered = share[CHURNED_REST], share[CHURNED_ANSWERED]
    active = share[list(ACTIVE_POOLS)].sum(axis=0)
    known = active * low[:, 1] + np.where(answered > 0, answered * mean[CHURNED_ANSWERED], 0.0)
    start_low, start_high = question.measure.limits
    reference_low, reference_high = np.full_like(known, start_low), np.full_like(known, start_high)
    if question.shifts.churned != (0.0, 0.0):
        reference_low = reference_high = np.where(np.isnan(mean[CHURNED_ANSWERED]), low[:, 1], mean[CHURNED_ANSWERED])
    low[lacking, 2], high[lacking, 2] = (known + rest * reference_low)[lacking], (known + rest * reference_high)[lacking]
    error[lacking, 2] = (active * error[:, 1])[lacking]
    return low, high, error


def _worst(domains: Domains, estimates: Estimates, limits: tuple[float, float]) -> tuple[Floats, Floats]:
    """Every answer as it is, everybody else at the end of the scale; for naive there is nobody else."""
    low, high = estimates.estimate.copy(), estimates.estimate.copy()
    answered = domains.cells.source >= 0
    for t, inside in ((1, answered & (domains.cells.group != GROUPS.index("churned"))), (2, answered)):
        rows = np.flatnonzero(inside)
        heard, total = domains.customers(rows), domains.sums(rows, domains.made.size[rows] * domains.y[rows])
        people = np.maximum(estimates.customers[:, t].astype(float), heard)
        low[:, t], high[:, t] = worst_case_bounds(total, heard, people, limits=limits)
    return low, high


def _tipping(kpi: float, estimate: Floats, lever: Lever) -> Floats:
    """Shift of the lever's group at which the term equals `kpi`; NaN where no shift on the scale does."""
    needed = np.divide(kpi - estimate, lever.mass, out=np.full(estimate.shape, np.nan), where=lever.mass > 0)
    return lever.curve.solve(needed)


def _confidence(kpi: float, estimates: Estimates) -> Floats:
    """Confidence that the term stands at or above `kpi`, from sampling error alone."""
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (estimates.estimate - kpi) / estimates.std_error
    finite = np.isfinite(estimates.df)
    return np.where(finite, special.stdtr(np.where(finite, estimates.df, 1.0), t), special.ndtr(t))
