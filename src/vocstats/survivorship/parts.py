"""Estimates that consist of named parts: one value per domain and part, influence values per row and part, through the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .._checks import Floats, Integers, non_negative, same_length
from .._numerics import sums_by
from ..errors import InputError
from ..estimation import Design, Estimate, Replicates
from ..estimation.axis import crossed, finish
from ..estimation.design import on_axis
from ..estimation.linearization import Influence, spread_influence, target_influence, through_chain
from ..estimation.variance import Linearization, variance
from ..results import Flags
from ..weighting import Weights


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
    weightings : tuple of Weights
        Weights of the answers, one for each time they were asked for; their counts are `counts`.
    """

    codes: Integers
    labels: Mapping[str, npt.NDArray[Any]]
    size: int
    counts: Floats
    design: Design | None
    weightings: tuple[Weights, ...] = ()

    @property
    def names(self) -> list[Any]:
        """What the domains are called in errors."""
        columns = [column.tolist() for column in self.labels.values()]
        return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True)) or ["everybody"]

    def sums(self, column: Floats) -> Floats:
        """Sum over the units of each domain, (size,)."""
        return sums_by(self.codes, self.counts * column, self.size)

    def mean(self, y: Floats, mass: Floats, way: int = 0) -> tuple[Floats, Floats]:
        """Weighted mean by domain, 0 where nobody has mass, and the influence of a unit of each row, `along` its way."""
        total = self.sums(mass)
        scale = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
        value = self.sums(mass * y) * scale
        return value, self.along(way, mass * (y - value[self.codes]) * scale[self.codes])

    def along(self, way: int, influence: Floats) -> Floats:
        """Influence of a row by its presence (0), or because its k-th weight is what it is (k), as one way of all, (ways, n)."""
        ways = np.zeros((1 + len(self.weightings), influence.size))
        ways[way] = influence
        return ways


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A figure by domain.

    Attributes
    ----------
    value : float array (size,)
    influence : float array (n,) or (ways, n)
        Of a unit of each row on the value of its domain: by its presence and, in a row for each of the weightings, through its weight.
    n : float array (size,)
        Units it rests on.
    spread : bool array (size,)
        Whether enough were heard to tell a standard error.
    """

    value: Floats
    influence: Floats
    n: Floats
    spread: Flags


def weightings_of(length: int, counts: npt.ArrayLike | None, **given: Any) -> tuple[Weights, ...]:
    """The checked weights of an axis of `length` rows by argument name; arrays, and None for 1, begin a chain without steps."""
    chains = {name: weights for name, weights in given.items() if isinstance(weights, Weights)}
    if chains and counts is not None:
        raise InputError(
            "counts entered the chain with its first step and must not be given again beside a Weights. Leave counts out.",
            code="counts_twice", argument="counts",
        )
    often = np.ones(length) if counts is None else non_negative(counts, "counts", length=length)
    for name, weights in chains.items():
        same_length(weights.base, name, length)
        often = weights.counts
    return tuple(_weighting(weights, name, often) for name, weights in given.items())


def _weighting(weights: Any, name: str, counts: Floats) -> Weights:
    if isinstance(weights, Replicates):
        raise InputError(
            f"{name} does not take Replicates: they hold what the answers stand for, and the parts of this estimate need the draw of "
            "everybody. Give the Weights themselves.",
            code="replicates_not_taken", argument=name,
        )
    if not isinstance(weights, Weights):
        return Weights(base=np.ones(counts.size) if weights is None else non_negative(weights, name, length=counts.size), counts=counts)
    non_negative(weights.values, name)
    if not np.array_equal(weights.counts, counts):
        raise InputError(
            f"{name} counts its rows otherwise than the other weights do. Make both on the same rows with the same counts.",
            code="counts_differ", argument=name,
        )
    return weights


def domains_of(
    length: int, by: Any, counts: npt.ArrayLike | None, design: Design | None, weightings: tuple[Weights, ...] = ()
) -> Domains:
    """The checked domains of an axis of `length` rows; `counts` are those of the weightings where there are any."""
    often = np.ones(length) if counts is None else non_negative(counts, "counts", length=length)
    design = on_axis(design, length, "the axis")
    codes, labels, size = crossed(by, length)
    often = weightings[0].counts if weightings else often
    return Domains(codes=codes, labels=labels, size=size, counts=often, design=design, weightings=weightings)


def estimate_of(statistic: str, parts: Mapping[str, Part], domains: Domains, *, level: float, weights_given: bool) -> Estimate:
    """The parts as one estimate: its rows are domains by part, with joint influence values."""
    size, ones = len(parts), np.ones(domains.codes.size)
    influence, targets = _influence(list(parts.values()), domains)
    value, n, told = (np.stack([getattr(part, name) for part in parts.values()], axis=1).ravel() for name in ("value", "n", "spread"))
    material = Linearization(
        influence=influence, contrast=influence, deviation=influence, counts=domains.counts, values=ones, silence=0.0 * ones, heard=n,
        design=domains.design, targets=targets,
    )
    spread, df = variance(material, "r")
    spread = np.where(told & ~np.isnan(value), spread, np.nan)
    labels = {name: np.repeat(column, size) for name, column in domains.labels.items()}
    labels["part"] = np.tile(np.array(list(parts)), domains.size)
    accounts = _accounts(domains, weights_given)
    return finish(statistic, value, spread, df, n, labels, level, "r", accounts, material)


def _influence(parts: list[Part], domains: Domains) -> tuple[Influence, Influence | None]:
    """Joint influence values of all parts, pulled back through the weightings, and those of targets that are estimates."""
    size, rows = len(parts), np.arange(domains.codes.size)
    ways = [np.atleast_2d(part.influence) for part in parts]
    own = Influence(
        own=np.concatenate([way.sum(axis=0) for way in ways]), row=np.tile(rows, size),
        domain=np.concatenate([domains.codes * size + k for k in range(size)]),
        shared=np.zeros((rows.size, 0)), loadings=np.zeros((0, domains.size * size)),
    )
    targets: list[Influence] = []
    for weights in {id(weights): weights for weights in domains.weightings if weights.steps}.values():
        mine = [1 + k for k, other in enumerate(domains.weightings) if other is weights]
        pulled = _pulled([way[mine].sum(axis=0) for way in ways], domains, weights)
        own, moved = own.plus(pulled), target_influence(pulled, weights)
        targets += [] if moved is None else [moved]
    if not targets:
        return own, None
    directions = sparse.block_diag([sparse.coo_array(moved.shared) for moved in targets]).toarray()
    return own, spread_influence(directions, np.vstack([moved.loadings for moved in targets]))


def _pulled(influence: list[Floats], domains: Domains, weights: Weights) -> Influence:
    """What the estimation of the weights adds to influence values of parts that go through them."""
    size, values = len(influence), weights.values
    plain = []
    for k, through in enumerate(influence):
        derivative = np.divide(through, values, out=np.zeros_like(through), where=values > 0)
        plain.append(through_chain(derivative, domains.codes * size + k, domains.size * size, weights, contrast=False)[0])
    return spread_influence(plain[0].shared, np.sum([part.loadings for part in plain], axis=0))


def _accounts(domains: Domains, weights_given: bool) -> tuple[str, ...]:
    """Codes of what the standard errors include."""
    design = domains.design or Design()
    codes = {
        "with_replacement": not design.fpc, "finite_population": bool(design.fpc), "stratification": bool(design.strata),
        "clustering": design.clusters[0] is not None, "weights_as_given": weights_given,
        "weights_held_fixed": any(weights.held_fixed for weights in domains.weightings),
    }
    steps = [name for weights in domains.weightings for name in weights.accounts_for]
    return (*(code for code, holds in codes.items() if holds), *dict.fromkeys(steps))
