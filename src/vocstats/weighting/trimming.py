"""Trimming: cap extreme weights without losing the totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._checks import choice, factorize, number, vector
from .._numerics import sums_by
from ..errors import InputError
from ..options import Redistribution, TrimMethod, TrimUnits
from . import distances, potter
from .calibration import CalibrationStep
from .chain import Floats, Weights, begin, times
from .feasibility import Verdict, refuse
from .model_assisted import ModelStep
from .raking import MarginStep, positive_mass
from .redistribution import common_within_limits

if TYPE_CHECKING:
    import pandas as pd

_TOL, _MAX_ITER = 1e-8, 200

Codes = npt.NDArray[np.intp]


def trim(
    w: Weights | npt.ArrayLike,
    *,
    upper: Any = None,
    lower: float | None = None,
    method: TrimMethod = "cap",
    units: TrimUnits = "mean",
    outcomes: Any = None,
    keep_margins: bool = True,
    within: Any = None,
    redistribute: Redistribution = "proportional",
    relative_to: Any = None,
    counts: npt.ArrayLike | None = None,
) -> Weights:
    """Keep weights between limits, and give what was cut off to the others.

    With the cap C and the floor L, ``upper`` and ``lower`` times the mean weight of those heard (or themselves, as weights):

    * after a calibration step and with `keep_margins`, the weights ``w * exp(x b)``, cut off at L and C, closest to w for which
      the totals that step established still hold (range-restricted re-calibration);
    * otherwise ``w * f``, or ``w + a`` with ``redistribute="equal"``, cut off at L and C, with f or a the same for all (or for
      all of one group of `within`), so that the total holds.

    ``method="mse"`` takes the cap among candidates at which the mean square error of weighted means of `outcomes` is smallest:

        bias^2 = max(0, (m_t - m)^2 - V(m_t - m)),   MSE = bias^2 + V(m_t),   averaged as MSE / V(m) over the outcomes

    with m and m_t the means before and after trimming, V linearised with the weights as given.

    Parameters
    ----------
    w : Weights or array
        The weights to trim.
    upper : float, optional
        Cap; above 1 in units of the mean. With ``method="mse"`` the caps to try (None: up to 40 of the weights themselves).
    lower : float, optional
        Floor; below 1 in units of the mean. ``lower=1, units="weight"`` lets nobody stand for less than himself.
    method : {"cap", "mse"}
        A cap that is given, or Potter's criterion.
    units : {"mean", "weight"}
        Whether `upper` and `lower` are multiples of the mean weight, or weights.
    outcomes : array, mapping or dataframe, optional
        Answers whose means the criterion judges; missing only where the weight is 0.
    keep_margins : bool
        Keep the totals of the last raking, post-stratification or calibration of the chain.
    within : array, optional
        Groups whose totals are kept, where no margins are.
    redistribute : {"proportional", "equal"}
        Whether what was cut off is given to the others by one factor or by one addend, where no margins are kept.
    relative_to : array, optional
        Groups in each of which the mean weight is taken (those sampled at different rates differ by design).
    counts : array, optional
        How often each row stands there, where `w` is an array.

    Returns
    -------
    Weights
        The chain with this step. It is absent from ``accounts_for``: linearised standard errors hold the trimming factor
        fixed; replicates re-run it, the choice of the cap included. ``steps[-1].curve()`` shows the criterion of every cap.

    Raises
    ------
    InputError
        Limits are missing or contradict each other, or an argument does not go with the others.
    InfeasibleError
        No weights within the limits meet the totals; those missed are named.

    References
    ----------
    Potter (1988, 1990), Proc. Survey Research Methods Section, ASA; calibration within bounds: Deville & Särndal (1992), JASA 87.

    Examples
    --------
    >>> trim([1.0, 1.0, 1.0, 5.0], upper=1.5).values.round(6).tolist()
    [1.666667, 1.666667, 1.666667, 3.0]
    """
    choice(method, TrimMethod, "method")
    choice(units, TrimUnits, "units")
    choice(redistribute, Redistribution, "redistribute")
    chain = begin(w, counts, len(w) if isinstance(w, Weights) else np.asarray(w).size, "w")
    positive_mass(chain, "trim", "w")
    calibration = _last_calibration(chain) if keep_margins else None
    idle = {"within": within is not None, "redistribute": redistribute != "proportional"}
    _refuse_idle(idle, calibration is not None, "says how the rest is changed where no margins are kept; this chain keeps those of its "
                 "calibration. Leave it out, or say keep_margins=False.", "within_and_margins")
    _refuse_idle({"relative_to": relative_to is not None}, units == "weight", "says whose mean the limits are multiples of; "
                 'with units="weight" they are weights. Leave it out.', "relative_weights")
    if (method == "mse") != (outcomes is not None):
        raise InputError(
            'outcomes= are the answers by which method="mse" judges a cap; they go with it, and only with it.',
            code="outcomes_and_method", argument="outcomes",
        )
    codes, groups = factorize(np.zeros(len(chain), int) if within is None else within, "within", length=len(chain))
    reference, _ = factorize(np.zeros(len(chain), int) if relative_to is None else relative_to, "relative_to", length=len(chain))
    high, low = _limits(upper, lower, method, units)
    rule = Rule(
        upper=np.inf if high.size != 1 else float(high[0]), lower=low, units=units,
        kept=calibration or Groups(codes=codes, labels=groups.tolist()), reference=reference, equally=redistribute == "equal",
        outcomes=None if outcomes is None else potter.read_outcomes(outcomes, chain), candidates=high,
    )
    return chain.followed_by(rule.fit(chain.values, chain.counts))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Groups whose total is kept."""

    codes: Codes
    labels: list[Any]


