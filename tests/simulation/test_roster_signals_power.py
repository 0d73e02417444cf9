"""Invitation bias and outcome discordance in the simulated network: calibration at honest dealers, and power by mechanism."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from vocstats.datasets import SimulatedNetwork, simulate_dealers
from vocstats.inflation import Signal, combine, invitation_bias, outcome_discordance

pytestmark = pytest.mark.slow


def signals_of(net: SimulatedNetwork) -> list[Signal]:
    """Both signals, of the roster and of the answers."""
    roster, answers, later = net.roster, net.responses, net.outcomes.set_index("visit_id")
    did = {name: later[name].to_numpy() for name in net.outcome_names}
    score = answers.set_index("visit_id")["score"].reindex(roster["visit_id"]).to_numpy(float)
    of_answers = later.loc[answers["visit_id"]]
    case = list(net.case_mix)
    return [
        invitation_bias(
            roster["dealer"], roster["invited"], reached=roster["reached"], heard=roster["heard"], x=roster[case], later=did, score=score,
            drawn=roster["drawn"],
        ),
        outcome_discordance(
            answers["score"], answers["dealer"], {name: of_answers[name].to_numpy() for name in net.outcome_names},
            independent=(answers["channel"] == "manufacturer").to_numpy(), x=answers[case], top=9,
        ),
    ]


def study(networks: int, inflated: float, seed: int) -> dict[str, Any]:
    """Stacked truth, p-values of each signal, and false discoveries of the two combined."""
    import pandas as pd

    parts, false = [], []
    for k in range(networks):
        net = simulate_dealers(300, seed=seed + k, inflated=inflated, strength=[0.4, 0.6])
        found = signals_of(net)
        truth = net.truth.dealers.set_index("dealer")
        both = combine(found)
        columns = {each.name: pd.Series(each.p_value, each.labels["dealer"]) for each in found}
        parts.append(truth.assign(**columns, implied=pd.Series(found[0].details["implied_inflation"], found[0].labels["dealer"])))
        flagged = both.labels["dealer"][both.flagged]
        false.append((~truth.loc[flagged, "inflated"].to_numpy(bool)).sum() / max(flagged.size, 1))
    return {"truth": pd.concat(parts), "false": float(np.mean(false))}


@pytest.mark.parametrize(("networks", "inflated", "seed"), [(12, 0.0, 51_000), (10, 0.15, 52_000), (5, 0.6, 53_000)])
def test_calibration_and_power(networks: int, inflated: float, seed: int) -> None:
    found = study(networks, inflated, seed)
    truth = found["truth"]
    honest = truth[~truth["inflated"]]
    print(f"\n{inflated:.0%} inflated: false discoveries {found['false']:.3f}, implied at honest dealers {honest['implied'].mean():.3f}")
    for name in ("invitation_bias", "outcome_discordance"):
        p = honest[name].dropna()
        shares = [f"{np.mean(p <= level):.4f}" for level in (0.5, 0.1, 0.05, 0.01, 0.001)]
        groups = [f"{kind} {np.mean(honest[honest[kind]][name] <= 0.05):.3f}" for kind in ("star", "tiny", "hard_cases")]
        print(name, "honest up to .5, .1, .05, .01, .001:", *shares, *groups)
        for mechanism, members in truth[truth["inflated"]].groupby("mechanism"):
            q = members[name].dropna()
            auc = stats.mannwhitneyu(p, q).statistic / p.size / q.size
            means = members[["implied", "inflation"]].mean()
            print(f"  {mechanism:20s} {auc:.2f} {np.mean(q <= 0.05):.2f} implied {means['implied']:.3f} of {means['inflation']:.3f}")
        assert np.mean(p <= 0.05) < 0.06 and np.mean(p <= 0.01) < 0.016
    assert found["false"] <= 0.1 + (0.2 if inflated == 0 else 0.06)
