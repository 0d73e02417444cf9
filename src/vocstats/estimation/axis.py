"""The axis an estimate stands on: weights, domains, design; and the estimate of one total or ratio on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats, Integers
from .._numerics import sums_by, t_quantile
from ..errors import InputError, shown
from ..options import Inference
from ..weighting.chain import Weights
from .design import Design
from .estimate import Estimate
from .linearization import own_influence, through_chain
from .variance import Linearization, variance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Axis:
    """Everything an estimate needs beside its variables: weights, who was heard, domains, the draw."""

    weights: Weights
    mass: Floats
    heard: npt.NDArray[np.bool_]
    given: bool
    codes: Integers
    labels: dict[str, npt.NDArray[Any]]
    domains: int
    design: Design | None
    inference: Inference
    level: float

    def column(self, value: npt.ArrayLike, argument: str) -> Floats:
        """A variable with 0 where nobody was heard; missing elsewhere is refused."""
        column = _checks.vector(value, argument, length=self.codes.size, missing=True)
        rows = np.flatnonzero(np.isnan(column) & self.heard)
        if rows.size:
            raise InputError(
                f"{argument} has {rows.size} missing values where the weight is not 0, at rows {shown(rows)}. "
                "Weight those who answered, or give these rows a weight of 0.",
                code="missing_outcome", argument=argument, rows=rows, count=int(rows.size),
            )
        return np.where(self.heard, column, 0.0)

    def sums(self, column: Floats) -> Floats:
        """Sum of a column by domain."""
        return sums_by(self.codes, column, self.domains)

    def estimate(self, statistic: str, y: Floats, x: Floats | None) -> Estimate:
        """The total of y, or its ratio to the total of x, by domain."""
        weights, heard = self.weights, self.heard
        n = self.sums(np.where(heard, weights.counts, 0.0))
        top, size = self.sums(self.mass * y), self.sums(self.mass)
        bottom = np.ones(self.domains) if x is None else self.sums(self.mass * x)
        usable = (n > 0) & (bottom != 0)
        inverse = np.divide(1.0, bottom, out=np.zeros_like(bottom), where=usable)
        value = top * inverse
        centre = value if x is not None else np.divide(top, size, out=np.zeros_like(top), where=size != 0)
        deviation = np.where(heard, (y - centre[self.codes] * (1.0 if x is None else x)) * inverse[self.codes], 0.0)
        material = self._linearization(deviation if x is not None else y, deviation, n)
        spread, df = variance(material, self.inference, self.codes)
        spread = np.where(n >= (1 if x is None else 2), spread, np.nan)
        columns = [np.where(usable, column, np.nan) for column in (value, spread)]
        shape = (self.domains,) if self.labels else ()
        estimate, spread, df, n = (column.reshape(shape) for column in (*columns, df, n))
        return finish(statistic, estimate, spread, df, n, self.labels, self.level, self.inference, self._accounts(), material)

    def _linearization(self, derivative: Floats, deviation: Floats, heard: Floats) -> Linearization:
        weights = self.weights
        influence, contrast = through_chain(derivative, self.codes, self.domains, weights, contrast=self.inference != "r")
        drawn = np.ones(self.codes.size) if self.design is None else weights.base
        chance = np.divide(drawn, weights.values, out=np.ones(self.codes.size), where=self.heard)
        silence = np.clip(1.0 - chance, 0.0, 1.0)
        sampled = np.where(weights.base != 0, weights.counts, 0.0)
        return Linearization(
            influence=influence, contrast=contrast, deviation=own_influence(deviation, self.codes, self.domains),
            counts=sampled, values=weights.values, silence=silence, heard=heard, design=self.design,
        )

    def _accounts(self) -> tuple[str, ...]:
        design = self.design or Design()
        codes = {
            "with_replacement": not design.fpc and (self.inference == "r" or self.design is not None),
            "finite_population": bool(design.fpc),
            "stratification": bool(design.strata),
            "clustering": design.clusters[0] is not None,
            "response": self.inference != "r",
            "process": self.inference == "process",
            "weights_as_given": self.given,
        }
        return (*(code for code, holds in codes.items() if holds), *self.weights.accounts_for)


def axis_of(
    y: npt.ArrayLike, w: npt.ArrayLike | Weights | None, design: Design | None, by: Any, counts: npt.ArrayLike | None,
    inference: Inference, level: float,
) -> Axis:
    """The checked axis of a public function's arguments."""
    _checks.choice(inference, Inference, "inference")
    length = np.shape(y)[0] if np.ndim(y) else 1
    weights = _weights(w, counts, length)
    if design is not None and design.length not in (None, length):
        raise InputError(
            f"design describes {design.length} rows; y has {length}. Both must stand on the same axis.",
            code="wrong_length", argument="design", got=design.length, expected=length,
        )
    mass = weights.mass
    if not mass.any():
        raise InputError(
            "Every weight is 0: nobody was heard, so nobody can represent these people. "
            "Leave this group out, or state an assumption about it.",
            code="nobody_heard", argument="w",
        )
    codes, labels, domains = _domains(by, length)
    return Axis(
        weights=weights, mass=mass, heard=mass != 0, given=not isinstance(w, Weights), codes=codes, labels=labels, domains=domains,
        design=design, inference=inference, level=_checks.level(level),
    )


def finish(
    statistic: str, estimate: Floats, spread: Floats, df: Floats, n: Floats, labels: Mapping[str, npt.NDArray[Any]], level: float,
    inference: Inference, accounts: tuple[str, ...], material: Linearization,
) -> Estimate:
    """An `Estimate` with its limits from a variance and its degrees of freedom."""
    std_error = np.sqrt(spread)
    half = t_quantile(level, df) * std_error
    return Estimate(
        statistic=statistic, estimate=np.asarray(estimate), std_error=np.asarray(std_error), conf_low=np.asarray(estimate - half),
        conf_high=np.asarray(estimate + half), df=np.asarray(df), n=np.asarray(n), labels=labels, level=level, inference=inference,
        variance_accounts_for=accounts, linearization=material,
    )


def _weights(w: npt.ArrayLike | Weights | None, counts: npt.ArrayLike | None, length: int) -> Weights:
    if isinstance(w, Weights):
        if counts is not None:
            raise InputError(
                "counts entered the chain with its first step and must not be given again beside a Weights. Leave counts out.",
                code="counts_twice", argument="counts",
            )
        _checks.same_length(w.base, "w", length)
        return w
    base, often = (
        np.ones(length) if value is None else _checks.non_negative(value, argument, length=length)
        for value, argument in ((w, "w"), (counts, "counts"))
    )
    return Weights(base=base, counts=often)


def _domains(by: Any, length: int) -> tuple[Integers, dict[str, npt.NDArray[Any]], int]:
    """Codes of the domains, their labels by column, and their number; several columns are crossed."""
    if by is None:
        return np.zeros(length, np.intp), {}, 1
    columns = {name: _checks.factorize(column, f"by {name!r}", length=length) for name, column in _checks.named_columns(by, "by").items()}
    if not columns:
        raise InputError("by names no column.", code="empty_by", argument="by")
    codes = np.zeros(length, np.int64)
    for own, levels in columns.values():
        codes = codes * levels.size + own
    dense, present = _checks.factorize(codes, "by")
    labels: dict[str, npt.NDArray[Any]] = {}
    rest = present
    for name, (_, levels) in reversed(columns.items()):
        labels[name] = levels[rest % levels.size]
        rest = rest // levels.size
    return dense, dict(reversed(labels.items())), present.size
