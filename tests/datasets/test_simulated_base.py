"""A customer base reads the simulated tables without complaint and finds the groups the truth names."""

import numpy as np
import pytest

from vocstats.customer_base import GROUPS, SOURCES
from vocstats.datasets import simulate_base


@pytest.mark.parametrize("blemishes", [True, False])
def test_groups_and_heard_are_those_of_the_truth(blemishes):
    simulated = simulate_base(6_000, seed=3, blemishes=blemishes)
    customers = simulated.truth.customers
    cells = simulated.base().cells(["age_band", "tenure_band"], outcome="csi")
    for code, group in enumerate(GROUPS):
        assert cells.counts[cells.group == code].sum() == (customers["group"] == group).sum(), group
    coded = simulated.survey.loc[simulated.survey["csi"] > 10, "customer_id"]
    heard = customers[~customers["customer_id"].isin(coded)]
    for code, source in enumerate(SOURCES):
        rows = cells.source == code
        told = heard[heard["heard"] == source]
        assert cells.counts[rows].sum() == len(told), source
        assert np.average(cells.outcome[rows], weights=cells.counts[rows]) == pytest.approx(told["csi"].mean(), rel=1e-12)
    drawn = simulated.follow_up["selected"].sum() + simulated.exit_interview["selected"].sum()
    assert cells.counts[cells.drawn].sum() == drawn


def test_sources_without_rows_are_left_out():
    simulated = simulate_base(2_000, seed=3, follow_up_rate=0.0, exit_rate=0.0)
    cells = simulated.base().cells(outcome="csi")
    assert set(cells.source) == {-1, SOURCES.index("survey")}
