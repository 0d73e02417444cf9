"""Differences, ratios and any smooth function of estimates, with the standard error of their joint influence values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from .._checks import Floats
from ..errors import InputError, shown
from .axis import finish
from .design import Design
from .estimate import Estimate
from .linearization import Influence, spread_influence
from .replication import Replication, Scaling
from .variance import Linearization, variance

_STEP = np.finfo(float).eps ** (1 / 3)  # relative step of a central difference: its error is near eps^(2/3)
Materials = list[Linearization] | list[Replication]


def difference(a: Estimate, b: Estimate) -> Estimate:
    """a minus b, domain by domain: `smooth_function` of the two, with slopes 1 and -1.

    Parameters
    ----------
    a, b : Estimate
        On the same axis, design, counts, inference and level; with the same domains, or one of them without domains.

    Returns
    -------
    Estimate
        ``statistic="difference"``, `n` the smaller of the two.

    Raises
    ------
    InputError
        The two do not match.

    References
    ----------
    Welch (1947), Biometrika 34; Särndal, Swensson & Wretman (1992), sec. 5.5 (functions of several totals).
    """
    return smooth_function(np.subtract, a, b, gradient=lambda one, two: (1.0, -1.0), statistic="difference")


def smooth_function(
    function: Callable[..., Any], *estimates: Estimate, gradient: Callable[..., Sequence[Any]] | None = None, statistic: str = "function"
) -> Estimate:
    """A smooth function of estimates, domain by domain.

        influence of a unit on f(e_1, ..., e_K):  Σ_k  df/de_k  z_k

    Estimates of replicates have the function evaluated in every replicate instead. Where the weights of the estimates
    differ, the largest of their estimated probabilities of silence, and of their weights, stands for a unit: the standard
    error errs on the large side. Estimated targets of different chains are taken as independent unless they are the same.
    Degrees of freedom are Welch and Satterthwaite's.

    Parameters
    ----------
    function : callable
        Takes one array (domains,) per estimate and returns one; made of numpy operations that work entry by entry.
    *estimates : Estimate
        On the same axis, design, counts, inference and level, or of replicates that drew the same; with the same domains, those
        without domains standing against each.
    gradient : callable, optional
        Takes the same arrays and returns one slope, number or array, per estimate. None: central differences.
    statistic : str
        What the result is called.

    Returns
    -------
    Estimate
        NaN where the function is; `n` the smallest of the estimates.

    Raises
    ------
    InputError
        The estimates do not match, or the function does not return one number per domain.

    Examples
    --------
    >>> from vocstats.estimation import mean, smooth_function
    >>> odds = smooth_function(lambda p: p / (1 - p), mean([1, 0, 0, 1, 0, 0, 0, 1], level=0.9), statistic="odds")
    >>> round(float(odds.estimate), 3), round(float(odds.std_error), 3)
    (0.6, 0.468)

    References
    ----------
    Särndal, Swensson & Wretman (1992), sec. 5.5; Demnati & Rao (2004), Survey Methodology 30(1).
    """
    first = estimates[0]
    materials = _materials(estimates)
    points = [np.atleast_1d(e.estimate) for e in estimates]
    size = max(point.size for point in points)
    points = [np.broadcast_to(point, size) for point in points]
    value = _evaluated(function, points)
    known = np.isfinite(sum(np.atleast_1d(e.std_error) for e in estimates)) & np.isfinite(value)
    material: Linearization | Replication
    if isinstance(materials[0], Replication):
        table = _evaluated(function, np.broadcast_arrays(*(m.values for m in materials if isinstance(m, Replication))))
        material = Replication(values=table, scaling=materials[0].scaling)
        spread, df = material.scaling.variance(table, value), np.full(size, material.scaling.df)
    else:
        slopes = _slopes(function, gradient, points, estimates)
        material = _joint([m for m in materials if isinstance(m, Linearization)], slopes)
        spread, _ = variance(material, first.inference)
        df = _welch(slopes, estimates)
    labels = next((e.labels for e in estimates if e.labels), first.labels)
    n = reduce(np.minimum, (np.broadcast_to(e.n, size) for e in estimates))
    accounts = tuple(dict.fromkeys(code for e in estimates for code in e.variance_accounts_for))
    spread = np.where(known, spread, np.nan)
    return finish(statistic, value, spread, df, n, labels, first.level, first.inference, accounts, material)


def _evaluated(function: Callable[..., Any], points: Sequence[Floats]) -> Floats:
    with np.errstate(all="ignore"):
        value = np.asarray(function(*points), float)
    if value.shape != points[0].shape:
        raise InputError(
            f"function returned an array of shape {value.shape} for estimates of shape {points[0].shape}. "
            "Write it with numpy operations that work entry by entry.",
            code="function_shape", argument="function", got=str(value.shape), expected=str(points[0].shape),
        )
    return value


def _slopes(
    function: Callable[..., Any], gradient: Callable[..., Sequence[Any]] | None, points: list[Floats], estimates: Sequence[Estimate]
) -> list[Floats]:
    """Slopes by domain, given or by central differences a small part of each estimate wide."""
    if gradient is not None:
        given = list(gradient(*points))
        if len(given) != len(points):
            raise InputError(
                f"gradient returned {len(given)} slopes for {len(points)} estimates. Return one number or array for each.",
                code="gradient_length", argument="gradient", got=len(given), expected=len(points),
            )
        return [np.broadcast_to(np.asarray(slope, float), points[0].shape) for slope in given]
    slopes = []
    for k, (point, estimate) in enumerate(zip(points, estimates, strict=True)):
        size = np.where(point != 0, np.abs(point), np.nan_to_num(np.broadcast_to(estimate.std_error, point.shape)))
        step = _STEP * np.where(size > 0, size, 1.0)
        high, low = point + step, point - step
        above, below = (_evaluated(function, [*points[:k], moved, *points[k + 1 :]]) for moved in (high, low))
        slopes.append(np.asarray((above - below) / (high - low)))
    return slopes


def _joint(materials: list[Linearization], slopes: list[Floats]) -> Linearization:
    """Material of the function from that of its arguments."""
    slopes = [np.nan_to_num(slope, posinf=0.0, neginf=0.0) for slope in slopes]

    def combined(name: str) -> Any:
        return reduce(Influence.plus, (getattr(m, name).times(slope) for m, slope in zip(materials, slopes, strict=True)))

    return Linearization(
        **{name: combined(name) for name in ("influence", "contrast", "deviation")},
        **{name: reduce(np.maximum, (getattr(m, name) for m in materials)) for name in ("counts", "values", "silence")},
        heard=reduce(np.minimum, (np.broadcast_to(m.heard, slopes[0].shape) for m in materials)), design=materials[0].design,
        targets=_joint_targets([(m.targets, slope) for m, slope in zip(materials, slopes, strict=True)]),
    )


def _joint_targets(parts: Sequence[tuple[Influence | None, Floats]]) -> Influence | None:
    """Influence of estimated targets on the function; estimates of one chain share them, those of several have their own."""
    moved = [targets.times(slope) for targets, slope in parts if targets is not None]
    if not moved:
        return None
    shared = [targets.shared for targets, _ in parts if targets is not None]
    if all(np.array_equal(shared[0], other) for other in shared[1:]):
        return reduce(Influence.plus, moved)
    return spread_influence(block_diag(*(one.shared for one in moved)), np.vstack([one.loadings for one in moved]))


def _welch(slopes: list[Floats], estimates: Sequence[Estimate]) -> Floats:
    parts = [(slope**2 * e.std_error**2, e.df) for slope, e in zip(slopes, estimates, strict=True)]
    with np.errstate(divide="ignore", invalid="ignore"):
        df = sum(v for v, _ in parts) ** 2 / sum(v**2 / f for v, f in parts)
    return np.where(np.isnan(df), np.inf, df)


def _materials(estimates: Sequence[Estimate]) -> Materials:
    """The materials of estimates that can be combined."""
    linear = [e.material for e in estimates if isinstance(e.material, Linearization)]
    replicated = [e.material for e in estimates if isinstance(e.material, Replication)]
    if len(linear) + len(replicated) < len(estimates) or (linear and replicated):
        raise InputError(
            "An estimate has no influence values: it comes from replicates beside one that does not, or was read from a file. "
            "Compute it again from the weights.",
            code="no_influence", argument="estimates",
        )
    wrong = list(dict.fromkeys(what for a, b in pairwise(estimates) for what in _mismatches(a, b)))
    labelled = [e for e in estimates if e.labels]
    if any(not _same_labels(a, b) for a, b in pairwise(labelled)):
        wrong.append("domains")
    if wrong:
        raise InputError(
            f"The estimates differ in {shown(wrong)}. Compute all on the same axis, design, domains, inference and level.",
            code="not_comparable", argument="estimates", levels=wrong,
        )
    return linear or replicated


def _mismatches(a: Estimate, b: Estimate) -> list[str]:
    checks = {"inference": a.inference == b.inference, "level": a.level == b.level}
    one, two = a.material, b.material
    if isinstance(one, Linearization) and isinstance(two, Linearization):
        checks["number of rows"] = one.counts.size == two.counts.size
        checks["design"] = (one.design or Design()).same_as(two.design or Design()) and (one.design is None) == (two.design is None)
    if isinstance(one, Replication) and isinstance(two, Replication):
        checks["replicates"] = _same_replicates(one.scaling, two.scaling)
    return [name for name, same in checks.items() if not same]


def _same_replicates(a: Scaling, b: Scaling) -> bool:
    """Whether the replicates of two estimates drew the same, whatever the weights."""
    drew = bool(a.draws) and (a.draws, a.centre, a.interval) == (b.draws, b.centre, b.interval)
    return a is b or (drew and a.scale == b.scale and np.array_equal(a.rscales, b.rscales))


def _same_labels(a: Estimate, b: Estimate) -> bool:
    return list(a.labels) == list(b.labels) and all(np.array_equal(a.labels[name], b.labels[name]) for name in a.labels)
