"""Weights that remember how they were made: one axis, a base and a chain of steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from .._checks import non_negative, read_only, same_length, vector, whole
from .._numerics import solve_symmetric
from ..errors import InfeasibleError, InputError, shown

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Matrix = Any  # a dense array, a scipy.sparse array or `Indicators`: all know `@` and `.T`


class Step(Protocol):
    """One step of a chain: multiplies the weights entering it by `factor`.

    `gradient` is d factor / d parameter (None: the factor is held fixed), `score` the estimating function of one unit,
    `bread` minus the derivative of its weighted sum; all three follow R survey's convention for calibration (residuals
    with the weights entering the step) unless `exact`. With `contrast` the score of a response model is that of a unit
    heard minus that of the same unit not heard.
    """

    @property
    def name(self) -> str: ...
    @property
    def factor(self) -> Floats: ...
    def gradient(self, *, exact: bool = False) -> Matrix | None: ...
    def score(self, *, contrast: bool = False) -> Matrix: ...
    def bread(self, *, exact: bool = False) -> Matrix: ...
    def rerun(self, w_in: Floats, counts: Floats) -> Step: ...
    def details(self) -> dict[str, float]: ...


@runtime_checkable
class Vectorised(Protocol):
    """A step that fits all replicates at once: factors (n, b) from entering weights and multiplicities (n, b)."""

    def rerun_many(self, w_in: Floats, counts: Floats) -> Floats: ...


@runtime_checkable
class Estimated(Protocol):
    """A step whose targets may be estimates: their covariance (None: known), and the step with its targets moved."""

    @property
    def target_covariance(self) -> Floats | None: ...
    def shifted(self, by: Floats) -> Step: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """Weights on one axis (all rows or cells of a base, heard or not) and the steps that led to them.

    Attributes
    ----------
    base : array of shape (n,)
        Weight of each unit before the first step; 0 where nobody was heard.
    counts : array of shape (n,)
        How often each unit stands there; not a weight.
    steps : tuple of Step
        What was done, first step first.
    values : array of shape (n,)
        Weight per unit, exactly 0 where not heard; a total is ``sum(counts * values * y)``.
    """

    base: Floats
    counts: Floats
    steps: tuple[Step, ...] = ()
    values: Floats = field(init=False)

    def __post_init__(self) -> None:
        for name in ("base", "counts"):
            array = getattr(self, name)
            object.__setattr__(self, name, array if _is_frozen(array) else read_only(np.asarray(array, float)))
        object.__setattr__(self, "values", self.entering(len(self.steps)))

    def __len__(self) -> int:
        return self.base.size

    def __repr__(self) -> str:
        heard = self.counts[self.values != 0].sum()
        steps = ", ".join(step.name for step in self.steps) or "none"
        size = self.effective_sample_size
        return f"Weights({self.counts.sum():g} units, {heard:g} heard, steps: {steps}, effective sample size {size:.1f})"

    @property
    def accounts_for(self) -> tuple[str, ...]:
        """Names of the steps whose estimation a linearised standard error includes; "estimated_targets" where targets have a variance."""
        names = tuple(step.name for step in self.steps if step.gradient() is not None)
        return (*names, "estimated_targets") if any(size for _, size in self._by_step()) else names

    @property
    def held_fixed(self) -> tuple[str, ...]:
        """Names of the steps a linearised standard error holds fixed: trimming, classifiers, classes formed from the data."""
        return tuple(step.name for step in self.steps if step.gradient() is None)

    @property
    def mass(self) -> Floats:
        """``counts * values``: what each row of the axis stands for."""
        return times(self.counts, self.values)

    @property
    def design_effect(self) -> float:
        """Kish's factor by which unequal weights inflate a variance: ``n sum(w^2) / sum(w)^2`` over those heard."""
        heard = float(self.counts[self.values != 0].sum())
        return heard / self.effective_sample_size if heard else float("nan")

    @property
    def effective_sample_size(self) -> float:
        """Kish's ``sum(w)^2 / sum(w^2)`` over those heard."""
        largest = float(np.abs(self.values).max(initial=0.0))
        if not largest:
            return 0.0
        values = self.values / largest  # squares of huge or tiny weights leave the range of floats
        mass = times(self.counts, values)
        squares = float(mass @ values)
        return float(mass.sum()) ** 2 / squares if squares else 0.0

    def entering(self, k: int) -> Floats:
        """Weight per unit before step `k` (0 is the first); ``entering(len(steps))`` are the `values`."""
        values = self.base
        for step in self.steps[:k]:
            values = times(values, step.factor)
        values.flags.writeable = False
        return values

    def pullback(self, u: npt.ArrayLike, *, since: int = 0, contrast: bool = False, exact: bool = False) -> Floats:
        """Carry the derivative of an estimate back through the chain.

        For each step, last first, with the weights ``w_in`` that entered it:

            u <- factor * u + score @ pinv(bread') @ gradient' @ (counts * w_in * u)

        Parameters
        ----------
        u : array of shape (n,) or (n, k)
            Derivative of the estimate with respect to ``counts * values``; may be missing only where the value is 0.
        since : int
            Stop at the weights that entered this step; 0 goes back to `base`.
        contrast : bool
            In response models, use the score of a unit heard minus that of the same unit not heard: what the variance
            over who answers, ``sum((1 - p) * (...)**2)`` over those heard, is made of.
        exact : bool
            Use the exact derivative of every calibration. The default regresses on the auxiliaries with the weights
            that entered the step, as R survey does; the two agree for linear calibration and post-stratification.

        Returns
        -------
        array of the shape of `u`
            Derivative with respect to ``counts`` times the weights that entered step `since`.

        Raises
        ------
        InputError
            `u` has another length, or is missing where the value is not 0.

        References
        ----------
        Deville & Särndal (1992), JASA 87, eq. 3.4; Deville (1999), Survey Methodology 25(2); Kim & Kim (2007), Can. J. Stat. 35.
        """
        whole(since, "since", low=0)
        pulled = heard = given = self._cleared(u)
        for step, solved, pulled in self._backwards(given, since, exact):  # noqa: B007
            if contrast:  # it concerns what a unit says; what it does to earlier parameters stays as it is
                heard = step.factor[:, None] * heard
                heard = heard if solved is None else heard + step.score(contrast=True) @ solved
        return (heard if contrast else pulled).reshape(np.shape(u))

    def target_variance(self, u: npt.ArrayLike, *, exact: bool = False) -> Floats:
        """Variance that estimated targets add to estimates.

        With u pulled back to a step, ``B = bread^-1 gradient' (counts * w_in * u)`` is the derivative of the estimates with
        respect to its totals, and ``B' C B``, C the covariance of these, what the step adds.

        Parameters
        ----------
        u : array of shape (n,) or (n, k)
            Derivative of the estimates with respect to ``counts * values``, as in `pullback`.
        exact : bool
            As in `pullback`.

        Returns
        -------
        array of shape () or (k, k)
            The variance, or the covariance of k estimates; 0 where all targets are known without error.

        References
        ----------
        Opsomer & Erciulescu (2021), Survey Methodology 47(1).
        """
        pulled = self._cleared(u)
        total = np.zeros((pulled.shape[1], pulled.shape[1]))
        for step, solved, _ in self._backwards(pulled, 0, exact):
            if isinstance(step, Estimated) and step.target_covariance is not None and solved is not None:
                total += solved.T @ step.target_covariance @ solved
        return total.reshape(()) if np.ndim(u) == 1 else total

    def rerun(self, counts: npt.ArrayLike, *, shift: npt.ArrayLike | None = None) -> Weights:
        """The same chain on other multiplicities: what a replicate does. Targets stay as they were.

        Parameters
        ----------
        counts : array of shape (n,)
            New multiplicities, for example those of a bootstrap resample.
        shift : array of shape (p,), optional
            What is added to the estimated targets of all steps, first step first.

        Returns
        -------
        Weights
            Every step fitted anew, first step first.
        """
        multiplicities = read_only(non_negative(counts, "counts", length=len(self)))
        moves = self._by_step()
        estimated = sum(size for _, size in moves)
        shifts = np.zeros(estimated) if shift is None else vector(shift, "shift", length=estimated)
        steps: list[Step] = []
        values = self.base
        for step, size in moves:
            mine, shifts = shifts[:size], shifts[size:]
            moved = step.shifted(mine) if isinstance(step, Estimated) and mine.any() else step
            steps.append(moved.rerun(values, multiplicities))
            values = times(values, steps[-1].factor)
        return Weights(base=self.base, counts=multiplicities, steps=tuple(steps))

    def rerun_many(self, counts: npt.ArrayLike) -> Floats:
        """The same chain on many multiplicities at once.

        Parameters
        ----------
        counts : array of shape (n, b)
            One column of multiplicities per replicate, at least one.

        Returns
        -------
        array of shape (n, b)
            Weight per unit in each replicate, as `rerun` on each column would give.
        """
        multiplicities = np.asarray(counts)
        same_length(multiplicities, "counts", len(self))
        usable = multiplicities.dtype.kind in "buif" and multiplicities.ndim == 2 and multiplicities.shape[1] > 0
        if not usable or not (multiplicities.min(initial=0.0) >= 0 and multiplicities.max(initial=0.0) < np.inf):
            raise InputError(
                f"counts must be a table of finite numbers, none of them negative, with {len(self)} rows and a column per replicate; got "
                f"{multiplicities.dtype} of shape {multiplicities.shape}.",
                code="not_a_table", argument="counts", length=len(self), got=f"{multiplicities.dtype} {multiplicities.shape}",
            )
        values = np.broadcast_to(self.base[:, None], multiplicities.shape)
        for step in self.steps:
            if isinstance(step, Vectorised):
                factor = step.rerun_many(values, multiplicities)
            else:
                columns = [step.rerun(values[:, b], multiplicities[:, b]).factor for b in range(multiplicities.shape[1])]
                factor = np.column_stack(columns)
            values = values * factor
        return values

    def followed_by(self, step: Step) -> Weights:
        """The chain with one more step."""
        return Weights(base=self.base, counts=self.counts, steps=(*self.steps, step))

    def to_frame(self, *, id: Any = None) -> pd.DataFrame:
        """One row per unit: where its weight comes from.

        Parameters
        ----------
        id : array of shape (n,), optional
            What to call the rows (None: their positions).

        Returns
        -------
        pandas.DataFrame
            Columns row, or id under its own name; base, count, factor_<step> (of a second step of that name factor_<step>_2),
            weight.
        """
        from ..results import frame

        if id is not None:
            same_length(np.asarray(id), "id", len(self))
        columns: dict[str, Any] = {"row": np.arange(len(self))} if id is None else {str(getattr(id, "name", None) or "id"): np.asarray(id)}
        columns |= {"base": self.base, "count": self.counts}
        for k, step in enumerate(self.steps):
            earlier = sum(other.name == step.name for other in self.steps[:k])
            columns[f"factor_{step.name}" + (f"_{earlier + 1}" if earlier else "")] = step.factor
        return frame({**columns, "weight": self.values})

    def steps_frame(self) -> pd.DataFrame:
        """One row for the base and one per step: how many are heard, what the weights look like, what was reached.

        Returns
        -------
        pandas.DataFrame
            Columns step, n (heard), sum, mean, cv, min, max (of the weights after the step, over those heard),
            design_effect, effective_sample_size, iterations, error (largest relative miss of a target), trimmed (units capped).
        """
        from ..results import frame

        rows = []
        for k in range(len(self.steps) + 1):
            stage = Weights(base=self.base, counts=self.counts, steps=self.steps[:k])
            details = self.steps[k - 1].details() if k else {}
            rows.append({"step": self.steps[k - 1].name if k else "base", **_spread(stage), **details})
        return frame({name: [row.get(name, np.nan) for row in rows] for name in ("step", *_spread(self), "iterations", "error", "trimmed")})

    def _by_step(self) -> list[tuple[Step, int]]:
        """Every step with the number of its targets that are estimates."""
        covariances = [step.target_covariance if isinstance(step, Estimated) else None for step in self.steps]
        return [(step, 0 if matrix is None else len(matrix)) for step, matrix in zip(self.steps, covariances, strict=True)]

    def _backwards(self, pulled: Floats, since: int, exact: bool) -> Iterator[tuple[Step, Floats | None, Floats]]:
        """Each step, last first, the derivative by the right-hand sides of its equations, and that by the weights entering it."""
        for k in reversed(range(since, len(self.steps))):
            step, solved = self.steps[k], self._solved(k, pulled, exact)
            pulled = step.factor[:, None] * pulled
            pulled = pulled if solved is None else pulled + step.score() @ solved
            yield step, solved, pulled

    def _solved(self, k: int, pulled: Floats, exact: bool) -> Floats | None:
        """Derivative of estimates with respect to the right-hand sides of step k's equations; None where its factor is held fixed."""
        step = self.steps[k]
        gradient = step.gradient(exact=exact)
        if gradient is None:
            return None
        moved = gradient.T @ (times(self.counts, self.entering(k))[:, None] * pulled)
        return solve_symmetric(step.bread(exact=exact), moved)

    def _cleared(self, u: npt.ArrayLike) -> Floats:
        array = np.asarray(u, float)
        same_length(array, "u", len(self))
        matrix = array.reshape(len(self), -1)
        missing = np.isnan(matrix)
        if missing.any():
            rows = np.flatnonzero(missing.any(axis=1) & (self.values != 0))
            if rows.size:
                raise InputError(
                    f"u has {rows.size} missing values where the weight is not 0, at rows {shown(rows)}. "
                    "Only those not heard may be missing.",
                    code="missing_influence", argument="u", rows=rows, count=int(rows.size),
                )
            matrix = np.where(missing, 0.0, matrix)
        return matrix


