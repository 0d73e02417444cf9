"""The correction against figures computed by hand, against independent routes, and against bad input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from workflows.small_base import small_frames

import vocstats as vs
from vocstats.estimation import mean
from vocstats.workflows.corrected_score import TERMS

Build = Callable[..., vs.CustomerBase]
TELCO = ["Contract", "Internet Type", "tenure_band"]


def row(result: vs.Correction, term: str) -> pd.Series:
    frame = result.to_frame()
    return frame[frame["term"] == term].iloc[0]


# Selection B of the telecom base: raked within active and within churned, R's formulas (no finite-population correction).
def test_telco_figures(telco_b: vs.CustomerBase) -> None:
    r = vs.correct(telco_b, outcome="Satisfaction Score", scale=(1, 5), auxiliaries=TELCO, silent_shift=(-0.5, 0), kpi=3.25, inference="r")
    naive, active, everyone = (row(r, term) for term in TERMS)
    assert (round(naive["estimate"], 4), naive["n"]) == (3.9625, 1226)
    assert round(active["estimate"], 4) == 3.9582
    assert [round(everyone[k], 4) for k in ("estimate", "conf_low", "conf_high")] == [3.3734, 3.3295, 3.4174]
    assert [round(everyone[k], 4) for k in ("range_low", "range_high")] == [3.0932, 3.3734]
    assert [round(everyone[k], 4) for k in ("range_conf_low", "range_conf_high")] == [3.0492, 3.4174]
    tipping = r.tipping_point.set_index(["term", "shifted"])["shift"]
    assert round(tipping["survivor_corrected", "silent"], 2) == -0.22
    worst = r.sensitivity.set_index(["term", "analysis"]).loc[("survivor_corrected", "worst_case")]
    assert (round(worst["low"], 2), round(worst["high"], 2)) == (1.53, 4.74)
    assert round(vs.correct(telco_b, outcome="Satisfaction Score", scale=(1, 5)).estimate[0, 2], 4) == 3.3754


def test_registry_interval_is_narrower_and_process_wider(telco_b: vs.CustomerBase) -> None:
    width = {
        inference: np.diff([row(r, "survivor_corrected")[k] for k in ("conf_low", "conf_high")])[0]
        for inference in ("registry", "r", "process")
        for r in [vs.correct(telco_b, outcome="Satisfaction Score", scale=(1, 5), auxiliaries=TELCO, inference=inference)]
    }
    assert width["registry"] < width["r"] < width["process"]


def test_share_of_nobody_has_an_exact_limit(telco_b: vs.CustomerBase) -> None:
    r = vs.correct(telco_b, outcome="Satisfaction Score", scale=(1, 5), statistic="bottom_box", auxiliaries=TELCO)
    naive = row(r, "naive")
    assert naive["estimate"] == 0 and naive["conf_low"] == 0
    assert round(naive["conf_high"], 4) == 0.0030
    assert row(r, "nonresponse_corrected")["conf_high"] > 0.0030


def test_contributions_are_exact(make_base: Build) -> None:
    r = vs.correct(make_base(), outcome="csi", scale=(1, 10), auxiliaries=["region"])
    assert r.contributions["silent"] + r.contributions["churned"] == pytest.approx(r.estimate[0, 2] - r.estimate[0, 0], abs=1e-14)
    by = vs.correct(make_base(), outcome="csi", scale=(1, 10), auxiliaries=["region"], by="region")
    both = by.contributions
    np.testing.assert_allclose(both["silent"] + both["churned"], by.estimate[:, 2] - by.estimate[:, 0], atol=1e-14)


def test_double_sampling_equals_hansen_hurwitz(make_base: Build) -> None:
    """A follow-up answered in full and no auxiliaries: N_E y_E + N_S y_S, variance (N_S / N)^2 (1 - m / N_S) s^2 / m."""
    r = vs.correct(make_base(without=("exit_interview",)), outcome="csi", scale=(1, 10))
    frames = small_frames()
    active = ~frames["registry"].set_index("id")["churned"]
    heard = frames["survey"][frames["survey"]["id"].map(active)]["csi"]
    silent = active.sum() - heard.size
    follow_up = frames["follow_up"]["csi"]
    assert r.method == "double_sampling"
    assert r.estimate[0, 1] == pytest.approx((heard.sum() + silent * follow_up.mean()) / active.sum(), rel=1e-12)
    variance = (silent / active.sum()) ** 2 * (1 - follow_up.size / silent) * follow_up.var() / follow_up.size
    assert r.std_error[0, 1] == pytest.approx(np.sqrt(variance), rel=1e-10)
    y = np.concatenate([heard, follow_up, np.full(silent - follow_up.size, np.nan)])
    two_phase = vs.nonresponse.double_sampling(y, np.arange(y.size) >= heard.size)
    assert r.estimate[0, 1] == pytest.approx(two_phase.estimate, rel=1e-12)
    assert r.std_error[0, 1] == pytest.approx(two_phase.std_error, rel=1e-9)


def test_estimate_and_error_equal_those_of_the_weights(telco_b: vs.CustomerBase) -> None:
    """The array estimator on the kept weight chain gives the same mean; its response variance the same up to n / (n - p)."""
    r = vs.correct(telco_b, outcome="Satisfaction Score", scale=(1, 5), auxiliaries=TELCO)
    assert r.weights is not None and r.cells is not None
    speaks = r.cells.source >= 0
    direct = mean(r.cells.outcome[speaks], r.weights, inference="registry")
    assert r.estimate[0, 2] == pytest.approx(float(direct.estimate), rel=1e-9)
    assert r.std_error[0, 2] == pytest.approx(float(direct.std_error), rel=0.03)


def test_domains_agree_with_the_whole(make_base: Build) -> None:
    frames = small_frames()
    frames["registry"]["all"] = "x"
    whole = vs.correct(make_base(frames=frames), outcome="csi", scale=(1, 10), auxiliaries=["region"])
    one = vs.correct(make_base(frames=frames), outcome="csi", scale=(1, 10), auxiliaries=["region"], by="all")
    np.testing.assert_allclose(one.estimate, whole.estimate, rtol=1e-12)
    assert one.overall is not None
    np.testing.assert_array_equal(one.overall.estimate, whole.estimate)
    assert one.tidy()["all"].tolist() == ["x"] * 3


def test_domain_labels_keep_their_type_and_order(make_base: Build) -> None:
    r = vs.correct(make_base(), outcome="csi", scale=(1, 10), by="shop")
    tidy = r.tidy()
    assert tidy["shop"].dtype.kind == "i"
    assert tidy["shop"].is_monotonic_increasing
    assert len(tidy) == 3 * 12
    crossed = vs.correct(make_base(), outcome="csi", scale=(1, 10), by=["region", "shop"]).tidy()
    assert list(crossed.columns[:3]) == ["region", "shop", "term"]


def test_churned_nobody_heard_are_not_estimated(make_base: Build) -> None:
    frames = small_frames()
    gone = set(frames["registry"].loc[frames["registry"]["churned"], "id"])
    frames["survey"] = frames["survey"][~frames["survey"]["id"].isin(gone)]
    base = make_base(frames=frames, without=("exit_interview",))
    r = vs.correct(base, outcome="csi", scale=(1, 10))
    everyone = row(r, "survivor_corrected")
    assert np.isnan(everyone["estimate"]) and everyone["reason"] == "churned_unheard"
    share = len(gone) / len(frames["registry"])
    assert everyone["range_high"] - everyone["range_low"] == pytest.approx(9 * share)
    assert [a.code for a in r.assumptions if a.code == "group_unheard"]
    declared = vs.correct(base, outcome="csi", scale=(1, 10), churned_shift=(-2, 0))
    everyone = row(declared, "survivor_corrected")
    assert np.isnan(everyone["estimate"])
    assert everyone["range_high"] == pytest.approx(declared.estimate[0, 1])
    assert everyone["range_high"] - everyone["range_low"] == pytest.approx(2 * share)


def test_churned_heard_may_be_assumed_to_speak_for_the_others(make_base: Build) -> None:
    base = make_base(without=("exit_interview",))
    without = vs.correct(base, outcome="csi", scale=(1, 10))
    assert np.isnan(without.estimate[0, 2]) and not np.isnan(without.range_low[0, 2])
    assumed = vs.correct(base, outcome="csi", scale=(1, 10), assume="churned_heard_like_unheard")
    assert not np.isnan(assumed.estimate[0, 2])
    assert "churned_heard_like_unheard" in [a.code for a in assumed.assumptions]


def test_survey_answers_of_those_who_left_stand_for_themselves(make_base: Build) -> None:
    r = vs.correct(make_base(), outcome="csi", scale=(1, 10))
    frames = small_frames()
    gone = frames["registry"].set_index("id")["churned"]
    before = frames["survey"][frames["survey"]["id"].map(gone)]["csi"]
    rest = gone.sum() - before.size
    expected = (before.sum() + rest * frames["exit_interview"]["csi"].mean()) / gone.sum()
    assert r.part_mean[0, 3] == pytest.approx(expected, rel=1e-12)
    assert row(r, "naive")["n"] == len(frames["survey"])


def test_never_invited_are_represented_by_the_invited(make_base: Build) -> None:
    frames = small_frames()
    listed = np.arange(900) % 10 != 0
    answered = frames["registry"]["id"].isin(pd.concat([frames[k]["id"] for k in ("survey", "follow_up")]))
    contact = frames["registry"].loc[listed | answered, ["id"]].assign(outcome="noncontact")
    contact.loc[contact["id"].isin(frames["survey"]["id"]), "outcome"] = "complete"
    codes = {"complete": ["complete"], "noncontact": ["noncontact"]}
    survey = vs.Source(frames["survey"], contact={"frame": contact, "id": "id", "outcome": "outcome", "codes": codes})
    base = vs.CustomerBase.from_frames(
        frames["registry"],
        id="id",
        churned="churned",
        answers={"survey": survey, "follow_up": frames["follow_up"], "exit_interview": frames["exit_interview"]},
    )
    r = vs.correct(base, outcome="csi", scale=(1, 10), auxiliaries=["region"])
    uninvited = r.part_customers[0, 2]
    assert uninvited > 20
    assert "not_invited_like_invited" in [a.code for a in r.assumptions]
    assert r.customers[0, 1] == (~frames["registry"]["churned"]).sum()
    known = vs.correct(make_base(), outcome="csi", scale=(1, 10), auxiliaries=["region"])
    assert abs(r.estimate[0, 1] - known.estimate[0, 1]) < 3 * r.std_error[0, 1]
    assert r.weights is not None
    total = (r.weights.counts * r.weights.values).sum()
    assert total == pytest.approx(900, rel=1e-6)


def test_item_nonresponse_is_counted_and_represented(make_base: Build) -> None:
    frames = small_frames()
    active = ~frames["registry"].set_index("id")["churned"]
    mine = frames["survey"].index[frames["survey"]["id"].map(active)][:40]
    frames["survey"].loc[mine, "csi"] = np.nan
    r = vs.correct(make_base(frames=frames), outcome="csi", scale=(1, 10))
    (assumption,) = (a for a in r.assumptions if a.code == "item_nonresponse")
    assert assumption.values["count"] == 40
    assert r.part_customers[0, 0] - r.part_heard[0, 0] == 40
    assert r.part_std_error[0, 0] > 0


def test_documented_draw_leaves_only_refusals_to_assumption(make_base: Build) -> None:
    frames = small_frames()
    frames["follow_up"].loc[frames["follow_up"].index[::2], "csi"] = np.nan
    loose = vs.correct(make_base(frames=frames), outcome="csi", scale=(1, 10), silent_shift=(-1, 0))
    tight = vs.correct(make_base(frames=frames, documented=True), outcome="csi", scale=(1, 10), silent_shift=(-1, 0))
    assert tight.part_assumed[0, 1] == pytest.approx(0.5, abs=0.01)
    assert loose.part_assumed[0, 1] > 0.85
    assert tight.range_low[0, 1] > loose.range_low[0, 1]
    assert "undocumented_draw" in [a.code for a in loose.assumptions]
    assert "undocumented_draw" not in [a.code for a in tight.assumptions]


def test_wider_shifts_widen_the_range(make_base: Build) -> None:
    base, before = make_base(), None
    for statistic in ("mean", "top_box", "bottom_box", "nps"):
        before = None
        for shift in (0.0, 0.3, 1.0, 4.0):
            r = vs.correct(base, outcome="csi", scale=(1, 10), statistic=statistic, silent_shift=(-shift, shift), churned_shift=(-shift, 0))
            assert (r.range_conf_low[0, 1:] <= r.conf_low[0, 1:] + 1e-12).all() and (
                r.range_conf_high[0, 1:] >= r.conf_high[0, 1:] - 1e-12
            ).all()
            if before is not None:
                assert (r.range_low[0, 1:] <= before.range_low[0, 1:] + 1e-12).all() and (
                    r.range_high[0, 1:] >= before.range_high[0, 1:] - 1e-12
                ).all()
            assert (r.worst_low[0, 1:] <= r.range_low[0, 1:] + 1e-9).all()
            before = r


def test_tipping_shift_brings_the_score_to_the_kpi(make_base: Build) -> None:
    r = vs.correct(make_base(), outcome="csi", scale=(1, 10), kpi=5.0)
    shift = r.tipping[0, 1, 0]
    again = vs.correct(make_base(), outcome="csi", scale=(1, 10), silent_shift=(shift, shift))
    assert again.range_low[0, 1] == pytest.approx(5.0)
    assert np.isnan(vs.correct(make_base(), outcome="csi", scale=(1, 10), kpi=9.99).tipping[0, 1, 0])


@pytest.mark.parametrize("weighting", ["rake", "poststratify", "calibrate"])
def test_weightings_agree_on_one_auxiliary(make_base: Build, weighting: str) -> None:
    reference = vs.correct(make_base(), outcome="csi", scale=(1, 10), auxiliaries=["region"])
    r = vs.correct(make_base(), outcome="csi", scale=(1, 10), auxiliaries=["region"], weighting=weighting)
    np.testing.assert_allclose(r.estimate, reference.estimate, rtol=1e-9)
    np.testing.assert_allclose(r.std_error, reference.std_error, rtol=1e-6)


def test_trimmed_weights_keep_their_margins(make_base: Build) -> None:
    r = vs.correct(make_base(), outcome="csi", scale=(1, 10), auxiliaries=["region"], trim=3.0)
    assert r.weights is not None and r.balance is not None
    np.testing.assert_allclose(r.balance.after, r.balance.target, atol=1e-6)
    assert [s.name for s in r.steps][-1] == "trim"


def test_statistics_are_means_of_their_indicator(make_base: Build) -> None:
    base = make_base()
    top = vs.correct(base, outcome="csi", scale=(1, 10), statistic="top_box", boxes=2).estimate
    named = vs.correct(base, outcome="csi", scale=(1, 10), statistic="top_box", top=[9, 10]).estimate
    low = vs.correct(base, outcome="csi", scale=(1, 10), statistic="bottom_box", bottom=[1, 2, 3, 4, 5, 6]).estimate
    nps = vs.correct(base, outcome="csi", scale=(1, 10), statistic="nps").estimate
    np.testing.assert_array_equal(top, named)
    np.testing.assert_allclose(nps, top - low, atol=1e-12)
    mean_score = vs.correct(base, outcome="csi", scale=(1, 10)).estimate
    index = vs.correct(base, outcome="csi", scale=(1, 10), statistic="index", points=1000).estimate
    np.testing.assert_allclose(index, (mean_score - 1) / 9 * 1000, rtol=1e-12)


def test_items_make_an_index() -> None:
    frames = small_frames()
    for name in ("survey", "follow_up", "exit_interview"):
        frames[name] = frames[name].rename(columns={"csi": "a"}).assign(b=lambda f: 11 - f["a"])
    base = vs.CustomerBase.from_frames(
        frames["registry"], id="id", churned="churned", answers={k: frames[k] for k in ("survey", "follow_up", "exit_interview")}
    )
    r = vs.correct(base, items={"a": 0.5, "b": 0.5}, scale=(1, 10), statistic="index")
    np.testing.assert_allclose(r.estimate, 50.0, rtol=1e-12)
    assert r.outcome == "index"


def test_result_survives_json(make_base: Build) -> None:
    r = vs.correct(make_base(), outcome="csi", scale=(1, 10), auxiliaries=["region"], by=["region"], kpi=6.0, small_groups="blank")
    back = vs.load(r.to_json())
    pd.testing.assert_frame_equal(back.to_frame(), r.to_frame())
    assert back.overall.summary("zh") == r.overall.summary("zh")
    assert "weights" not in r.to_dict() and "cells" not in r.to_dict()


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ({"scale": (10, 1)}, "bad_scale", "rise"),
        ({"scale": None}, "not_numbers", "scale"),
        ({"statistic": "top_box", "top": 9}, "not_numbers", "top"),
        ({"statistic": "median"}, "not_a_choice", "statistic"),
        ({"statistic": "nps", "scale": (1, 12)}, "nps_scale", "top="),
        ({"statistic": "top_box", "top": [11]}, "points_off_scale", "11"),
        ({"by": "dealers"}, None, "dealers"),
        ({"auxiliaries": ["region", "region"]}, "named_twice", "region"),
        ({"silent_shift": -0.5}, "not_a_pair", "silent_shift"),
        ({"silent_shift": (0, -1)}, "not_a_pair", "silent_shift"),
        ({"kpi": 11}, "out_of_bounds", "kpi"),
        ({"level": 95}, "out_of_bounds", "level"),
        ({"assume": "anything"}, "not_a_choice", "anything"),
        ({"method": "guessing"}, "not_a_choice", "method"),
        ({"trim": 0.5}, "out_of_bounds", "trim"),
        ({"outcome": "scores"}, None, "scores"),
        ({"items": {"csi": 1.0}}, "no_outcome", "one of the two"),
    ],
)
def test_bad_input_is_named(make_base: Build, options: dict[str, object], code: str | None, text: str) -> None:
    arguments = {"outcome": "csi", "scale": (1, 10), **options}
    with pytest.raises(vs.InputError, match=text) as caught:
        vs.correct(make_base(), **arguments)
    assert code is None or caught.value.code == code


def test_follow_up_method_without_a_follow_up_is_refused(make_base: Build) -> None:
    with pytest.raises(vs.InputError, match="follow-up") as caught:
        vs.correct(make_base(without=("follow_up",)), outcome="csi", scale=(1, 10), method="double_sampling")
    assert caught.value.code == "no_follow_up"


def test_level_nobody_heard_is_merged_and_listed(make_base: Build) -> None:
    frames = small_frames()
    frames["registry"].loc[
        ~frames["registry"]["id"].isin(pd.concat([frames[k]["id"] for k in ("survey", "follow_up", "exit_interview")])), "region"
    ] = "island"
    r = vs.correct(make_base(frames=frames), outcome="csi", scale=(1, 10), auxiliaries=["region"])
    assert any("island" in line for line in r.merged)
