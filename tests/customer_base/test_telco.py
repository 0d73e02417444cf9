"""IBM's fictional telecom base, selection B: the counts every later figure rests on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from customer_base.small_base import KINDS, converter

from vocstats import CustomerBase, Source
from vocstats.customer_base import GROUPS
from vocstats.tables import read_table

COLUMNS = ("Contract", "Internet Type", "tenure_band")


@pytest.fixture(scope="module")
def frames(data):
    return tuple(read_table(data / "telco" / name, text_columns=["Customer ID"]) for name in ("telco.csv", "selection_B.csv"))


def telco_base(registry, heard):
    return CustomerBase.from_frames(
        registry,
        id="Customer ID",
        churned={"column": "Churn Label", "is": ["Yes"]},
        answers={
            "survey": Source(heard, where={"active_respondent": 1}, outcome_frame=registry),
            "exit_interview": Source(heard, where={"exit_respondent": 1}, outcome_frame=registry),
        },
        missing={"Internet Type": "None"},
        bands={"tenure_band": {"from": "Tenure in Months", "upper": [12, 24, 48], "labels": ["1-12", "13-24", "25-48", "49+"]}},
    )


@pytest.mark.parametrize("kind", KINDS)
def test_counts_and_means_of_selection_b(frames, kind):
    base = telco_base(*map(converter(kind), frames))
    cells = base.cells(COLUMNS, outcome="Satisfaction Score", scale=(1, 5))
    table = base.group_table("Satisfaction Score").set_index("group")
    assert table["customers"].to_dict() == {"engaged": 1226, "silent": 3948, "churned": 1869, "not_invited": 0}
    assert table["heard"].to_dict() == {"engaged": 1226, "silent": 0, "churned": 176, "not_invited": 0}
    for group, mean in (("engaged", 3.96248), ("churned", 1.75)):
        inside = (cells.group == GROUPS.index(group)) & (cells.source >= 0)
        assert np.average(cells.outcome[inside], weights=cells.counts[inside]) == pytest.approx(mean, abs=5e-6)
    assert cells.levels["Internet Type"].tolist() == ["Cable", "DSL", "Fiber Optic", "None"]
    assert cells.levels["tenure_band"].tolist() == ["1-12", "13-24", "25-48", "49+"]


def test_cells_hold_what_the_table_holds(frames):
    registry, heard = frames
    cells = telco_base(registry, heard).cells(COLUMNS)
    counted = registry.assign(**{"Internet Type": registry["Internet Type"].fillna("None")})
    counted["tenure_band"] = pd.cut(counted["Tenure in Months"], [0, 12, 24, 48, np.inf], labels=["1-12", "13-24", "25-48", "49+"])
    expected = counted.groupby([*COLUMNS, "Churn Label"], observed=True).size()
    labels = [cells.levels[name][cells.columns[name]] for name in COLUMNS]
    churned = np.where(cells.group == GROUPS.index("churned"), "Yes", "No")
    found = pd.Series(cells.counts).groupby([*labels, churned]).sum()
    assert found.to_dict() == expected.to_dict()
