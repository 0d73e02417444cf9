"""Lee's bounds: a difference between two groups of which one answered more often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from ..errors import IdentificationError, InputError, shown
from ..results import Flags, Floats, Labels, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("lee_bounds")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeeBounds(Result):
    """Range of the difference between two groups among those who would answer in either.

    Attributes
    ----------
    low, high : float
        Bounds of the mean of the second group less that of the first.
    low_error, high_error : float
        Their standard errors; they account for the answers, for who answered, and for the estimated trimmed share. NaN where only
        one was heard in a group.
    conf_low, conf_high : float
        Interval that covers the difference, wherever between the bounds it lies, with probability `level`.
    naive : float
        Difference of the means of those heard.
    labels : {"group": array (2,)}
        The groups, first and second.
    asked, heard, response_rates, means : float arrays (2,)
        By group.
    trimmed : bool array (2,)
        The group that answered more often, whose answers are trimmed; none at equal rates.
    trimmed_share : float
        Share of its answers that is trimmed.
    level : float
        Confidence level.
    """

    low: float
    high: float
    low_error: float
    high_error: float
    conf_low: float
    conf_high: float
    naive: float
    labels: Labels
    asked: Floats
    heard: Floats
    response_rates: Floats
    means: Floats
    trimmed: Flags
    trimmed_share: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """One row per group: group, asked, heard, response_rate, mean, trimmed."""
        numbers = {"asked": self.asked, "heard": self.heard, "response_rate": self.response_rates, "mean": self.means}
        return frame({**self.labels, **numbers, "trimmed": self.trimmed})

    def tidy(self) -> pd.DataFrame:
        """Lower and upper bound: term, estimate, std_error, conf_low, conf_high (the limits are those of the difference)."""
        return frame({
            "term": ["low", "high"], "estimate": [self.low, self.high], "std_error": [self.low_error, self.high_error],
            "conf_low": [self.conf_low] * 2, "conf_high": [self.conf_high] * 2,
        })

    def summary(self, language: str = "en") -> str:
        """The bounds above the table of groups."""
        frames = (self.tidy(), self.to_frame())
        return "\n\n".join(table.to_string(index=False, float_format=lambda value: f"{value:.4f}") for table in frames)


def lee_bounds(
    y: npt.ArrayLike, group: npt.ArrayLike, *, weights: npt.ArrayLike | None = None, counts: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> LeeBounds:
    """Bounds of a difference between two waves or groups that answered unequally often.

    The group that answers more often (response rate s₁ > s₀) holds a share 1 - t of people who would not have answered in the other,
    t = s₀ / s₁. They have either its highest answers or its lowest: its mean lies between

        μ(t) = 1/t ∫₀ᵗ Q(u) du    and    1/t ∫₁₋ₜ¹ Q(u) du,    Q the quantiles of its answers

    An answer at the edge is trimmed in part, so that ties do no harm. Influence values of a member of the group, q = Q(t), and of one of
    the other:

        -R ((q - y)⁺ - E (q - y)⁺) / (t s₁) - (q - μ) (R - s₁) / s₁,    (q - μ) (R - s₀) / s₀ - R (y - ȳ₀) / s₀

    Parameters
    ----------
    y : array (n,)
        Outcome of everybody asked, missing where silent.
    group : array (n,)
        Wave or group, of two; the second in sorted order less the first is bounded.
    weights : array (n,), optional
        Design weights of everybody asked.
    counts : array (n,), optional
        How often a row stands there.
    level : float
        Confidence level.

    Returns
    -------
    LeeBounds
        Standard errors for independently drawn people.

    Raises
    ------
    InputError
        Not two groups, or bad arrays.
    IdentificationError
        Nobody was heard in a group.

    References
    ----------
    Lee (2009), Rev. Econ. Stud. 76(3), props. 1a and 3; Imbens & Manski (2004), Econometrica 72(6), for the interval.

    Examples
    --------
    >>> nan = float("nan")
    >>> r = lee_bounds([5, 6, 7, 8, 4, 6, nan, nan], [2, 2, 2, 2, 1, 1, 1, 1])
    >>> r.low, r.high, r.trimmed_share
    (0.5, 2.5, 0.5)
    """
    _checks.level(level)
    outcome = _checks.vector(y, "y", missing=True)
    codes, levels = _checks.factorize(group, "group", length=outcome.size)
    weight, often = (
        np.ones(outcome.size) if value is None else _checks.non_negative(value, name, length=outcome.size)
        for value, name in ((weights, "weights"), (counts, "counts"))
    )
    if levels.size != 2:
        raise InputError(
            f"group must have two levels; it has {levels.size}: {shown(levels.tolist())}. Choose two of them.",
            code="not_two_groups", argument="group", levels=levels.tolist(), count=int(levels.size),
        )
    sides = [_Side.of(outcome, weight, often, codes == k) for k in range(2)]
    _refuse_unheard(sides, levels)
    return _bounds(sides, levels, level)


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One group: who answered, answers (0 if silent), weights adding up to 1 and multiplicities."""

    heard: Floats
    y: Floats
    weight: Floats
    counts: Floats

    @classmethod
    def of(cls, y: Floats, weight: Floats, counts: Floats, members: npt.NDArray[np.bool_]) -> _Side:
        used = members & (counts * weight > 0)
        known = ~np.isnan(y[used])
        total = max(float((counts * weight)[used].sum()), 1e-300)
        return cls(known.astype(float), np.where(known, y[used], 0.0), weight[used] / total, counts[used])

    @property
    def mass(self) -> Floats:
        return self.weight * self.counts

    @property
    def rate(self) -> float:
        return float(self.mass @ self.heard)

    @property
    def mean(self) -> float:
        return float(self.mass @ (self.heard * self.y)) / self.rate

    def variance(self, influence: Floats) -> float:
        return float(self.counts @ (self.weight * influence) ** 2)

    def kept(self, share: float) -> tuple[float, float]:
        """Mean of the lowest `share` of the answers, and the answer at the edge."""
        order = np.argsort(self.y, kind="stable")
        order = order[self.heard[order] > 0]
        y, mass = self.y[order], self.mass[order] / self.rate
        edge = y[min(int(np.searchsorted(np.cumsum(mass), share * (1.0 - 1e-12))), y.size - 1)]
        return float(edge - mass @ np.maximum(edge - y, 0.0) / share), float(edge)

    def mirrored(self) -> _Side:
        return _Side(self.heard, -self.y, self.weight, self.counts)


