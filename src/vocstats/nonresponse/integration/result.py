"""What `nonprobability` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ... import texts
from ...options import NonprobabilityMethod, NonprobabilityVariance
from ...results import Assumption, Floats, Labels, Result, frame, register
from .reference import Reference
from .settings import Settings

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("estimate", "std_error", "conf_low", "conf_high", "naive")


@register("nonprobability")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NonprobabilityEstimate(Result):
    """Population means from a non-probability sample.

    Attributes
    ----------
    method : {"ipw", "mass_imputation", "doubly_robust"}
        How they were estimated.
    reference : {"sample", "registry", "totals"}
        What the sample was compared with.
    labels : {"outcome": array (k,)}
        Names of the outcomes.
    estimate, std_error, conf_low, conf_high : float arrays (k,)
        In the units of the outcomes; normal limits. NaN standard error where the design of the reference shows no variance.
    naive : float array (k,)
        Unweighted means of the sample.
    n, n_reference : float
        Units in the sample, and in the reference (NaN for totals).
    population : float
        N: known, or what the reference stands for.
    estimated_population : float array (k,)
        What the inverse propensities of the sample add up to; NaN without propensities.
    effective_sample_size : float array (k,)
        Kish's, of the inverse propensities; NaN without them.
    smallest_propensity : float array (k,)
        Of anybody in the sample; NaN without propensities.
    variance : {"linearized", "plug_in", "bootstrap"}
        How the variance was estimated.
    variance_sample, variance_reference : float arrays (k,)
        Parts of the variance: who came into the sample, and who was drawn for the reference; NaN by bootstrap.
    variance_accounts_for : tuple of str
        Codes of what the standard error includes; `accounts` puts them in words.
    assumptions : tuple of Assumption
        What the estimate rests on.
    level : float
        Confidence level.
    propensities : float array (n,), or (n, k) where each outcome has its own; None without them or after reading from a file
        Estimated probability of being in the sample.
    """

    method: NonprobabilityMethod
    reference: str
    labels: Labels
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    naive: Floats
    n: float
    n_reference: float
    population: float
    estimated_population: Floats
    effective_sample_size: Floats
    smallest_propensity: Floats
    variance: NonprobabilityVariance
    variance_sample: Floats
    variance_reference: Floats
    variance_accounts_for: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    level: float
    propensities: Floats | None = field(default=None, repr=False, metadata={"memory_only": True})

    @property
    def weights(self) -> Floats | None:
        """Inverse propensities of the rows of the sample."""
        return None if self.propensities is None else np.asarray(1.0 / self.propensities)

    def accounts(self, language: str = "en") -> str:
        """`variance_accounts_for` in words."""
        known = texts.namespace("variance")
        return "; ".join(texts.render(f"variance.{code}", language) if code in known else code for code in self.variance_accounts_for)

    def to_frame(self) -> pd.DataFrame:
        """One row per outcome: outcome, estimate, std_error, conf_low, conf_high, naive and the parts of the variance."""
        names = (*_COLUMNS, "variance_sample", "variance_reference", "estimated_population", "effective_sample_size", "smallest_propensity")
        return frame({**self.labels, **{name: getattr(self, name) for name in names}})

    def tidy(self) -> pd.DataFrame:
        """Long form: term (the method, and naive), outcome, estimate, std_error, conf_low, conf_high."""
        size = self.estimate.size
        nothing = np.full(size, np.nan)
        columns = {name: np.concatenate([getattr(self, name), nothing]) for name in ("std_error", "conf_low", "conf_high")}
        terms = np.repeat(np.array([self.method, "naive"], object), size)
        outcomes = np.concatenate([self.labels["outcome"]] * 2)
        return frame({"term": terms, "outcome": outcomes, "estimate": np.concatenate([self.estimate, self.naive]), **columns})

    def summary(self, language: str = "en") -> str:
        """The estimates, what their standard errors account for, and what they rest on."""
        table = frame({**self.labels, **{name: getattr(self, name) for name in _COLUMNS}})
        lines = [table.to_string(index=False, float_format=lambda value: f"{value:.6g}")]
        lines.append(texts.render("variance.summary", language, level=f"{100 * self.level:g}", accounts=self.accounts(language)))
        lines += [f"- {assumption.text(language)}" for assumption in self.assumptions]
        return "\n".join(lines)


def accounted(settings: Settings, source: Reference, variance: NonprobabilityVariance) -> tuple[str, ...]:
    """Codes of what the standard error includes."""
    propensities, matched = settings.method != "mass_imputation", settings.leans_on_donors
    codes = {
        "replicates": variance == "bootstrap",
        "selection": propensities,
        "propensity": propensities,
        "outcome_model": settings.method != "ipw" and not matched and not (settings.plug_in and propensities),
        "donors": matched,
    }
    return (*(code for code, holds in codes.items() if holds), *source.accounts())


def assumed(settings: Settings, source: Reference, characteristics: list[str]) -> tuple[Assumption, ...]:
    """What the estimate rests on."""
    ignorable = Assumption(code="selection_ignorable", testable="no", values={"auxiliaries": ", ".join(characteristics)})
    outcome = "outcome_model_right" if settings.imputation == "model" else "donors_alike"
    by_method = {
        "ipw": ("everybody_could_enter", "propensity_model_right", "entered_independently"),
        "mass_imputation": ("common_support", outcome),
        "doubly_robust": ("everybody_could_enter", "one_model_right", "entered_independently"),
    }
    codes = (*by_method[settings.method], f"reference_{source.kind}")
    return (ignorable, *(Assumption(code=code, testable="partly") for code in codes))
