"""The bootstrap: sample and reference drawn anew, all models fitted again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..._checks import Integers, number
from ..._numerics import sums_by
from ...errors import ConvergenceError, InputError
from ...estimation.design import Design
from ...estimation.replication import replicate
from ...results import Floats
from .estimators import Data, estimate
from .reference import Reference
from .settings import Settings


def bootstrap_variance(data: Data, settings: Settings, source: Reference, replicates: int, seed: int) -> Floats:
    """Variance of the estimates between replicates.

    The sample is drawn again with replacement; a probability sample by Rao, Wu and Yue's bootstrap of its design, its chain of
    weights re-run; estimated totals from a normal distribution; a registry and known totals stay.

    References
    ----------
    Chen, Li & Wu (2020), JASA 115, sec. 5.1; Rao, Wu & Yue (1992), Survey Methodology 18(2).
    """
    size, start = int(number(replicates, "replicates", low=2)), int(number(seed, "seed", low=0))
    if (data.counts % 1.0 != 0.0).any():
        raise InputError(
            "counts must be whole numbers where rows are drawn again. Round them.", code="counts_not_whole", argument="counts"
        )
    rng = np.random.default_rng([start, 1])  # the reference has the streams of `start` itself
    data, cell = _cells(data)
    drawn, share = int(data.counts.sum()), data.counts / data.counts.sum()
    figures = np.empty((size, data.y.shape[1]))
    for run, mass in enumerate(_masses(source, size, start, rng)):
        counts = rng.multinomial(drawn, share).astype(float)
        again = data if mass is None else replace(data, mass=sums_by(cell, mass, data.mass.size))
        again = replace(again, counts=counts)
        try:
            figures[run] = estimate(again, settings).estimate
        except ConvergenceError as error:
            raise ConvergenceError(
                f"Bootstrap replicate {run} could not be estimated: {error} Merge rare levels, or use variance='linearized'.",
                code="replicate_failed", argument="variance", replicate=run, reason=str(error),
            ) from error
    return np.asarray(figures.var(axis=0, ddof=1))


def _cells(data: Data) -> tuple[Data, Integers]:
    """The data with equal rows put together, and the cell of each row of the reference."""
    _, first, of_row = _distinct(np.hstack([data.x_propensity, data.x_outcome, data.y]))
    _, first_reference, cell = _distinct(np.hstack([data.z_propensity, data.z_outcome]))
    sample = {name: getattr(data, name)[first] for name in ("y", "x_propensity", "x_outcome", "x_place")}
    reference = {name: getattr(data, name)[first_reference] for name in ("z_propensity", "z_outcome", "z_place")}
    counts, mass = sums_by(of_row, data.counts, first.size), sums_by(cell, data.mass, first_reference.size)
    return replace(data, **sample, **reference, counts=counts, mass=mass), cell


def _distinct(rows: Floats) -> tuple[Floats, Integers, Integers]:
    distinct, first, code = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return distinct, first, code.ravel()


def _masses(source: Reference, size: int, seed: int, rng: np.random.Generator) -> Iterator[Floats | None]:
    """What the rows of the reference stand for in each replicate; None: what they always do."""
    if source.weights is not None:
        drawn = replicate(source.weights, design=source.design or Design(), replicates=size, seed=seed)
        for masses in drawn.chunks():
            for column in masses.T:
                whole = np.zeros(len(source.weights))
                whole[drawn.rows] = column
                yield whole
        return
    for _ in range(size):
        if source.covariance is None:
            yield None
        else:
            yield source.mass + rng.multivariate_normal(np.zeros(source.mass.size), source.covariance, method="eigh")
