"""What a test of a hypothesis returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import texts
from ..results import Floats, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("hypothesis_test")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HypothesisTest(Result):
    """A test of a hypothesis.

    Attributes
    ----------
    method : {"wald", "rao_scott", "rao_scott_first_order", "table_wald", "linear_combination", "given_shares"}
        What was computed.
    statistic, p_value : float
        Its value, and the probability of a larger one were the hypothesis true.
    df, df_denominator : float
        Degrees of freedom of the F (infinite denominator: chi-square) that the statistic is compared with; NaN where it is
        compared with a weighted sum of chi-squares.
    eigenvalues : float array
        Of Rao and Scott's design effects matrix: the statistic is distributed like their combination of chi-squares; empty for Wald tests.
    hypothesis : tuple of str
        What was tested: names of the coefficients or domains, or of the two variables.
    n : float
        Units used.
    variance_accounts_for : tuple of str
        As in `Estimate`.
    """

    method: str
    statistic: float
    df: float
    df_denominator: float
    p_value: float
    eigenvalues: Floats
    hypothesis: tuple[str, ...]
    n: float
    variance_accounts_for: tuple[str, ...]

    def accounts(self, language: str = "en") -> str:
        """`variance_accounts_for` in words."""
        return texts.listed("variance", self.variance_accounts_for, language)

    def to_frame(self) -> pd.DataFrame:
        """One row: method, statistic, df, df_denominator, p_value, n."""
        return frame({name: [getattr(self, name)] for name in ("method", "statistic", "df", "df_denominator", "p_value", "n")})

    def tidy(self) -> pd.DataFrame:
        """As `to_frame`: a test has no interval."""
        return self.to_frame()

    def summary(self, language: str = "en") -> str:
        """One screen: the statistic, its distribution, and what the covariance accounts for."""
        numbers = {name: f"{getattr(self, name):.6g}" for name in ("statistic", "df", "df_denominator", "p_value", "n")}
        return "\n".join([
            texts.render(f"variance.test_{self.method}", language),
            texts.render("variance.test", language, **numbers),
            texts.render("variance.test_accounts", language, accounts=self.accounts(language)),
        ])
