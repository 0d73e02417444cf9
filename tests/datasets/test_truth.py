"""The true means are the means of the true scores."""

import json

import numpy as np
import pytest

from vocstats.datasets import SimulatedTruth, simulate_base


@pytest.fixture(scope="module")
def simulated():
    return simulate_base(5_000, seed=4)


@pytest.mark.parametrize(
    ("population", "groups"),
    [
        ("engaged", ["engaged"]), ("silent", ["silent"]), ("churned", ["churned"]), ("not_invited", ["not_invited"]),
        ("nonresponse_corrected", ["engaged", "silent", "not_invited"]),
        ("survivor_corrected", ["engaged", "silent", "not_invited", "churned"]),
    ],
)
def test_means_recomputed(simulated, population, groups):
    customers, means = simulated.truth.customers, simulated.truth.means
    score = customers.loc[customers["group"].isin(groups), "csi"].to_numpy()
    row = means[(means["population"] == population) & (means["by"] == "")].iloc[0]
    assert row["customers"] == score.size
    expected = [score.mean(), (score >= 9).mean(), (score <= 6).mean()]
    np.testing.assert_allclose(row[["mean", "top_box", "bottom_box"]].to_numpy(float), expected, rtol=1e-12)


@pytest.mark.parametrize("by", ["dealer", "model"])
def test_parts_add_up_to_the_whole(simulated, by):
    means = simulated.truth.means
    for term in ("nonresponse_corrected", "survivor_corrected"):
        rows = means[means["population"] == term]
        whole, parts = rows[rows["by"] == ""].iloc[0], rows[rows["by"] == by]
        assert parts["customers"].sum() == whole["customers"]
        assert np.average(parts["mean"], weights=parts["customers"]) == pytest.approx(whole["mean"], rel=1e-12)
        assert set(parts["level"]) <= set(simulated.registry[by])


def test_to_dict_is_json_and_says_simulated(simulated):
    record = json.loads(json.dumps(simulated.truth.to_dict()))
    assert record["kind"] == "simulated_truth" and "Simulated" in record["description"] and "模拟" in record["description_zh"]
    assert len(record["means"]) == len(simulated.truth.means)


def test_repr_is_short(simulated):
    assert isinstance(simulated.truth, SimulatedTruth) and repr(simulated.truth) == "SimulatedTruth(5,000 customers)"
