"""The simulated network has the marginals it promises, each mechanism does what it says, and nothing else betrays who inflated."""

import time

import numpy as np
import pandas as pd
import pytest

from vocstats.datasets import SimulatedNetwork, simulate_dealers
from vocstats.datasets.dealer_mechanisms import MECHANISMS
from vocstats.errors import InputError

FRAMES = ("responses", "roster", "outcomes")
SUPPRESSING = ["cherry_picking", "corrupted_numbers", "deleted_records"]
SEED, DEALERS, STRENGTH = 20_261, 330, 0.5


@pytest.fixture(scope="module")
def honest() -> SimulatedNetwork:
    return simulate_dealers(DEALERS, seed=SEED, inflated=0.0)


@pytest.fixture(scope="module")
def network() -> SimulatedNetwork:
    """The same dealers, two thirds of them inflating: twenty by each mechanism."""
    return simulate_dealers(DEALERS, seed=SEED, inflated=2 / 3, strength=STRENGTH, mechanisms=MECHANISMS)


@pytest.fixture(scope="module")
def careful() -> SimulatedNetwork:
    return simulate_dealers(DEALERS, seed=SEED, inflated=2 / 3, strength=STRENGTH, mechanisms=MECHANISMS, careful=True)


def answers(network: SimulatedNetwork) -> pd.DataFrame:
    """Answers with what is true of them."""
    truth = network.truth.responses.drop(columns="dealer")
    dealers = network.truth.dealers[["dealer", "mechanism", "inflated", "kiosk", "onset"]]
    return network.responses.merge(truth, on="response_id").merge(dealers, on="dealer").merge(network.outcomes, on="visit_id")


def of_dealers(network: SimulatedNetwork, mechanism: str) -> pd.DataFrame:
    """Answers to the dealers who use one mechanism."""
    table = answers(network)
    return table[(table["mechanism"] == mechanism) & (table["channel"] == "dealer")]


# marginals


@pytest.mark.parametrize("spread", [0.10, 0.05])
def test_quality_has_the_mean_and_spread_asked_for(spread):
    quality = simulate_dealers(2_000, seed=5, spread=spread, responses=(30, 40)).truth.dealers["quality"]
    assert quality.mean() == pytest.approx(0.70, abs=4 * spread / np.sqrt(2_000))
    assert quality.std() == pytest.approx(spread, rel=0.06)


def test_answers_show_the_honest_level(honest):
    truth = honest.truth.dealers
    large = truth[(truth["n"] > 200) & ~truth["hard_cases"]]
    np.testing.assert_allclose((large["honest_top_box"] - large["quality"]).mean(), 0.0, atol=0.01)
    assert large["honest_top_box"].std() == pytest.approx(0.10, abs=0.02)


@pytest.mark.parametrize(("mean", "spread"), [(0.02, 0.03), (0.04, 0.05)])
def test_channel_gap_has_the_mean_and_spread_asked_for(mean, spread):
    network = simulate_dealers(
        200, seed=6, inflated=0.0, channel_gap=mean, gap_spread=spread, responses=(600, 600), independent_share=0.5, stars=0.0, tiny=0.0
    )
    top = network.responses.assign(top=network.responses["score"] >= 9).groupby(["dealer", "channel"])["top"]
    share, n = top.mean().unstack(), top.size().unstack()
    gap = share["dealer"] - share["manufacturer"]
    sampling = (share * (1 - share) / n).sum(axis=1).mean()
    assert gap.mean() == pytest.approx(mean, abs=0.01)
    assert np.sqrt(gap.var() - sampling) == pytest.approx(spread, abs=0.01)
    assert network.truth.dealers["honest_gap"].std() == pytest.approx(spread, rel=0.15)


