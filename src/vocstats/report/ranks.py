"""Ranks of domains and how far sampling error leaves them open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ..results import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Rank of each domain (1 is best) and the ends of its interval; NaN where the estimate is missing."""

    rank: Floats
    low: Floats
    high: Floats


def rank_intervals(estimate: npt.ArrayLike, std_error: npt.ArrayLike, *, level: float = 0.95, lowest_is_best: bool = False) -> Ranks:
    """Confidence interval of each rank from pairwise comparisons.

    Domain i lies above j when ``(e_i - e_j) / sqrt(s_i^2 + s_j^2)`` exceeds the critical value c, the normal quantile of
    ``1 - (1 - level) / (2 (D - 1))`` (Bonferroni over the D - 1 comparisons of one domain). The rank of i runs from 1 plus
    the number of domains above it to D minus the number below it; each interval holds the true rank with at least `level`.

    Parameters
    ----------
    estimate, std_error : array (D,)
        Estimates, taken as independent, and their standard errors; NaN leaves a domain out.
    level : float
        Confidence level of each interval.
    lowest_is_best : bool
        Rank 1 goes to the lowest estimate.

    Returns
    -------
    Ranks
        Ranks among the domains with an estimate; ties share the better rank.

    References
    ----------
    Mogstad, Romano, Shaikh & Wilhelm (2024), Rev. Econ. Stud. 91(1), section 3 (marginal confidence sets).
    Klein, Wright & Wieczorek (2020), J. R. Stat. Soc. A 183(2).
    """
    e = np.asarray(estimate, dtype=np.float64) * (-1.0 if lowest_is_best else 1.0)
    s = np.asarray(std_error, dtype=np.float64)
    known = np.isfinite(e) & np.isfinite(s)
    rank, low, high = (np.full(e.size, np.nan) for _ in range(3))
    d = int(known.sum())
    if d == 0:
        return Ranks(rank=rank, low=low, high=high)
    gap = e[known][:, None] - e[known][None, :]
    scale = np.sqrt(s[known][:, None] ** 2 + s[known][None, :] ** 2)
    above = gap > scale * ndtri(1 - (1 - level) / (2 * max(d - 1, 1)))
    rank[known] = 1 + (gap < 0).sum(axis=1)
    low[known] = 1 + above.sum(axis=0)
    high[known] = d - above.sum(axis=1)
    return Ranks(rank=rank, low=low, high=high)
