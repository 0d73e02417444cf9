"""The proxy of an outcome: its prediction, from characteristics everybody has, fitted to those heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from ..errors import IdentificationError, InputError, shown
from ..estimation.coding import coding_of
from ..results import Floats, Labels, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("unadjusted_bias")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnadjustedBias(Result):
    """Bias of the unweighted mean of those heard, against how far silence depends on the outcome itself.

    Attributes
    ----------
    statistic : {"smub", "mubp"}
        Whether in standard deviations of the outcome, or as a share.
    labels : {} or {"cut"}
        The share is that of outcomes of at least `cut`.
    phi : float array (k,)
        0: silence depends on the proxy alone; 1: on the outcome alone.
    estimate, conf_low, conf_high : float arrays (k,)
        Mean of those heard less that of everybody, and quantiles of the draws.
    mean_heard, mean_everybody : float arrays (k,)
        In the units of the outcome; that of everybody if `phi` holds.
    correlation : float array (k,)
        Of proxy and outcome among those heard; of a share, with the normal variable behind it (biserial).
    share_heard : float
        Share of the base that was heard.
    draws, failed : int
        Draws behind the limits, and bootstrap samples that could not be fitted.
    level : float
        Confidence level.
    """

    statistic: str
    labels: Labels
    phi: Floats
    estimate: Floats
    conf_low: Floats
    conf_high: Floats
    mean_heard: Floats
    mean_everybody: Floats
    correlation: Floats
    share_heard: float
    draws: int
    failed: int
    level: float

    def to_frame(self) -> pd.DataFrame:
        """One row per cut and phi."""
        names = ("phi", "estimate", "conf_low", "conf_high", "mean_heard", "mean_everybody", "correlation")
        return frame({**self.labels, **{name: getattr(self, name) for name in names}})

    def tidy(self) -> pd.DataFrame:
        """One row per cut and phi: term, labels, phi, estimate, std_error (NaN: the limits are quantiles), conf_low, conf_high."""
        limits = {"conf_low": self.conf_low, "conf_high": self.conf_high}
        numbers = {"estimate": self.estimate, "std_error": np.full(self.phi.size, np.nan), **limits}
        return frame({"term": [self.statistic] * self.phi.size, **self.labels, "phi": self.phi, **numbers})

    def summary(self, language: str = "en") -> str:
        """The table."""
        return str(self.to_frame().to_string(index=False, float_format=lambda value: f"{value:.4f}"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """Everybody asked: columns of x, outcome (0 where silent), who was heard, multiplicities."""

    x: Floats
    columns: tuple[str, ...]
    y: Floats
    heard: npt.NDArray[np.bool_]
    counts: Floats

    @property
    def known(self) -> Floats:
        """Multiplicities of those heard."""
        return self.counts * self.heard

    @property
    def share_heard(self) -> float:
        """Of everybody."""
        return float(self.known.sum() / self.counts.sum())


def read_asked(y: npt.ArrayLike, x: Any, counts: npt.ArrayLike | None) -> Asked:
    """Checked arrays; the proxy must be able to speak of the silent."""
    outcome = _checks.vector(y, "y", missing=True)
    often = np.ones(outcome.size) if counts is None else _checks.non_negative(counts, "counts", length=outcome.size)
    rows = np.flatnonzero(often > 0)
    coding = coding_of(x, length=outcome.size, rows=rows)
    if len(coding.columns) < 2:
        raise InputError("x has no columns, so there is no proxy of the outcome.", code="no_proxy_columns", argument="x")
    heard = ~np.isnan(outcome)[rows]
    if heard.all() or not heard.any():
        who = "Everybody" if heard.any() else "Nobody"
        raise IdentificationError(
            f"{who} was heard, so there are no heard and silent customers to compare. y must be missing for the silent, and for them only.",
            code="no_heard_and_silent", argument="y",
        )
    asked = Asked(
        x=coding.matrix(x, length=outcome.size, rows=rows), columns=coding.columns,
        y=np.where(heard, outcome[rows], 0.0), heard=heard, counts=often[rows],
    )
    if not asked.known.sum() > len(coding.columns) + 1:
        raise IdentificationError(
            f"{asked.known.sum():g} outcomes cannot show a proxy of {len(coding.columns)} coefficients. Use fewer characteristics.",
            code="too_few_outcomes", argument="y", count=float(asked.known.sum()), columns=len(coding.columns),
        )
    return asked


def read_phi(phi: npt.ArrayLike) -> Floats:
    """Values of phi, each in [0, 1]."""
    values = _checks.vector(np.atleast_1d(np.asarray(phi)), "phi")
    odd = np.flatnonzero((values < 0) | (values > 1))
    if odd.size:
        raise InputError(f"phi must lie in [0, 1]; it does not at rows {shown(odd)}.", code="bad_phi", argument="phi", rows=odd)
    return values


def steepness(phi: Floats, correlation: Any) -> Floats:
    """[phi + (1 - phi) rho] / [phi rho + (1 - phi)]; a correlation below 0 counts as 0, where 1 gives infinity."""
    rho = np.maximum(np.asarray(correlation, float), 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray((phi + (1.0 - phi) * rho) / (phi * rho + (1.0 - phi)))


def refuse_weak(phi: Floats, p_value: float, level: float) -> None:
    """Raise where phi is 1 and the proxy may have nothing to do with the outcome: the bias has then no bound."""
    if (phi == 1.0).any() and not p_value <= 1.0 - level:
        raise IdentificationError(
            f"x does not predict the outcome (p = {p_value:.3g}), so silence that depends on the outcome alone (phi = 1) could hide any "
            "bias. Use better characteristics, or phi below 1.",
            code="weak_proxy", argument="x", p_value=round(p_value, 4),
        )
