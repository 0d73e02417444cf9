"""The axis an estimate stands on: weights or replicates, domains, design; and the estimate of a figure on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .. import _checks
from .._checks import Floats, Integers
from .._numerics import sums_by, t_quantile
from ..errors import InputError, shown
from ..options import Inference
from ..weighting.chain import Weights
from .design import Design, on_axis
from .estimate import Estimate
from .figures import Figure
from .linearization import Influence, own_influence, target_influence, through_chain
from .replication import Replicates, Replication
from .variance import Linearization, variance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Axis:
    """Everything an estimate needs beside its variables: weights, who was heard, domains, the draw.

    With `replicates` the axis holds the rows of `Replicates.rows` only; otherwise all rows.
    """

    weights: Weights
    rows: Integers | slice
    length: int
    mass: Floats
    heard: npt.NDArray[np.bool_]
    given: bool
    codes: Integers
    labels: dict[str, npt.NDArray[Any]]
    domains: int
    design: Design | None
    replicates: Replicates | None
    inference: Inference
    level: float
    df: float | Literal["design"] | None = None

    def column(self, value: npt.ArrayLike, argument: str) -> Floats:
        """A variable on the rows of the axis, 0 where nobody was heard; missing elsewhere is refused."""
        column = _checks.vector(value, argument, length=self.length, missing=True)[self.rows]
        missing = np.flatnonzero(np.isnan(column) & self.heard)
        if missing.size:
            rows = self.positions(missing)
            raise InputError(
                f"{argument} has {rows.size} missing values where the weight is not 0, at rows {shown(rows)}. "
                "Weight those who answered, or give these rows a weight of 0.",
                code="missing_outcome", argument=argument, rows=rows, count=int(rows.size),
            )
        return _checks.squarable(np.where(self.heard, column, 0.0), argument)

    def bounds(self, values: Floats, limits: Sequence[float], argument: str) -> tuple[float, float]:
        """`limits` as (low, high), checked; a value of y outside them is refused."""
        ends = _checks.numbers(limits, argument)
        if len(ends) != 2 or not ends[0] < ends[1]:
            raise InputError(
                f"{argument} must be (low, high) with low < high; got {limits!r}.", code="bad_limits", argument=argument, value=repr(limits)
            )
        low, high = ends
        off = np.flatnonzero(self.heard & ((values < low) | (values > high)))
        if off.size:
            rows = self.positions(off)
            raise InputError(
                f"y leaves its {argument} [{low:g}, {high:g}] at rows {shown(rows)}. Correct the values or {argument}.",
                code="off_limits", argument="y", rows=rows, limits=argument, low=low, high=high,
            )
        return low, high

    def within(self, domain: npt.ArrayLike) -> Axis:
        """The axis with nobody heard outside the domain; they stay draws."""
        heard = self.heard & _checks.flags(domain, "domain", length=self.length)[self.rows]
        if not heard.any():
            raise InputError("Nobody in the domain was heard. Choose another domain.", code="empty_domain", argument="domain")
        return replace(self, heard=heard)

    def positions(self, rows: Integers) -> Integers:
        """Positions in the arguments of rows of the axis."""
        return rows if isinstance(self.rows, slice) else self.rows[rows]

    def sums(self, column: Floats | None, mass: Floats) -> Floats:
        """Σ mass column by domain (None: 1), for masses (n,) or, of replicates, (n, b)."""
        if mass.ndim == 1:
            return sums_by(self.codes, mass if column is None else mass * column, self.domains)
        values = np.ones(len(mass)) if column is None else column
        if self.domains == 1:
            return np.asarray(values @ mass)[None, :]
        return np.asarray(sparse.csc_array((values, self.codes, np.arange(values.size + 1)), shape=(self.domains, values.size)) @ mass)

    @property
    def n(self) -> Floats:
        """Units heard by domain."""
        return self.sums(None, np.where(self.heard, self.weights.counts[self.rows], 0.0))

    @property
    def effective_size(self) -> Floats:
        """Kish's effective size of those heard by domain: (Σ c w)² / Σ c w²."""
        squares = self.sums(self.weights.values[self.rows], self.mass)
        return np.divide(self.sums(None, self.mass) ** 2, squares, out=np.ones(self.domains), where=squares > 0)

    @property
    def design_df(self) -> Floats:
        """Clusters less strata among those heard, by domain: R's degf of the subset."""
        design, codes, heard = self.design or Design(), self.codes[self.heard], self.heard
        if design.clusters[0] is None:
            clusters = self.n
        else:
            clusters = self._distinct(design.clusters[0][self.rows][heard], codes)
        strata = self._distinct(design.strata[0][self.rows][heard], codes) if design.strata else np.minimum(clusters, 1.0)
        return clusters - strata

    def student_df(self, estimate: Estimate) -> Floats:
        """Degrees of freedom of an estimate, those of the design where it has none of its own."""
        if self.replicates is not None:
            return estimate.df
        return np.where(np.isinf(estimate.df), self.design_df.reshape(estimate.df.shape), estimate.df)

    @property
    def percentile(self) -> bool:
        """Whether limits are quantiles of the replicates."""
        return self.replicates is not None and self.replicates.scaling.interval == "percentile"

    def _distinct(self, labels: Integers, codes: Integers) -> Floats:
        pairs = _checks.factorize(labels * self.domains + codes, "design")[1]
        return np.bincount(pairs % self.domains, minlength=self.domains).astype(float)

    def estimate(self, figure: Figure) -> Estimate:
        """A figure by domain, its standard error and limits."""
        n, value = self.n, figure.value(self.mass)
        value = np.where(n > 0, value, np.nan)
        material: Linearization | Replication
        if self.replicates is None:
            if figure.derivative is None:
                raise InputError(
                    'interval="replicates" needs Replicates as w. Make them with replicate(w), or choose another interval.',
                    code="no_replicates", argument="interval",
                )
            derivative = figure.derivative(value)
            material = self.linearization(derivative, figure.deviation(value) if figure.deviation else derivative, n)
            spread, df = variance(material, self.inference, self.codes)
        else:
            scaling = self.replicates.scaling
            table = np.hstack([figure.value(mass) for mass in self.replicates.chunks()])
            material = Replication(values=table, scaling=scaling)
            spread, df = scaling.variance(table, value), np.full(self.domains, scaling.df)
        spread = np.where((n >= figure.least) & np.isfinite(value), spread, np.nan)
        if self.df is not None:
            df = self.design_df if self.df == "design" else np.full(self.domains, self.df)
        return finish(figure.statistic, value, spread, df, n, self.labels, self.level, self.inference, self.accounts(), material)

    def linearization(self, derivative: Floats, deviation: Floats, n: Floats) -> Linearization:
        """Material of a variance, from derivatives of a row's own domain to the row's mass."""
        influence, contrast = through_chain(derivative, self.codes, self.domains, self.weights, contrast=self.inference != "r")
        own = own_influence(deviation, self.codes, self.domains)
        return self.material(influence, contrast, own, n, target_influence(influence, self.weights))

    def material(
        self, influence: Influence, contrast: Influence, deviation: Influence, n: Floats, targets: Influence | None
    ) -> Linearization:
        """Influence values together with the draw and the chances of an answer."""
        weights = self.weights
        drawn = np.ones(self.codes.size) if self.design is None else weights.base
        chance = np.divide(drawn, weights.values, out=np.ones(self.codes.size), where=weights.values != 0)
        silence = np.clip(1.0 - chance, 0.0, 1.0)
        sampled = np.where(weights.base != 0, weights.counts, 0.0)
        return Linearization(
            influence=influence, contrast=contrast, deviation=deviation, counts=sampled, values=weights.values, silence=silence, heard=n,
            design=self.design, targets=targets,
        )

    def accounts(self) -> tuple[str, ...]:
        """Codes of what the standard error includes."""
        if self.replicates is not None:
            return self.replicates.accounts_for
        design = self.design or Design()
        codes = {
            "with_replacement": not design.fpc and (self.inference == "r" or self.design is not None),
            "finite_population": bool(design.fpc),
            "stratification": bool(design.strata),
            "clustering": design.clusters[0] is not None,
            "response": self.inference != "r",
            "process": self.inference == "process",
            "weights_as_given": self.given,
            "weights_held_fixed": bool(self.weights.held_fixed),
        }
        return (*(code for code, holds in codes.items() if holds), *self.weights.accounts_for)


