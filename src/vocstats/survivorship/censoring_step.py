"""One over the probability of still being a customer, as a step of the chain of weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from .._checks import Floats, Integers
from ..errors import IdentificationError, InputError
from ..options import HazardLink
from ..results import Assumption, Flags
from ..weighting.chain import times
from ..weighting.indicators import Indicators
from .hazard_model import HazardFit, fit_hazard
from .hazards import assumptions_of
from .person_periods import Histories, Intervals


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leaving:
    """How weights are made from who left: the same for every multiplicity.

    Attributes
    ----------
    histories : Histories
    intervals : Intervals
    link : {"logit", "cloglog"}
    models : tuple of int arrays
        Columns of the probability, and of the stabilising one where there is one.
    there : bool array (h,)
        Histories still there, and under observation, at the time.
    truncate : (float, float) or None
        Quantiles of the factors of those still there.
    """

    histories: Histories
    intervals: Intervals
    link: HazardLink
    models: tuple[Integers, ...]
    there: Flags
    truncate: tuple[float, float] | None

    def fit(self, w_in: Floats, counts: Floats, starts: Sequence[Floats | None] = (None, None)) -> CensoringStep:
        """The step for weights that enter and multiplicities."""
        h = self.histories
        mass, units = h.sums(times(counts, w_in)), h.sums(np.where(w_in > 0, counts, 0.0))
        if not (mass * self.there).any():
            raise IdentificationError(
                "Nobody is still there, and under observation, at the time asked for, so nobody can speak for those who left. Choose an "
                "earlier time.",
                code="nobody_stays", argument="at",
            )
        fits = tuple(
            fit_hazard(h, self.intervals, self.link, mass, columns=columns, start=start)
            for columns, start in zip(self.models, starts, strict=False)
        )
        hazards = [fit.cumulative_hazard() for fit in fits]
        stabilised = hazards[1][0] if len(fits) > 1 else 0.0
        factor = np.where(self.there, np.exp(hazards[0][0] - stabilised), 0.0)
        source = np.arange(factor.size)
        if self.truncate is not None:
            source = np.where(self.there, _truncated(factor, np.where(self.there, units, 0.0), self.truncate), source)
        slopes = np.hstack([hazards[0][1], *(-slope for _, slope in hazards[1:])]) * factor[:, None]
        values = np.where(h.used, factor[source][h.place], 0.0)
        values.flags.writeable = False
        return CensoringStep(
            name="censoring", leaving=self, fits=fits, factor=values, survival=np.exp(-hazards[0][0]), slopes=slopes[source],
            truncated=float(units @ (factor != factor[source])),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CensoringStep:
    """Weights of those still there divided by their probability to be, 0 for those who left.

    `survival` and `slopes` (derivatives of the factor) are by history; the score of a unit is that of its periods at risk. A truncated
    factor moves like that of the history whose factor is the quantile.
    """

    name: str
    leaving: Leaving
    fits: tuple[HazardFit, ...]
    factor: Floats
    survival: Floats
    slopes: Floats
    truncated: float

    @property
    def probability(self) -> Floats:
        """Probability of still being there at the time asked for, (n,); 1 for rows without mass."""
        h = self.leaving.histories
        return np.where(h.used, self.survival[h.place], 1.0)

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What a mean with these weights rests on."""
        names = ", ".join(self.leaving.histories.coding.levels)
        stayed = Assumption(code="had_nobody_left" if names else "had_nobody_left_at_all", testable="no", values={"auxiliaries": names})
        return (stayed, *assumptions_of(self.leaving.histories))

    def gradient(self, *, exact: bool = False) -> Indicators:
        """Derivative of the factor to the parameters of the hazards."""
        return self._by_row(self.slopes)

    def score(self, *, contrast: bool = False) -> Indicators:
        """Score of each unit in the hazard models."""
        if contrast:
            raise InputError(
                "Who left, and when, differs between customers like these and is no response of a fixed list: standard errors of censoring "
                "weights are those of inference='r'.",
                code="censoring_inference", argument="inference",
            )
        return self._by_row(np.hstack([fit.score() for fit in self.fits]))

    def bread(self, *, exact: bool = False) -> Floats:
        """Observed information of the hazard models."""
        return np.asarray(linalg.block_diag(*(fit.cells.observed(fit.parameters, fit.mass) for fit in self.fits)))

    def rerun(self, w_in: Floats, counts: Floats) -> CensoringStep:
        """The same models with other weights and multiplicities, the quantiles taken anew."""
        return self.leaving.fit(w_in, counts, [fit.parameters for fit in self.fits])

    def details(self) -> dict[str, float]:
        """Units truncated, and the extremes by which positivity is judged."""
        there = self.factor > 0
        return {
            "trimmed": self.truncated, "probability_min": float(self.probability[there].min()), "factor_max": float(self.factor.max()),
        }

    def _by_row(self, table: Floats) -> Indicators:
        h = self.leaving.histories
        return Indicators((h.place,), (table,), h.used.astype(np.float64))


def _truncated(factor: Floats, units: Floats, quantiles: tuple[float, float]) -> Integers:
    """Which history's factor each history takes: its own, or that of the lower or upper quantile (the least factor reaching it)."""
    order = np.argsort(factor, kind="stable")
    order = order[units[order] > 0]
    reached = np.cumsum(units[order]) / units.sum()
    low, high = (order[min(int(np.searchsorted(reached, q * (1.0 - 1e-12))), order.size - 1)] for q in quantiles)
    source = np.arange(factor.size)
    source = np.where(factor < factor[low], low, source)
    return np.asarray(np.where(factor > factor[high], high, source))
