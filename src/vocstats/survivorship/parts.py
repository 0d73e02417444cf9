"""Estimates that consist of named parts: one value per domain and part, one influence value per row and part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import Floats, Integers, non_negative
from .._numerics import sums_by
from ..estimation import Design, Estimate
from ..estimation.axis import crossed, finish
from ..estimation.design import on_axis
from ..estimation.linearization import Influence
from ..estimation.variance import Linearization, variance
from ..results import Flags


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Domains:
    """Domains of the rows, how often a row stands there and how it was drawn.

    Attributes
    ----------
    codes : int array (n,)
    labels : {name: array (size,)}
    size : int
    counts : float array (n,)
    design : Design or None
        None: rows are independent draws.
    """

    codes: Integers
    labels: Mapping[str, npt.NDArray[Any]]
    size: int
    counts: Floats
    design: Design | None

    @property
    def names(self) -> list[Any]:
        """What the domains are called in errors."""
        columns = [column.tolist() for column in self.labels.values()]
        return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True)) or ["everybody"]

    def sums(self, column: Floats) -> Floats:
        """Sum over the units of each domain, (size,)."""
        return sums_by(self.codes, self.counts * column, self.size)

    def mean(self, y: Floats, mass: Floats) -> tuple[Floats, Floats]:
        """Weighted mean by domain, 0 where nobody has mass, and the influence of a unit of each row."""
        total = self.sums(mass)
        scale = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
        value = self.sums(mass * y) * scale
        return value, mass * (y - value[self.codes]) * scale[self.codes]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A figure by domain.

    Attributes
    ----------
    value : float array (size,)
    influence : float array (n,)
        Of a unit of each row on the value of its domain.
    n : float array (size,)
        Units it rests on.
    spread : bool array (size,)
        Whether enough were heard to tell a standard error.
    """

    value: Floats
    influence: Floats
    n: Floats
    spread: Flags


def domains_of(length: int, by: Any, counts: npt.ArrayLike | None, design: Design | None) -> Domains:
    """The checked domains of an axis of `length` rows."""
    often = np.ones(length) if counts is None else non_negative(counts, "counts", length=length)
    design = on_axis(design, length, "the axis")
    codes, labels, size = crossed(by, length)
    return Domains(codes=codes, labels=labels, size=size, counts=often, design=design)


def estimate_of(statistic: str, parts: Mapping[str, Part], domains: Domains, *, level: float, weights_given: bool) -> Estimate:
    """The parts as one estimate: its rows are domains by part, with joint influence values."""
    size, rows = len(parts), np.arange(domains.codes.size)
    influence = Influence(
        own=np.concatenate([part.influence for part in parts.values()]), row=np.tile(rows, size),
        domain=np.concatenate([domains.codes * size + k for k in range(size)]),
        shared=np.zeros((rows.size, 0)), loadings=np.zeros((0, domains.size * size)),
    )
    value, n, told = (np.stack([getattr(part, name) for part in parts.values()], axis=1).ravel() for name in ("value", "n", "spread"))
    ones = np.ones(rows.size)
    material = Linearization(
        influence=influence, contrast=influence, deviation=influence, counts=domains.counts, values=ones, silence=0.0 * ones, heard=n,
        design=domains.design,
    )
    spread, df = variance(material, "r")
    spread = np.where(told & ~np.isnan(value), spread, np.nan)
    labels = {name: np.repeat(column, size) for name, column in domains.labels.items()}
    labels["part"] = np.tile(np.array(list(parts)), domains.size)
    design = domains.design or Design()
    codes = {
        "with_replacement": not design.fpc, "finite_population": bool(design.fpc), "stratification": bool(design.strata),
        "clustering": design.clusters[0] is not None, "weights_as_given": weights_given,
    }
    accounts = tuple(code for code, holds in codes.items() if holds)
    return finish(statistic, value, spread, df, n, labels, level, "r", accounts, material)
