"""Calibration: weights whose totals of auxiliary variables equal, or come close to, known totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .._checks import choice, named_columns, non_negative, number, vector
from .._numerics import sums_by
from ..errors import InputError, shown
from ..options import Distance
from . import distances
from .chain import Floats, Matrix, Weights, begin, times
from .feasibility import Verdict, factor_bounds, refuse
from .labels import check_levels, label_codes, line_up
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

    Parameters
    ----------
    x : array (n, p), mapping or dataframe
        Auxiliary variables, one row per unit or cell, heard or not. No intercept is added: give a column of ones (its total
        is the number of people), or a column of labels.
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
        x and totals name different columns, values are missing, or the bounds do not suit the distance.
    InfeasibleError
        No weights within `bounds` meet the totals; those that are missed are named, with the nearest reachable value.
    ConvergenceError
        `tol` was not reached within `max_iter`.

    References
    ----------
    Deville & Särndal (1992), JASA 87, section 2, cases 1, 2, 6 and 7. Relaxed targets: Bardsley & Chambers (1984), Applied
    Statistics 33(3); Beaumont & Bocci (2008), Survey Methodology 34(1).

    Examples
    --------
    >>> w = calibrate({"ones": [1, 1, 1], "age": [20, 40, 60]}, {"ones": 30, "age": 1260}, base_weights=[10, 10, 10])
    >>> w.values.round(6).tolist()
    [8.5, 10.0, 11.5]
    """
    choice(distance, Distance, "distance")
    limits = _limits(distance, factor_bounds(bounds))
    auxiliaries = _read(x, totals)
    chain = begin(base_weights, counts, auxiliaries.x.shape[0])
    mass = chain.mass if distance == "linear" else positive_mass(chain, f"calibrate(distance={distance!r})")
    step = _fit(
        auxiliaries, mass, distance, limits, _penalties(penalty, auxiliaries),
        number(tol, "tol", low=0.0, open_low=True), int(number(max_iter, "max_iter", low=1)),
    )
    return chain.followed_by(step)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Auxiliaries:
    """Columns of x with their totals: one column per numeric variable, one per level of a label column that has a total."""

    x: Matrix
    totals: Floats
    labels: list[Any]
    levels: tuple[tuple[str, list[Any], Floats, Any], ...]  # of label columns: name, labels, totals, codes

    def names(self) -> list[str]:
        """Variable each column belongs to."""
        return [label[0] if isinstance(label, tuple) else label for label in self.labels]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalibrationStep:
    """Weights multiplied by ``factor = F(x b)``."""

    name: str
    auxiliaries: Auxiliaries
    distance: Distance
    bounds: tuple[float, float] | None
    penalty: Floats
    parameters: Floats
    mass: Floats
    factor: Floats
    slope: Floats
    tol: float
    max_iter: int
    iterations: int
    error: float

    def gradient(self, *, exact: bool = False) -> Matrix:
        """The auxiliaries, times F' if `exact`."""
        return distances.scaled(self.auxiliaries.x, self.slope) if exact else self.auxiliaries.x

    def score(self, *, contrast: bool = False) -> Matrix:
        """Minus the factor times the auxiliaries; a penalty weighs with the squares of the auxiliaries and adds its share."""
        x = self.auxiliaries.x
        score = distances.scaled(x, -self.factor)
        if self.penalty.any():
            score = score - x * x * (self.penalty * self.parameters)
        return score

    def bread(self, *, exact: bool = False) -> Floats:
        """Weighted cross products of the auxiliaries, plus the penalty on the diagonal."""
        bread = distances.gram(self.auxiliaries.x, times(self.mass, self.slope) if exact else self.mass)
        bread[np.diag_indices_from(bread)] += _ridge(self.auxiliaries.x, self.mass, self.penalty)
        return bread

    def rerun(self, w_in: Floats, counts: Floats) -> CalibrationStep:
        """The same totals with other weights and multiplicities."""
        return _fit(self.auxiliaries, times(counts, w_in), self.distance, self.bounds, self.penalty, self.tol, self.max_iter)

    def details(self) -> dict[str, float]:
        """Iterations and the largest relative miss of a total (the relaxed ones included)."""
        return {"iterations": self.iterations, "error": self.error}