def test_numbers_of_answers_are_log_uniform():
    truth = simulate_dealers(300, seed=7, inflated=0.0, responses=(30, 1500)).truth.dealers
    size = np.log(truth.loc[~truth["tiny"], "n"])
    expected = np.log(30) + np.array([0.1, 0.25, 0.5, 0.75, 0.9]) * np.log(50)
    np.testing.assert_allclose(size.quantile([0.1, 0.25, 0.5, 0.75, 0.9]), expected, atol=0.35)
    assert truth.loc[truth["tiny"], "n"].max() < 45 and truth["tiny"].mean() == pytest.approx(0.04, abs=0.001)


def test_items_share_one_factor(honest):
    scores = honest.responses[["score", *honest.items]]
    assert scores.min().min() == 1 and scores.max().max() == 10
    correlation = scores.corr().to_numpy()[np.triu_indices(9, 1)]
    assert correlation.min() > 0.55 and correlation.max() < 0.72
    assert np.linalg.eigvalsh(scores.corr())[-2] < 0.6


def test_manufacturer_has_his_share(honest):
    assert (honest.responses["channel"] == "manufacturer").mean() == pytest.approx(0.25, abs=0.01)


def test_cases_and_season_matter(honest):
    table = answers(honest)
    mean = table.groupby("repeat_repair")["score"].mean()
    assert mean["no"] - mean["yes"] > 0.8
    by_wait = table.groupby("wait")["score"].mean()
    assert by_wait["under 1 h"] > by_wait["1-2 h"] > by_wait["2-4 h"] > by_wait["over 4 h"]
    month = table.groupby(table["time"].dt.month)["score"].mean()
    assert month[[6, 7, 8]].mean() - month[[12, 1, 2]].mean() > 0.1


def test_outcomes_follow_satisfaction(honest):
    table = answers(honest).groupby("score")[list(honest.outcome_names)].mean()
    assert (table.loc[3] > 2 * table.loc[8]).all() and (table.loc[8] > 1.5 * table.loc[10]).all()


# the kinds of honest dealers


def test_kiosks_are_busy_and_benign(honest):
    table = answers(honest)
    asked = table[(table["channel"] == "dealer")]
    most = asked.groupby(["dealer", "device"]).size().groupby("dealer").max() / asked.groupby("dealer").size()
    kiosk = honest.truth.dealers.set_index("dealer")["kiosk"]
    large = honest.truth.dealers.set_index("dealer")["n"] > 60
    assert most[kiosk & large].min() > 0.4 and most[~kiosk & large].max() < 0.1
    assert asked[asked["kiosk"]]["score"].std() == pytest.approx(asked[~asked["kiosk"]]["score"].std(), rel=0.15)


def test_stars_are_excellent_and_never_inflate(network):
    truth = network.truth.dealers
    assert truth.loc[truth["star"], "quality"].mean() > 0.9 and not truth.loc[truth["star"], "inflated"].any()
    assert truth["star"].sum() == round(0.04 * DEALERS)


def test_hard_cases_lower_the_honest_mean(honest):
    truth = honest.truth.dealers
    surplus = truth["honest_top_box"] - truth["quality"]
    assert surplus[truth["hard_cases"]].mean() < -0.04


# seeds and leaks


def test_same_seed_same_bits():
    first, second = (simulate_dealers(40, seed=3, inflated=1.0, mechanisms=MECHANISMS) for _ in range(2))
    for frame in FRAMES:
        pd.testing.assert_frame_equal(getattr(first, frame), getattr(second, frame), check_exact=True)
    for frame in ("dealers", "responses", "visits"):
        pd.testing.assert_frame_equal(getattr(first.truth, frame), getattr(second.truth, frame), check_exact=True)


def test_other_seed_other_answers():
    first, second = (simulate_dealers(20, seed=seed) for seed in (1, 2))
    assert not first.responses["score"].head(50).equals(second.responses["score"].head(50))


