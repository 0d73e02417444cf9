"""Simulated pain points are what they say: the sources see the truth through the chances stated, and the same seed gives the same bits."""

import time

import numpy as np
import pandas as pd
import pytest

from vocstats.datasets import SimulatedPainPoints, simulate_pain_points
from vocstats.errors import InputError

SEED = 4_021
KEYS = ["pain_point", "segment", "dealer", "response_group"]


@pytest.fixture(scope="module")
def world() -> SimulatedPainPoints:
    return simulate_pain_points(80, seed=SEED, comments=0.4, tickets=0.1)


def seen(world: SimulatedPainPoints, source: str) -> pd.DataFrame:
    """Counts of one source with what is true of the cell and of the source."""
    counts = world.observations.query("source == @source").merge(world.truth.prevalence(KEYS[1:]), on=KEYS)
    for table in (world.truth.coders, world.truth.mentions):
        counts = counts.merge(table.query("source == @source").drop(columns="source"), on="pain_point", how="left")
    return counts


def standardised(counts: pd.DataFrame, chance: pd.Series) -> pd.Series:
    """Sum of what was found minus what was expected, by pain, in binomial standard deviations: about standard normal."""
    parts = pd.DataFrame({"gap": counts["positive"] - counts["n"] * chance, "variance": counts["n"] * chance * (1 - chance)})
    total = parts.groupby(counts["pain_point"]).sum()
    return total["gap"] / np.sqrt(total["variance"])


def assert_standard_normal(values: pd.Series) -> None:
    assert len(values) == 18
    assert np.abs(values).max() < 4.0
    assert np.square(values).sum() < 45.0  # .9996 quantile of chi-squared with 18 degrees of freedom


def through(chance: pd.Series, counts: pd.DataFrame) -> pd.Series:
    """What a coder finds of something present with `chance`."""
    return counts["sensitivity"] * chance + (1 - counts["specificity"]) * (1 - chance)


# tables


def test_tables_agree_with_each_other(world):
    assert list(world.observations) == [*KEYS, "source", "positive", "n"]
    assert list(world.frame) == [*KEYS[1:], "customers"]
    assert list(world.coder_audit) == ["pain_point", "source", "truth", "positive", "n"]
    assert (world.observations["positive"] <= world.observations["n"]).all()
    assert (world.observations["n"] > 0).all()
    assert not world.observations.duplicated([*KEYS, "source"]).any()
    counts = world.observations.merge(world.frame, on=KEYS[1:], validate="many_to_one")
    assert len(counts) == len(world.observations)
    assert (counts["n"] <= counts["customers"]).all()
    survey = counts.query("source == 'survey'")
    assert (survey["n"] == survey["customers"]).all()
    assert set(survey["response_group"]) == {"engaged"}
    assert world.groups == ("segment", "dealer")
    assert set(world.perfect_sources) < set(world.observations["source"])


def test_groups_have_the_shares_asked_for():
    plain = simulate_pain_points(200, seed=7, response_rate=0.3, churn_rate=0.2, pains=1)
    customers = plain.frame.groupby("response_group")["customers"].sum()
    assert customers["churned"] / customers.sum() == pytest.approx(0.2, abs=0.03)
    assert customers["engaged"] / (customers.sum() - customers["churned"]) == pytest.approx(0.3, abs=0.05)
    by_dealer = plain.frame.groupby("dealer")["customers"].sum()
    assert by_dealer.between(400, 2500).all()
    assert np.log(by_dealer).mean() == pytest.approx(np.log([400, 2500]).mean(), abs=0.12)


def test_interviews_are_the_shares_asked_for(world):
    n = world.observations.query("pain_point == 'ethics'").groupby("source")["n"].sum()
    customers = world.frame.groupby("response_group")["customers"].sum()
    assert n["follow_up"] / customers["silent"] == pytest.approx(0.05, rel=0.06)
    assert n["exit_interview"] / customers["churned"] == pytest.approx(0.12, rel=0.06)
    assert n["comment"] / customers["engaged"] == pytest.approx(0.4, rel=0.03)
    assert n["ticket"] == customers.sum()


# sources see the truth through the chances stated


def test_customers_have_pains_by_their_chances(world):
    truth = world.truth.prevalence(KEYS[1:]).query("customers > 0")
    found = truth.assign(positive=truth["share"] * truth["customers"], n=truth["customers"])
    assert_standard_normal(standardised(found, found["prevalence"]))