def _fit(
    auxiliaries: Auxiliaries, mass: Floats, distance: Distance, bounds: tuple[float, float] | None, penalty: Floats, tol: float,
    max_iter: int,
) -> CalibrationStep:
    for name, labels, totals, codes in auxiliaries.levels:
        check_levels([name], [labels], [totals], [sums_by(codes, mass, len(labels))])
    heard = np.flatnonzero(mass)
    x, shape = auxiliaries.x, _shape(distance, bounds)
    totals = auxiliaries.totals
    inside = x[heard]
    scale = np.maximum(np.abs(totals), 1e-6 * (np.abs(inside).T @ np.abs(mass[heard])))
    scale[scale == 0.0] = 1.0
    dual = distances.minimise(
        inside, mass[heard], totals, shape, scale=scale, ridge=_ridge(x, mass, penalty), tol=tol, max_iter=max_iter
    )
    if not dual.error <= tol:
        exact = penalty == 0.0
        possible = bounds or ((0.0, np.inf) if distance == "raking" else (-np.inf, np.inf))
        labels = [label for label, kept in zip(auxiliaries.labels, exact, strict=True) if kept]
        problem = Verdict("calibrate", inside[:, np.flatnonzero(exact)], mass[heard], totals[exact], labels, possible)
        refuse(problem, error=dual.error, iterations=dual.iterations, tol=tol)
    factor, slope, _ = shape.evaluate(np.asarray(x @ dual.parameters))
    factor.flags.writeable = False
    return CalibrationStep(
        name="calibrate", auxiliaries=auxiliaries, distance=distance, bounds=bounds, penalty=penalty, parameters=dual.parameters,
        mass=mass, factor=factor, slope=slope, tol=tol, max_iter=max_iter, iterations=dual.iterations,
        error=float(np.abs((x.T @ (mass * factor) - totals) / scale).max()),
    )


def _shape(distance: Distance, bounds: tuple[float, float] | None) -> distances.Shape:
    low, high = bounds or (-np.inf, np.inf)
    if distance == "logit":
        return distances.logit(low, high)
    if distance == "raking":
        return distances.raking(max(low, 0.0), high)
    return distances.linear(low, high)


def _ridge(x: Matrix, mass: Floats, penalty: Floats) -> Floats:
    """Penalty in the units of the dual: relative to the weighted square of each column, so that units do not matter."""
    return penalty * ((x * x).T @ np.abs(mass)) if penalty.any() else penalty


def _limits(distance: Distance, bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    needed = distance in ("logit", "truncated")
    if needed == (bounds is None) and distance != "raking":
        wanted = "needs bounds=(low, high)" if needed else 'takes no bounds; use distance="truncated" to cut it off'
        raise InputError(
            f"distance={distance!r} {wanted}.", code="bounds_and_distance", argument="bounds", distance=distance, needed=needed
        )
    if distance == "logit" and bounds is not None and not (bounds[0] < 1.0 < bounds[1] < np.inf):
        raise InputError(
            f"distance='logit' needs bounds with low < 1 < high; got {bounds}. "
            "Scale the base weights to the total first, or use 'truncated'.",
            code="logit_bounds", argument="bounds", value=str(bounds),
        )
    return bounds


def _read(x: Any, totals: Any) -> Auxiliaries:
    """Numeric and label columns as one matrix with one total per column."""
    matrix = np.asarray(x) if not isinstance(x, Mapping) and not hasattr(x, "columns") else None
    if matrix is not None:
        matrix = matrix[:, None] if matrix.ndim == 1 else matrix
        columns = {f"x{j}": matrix[:, j] for j in range(matrix.shape[1])}
        given = dict(zip(columns, vector(totals, "totals", length=len(columns)), strict=True))
    else:
        columns = named_columns(x, "x")
        given = {str(name): total for name, total in dict(totals).items()} if hasattr(totals, "keys") else {}
    odd = sorted(set(columns) ^ set(given))
    if odd or not columns:
        raise InputError(
            f"x and totals must name the same columns; {shown(odd)} stands in only one of them.",
            code="margins_differ", argument="totals", levels=odd,
        )
    parts: list[Any] = []
    sums: list[Floats] = []
    labels: list[Any] = []
    levels = []
    length = None
    for name, column in columns.items():
        if hasattr(given[name], "keys"):
            codes, borne = label_codes(column, f"x[{name!r}]", length=length)
            known, wanted = line_up(given[name], name, borne)
            levels.append((name, known, wanted, np.array(codes)))
            keep = np.flatnonzero(wanted > 0)
            full = sparse.csr_array((np.ones(codes.size), codes, np.arange(codes.size + 1)), shape=(codes.size, len(known)))
            parts.append(full[:, keep])
            sums.append(wanted[keep])
            labels += [(name, known[k]) for k in keep]
        else:
            parts.append(vector(column, f"x[{name!r}]", length=length)[:, None])
            sums.append(np.array([number(given[name], f"totals[{name!r}]")]))
            labels.append(name)
        length = parts[-1].shape[0]
    joined = sparse.hstack(parts).tocsr() if levels else np.hstack(parts)
    return Auxiliaries(x=joined, totals=np.concatenate(sums), labels=labels, levels=tuple(levels))


def _penalties(penalty: Any, auxiliaries: Auxiliaries) -> Floats:
    """One penalty per column of x."""
    names = auxiliaries.names()
    if penalty is None:
        return np.zeros(len(names))
    if isinstance(penalty, Mapping):
        unknown = sorted(set(penalty) - set(names))
        if unknown:
            raise InputError(
                f"penalty names {shown(unknown)}, not a column of x.", code="not_a_column", argument="penalty", levels=unknown
            )
        return np.array([number(penalty.get(name, 0.0), "penalty", low=0.0, high=np.inf, open_high=True) for name in names])
    if np.ndim(penalty) == 0:
        return np.full(len(names), number(penalty, "penalty", low=0.0, high=np.inf, open_high=True))
    return non_negative(penalty, "penalty", length=len(names))
