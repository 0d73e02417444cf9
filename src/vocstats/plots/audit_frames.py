"""What the charts of an audit show, as numbers; drawing is apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..results import Floats, frame

if TYPE_CHECKING:
    import pandas as pd

    from ..inflation import Signal
    from ..workflows.audit_result import DealerAudit
    from ..workflows.audit_tables import Responses

REACH = (1.645, 2.326)  # of an honest dealer: nine in ten are within the first, 98 in 100 within the second
_CURVE = 60


def funnel_frame(audit: DealerAudit, *, minimum_group: int = 5) -> pd.DataFrame:
    """One row per dealer with enough answers: dealer, status, n (answers he asked for), level (their mean, adjusted for customers)."""
    level = _level(audit)
    status = dict(zip(audit.dealers.tolist(), audit.status, strict=True))
    shown = np.flatnonzero(level.n >= minimum_group)
    dealer = level.labels["dealer"][shown]
    return frame({
        "dealer": dealer, "status": [status[name] for name in dealer.tolist()], "n": level.n[shown],
        "level": level.details["adjusted_level"][shown],
    })


def limits_frame(audit: DealerAudit, sizes: Floats) -> pd.DataFrame:
    """Where honest dealers of a size stand: n, centre, inner_low, inner_high, outer_low, outer_high; no row where nothing tells.

    With μ and ω of the empirical null of `level_excess` and the median σ² of n_d v_d, the variance of one answer, limits are

        μ ± q sqrt(σ² / n + ω²),    q = 1.645 and 2.326
    """
    of = _level(audit)
    empty = not of.null
    centre, spread = (float("nan"), float("nan")) if empty else (float(of.null["centre"][0]), float(of.null["spread"][0]))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(of.statistic != 0.0, (of.effect / of.statistic) ** 2 - spread**2, np.nan)
    known = np.isfinite(error)
    one = float(np.median(np.maximum(error[known], 0.0) * of.n[known])) if known.any() else float("nan")
    n = np.asarray(sizes, float)[: 0 if empty else None]
    half = np.sqrt(one / n + spread**2)
    ends = {f"{name}_{side}": centre + sign * q * half for name, q in zip(("inner", "outer"), REACH, strict=True)
            for side, sign in (("low", -1.0), ("high", 1.0))}
    return frame({"n": n, "centre": np.full(n.size, centre), **ends})


def sizes_between(fewest: float, most: float) -> Floats:
    """Sizes of dealers at which limits are drawn, evenly on a logarithmic axis."""
    return np.geomspace(max(fewest, 1.0), max(most, fewest, 1.0) * 1.0001, _CURVE)


def top_marks(audit: DealerAudit) -> tuple[float, float]:
    """The two highest scores given: what the chart of coverage counts as top marks."""
    given = np.unique(_responses(audit).score)[-2:]
    return float(given[0]), float(given[-1])


def fingerprint_frame(audit: DealerAudit, *, minimum_group: int = 5) -> pd.DataFrame:
    """One row per dealer with enough answers: dealer, status, visits, heard (share of them answered), top (share of top marks)."""
    answers, roster = _responses(audit), audit.roster
    if roster is None:
        raise InputError(
            "The audit holds no roster: which share of the visits was heard is not known. Audit with roster=, and draw from the audit "
            "itself, not from one read back from JSON.", code="audit_without_roster", argument="audit",
        )
    dealers = audit.dealers
    at, on = np.searchsorted(dealers, answers.dealer), np.searchsorted(dealers, roster.dealer)
    n, visits = np.bincount(at, minlength=dealers.size), np.bincount(on, minlength=dealers.size)
    heard = np.bincount(on, roster.heard.astype(float), dealers.size)
    top = np.bincount(at, (answers.score >= top_marks(audit)[0]).astype(float), dealers.size)
    shown = np.flatnonzero((n >= minimum_group) & (visits > 0))
    return frame({
        "dealer": dealers[shown], "status": [audit.status[place] for place in shown], "visits": visits[shown],
        "heard": heard[shown] / visits[shown], "top": top[shown] / n[shown],
    })


def _level(audit: DealerAudit) -> Signal:
    found = next((each for each in audit.signals if each.name == "level_excess"), None)
    if found is None:
        raise InputError("The audit holds no levels of dealers.", code="audit_without_levels", argument="audit")
    return found


def _responses(audit: DealerAudit) -> Responses:
    if audit.responses is None:
        raise InputError(
            "The audit was read back from JSON and holds no responses. Draw it from the audit itself.", code="audit_without_responses",
            argument="audit",
        )
    return audit.responses
