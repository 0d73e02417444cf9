"""Replicates: the same chain of weights on other multiplicities, and the variance of estimates between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .._checks import Floats, Integers
from .._numerics import t_quantile
from ..options import FailedReplicates, ReplicateCentre, ReplicateInterval, ReplicateMethod
from ..weighting.chain import Weights, begin
from .design import Design, on_axis
from .plans import check_options, drawn, given
from .rerunning import Source, chunked, fingerprint, run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaling:
    """How the spread between replicates becomes a variance: scale Σ_r rscales_r (estimate_r - centre)².

    Attributes
    ----------
    scale : float
    rscales : float array (R,)
        Replicates with 0 are passed over.
    often : float array (R,)
        Identical replicates one stands for (a row that counts several times, in the jackknife); `rscales` contains it.
    centre : {"estimate", "mean"}
        Deviations from the estimate (mean square error) or from the mean of the replicates.
    interval : {"t", "percentile"}
        Student limits with `df`, or quantiles of the replicates.
    df : float
        Degrees of freedom: clusters less strata.
    draws : str
        Fingerprint of what was drawn: replicates of two sets of weights with the same one can be compared; "" where unknown.
    """

    scale: float
    rscales: Floats
    often: Floats
    centre: ReplicateCentre
    interval: ReplicateInterval
    df: float
    draws: str = ""

    def covariance(self, values: Floats, estimate: Floats) -> Floats:
        """Covariance (k, k) of figures with replicates (k, R)."""
        deviation, rscales = self._deviation(values, estimate)
        return np.asarray(self.scale * (deviation * rscales) @ deviation.T)

    def variance(self, values: Floats, estimate: Floats) -> Floats:
        """Variances (k,): the diagonal of `covariance`; NaN for a figure that any replicate leaves undefined."""
        deviation, rscales = self._deviation(values, estimate)
        return np.asarray(self.scale * deviation**2 @ rscales)

    def limits(self, values: Floats, estimate: Floats, std_error: Floats, level: float) -> tuple[Floats, Floats]:
        """Lower and upper confidence limits (k,)."""
        if self.interval == "percentile":
            tails = np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0])
            low, high = np.quantile(values, tails, axis=1)
            return low, high
        half = t_quantile(level, self.df) * std_error
        return estimate - half, estimate + half

    def _deviation(self, values: Floats, estimate: Floats) -> tuple[Floats, Floats]:
        live = self.rscales > 0
        values, often = values[:, live], self.often[live]
        centre = estimate if self.centre == "estimate" else values @ often / often.sum()
        return values - centre[:, None], self.rscales[live]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replication:
    """Figures of every domain in every replicate, (domains, R), and how they make a variance."""

    values: Floats
    scaling: Scaling


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replicates:
    """Weights together with their replicates: estimators take them in place of weights.

    Attributes
    ----------
    weights : Weights
        The chain of the full sample, which every replicate re-runs.
    method : {"bootstrap", "jackknife", "brr", "fay", "given"}
        How the replicates were drawn.
    rows : int array (m,)
        Rows of the axis whose weight is not 0 in the full sample or in a replicate.
    numbers : int array (R,)
        Place of each replicate among those asked for, from 0; those that were dropped are missing.
    dropped : int
        Replicates left out because their chain could not be re-run.
    scaling : Scaling
        How the spread between replicates becomes a variance: scale, rscales, centre, interval, df.
    accounts_for : tuple of str
        Codes of what the spread contains.
    source : Source
        What computes the replicates.
    stored : tuple of float arrays (m, b), or None
        Masses of the rows, some replicates in each; None where there are too many of them to be kept.
    """

    weights: Weights
    method: ReplicateMethod
    rows: Integers
    numbers: Integers
    dropped: int
    scaling: Scaling
    accounts_for: tuple[str, ...]
    source: Source
    stored: tuple[Floats, ...] | None

    def __len__(self) -> int:
        return self.numbers.size

    def __repr__(self) -> str:
        steps = ", ".join(step.name for step in self.weights.steps) or "none"
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        return (
            f"Replicates({self.method}, {len(self)} replicates{dropped} of {self.rows.size} rows heard, steps: {steps}, "
            f"{self.scaling.df:g} degrees of freedom)"
        )

    def chunks(self) -> Iterator[Floats]:
        """What each row of `rows` stands for, (m, b), some replicates at a time: multiplicity times weight."""
        if self.stored is not None:
            yield from self.stored
            return
        for numbers in chunked(self.numbers, len(self.weights)):
            yield self.source.masses(numbers)[self.rows]

    @property
    def values(self) -> Floats:
        """Replicate weights per unit, (n, R), multiplicities included: a total is ``sum(counts * values[:, r] * y)``.

        Written out at once: 8 n R bytes.
        """
        counts = self.weights.counts[self.rows]
        inverse = np.divide(1.0, counts, out=np.zeros_like(counts), where=counts > 0)
        values = np.zeros((len(self.weights), len(self)))
        values[self.rows] = np.hstack([masses * inverse[:, None] for masses in self.chunks()])
        return values

    def to_frame(self) -> pd.DataFrame:
        """One row per row heard: row (position on the axis, from 0), count, weight, replicate_1, replicate_2, ... (weights)."""
        from ..results import frame

        columns = {"row": self.rows, "count": self.weights.counts[self.rows], "weight": self.weights.values[self.rows]}
        values = self.values[self.rows]
        return frame({**columns, **{f"replicate_{r + 1}": values[:, j] for j, r in enumerate(self.numbers)}})


def replicate(
    w: Weights | npt.ArrayLike, *, design: Design | None = None, method: ReplicateMethod = "bootstrap",
    counts: npt.ArrayLike | None = None, replicates: int = 500, seed: int = 0, draws: float = 1.0, rho: float | None = None,
    multiplicities: npt.ArrayLike | None = None, replicate_weights: npt.ArrayLike | None = None, combined: bool = True,
    scale: float | None = None, rscales: npt.ArrayLike | None = None, df: float | None = None,
    centre: ReplicateCentre = "estimate", interval: ReplicateInterval = "t", failed: FailedReplicates = "fail",
) -> Replicates:
    """Weights with their replicates: first-stage clusters are drawn again, and the whole chain is re-run on each draw.

    A replicate changes how often a unit stands there, not its weight, and fits every step anew: propensities, calibration,
    trimming, classes formed from the data. Targets stay as they are (those that are estimates move by their covariance).

        bootstrap   1 - λ + λ n_h / m_h r_i of m_h draws with replacement, λ = sqrt(m_h (1 - f_h) / (n_h - 1))
        jackknife   0 for the cluster left out, n_h / (n_h - 1) for the others of its stratum (JK1, JKn)
        brr, fay    1 ± (1 - ρ) sqrt(1 - f_h) for the two clusters of a pair

    Parameters
    ----------
    w : Weights or array (n,)
        The weights, or base weights without a chain. Rows whose base weight or count is 0 are not in the sample; those asked
        and not heard, whom a propensity step models, are.
    design : Design, optional
        Strata, clusters and fpc of the first stage (None: rows drawn with replacement, each as often as it counts). Later
        stages are contained in the spread between first-stage clusters.
    method : {"bootstrap", "jackknife", "brr", "fay", "given"}
        See above; "given" takes the replicates of somebody else.
    counts : array (n,), optional
        How often each row stands there, where `w` is an array.
    replicates : int
        Number of bootstrap replicates.
    seed : int
        Seed of the bootstrap; the same seed gives the same replicates.
    draws : float
        Share of n_h - 1 that m_h is, in (0, 1]. Below 1 nobody is left out of a bootstrap replicate altogether in strata of
        several clusters, so that chains can be re-run that need every level heard.
    rho : float, optional
        Fay's ρ in [0, 1), of method "fay".
    multiplicities, replicate_weights : array (n, R), optional
        For "given", one of the two: multiplicities relative to the counts, on which the chain is re-run; or final weights.
    combined : bool
        Whether `replicate_weights` contain the weights; otherwise they are multiplied by them.
    scale, rscales : float and array (R,), optional
        For "given": variance = scale Σ rscales (estimate_r - centre)²; rscales 1 by default.
    df : float, optional
        For "given": degrees of freedom; by default the rank of the replicate weights less 1.
    centre : {"estimate", "mean"}
        Deviations from the full-sample estimate, or from the mean of the replicates.
    interval : {"t", "percentile"}
        Student limits, or quantiles of the bootstrap.
    failed : {"fail", "drop"}
        A bootstrap replicate whose chain cannot be re-run, because nobody of a level is in it: an error, or left out and
        counted in `dropped`.

    Returns
    -------
    Replicates
        Pass it as `w` to any estimator.

    Raises
    ------
    InputError
        An option does not belong to the method, the design does not suit it, or a stratum has a lonely cluster.
    InfeasibleError
        The chain cannot be re-run in some replicates; they and the levels are named.

    References
    ----------
    Rao, Wu & Yue (1992), Survey Methodology 18(2); Wolter (2007), Introduction to Variance Estimation, chs. 3 to 5; Judkins
    (1990), J. Off. Stat. 6(3); Opsomer & Erciulescu (2021), Survey Methodology 47(1), for estimated targets.

    Examples
    --------
    >>> from vocstats.estimation import mean, replicate
    >>> reps = replicate([2, 2, 1, 1], method="jackknife")
    >>> e = mean([9, 7, 4, 8], reps)
    >>> print(f"{e.estimate:.3f} (SE {e.std_error:.3f})")
    7.333 (SE 0.943)
    """
    options = {"design": design, "rho": rho, "multiplicities": multiplicities, "replicate_weights": replicate_weights}
    check_options(method, {**options, "scale": scale, "rscales": rscales, "df": df}, centre, interval, failed)
    weights = begin(w, counts, len(w) if isinstance(w, Weights) else np.asarray(w).size, "w")
    if method == "given":
        plan = given(weights, multiplicities, replicate_weights, combined, scale, rscales, df)
    else:
        plan = drawn(weights, on_axis(design, weights.base.size, "w") or Design(), method, replicates, seed, draws, rho)
    done = run(plan.source, weights, plan.rscales.size, drop=failed == "drop")
    kept = done.numbers
    scaling = Scaling(
        scale=1.0 / (kept.size - (centre == "mean")) if method == "bootstrap" else plan.scale, rscales=plan.rscales[kept],
        often=plan.often[kept], centre=centre, interval=interval, df=min(plan.df, kept.size - 1.0) if method == "bootstrap" else plan.df,
        draws=fingerprint(plan.source, kept),
    )
    as_given = () if isinstance(w, Weights) else ("weights_as_given",)
    return Replicates(
        weights=weights, method=method, rows=done.rows, numbers=kept, dropped=len(done.failures), scaling=scaling,
        accounts_for=(*plan.accounts_for, *as_given), source=plan.source, stored=done.chunks,
    )