def test_survey_sees_through_its_coder(world):
    counts = seen(world, "survey")
    assert_standard_normal(standardised(counts, through(counts["prevalence"], counts)))


@pytest.mark.parametrize("source", ["follow_up", "exit_interview"])
def test_interviews_tell_the_truth(world, source):
    counts = seen(world, source)
    assert_standard_normal(standardised(counts, counts["prevalence"]))


def test_comments_mention_then_are_coded(world):
    counts = seen(world, "comment")
    mentioned = counts["mention"] * counts["prevalence"] + counts["false_mention"] * (1 - counts["prevalence"])
    assert_standard_normal(standardised(counts, through(mentioned, counts)))


def test_tickets_come_from_those_who_have_the_pain_at_a_rate_that_varies_by_dealer(world):
    counts = seen(world, "ticket")
    expected = counts["n"] * counts["prevalence"] * counts["mention"]
    assert counts["positive"].sum() / expected.sum() == pytest.approx(1.0, abs=0.15)
    assert (counts["false_mention"] == 0).all()
    rates = counts.assign(expected=expected).groupby("dealer")[["positive", "expected"]].sum()
    assert np.log(rates["positive"] / rates["expected"]).std() == pytest.approx(0.4, abs=0.12)


@pytest.mark.parametrize("drawn_by", ["truth", "predicted", "random"])
def test_audit_shows_what_its_draw_promises(drawn_by):
    audited = simulate_pain_points(30, seed=11, audit=(4_000, 8_000), audit_drawn_by=drawn_by)
    table = audited.coder_audit.pivot(index="pain_point", columns="truth", values=["positive", "n"])
    coder = audited.truth.coders.set_index("pain_point").loc[table.index]
    hit, alarm = table["positive"][1], table["positive"][0]
    if drawn_by == "predicted":
        engaged = audited.truth.prevalence(["response_group"]).query("response_group == 'engaged'").set_index("pain_point")["share"]
        caught = engaged * coder["sensitivity"]
        assert (hit + alarm == 4_000).all()
        expected = caught / (caught + (1 - engaged) * (1 - coder["specificity"]))
        np.testing.assert_allclose(hit / 4_000, expected.loc[table.index], atol=0.04)
        assert (np.abs(hit / table["n"][1] - coder["sensitivity"]) > 0.05).any()  # read as Se, it is wrong
    else:
        np.testing.assert_allclose(hit / table["n"][1], coder["sensitivity"], atol=0.04 if drawn_by == "truth" else 0.12)
        np.testing.assert_allclose(alarm / table["n"][0], 1 - coder["specificity"], atol=0.012)
    assert (table["n"].sum(axis=1) == 12_000).all()


def test_selection_shifts_the_log_odds_of_the_groups():
    alike = simulate_pain_points(5, seed=3, selection=0.0)
    assert (alike.truth.selection["offset"] == 0).all()
    assert alike.truth.prevalence(KEYS[1:]).groupby(KEYS[:3])["prevalence"].agg(lambda p: p.max() - p.min()).max() < 1e-12
    differing = simulate_pain_points(5, seed=3, selection=2.0)
    odds = differing.truth.prevalence(KEYS[1:]).assign(logit=lambda t: np.log(t["prevalence"] / (1 - t["prevalence"])))
    wide = odds.pivot(index=KEYS[:3], columns="response_group", values="logit").reset_index()
    for group in ("silent", "churned"):
        shift = wide["pain_point"].map(differing.truth.selection.query("response_group == @group").set_index("pain_point")["offset"])
        np.testing.assert_allclose(wide[group] - wide["engaged"], shift, atol=1e-9)


def test_those_who_cannot_be_reached_differ_more_with_resistance(world):
    plain, resistant = (simulate_pain_points(60, seed=SEED, resistance=r, follow_up=0.4) for r in (1.0, 3.0))
    by_group = [each.truth.prevalence(["response_group"]) for each in (plain, resistant)]
    silent = [truth.query("response_group == 'silent'")["prevalence"].to_numpy() for truth in by_group]
    positive = plain.truth.selection.query("response_group == 'silent'")["offset"].to_numpy() > 0
    assert (silent[1][positive] > silent[0][positive]).all()
    assert (silent[1][~positive] < silent[0][~positive]).all()
    counts = seen(resistant, "follow_up")  # they are those who can be reached, whose chances do not depend on the resistance
    own = counts.drop(columns="prevalence").merge(plain.truth.prevalence(KEYS[1:])[[*KEYS, "prevalence"]], on=KEYS)
    assert_standard_normal(standardised(own, own["prevalence"]))


