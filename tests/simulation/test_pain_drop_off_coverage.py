"""Intervals of segments told of drop-off keep their coverage, whether it is true, says nothing or misleads."""

from __future__ import annotations

import pandas as pd
import pytest
from simulation.pain_point_drop_off import STUDIES, judged, study


def test_one_world_told_of_drop_off() -> None:
    table = pd.DataFrame(judged("rises with the pains named", 90_699))
    assert len(table) == 32 and table["covered_with"].mean() > 0.75
    assert (table["width_with"] != table["width_without"]).all()
    assert table["width_with"].mean() < 1.1 * table["width_without"].mean()


@pytest.mark.slow
@pytest.mark.parametrize("name", list(STUDIES))
def test_coverage_and_width(name: str) -> None:
    found = study(name, range(90_700, 90_704 if "24" in name else 90_710))
    assert 0.84 <= found["covered_with"] <= 0.96
    assert found["width"] < 1.03
    assert found["error"] < (0.99 if "named" in name and "other" not in name else 1.15)
