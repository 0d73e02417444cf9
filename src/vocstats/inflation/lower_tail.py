"""Centre and spread of normal figures measured with error, from their lower tail alone, integrated over a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from ..results import Floats

Flags = npt.NDArray[np.bool_]

_BELOW = 0.4  # share of the dealers below the cut
_SPARED = 3.0  # dealers with a larger multiple of the lower quartile of all variances stay out
_FEW = 50  # so many dealers start the fit, where there are
_SIDE, _ZOOMS = 21, 8  # points a side of the grid, and how often it is drawn closer
_ENDS = np.log(np.where(np.isin(np.arange(_SIDE), (0, _SIDE - 1)), 0.5, 1.0))  # the trapezium rule, for a spread near 0
_RULE = np.add.outer(_ENDS, _ENDS).reshape(-1, 1)
_SHARES = np.linspace(0.3, 1.0, 15)  # of honest dealers
_CHANCES = np.append(np.full(14, 0.25 / 14), 0.75)  # all are honest, until the data say otherwise
_NEGLIGIBLE = 1e-5  # chances below this multiple of the largest are left out


@dataclass(frozen=True, slots=True, eq=False)
class LowerTail:
    """Values of centre and spread with their chances, the mean share of honest dealers, and how many dealers were used."""

    centre: Floats
    spread: Floats
    chance: Floats
    honest_share: float
    dealers: int

    def deviation(self, variance: Floats) -> Floats:
        """Standard deviation of an honest dealer's figure, at the mean spread."""
        return np.sqrt(variance + float(self.chance @ self.spread) ** 2)


def fit_lower_tail(x: Floats, variance: Floats) -> LowerTail:
    """Fit to the figures x below a cut that stands at the same z for all; see `fit_null`."""
    best = np.argsort(variance, kind="stable")[: max(-(-x.size // 2), min(x.size, _FEW))]
    first = _fit(x[best], variance[best])
    total = first.deviation(variance) ** 2
    kept = total <= _SPARED * np.quantile(total, 0.25)
    x, variance = x[kept], variance[kept]
    second = _fit(x, variance)
    return _integrated(x, variance, _cut(x, variance, second))


def _fit(x: Floats, variance: Floats) -> LowerTail:
    return _integrated(x, variance, _cut(x, variance, _integrated(x, variance, np.full(x.size, _between(x)))))


def _cut(x: Floats, variance: Floats, fit: LowerTail) -> Floats:
    """Cut of every dealer: the quantile of the z-scores, back on the scale of x."""
    centre, deviation = float(fit.chance @ fit.centre), fit.deviation(variance)
    return np.asarray(centre + deviation * _between((x - centre) / deviation))


def _between(z: Floats) -> float:
    """Halfway between the largest of those that lie below the cut and the next: at one of them, rounding would decide."""
    count = int(np.ceil(_BELOW * z.size))
    low, high = np.sort(z)[count - 1 : count + 1]
    return float(low + high) / 2.0


def _integrated(x: Floats, variance: Floats, cut: Floats) -> LowerTail:
    """Chances over a grid of centre and spread, drawn closer until it fits what is likely."""
    below = x < cut
    width = float(np.ptp(x[below])) if below.any() else 0.0
    sides = [(float(x.min()), float(np.quantile(x, 0.98))), (0.0, width + float(np.sqrt(variance.min())))]
    for _ in range(_ZOOMS):
        axes = [np.linspace(low, high, _SIDE) for low, high in sides]
        centre, spread = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
        log = _log_likelihood(x, variance, cut, below, centre, spread) + np.log(_CHANCES) + _RULE
        chance = np.exp(log - log.max())
        chance /= chance.sum()
        square = chance.sum(axis=1).reshape(_SIDE, _SIDE)
        likely = [np.flatnonzero(margin > 1e-4 * margin.max()) for margin in (square.sum(axis=1), square.sum(axis=0))]
        if all(places.size > _SIDE // 2 for places in likely):
            break
        sides = [_around(axis, places) for axis, places in zip(axes, likely, strict=True)]
        sides[1] = (max(sides[1][0], 0.0), sides[1][1])
    each = chance.sum(axis=1)
    kept = each > _NEGLIGIBLE * each.max()
    return LowerTail(centre[kept], spread[kept], each[kept] / each[kept].sum(), float(chance.sum(axis=0) @ _SHARES), x.size)


def _around(axis: Floats, places: npt.NDArray[np.intp]) -> tuple[float, float]:
    step = axis[1] - axis[0]
    return float(axis[places[0]] - 1.5 * step), float(axis[places[-1]] + 1.5 * step)


def _log_likelihood(x: Floats, variance: Floats, cut: Floats, below: Flags, centre: Floats, spread: Floats) -> Floats:
    """(grid, shares): density of the figures below the cut, chance to be above it of the others."""
    deviation = np.sqrt(variance + spread[:, None] ** 2)
    z = (x - centre[:, None])[:, below] / deviation[:, below]
    seen = -(0.5 * z**2 + np.log(deviation[:, below])).sum(axis=1)
    reach = np.minimum(special.ndtr((cut - centre[:, None])[:, ~below] / deviation[:, ~below]), 1.0 - 1e-12)
    above = np.stack([np.log1p(-share * reach).sum(axis=1) for share in _SHARES], axis=1)
    return np.asarray(seen[:, None] + below.sum() * np.log(_SHARES) + above)
