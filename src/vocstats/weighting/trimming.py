"""Trimming: cap extreme weights without losing the totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import choice, factorize, number
from .._numerics import sums_by
from ..errors import InfeasibleError, InputError, shown
from ..options import TrimMethod
from . import distances
from .calibration import CalibrationStep
from .chain import Floats, Weights, begin, times
from .feasibility import Verdict, refuse
from .raking import MarginStep, positive_mass

_TOL, _MAX_ITER = 1e-8, 200


def trim(
    w: Weights | npt.ArrayLike,
    *,
    upper: float,
    method: TrimMethod = "cap",
    keep_margins: bool = True,
    within: Any = None,
    relative_to: Any = None,
    counts: npt.ArrayLike | None = None,
) -> Weights:
    """Cap weights at a multiple of their mean, and give what was cut off to the others.

    With the cap ``c = upper * sum(counts * w) / sum(counts over the heard)``:

    * after a calibration step and with `keep_margins`, the weights ``min(w * exp(x b), c)`` closest to w for which the totals
      that step established still hold;
    * otherwise ``min(w * f, c)`` with f the same for all (or for all of one group of `within`), so that the total holds.

    Parameters
    ----------
    w : Weights or array
        The weights to trim.
    upper : float
        Cap, as a multiple of the mean weight of those heard; above 1.
    method : {"cap"}
        How the cap is found.
    keep_margins : bool
        Keep the totals of the last raking, post-stratification or calibration of the chain.
    within : array, optional
        Groups whose totals are kept, where no margins are.
    relative_to : array, optional
        Groups in each of which the mean weight of the cap is taken (those sampled at different rates differ by design).
    counts : array, optional
        How often each row stands there, where `w` is an array.

    Returns
    -------
    Weights
        The chain with this step. It is absent from ``accounts_for``: linearised standard errors hold the trimming factor
        fixed; replicates re-run it.

    Raises
    ------
    InputError
        `upper` is not above 1, or `within` is given although margins are kept.
    InfeasibleError
        No weights below the cap meet the totals; those missed are named.

    References
    ----------
    Potter (1990), Proc. Survey Research Methods Section, ASA; calibration within bounds: Deville & Särndal (1992), JASA 87.

    Examples
    --------
    >>> trim([1.0, 1.0, 1.0, 5.0], upper=1.5).values.round(6).tolist()
    [1.666667, 1.666667, 1.666667, 3.0]
    """
    choice(method, TrimMethod, "method")
    multiple = number(upper, "upper", low=1.0, open_low=True)
    chain = begin(w, counts, len(w) if isinstance(w, Weights) else np.asarray(w).size)
    calibration = _last_calibration(chain) if keep_margins else None
    if calibration is not None and within is not None:
        raise InputError(
            "within= groups the redistribution where no margins are kept; this chain keeps those of its calibration. "
            "Leave within out, or say keep_margins=False.",
            code="within_and_margins", argument="within",
        )
    codes, groups = factorize(np.zeros(len(chain), int) if within is None else within, "within", length=len(chain))
    kept = calibration or Groups(codes=codes, labels=groups.tolist())
    positive_mass(chain, "trim")
    reference, _ = factorize(np.zeros(len(chain), int) if relative_to is None else relative_to, "relative_to", length=len(chain))
    return chain.followed_by(_fit(multiple, kept, reference, chain.values, chain.counts))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Groups whose total is kept by scaling."""

    codes: npt.NDArray[np.intp]
    labels: list[Any]


Kept = Groups | MarginStep | CalibrationStep


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrimStep:
    """Weights capped and redistributed; the factor is held fixed in linearisation."""

    name: str
    upper: float
    kept: Kept
    reference: npt.NDArray[np.intp]
    factor: Floats
    cap: Floats
    trimmed: float
    error: float

    def gradient(self, *, exact: bool = False) -> None:
        """None: the factor is held fixed."""

    def score(self, *, contrast: bool = False) -> Floats:
        """Nothing is estimated that could be differentiated."""
        return np.zeros((self.factor.size, 0))

    def bread(self, *, exact: bool = False) -> Floats:
        """Nothing is estimated that could be differentiated."""
        return np.zeros((0, 0))

    def rerun(self, w_in: Floats, counts: Floats) -> TrimStep:
        """The same multiple of the new mean weight."""
        return _fit(self.upper, self.kept, self.reference, w_in, counts)

    def details(self) -> dict[str, float]:
        """How many of those heard had a weight above the cap, and the largest relative error of a kept total."""
        return {"trimmed": self.trimmed, "error": self.error}


