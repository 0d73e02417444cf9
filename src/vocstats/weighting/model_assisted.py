"""Model-assisted calibration: the predictions of a model for everybody are what the weights are calibrated to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import choice, non_negative, number, whole
from .._numerics import solve_symmetric
from ..errors import ConvergenceError, InfeasibleError, InputError, shown
from ..options import Distance, ModelFamily
from . import distances
from .auxiliaries import Auxiliaries, answers
from .calibration import CalibrationStep, Problem, distance_bounds
from .chain import Floats, Weights, begin, times
from .covariates import read_covariates, written
from .raking import positive_mass

_TOL, _MAX_ITER = 1e-11, 100  # of the logistic model
_NULL, _BEYOND = 1e-10, 1e-6  # eigenvalues and predictions, relative, taken for 0


def calibrate_on_model(
    y: npt.ArrayLike,
    x: Any,
    *,
    base_weights: Weights | npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
    population: npt.ArrayLike | None = None,
    family: ModelFamily = "linear",
    distance: Distance = "linear",
    bounds: tuple[float, float] | None = None,
    tol: float = 1e-8,
    max_iter: int = 200,
) -> Weights:
    """Calibrate to the number of people and to the total of a model's predictions of y for all of them.

    With mu_i the prediction of a model of y on x fitted to those heard with the weights d that enter, the weights closest to d
    for which

        sum(counts * w) = sum(population),   sum(counts * w * mu) = sum(population * mu)

    A mean of y is then as precise as the model predicts well, and right whether or not the model is, d being right.

    Parameters
    ----------
    y : array of numbers (n,)
        Outcome; missing only where nobody was heard.
    x : array (n, p), mapping or dataframe
        Characteristics of everybody, heard or not; an intercept is added, text and categories become indicators.
    base_weights, counts
        As in `rake`; 0 where nobody was heard.
    population : array (n,), optional
        How many people of the registry each row stands for (None: `counts`, of all rows). Replicates hold it fixed.
    family : {"linear", "logistic"}
        Least squares, or logistic regression of a y between 0 and 1.
    distance, bounds, tol, max_iter
        As in `calibrate`.

    Returns
    -------
    Weights
        The chain with this step. The estimation of the model is part of the linearised standard error; replicates fit it anew.

    Raises
    ------
    InputError
        y is missing where somebody was heard or, with ``family="logistic"``, not between 0 and 1; or as in `calibrate`.
    InfeasibleError
        Those heard do not tell what the model predicts for everybody (a level nobody heard has), or the totals are out of
        reach within `bounds`.
    ConvergenceError
        The model or the calibration did not converge.

    References
    ----------
    Wu & Sitter (2001), JASA 96(453).

    Examples
    --------
    >>> tenure, score = [1, 2, 3, 4, 5, 6], [5.0, None, 6.5, 7.0, None, None]
    >>> w = calibrate_on_model(score, {"tenure": tenure}, base_weights=[2, 0, 2, 2, 0, 0])
    >>> w.values.round(3).tolist()
    [0.214, 0.0, 2.357, 3.429, 0.0, 0.0]
    """
    choice(family, ModelFamily, "family")
    choice(distance, Distance, "distance")
    limits = distance_bounds(distance, bounds)
    chain = begin(base_weights, counts, np.shape(y)[0] if np.ndim(y) else 1)
    mass = chain.mass if distance == "linear" else positive_mass(chain, f"calibrate_on_model(distance={distance!r})")
    covariates, columns = read_covariates(x, len(chain))
    z = written(covariates)
    outcome = answers(y, "y", chain)
    beyond = np.flatnonzero((mass != 0) & ((outcome < 0) | (outcome > 1))) if family == "logistic" else np.empty(0, int)
    if beyond.size:
        raise InputError(
            f'family="logistic" needs y between 0 and 1; it is not at rows {shown(beyond)}. Scale y, or use family="linear".',
            code="not_a_share", argument="y", rows=beyond,
        )
    problem = ModelProblem(
        y=outcome, z=z if isinstance(z, np.ndarray) else z.toarray(), columns=columns, family=family,
        population=chain.counts if population is None else non_negative(population, "population", length=len(chain)),
        distance=distance, bounds=limits, tol=number(tol, "tol", low=0.0, open_low=True), max_iter=whole(max_iter, "max_iter", low=1),
    )
    return chain.followed_by(problem.fit(mass))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelProblem:
    """What a model-assisted calibration is to achieve, whatever the weights that enter it."""

    y: Floats
    z: Floats
    columns: list[str]
    family: ModelFamily
    population: Floats
    distance: Distance
    bounds: tuple[float, float] | None
    tol: float
    max_iter: int

    def fit(self, mass: Floats) -> ModelStep:
        """Fit the model to the mass that enters, and calibrate to its predictions."""
        heard = np.flatnonzero(mass)
        self._refuse_beyond(heard, mass[heard])
        eta = self.z @ self._coefficients(self.z[heard], self.y[heard], mass[heard])
        prediction, slope = (eta, np.ones_like(eta)) if self.family == "linear" else distances.logistic(eta)[:2]
        labels = ["people", "prediction"]
        totals = np.array([self.population.sum(), self.population @ prediction])
        x = np.column_stack([np.ones_like(prediction), prediction])
        calibration = Problem(
            auxiliaries=Auxiliaries(x=x, totals=totals, labels=labels, given=labels, levels=()), distance=self.distance, bounds=self.bounds,
            penalty=np.zeros(2), households=None, covariance=None, tol=self.tol, max_iter=self.max_iter,
        )
        return ModelStep(name="calibrate_on_model", problem=self, calibration=calibration.fit(mass), slope=slope)

    def _coefficients(self, z: Floats, y: Floats, mass: Floats) -> Floats:
        if self.family == "linear":
            return solve_symmetric(distances.gram(z, mass), z.T @ (mass * y))
        scale = np.abs(z).T @ np.abs(mass)
        scale[scale == 0.0] = 1.0
        dual = distances.minimise(
            z, mass, z.T @ (mass * y), distances.Shape(distances.logistic), scale=scale, tol=_TOL, max_iter=_MAX_ITER
        )
        if dual.error > _TOL:
            raise ConvergenceError(
                f"The model of y stopped at a relative error of {dual.error:.3g} after {dual.iterations} iterations. "
                "Look for columns of very different size or nearly the same content.",
                code="model_not_converged", argument="x", error=dual.error, iterations=dual.iterations,
            )
        return dual.parameters

    def _refuse_beyond(self, heard: npt.NDArray[np.intp], mass: Floats) -> None:
        """Raise where predictions for somebody hang on coefficients those heard say nothing about."""
        scaled = self.z / np.maximum(np.abs(self.z).max(axis=0), 1e-300)
        values, vectors = np.linalg.eigh(distances.gram(scaled[heard], np.abs(mass)))
        blind = vectors[:, values <= _NULL * values.max()]
        moved = np.abs(scaled[self.population > 0] @ blind).max(axis=0, initial=0.0) > _BEYOND
        if moved.any():
            levels = [self.columns[j] for j in np.flatnonzero((np.abs(blind[:, moved]) > 0.1).any(axis=1))]
            raise InfeasibleError(
                f"Those heard do not tell what the model predicts for everybody: {shown(levels)} vary in the registry, but not by "
                "themselves among those heard. Merge levels, or leave a column out.",
                code="model_beyond_heard", argument="x", levels=levels,
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelStep:
    """Weights calibrated to predictions; its parameters are the model's coefficients and those of the calibration.

    The equations of the two are solved one after the other, so their bread is triangular: `gradient` comes multiplied by its
    inverse, and `bread` is the identity.
    """

    name: str
    problem: ModelProblem
    calibration: CalibrationStep
    slope: Floats

    @property
    def factor(self) -> Floats:
        """Factors of the calibration."""
        return self.calibration.factor

    def gradient(self, *, exact: bool = False) -> Floats:
        """Derivative of the factor by both sets of coefficients, times the inverse of their bread."""
        inner, p = self.calibration, self.problem
        steep = inner.slope if exact else np.ones_like(inner.slope)
        moved = p.z * self.slope[:, None]  # d prediction / d coefficients
        by_prediction = steep * inner.parameters[1]
        cross = inner.x.T @ (moved * (inner.mass * by_prediction)[:, None])
        cross[1] += (inner.mass * inner.factor - p.population) @ moved
        first = solve_symmetric(inner.bread(exact=exact), inner.gradient(exact=exact).T).T
        rest = moved * by_prediction[:, None] - first @ cross
        return np.hstack([solve_symmetric(distances.gram(p.z, inner.mass * self.slope), rest.T).T, first])

    def score(self, *, contrast: bool = False) -> Floats:
        """Residual times the characteristics, and minus the factor times (1, prediction)."""
        residual = np.where(self.calibration.mass != 0, self.problem.y - self.calibration.x[:, 1], 0.0)
        return np.hstack([self.problem.z * residual[:, None], self.calibration.score()])

    def bread(self, *, exact: bool = False) -> Floats:
        """The identity."""
        return np.eye(self.problem.z.shape[1] + 2)

    def rerun(self, w_in: Floats, counts: Floats) -> ModelStep:
        """The same model and calibration with other weights and multiplicities; the registry stays as it is."""
        return self.problem.fit(times(counts, w_in))

    def details(self) -> dict[str, float]:
        """Iterations and the largest relative miss of a total."""
        return self.calibration.details()
