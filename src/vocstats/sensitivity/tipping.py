"""Where the silent would have to stand for a conclusion to flip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._numerics import normal_quantile
from ..errors import InputError, shown
from ..results import Flags, Floats, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("tipping_point")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TippingPoint(Result):
    """Mean of the silent at which the mean of everybody meets a target.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : float arrays (D,)
        That mean. Were the mean of the silent below `conf_low`, that of everybody would be significantly below the target; above
        `conf_high`, significantly above.
    shift : float array (D,)
        The tipping point less the mean of those heard.
    above : bool array (D,)
        Whether those heard are above the target.
    reachable : bool array (D,)
        Whether some value the silent may have reaches the tipping point; where not, the conclusion stands whatever they think.
        Without limits always true.
    level : float
        Confidence level.
    """

    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    shift: Floats
    above: Flags
    reachable: Flags
    level: float

    def to_frame(self) -> pd.DataFrame:
        """One row per domain."""
        names = ("estimate", "std_error", "conf_low", "conf_high", "shift", "above", "reachable")
        return frame({name: getattr(self, name) for name in names})

    def tidy(self) -> pd.DataFrame:
        """One row per domain: term, estimate, std_error, conf_low, conf_high."""
        numbers = {name: getattr(self, name) for name in ("estimate", "std_error", "conf_low", "conf_high")}
        return frame({"term": ["tipping_point"] * self.estimate.size, **numbers})

    def summary(self, language: str = "en") -> str:
        """The table."""
        return str(self.to_frame().to_string(index=False, float_format=lambda value: f"{value:.4f}"))


def tipping_point(
    mean_heard: npt.ArrayLike, share_heard: npt.ArrayLike, target: npt.ArrayLike, *, std_error: npt.ArrayLike = 0.0,
    target_error: npt.ArrayLike = 0.0, limits: tuple[float, float] | None = None, level: float = 0.95,
) -> TippingPoint:
    """Mean of the silent at which everybody's mean meets a target, or another dealer's mean.

        f ȳ + (1 - f) m = t,    m = (t - f ȳ) / (1 - f),    SE(m) = sqrt(f² SE(ȳ)² + SE(t)²) / (1 - f)

    Parameters
    ----------
    mean_heard : float or array (D,)
        ȳ, the mean of those heard, weighted or not.
    share_heard : float or array (D,)
        f, the share of the customers they are.
    target : float or array (D,)
        t: a target, or the mean of another dealer's customers.
    std_error, target_error : float or array (D,)
        Standard errors of `mean_heard` and of `target`; 0 is known. The two are independent.
    limits : pair of float, optional
        Lowest and highest possible value.
    level : float
        Confidence level of the normal limits.

    Returns
    -------
    TippingPoint

    Raises
    ------
    InputError
        Everybody or nobody was heard, negative errors, lengths that differ, limits that do not rise.

    References
    ----------
    Rubin (1977), JASA 72 (the mean of the silent as parameter); Yan, Lee & Li (2009), J. Biopharm. Stat. 19(6) (tipping points).

    Examples
    --------
    >>> r = tipping_point(8.4, 0.25, 8.0, std_error=0.05, limits=(1, 10))
    >>> round(float(r.estimate[0]), 3), round(float(r.std_error[0]), 4), bool(r.reachable[0])
    (7.867, 0.0167, True)
    """
    z = normal_quantile(_checks.level(level))
    heard, share, goal, error, goal_error = _broadcast(
        mean_heard=mean_heard, share_heard=share_heard, target=target, std_error=std_error, target_error=target_error
    )
    odd = np.flatnonzero((share <= 0) | (share >= 1))
    if odd.size:
        raise InputError(
            f"share_heard must lie strictly between 0 and 1; it does not at rows {shown(odd)}. Without silent customers nothing can tip, "
            "without heard ones there is no conclusion.",
            code="share_heard_out_of_bounds", argument="share_heard", rows=odd,
        )
    point = (goal - share * heard) / (1.0 - share)
    spread = np.hypot(share * error, goal_error) / (1.0 - share)
    reachable = np.ones(point.size, bool)
    if limits is not None:
        low, high = (_checks.number(value, "limits") for value in limits)
        if not low < high:
            raise InputError(f"limits must rise; got {limits!r}.", code="bad_limits", argument="limits")
        reachable = (point >= low) & (point <= high)
    return TippingPoint(
        estimate=point, std_error=spread, conf_low=point - z * spread, conf_high=point + z * spread, shift=point - heard,
        above=heard > goal, reachable=reachable, level=level,
    )


def _broadcast(**given: npt.ArrayLike) -> list[Floats]:
    """Columns of one length; a single number stands for all domains."""
    columns = {name: _checks.vector(np.atleast_1d(np.asarray(value)), name) for name, value in given.items()}
    for name in ("std_error", "target_error"):
        _checks.non_negative(columns[name], name)
    size = max(column.size for column in columns.values())
    for name, column in columns.items():
        _checks.same_length(column, name, None if column.size == 1 else size)
    return [np.broadcast_to(column, size) for column in columns.values()]
