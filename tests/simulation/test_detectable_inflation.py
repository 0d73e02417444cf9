"""Detectable inflation: lifts of the claimed size, given to honest dealers, are significant with the chance claimed or more.

A lifted dealer's own forms are exchanged for forms of other honest dealers with higher marks (score and items), to the exponential tilt
of his scores whose mean is higher by the claim: it shows in level and channel gap, and in no form by itself. Only dealers whose claim
fits the scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import vocstats as vs
from vocstats.datasets import SimulatedNetwork, simulate_dealers

ROOM = 0.9  # of the points between a dealer's mean and the highest score, at most
MARKS = np.arange(11)


def audit(net: SimulatedNetwork, forms: pd.DataFrame, *, whole: bool) -> vs.DealerAudit:
    """With every column, or of scores and channels alone."""
    if not whole:
        return vs.audit_dealers(forms[["dealer", "score", "channel"]])
    return vs.audit_dealers(
        forms, response_id="response_id", visit="visit_id", items=net.items, case_mix=net.case_mix, outcomes=net.outcome_names,
        time="time", device="device", address="address", seconds="seconds", roster=net.roster.merge(net.outcomes, on="visit_id"),
        invited="invited", drawn="drawn", reached="reached", threshold=net.threshold,
    )


def tilted(scores: np.ndarray, points: float) -> np.ndarray:
    """Shares of the marks, tilted until the mean is higher by so many points."""
    shares = np.bincount(scores, minlength=MARKS.size) / scores.size
    low, high = 0.0, 30.0
    for _ in range(60):
        tilt = (low + high) / 2
        law = shares * np.exp(tilt * (MARKS - scores.mean()))
        law /= law.sum()
        low, high = (tilt, high) if law @ MARKS - scores.mean() < points else (low, tilt)
    return law


def lift(
    forms: pd.DataFrame, dealer: str, points: float, donors: dict[int, list[Any]], columns: list[str], rng: np.random.Generator
) -> None:
    """Exchange the dealer's own forms, the lowest first, for donated ones until the scores have the tilted shares."""
    own = np.flatnonzero((forms["dealer"].to_numpy() == dealer) & (forms["channel"].to_numpy() == "dealer"))
    scores = forms["score"].to_numpy()[own].astype(int)
    wanted = np.floor(tilted(scores, points) * own.size + rng.random(MARKS.size)).astype(int)
    has = np.bincount(scores, minlength=MARKS.size)
    spare = [row for mark in MARKS for row in rng.permutation(own[scores == mark])[: max(has[mark] - wanted[mark], 0)]]
    lacking = [mark for mark in MARKS[::-1] for _ in range(max(wanted[mark] - has[mark], 0))]
    for row, mark in zip(spare, lacking, strict=False):
        forms.loc[forms.index[row], columns] = donors[mark].pop()


def lifted_dealers(seed: int, *, dealers: int, inflated: float, most: int, whole: bool) -> list[dict[str, Any]]:
    """Honest dealers of a network, unlisted before, lifted by what the audit says it could have seen."""
    rng, net = np.random.default_rng(seed), simulate_dealers(dealers, seed=seed, inflated=inflated, strength=(0.4, 0.6))
    before = audit(net, net.responses, whole=whole)
    honest = ~net.truth.dealers.set_index("dealer").loc[before.dealers, "inflated"].to_numpy(bool)
    own = net.responses[net.responses["channel"] == "dealer"]
    points = before.detectable * before.scores.n / before.n_own
    room = 10.0 - own.groupby("dealer")["score"].mean().reindex(before.dealers).to_numpy()
    fits = np.flatnonzero(honest & ~before.flagged & (points < ROOM * room))
    chosen = rng.choice(fits, min(most, fits.size), replace=False)
    given = own[own["dealer"].isin(before.dealers[honest]) & ~own["dealer"].isin(before.dealers[chosen])].sample(frac=1, random_state=seed)
    columns, forms = ["score", *net.items], net.responses.copy()
    donors = {int(mark): rows[columns].to_numpy().tolist() for mark, rows in given.groupby("score")}
    for k in chosen:
        lift(forms, before.dealers[k], float(points[k]), donors, columns, rng)
    after = audit(net, forms, whole=whole)
    last = max(before.flagged.sum(), 1) * before.fdr / np.isfinite(before.evidence.p_value).sum()
    return [{"significant": bool(after.evidence.p_value[k] <= last), "listed": bool(after.flagged[k])} for k in chosen]


@pytest.mark.slow
@pytest.mark.parametrize(("inflated", "seed"), [(0.15, 84_100), (0.0, 84_110)])
def test_lifts_of_the_claimed_size_are_seen(inflated: float, seed: int) -> None:
    found = pd.DataFrame([
        row for k in range(5) for row in lifted_dealers(seed + k, dealers=300, inflated=inflated, most=16, whole=True)
    ])
    print(f"\n{inflated:.0%} inflated: {len(found)} lifted, significant and listed", found.mean().round(3).to_dict())
    assert stats.binomtest(int(found["significant"].sum()), len(found)).proportion_ci().high >= 0.8


def test_lifts_of_the_claimed_size_are_seen_in_a_small_network() -> None:
    found = lifted_dealers(84_200, dealers=80, inflated=0.1, most=12, whole=False)
    assert len(found) >= 8 and np.mean([row["listed"] for row in found]) >= 0.6
