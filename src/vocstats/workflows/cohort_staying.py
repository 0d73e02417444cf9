"""The probability of still being a customer at one's own tenure, given what is known of everybody, and its errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._checks import Floats, Integers
from .._numerics import solve_symmetric
from ..errors import ConvergenceError, IdentificationError, InputError
from ..survivorship.censoring_step import CensoringStep, Leaving
from ..survivorship.person_periods import histories_of, intervals_of
from .cohort_tenures import Tenures

_RUNS, _LEAVERS = 24, 20  # a baseline hazard of its own for every run of periods in which about so many left, at most so many runs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Staying:
    """A discrete-time hazard regression on the auxiliaries, read at the tenure of each cell.

    Attributes
    ----------
    tenures : Tenures
    step : CensoringStep or None
        None where nobody left, or the model cannot be fitted.
    reason : str
        Why not; "" where it can.
    """

    tenures: Tenures
    step: CensoringStep | None
    reason: str = ""

    @property
    def probability(self) -> Floats:
        """Of still being there at the cell's own tenure, (cells,)."""
        return np.ones(self.tenures.duration.size) if self.step is None else self.step.probability

    def influence(self, slope: Floats) -> Floats:
        """Influence of a unit of each cell on Σ counts slope (-log probability)."""
        if self.step is None:
            return np.zeros(slope.size)
        factor = np.where(self.step.factor > 0, self.step.factor, 1.0)
        moved = self.step.gradient(exact=True).T @ (self.tenures.cells.counts * slope / factor)
        solved = solve_symmetric(self.step.bread(exact=True), moved)
        return np.asarray(self.tenures.cells.base_weight * (self.step.score() @ solved))


def staying_of(tenures: Tenures, auxiliaries: Sequence[str]) -> Staying:
    """Fit who leaves when; auxiliaries with one level in these cells say nothing and are left out."""
    cells = tenures.cells
    if not tenures.event.any():
        return Staying(tenures=tenures, step=None)
    x = {name: np.asarray(cells.levels[name], object)[cells.columns[name]] for name in auxiliaries}
    x = {name: column for name, column in x.items() if np.unique(cells.columns[name]).size > 1}
    duration, entry = tenures.spans()
    try:
        histories = histories_of(duration, tenures.event, entry, x or None, cells.counts * cells.base_weight)
        leaving = Leaving(
            histories=histories, intervals=intervals_of(histories, _breaks(duration, tenures)), link="cloglog",
            models=(np.arange(histories.x.shape[1]),), there=~histories.event, truncate=None,
        )
        return Staying(tenures=tenures, step=leaving.fit(cells.base_weight, cells.counts.astype(float)))
    except (IdentificationError, ConvergenceError, InputError):
        return Staying(tenures=tenures, step=None, reason="leaving_not_explained")


def _breaks(duration: Floats, tenures: Tenures) -> Integers:
    """Periods after which the baseline may change: about as many leave in each run."""
    left = np.repeat(duration[tenures.event], tenures.cells.counts[tenures.event])
    runs = int(np.clip(left.size // _LEAVERS, 1, _RUNS))
    breaks = np.unique(np.floor(np.quantile(left, np.arange(1, runs) / runs)))
    return np.asarray(breaks[breaks < left.max()], np.int64)