def test_tied_dealers_with_much_pain_hear_less():
    tied = simulate_pain_points(300, seed=5, tied=0.8, pains=6)
    free = simulate_pain_points(300, seed=5, pains=6)
    for each, expected in ((tied, -0.8), (free, 0.0)):
        groups = each.frame.groupby(["dealer", "response_group"])["customers"].sum().unstack()
        rate = groups["engaged"] / (groups["engaged"] + groups["silent"])
        engaged = each.truth.prevalence(["dealer", "response_group"]).query("response_group == 'engaged'")
        wide = engaged.pivot(index="dealer", columns="pain_point", values="prevalence")
        together = np.mean([np.corrcoef(np.log(wide[pain]), np.log(rate))[0, 1] for pain in wide])
        assert together == pytest.approx(expected, abs=0.1)


# truth


def test_truth_by_groups_adds_up(world):
    whole = world.truth.prevalence().set_index("pain_point")
    for by in (["segment"], ["dealer"], ["response_group", "segment"], ["dealer", "segment", "response_group"]):
        parts = world.truth.prevalence(by).fillna(0.0)
        assert list(parts) == ["pain_point", *by, "customers", "prevalence", "share"]
        for figure in ("prevalence", "share"):
            sums = (parts[figure] * parts["customers"]).groupby(parts["pain_point"]).sum()
            pd.testing.assert_series_equal((sums / whole["customers"]).loc[whole.index], whole[figure], rtol=1e-12, check_names=False)
        assert (parts.groupby("pain_point")["customers"].sum().loc[whole.index] == whole["customers"]).all()


def test_columns_of_the_truth_may_come_in_any_order(world):
    keys = ["pain_point", "segment", "dealer"]
    one, other = (world.truth.prevalence(by).sort_values(keys)["share"].to_numpy() for by in (["segment", "dealer"], ["dealer", "segment"]))
    np.testing.assert_array_equal(one, other)


def test_coders_and_mentions_lie_within_their_limits(world):
    coders = world.truth.coders
    assert list(coders["source"].unique()) == ["survey", "comment"]
    assert coders["sensitivity"].between(0.75, 0.95).all()
    assert coders["specificity"].between(0.95, 0.99).all()
    assert list(world.truth.mentions["source"].unique()) == ["comment", "ticket"]


# seeds and sizes


def test_same_seed_same_tables():
    one, again, other = (simulate_pain_points(10, seed=seed, comments=0.2, tickets=0.2) for seed in (1, 1, 2))
    for name in ("observations", "frame", "coder_audit"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(again, name))
        assert not getattr(one, name).equals(getattr(other, name))


def test_fieldwork_leaves_the_world_as_it_is():
    base = simulate_pain_points(10, seed=1)
    more = simulate_pain_points(10, seed=1, follow_up=0.3, exit_interviews=0.0, comments=0.5, tickets=0.2, audit=None)
    pd.testing.assert_frame_equal(base.truth.prevalence(["dealer"]), more.truth.prevalence(["dealer"]))
    pd.testing.assert_frame_equal(base.frame, more.frame)
    surveys = [each.observations.query("source == 'survey'") for each in (base, more)]
    pd.testing.assert_frame_equal(*surveys)
    assert set(more.observations["source"]) == {"survey", "follow_up", "comment", "ticket"}
    assert more.coder_audit.empty


def test_pains_beyond_the_eighteen_are_numbered():
    pains = simulate_pain_points(2, seed=1, pains=20).truth.prevalence()["pain_point"]
    assert list(pains[:2]) == ["information_overload", "product_quality"]
    assert list(pains[17:]) == ["stale_innovation", "pain_19", "pain_20"]


def test_one_of_everything():
    tiny = simulate_pain_points(1, seed=1, pains=1, segments=1, customers=(1, 1), churn_rate=0.0, response_rate=1.0)
    assert tiny.observations[["source", "n"]].to_numpy().tolist() == [["survey", 1]]
    assert tiny.truth.prevalence(["response_group"])["prevalence"].isna().tolist() == [False, True, True]


