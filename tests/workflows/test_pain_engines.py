"""Pain points by either engine, through the workflow."""

from __future__ import annotations

from typing import Any

import pytest
from workflows.pain_worlds import tiny

import vocstats as vs


@pytest.mark.filterwarnings("ignore:.*steps of the sampler diverged")  # one pain says little of the spread of its pool
def test_both_engines_side_by_side(pymc: Any) -> None:
    observations, frame = tiny(silent=3_000, follow_up=(30, 100), positive=60)
    p = vs.estimate_pain_points(
        observations, frame=frame, perfect_sources=["survey", "follow_up"], mentions={"survey": (30, 70)}, engine="nuts", seed=2
    )
    assert p.engine == "nuts" and {"r_hat", "effective_draws", "divergences"} <= set(p.diagnostics)
    assert 0.02 < p.from_coder[0, 0] < 0.9 and p.prior_share[0, 0] > 0.02
    both = p.compare_engines().iloc[0]
    assert abs(both["difference"]) < 0.2 and both["ratio"] == pytest.approx(1.0, abs=0.1)
    assert both["nuts_estimate"] == pytest.approx(p.estimate[0, 0])