Kept = Groups | MarginStep | CalibrationStep


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """How weights are trimmed, whatever they are; with `outcomes` the cap is chosen among `candidates` (none: the weights)."""

    upper: float
    lower: float
    units: TrimUnits
    kept: Kept
    reference: Codes
    equally: bool
    outcomes: Mapping[str, Floats] | None
    candidates: Floats

    def fit(self, w_in: Floats, counts: Floats) -> TrimStep:
        """Trim weights, with the best cap where it is to be chosen."""
        if self.outcomes is None:
            return self._at(self.upper, w_in, counts)

        def trimmed(cap: float) -> tuple[Floats, float]:
            step = self._at(cap, w_in, counts)
            return times(w_in, step.factor), step.trimmed

        heard = times(counts, w_in) > 0
        unit = self._unit(w_in, counts)[self.reference[heard]]
        least = float((counts @ w_in) / counts[heard].sum()) if self.units == "weight" else 1.0
        candidates = self.candidates if self.candidates.size else potter.caps(w_in[heard] / unit, least)
        curve = potter.compare(candidates, trimmed, self.outcomes, w_in, counts)
        if not curve["upper"].size:
            self._at(float(candidates.max()), w_in, counts)  # says what no cap on the list can meet
        best = float(curve["upper"][np.argmin(curve["relative_mse"])])
        return replace(self._at(best, w_in, counts), candidates=curve)

    def _unit(self, w_in: Floats, counts: Floats) -> Floats:
        """What the limits are multiples of, by group of `reference`: the mean weight of those heard, or 1."""
        groups = int(self.reference.max(initial=0)) + 1
        if self.units == "weight":
            return np.ones(groups)
        mass = times(counts, w_in)
        heard = sums_by(self.reference, counts * (mass > 0), groups)
        return sums_by(self.reference, mass, groups) / np.maximum(heard, 1e-300)

    def _at(self, upper: float, w_in: Floats, counts: Floats) -> TrimStep:
        mass = times(counts, w_in)
        heard = np.flatnonzero(mass > 0)
        unit = self._unit(w_in, counts)
        floor, cap = ((limit * unit)[self.reference[heard]] / w_in[heard] for limit in (self.lower, upper))
        outside = (floor > 1.0) | (cap < 1.0)
        factor, error = np.zeros(w_in.size), 0.0
        if not outside.any():
            factor[heard] = 1.0
        elif isinstance(self.kept, Groups):
            factor[heard] = self._redistributed(self.kept, heard, w_in[heard], counts[heard], floor, cap)
        else:
            factor[heard], error = _recalibrated(self.kept, heard, mass, floor, cap)
        factor.flags.writeable = False
        return TrimStep(
            name="trim", rule=self, upper=upper, factor=factor, cap=upper * unit, trimmed=float(counts[heard[outside]].sum()), error=error
        )

    def _redistributed(self, kept: Groups, heard: Codes, w: Floats, counts: Floats, floor: Floats, cap: Floats) -> Floats:
        """Factors within limits that keep the totals of groups: one factor, or one addend, for all of a group who are inside."""
        codes = kept.codes[heard]
        if self.equally:
            return 1.0 + common_within_limits((floor - 1.0) * w, (cap - 1.0) * w, counts, codes, 0.0 * w, kept.labels) / w
        return common_within_limits(floor, cap, counts * w, codes, np.ones(w.size), kept.labels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrimStep:
    """Weights kept within limits and redistributed; the factor is held fixed in linearisation."""

    name: str
    rule: Rule
    upper: float
    factor: Floats
    cap: Floats
    trimmed: float
    error: float
    candidates: Mapping[str, Floats] = field(default_factory=dict)

    def gradient(self, *, exact: bool = False) -> None:
        """None: the factor is held fixed."""

    def score(self, *, contrast: bool = False) -> Floats:
        """Nothing is estimated that could be differentiated."""
        return np.zeros((self.factor.size, 0))

    def bread(self, *, exact: bool = False) -> Floats:
        """Nothing is estimated that could be differentiated."""
        return np.zeros((0, 0))

    def rerun(self, w_in: Floats, counts: Floats) -> TrimStep:
        """The same rule for other weights: multiples of the new mean, a new choice among the caps."""
        return self.rule.fit(w_in, counts)

    def details(self) -> dict[str, float]:
        """How many of those heard had a weight outside the limits, and the largest relative error of a kept total."""
        return {"trimmed": self.trimmed, "error": self.error}

    def curve(self) -> pd.DataFrame:
        """One row per cap that was tried: upper, trimmed (units), relative_mse, and bias and std_error of every outcome."""
        from ..results import frame

        return frame(self.candidates)


def _limits(upper: Any, lower: Any, method: TrimMethod, units: TrimUnits) -> tuple[Floats, float]:
    """Caps to try (one of them, or none) and the floor."""
    middle = 1.0 if units == "mean" else 0.0
    low = 0.0 if lower is None else number(lower, "lower", low=0.0, high=1.0 if units == "mean" else np.inf, open_high=True)
    if method == "cap" and upper is None and lower is None:
        raise InputError("trim needs upper= or lower=.", code="no_limit", argument="upper")
    if upper is None:
        return (np.empty(0) if method == "mse" else np.array([np.inf])), low
    listed = vector(np.atleast_1d(upper), "upper", infinite=True) if method == "mse" else [upper]
    return np.array([number(each, "upper", low=max(low, middle), open_low=True) for each in listed]), low


def _refuse_idle(given: Mapping[str, bool], unwanted: bool, why: str, code: str) -> None:
    idle = [argument for argument, is_given in given.items() if is_given and unwanted]
    if idle:
        raise InputError(f"{idle[0]}= {why}", code=code, argument=idle[0])


def _last_calibration(chain: Weights) -> MarginStep | CalibrationStep | None:
    for step in reversed(chain.steps):
        if isinstance(step, MarginStep | CalibrationStep):
            return step
        if isinstance(step, ModelStep):
            return step.calibration
    return None


def _recalibrated(
    kept: MarginStep | CalibrationStep, heard: Codes, everybody: Floats, floor: Floats, cap: Floats
) -> tuple[Floats, float]:
    """Factors ``exp(x b)`` within limits that keep the totals of the calibration."""
    if isinstance(kept, MarginStep):
        x, labels = kept.margins.indicators(kept.margins.cell[heard]), kept.margins.labels()
    else:
        x, labels = kept.problem.matrix(everybody)[heard], kept.problem.auxiliaries.labels
    mass = everybody[heard]
    totals = x.T @ mass
    scale = np.maximum(np.abs(totals), 1e-6 * (np.abs(x).T @ mass))
    scale[scale == 0.0] = 1.0
    dual = distances.minimise(x, mass, totals, distances.raking(floor, cap), scale=scale, tol=_TOL, max_iter=_MAX_ITER)
    if not dual.error <= _TOL:
        refuse(Verdict("trim", x, mass, totals, labels, (floor, cap)), error=dual.error, iterations=dual.iterations, tol=_TOL)
    return np.asarray(dual.factor), dual.error