def test_honest_dealers_are_untouched(honest, network):
    spared = network.truth.dealers.loc[~network.truth.dealers["inflated"], "dealer"]
    for frame in ("responses", "roster"):
        before, after = (getattr(each, frame) for each in (honest, network))
        pd.testing.assert_frame_equal(
            before[before["dealer"].isin(spared)].reset_index(drop=True), after[after["dealer"].isin(spared)].reset_index(drop=True)
        )
    pd.testing.assert_frame_equal(honest.outcomes, network.outcomes)


def test_manufacturers_sample_is_untouched_but_where_both_are_coached(honest, network):
    table = answers(network)
    own = (table["channel"] == "manufacturer") & (table["mechanism"] != "coach_both_channels")
    before = honest.responses[honest.responses["response_id"].isin(table.loc[own, "response_id"])]
    columns = ["response_id", "score", *network.items, "time", "device", "seconds"]
    pd.testing.assert_frame_equal(before[columns].reset_index(drop=True), table.loc[own, columns].reset_index(drop=True))


def test_neither_names_nor_numbers_nor_order_betray_who_inflated():
    mechanisms = ["begging", "gifts", "deleted_records"]
    network = simulate_dealers(1_000, seed=8, inflated=0.5, mechanisms=mechanisms, responses=(30, 60), kiosks=0.0)
    inflated = network.truth.dealers.set_index("dealer")["inflated"]
    responses = network.responses.assign(row=np.arange(len(network.responses)))
    roster = network.roster.assign(roster_row=np.arange(len(network.roster)))
    traits = [
        pd.Series(np.arange(inflated.size), inflated.index), network.truth.dealers.set_index("dealer")["visits"],
        *(responses.groupby("dealer")[name].mean() for name in ("response_id", "visit_id", "device", "address", "row")),
        *(roster.groupby("dealer")[name].mean() for name in ("visit_id", "roster_row")),
    ]
    for trait in traits:
        first, second = trait[inflated], trait[~inflated]
        z = (first.mean() - second.mean()) / np.sqrt(first.var() / first.size + second.var() / second.size)
        assert abs(z) < 4, trait.name


# truth


def test_truth_agrees_with_the_tables(network):
    truth = network.truth.dealers.set_index("dealer")
    received = network.responses.groupby("dealer")["score"].agg(["size", "mean"]).reindex(truth.index)
    np.testing.assert_array_equal(received["size"].fillna(0), truth["n"])
    np.testing.assert_allclose(received["mean"], truth["score"])
    np.testing.assert_allclose(truth["inflation"], truth["score"] - truth["expected_score"])
    honest_score = network.truth.visits.groupby("dealer")["honest_score"]
    np.testing.assert_allclose(honest_score.mean(), truth["honest_mean"])
    np.testing.assert_allclose(honest_score.agg(lambda score: (score >= 9).mean()), truth["honest_top_box"])
    assert (truth.loc[~truth["inflated"], ["inflation", "touched", "strength"]].fillna(0) == 0).all().all()
    assert truth.loc[~truth["inflated"], "onset"].isna().all() and truth.loc[truth["inflated"], "onset"].notna().all()


def test_expected_scores_are_those_of_the_honest_network(honest, network):
    for column in ("n", "score"):
        np.testing.assert_allclose(network.truth.dealers[f"expected_{column}"], honest.truth.dealers[column])


def test_roster_and_responses_agree(network):
    roster = network.roster.set_index("visit_id")
    assert network.responses["visit_id"].is_unique and network.responses["response_id"].is_unique
    assert set(network.responses["visit_id"]) == set(roster.index[roster["heard"]])
    assert (roster["heard"] <= roster["reached"]).all() and (roster["reached"] <= roster["invited"]).all()
    assert (roster["drawn"] <= roster["invited"]).all()
    visit = roster.loc[network.responses["visit_id"]]
    np.testing.assert_array_equal(visit["drawn"], network.responses["channel"] == "manufacturer")
    for column in ("dealer", *network.case_mix):
        np.testing.assert_array_equal(visit[column], network.responses[column])
    assert (network.responses["time"].to_numpy() >= visit["visited_on"].to_numpy()).all()
    assert network.outcomes["visit_id"].equals(network.roster["visit_id"])


