"""Ordered outcomes: cumulative logit (proportional odds) and probit models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, special

from .._checks import Floats, Integers, vector
from .._numerics import sums_by
from ..errors import InputError, shown
from ..weighting.distances import gram

_SURE = 1e-5  # as in generalised linear models


@dataclass(frozen=True, slots=True)
class Curve:
    """A distribution function, its density, the slope of the density, and the quantile."""

    share: Callable[[Floats], Floats]
    density: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    quantile: Callable[[Floats], Floats]


def _logistic_density(z: Floats) -> Floats:
    return np.asarray(special.expit(z) * special.expit(-z))


def _normal_density(z: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi))


CURVES = {
    "logit": Curve(special.expit, _logistic_density, lambda z: _logistic_density(z) * (1.0 - 2.0 * special.expit(z)), special.logit),
    "probit": Curve(special.ndtr, _normal_density, lambda z: -np.where(np.isfinite(z), z, 0.0) * _normal_density(z), special.ndtri),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ordinal:
    """P(y <= k) = F(theta_k - x b): parameters b (all columns but the intercept), then theta_1 < ... < theta_q."""

    x: Floats
    codes: Integers
    labels: tuple[Any, ...]
    columns: tuple[str, ...]
    curve: Curve

    @property
    def categories(self) -> int:
        """Number of categories."""
        return len(self.labels)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters: the columns, then "1|2" for the threshold between categories 1 and 2."""
        return (*self.columns[1:], *(f"{low}|{high}" for low, high in zip(self.labels, self.labels[1:], strict=False)))

    def start(self, mass: Floats) -> Floats:
        """No effects; thresholds at the cumulative shares."""
        share = np.cumsum(sums_by(self.codes, mass, self.categories))[:-1] / mass.sum()
        spread = np.linspace(1e-6, 2e-6, share.size)  # keeps them apart where a replicate has nobody in a category
        return np.concatenate([np.zeros(self.x.shape[1] - 1), self.curve.quantile(np.clip(share, 0.0, 1.0 - 3e-6) + spread)])

    def loss(self, parameters: Floats, mass: Floats) -> float:
        """Minus the log-likelihood; infinite where thresholds are out of order."""
        low, high = self._ends(parameters)
        chance = self._chance(low, high)
        if not np.isfinite(chance).all() or (chance <= 0.0).any():
            return np.inf
        return float(-mass @ np.log(chance))

    def equations(self, parameters: Floats, mass: Floats) -> tuple[Floats, Floats]:
        """Σ mass score, and Σ mass |score|."""
        high, low = self._slopes(parameters)
        both, q = mass * (high - low), self.categories - 1
        places = sums_by(self.codes, mass * high, q + 1)[:q], sums_by(self.codes, mass * low, q + 1)[1:]
        x = self.x[:, 1:]
        return np.concatenate([-both @ x, places[0] - places[1]]), np.concatenate([np.abs(both) @ np.abs(x), places[0] + places[1]])

    def bread(self, parameters: Floats, mass: Floats) -> Floats:
        """Observed information, from the second derivatives of log P to the ends of each row.

        With a = f(high) / P, c = f(low) / P they are f'(high) / P - a², -f'(low) / P - c² and, for both ends, a c.
        """
        low, high = self._ends(parameters)
        a, c = self._slopes(parameters)
        part = self._chance(low, high)
        upper = -mass * (self.curve.slope(high) / part - a * a)
        lower = mass * (self.curve.slope(low) / part + c * c)
        mixed = -mass * a * c
        x, q = self.x[:, 1:], self.categories - 1
        slopes = -self._by_category(upper + mixed, x)[:q] - self._by_category(lower + mixed, x)[1:]
        sums = [sums_by(self.codes, side, q + 1) for side in (upper, lower, mixed)]
        thresholds = np.diag(sums[0][:q] + sums[1][1:]) + np.diag(sums[2][1:q], 1) + np.diag(sums[2][1:q], -1)
        return np.block([[gram(x, upper + lower + 2.0 * mixed), slopes.T], [slopes, thresholds]])

    def score(self, parameters: Floats) -> Floats:
        """Derivative of log P(y) of each row: (f(high) A - f(low) B) / P, A and B the derivatives of the ends."""
        high, low = self._slopes(parameters)
        above, below = self._derivatives()
        return np.asarray(high[:, None] * above - low[:, None] * below)

    def extreme(self, parameters: Floats, mass: Floats) -> bool:
        """Whether some row's category is nearly certain."""
        return bool((self._chance(*self._ends(parameters))[mass > 0] > 1.0 - _SURE).any())

    def ordering(self) -> tuple[Floats, Floats]:
        """Every row lies below the end of its category and above the end of the one before."""
        above, below = self._derivatives()
        ends = [np.where(self.codes < self.categories - 1, 1.0, 0.0)[:, None] * above, np.where(self.codes > 0, -1.0, 0.0)[:, None] * below]
        return np.vstack(ends), np.ones(2 * self.codes.size)

    def shares(self, parameters: Floats) -> Floats:
        """P(y = k) for every row and category."""
        slopes, thresholds = np.split(parameters, [self.x.shape[1] - 1])
        cumulative = self.curve.share(thresholds - (self.x[:, 1:] @ slopes)[:, None])
        return np.diff(cumulative, axis=1, prepend=0.0, append=1.0)

    def _ends(self, parameters: Floats) -> tuple[Floats, Floats]:
        slopes, thresholds = np.split(parameters, [self.x.shape[1] - 1])
        ends = np.concatenate([[-np.inf], thresholds, [np.inf]])
        eta = self.x[:, 1:] @ slopes
        return ends[self.codes] - eta, ends[self.codes + 1] - eta

    def _chance(self, low: Floats, high: Floats) -> Floats:
        """F(high) - F(low), from the tail in which both are small."""
        upper = (low > 0.0) & np.isfinite(low)
        return np.asarray(np.where(upper, self.curve.share(-low) - self.curve.share(-high), self.curve.share(high) - self.curve.share(low)))

    def _slopes(self, parameters: Floats) -> tuple[Floats, Floats]:
        """f(high) / P and f(low) / P."""
        low, high = self._ends(parameters)
        part = self._chance(low, high)
        return self.curve.density(high) / part, self.curve.density(low) / part

    def _by_category(self, weights: Floats, x: Floats) -> Floats:
        """Σ weights x by category."""
        places = (self.codes, np.arange(self.codes.size))
        return np.asarray(sparse.csr_array((weights, places), shape=(self.categories, self.codes.size)) @ x)

    def _derivatives(self) -> tuple[Floats, Floats]:
        """Derivatives of the upper and of the lower end of each row; nothing moves an infinite end."""
        q = self.categories - 1
        inside: list[npt.NDArray[np.bool_]] = [self.codes < q, self.codes > 0]
        places = [np.minimum(self.codes, q - 1), np.maximum(self.codes - 1, 0)]
        above, below = (
            np.hstack([-self.x[:, 1:], (place[:, None] == np.arange(q)).astype(float)]) * known[:, None]
            for known, place in zip(inside, places, strict=True)
        )
        return above, below