def axis_of(
    y: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None, design: Design | None, by: Any, counts: npt.ArrayLike | None,
    inference: Inference, level: float, df: float | Literal["design"] | None = None,
) -> Axis:
    """The checked axis of a public function's arguments."""
    _checks.choice(inference, Inference, "inference")
    if df is not None and df != "design":
        df = _checks.number(df, "df", low=0.0, open_low=True)
    length = np.shape(y)[0] if np.ndim(y) else 1
    replicates = w if isinstance(w, Replicates) else None
    weights = _weights(w.weights if isinstance(w, Replicates) else w, counts, length)
    if replicates is not None and (design is not None or inference != "r" or df is not None):
        raise InputError(
            "Replicates bring their own design and degrees of freedom, and their spread is their variance: "
            "leave design, inference and df out.",
            code="design_and_replicates", argument="design",
        )
    design = on_axis(design, length, "y")
    rows: Integers | slice = slice(None) if replicates is None else replicates.rows
    mass = weights.mass[rows]
    if not mass.any():
        raise InputError(
            "Every weight is 0: nobody was heard, so nobody can represent these people. "
            "Leave this group out, or state an assumption about it.",
            code="nobody_heard", argument="w",
        )
    codes, labels, domains = crossed(by, length)
    return Axis(
        weights=weights, rows=rows, length=length, mass=mass, heard=(mass != 0) | (replicates is not None),
        given=not isinstance(w, Weights | Replicates), codes=codes[rows], labels=labels, domains=domains, design=design,
        replicates=replicates, inference=inference, level=_checks.level(level), df=df,
    )


