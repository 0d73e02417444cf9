"""Response propensities: weights of those heard divided by their estimated probability of being heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, special

from .._checks import choice, factorize, flags, named_columns, same_length, vector
from ..errors import ConvergenceError, IdentificationError, InfeasibleError, InputError, shown
from ..options import PropensityEstimator
from . import distances
from .chain import Floats, Matrix, Weights, begin, times
from .raking import positive_mass

_TOL, _MAX_ITER = 1e-10, 100
_SUSPICIOUS = 12.0  # a fitted log odds this large is either separation or a probability below 1 in 160,000


def weight_by_propensity(
    x: Any,
    heard: npt.ArrayLike,
    *,
    base_weights: Weights | npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
    estimator: PropensityEstimator = "logistic",
    classes: Any = None,
) -> Weights:
    """Divide the weights of those heard by their estimated probability of being heard.

        logistic   w = d / p,  p = 1 / (1 + exp(-(b_0 + x b))),  sum(counts * d * (R - p) (1, x)) = 0
        classes    w = d / p,  p = sum(counts * d * R) / sum(counts * d) within the class

    Parameters
    ----------
    x : array (n, p), mapping, dataframe or None
        Characteristics of everybody who could have been heard, heard or not; an intercept is added. Columns of text or
        categories become indicators (the first level is the reference). None with ``estimator="classes"``.
    heard : boolean array of shape (n,)
        Who was heard (R).
    base_weights, counts
        As in `rake`; the base weight of those not heard is not 0 here.
    estimator : {"logistic", "classes"}
        Weighted logistic regression, or the response rate within adjustment classes.
    classes : array, optional
        Class of each unit, for ``estimator="classes"``.

    Returns
    -------
    Weights
        The chain with this step; ``values`` are exactly 0 where not heard.

    Raises
    ------
    InputError
        Missing values, or `classes` and `estimator` do not fit together.
    InfeasibleError
        Nobody was heard, at all or in a class; the class is named.
    IdentificationError
        Some characteristics were heard always or never (separation); the columns are named.

    References
    ----------
    Kim & Kim (2007), Can. J. Stat. 35(4). Classes: Oh & Scheuren (1983), in Incomplete Data in Sample Surveys, vol. 2.

    Examples
    --------
    >>> w = weight_by_propensity({"new": [0, 0, 0, 1, 1]}, [True, True, False, True, False])
    >>> w.values.round(6).tolist()
    [1.5, 1.5, 0.0, 2.0, 0.0]
    """
    choice(estimator, PropensityEstimator, "estimator")
    if (estimator == "classes") != (classes is not None):
        raise InputError(
            "classes= gives the adjustment classes of estimator='classes', and only of it.",
            code="classes_and_estimator", argument="classes",
        )
    answered = flags(heard, "heard")
    if classes is not None:
        codes, labels = factorize(classes, "classes", length=answered.size)
        starts = np.arange(codes.size + 1)
        matrix: Matrix = sparse.csr_array((np.ones(codes.size), codes, starts), shape=(codes.size, labels.size))
        names = labels.tolist()
    else:
        matrix, names = _design(x, answered.size)
    chain = begin(base_weights, counts, answered.size)
    return chain.followed_by(_fit(estimator, matrix, names, answered, positive_mass(chain, "weight_by_propensity")))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PropensityStep:
    """Weights of those heard divided by their response probability; 0 for the others."""

    name: str
    estimator: PropensityEstimator
    x: Matrix
    columns: list[Any]
    heard: npt.NDArray[np.bool_]
    probability: Floats
    mass: Floats
    factor: Floats
    iterations: int

    def gradient(self, *, exact: bool = False) -> Matrix:
        """Derivative of the factor R / p."""
        p = self.probability
        slope = (1.0 - p) / p if self.estimator == "logistic" else 1.0 / p**2
        return distances.scaled(self.x, np.where(self.heard, -slope, 0.0))

    def score(self, *, contrast: bool = False) -> Matrix:
        """(R - p) x; the contrast between heard and not heard is x."""
        return self.x if contrast else distances.scaled(self.x, self.heard - self.probability)

    def bread(self, *, exact: bool = False) -> Floats:
        """Weighted information."""
        p = self.probability
        return distances.gram(self.x, self.mass * p * (1.0 - p) if self.estimator == "logistic" else self.mass)

    def rerun(self, w_in: Floats, counts: Floats) -> PropensityStep:
        """The same model with other weights and multiplicities."""
        return _fit(self.estimator, self.x, self.columns, self.heard, times(counts, w_in))

    def details(self) -> dict[str, float]:
        """Iterations."""
        return {"iterations": self.iterations}


def _fit(estimator: PropensityEstimator, x: Matrix, columns: list[Any], heard: npt.NDArray[np.bool_], mass: Floats) -> PropensityStep:
    answered = mass * heard
    if not answered.any():
        raise InfeasibleError(
            "Nobody was heard, so no response probability can be estimated. Leave this group out, or state an assumption about it.",
            code="nobody_heard", argument="heard",
        )
    iterations = 1
    if estimator == "classes":
        everybody, known = x.T @ mass, x.T @ answered
        empty = [columns[k] for k in np.flatnonzero((everybody > 0) & (known == 0))]
        if empty:
            raise InfeasibleError(
                f"Nobody was heard in the classes {shown(empty)}. Merge them with a neighbour.",
                code="class_not_heard", argument="classes", levels=empty,
            )
        rate = np.divide(known, everybody, out=np.ones_like(known), where=everybody > 0)
        probability = np.asarray(x @ rate)
    else:
        probability, iterations = _logistic(x, columns, heard, mass)
    factor = np.where(heard, 1.0 / probability, 0.0)
    factor.flags.writeable = False
    return PropensityStep(
        name="propensity", estimator=estimator, x=x, columns=columns, heard=heard, probability=probability, mass=mass, factor=factor,
        iterations=iterations,
    )


def _logistic(x: Floats, columns: list[str], heard: npt.NDArray[np.bool_], mass: Floats) -> tuple[Floats, int]:
    """Fitted probabilities by Newton's method: the dual solver with F the logistic function and the observed totals."""
    used = mass > 0
    rows, weights, answered = x[used], mass[used], heard[used]
    if answered.all():
        raise IdentificationError(
            "Everybody was heard, so there is no response to model. Leave the propensity step out.",
            code="everybody_heard", argument="heard",
        )
    shape = distances.Shape(distances.logistic)
    start = np.zeros(x.shape[1])
    start[0] = special.logit(weights @ answered / weights.sum())
    totals = rows.T @ (weights * answered)
    sides = [np.abs(rows).T @ (weights * side) for side in (answered, ~answered)]
    scale = np.where(np.minimum(*sides) > 0.0, np.minimum(*sides), np.maximum(*sides))
    scale[scale == 0.0] = 1.0
    dual = distances.minimise(rows, weights, totals, shape, scale=scale, start=start, tol=_TOL, max_iter=_MAX_ITER)
    odds: Floats = np.asarray(x @ dual.parameters)
    if dual.error > _TOL or np.abs(odds[used]).max() > _SUSPICIOUS:
        separated = [columns[j] for j in np.flatnonzero(_separating(rows, answered)) if j]
        if separated:
            raise IdentificationError(
                f"Some people were heard always or never, as {shown(separated)} tells: their probability of being heard cannot be "
                "estimated. Merge levels, leave the column out, or use adjustment classes.",
                code="separation", argument="x", levels=separated,
            )
    if dual.error > _TOL:
        raise ConvergenceError(
            f"The response model stopped at a relative error of {dual.error:.3g} after {dual.iterations} iterations. "
            "Look for columns of very different size or nearly the same content.",
            code="response_model_not_converged", argument="x", error=dual.error, iterations=dual.iterations,
        )
    return np.asarray(special.expit(odds)), dual.iterations