def categories_of(y: Any, rows: Integers) -> tuple[Integers, tuple[Any, ...]]:
    """Codes of the chosen rows and the categories they bear, in order: numbers by size, ordered categoricals as declared."""
    dtype = getattr(y, "dtype", None)
    if getattr(dtype, "ordered", False):
        codes, known = np.asarray(y.codes if hasattr(y, "codes") else y.cat.codes)[rows], list(dtype.categories)  # type: ignore[union-attr]
        refuse_missing(codes < 0, rows)
        borne, dense = np.unique(codes, return_inverse=True)
        labels = tuple(known[code] for code in borne)
    else:
        values = vector(y, "y", missing=True)[rows] if np.asarray(y).dtype.kind not in "OUS" else None
        if values is None:
            raise InputError(
                "y of an ordinal regression must be numbers or an ordered categorical; text has no order of its own "
                "(10 would stand before 9). Convert it first.",
                code="no_order", argument="y",
            )
        refuse_missing(np.isnan(values), rows)
        borne, dense = np.unique(values, return_inverse=True)
        labels = tuple(int(value) if float(value).is_integer() else float(value) for value in borne)
    if len(labels) < 3:
        raise InputError(
            f"An ordinal regression needs three categories or more; y holds {shown(labels)}. Use family='binomial' for two.",
            code="few_categories", argument="y", levels=labels,
        )
    return dense.astype(np.intp), labels


def refuse_missing(absent: npt.NDArray[np.bool_], rows: Integers) -> None:
    """Raise where an outcome is missing among the rows used."""
    if absent.any():
        where = rows[absent]
        raise InputError(
            f"y has {where.size} missing values where the weight is not 0, at rows {shown(where)}. "
            "Weight those who answered, or give these rows a weight of 0.",
            code="missing_outcome", argument="y", rows=where, count=int(where.size),
        )