def finish(
    statistic: str, estimate: Floats, spread: Floats, df: Floats, n: Floats, labels: Mapping[str, npt.NDArray[Any]], level: float,
    inference: Inference, accounts: tuple[str, ...], material: Linearization | Replication,
) -> Estimate:
    """An `Estimate` with its limits from variances (domains,) and their degrees of freedom."""
    std_error = np.sqrt(spread)
    if isinstance(material, Replication):
        low, high = material.scaling.limits(material.values, estimate, std_error, level)
    else:
        half = t_quantile(level, df) * std_error
        low, high = estimate - half, estimate + half
    shape = estimate.shape if labels else ()
    estimate, std_error, low, high, df, n = (column.reshape(shape) for column in (estimate, std_error, low, high, df, n))
    return Estimate(
        statistic=statistic, estimate=estimate, std_error=std_error, conf_low=low, conf_high=high, df=df, n=n, labels=labels, level=level,
        inference=inference, variance_accounts_for=accounts, material=material,
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


def crossed(by: Any, length: int) -> tuple[Integers, dict[str, npt.NDArray[Any]], int]:
    """Codes of the domains, their labels by column, and their number; several columns are crossed."""
    if by is None:
        return np.zeros(length, np.intp), {}, 1
    columns = {name: _checks.factorize(column, f"by {name!r}", length=length) for name, column in _checks.named_columns(by, "by").items()}
    if not columns:
        raise InputError("by names no column.", code="empty_by", argument="by")
    if len(columns) == 1:
        [(only, (codes, levels))] = columns.items()
        return codes, {only: levels}, levels.size
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
