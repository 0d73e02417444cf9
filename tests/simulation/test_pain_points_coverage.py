"""Pain points of all customers on fresh worlds: coverage of 90 % intervals, and error against the raw survey's, as the page prints them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.pain_point_worlds import MORE, STUDIES, judged, study
from simulation.printed_figures import printed

import vocstats as vs

PAGE = Path(__file__).resolve().parents[2] / "docs/methods/workflows/pain-points.md"
SMALL: dict[str, Any] = {"dealers": 20, "pains": 8, "segments": 3}


def small(seed: int, **options: Any) -> pd.DataFrame:
    return judged(seed, **(SMALL | options)).set_index("scope")


def test_small_worlds() -> None:
    """Three worlds: coverage within what they can tell, error well below the raw survey's."""
    found = pd.concat([small(seed) for seed in (73_501, 73_502, 73_503)]).groupby("scope").mean()
    assert found["covered"].between(0.78, 1.0).all(), found
    ratio = np.sqrt(found["error"] / found["raw"])
    assert ratio["overall"] < 0.25 and ratio["segment"] < 0.35 and ratio["dealer"] < 0.5, ratio


def test_a_wrong_audit_is_noticed() -> None:
    """The same worlds with a coder said to be better than he is: intervals miss."""
    made = vs.datasets.simulate_pain_points(seed=73_501, **SMALL)
    audit = made.coder_audit.assign(positive=lambda t: np.where(t["truth"] == 1, t["n"], 0))
    p = vs.estimate_pain_points(
        made.observations, groups=made.groups, frame=made.frame, coder_audit=audit, perfect_sources=made.perfect_sources, by="segment",
        seed=1,
    )
    table = p.to_frame().merge(made.truth.prevalence(["segment"]), on=["pain_point", "segment"])
    assert ((table["conf_low"] <= table["prevalence"]) & (table["prevalence"] <= table["conf_high"])).mean() < 0.75


@pytest.mark.slow
@pytest.mark.parametrize("name", list(STUDIES))
def test_fresh_worlds(name: str) -> None:
    found = study(name)
    print(f"\n{name}\n{found.round(4)}")
    shares = printed(PAGE, name)
    assert 100 * found["covered"].to_numpy() == pytest.approx(shares[:3], abs=1.0)
    assert found["ratio"].to_numpy() == pytest.approx(shares[3:], abs=0.02)
    if name.endswith("dealers"):
        assert found["ratio"]["overall"] <= 0.35 and found["ratio"]["dealer"] <= 0.45
        assert found["covered"][["overall", "segment", "dealer"]].between(0.85, 0.95).all()


@pytest.mark.slow
def test_more_worlds_overall() -> None:
    covered = np.mean([judged(seed, scopes=["overall"])["covered"].iloc[0] for seed in MORE])
    assert covered == pytest.approx(0.88, abs=0.01)