def test_extreme_shares_and_perfect_coders():
    everyone = simulate_pain_points(3, seed=1, follow_up=1.0, exit_interviews=1.0, tickets=1.0, sensitivity=(1, 1), specificity=(1, 1))
    counts = seen(everyone, "survey")
    np.testing.assert_allclose(counts["positive"] / counts["n"], counts["share"], rtol=1e-12)
    exits = seen(everyone, "exit_interview")
    assert (exits["n"] == exits["customers"]).all()
    np.testing.assert_allclose(exits["positive"] / exits["n"], exits["share"], rtol=1e-12)


def test_a_large_network_takes_seconds():
    start = time.process_time()
    large = simulate_pain_points(1_000, seed=1, segments=24)
    assert time.process_time() - start < 20.0  # about 2 on an idle machine
    assert large.frame["customers"].sum() > 1_000_000
    assert len(large.observations) > 800_000


# bad input


def test_journey_is_a_stream_of_its_own(world):
    """Everything else is the same whatever the journey."""
    other = simulate_pain_points(80, seed=SEED, comments=0.4, tickets=0.1, stages=0)
    for name in ("observations", "frame", "coder_audit"):
        pd.testing.assert_frame_equal(getattr(world, name), getattr(other, name))
    assert other.drop_off.empty and other.drop_off_pains == {}
    assert world.drop_off_pains == {"stage_1": ["information_overload", "product_quality"], "stage_2": ["price_value", "purchase_friction"]}
    assert world.truth.drop_off["slope"].tolist() == [0.5] * 4
    assert simulate_pain_points(2, seed=1, pains=1, stages=1).drop_off_pains == {"stage_1": ["information_overload"]}


def test_drop_off_rises_with_the_pains():
    """Between segments the logit of drop-off is the sum of those of both pains, times the slope, but for chance."""
    made = simulate_pain_points(300, seed=SEED, pains=4, segments=12, drop_off=0.8, drop_off_spread=0.0)
    left = made.drop_off.groupby(["stage", "segment"])[["reached", "dropped"]].sum()
    prevalence = made.truth.prevalence(["segment"]).pivot(index="pain_point", columns="segment", values="prevalence")
    logit = np.log(prevalence / (1.0 - prevalence))
    for stage, pains in made.drop_off_pains.items():
        expected = 0.8 * logit.loc[pains].sum()
        share = left.loc[stage, "dropped"] / left.loc[stage, "reached"]
        error = np.log(share / (1.0 - share)) - expected
        chance = 1.0 / np.sqrt(left.loc[stage, "reached"] * share * (1.0 - share))
        assert np.abs((error - error.mean()) / chance).max() < 4.0
    assert (made.drop_off["dropped"] <= made.drop_off["reached"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prevalence": (0.0, 0.3)}, r"prevalence must be a lower and an upper limit inside \[0, 1\]; got \(0\.0, 0\.3\)"),
        ({"prevalence": (0.4, 0.3)}, "prevalence must be a lower and an upper limit"),
        ({"sensitivity": (0.5,)}, r"sensitivity must be a lower and an upper limit within \[0, 1\]"),
        ({"customers": (0, 10)}, "customers must be a lower and an upper limit within"),
        ({"dealer_tail": 2}, r"dealer_tail must lie in \(2"),
        ({"tied": 1.2}, r"tied must lie in \[-1, 1\]"),
        ({"follow_up": 1.5}, r"follow_up must lie in \[0, 1\]"),
        ({"audit": (60,)}, r"audit must say how many answers were audited .* \(60, 160\); got \(60,\)"),
        ({"audit": (60, -1)}, "audit must lie in"),
        ({"audit_drawn_by": "chance"}, "audit_drawn_by must be one of 'truth', 'predicted', 'random'"),
        ({"pains": 0}, "pains must lie in"),
        ({"stages": -1}, "stages must lie in"),
        ({"drop_off": -0.1}, "drop_off must lie in"),
        ({"dealers": 1.5}, "dealers must be a whole number"),
    ],
)
def test_options_out_of_bounds_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        simulate_pain_points(**({"dealers": 2, "seed": 1} | options))


@pytest.mark.parametrize("by", ["segment", ["region"], ["pain_point"], ["segment", "segment"]])
def test_truth_by_something_else_is_refused(world, by):
    with pytest.raises(InputError, match="by must list some of 'segment', 'dealer' and 'response_group'"):
        world.truth.prevalence(by)


def test_repr_says_that_it_is_simulated(world):
    assert repr(world).endswith("PainPointTruth(18 pain points, 6 segments, 80 dealers); simulated)")