def test_times_stay_within_the_year(network):
    day = network.responses["time"]
    assert day.is_monotonic_increasing and day.min() >= pd.Timestamp("2025-10-01") and day.max() < pd.Timestamp("2026-10-01")


# mechanisms


def test_every_mechanism_raises_the_score(network):
    truth = network.truth.dealers
    assert (truth[truth["inflated"]].groupby("mechanism").size() == 20).all()
    gain = truth[truth["inflated"]].groupby("mechanism")["inflation"].mean()
    assert sorted(gain.index) == sorted(MECHANISMS) and gain.min() > 0.12 and gain.max() < 0.8


@pytest.mark.parametrize("mechanism", ["begging", "gifts", "copied_forms", "plausible_forms", "late_start", "coach_both_channels"])
def test_strength_is_the_share_touched(network, mechanism):
    table = of_dealers(network, mechanism)
    assert table["touched"].mean() == pytest.approx(STRENGTH, abs=0.06)
    assert not answers(network).query("touched and not inflated").size


def test_begging_moves_borderline_answers(network):
    table = of_dealers(network, "begging").query("touched")
    borderline = table[table["honest_score"].between(6, 9)]
    assert (borderline["score"] == 10).mean() == pytest.approx(0.9, abs=0.03)
    assert (table["score"] >= table["honest_score"]).all()
    assert (table.loc[table["honest_score"] <= 4, "score"] < 8).all()


def test_gifts_buy_a_ten(network):
    table = of_dealers(network, "gifts")
    assert (table.loc[table["touched"], "score"] == 10).all()
    untouched = table[~table["touched"]]
    np.testing.assert_array_equal(untouched["score"], untouched["honest_score"])


def test_copies_are_near_duplicates_from_one_device_in_bursts(network):
    table = of_dealers(network, "copied_forms")
    items = ["score", *network.items]
    same = {}
    for touched, rows in table.groupby("touched"):
        varied = rows[(rows[items] < 10).any(axis=1)]
        same[touched] = varied.duplicated(["dealer", *items], keep=False).mean()
    assert same[True] > 0.6 and same[True] > same[False] + 0.4
    copies = table[table["touched"]].sort_values(["dealer", "device", "time"])
    assert copies.groupby("dealer")["device"].nunique().max() == 2
    gap = copies.groupby(["dealer", "device"])["time"].diff().dt.total_seconds()
    assert (gap.dropna() < 180).mean() > 0.75
    assert copies["seconds"].median() < 60 < table.loc[~table["touched"], "seconds"].median()


def test_invented_answers_vary_too_little(network):
    table = of_dealers(network, "plausible_forms")
    mean = table[list(network.items)].mean(axis=1)
    assert mean[table["touched"]].std() < 0.6 * mean[~table["touched"]].std()
    assert (table.loc[table["touched"], "score"] >= 9).mean() > 0.9
    assert not table[table["touched"]].duplicated(["dealer", "device"]).any()


def share(network: SimulatedNetwork, mechanism: str, given: str, event: str) -> pd.Series:
    """Share of visits not drawn by the manufacturer with `event` among those `given`, by whether the customer is satisfied."""
    names = network.truth.dealers.query("mechanism == @mechanism")["dealer"]
    visits = network.roster.merge(network.truth.visits[["visit_id", "honest_score"]], on="visit_id")
    visits = visits[visits["dealer"].isin(names) & ~visits["drawn"]]
    visits = visits if given == "all" else visits[visits[given]]
    return visits.groupby(visits["honest_score"] >= 9)[event].mean()


