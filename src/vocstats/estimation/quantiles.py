"""Quantiles by domain with Woodruff's limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats, Integers
from .._numerics import t_quantile
from ..errors import InputError
from ..options import Inference, QuantileInterval, QuantileRule, ShareInterval
from ..weighting.chain import Weights
from .axis import Axis, axis_of
from .design import Design
from .estimate import Estimate
from .figures import Figure, ratio_figure
from .intervals import share_limits
from .replication import Replicates, Replication
from .variance import Linearization

Flags = npt.NDArray[np.bool_]
_ROUNDING = 1e-11  # of a domain's total: sums of weights that near to a share of it are that share
_METHODS: dict[str, ShareInterval] = {"woodruff": "wald", "mean": "wald", "beta": "korn_graubard", "xlogit": "logit", "asin": "asin"}


def quantile(
    y: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, q: float = 0.5, rule: QuantileRule = "math",
    interval: QuantileInterval | None = None, design: Design | None = None, by: Any = None, counts: npt.ArrayLike | None = None,
    inference: Inference = "r", level: float = 0.95,
) -> Estimate:
    """Weighted quantile, of everybody or of every domain.

        Q(q) = min{y: F(y) >= q},  F(y) = Σ_d c w 1{y_i <= y} / Σ_d c w

    Limits are quantiles at limits of a share (Woodruff), and the standard error is their distance over 2 t:

        woodruff                  Q(q ± t s),  s the standard error of a share of q, its effective size that of F near q
        mean, beta, xlogit, asin  Q at the Wald, Korn-Graubard, logit or arcsine limits of F(Q(q)): R's svyquantile
        replicates                Q in every replicate; only with `Replicates`

    In continuous data F(Q(q)) is q but for one answer, and the first two agree. A score has few values and F jumps far above
    q there, so limits around F(Q(q)) may leave out the quantile: with scores use "woodruff".

    Parameters
    ----------
    y : array of numbers (n,)
        Missing only where the weight is exactly 0.
    w, design, by, counts, inference, level
        As in `mean`. Under "r" the degrees of freedom are the clusters less the strata of the domain, as in R.
    q : number
        Strictly between 0 and 1: 0.5 is the median.
    rule : {"math", "school"}
        Where F meets q exactly: the smallest such value, or its mean with the next (R's names; also hf1 and hf2).
    interval : {"woodruff", "mean", "beta", "xlogit", "asin", "replicates"}, optional
        None: "mean" under "r", as in R, and "woodruff" otherwise; "replicates" with those made for percentile limits.

    Returns
    -------
    Estimate
        ``statistic="quantile"``. A limit is NaN, and so is the standard error, where the share's leaves 0 to 1: the sample is
        too small for it. A standard error of 0 says that both limits are the same answer.

    Raises
    ------
    InputError
        As `mean`; "replicates" without `Replicates`, or with those of a jackknife.

    Examples
    --------
    >>> from vocstats.estimation import quantile
    >>> scores = [10, 9, 9, 8, 8, 8, 8, 7, 7, 6, 5, 3]
    >>> e = quantile(scores, interval="woodruff")
    >>> float(e.estimate), float(e.conf_low), float(e.conf_high)
    (8.0, 6.0, 9.0)

    References
    ----------
    Woodruff (1952), JASA 47; Francisco & Fuller (1991), Ann. Statist. 19(1); Hyndman & Fan (1996), Am. Stat. 50(4), for the rules.
    """
    _checks.choice(rule, QuantileRule, "rule")
    share = _checks.number(q, "q", low=0.0, high=1.0, open_low=True, open_high=True)
    axis = axis_of(y, w, design, by, counts, inference, level)
    usual = "replicates" if axis.percentile else "mean" if inference == "r" else "woodruff"
    chosen = _checks.choice(interval or usual, QuantileInterval, "interval")
    values = axis.column(y, "y")
    curve = Distribution.of(axis, values, school=rule == "school")
    if chosen == "replicates":
        if axis.replicates is not None and axis.replicates.method == "jackknife":
            raise InputError(
                "The spread of a quantile between jackknife replicates does not tell its variance. "
                'Use bootstrap or half-sample replicates, or interval="mean".',
                code="jackknife_quantile", argument="interval",
            )
        wanted = np.full(axis.domains, share)
        return axis.estimate(Figure(statistic="quantile", value=lambda mass: curve.at(wanted, mass)))
    return _woodruff(axis, curve, values, share, chosen)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distribution:
    """Rows of those heard in the order of domain and value.

    Attributes
    ----------
    order : int array (m,)
        Rows of the axis.
    values : float array (m,)
        In that order.
    starts, home : int array (domains,), (m,)
        First place of every domain that was heard, and the domain among those of each place.
    present : bool array (domains,)
        Whether somebody was heard.
    school : bool
        Whether exact meetings are averaged with the next value.
    """

    order: Integers
    values: Floats
    starts: Integers
    home: Integers
    present: npt.NDArray[np.bool_]
    school: bool

    @classmethod
    def of(cls, axis: Axis, values: Floats, *, school: bool) -> Distribution:
        """The distributions of a variable on an axis."""
        rows = np.flatnonzero(axis.heard)
        order = rows[np.lexsort((values[rows], axis.codes[rows]))]
        codes = axis.codes[order]
        first = np.flatnonzero(np.diff(codes, prepend=-1))
        home = np.cumsum(np.diff(codes, prepend=-1) > 0) - 1
        present = np.bincount(codes, minlength=axis.domains) > 0
        return cls(order=order, values=values[order], starts=first, home=home, present=present, school=school)

    def at(self, share: Floats, mass: Floats) -> Floats:
        """Quantiles at shares (domains,) for masses (n,) or (n, b); NaN where the share lies outside 0 to 1 or nobody is left."""
        table = mass[self.order].reshape(self.order.size, -1)
        totals = np.add.reduceat(table, self.starts, axis=0)
        steps = table.copy()
        steps[self.starts[1:]] -= totals[:-1]  # start every domain from 0, without the rounding of the ones before
        running = np.cumsum(steps, axis=0)
        wanted = share[self.present][:, None] * totals
        slack = _ROUNDING * np.abs(totals)
        below = self._first(running >= (wanted - slack)[self.home])
        if self.school:
            beyond = self._first(running > (wanted + slack)[self.home])
            meets = np.abs(np.take_along_axis(running, np.minimum(below, len(running) - 1), axis=0) - wanted) <= slack
            following = np.where(meets & (beyond < len(running)), beyond, below)
            value = (self._value(below) + self._value(following)) / 2.0
        else:
            value = self._value(below)
        possible = (share[self.present] >= 0.0) & (share[self.present] <= 1.0)
        result = np.full((self.present.size, table.shape[1]), np.nan)
        result[self.present] = np.where((totals > 0) & possible[:, None], value, np.nan)
        return result.reshape(-1) if mass.ndim == 1 else result

    def _first(self, reached: npt.NDArray[np.bool_]) -> Integers:
        """First place of every domain where a condition holds; the number of places where it never does."""
        places = np.where(reached, np.arange(len(reached))[:, None], len(reached))
        return np.minimum.reduceat(places, self.starts, axis=0)

    def _value(self, places: Integers) -> Floats:
        return self.values[np.minimum(places, self.values.size - 1)]


def _woodruff(axis: Axis, curve: Distribution, values: Floats, share: float, interval: QuantileInterval) -> Estimate:
    """Invert the limits of a share; the material is that of F at the quantile, scaled to the standard error found."""
    place = curve.at(np.full(axis.domains, share), axis.mass)
    inside = values <= place[axis.codes]
    if interval == "woodruff":
        inside = _nearest(axis, inside, values < place[axis.codes], share)
    below = axis.estimate(ratio_figure(axis, "quantile", inside.astype(float)))
    df = axis.student_df(below)
    at, spread, n, freedom = (np.atleast_1d(column) for column in (below.estimate, below.std_error, below.n, df))
    if interval == "woodruff":
        at, spread = np.full(axis.domains, share), _null_error(axis, at, spread, share)
    method = _METHODS[interval]
    low, high = (curve.at(limit, axis.mass) for limit in share_limits(method, at, spread, freedom, n, axis.level))
    error = (high - low) / (2.0 * t_quantile(axis.level, freedom))
    with np.errstate(all="ignore"):
        slope = -np.nan_to_num(error / np.atleast_1d(below.std_error), posinf=0.0, neginf=0.0)
    shape = below.estimate.shape
    return replace(
        below, estimate=place.reshape(shape), std_error=error.reshape(shape), conf_low=low.reshape(shape), conf_high=high.reshape(shape),
        df=df, material=_scaled(below, place, slope),
    )


def _nearest(axis: Axis, up_to: Flags, before: Flags, share: float) -> Flags:
    """Answers up to the quantile, or before it where their share is nearer to q: there the effective size is found."""
    high, low = (ratio_figure(axis, "quantile", flags.astype(float)).value(axis.mass) for flags in (up_to, before))
    lower = (low > _ROUNDING) & ((share - low < high - share) | (high > 1.0 - _ROUNDING))
    return np.where(lower[axis.codes], before, up_to)


def _null_error(axis: Axis, at: Floats, std_error: Floats, share: float) -> Floats:
    """Standard error of a share of q: the effective size is that of F at the quantile, or Kish's where all answers are equal."""
    with np.errstate(all="ignore"):
        found = at * (1.0 - at) / std_error**2
    effective = np.where(at * (1.0 - at) > _ROUNDING, found, axis.effective_size)
    return np.where(np.isnan(std_error), np.nan, np.sqrt(share * (1.0 - share) / effective))


def _scaled(below: Estimate, place: Floats, slope: Floats) -> Linearization | Replication | None:
    material = below.material
    if isinstance(material, Replication):
        moved: Floats = place[:, None] + slope[:, None] * (material.values - np.atleast_1d(below.estimate)[:, None])
        return replace(material, values=moved)
    if material is None:
        return None
    return replace(material, **{name: getattr(material, name).times(slope) for name in ("influence", "contrast", "deviation")})