def _bounds(sides: list[_Side], levels: npt.NDArray[Any], level: float) -> LeeBounds:
    first, second = sides
    more = int(second.rate > first.rate)
    often, seldom = sides[more], sides[1 - more]
    share = seldom.rate / often.rate
    lowest, lowest_error = _trimmed(often, seldom, share)
    highest, highest_error = _trimmed(often.mirrored(), seldom.mirrored(), share)
    bounds = [(lowest, lowest_error), (-highest, highest_error)]
    if not more:
        bounds = [(-value, error) for value, error in reversed(bounds)]
    (low, low_error), (high, high_error) = bounds
    reach = _imbens_manski(high - low, max(low_error, high_error), level)
    unequal = share < 1.0 - 1e-12
    return LeeBounds(
        low=low, high=high, low_error=low_error, high_error=high_error, conf_low=low - reach * low_error,
        conf_high=high + reach * high_error, naive=second.mean - first.mean, labels={"group": levels},
        asked=np.array([side.counts.sum() for side in sides]), heard=np.array([side.counts @ side.heard for side in sides]),
        response_rates=np.array([side.rate for side in sides]), means=np.array([side.mean for side in sides]),
        trimmed=np.array([unequal and k == more for k in range(2)]), trimmed_share=1.0 - share, level=level,
    )


def _trimmed(often: _Side, seldom: _Side, share: float) -> tuple[float, float]:
    """Mean of the lowest answers of one group less the mean of the other, and its standard error."""
    mean, edge = often.kept(share)
    below = np.maximum(edge - often.y, 0.0)
    expected = float(often.mass @ (often.heard * below)) / often.rate
    moved = edge - mean
    own = -often.heard * (below - expected) / (share * often.rate) - moved * (often.heard - often.rate) / often.rate
    other = moved * (seldom.heard - seldom.rate) / seldom.rate - seldom.heard * (seldom.y - seldom.mean) / seldom.rate
    single = min(side.counts @ side.heard for side in (often, seldom)) <= 1.0
    return mean - seldom.mean, float("nan") if single else float(np.sqrt(often.variance(own) + seldom.variance(other)))


def _imbens_manski(width: float, error: float, level: float) -> float:
    """Multiple c of the standard errors: Φ(c + width / error) - Φ(-c) = level."""
    if not error > 0:
        return 0.0  # limits are those of the bounds: themselves, or NaN
    low, high = 0.0, float(special.ndtri(0.5 + level / 2)) + 1.0
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if special.ndtr(middle + width / error) - special.ndtr(-middle) >= level else (middle, high)
    return high


def _refuse_unheard(sides: list[_Side], levels: npt.NDArray[Any]) -> None:
    silent = [level for side, level in zip(sides, levels.tolist(), strict=True) if not side.heard.any()]
    if silent:
        raise IdentificationError(
            f"Nobody was heard in group {shown(silent)}, so nothing bounds its mean but the scale. Use worst_case_bounds.",
            code="group_not_heard", argument="y", levels=silent,
        )
