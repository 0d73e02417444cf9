"""The bootstrap: sample and reference drawn anew, all models fitted again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..._checks import number
from ...errors import ConvergenceError, InputError
from ...estimation.design import Design
from ...estimation.replication import replicate
from ...results import Floats
from .estimators import Data, Settings, estimate
from .reference import Reference


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
    drawn, share = int(data.counts.sum()), data.counts / data.counts.sum()
    figures = np.empty((size, data.y.shape[1]))
    for run, mass in enumerate(_masses(data, source, size, start, rng)):
        again = replace(data, counts=rng.multinomial(drawn, share).astype(float), mass=mass)
        try:
            figures[run] = estimate(again, settings).estimate
        except ConvergenceError as error:
            raise ConvergenceError(
                f"Bootstrap replicate {run} could not be estimated: {error} Merge rare levels, or use variance='linearized'.",
                code="replicate_failed", argument="variance", replicate=run, reason=str(error),
            ) from error
    return np.asarray(figures.var(axis=0, ddof=1))


def _masses(data: Data, source: Reference, size: int, seed: int, rng: np.random.Generator) -> Iterator[Floats]:
    """What the rows of the reference stand for in each replicate."""
    if source.weights is not None:
        drawn = replicate(source.weights, design=source.design or Design(), replicates=size, seed=seed)
        for masses in drawn.chunks():
            for column in masses.T:
                whole = np.zeros(data.mass.size)
                whole[drawn.rows] = column
                yield whole
        return
    for _ in range(size):
        if source.covariance is None:
            yield data.mass
        else:
            yield rng.multivariate_normal(data.mass, source.covariance, method="eigh")
