"""What a regression returns: coefficients with design-based standard errors, their covariance, and predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import texts
from .._numerics import t_quantile
from ..options import Inference, RegressionFamily, RegressionLink
from ..results import Floats, Result, frame, register
from .coding import Coding, row_count
from .generalized_linear import family_of
from .ordinal import CURVES
from .replication import Replication
from .variance import Linearization

if TYPE_CHECKING:
    import pandas as pd

THRESHOLD = "threshold"  # the variable behind the thresholds of an ordinal outcome


@register("regression")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regression(Result):
    """Coefficients of a regression.

    Attributes
    ----------
    terms, variables : tuple of str
        Name of each coefficient ("intercept", "age", "region=South", threshold "6|7") and the variable behind it.
    estimate, std_error, conf_low, conf_high, t, p_value, df : float arrays (k,)
        Coefficients on the scale of the linear predictor; t and p against 0, with `df` degrees of freedom (NaN where none are left).
    covariance : float array (k, k)
        Of the coefficients.
    dispersion : float
        Pearson's; NaN for ordinal outcomes. The standard errors do not use it.
    n : float
        Units used.
    family, link : str
        What was modelled, and the scale of the coefficients.
    levels : {variable: tuple of levels, or None for numbers}
        How x was coded; the first level is the reference.
    categories : tuple
        Categories of an ordinal outcome in order, otherwise empty.
    level, inference, variance_accounts_for
        As in `Estimate`.
    material : Linearization, Replication or None
        What the covariance was computed from; None after reading from a file.
    """

    terms: tuple[str, ...]
    variables: tuple[str, ...]
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    t: Floats
    p_value: Floats
    df: Floats
    covariance: Floats
    dispersion: float
    n: float
    family: RegressionFamily
    link: RegressionLink
    levels: Mapping[str, Any]
    categories: tuple[Any, ...]
    level: float
    inference: Inference
    variance_accounts_for: tuple[str, ...]
    material: Linearization | Replication | None = field(default=None, repr=False, metadata={"memory_only": True})

    @property
    def thresholds(self) -> Floats:
        """Thresholds between the categories of an ordinal outcome; empty otherwise."""
        return self.estimate[len(self.terms) - max(len(self.categories) - 1, 0) :]

    def predict(self, x: Any) -> pd.DataFrame:
        """Expected outcomes, or the chances of every category, for new rows.

        The standard error is linearised; limits are made on the scale of the linear predictor (logits for an ordinal outcome)
        and carried over.

        Parameters
        ----------
        x : mapping, dataframe, array or None
            The variables the model was fitted with.

        Returns
        -------
        pandas.DataFrame
            One row per row of x (and category): row, [category,] estimate, std_error, conf_low, conf_high.

        Raises
        ------
        InputError
            A variable is missing or has a level the model does not know.
        """
        coding = Coding(levels=self.levels)
        length = row_count(x)
        matrix = coding.matrix(x, length=length, rows=np.arange(length))
        return frame(self._shares(matrix) if self.categories else self._means(matrix))

    def accounts(self, language: str = "en") -> str:
        """`variance_accounts_for` in words."""
        return texts.listed("variance", self.variance_accounts_for, language)

    def to_frame(self) -> pd.DataFrame:
        """One row per coefficient: term, estimate, std_error, conf_low, conf_high, t, df, p_value."""
        names = ("estimate", "std_error", "conf_low", "conf_high", "t", "df", "p_value")
        return frame({"term": list(self.terms), **{name: getattr(self, name) for name in names}})

    def tidy(self) -> pd.DataFrame:
        """Long form: term, estimate, std_error, conf_low, conf_high."""
        return self.to_frame()[["term", "estimate", "std_error", "conf_low", "conf_high"]]

    def summary(self, language: str = "en") -> str:
        """One screen: the model, its coefficients, and what the standard errors account for."""
        head = texts.render("variance.regression", language, family=self.family, link=self.link, n=f"{self.n:g}")
        table = self.to_frame().to_string(index=False, float_format=lambda value: f"{value:.6g}")
        foot = texts.render("variance.summary", language, level=f"{100 * self.level:g}", accounts=self.accounts(language))
        return "\n".join([head, table, foot])

    def _means(self, matrix: Floats) -> dict[str, Any]:
        link = family_of(self.family, self.link).link
        eta = matrix @ self.estimate
        error = np.sqrt(np.einsum("ij,jk,ik->i", matrix, self.covariance, matrix))
        half = t_quantile(self.level, self.df.min()) * error
        ends = np.sort([link.inverse(eta - half), link.inverse(eta + half)], axis=0)
        slope = np.abs(link.inverse_deriv(eta))
        columns = {"estimate": link.inverse(eta), "std_error": slope * error, "conf_low": ends[0], "conf_high": ends[1]}
        return {"row": np.arange(eta.size), **columns}

    def _shares(self, matrix: Floats) -> dict[str, Any]:
        curve, q = CURVES[self.link], len(self.categories) - 1
        eta = self.thresholds - (matrix[:, 1:] @ self.estimate[:-q])[:, None]
        cumulative = curve.share(eta)
        ends = np.concatenate([-matrix[:, None, 1:].repeat(q, axis=1), np.eye(q)[None].repeat(len(matrix), axis=0)], axis=2)
        slopes = np.pad(curve.density(eta)[:, :, None] * ends, ((0, 0), (1, 1), (0, 0)))
        gradient = np.diff(slopes, axis=1)
        share = np.diff(cumulative, axis=1, prepend=0.0, append=1.0)
        error = np.sqrt(np.einsum("nkj,jl,nkl->nk", gradient, self.covariance, gradient))
        odds, half = np.log(share / (1.0 - share)), t_quantile(self.level, self.df.min()) * error / (share * (1.0 - share))
        low, high = (1.0 / (1.0 + np.exp(-(odds + sign * half))) for sign in (-1.0, 1.0))
        return {
            "row": np.arange(len(matrix)).repeat(q + 1), "category": list(self.categories) * len(matrix), "estimate": share.ravel(),
            "std_error": error.ravel(), "conf_low": low.ravel(), "conf_high": high.ravel(),
        }
