"""The simulated tables fit each other, the example study and their seed."""

import time

import numpy as np
import pandas as pd
import pytest

from vocstats.datasets import SimulatedBase, simulate_base
from vocstats.datasets.fieldwork import DISPOSITIONS
from vocstats.errors import InputError

TABLES = ("registry", "survey", "follow_up", "exit_interview", "call_log")
CODES = {"成功", "拒访", "中途挂断", "无人接听", "关机", "空号", "错号", "非车主"}


@pytest.fixture(scope="module")
def simulated() -> SimulatedBase:
    return simulate_base(20_000, seed=11)


def status(simulated: SimulatedBase) -> pd.DataFrame:
    """Groups recomputed from the tables alone, as a customer base must."""
    registry = simulated.registry.set_index("customer_id")
    inside = (registry["purchase_date"] <= "2026-09-30") & ~(registry["churn_date"] < "2025-10-01")
    churned = registry["churn_date"] < "2026-10-01"
    invited = registry.index.isin(simulated.call_log["customer_id"])
    answered = registry.index.isin(simulated.survey["customer_id"])
    group = np.where(answered, "engaged", np.where(invited, "silent", "not_invited"))
    group = np.where(inside, np.where(churned, "churned", group), "outside_window")
    return pd.DataFrame({"group": group, "answered": answered, "invited": invited}, index=registry.index)


@pytest.mark.parametrize("table", TABLES)
def test_same_seed_same_bits(simulated, table):
    again = simulate_base(20_000, seed=11)
    pd.testing.assert_frame_equal(getattr(simulated, table), getattr(again, table), check_exact=True)


def test_other_seed_other_customers(simulated):
    other = simulate_base(20_000, seed=12)
    assert not other.registry["customer_id"].equals(simulated.registry["customer_id"])


def test_other_fieldwork_same_customers():
    first, second = (simulate_base(2_000, seed=1, fieldwork_seed=seed, blemishes=False) for seed in (1, 2))
    pd.testing.assert_frame_equal(first.registry, second.registry)
    pd.testing.assert_series_equal(first.truth.customers["csi"], second.truth.customers["csi"])
    assert not first.survey.equals(second.survey)


def test_columns_are_those_of_the_example_study(simulated):
    assert list(simulated.registry) == [
        "customer_id", "dealer", "region", "country", "model", "purchase_channel", "age_band", "warranty", "tenure_months",
        "purchase_date", "churn_date",
    ]
    assert list(simulated.survey) == ["customer_id", "answered_on", "csi"]
    assert list(simulated.call_log) == ["customer_id", "attempts", "disposition"]
    assert list(simulated.follow_up) == list(simulated.exit_interview) == ["customer_id", "selected", "csi", "answered_on"]


def test_registry_is_one_row_per_customer_with_text_ids(simulated):
    ids = simulated.registry["customer_id"]
    assert len(ids) == 20_000 and ids.is_unique and ids.str.fullmatch(r"0\d{7}").all()
    assert simulated.registry["dealer"].str.fullmatch(r"D\d{4}").all() and simulated.registry["dealer"].nunique() == 40


def test_the_window_matters(simulated):
    counts = status(simulated)["group"].value_counts()
    assert counts["outside_window"] > 500
    assert (simulated.registry["purchase_date"] > "2026-09-30").any()
    assert (simulated.registry["churn_date"] >= "2026-10-01").any()


def test_truth_names_the_groups_the_tables_show(simulated):
    np.testing.assert_array_equal(simulated.truth.customers["group"], status(simulated)["group"])


def test_the_survey_asks_the_invited_only(simulated):
    known = simulated.survey[simulated.survey["customer_id"].isin(simulated.registry["customer_id"])]
    assert known["customer_id"].isin(simulated.call_log["customer_id"]).all()
    assert simulated.survey["answered_on"].between("2026-07-01", "2026-09-30").all()
    left = known.merge(simulated.registry, on="customer_id")
    assert not (left["churn_date"] <= left["answered_on"]).any()


def test_the_call_log_agrees_with_the_survey(simulated):
    log = simulated.call_log
    assert log["customer_id"].is_unique and set(log["disposition"]) == CODES == {"成功", *DISPOSITIONS}
    assert log["attempts"].between(1, 5).all()
    complete = set(log.loc[log["disposition"] == "成功", "customer_id"])
    assert complete == set(simulated.survey["customer_id"]) & set(simulated.registry["customer_id"])