def _last_calibration(chain: Weights) -> MarginStep | CalibrationStep | None:
    for step in reversed(chain.steps):
        if isinstance(step, MarginStep | CalibrationStep):
            return step
    return None


def _fit(upper: float, kept: Kept, reference: npt.NDArray[np.intp], w_in: Floats, counts: Floats) -> TrimStep:
    mass = times(counts, w_in)
    heard = np.flatnonzero(mass > 0)
    groups = int(reference.max(initial=0)) + 1
    cap = upper * sums_by(reference, mass, groups) / np.maximum(sums_by(reference[heard], counts[heard], groups), 1e-300)
    limit = cap[reference[heard]] / w_in[heard]
    factor = np.zeros(w_in.size)
    error = 0.0
    if not (limit < 1.0).any():
        factor[heard] = 1.0
    elif isinstance(kept, Groups):
        factor[heard] = _redistributed(kept, kept.codes[heard], mass[heard], limit, counts[heard])
    else:
        factor[heard], error = _recalibrated(kept, heard, mass, limit)
    factor.flags.writeable = False
    return TrimStep(
        name="trim", upper=upper, kept=kept, reference=reference, factor=factor, cap=cap,
        trimmed=float(counts[heard[limit < 1.0]].sum()), error=error,
    )


def _redistributed(kept: Groups, codes: npt.NDArray[np.intp], mass: Floats, limit: Floats, counts: Floats) -> Floats:
    """Factors ``min(f, limit)`` with one f per group that keeps the group's total."""
    k = len(kept.labels)
    total = sums_by(codes, mass, k)
    room = sums_by(codes, mass * limit, k)
    full = [kept.labels[g] for g in np.flatnonzero(room < total)]
    if full:
        raise InfeasibleError(
            f"The mean weight in {shown(full)} is above the cap, so the weights there cannot keep their total. "
            "Raise upper, or merge groups.",
            code="cap_below_mean", argument="upper", levels=full,
        )
    factor = np.ones(codes.size)
    capped = limit < 1.0
    while True:
        free = sums_by(codes, np.where(capped, 0.0, mass), k)
        fixed = sums_by(codes, np.where(capped, mass * limit, 0.0), k)
        scale = np.divide(total - fixed, free, out=np.ones(k), where=free > 0)
        factor = np.where(capped, limit, scale[codes])
        over = ~capped & (factor > limit)
        if not over.any():
            return factor
        capped |= over


def _recalibrated(
    kept: MarginStep | CalibrationStep, heard: npt.NDArray[np.intp], everybody: Floats, limit: Floats
) -> tuple[Floats, float]:
    """Factors ``min(exp(x b), limit)`` that keep the totals of the calibration."""
    if isinstance(kept, MarginStep):
        x, labels = kept.margins.indicators(kept.margins.cell[heard]), kept.margins.labels()
    else:
        x, labels = kept.problem.matrix(everybody)[heard], kept.problem.auxiliaries.labels
    mass = everybody[heard]
    totals = x.T @ mass
    scale = np.maximum(np.abs(totals), 1e-6 * (np.abs(x).T @ mass))
    scale[scale == 0.0] = 1.0
    dual = distances.minimise(x, mass, totals, distances.raking(0.0, limit), scale=scale, tol=_TOL, max_iter=_MAX_ITER)
    if not dual.error <= _TOL:
        problem = Verdict("trim", x, mass, totals, labels, (0.0, limit))
        refuse(problem, error=dual.error, iterations=dual.iterations, tol=_TOL)
    return dual.factor, dual.error