@pytest.mark.parametrize(
    ("mechanism", "given", "event"),
    [("cherry_picking", "all", "invited"), ("corrupted_numbers", "invited", "reached"), ("deleted_records", "reached", "heard")],
)
def test_the_dissatisfied_are_kept_out(network, mechanism, given, event):
    suppressed, usual = (share(network, name, given, event) for name in (mechanism, "gifts"))
    assert suppressed[False] < usual[False] - 0.15
    assert suppressed[True] == pytest.approx(usual[True], abs=0.07)
    for other, earlier, later in zip(SUPPRESSING, ("all", "invited", "reached"), ("invited", "reached", "heard"), strict=True):
        if other != mechanism:
            np.testing.assert_allclose(share(network, mechanism, earlier, later), share(network, "gifts", earlier, later), atol=0.06)


def test_kept_out_is_half_of_the_dissatisfied(network):
    visits = network.truth.visits.merge(network.truth.dealers[["dealer", "mechanism"]], on="dealer")
    assert set(visits.loc[visits["kept_out"], "mechanism"]) == set(SUPPRESSING)
    roster = network.roster.set_index("visit_id").loc[visits["visit_id"]]
    candidate = (roster["invited"].to_numpy() & ~roster["drawn"].to_numpy()) | visits["kept_out"].to_numpy()
    picking = visits[candidate & (visits["mechanism"] == "cherry_picking").to_numpy()]
    low = picking["honest_score"] < 9
    assert picking.loc[low, "kept_out"].mean() == pytest.approx(STRENGTH, abs=0.06)
    assert picking.loc[~low, "kept_out"].mean() < 0.1
    assert picking.loc[picking["kept_out"], "satisfaction"].mean() < picking["satisfaction"].mean() - 0.8


def test_month_end_push_passes_the_cut_off(network):
    table = of_dealers(network, "month_end_push")
    late = table["time"].dt.days_in_month - table["time"].dt.day < 10
    assert (table.loc[table["touched"], "score"] == 10).all() and late[table["touched"]].all()
    month = table.assign(top=table["score"] >= 9, honest=table["honest_score"] >= 9)
    month = month.groupby(["dealer", month["time"].dt.month])[["top", "honest"]].agg(["sum", "size"])
    n = month["top", "size"]
    needed = np.ceil(network.threshold * n - 1e-9)
    at, past = ({name: (compare(month[name, "sum"], needed)).mean() for name in ("top", "honest")} for compare in (np.equal, np.greater))
    assert at["top"] > at["honest"] + 0.2 and past["top"] == pytest.approx(past["honest"])
    truth = network.truth.dealers.query("mechanism == 'month_end_push'")
    assert (truth["quality"] + truth["honest_gap"] < network.threshold).all()


def test_drift_rises_and_late_start_starts(network):
    drift = of_dealers(network, "drift")
    age = (drift["time"] - drift["onset"]) / (pd.Timestamp("2026-10-01") - drift["onset"])
    assert not drift.loc[age < 0, "touched"].any()
    rate = [drift.loc[(age >= low) & (age < low + 0.25), "touched"].mean() for low in (0.0, 0.25, 0.5, 0.75)]
    assert rate == sorted(rate) and rate[0] < 0.3 < 0.75 < rate[3]
    late = of_dealers(network, "late_start")
    begun = late["time"] >= late["onset"]
    assert not late.loc[~begun, "touched"].any() and late.loc[begun, "touched"].mean() > 0.65
    months = network.truth.dealers.groupby("mechanism")["onset"].agg(["min", "max"])
    assert months.loc["drift", "min"] >= pd.Timestamp("2025-11-01") and months.loc["late_start", "max"] <= pd.Timestamp("2026-04-01")


def test_coaching_reaches_both_channels_and_leaves_no_gap(network):
    table = answers(network).query("mechanism == 'coach_both_channels'")
    touched = table.groupby("channel")["touched"].mean()
    assert touched["manufacturer"] == pytest.approx(touched["dealer"], abs=0.06)
    top = (table["score"] >= 9).groupby(table["channel"]).mean()
    assert top["dealer"] - top["manufacturer"] < 0.06


