"""What `refreshment_weights` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import InputError
from ..estimation import Estimate, HypothesisTest
from ..results import Assumption, Result, frame, register
from ..weighting import Weights

if TYPE_CHECKING:
    import pandas as pd

_TESTS = ("missing_at_random", "hausman_wise", "completely_at_random")


@register("refreshment")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RefreshmentFit(Result):
    """Who stays in a panel, told by the panel's first period and a refreshment sample's second.

    Attributes
    ----------
    coefficients : Estimate
        Of the log odds to stay, one per ``part`` (term), with errors of both samples.
    missing_at_random : HypothesisTest
        That attrition does not depend on the second score, given the first (and x): k2 = 0.
    hausman_wise : HypothesisTest
        That it does not depend on the first score, given the second (and x): k1 = 0.
    completely_at_random : HypothesisTest
        That it depends on neither: k1 = k2 = 0.
    n_panel, n_stayed, n_refreshment : float
        Units of the panel, of those who stayed in it, and of the refreshment sample.
    smallest_probability : float
        Smallest estimated chance to stay of anybody who did.
    effective_stayed : float
        Kish's effective number of those who stayed, weighted.
    level : float
        Confidence level of the coefficients' limits.
    assumptions : tuple of Assumption
        What the weights rest on.
    chain : Weights or None
        None after reading from a file; see `weights`.
    """

    coefficients: Estimate
    missing_at_random: HypothesisTest
    hausman_wise: HypothesisTest
    completely_at_random: HypothesisTest
    n_panel: float
    n_stayed: float
    n_refreshment: float
    smallest_probability: float
    effective_stayed: float
    level: float
    assumptions: tuple[Assumption, ...]
    chain: Weights | None = field(default=None, repr=False, metadata={"memory_only": True})

    @property
    def weights(self) -> Weights:
        """Weights of those who stayed, 0 for the others: they stand for the whole panel in both periods."""
        if self.chain is None:
            raise InputError(
                "This fit was read from a file, which holds no weights. Compute it again from the samples.",
                code="no_weights_in_file", argument="fit",
            )
        return self.chain

    def to_frame(self) -> pd.DataFrame:
        """One row per hypothesis about attrition: hypothesis, statistic, df, p_value."""
        tests = [getattr(self, name) for name in _TESTS]
        numbers = {name: [getattr(test, name) for test in tests] for name in ("statistic", "df", "p_value")}
        return frame({"hypothesis": list(_TESTS), **numbers})

    def tidy(self) -> pd.DataFrame:
        """One row per coefficient: term, estimate, std_error, conf_low, conf_high."""
        table = self.coefficients.to_frame()
        return table.rename(columns={"part": "term"})[["term", "estimate", "std_error", "conf_low", "conf_high"]]

    def summary(self, language: str = "en") -> str:
        """Coefficients, tests, and what the weights rest on."""
        lines = [each.to_string(index=False, float_format=lambda value: f"{value:.4g}") for each in (self.tidy(), self.to_frame())]
        return "\n".join([*lines, *(f"- {assumption.text(language)}" for assumption in self.assumptions)])


def refreshment_assumptions(*, moments: int | None) -> tuple[Assumption, ...]:
    """What the weights of `refreshment_weights` rest on."""
    codes = [("attrition_additive", "no"), ("refreshment_same_population", "partly"), ("refreshment_drawn_at_random", "no")]
    codes += [] if moments is None else [("attrition_in_powers", "partly")]
    return tuple(Assumption(code=code, testable=testable) for code, testable in codes)
