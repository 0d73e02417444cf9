"""What the sample is compared with: a probability sample, a registry of everybody, or totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ... import _checks
from ...errors import InputError
from ...estimation.design import Design, on_axis
from ...estimation.linearization import Influence
from ...estimation.stages import stages
from ...results import Floats
from ...weighting.chain import Weights

Kind = Literal["sample", "registry", "totals"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """What the sample is compared with.

    Attributes
    ----------
    kind : {"sample", "registry", "totals"}
    mass : float array (m,)
        What a row stands for; empty for totals.
    weights, design : Weights and Design, or None
        Of a probability sample.
    covariance : float array (p, p) or None
        Of estimated totals, by columns of the models.
    """

    kind: Kind
    mass: Floats
    weights: Weights | None = None
    design: Design | None = None
    covariance: Floats | None = None

    def variance(self, influence: Floats) -> Floats:
        """Variance of Σ_B d t for every column of `influence`, the t (m, k): by the design of a sample, 0 for a registry."""
        if self.covariance is not None:
            return np.asarray(np.einsum("jk,jl,lk->k", influence, self.covariance, influence))
        weights = self.weights
        if weights is None:
            return np.zeros(influence.shape[1])
        pulled = (weights.pullback(influence) if weights.steps else influence) * weights.base[:, None]
        size = influence.shape[1]
        empty = np.zeros(0, np.intp)
        values = Influence(own=np.zeros(0), row=empty, domain=empty, shared=pulled, loadings=np.eye(size))
        counts = np.where(weights.base != 0, weights.counts, 0.0)
        drawn = stages(self.design or Design(), counts)
        moved = np.diag(weights.target_variance(influence)) if weights.steps else np.zeros(size)
        return np.maximum(sum((stage.variance(values, counts) for stage in drawn), moved), 0.0)

    @property
    def size(self) -> float:
        """Units in it; NaN for totals."""
        if self.kind == "totals":
            return float("nan")
        return float(self.mass.sum() if self.weights is None else self.weights.counts[self.weights.values != 0].sum())

    @property
    def squares(self) -> Floats:
        """Sum of the squared weights of the units of a row, where they were drawn with replacement; else 0."""
        if self.weights is None or (self.design is not None and self.design.fpc):
            return np.zeros_like(self.mass)
        return self.mass * self.weights.values

    def accounts(self) -> tuple[str, ...]:
        """Codes of what the variance of the reference holds."""
        if self.kind == "registry":
            return ("registry_exact",)
        if self.kind == "totals":
            return ("totals_exact",) if self.covariance is None else ("totals_estimated",)
        design, weights = self.design or Design(), self.weights
        assert weights is not None
        codes = {
            "with_replacement": not design.fpc,
            "finite_population": bool(design.fpc),
            "stratification": bool(design.strata),
            "clustering": design.clusters[0] is not None,
            "weights_as_given": not weights.steps,
            "weights_held_fixed": bool(weights.held_fixed),
        }
        return (*(code for code, holds in codes.items() if holds), *weights.accounts_for)


def reference_sample(weights: Any, design: Design | None, counts: Any, length: int) -> Reference:
    """A probability sample of `length` rows."""
    if weights is None:
        raise InputError(
            "reference= is a probability sample and needs its weights=. Where everybody is listed, give registry= instead.",
            code="reference_needs_weights", argument="weights",
        )
    if isinstance(weights, Weights):
        if counts is not None:
            raise InputError(
                "counts entered the chain with its first step and must not be given again beside a Weights. Leave reference_counts out.",
                code="counts_twice", argument="reference_counts",
            )
        _checks.same_length(weights.base, "weights", length)
        chain = weights
    else:
        often = np.ones(length) if counts is None else _checks.non_negative(counts, "reference_counts", length=length)
        chain = Weights(base=_checks.non_negative(weights, "weights", length=length), counts=often)
    design = on_axis(design, length, "reference")
    mass = np.array(chain.mass)
    if not mass.sum() > 0:
        raise InputError("Every weight of the reference is 0.", code="reference_without_weight", argument="weights")
    return Reference(kind="sample", mass=mass, weights=chain, design=design)


def registry_of(counts: Any, length: int) -> Reference:
    """A registry of everybody."""
    mass = np.ones(length) if counts is None else _checks.non_negative(counts, "reference_counts", length=length)
    if not mass.sum() > 0:
        raise InputError("Every count of the registry is 0.", code="reference_without_weight", argument="reference_counts")
    return Reference(kind="registry", mass=mass)