@pytest.mark.parametrize("mechanism", ["gifts", "copied_forms", "plausible_forms"])
def test_untrue_tens_are_followed_by_complaints(network, mechanism):
    table = of_dealers(network, mechanism)
    top = table[table["score"] >= 9]
    honest = answers(network).query("not inflated and score >= 9")
    assert top.loc[top["touched"], "complaint"].mean() > 1.5 * honest["complaint"].mean()


def test_the_careful_leave_fewer_traces(network, careful):
    items = ["score", *network.items]
    copies, loose = (of_dealers(each, "copied_forms").query("touched") for each in (network, careful))
    assert loose.duplicated(["dealer", *items], keep=False).mean() < 0.5 * copies.duplicated(["dealer", *items], keep=False).mean()
    assert loose.groupby("dealer")["device"].nunique().sum() > 0.5 * len(loose)
    assert loose["seconds"].median() > 120
    gain = careful.truth.dealers.query("inflated")["inflation"].mean() / network.truth.dealers.query("inflated")["inflation"].mean()
    assert 0.5 < gain < 1.0


# options


@pytest.mark.parametrize("strength", [0.2, 0.6])
def test_stronger_means_more(strength):
    truth = simulate_dealers(60, seed=9, inflated=1.0, stars=0.0, tiny=0.0, mechanisms="gifts", strength=strength).truth.dealers
    assert truth["inflated"].all() and set(truth["mechanism"]) == {"gifts"} and set(truth["strength"]) == {strength}
    assert np.average(truth["touched"], weights=truth["n"]) == pytest.approx(strength, abs=0.02)


def test_several_strengths_are_mixed_and_shares_are_exact():
    truth = simulate_dealers(200, seed=10, inflated=0.3, strength=(0.2, 0.4, 0.6), responses=(30, 60)).truth.dealers
    assert truth["inflated"].sum() == 60
    assert set(truth.loc[truth["inflated"], "strength"]) == {0.2, 0.4, 0.6}
    assert (truth[truth["inflated"]].groupby("mechanism").size() == 6).all() and "coach_both_channels" not in set(truth["mechanism"])


def test_answering_can_depend_on_satisfaction():
    low, high = (simulate_dealers(100, seed=11, inflated=0.0, response_strength=strength).truth for strength in (0.0, 1.0))
    gap = [np.average(each.dealers["expected_score"] - each.dealers["honest_mean"], weights=each.dealers["n"]) for each in (low, high)]
    assert abs(gap[0]) < 0.12 and gap[1] > gap[0] + 0.3


@pytest.mark.parametrize("dealers", [1, 2])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_smallest_networks_can_be_drawn(dealers, mechanism):
    network = simulate_dealers(dealers, seed=1, inflated=1.0, mechanisms=mechanism, responses=(1, 2), stars=0.0)
    assert len(network.truth.dealers) == dealers and network.truth.dealers["inflated"].all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must be a whole number"),
        ({"dealers": 0}, "dealers must lie in"),
        ({"inflated": 1.5}, "inflated must lie in"),
        ({"strength": 0.0}, "strength must lie in"),
        ({"strength": []}, "strength has no number"),
        ({"mechanisms": "bribes"}, "mechanisms must be one of"),
        ({"mechanisms": []}, "mechanisms has no name"),
        ({"responses": (100, 50)}, "responses must be the lowest and the highest"),
        ({"gap_spread": -0.1}, "gap_spread must lie in"),
        ({"channel_gap": 2.0}, "channel_gap must lie in"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(InputError, match=message):
        simulate_dealers(**{"dealers": 10, "seed": 1, **options})


def test_shown_in_one_line(network):
    assert repr(network).startswith("SimulatedNetwork(330 dealers, ") and repr(network.truth) == "NetworkTruth(330 dealers, 220 inflated)"


def test_five_hundred_dealers_within_seconds():
    start = time.process_time()
    simulate_dealers(500, seed=12)
    assert time.process_time() - start < 6
