"""Weights by which those still there speak for everybody who bought, had nobody left."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats, Integers
from .._numerics import sums_by
from ..errors import IdentificationError, InputError, VocstatsWarning, shown
from ..options import HazardLink
from ..results import Flags
from ..weighting.chain import Weights, begin
from ..weighting.raking import positive_mass
from .censoring_step import CensoringStep, Leaving
from .person_periods import Histories, histories_of, intervals_of

_LOW = 0.05  # below this probability one customer speaks for twenty


class PositivityWarning(VocstatsWarning):
    """Hardly anybody, or nobody, like some of those who left is still there to speak for them."""


def censoring_weights(
    duration: npt.ArrayLike, event: npt.ArrayLike, x: Any, *, at: Any = None, entry: npt.ArrayLike | None = None,
    w: Weights | npt.ArrayLike | None = None, counts: npt.ArrayLike | None = None, stabilize: Any = None,
    truncate: tuple[float, float] | None = None, link: HazardLink = "logit", baseline: Any = "free",
) -> Weights:
    """Divide the weights of those still there by their estimated probability of still being there.

        w_i = d_i 1{there at t_i} / S(t_i | x_i),   or, stabilised,   d_i 1{there} S(t_i | v_i) / S(t_i | x_i),   v a part of x

    S is that of `hazard_regression` with weights d. A mean with these weights is what everybody who bought would say had nobody
    left, if those who left would then have answered like those with the same x who stayed: not what those who left do say, for which
    see `cohort_mean`.

    Parameters
    ----------
    duration, event, x, entry, link, baseline
        Of everybody who bought, as in `hazard_regression`.
    at : whole number or array of them (n,), optional
        Periods from purchase at which those still there are asked; who leaves exactly then has left. Who is not under observation
        then has weight 0; leaving after the latest of these times is not used. None: the last period each was seen through.
    w : Weights or array (n,), optional
        Weights of everybody before.
    counts : array (n,), optional
        How often a row stands there. Not beside a `Weights`, which has its own.
    stabilize : list of names of columns of x, optional
        Numerator S(t | v), [] being S(t): lighter weights, for analyses given v and the time. The mean is then that of customers with the
        v and the times of those who stayed.
    truncate : (low, high), optional
        Quantiles of the factors among those still there beyond which they are cut off, such as (0.01, 0.99).

    Returns
    -------
    Weights
        The chain with this step, which standard errors under ``inference="r"`` account for (a truncated factor as a function of the
        hazards; which quantile it is, is held fixed). ``steps[-1]`` has `probability`, `assumptions` and `details`.

    Raises
    ------
    InputError
        As `hazard_regression`; names that are no columns of x, quantiles out of order.
    IdentificationError
        Nobody, or nobody with a level of x, is still there; and as `hazard_regression`.

    Warns
    -----
    PositivityWarning
        Nobody with some combination of levels is still there; or somebody untruncated is with a probability below 0.05.

    References
    ----------
    Robins & Finkelstein (2000), Biometrics 56(3); Hernán, Brumback & Robins (2000), Epidemiology 11(5) (stabilised);
    Cole & Hernán (2008), Am. J. Epidemiol. 168(6) (truncation, positivity).

    Examples
    --------
    >>> years = [1, 2, 2, 2, 1, 1, 2, 2]
    >>> left = [True, False, False, False, True, True, False, True]
    >>> w = censoring_weights(years, left, {"serviced": list("yyyynnnn")}, at=1)
    >>> w.values.round(3).tolist()
    [0.0, 1.333, 1.333, 1.333, 0.0, 0.0, 2.0, 2.0]
    """
    _checks.choice(link, HazardLink, "link")
    chain = begin(w, counts, np.shape(duration)[0] if np.ndim(duration) else 1, "w")
    mass = positive_mass(chain, "censoring_weights", "w")
    until = None if at is None else np.broadcast_to(np.asarray(at), mass.shape) if np.ndim(at) == 0 else at
    histories = histories_of(duration, event, entry, x, mass, until)
    gone = histories.event & (histories.duration <= histories.until)
    there = ~gone & (histories.duration >= histories.until) & (histories.entry <= histories.until)
    _refuse_levels_left(histories, there, histories.sums(mass))
    models = (np.arange(histories.x.shape[1]), *([] if stabilize is None else [_columns(histories, stabilize)]))
    leaving = Leaving(
        histories=histories, intervals=intervals_of(histories, baseline), link=link, models=models, there=there,
        truncate=None if truncate is None else _quantiles(truncate),
    )
    step = leaving.fit(chain.values, chain.counts)
    weights = chain.followed_by(step)
    _warn(weights, step, histories.sums(mass))
    return weights


def _columns(histories: Histories, stabilize: Any) -> Integers:
    """Columns of the variables of the numerator."""
    names = [stabilize] if isinstance(stabilize, str) else list(stabilize)
    unknown = [name for name in names if name not in histories.coding.levels]
    if unknown:
        raise InputError(
            f"stabilize names {shown(unknown)}, which are no columns of x. It has {shown(histories.coding.levels)}.",
            code="stabilize_not_in_x", argument="stabilize", levels=unknown, known=", ".join(histories.coding.levels),
        )
    return np.flatnonzero([variable in names for variable in histories.coding.variables[1:]])


def _quantiles(truncate: Any) -> tuple[float, float]:
    ends = _checks.numbers(truncate, "truncate")
    if len(ends) != 2 or not 0.0 <= ends[0] < ends[1] <= 1.0:
        raise InputError(
            f"truncate must be two quantiles (low, high) with 0 <= low < high <= 1; got {truncate!r}.",
            code="bad_quantiles", argument="truncate", value=repr(truncate),
        )
    return ends[0], ends[1]


def _refuse_levels_left(histories: Histories, there: Flags, mass: Floats) -> None:
    """Raise where nobody with a level of a label variable is still there."""
    for name, levels in histories.coding.levels.items():
        if levels is None:
            continue
        own = histories.levels(name)[histories.profile]
        bad = (sums_by(own, mass, len(levels)) > 0) & (sums_by(own, mass * there, len(levels)) == 0)
        if bad.any():
            named = [level for level, flag in zip(levels, bad, strict=True) if flag]
            raise IdentificationError(
                f"Nobody with x[{name!r}] = {shown(named)} is still there, and under observation, at the time asked for, so nobody "
                "like them can speak for those who left. Merge levels, choose an earlier time, or state an assumption about them.",
                code="level_not_there", argument="x", levels=named, column=name,
            )


def _warn(weights: Weights, step: CensoringStep, mass: Floats) -> None:
    """Say which combinations of levels have nobody there, and how small the probabilities are."""
    combinations, share = _deserted(step.leaving.histories, step.leaving.there, mass)
    if combinations:
        warnings.warn(
            f"Of {shown(combinations)} ({100 * share:.2g} % of those who bought) nobody is still there: others speak for them, as far as "
            "the model of leaving allows.",
            PositivityWarning, stacklevel=3,
        )
    smallest = step.details()["probability_min"]
    if smallest < _LOW and step.leaving.truncate is None:
        mean = float(weights.mass.sum() / weights.counts[weights.values > 0].sum())
        warnings.warn(
            f"The smallest probability of still being there is {smallest:.3g}; the largest weight is {weights.values.max() / mean:.1f} "
            f"times the mean, the effective number {weights.effective_sample_size:.1f}. Look at weighting.positivity, or say "
            "truncate=(0.01, 0.99).",
            PositivityWarning, stacklevel=3,
        )


def _deserted(histories: Histories, there: Flags, mass: Floats) -> tuple[list[tuple[Any, ...]], float]:
    """Combinations of levels with nobody there, and their share of everybody."""
    labels = {name: levels for name, levels in histories.coding.levels.items() if levels is not None}
    if len(labels) < 2:
        return [], 0.0
    sizes = [len(levels) for levels in labels.values()]
    codes = np.ravel_multi_index([histories.levels(name) for name in labels], sizes)[histories.profile]
    cell, borne = _checks.factorize(codes, "x")
    total, staying = (sums_by(cell, part, borne.size) for part in (mass, mass * there))
    empty = (total > 0) & (staying == 0)
    places = np.stack(np.unravel_index(borne[empty], sizes), axis=1).tolist()
    named = [tuple(levels[k] for levels, k in zip(labels.values(), place, strict=True)) for place in places]
    return named, float(total[empty].sum() / total.sum())
