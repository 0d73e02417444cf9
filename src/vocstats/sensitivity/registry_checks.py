"""What the registry knows of everybody's later behaviour, against what weighted answers say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from ..errors import IdentificationError, InputError
from ..estimation import Design, Estimate, mean, smooth_function
from ..options import Inference
from ..results import Floats, Result, frame, register
from ..weighting import Weights

if TYPE_CHECKING:
    import pandas as pd

_TERMS = ("gap", "slope", "remaining_bias")


@register("registry_check")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegistryCheck(Result):
    """Later behaviour of the weighted heard against everybody's, and the bias of an outcome that the gap suggests.

    Attributes
    ----------
    registry, weighted : float
        Mean of the later behaviour over everybody, and over the weighted heard.
    gap, gap_error, gap_low, gap_high : float
        Weighted less registry.
    p_value : float
        Of no gap but by chance; 1 where the weights reproduce the registry exactly.
    slope, slope_error, slope_low, slope_high : float
        Change of the outcome per unit of the later behaviour, among the weighted heard; for churn the mean of those who left
        later less that of those who stayed.
    remaining_bias, remaining_bias_error, remaining_bias_low, remaining_bias_high : float
        Gap times slope: by how much the weighted mean of the outcome is too high for this reason.
    weighted_mean : float
        Weighted mean of the outcome.
    level : float
        Confidence level.
    """

    registry: float
    weighted: float
    gap: float
    gap_error: float
    gap_low: float
    gap_high: float
    p_value: float
    slope: float
    slope_error: float
    slope_low: float
    slope_high: float
    remaining_bias: float
    remaining_bias_error: float
    remaining_bias_low: float
    remaining_bias_high: float
    weighted_mean: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """The same as `tidy`."""
        return self.tidy()

    def tidy(self) -> pd.DataFrame:
        """Gap, slope and remaining bias: term, estimate, std_error, conf_low, conf_high."""
        columns = {"estimate": "", "std_error": "_error", "conf_low": "_low", "conf_high": "_high"}
        return frame({"term": list(_TERMS), **{name: [getattr(self, f"{t}{end}") for t in _TERMS] for name, end in columns.items()}})

    def summary(self, language: str = "en") -> str:
        """The table."""
        return str(self.tidy().to_string(index=False, float_format=lambda value: f"{value:.4f}"))


def registry_check(
    y: npt.ArrayLike, later: npt.ArrayLike, w: npt.ArrayLike | Weights, *, design: Design | None = None,
    design_weights: npt.ArrayLike | None = None, counts: npt.ArrayLike | None = None, inference: Inference = "registry",
    level: float = 0.95,
) -> RegistryCheck:
    """Whether the weighted heard behave later as everybody does, and what bias of the outcome the difference suggests.

        gap = Σ c w l / Σ c w - Σ c d l / Σ c d,   slope = cov_w(y, l) / var_w(l),   remaining bias = gap * slope

    the first mean of the gap over those heard, the second over everybody. The mean of the outcome less the remaining bias is the
    regression estimate calibrated to the registry's later behaviour.

    Parameters
    ----------
    y : array (n,)
        Outcome; missing only where the weight is 0.
    later : array (n,)
        Behaviour of everybody after the survey, such as churn (1 left, 0 stayed), that had no part in the weights.
    w : Weights or array (n,)
        Weights of those heard, 0 for the others. Of an array only the proportions matter: it is taken to add up to everybody, so that
        one over a weight is the chance of an answer.
    design, counts, inference
        As in `mean`.
    design_weights : array (n,), optional
        Weights of everybody where the base itself is a sample; its mean is taken as known.
    level : float
        Confidence level.

    Returns
    -------
    RegistryCheck
        Standard errors of the weights' chain and the design.

    Raises
    ------
    InputError
        Bad arrays; `later` is missing for somebody.
    IdentificationError
        Nobody behaved differently among those heard.

    References
    ----------
    Särndal, Swensson & Wretman (1992), eq. 6.4.1 (the regression estimate); Little & Vartivarian (2005), Survey Methodology 31(2) (bias is
    removed to the extent that the variable goes with response and outcome).

    Examples
    --------
    >>> r = registry_check([8, 9, 8, 9, 4, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 0], [1, 1, 1, 1, 1, 0, 0, 0])
    >>> round(r.gap, 3), round(r.slope, 3), round(r.remaining_bias, 3)
    (-0.175, -4.5, 0.787)
    """
    behaviour = _checks.vector(later, "later")
    outcome = _checks.vector(y, "y", length=behaviour.size, missing=True)
    times = w.counts if isinstance(w, Weights) else _checks.non_negative(
        np.ones(behaviour.size) if counts is None else counts, "counts", length=behaviour.size
    )
    everybody = times if design_weights is None else times * _checks.non_negative(design_weights, "design_weights", length=behaviour.size)
    if not everybody.sum() > 0:
        raise InputError("Nobody has a positive design weight.", code="nobody_weighted", argument="design_weights")
    registry = float(everybody @ behaviour / everybody.sum())
    if not isinstance(w, Weights):
        w = _scaled_to(w, times, float(everybody.sum()))
    given: dict[str, Any] = {"design": design, "counts": counts, "inference": inference, "level": level}
    behaved, answered, product, square = (mean(column, w, **given) for column in (behaviour, outcome, behaviour * outcome, behaviour**2))
    spread = float(square.estimate) - float(behaved.estimate) ** 2
    if not spread > 1e-12 * max(float(square.estimate), 1e-300):
        raise IdentificationError(
            "Everybody heard behaved alike later, so the outcome's slope on that behaviour cannot be seen. Choose another behaviour or a "
            "longer time.",
            code="no_later_contrast", argument="later",
        )
    gap = smooth_function(lambda a: a - registry, behaved, statistic="gap")
    slope = smooth_function(_slope, behaved, answered, product, square, statistic="slope")
    bias = smooth_function(lambda *e: (e[0] - registry) * _slope(*e), behaved, answered, product, square, statistic="remaining_bias")
    return RegistryCheck(
        registry=registry, weighted=float(behaved.estimate), p_value=_p_value(gap), weighted_mean=float(answered.estimate), level=level,
        **_numbers(gap, "gap"), **_numbers(slope, "slope"), **_numbers(bias, "remaining_bias"),
    )


def _scaled_to(w: npt.ArrayLike, times: Floats, total: float) -> Floats:
    """Weights that add up to everybody; those that add up to nothing stay."""
    values = _checks.non_negative(w, "w", length=times.size)
    return values * (total / float(times @ values)) if times @ values > 0 else values


def _slope(later: Any, outcome: Any, product: Any, square: Any) -> Any:
    return (product - later * outcome) / (square - later**2)


def _numbers(estimate: Estimate, name: str) -> dict[str, float]:
    parts = {"": estimate.estimate, "_error": estimate.std_error, "_low": estimate.conf_low, "_high": estimate.conf_high}
    return {f"{name}{end}": float(value) for end, value in parts.items()}


def _p_value(gap: Estimate) -> float:
    """Two-sided, of Student's t."""
    size, error, df = abs(float(gap.estimate)), float(gap.std_error), float(gap.df)
    if size <= 1e-9:
        return 1.0
    if not error > 0:
        return 0.0 if error == 0 else float("nan")
    return float(2 * special.ndtr(-size / error) if np.isinf(df) else 2 * special.stdtr(df, -size / error))