def begin(base_weights: Any, counts: Any, length: int, argument: str = "base_weights") -> Weights:
    """The chain a new step is added to: `base_weights` as a `Weights`, or a fresh one from arrays (None: 1 everywhere).

    `argument` is what the caller calls them.
    """
    if isinstance(base_weights, Weights):
        if counts is not None:
            raise InputError(
                "counts entered the chain with its first step and must not be given again beside a Weights. Leave counts out.",
                code="counts_twice", argument="counts",
            )
        same_length(base_weights.base, argument, length)
        chain = base_weights
    else:
        chain = Weights(base=_per_unit(base_weights, argument, length), counts=_per_unit(counts, "counts", length))
    if not np.any(chain.mass):
        raise InfeasibleError(
            "Nobody was heard: every weight is 0, so nobody can represent these people. "
            "Leave this group out, or state an assumption about it.",
            code="nobody_heard", argument=argument,
        )
    return chain


def times(a: Floats, b: Floats) -> Floats:
    """``a * b``, without the work where one of them is 1 everywhere (stored as one number)."""
    if _is_one(a):
        return b
    return a if _is_one(b) else np.multiply(a, b)


def _is_one(array: Floats) -> bool:
    return array.size > 0 and array.strides == (0,) and array[0] == 1.0


def _is_frozen(array: Any) -> bool:
    own = isinstance(array, np.ndarray) and array.dtype == np.float64 and not array.flags.writeable
    return own and (array.base is None or array.strides == (0,))


def _per_unit(value: Any, argument: str, length: int) -> Floats:
    if value is None:
        return np.broadcast_to(np.float64(1.0), (length,))
    return read_only(non_negative(value, argument, length=length))


def _spread(weights: Weights) -> dict[str, float]:
    heard = weights.values != 0
    values, counts = weights.values[heard], weights.counts[heard]
    n, total = float(counts.sum()), float(counts @ values)
    return {
        "n": n, "sum": total, "mean": total / n, "cv": float(np.sqrt(max(weights.design_effect - 1.0, 0.0))),
        "min": float(values.min()), "max": float(values.max()),
        "design_effect": weights.design_effect, "effective_sample_size": weights.effective_sample_size,
    }
