"""Audit dealers: which scores to verify, why, at a controlled false discovery rate, and what the honest score is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .. import _checks, inflation
from .._checks import Floats
from .._numerics import sums_by
from ..errors import InputError, shown
from ..inflation import CombinedEvidence, HonestScores, Signal
from ..results import Assumption
from .audit_result import DealerAudit
from .audit_signals import Look, named, signals_of
from .audit_tables import ColumnNames, Responses, Roster, mapping_of, read_tables
from .audit_thresholds import Thresholds, is_share, read_threshold
from .detectable import detectable_inflation

_WATCH = 0.05  # combined p-value of a dealer to be watched
_ON_SCORES = ("channel_gap", "level_excess")  # the corrected score rests on them already


def audit_dealers(
    responses: Any,
    *,
    dealer: str = "dealer",
    score: str = "score",
    response_id: str | None = None,
    visit: str | None = None,
    channel: str | None = "channel",
    independent_channel: Any = "manufacturer",
    items: Sequence[str] = (),
    case_mix: Sequence[str] = (),
    outcomes: Sequence[str] = (),
    time: str | None = None,
    device: str | None = None,
    address: str | None = None,
    seconds: str | None = None,
    kiosks: Iterable[Any] = (),
    roster: Any = None,
    invited: str | None = None,
    drawn: str | None = None,
    reached: str | None = None,
    threshold: Any = None,
    top: float | None = None,
    matters: float = 0.5,
    fdr: float = 0.10,
    level: float = 0.90,
    seed: int = 0,
) -> DealerAudit:
    """Which dealers' scores to verify, on what evidence, and what they would be without inflation.

    Every signal of `vocstats.inflation` that the columns allow is held against the honest network, fitted to the dealers that inflation
    leaves alone; the signals are combined into one p-value per dealer, and the list keeps the false discovery rate `fdr` (Benjamini and
    Hochberg). The corrected score weighs the independent channel, the dealer's own less its estimated lift, and the network.

    Parameters
    ----------
    responses : dataframe
        pandas, Polars (eager or lazy) or PyArrow table, or DuckDB relation; one row per response.
    dealer, score : str
        Columns of the dealer and of the KPI answer.
    response_id, visit : str, optional
        Columns of numbers of responses (for evidence lists) and of visits (joins the roster).
    channel : str, optional
        Column that says who asked. None: every response was asked for by its dealer.
    independent_channel : label
        Value of `channel` for responses the dealer had no hand in.
    items : sequence of str
        Columns of the single questions.
    case_mix : sequence of str
        Columns of what customers differ in and dealers do not choose; text counts as categories.
    outcomes : sequence of str
        Columns of what followed, 1 = bad, 0 = not, missing = not known; of the responses, else of the roster.
    time, device, address, seconds : str, optional
        Columns of when the form came, from which device and network address, and the time taken.
    kiosks : iterable
        Devices known to be the dealers' tablets for customers.
    roster : dataframe, optional
        One row per visit, with the columns `dealer`, `visit`, the case mix and what follows.
    invited, drawn, reached : str, optional
        Columns of the roster, true/false or 1/0: asked by anybody, drawn by the manufacturer, got hold of.
    threshold : float, mapping or dataframe, optional
        KPI line of a month: a mean score, or (below the lowest score and at most 1) a share of top marks. One for all; {dealer: line}; or
        a table with the columns `dealer`, ``threshold`` and, where it changes, ``month`` (any day of it, or text such as 2026-07).
        Months of a dealer without a line are left out of the signal, which counts them (``unset``).
    top : float, optional
        Lowest top mark; None: the second highest score given.
    matters : float
        Inflation in points that would matter: where it could not have been seen, the status is "cannot tell".
    fdr : float
        False discovery rate of the list.
    level : float
        Level of the limits.
    seed : int
        Of all draws; the same seed gives the same result.

    Returns
    -------
    DealerAudit
        `to_frame` the list, `dealer` one dealer, `reasons`, `evidence_rows`, `next_checks`. Standard errors of corrected scores account
        for what `honest_scores` names.

    Raises
    ------
    InputError
        A column is not there, of another kind or missing values where none may be; numbers of responses or visits repeat; no response has
        the independent channel; or an option is out of bounds.

    References
    ----------
    Hartman, Messana, Kang, Naik, Shearon & He (2024), Ann. Appl. Stat. 18(1), for the null; Benjamini & Hochberg (1995), J. R. Stat. Soc. B
    57(1), for the list. Each signal names its own.

    Examples
    --------
    >>> import vocstats as vs
    >>> network = vs.datasets.simulate_dealers(60, seed=3, strength=0.6)
    >>> roster = network.roster.merge(network.outcomes, on="visit_id")
    >>> a = vs.audit_dealers(
    ...     network.responses, visit="visit_id", items=network.items, case_mix=network.case_mix, outcomes=network.outcome_names,
    ...     time="time", device="device", address="address", seconds="seconds", roster=roster, invited="invited", drawn="drawn",
    ... )
    >>> sorted(a.to_frame()["status"].unique())
    ['cannot tell', 'no sign found', 'to be verified', 'watch']
    """
    for name, value in (("fdr", fdr), ("level", level)):
        _checks.number(value, name, low=0.0, high=1.0, open_low=True, open_high=True)
    _checks.number(matters, "matters", low=0.0, open_low=True)
    _checks.whole_seed(seed, "seed")
    columns = ColumnNames.checked(
        items=items, case_mix=case_mix, outcomes=outcomes, dealer=dealer, score=score, response_id=response_id, visit=visit,
        channel=channel, independent_channel=independent_channel, time=time, device=device, address=address, seconds=seconds,
        invited=invited, drawn=drawn, reached=reached,
    )
    answers, visits = read_tables(responses, roster, columns)
    look = look_at(answers, read_threshold(threshold, answers, dealer), top, kiosks, level, seed)
    signals, left_out = signals_of(answers, visits, look)
    evidence = inflation.combine(signals, method="likelihood_ratio", fdr=fdr, seed=seed)
    scores = _scores(answers, visits, signals, level, seed)
    own = _own(answers, scores)
    detectable = detectable_inflation(named(signals), evidence, own / scores.n)
    days = np.array([], "datetime64[D]") if answers.time is None else answers.time[~np.isnat(answers.time)].astype("datetime64[D]")
    return DealerAudit(
        signals=signals, left_out=left_out, evidence=evidence, scores=scores, n_own=own, detectable=detectable,
        status=_status(evidence, detectable, matters), highest=float(answers.score.max()), matters=float(matters), fdr=float(fdr),
        level=float(level), seed=seed, first_day=str(days.min()) if days.size else "", last_day=str(days.max()) if days.size else "",
        off_roster=float(answers.off_roster), assumptions=_assumptions(answers, visits, scores), responses=answers, roster=visits,
    )


def look_at(
    answers: Responses, threshold: float | Thresholds | None, top: float | None, kiosks: Iterable[Any], level: float, seed: int
) -> Look:
    """Options that depend on the scores given; InputError where they do not go with them."""
    given = np.unique(answers.score)
    lowest, highest = float(given[0]), float(given[-1])
    mark = float(given[-2:][0]) if top is None else _checks.number(top, "top")
    if top is not None and not lowest < mark <= highest:
        raise InputError(
            f"top must lie above the lowest score given, {lowest:g}, and not above the highest, {highest:g}; got {mark:g}.",
            code="top_out_of_scale", argument="top", lowest=lowest, highest=highest, value=mark,
        )
    share = threshold is not None and is_share(threshold, lowest, highest)
    known = tuple(str(kiosk) for kiosk in kiosks)
    if known and answers.device is None:
        raise InputError(
            f"kiosks names devices {shown(known)}, and no column of devices was given (device=).",
            code="kiosks_without_device", argument="kiosks", levels=known,
        )
    return Look(top=mark, threshold=threshold, share=share, kiosks=known, level=level, seed=seed)


def _scores(answers: Responses, visits: Roster | None, signals: Sequence[Signal], level: float, seed: int) -> HonestScores:
    """Corrected scores; signals that do not rest on level and channel gap say who is likely to inflate."""
    others = [each for each in signals if each.name not in _ON_SCORES]
    elsewhere = inflation.combine(others, method="likelihood_ratio", seed=seed) if others else None
    on_roster = visits is not None and bool(visits.x)
    return inflation.honest_scores(
        answers.score, answers.dealer, answers.independent, x=mapping_of(answers.x),
        roster_dealer=visits.dealer if visits is not None and on_roster else None,
        roster_x=mapping_of(visits.x) if visits is not None and on_roster else None,
        evidence=None if elsewhere is None else dict(zip(elsewhere.labels["dealer"].tolist(), elsewhere.p_value.tolist(), strict=True)),
        level=level, seed=seed,
    )


def _own(answers: Responses, scores: HonestScores) -> Floats:
    code = np.searchsorted(scores.labels["dealer"], answers.dealer)
    return sums_by(code, answers.own.astype(float), scores.n.size)


def _status(evidence: CombinedEvidence, detectable: Floats, matters: float) -> tuple[str, ...]:
    with np.errstate(invalid="ignore"):
        unseen = ~(detectable <= matters)
        status = np.where(unseen, "cannot_tell", "no_sign_found")
        status = np.where(evidence.p_value <= _WATCH, "watch", status)
    return tuple(np.where(evidence.flagged, "to_be_verified", status).tolist())


def _assumptions(answers: Responses, visits: Roster | None, scores: HonestScores) -> tuple[Assumption, ...]:
    """What the list and the corrected scores rest on, the weightiest first."""
    codes = [("audit_lower_tail_honest", "partly")]
    if answers.independent is not None:
        codes.append(("audit_independent_untouched", "no"))
    if not scores.identified.all():
        codes.append(("audit_unidentified_by_network", "no"))
    codes.append(("audit_case_mix", "no") if answers.x else ("audit_no_case_mix", "no"))
    if visits is None:
        codes.append(("audit_no_roster", "no"))
    return tuple(Assumption(code=code, testable=testable) for code, testable in codes)
