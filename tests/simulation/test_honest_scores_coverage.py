"""Corrected scores among the dealers an audit lists: error against that of the scores as they came, bias, and coverage of the limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vocstats as vs
from vocstats.datasets import simulate_dealers
from vocstats.inflation import honest_scores

pytestmark = pytest.mark.slow


def audited(seed: int, inflated: float) -> Any:
    """Truth and corrected scores of one network, one row per dealer."""
    net = simulate_dealers(300, seed=seed, inflated=inflated, strength=[0.2, 0.4, 0.6] if seed % 2 == 0 else [0.4, 0.6])
    a = vs.audit_dealers(
        net.responses, visit="visit_id", items=net.items, case_mix=net.case_mix, outcomes=net.outcome_names, time="time", device="device",
        address="address", seconds="seconds", roster=net.roster.merge(net.outcomes, on="visit_id"), invited="invited", drawn="drawn",
        reached="reached", threshold=net.threshold,
    )
    truth = net.truth.dealers.set_index("dealer")[["inflated", "honest_mean"]]
    low, high = a.scores.selected(a.evidence.flagged)
    r = a.scores
    found = r.to_frame().set_index("dealer").assign(
        flagged=a.evidence.flagged, selected_low=low, selected_high=high, independent=r.independent_score
    )
    return found.join(truth)


@pytest.mark.parametrize("inflated", [0.05, 0.15, 0.30, 0.60])
def test_flagged_dealers(inflated: float) -> None:
    import pandas as pd

    table = pd.concat([audited(seed, inflated) for seed in range(82_000, 82_006)])
    flagged = table[table["flagged"]]
    honest = flagged["honest_mean"]
    raw, alone, corrected = (np.sqrt(((flagged[name] - honest) ** 2).mean()) for name in ("score", "independent", "corrected_score"))
    inside = ((flagged["conf_low"] <= honest) & (honest <= flagged["conf_high"])).mean()
    selected = ((flagged["selected_low"] <= honest) & (honest <= flagged["selected_high"]))[flagged["independent"].notna()].mean()
    everybody = ((table["conf_low"] <= table["honest_mean"]) & (table["honest_mean"] <= table["conf_high"])).mean()
    bias = (flagged["corrected_score"] - honest).mean()
    print(
        f"\n{inflated:.0%}: {len(flagged)} flagged; error {raw:.3f} raw, {alone:.3f} independent, {corrected:.3f} corrected, "
        f"bias {bias:+.3f}; covered {inside:.3f}, selected {selected:.3f}, all dealers {everybody:.3f}"
    )
    room = 2 * (0.09 / len(flagged)) ** 0.5
    assert corrected <= 0.5 * raw and corrected < alone
    assert 0.85 - room <= inside <= 0.96 + room and abs(everybody - 0.9) < 0.04
    assert selected >= 0.9


def test_coaching_in_both_channels_is_not_identified() -> None:
    """Whoever lifts the independent answers too keeps nearly all of it."""
    rows = []
    for seed in range(82_100, 82_103):
        net = simulate_dealers(300, seed=seed, mechanisms="coach_both_channels", strength=0.6)
        answers, roster, case = net.responses, net.roster, list(net.case_mix)
        r = honest_scores(
            answers["score"], answers["dealer"], answers["channel"] == "manufacturer", x=answers[case], roster_dealer=roster["dealer"],
            roster_x=roster[case],
        )
        truth = net.truth.dealers.set_index("dealer").loc[r.labels["dealer"]]
        inflated = truth["inflated"].to_numpy(bool)
        error = r.corrected_score - truth["honest_mean"].to_numpy()
        rows.append([each[inflated].mean() for each in (r.inflation, truth["inflation"].to_numpy(), error)])
    estimated, true, error = np.mean(rows, axis=0)
    print(f"\nestimated {estimated:.3f} of {true:.3f}; corrected score too high by {error:.3f}")
    assert estimated < 0.2 * true and error > 0.5 * true