def _separating(x: Floats, heard: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Columns that, combined, put the heard on one side and the others on the other (Konis 2007: a linear programme)."""
    from scipy import optimize

    solve: Any = optimize.linprog
    sided = np.unique(np.where(heard, 1.0, -1.0)[:, None] * (x / np.maximum(np.abs(x).max(axis=0), 1e-300)), axis=0)
    solution = solve(-sided.sum(axis=0), A_ub=-sided, b_ub=np.zeros(len(sided)), bounds=(-1.0, 1.0), method="highs")
    if solution.x is None or -solution.fun < 1e-6:
        return np.zeros(x.shape[1], bool)
    return np.asarray(np.abs(solution.x) > 1e-6)


def _design(x: Any, length: int) -> tuple[Floats, list[str]]:
    """Intercept, numeric columns, and indicators of all levels but the first of text columns."""
    array = np.asarray(x) if isinstance(x, np.ndarray | list | tuple) else None
    columns = named_columns(x, "x") if array is None or array.ndim == 1 else {f"x{j}": array[:, j] for j in range(array.shape[1])}
    parts, names = [np.ones((length, 1))], ["intercept"]
    for name, column in columns.items():
        values = np.asarray(column)
        same_length(values, f"x[{name!r}]", length)
        if values.dtype.kind in "buif":
            parts.append(vector(values, f"x[{name!r}]")[:, None])
            names.append(name)
        else:
            codes, levels = factorize(column, f"x[{name!r}]")
            parts.append((codes[:, None] == np.arange(1, levels.size)).astype(float))
            names += [f"{name}={level}" for level in levels.tolist()[1:]]
    return np.hstack(parts), names
