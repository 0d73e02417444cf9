"""What replicates are made of: where their masses come from, and how their spread becomes a variance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg

from .._checks import Floats, choice, non_negative, number, same_length, whole
from ..errors import InputError, shown
from ..options import FailedReplicates, ReplicateCentre, ReplicateInterval, ReplicateMethod
from ..weighting.chain import Weights
from ..weighting.estimated_targets import target_draws, target_roots
from .design import Design
from .half_samples import half_samples
from .rerunning import AsGiven, Rerun, Source
from .resampling import Bootstrap, Extended, Given, Resampling, Units, first_stage, jackknife

_RANK = 1e-5  # relative size below which a column adds nothing to a rank (R survey's tolerance)
_OF_METHOD = {"rho": "fay"} | dict.fromkeys(("multiplicities", "replicate_weights", "scale", "rscales", "df"), "given")
_NEEDED = ("rho", "scale")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Replicates to be computed.

    Attributes
    ----------
    source : Source
        What computes their masses.
    scale, rscales, often, df
        See `Scaling`.
    accounts_for : tuple of str
        Codes of what their spread contains.
    """

    source: Source
    scale: float
    rscales: Floats
    often: Floats
    df: float
    accounts_for: tuple[str, ...]


def drawn(weights: Weights, design: Design, method: ReplicateMethod, replicates: int, seed: int, draws: float, rho: float | None) -> Plan:
    """Replicates of a draw of first-stage clusters on which the chain is re-run."""
    if design.length is not None:
        same_length(weights.base, "w", design.length)
    sampled = np.where(weights.base != 0, weights.counts, 0.0)
    units = first_stage(design, sampled)
    if (units.often % 1.0 != 0.0).any():
        raise InputError(
            "counts must be whole numbers where rows are drawn again. Round them, or give clusters.",
            code="counts_not_whole", argument="counts",
        )
    if method == "jackknife":
        return _rerun(weights, jackknife(units, design), _freedom(units), _draw_codes(design))
    if units.lonely.any() and design.lonely_psu != "remove":
        raise InputError(
            f'lonely_psu={design.lonely_psu!r} is for linearisation and the jackknife; method={method!r} knows "fail" and "remove".',
            code="not_with_method", argument="lonely_psu", method=repr(method),
        )
    if method == "bootstrap":
        size, start = whole(replicates, "replicates", low=2), whole(seed, "seed", low=0)
        share = number(draws, "draws", low=0.0, high=1.0, open_low=True)
        resampling: Resampling = Bootstrap(units=units, replicates=size, seed=start, draws=share, scale=1.0 / size)
        return _rerun(weights, resampling, _freedom(units), _draw_codes(design), seed=[start, 1])
    share = 0.0 if rho is None else number(rho, "rho", low=0.0, high=1.0, open_high=True)
    return _rerun(weights, half_samples(units, share), _freedom(units), _draw_codes(design))


def given(
    weights: Weights, multiplicities: Any, replicate_weights: Any, combined: bool, scale: float | None, rscales: Any, df: float | None
) -> Plan:
    """Replicates somebody else made: multiplicities on which the chain is re-run, or final weights."""
    if (multiplicities is None) == (replicate_weights is None):
        raise InputError(
            'method="given" takes either multiplicities, on which the chain is re-run, or replicate_weights, which are final.',
            code="given_replicates", argument="replicate_weights",
        )
    name = "multiplicities" if replicate_weights is None else "replicate_weights"
    matrix = _matrix(multiplicities if replicate_weights is None else replicate_weights, name, len(weights))
    factor, size = number(scale, "scale", low=0.0, open_low=True), matrix.shape[1]
    coefficients = np.ones(size) if rscales is None else non_negative(rscales, "rscales", length=size)
    if replicate_weights is None and (matrix < 0).any():
        rows = np.flatnonzero((matrix < 0).any(axis=1))
        raise InputError(
            f"multiplicities must not be negative; they are at rows {shown(rows)}.",
            code="negative", argument="multiplicities", rows=rows, count=int(rows.size),
        )
    beside = weights.counts if combined and replicate_weights is not None else weights.mass
    freedom = _rank(matrix * beside[:, None]) - 1.0 if df is None else number(df, "df", low=0.0, open_low=True)
    if replicate_weights is None:
        return _rerun(weights, Given(matrix=matrix, scale=factor, rscales=coefficients), freedom, ())
    return Plan(
        source=AsGiven(matrix=matrix, beside=beside), scale=factor, rscales=coefficients, often=np.ones(size), df=freedom,
        accounts_for=("replicates_given",),
    )


