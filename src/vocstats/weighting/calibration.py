"""Calibration: weights whose totals of auxiliary variables equal, or come close to, known totals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import choice, number, whole
from .._numerics import sums_by
from ..errors import InputError
from ..options import Distance
from . import distances
from .auxiliaries import Auxiliaries, read_auxiliaries, read_penalties
from .chain import Floats, Matrix, Weights, begin, times
from .estimated_targets import read_covariance, refuse_unattainable
from .feasibility import Verdict, factor_bounds, refuse
from .households import by_household, household_codes
from .labels import check_levels
from .raking import positive_mass


def calibrate(
    x: Any,
    totals: Any,
    *,
    base_weights: Weights | npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
    distance: Distance = "linear",
    bounds: tuple[float, float] | None = None,
    penalty: Any = None,
    households: Any = None,
    totals_covariance: Any = None,
    tol: float = 1e-8,
    max_iter: int = 200,
) -> Weights:
    """Change weights as little as possible so that auxiliary totals hold.

    Minimises ``sum(counts * d * G(w / d))`` subject to ``sum(counts * w * x_j) = T_j``; the solution is
    ``w = d * F(x b)`` with F the inverse of G':

        linear      F = 1 + x b (weights may become negative)
        raking      F = exp(x b)
        logit       F between `bounds` = (L, U), L < 1 < U, along a logistic curve
        truncated   F = 1 + x b cut off at `bounds`

    With ``penalty`` c the targets are relaxed: constraint j may be missed at the price
    ``miss_j**2 / (2 c_j sum(counts * d * x_j**2))``. A constraint alone then closes 1 / (1 + c_j) of its gap (linear).

    With `households` x is replaced by its mean over the members heard of each household, so that they share one factor, and
    one weight.

    Parameters
    ----------
    x : array (n, p), mapping or dataframe
        Auxiliary variables, one row per unit or cell, heard or not. No intercept is added: give a column of ones (its total
        is the number of people), or a column of labels. An array of floats is kept, not copied: leave it as it is while the
        weights are in use.
    totals : array (p,) or mapping
        {name: total}; for a column of labels {name: {level: total}}, which stands for one indicator per level.
    base_weights, counts
        As in `rake`.
    distance : {"linear", "raking", "logit", "truncated"}
        How change is measured.
    bounds : (low, high), optional
        Limits of the factor w / d; needed by "logit" and "truncated", possible with "raking".
    penalty : float, array (p,) or mapping, optional
        How soft the targets are (None or 0: exact), for all or per name.
    households : array (n,), optional
        Household of each row. The weights entering must be equal within it; base weight 0 leaves a member out.
    totals_covariance : array (p, p) or mapping, optional
        Covariance of totals that are estimates themselves (None: known without error). An array follows the columns of x, a
        label column with its levels as `totals` lists them; a mapping {name: variance} or {name: matrix or {level: variance}}
        holds independent variables, those left out being known. See `Weights.target_variance`.
    tol : float
        Largest relative error of a total accepted.
    max_iter : int
        Most Newton steps.

    Returns
    -------
    Weights
        The chain with this step.

    Raises
    ------
    InputError
        x and totals name different columns, values are missing, the bounds do not suit the distance, weights differ within a
        household, or `totals_covariance` is no covariance that weights can follow.
    InfeasibleError
        No weights within `bounds` meet the totals; those that are missed are named, with the nearest reachable value.
    ConvergenceError
        `tol` was not reached within `max_iter`.

    References
    ----------
    Deville & Särndal (1992), JASA 87, section 2, cases 1, 2, 6 and 7. Relaxed targets: Bardsley & Chambers (1984), Applied
    Statistics 33(3); Beaumont & Bocci (2008), Survey Methodology 34(1). Households: Lemaître & Dufour (1987), Survey
    Methodology 13(2). Estimated totals: Opsomer & Erciulescu (2021), Survey Methodology 47(1).

    Examples
    --------
    >>> w = calibrate({"ones": [1, 1, 1], "age": [20, 40, 60]}, {"ones": 30, "age": 1260}, base_weights=[10, 10, 10])
    >>> w.values.round(6).tolist()
    [8.5, 10.0, 11.5]
    """
    choice(distance, Distance, "distance")
    limits = distance_bounds(distance, bounds)
    auxiliaries = read_auxiliaries(x, totals)
    chain = begin(base_weights, counts, auxiliaries.x.shape[0])
    mass = chain.mass if distance == "linear" else positive_mass(chain, f"calibrate(distance={distance!r})")
    problem = Problem(
        auxiliaries=auxiliaries, distance=distance, bounds=limits, penalty=read_penalties(penalty, auxiliaries),
        households=household_codes(households, chain), covariance=read_covariance(totals_covariance, auxiliaries),
        tol=number(tol, "tol", low=0.0, open_low=True), max_iter=whole(max_iter, "max_iter", low=1),
    )
    step = problem.fit(mass)
    if problem.covariance is not None:
        refuse_unattainable(problem.covariance, step.bread(), auxiliaries.labels)
    return chain.followed_by(step)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """What a calibration is to achieve, whatever the weights that enter it."""

    auxiliaries: Auxiliaries
    distance: Distance
    bounds: tuple[float, float] | None
    penalty: Floats
    households: npt.NDArray[np.intp] | None
    covariance: Floats | None
    tol: float
    max_iter: int

    def matrix(self, mass: Floats) -> Matrix:
        """The auxiliaries, or their means over households."""
        x = self.auxiliaries.x
        return x if self.households is None else by_household(x, self.households, mass)[0][self.households]

    def fit(self, mass: Floats) -> CalibrationStep:
        """The factors for the mass that enters."""
        for name, labels, totals, codes in self.auxiliaries.levels:
            check_levels([name], [labels], [totals], [sums_by(codes, mass, len(labels))])
        x, shape, totals, homes = self.auxiliaries.x, _shape(self.distance, self.bounds), self.auxiliaries.totals, self.households
        x, together = (x, mass) if homes is None else by_household(x, homes, mass)
        heard = np.flatnonzero(together)
        everybody = heard.size == together.size
        inside, entering = (x, together) if everybody else (x[heard], together[heard])
        cross = distances.gram(inside, entering)
        squares = np.diag(cross if (entering > 0).all() else distances.gram(inside, np.abs(entering)))
        # no total is known better than rounding of its summands allows
        scale = np.maximum(np.abs(totals), 1e-6 * np.sqrt(squares * np.abs(entering).sum()))
        scale[scale == 0.0] = 1.0
        ridge = self.penalty * squares  # relative to the weighted square of each column, so that units do not matter
        dual = distances.minimise(
            inside, entering, totals, shape, scale=scale, ridge=ridge, cross=cross, tol=self.tol, max_iter=self.max_iter
        )
        if not dual.error <= self.tol:
            self._refuse(inside, entering, dual)
        factor, slope = (dual.factor, dual.slope) if everybody else shape.evaluate(np.asarray(x @ dual.parameters))[:2]
        if homes is not None:
            x, factor, slope = x[homes], factor[homes], slope[homes]
        factor.flags.writeable = False
        return CalibrationStep(
            name="calibrate", problem=self, x=x, parameters=dual.parameters, mass=mass, factor=factor, slope=slope, cross=cross,
            ridge=ridge, iterations=dual.iterations, error=float(np.abs(dual.missed / scale).max()),
        )

    def _refuse(self, inside: Matrix, mass: Floats, dual: distances.Dual) -> None:
        exact = self.penalty == 0.0
        possible = self.bounds or ((0.0, np.inf) if self.distance == "raking" else (-np.inf, np.inf))
        labels = [label for label, kept in zip(self.auxiliaries.labels, exact, strict=True) if kept]
        verdict = Verdict("calibrate", inside[:, np.flatnonzero(exact)], mass, self.auxiliaries.totals[exact], labels, possible)
        refuse(verdict, error=dual.error, iterations=dual.iterations, tol=self.tol)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalibrationStep:
    """Weights multiplied by ``factor = F(x b)``; `cross` is ``x' diag(mass) x``, `ridge` the penalty in the units of the dual."""

    name: str
    problem: Problem
    x: Matrix
    parameters: Floats
    mass: Floats
    factor: Floats
    slope: Floats
    cross: Floats
    ridge: Floats
    iterations: int
    error: float

    @property
    def target_covariance(self) -> Floats | None:
        """Covariance of the totals; None where they are known without error."""
        return self.problem.covariance

    def gradient(self, *, exact: bool = False) -> Matrix:
        """The auxiliaries, times F' if `exact`."""
        return distances.scaled(self.x, self.slope) if exact else self.x

    def score(self, *, contrast: bool = False) -> Matrix:
        """Minus the factor times the auxiliaries; a penalty weighs with the squares of the auxiliaries and adds its share."""
        score = distances.scaled(self.x, -self.factor)
        if self.problem.penalty.any():
            score = score - distances.scaled(self.x * self.x * (self.problem.penalty * self.parameters), np.sign(self.mass))
        return score

    def bread(self, *, exact: bool = False) -> Floats:
        """Weighted cross products of the auxiliaries, plus the penalty on the diagonal."""
        bread = distances.gram(self.x, times(self.mass, self.slope)) if exact else self.cross.copy()
        bread[np.diag_indices_from(bread)] += self.ridge
        return bread

    def rerun(self, w_in: Floats, counts: Floats) -> CalibrationStep:
        """The same totals with other weights and multiplicities."""
        return self.problem.fit(times(counts, w_in))

    def shifted(self, by: Floats) -> CalibrationStep:
        """The step with its totals moved by `by`, for `rerun`."""
        auxiliaries = replace(self.problem.auxiliaries, totals=self.problem.auxiliaries.totals + by)
        return replace(self, problem=replace(self.problem, auxiliaries=auxiliaries))

    def details(self) -> dict[str, float]:
        """Iterations and the largest relative miss of a total (the relaxed ones included)."""
        return {"iterations": self.iterations, "error": self.error}


def distance_bounds(distance: Distance, bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    """Checked bounds that suit the distance."""
    limits = factor_bounds(bounds)
    needed = distance in ("logit", "truncated")
    if needed == (limits is None) and distance != "raking":
        wanted = "needs bounds=(low, high)" if needed else 'takes no bounds; use distance="truncated" to cut it off'
        raise InputError(
            f"distance={distance!r} {wanted}.", code="bounds_and_distance", argument="bounds", distance=distance, needed=needed
        )
    if distance == "logit" and limits is not None and not (limits[0] < 1.0 < limits[1] < np.inf):
        raise InputError(
            f"distance='logit' needs bounds with low < 1 < high; got {limits}. "
            "Scale the base weights to the total first, or use 'truncated'.",
            code="logit_bounds", argument="bounds", value=str(limits),
        )
    return limits


def _shape(distance: Distance, bounds: tuple[float, float] | None) -> distances.Shape:
    low, high = bounds or (-np.inf, np.inf)
    if distance == "logit":
        return distances.logit(low, high)
    if distance == "raking":
        return distances.raking(max(low, 0.0), high)
    return distances.linear(low, high)
