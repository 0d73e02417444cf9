"""One simulated network audited, and what other rules make of it: a JSON line of facts and of one column per figure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import vocstats as vs
from vocstats.datasets import SimulatedNetwork, simulate_dealers
from vocstats.inflation import funnel_limits

MATCH = 0.85  # share of the items in which two forms agree
START = pd.Timestamp("2025-10-01")  # of the simulated year


@dataclass(frozen=True)
class Scenario:
    """Networks of one kind."""

    name: str
    inflated: float
    strength: tuple[float, ...] = (0.4, 0.5, 0.6)
    mechanisms: str | None = None
    careful: bool = False


def audit(network: SimulatedNetwork) -> Any:
    """The audit of a network, as its manufacturer would run it."""
    return vs.audit_dealers(
        network.responses, dealer="dealer", score="score", response_id="response_id", visit="visit_id", channel="channel",
        independent_channel="manufacturer", items=list(network.items), case_mix=list(network.case_mix),
        outcomes=list(network.outcome_names), time="time", device="device", address="address", seconds="seconds",
        roster=network.roster.merge(network.outcomes, on="visit_id"), invited="invited", drawn="drawn", reached="reached",
        threshold=network.threshold, fdr=0.10, seed=0,
    )


def line(scenario: Scenario, seed: int, dealers: int) -> dict[str, Any]:
    """Simulate, audit, compare: seconds of the audit, and the columns described in audit_measures.py."""
    network = simulate_dealers(
        dealers, seed=seed, inflated=scenario.inflated, strength=scenario.strength, mechanisms=scenario.mechanisms, careful=scenario.careful
    )
    start = time.process_time()
    found = audit(network)
    seconds = time.process_time() - start
    columns = {**truth(network), **said(found, network), **rankings(network)}
    return {"network": seed, "answers": len(network.responses), "seconds": round(seconds, 2), "dealers": {
        name: _short(values) for name, values in columns.items()
    }}


def truth(network: SimulatedNetwork) -> dict[str, Any]:
    """What the simulator knows of each dealer."""
    known = network.truth.dealers
    columns = {name: known[name] for name in ("dealer", "inflated", "mechanism", "strength", "star", "tiny", "kiosk", "n", "honest_mean")}
    return {**columns, "raw": known["score"], "began": (known["onset"] - START).dt.days}


def said(found: Any, network: SimulatedNetwork) -> dict[str, Any]:
    """What the audit said of each dealer, and the p-values it rests on."""
    dealers = network.truth.dealers["dealer"]
    table = found.to_frame().set_index("dealer").reindex(dealers).reset_index()
    columns = {
        "p_value": table["p_value"], "q_value": table["q_value"], "flagged": table["flagged"].eq(True), "status": table["status"],
        "corrected": table["corrected_score"], "low": table["conf_low"], "high": table["conf_high"], "detectable": table["detectable"],
    }
    for signal in found.signals:
        of = signal.to_frame().set_index("dealer").reindex(dealers)
        columns |= {f"p:{signal.name}": of["p_value"], f"n:{signal.name}": of["n"]}
        if "onset" in of:
            columns |= {each: (of[each] - START).dt.days for each in ("onset", "onset_low", "onset_high")}
    return columns


def rankings(network: SimulatedNetwork) -> dict[str, Any]:
    """What simpler rules rank dealers by; more is more suspicious."""
    answers = network.responses.assign(top=network.responses["score"] >= 9)
    dealers = network.truth.dealers["dealer"]
    found = {
        "top-box ranking": answers.groupby("dealer")["top"].mean(), "funnel plot": funnel(answers, network),
        "85 % matches": matches(answers, network), "isolation forest": isolation(answers, network),
    }
    return {f"by:{name}": values.reindex(dealers) for name, values in found.items()}


def funnel(answers: pd.DataFrame, network: SimulatedNetwork) -> pd.Series:
    """Top boxes over those expected of the dealer's customers, in standard deviations that allow for overdispersion."""
    expected = answers.groupby(list(network.case_mix))["top"].transform("mean")
    sums = answers.assign(expected=expected).groupby("dealer")[["top", "expected"]].sum()
    limits = funnel_limits(sums["top"], sums["expected"], unit=sums.index)
    return pd.Series(np.log(limits.ratio.clip(1e-9)) / np.sqrt(1.0 / limits.expected + limits.spread**2), sums.index)


def matches(answers: pd.DataFrame, network: SimulatedNetwork) -> pd.Series:
    """Share of a dealer's forms that agree with another of his in at least 85 % of the items: in all eight, or in all but one."""
    items = list(network.items)
    if not (len(items) - 2) / len(items) < MATCH <= (len(items) - 1) / len(items):
        raise ValueError("forms that match leave out one item")
    matched = np.zeros(len(answers), bool)
    for left_out in items:
        matched |= answers.duplicated(["dealer", *(item for item in items if item != left_out)], keep=False).to_numpy()
    return pd.Series(matched).groupby(answers["dealer"].to_numpy()).mean()


def isolation(answers: pd.DataFrame, network: SimulatedNetwork) -> pd.Series:
    """scikit-learn's isolation forest on what an analyst would tabulate by dealer."""
    from sklearn.ensemble import IsolationForest

    items, own = answers[list(network.items)], answers["channel"] == "dealer"
    answers = answers.assign(
        own=np.where(own, answers["score"], np.nan), other=np.where(own, np.nan, answers["score"]), ten=answers["score"] == 10,
        equal=items.std(axis=1) == 0, item_mean=items.mean(axis=1), within=items.std(axis=1), late=answers["time"].dt.day >= 26,
        evening=answers["time"].dt.hour >= 19, quick=np.log(answers["seconds"]),
    )
    by = answers.groupby("dealer")
    features = by[["score", "top", "ten", "equal", "item_mean", "within", "late", "evening", "quick"]].mean()
    features["spread"], features["gap"] = by["score"].std(), by["own"].mean() - by["other"].mean()
    features["n"], features["devices"] = np.log(by.size()), by["device"].nunique() / by.size()
    roster = network.roster.merge(network.outcomes, on="visit_id").groupby("dealer")
    features = features.join(roster[["invited", "reached", "heard", *network.outcome_names]].mean())
    features = features.fillna(features.median())
    forest = IsolationForest(random_state=0).fit(features.to_numpy())
    return pd.Series(-forest.score_samples(features.to_numpy()), features.index)


def _short(values: Any) -> list[Any]:
    """A column for JSON: five significant digits, null where missing."""
    series = pd.Series(values)
    if series.dtype.kind != "f":
        return list(series.tolist())
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in series]
