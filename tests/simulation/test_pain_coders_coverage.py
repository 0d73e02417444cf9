"""Pain points whose texts several coders read, on fresh worlds: coverage and error as the methods page prints them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from simulation.pain_coder_worlds import STUDIES, judged, study
from simulation.printed_figures import printed
from workflows.coder_worlds import NAMES

PAGE = Path(__file__).resolve().parents[2] / "docs/methods/workflows/pain-points.md"


def test_small_worlds() -> None:
    """Labels of three coders find the true shares, their majority does not."""
    seeds, small = (73_601, 73_602), {"pains": 3, "segments": 2}
    found = pd.concat([judged(seed, small, coders=NAMES) for seed in seeds]).groupby("scope").mean()
    naive = pd.concat([judged(seed, small, coders=NAMES, majority=True) for seed in seeds]).groupby("scope").mean()
    assert found["covered"].between(0.75, 1.0).all() and (naive["covered"] < found["covered"] - 0.1).all(), (found, naive)
    assert (found["square"] < 0.7 * naive["square"]).all() and (naive["error"] < -0.01).all(), (found, naive)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(STUDIES))
def test_fresh_worlds(name: str) -> None:
    found = study(name)
    print(f"\n{name}\n{found.round(4)}")
    cells = printed(PAGE, name)
    assert 100 * found["covered"][["overall", "segment"]].to_numpy() == pytest.approx(cells[:2], abs=1.0)
    assert found.loc["overall", ["error", "rmse", "width"]].to_numpy(float) == pytest.approx(cells[2:], abs=0.001)
