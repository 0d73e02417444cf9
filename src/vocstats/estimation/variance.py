"""The variance of linearised estimates under the three kinds of inference, and the degrees of freedom that go with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._checks import Floats, Integers, factorize
from .._numerics import sums_by
from ..options import Inference
from .design import Design
from .linearization import Influence
from .stages import Stage, stages


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Linearization:
    """What the variance of an estimate, and of its difference to another, is computed from.

    Attributes
    ----------
    influence : Influence
        Of a unit on the estimate, weights included; 0 outside the sample.
    contrast : Influence
        What it changes that a unit is heard and not silent.
    deviation : Influence
        Derivative of the registry's own figure to one of its units: (y - mean) / N for a mean.
    counts : float array (n,)
        Multiplicity of the rows in the sample, 0 for those outside.
    values : float array (n,)
        Weight of a unit.
    silence : float array (n,)
        Estimated probability that a unit like this is not heard, 0 for those not heard.
    heard : float array (domains,)
        Units heard per domain.
    design : Design or None
        None: all that is listed was asked (under "r": rows drawn with replacement).
    targets : Influence or None
        Of one standard error of estimated targets, one row per direction of their covariance; None: all are known.
    """

    influence: Influence
    contrast: Influence
    deviation: Influence
    counts: Floats
    values: Floats
    silence: Floats
    heard: Floats
    design: Design | None
    targets: Influence | None = None

    @property
    def from_targets(self) -> Floats:
        """Variance that estimated targets add, by domain."""
        return np.zeros(self.heard.size) if self.targets is None else self.targets.sum_of_squares(np.ones(self.targets.shape[0]))


def variance(material: Linearization, inference: Inference, codes: Integers | None = None) -> tuple[Floats, Floats]:
    """Variance and degrees of freedom by domain.

    "r":         V = Σ_stages Σ_h F (1 - f) n/(n-1) Σ_g (Z_g - mean)²          (R's svyrecvar; no degrees of freedom)
    "registry":  V = the same + Σ_heard F (1 - p) z² n_d/(n_d - 1)             (F: product of all sampling fractions; 1 without a design)
    "process":   V = registry + s²/N

    Each gains what estimated targets of the weighting add, with infinite degrees of freedom.

    Response is the last phase, every unit by itself with probability p = base / value (1 / value without a design);
    below a stage drawn with replacement nothing is added, because the spread between clusters contains it.

    Parameters
    ----------
    material : Linearization
        Influence values and the draw.
    inference : {"r", "registry", "process"}
        What the standard error refers to.
    codes : int array (n,), optional
        Domain of each row, for the degrees of freedom; None leaves them infinite.

    Returns
    -------
    tuple of float arrays (domains,)
        Variances and degrees of freedom.

    References
    ----------
    Särndal, Swensson & Wretman (1992), eqs. 4.3.12 and 9.7.20; Satterthwaite (1946), Biometrics Bull. 2(6).
    """
    nothing = np.zeros(material.heard.size)
    if inference == "r":
        drawn = stages(material.design or Design(), material.counts)
        total = sum((stage.variance(material.influence, material.counts) for stage in drawn), material.from_targets)
        return np.maximum(total, 0.0), np.full(material.heard.size, np.inf)
    parts = [*_registry_parts(material, codes), (material.from_targets, nothing + np.inf)]
    if inference == "process":
        mass = material.counts * material.values
        parts.append((material.deviation.sum_of_squares(mass) * _small_sample(material.heard), material.heard - 1.0))
    total = sum((np.maximum(part, 0.0) for part, _ in parts), nothing)
    spread = sum((part**2 / np.maximum(df, 1.0) for part, df in parts), nothing)
    return total, np.divide(total**2, spread, out=np.full_like(total, np.inf), where=spread > 0)


def _registry_parts(material: Linearization, codes: Integers | None) -> list[tuple[Floats, Floats]]:
    """Variance and degrees of freedom of each stage of the draw and of the response."""
    parts: list[tuple[Floats, Floats]] = []
    reached = np.ones(material.counts.size)
    spread = material.values**2
    for stage in stages(material.design, material.counts) if material.design is not None else []:
        parts.append((stage.variance(material.influence, material.counts), _stage_freedom(stage, material, spread, codes)))
        reached = stage.reached
    silence = material.silence * reached
    if silence.any():
        response = material.contrast.sum_of_squares(material.counts * silence) * _small_sample(material.heard)
        together = np.zeros(spread.size, np.intp)
        df = _satterthwaite(silence * spread, together, codes, material.counts, np.ones(1), material.heard.size)
        parts.append((response, df))
    return parts


def _stage_freedom(stage: Stage, material: Linearization, spread: Floats, codes: Integers | None) -> Floats:
    domains = material.heard.size
    if stage.clusters is None or codes is None:
        return _satterthwaite(spread, stage.strata, codes, material.counts, stage.scale, domains)
    pair, levels = factorize(stage.clusters * domains + codes, "clusters")
    squares = sums_by(pair, spread * material.counts, levels.size)
    cluster = levels // domains
    return _satterthwaite(squares, stage.home[cluster], levels % domains, stage.drawn[cluster], stage.scale, domains)


def _satterthwaite(spread: Floats, stratum: Integers, domain: Integers | None, counts: Floats, scale: Floats, domains: int) -> Floats:
    """2 E² / Var of Σ_h s_h Σ_g (Z_g - mean_h)² for independent normal Z_g with variances proportional to `spread`.

    E = Σ_h s_h S2 (1 - 1/n),  Var = 2 Σ_h s_h² (S4 (1 - 2/n) + S2²/n²), S2 and S4 sums over the n draws with spread in stratum
    and domain: n - 1 for one stratum of equal weights, Kish-like for unequal ones. The outcome does not enter.
    """
    if domain is None:
        return np.full(domains, np.inf)
    counts = np.where(spread > 0, counts, 0.0)
    pair, levels = factorize(stratum * domains + domain, "strata")
    n, squares, fourths = (sums_by(pair, counts * spread**k, levels.size) for k in (0, 1, 2))
    inverse = np.divide(1.0, n, out=np.zeros_like(n), where=n > 0)
    s, home = scale[levels // domains], levels % domains
    mean = sums_by(home, s * squares * (1.0 - inverse), domains)
    half = sums_by(home, s**2 * (fourths * (1.0 - 2.0 * inverse) + (squares * inverse) ** 2), domains)
    return np.divide(mean**2, half, out=np.ones(domains), where=half > 0)


def _small_sample(heard: Floats) -> Floats:
    return heard / np.maximum(heard - 1.0, 1.0)