def check_options(
    method: ReplicateMethod, options: Mapping[str, Any], centre: ReplicateCentre, interval: ReplicateInterval, failed: FailedReplicates
) -> None:
    """Refuse options that do not belong to the method, and missing ones that do."""
    chosen = {"method": (method, ReplicateMethod), "centre": (centre, ReplicateCentre), "interval": (interval, ReplicateInterval)}
    for name, (value, allowed) in {**chosen, "failed": (failed, FailedReplicates)}.items():
        choice(value, allowed, name)
    misplaced = [name for name, own in _OF_METHOD.items() if options[name] is not None and method != own]
    misplaced += ["design"] if method == "given" and options["design"] is not None else []
    misplaced += ["interval"] if interval == "percentile" and method not in ("bootstrap", "given") else []
    misplaced += ["failed"] if failed == "drop" and method != "bootstrap" else []
    if misplaced:
        raise InputError(
            f"{misplaced[0]} does not go with method={method!r}. Leave it out, or choose another method.",
            code="not_with_method", argument=misplaced[0], method=repr(method),
        )
    for name in _NEEDED:
        if method == _OF_METHOD[name] and options[name] is None:
            raise InputError(f"method={method!r} needs {name}.", code="needed_by_method", argument=name, method=repr(method))


def _rerun(weights: Weights, resampling: Resampling, df: float, codes: tuple[str, ...], seed: Any = None) -> Plan:
    roots = target_roots(weights)
    if not roots.size:
        shifts = np.zeros((0, resampling.rscales.size))
    elif seed is None:
        shifts = np.hstack([np.zeros((len(roots), resampling.rscales.size)), roots])
        resampling = Extended(resampling=resampling, extra=roots.shape[1])
    else:
        shifts = target_draws(weights, resampling.scale * resampling.rscales, seed)
    names = dict.fromkeys(step.name for step in weights.steps)
    return Plan(
        source=Rerun(weights=weights, resampling=resampling, shifts=shifts), scale=resampling.scale, rscales=resampling.rscales,
        often=resampling.often, df=df, accounts_for=("replicates", *codes, *names, *(("estimated_targets",) if shifts.size else ())),
    )


def _draw_codes(design: Design) -> tuple[str, ...]:
    later = bool(design.fpc) and len(design.clusters) > 1
    codes = {
        "stratification": bool(design.strata), "clustering": design.clusters[0] is not None, "finite_population": bool(design.fpc),
        "first_stage_only": later,
    }
    return tuple(code for code, holds in codes.items() if holds)


def _freedom(units: Units) -> float:
    """Units less strata (R's degf)."""
    return float(units.often.sum() - units.drawn.size)


def _matrix(value: Any, argument: str, length: int) -> Floats:
    array = np.asarray(value)
    right = array.dtype.kind in "buif" and array.ndim == 2 and array.shape[0] == length and array.shape[1] > 1
    if not right or not np.isfinite(array).all():
        raise InputError(
            f"{argument} must be a table of finite numbers with {length} rows and a column per replicate; got {array.dtype} of shape "
            f"{array.shape}.",
            code="not_a_table", argument=argument, length=length, got=f"{array.dtype} {array.shape}",
        )
    return array.astype(np.float64, copy=False)


def _rank(matrix: npt.NDArray[np.float64]) -> int:
    triangle = np.abs(np.diag(linalg.qr(matrix[matrix.any(axis=1)], mode="r", pivoting=True, check_finite=False)[0]))
    return int((triangle > _RANK * triangle.max(initial=0.0)).sum())
