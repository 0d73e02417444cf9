"""Generalised linear models on statsmodels' families and links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from .._checks import Floats
from ..errors import InputError, shown
from ..weighting.distances import gram

# family -> (statsmodels class, {link: statsmodels class}), the default link first; only links that keep means inside the family
FAMILIES: dict[str, tuple[str, dict[str, str]]] = {
    "gaussian": ("Gaussian", {"identity": "Identity", "log": "Log"}),
    "binomial": ("Binomial", {"logit": "Logit", "probit": "Probit", "cloglog": "CLogLog", "loglog": "LogLog", "log": "Log"}),
    "poisson": ("Poisson", {"log": "Log", "identity": "Identity", "sqrt": "Sqrt"}),
    "gamma": ("Gamma", {"inverse": "InversePower", "log": "Log", "identity": "Identity"}),
}
_BOUNDS = {"gaussian": (-np.inf, np.inf), "binomial": (0.0, 1.0), "poisson": (0.0, np.inf), "gamma": (np.nextafter(0.0, 1.0), np.inf)}
_SURE = 1e-5  # a fitted share this close to 0 or 1 is either separation or one in a hundred thousand


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneralizedLinear:
    """Score of a row: (y - mu) mu' / V(mu) x, with g(mu) = x b; bread: the expected information Σ mass mu'² / V(mu) x x'."""

    x: Floats
    y: Floats
    columns: tuple[str, ...]
    name: str
    family: Any

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters: those of the columns."""
        return self.columns

    def start(self, mass: Floats) -> Floats:
        """Nothing but an intercept."""
        mean = float(mass @ self.y / mass.sum())
        inside = np.clip(mean, 1e-6, 1.0 - 1e-6) if self.name == "binomial" else max(mean, 1e-6) if self.name == "poisson" else mean
        b = np.zeros(self.x.shape[1])
        with np.errstate(all="ignore"):
            b[0] = float(self.family.link(np.array([inside]))[0])
        return b

    def loss(self, parameters: Floats, mass: Floats) -> float:
        """Half the deviance; infinite where a mean leaves the family."""
        with np.errstate(all="ignore"):
            mean = self.means(parameters)
            low, high = _BOUNDS[self.name]
            if not ((mean >= low) & (mean <= high))[mass > 0].all():
                return np.inf
            value = float(self.family.deviance(self.y, mean, freq_weights=mass)) / 2.0
        return value if np.isfinite(value) else np.inf

    def equations(self, parameters: Floats, mass: Floats) -> tuple[Floats, Floats]:
        """Σ mass (y - mu) mu' / V x, and Σ mass (|y| + |mu|) |mu'| / V |x|."""
        mean, slope, variance = self._working(parameters)
        factor = mass * slope / variance
        return (factor * (self.y - mean)) @ self.x, (np.abs(factor) * (np.abs(self.y) + np.abs(mean))) @ np.abs(self.x)

    def bread(self, parameters: Floats, mass: Floats) -> Floats:
        """Expected information."""
        _, slope, variance = self._working(parameters)
        return np.asarray(gram(self.x, mass * slope**2 / variance))

    def score(self, parameters: Floats) -> Floats:
        """One row per unit."""
        mean, slope, variance = self._working(parameters)
        return self.x * ((self.y - mean) * slope / variance)[:, None]

    def extreme(self, parameters: Floats, mass: Floats) -> bool:
        """Whether a fitted share or count lies next to its bound."""
        mean = self.means(parameters)[mass > 0]
        return self.name in ("binomial", "poisson") and bool(
            (mean < _SURE).any() or (self.name == "binomial" and (mean > 1.0 - _SURE).any())
        )

    def ordering(self) -> tuple[Floats, Floats]:
        """Rows on the lower bound below, on the upper bound above, others in between."""
        low, high = _BOUNDS[self.name]
        return self.x, np.where(self.y == high, 1.0, np.where(self.y == low, -1.0, 0.0))

    def means(self, parameters: Floats) -> Floats:
        """mu of each row."""
        with np.errstate(all="ignore"):
            return np.asarray(self.family.link.inverse(self.x @ parameters), dtype=np.float64)

    def dispersion(self, parameters: Floats, mass: Floats, n: float) -> float:
        """Pearson's: weighted mean of (y - mu)² / V(mu), times n / (n - p)."""
        mean, _, variance = self._working(parameters)
        free = n - self.x.shape[1]
        return float(mass @ ((self.y - mean) ** 2 / variance) / mass.sum() * n / free) if free > 0 else np.nan

    def _working(self, parameters: Floats) -> tuple[Floats, Floats, Floats]:
        """mu, its derivative with respect to the linear predictor, and the variance function."""
        eta = self.x @ parameters
        with np.errstate(all="ignore"):
            mean = np.asarray(self.family.link.inverse(eta), dtype=np.float64)
            slope = np.asarray(self.family.link.inverse_deriv(eta), dtype=np.float64)
            return mean, slope, np.maximum(np.asarray(self.family.variance(mean), dtype=np.float64), 1e-300)


class _Normal:
    """What the probit link takes from scipy.stats.norm, without the checks that cost several times the functions."""

    cdf, ppf = staticmethod(special.ndtr), staticmethod(special.ndtri)

    @staticmethod
    def pdf(x: Floats) -> Floats:
        """Density."""
        return np.asarray(np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi))


def family_of(name: str, link: str) -> Any:
    """statsmodels' family with its link."""
    from statsmodels.genmod import families

    kind, links = FAMILIES[name]
    given = {"dbn": _Normal} if link == "probit" else {}
    return getattr(families, kind)(getattr(families.links, links[link])(**given))


def check_outcome(y: Floats, rows: Any, name: str) -> None:
    """Raise where an outcome cannot come from the family."""
    low, high = _BOUNDS[name]
    off = rows[(y < low) | (y > high)]
    if off.size:
        raise InputError(
            f"y is not an outcome of the {name} family at rows {shown(off)}: it must lie in [{low:g}, {high:g}]. "
            "Correct the values or choose another family.",
            code="outside_family", argument="y", rows=off, family=name, low=low, high=high,
        )