def test_the_follow_up_asks_the_silent_only(simulated):
    assert simulated.follow_up["customer_id"].is_unique
    assert (status(simulated).loc[simulated.follow_up["customer_id"], "group"] == "silent").all()


def test_exit_interviews_are_with_churned_who_gave_no_answer(simulated):
    asked = status(simulated).loc[simulated.exit_interview["customer_id"]]
    assert simulated.exit_interview["customer_id"].is_unique
    assert (asked["group"] == "churned").all() and not asked["answered"].any()


@pytest.mark.parametrize("table", ["follow_up", "exit_interview"])
def test_those_not_drawn_were_not_heard(simulated, table):
    frame = getattr(simulated, table)
    assert set(frame["selected"]) == {0, 1}
    assert frame.loc[frame["selected"] == 0, "csi"].isna().all()
    assert frame["csi"].isna().equals(frame["answered_on"].isna())


def test_answers_are_the_truth(simulated):
    truth = simulated.truth.customers.set_index("customer_id")
    last = simulated.survey.drop_duplicates("customer_id", keep="last").set_index("customer_id")["csi"]
    last = last[(last <= 10) & last.index.isin(truth.index)]
    assert (truth.loc[last.index, "csi"] == last).all() and (truth.loc[last.index, "heard"] == "survey").all()
    for name in ("follow_up", "exit_interview"):
        heard = getattr(simulated, name).dropna(subset="csi").set_index("customer_id")["csi"]
        assert (truth.loc[heard.index, "csi"] == heard).all() and (truth.loc[heard.index, "heard"] == name).all()


def test_some_who_left_had_answered(simulated):
    table = status(simulated)
    assert ((table["group"] == "churned") & table["answered"]).sum() > 10


def test_the_survey_flatters(simulated):
    truth = simulated.truth
    means = truth.means[truth.means["by"] == ""].set_index("population")["mean"]
    naive = truth.customers.loc[truth.customers["heard"] == "survey", "csi"].mean()
    assert naive > means["nonresponse_corrected"] + 0.3 and means["nonresponse_corrected"] > means["survivor_corrected"] + 0.1


def test_blemishes_are_there_and_can_be_left_out(simulated):
    clean = simulate_base(20_000, seed=11, blemishes=False)
    assert simulated.registry[["age_band", "warranty"]].isna().any().all()
    assert simulated.survey["csi"].isin([98, 99]).any() and simulated.survey["customer_id"].duplicated().any()
    assert (~simulated.survey["customer_id"].isin(simulated.registry["customer_id"])).sum() >= 3
    assert not clean.registry.drop(columns="churn_date").isna().any().any()
    assert clean.survey["customer_id"].is_unique and clean.survey["csi"].between(1, 10).all()
    assert clean.survey["customer_id"].isin(clean.registry["customer_id"]).all()


def test_repeated_answers_have_earlier_dates(simulated):
    repeated = simulated.survey[simulated.survey["customer_id"].duplicated(keep=False)]
    assert (repeated.groupby("customer_id")["answered_on"].nunique() == repeated.groupby("customer_id").size()).all()


def test_options_act():
    simulated = simulate_base(3_000, seed=1, dealers=5, follow_up_rate=0.0, exit_rate=1.0, exit_response=1.0, blemishes=False)
    assert simulated.registry["dealer"].nunique() == 5 and simulated.follow_up.empty
    truth = simulated.truth.customers
    assert set(truth.loc[truth["group"] == "churned", "heard"]) == {"survey", "exit_interview"}


def test_repr_says_simulated(simulated):
    assert "simulated" in repr(simulated) and "20,000 customers" in repr(simulated)


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"n": 10}, "n"), ({"dealers": 0}, "dealers"), ({"response_rate": 1.2}, "response_rate"), ({"exit_rate": -0.1}, "exit_rate"),
        ({"response_strength": float("nan")}, "response_strength"), ({"seed": -1}, "seed"), ({"fieldwork_seed": 0.5}, "fieldwork_seed"),
    ],
)
def test_bad_options_are_refused_by_name(options, argument):
    with pytest.raises(InputError, match=argument) as caught:
        simulate_base(**options)
    assert caught.value.argument == argument


@pytest.mark.slow
def test_a_million_customers_in_seconds():
    start = time.process_time()
    simulate_base(1_000_000, dealers=400)
    assert time.process_time() - start < 10
