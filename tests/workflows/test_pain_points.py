"""Pain points of all customers: the tables, the questions, what they say of themselves."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from workflows.pain_worlds import cells, estimated, options, tiny, world
from workflows.test_backends import BACKENDS

import vocstats as vs
from vocstats import texts

FRAME = [
    "pain_point", "estimate", "std_error", "conf_low", "conf_high", "apparent", "silent_gap", "prior_share", "from_selection",
    "from_coder", "from_sampling",
]


def test_table_of_everybody() -> None:
    p, table = estimated(), estimated().to_frame()
    assert table.columns.tolist() == FRAME and len(table) == 4
    assert (table["conf_low"] < table["estimate"]).all() and (table["estimate"] < table["conf_high"]).all()
    assert table["silent_gap"].to_numpy() == pytest.approx((table["estimate"] - table["apparent"]).to_numpy())
    survey = world().observations.query("source == 'survey'").groupby("pain_point")[["positive", "n"]].sum()
    assert table["apparent"].to_numpy() == pytest.approx((survey["positive"] / survey["n"]).loc[table["pain_point"]].to_numpy())
    assert (table[["from_selection", "from_coder", "from_sampling"]].sum(axis=1) - 1.0).abs().max() < 1e-12
    assert table[["prior_share", "from_selection", "from_coder", "from_sampling"]].stack().between(0.0, 1.0).all()
    assert p.customers.sum() == world().frame["customers"].sum()
    truth = world().truth.prevalence().set_index("pain_point")["prevalence"].loc[table["pain_point"]].to_numpy()
    assert (np.abs(table["estimate"] - truth) < np.abs(table["apparent"] - truth)).mean() >= 0.75
    assert (np.abs(table["estimate"] - truth) < 4.0 * table["std_error"]).all()


def test_poststratified_by_hand() -> None:
    """Θ of a segment is Σ N θ / Σ N over its response groups; that of everybody the mean over segments."""
    p = estimated(("segment",))
    posterior, frame = p.fit.posterior, world().frame.groupby(["segment", "response_group"])["customers"].sum()
    assert p.to_frame().columns[:2].tolist() == ["pain_point", "segment"]
    for s, segment in enumerate(("S01", "S02", "S03")):
        weight = frame.loc[segment][["engaged", "silent", "churned"]].to_numpy()
        logit = (posterior.intercept + posterior.segment[:, :, s])[:, :, None] + posterior.selection
        share = (weight / weight.sum() / (1.0 + np.exp(-logit))).sum(axis=2)
        np.testing.assert_allclose(p.estimate[:, s], share.mean(axis=0), rtol=1e-10)
        np.testing.assert_allclose(p.conf_low[:, s], np.quantile(share, 0.05, axis=0), rtol=1e-10)
    np.testing.assert_allclose((p.estimate * p.customers).sum(axis=1) / p.customers.sum(), estimated().estimate[:, 0], rtol=1e-10)


def test_tidy_draws_and_other_groups() -> None:
    p = estimated(("segment",))
    tidy = p.tidy()
    assert tidy.columns.tolist() == ["term", "pain_point", "segment", "estimate", "std_error", "conf_low", "conf_high"]
    assert tidy["term"].unique().tolist() == ["prevalence", "silent_gap"] and len(tidy) == 24
    assert p.draws().shape[1:] == (4, 3) and p.draws(()).shape[1:] == (4, 1)
    np.testing.assert_allclose(p.draws(()).mean(axis=0), estimated().estimate, rtol=1e-10)


def test_ranking() -> None:
    ranks = estimated(("segment",)).ranking()
    assert ranks.groupby("segment")["top_three"].sum().to_numpy() == pytest.approx([3.0] * 3)
    assert ranks.groupby("segment")["expected_rank"].sum().to_numpy() == pytest.approx([10.0] * 3)
    assert (ranks["rank_low"] <= ranks["rank_high"]).all() and (ranks["expected_rank"] - ranks["rank_low"] < 1.0).all()
    assert ranks.groupby("segment")["expected_rank"].apply(lambda rank: rank.is_monotonic_increasing).all()
    everybody = estimated(("segment",)).ranking(())
    assert everybody["pain_point"].iloc[0] == estimated().to_frame().sort_values("estimate")["pain_point"].iloc[-1]


def test_silent_gap_and_offsets() -> None:
    p = estimated()
    gap = p.silent_gap()
    assert gap["silent_gap"].is_monotonic_decreasing and gap["chance_missed"].between(0, 1).all()
    table = p.to_frame().set_index("pain_point").loc[gap["pain_point"]]
    assert gap["silent_gap"].to_numpy() == pytest.approx(table["silent_gap"].to_numpy())
    assert gap["conf_low"].to_numpy() == pytest.approx((table["conf_low"] - table["apparent"]).to_numpy())
    offsets = p.offsets()
    assert len(offsets) == 8 and offsets["contraction"].between(0.5, 1.0).all()


def test_contrasts() -> None:
    p = estimated(("segment",))
    there, back = p.contrast({"segment": "S01"}, {"segment": "S02"}), p.contrast({"segment": "S02"}, {"segment": "S01"})
    assert there["difference"].to_numpy() == pytest.approx(-back["difference"].to_numpy())
    assert there["conf_low"].to_numpy() == pytest.approx(-back["conf_high"].to_numpy())
    assert there["a"].to_numpy() == pytest.approx(p.estimate[:, 0]) and there["b"].to_numpy() == pytest.approx(p.estimate[:, 1])
    own = p.contrast({}, {})
    assert (own["difference"] == 0).all()
    periods = p.contrast({}, {}, other=estimated())
    expected = np.sqrt(2.0) * estimated().std_error[:, 0]
    assert periods["std_error"].to_numpy() == pytest.approx(expected, rel=0.1)
    with pytest.raises(vs.InputError, match="no such customers"):
        p.contrast({"segment": "S09"}, {})
    few = world().observations.query("pain_point != 'price_value'")
    audit = world().coder_audit.query("pain_point != 'price_value'")
    other = vs.estimate_pain_points(few, **options(coder_audit=audit))
    with pytest.raises(vs.InputError, match="Estimate both with the same"):
        p.contrast({}, {}, other=other)


def test_sensitivity() -> None:
    table = estimated().sensitivity()
    assert table["phi"].tolist() == [0.0, 0.5, 1.0] * 4
    as_estimated = table.query("phi == 1.0").reset_index()
    assert as_estimated["estimate"].to_numpy() == pytest.approx(estimated().estimate[:, 0])
    assert (table["lowest"] < table["estimate"]).all() and (table["estimate"] < table["highest"]).all()
    observations, frame = tiny(silent=3_000, follow_up=(50, 100))
    p = vs.estimate_pain_points(observations, frame=frame, perfect_sources=["survey", "follow_up"])
    bounds = p.sensitivity().iloc[0]
    assert bounds["highest"] - bounds["lowest"] == pytest.approx(2_900 / 4_000)  # nobody asked them
    assert bounds["lowest"] == pytest.approx((200 + 50) / 4_000, abs=0.003)


def test_json_and_words() -> None:
    p = estimated(("segment",))
    back = vs.load(p.to_json())
    pd.testing.assert_frame_equal(back.to_frame(), p.to_frame())
    assert json.loads(p.to_json())["kind"] == "pain_point_prevalence" and "draws" not in p.to_json()
    assert [each.code for each in back.assumptions] == [each.code for each in p.assumptions]
    with pytest.raises(vs.InputError, match="read back from JSON"):
        back.ranking()
    english, chinese = p.summary(), p.summary("zh")
    assert "not by how much it costs" in english and "不代表影响程度或损失大小" in chinese
    assert "follow-up of the silent" in english and "沉默客户补访" in chinese
    assert p._repr_html_().startswith("<pre>")
    for each in p.assumptions:
        assert texts.render(f"assumption.{each.code}", "zh", **dict(each.values))


@pytest.mark.parametrize("backend", list(BACKENDS))
def test_same_bits_from_every_table(backend: str) -> None:
    frames = {"observations": world().observations, "frame": world().frame, "coder_audit": world().coder_audit}
    given = {name: BACKENDS[backend](frame.sample(frac=1.0, random_state=3)) for name, frame in frames.items()}
    p = vs.estimate_pain_points(given.pop("observations"), **options(**given))
    assert (p.estimate == estimated().estimate).all() and (p.conf_low == estimated().conf_low).all()


def test_chinese_names_and_one_pain() -> None:
    chinese = ("痛点", "车系", "门店", "状态", "来源", "有", "人数")
    names = dict(zip(("pain_point", "segment", "dealer", "response_group", "source", "positive", "n"), chinese, strict=True))
    keep = "pain_point == 'price_value'"
    p = vs.estimate_pain_points(
        world().observations.query(keep).rename(columns=names), pain_point="痛点", groups=["车系", "门店"], dealer="门店",
        response_group="状态", source="来源", positive="有", n="人数", frame=world().frame.rename(columns=names | {"customers": "客户数"}),
        frame_count="客户数", coder_audit=world().coder_audit.query(keep).rename(columns=names),
        audit_drawn_by="truth", perfect_sources=["follow_up", "exit_interview"], by="车系",
    )
    assert p.to_frame().columns[:2].tolist() == ["pain_point", "车系"] and len(p.to_frame()) == 3
    assert (p.ranking()["expected_rank"] == 1.0).all()


def codes(p: vs.PainPointPrevalence) -> set[str]:
    return {each.code for each in p.assumptions}


def test_who_was_never_heard_is_said() -> None:
    observations, frame = tiny(silent=4_000)
    p = vs.estimate_pain_points(observations, frame=frame, perfect_sources=["survey"])
    assert "pain_silent_never_followed" in codes(p) and p.to_frame()["from_selection"].iloc[0] > 0.85
    assert p.conf_high[0, 0] - p.conf_low[0, 0] > 0.25
    assert "沉默客户" in p.summary("zh")
    observations, frame = tiny()
    p = vs.estimate_pain_points(observations, frame=frame, perfect_sources=["survey"])
    assert "pain_no_silent" in codes(p) and p.to_frame()["from_selection"].iloc[0] == 0.0
    assert p.offsets().empty
    assert "lists no silent customers" in p.summary()
    with pytest.raises(vs.InputError, match="no silent customers to follow up"):
        p.value_of_information()


def test_mentions_and_modes() -> None:
    """Tickets alone under a declared reporting rate: 60 of 1,000 with a chance near .3 to report are about 200 with the pain."""
    observations, frame = tiny(positive=60)
    known: dict[str, Any] = {"frame": frame, "perfect_sources": ["survey"]}
    p = vs.estimate_pain_points(observations, mentions={"survey": (300, 700)}, **known)
    assert p.estimate[0, 0] == pytest.approx(0.2, abs=0.03) and np.isnan(p.apparent[0, 0])
    assert "pain_mention_prior" in codes(p)
    vague = vs.estimate_pain_points(observations, mentions={"survey": (3, 7)}, **known)
    assert vague.std_error[0, 0] > 2.0 * p.std_error[0, 0]
    assert vague.from_coder[0, 0] > 0.8 and vague.prior_share[0, 0] > 0.8 and p.from_coder[0, 0] < vague.from_coder[0, 0]
    less = vs.estimate_pain_points(observations, mentions={"survey": (300, 700)}, false_mentions={"survey": (30, 970)}, **known)
    assert less.estimate[0, 0] < p.estimate[0, 0] - 0.05
    observations, frame = tiny(silent=3_000, follow_up=(300, 1_000))
    known = {"frame": frame, "perfect_sources": ["survey", "follow_up"]}
    sure = vs.estimate_pain_points(observations, **known)
    unsure = vs.estimate_pain_points(observations, mode_effects={"follow_up": 0.3}, **known)
    assert unsure.std_error[0, 0] > 2.0 * sure.std_error[0, 0] and "pain_mode_effect" in codes(unsure)


def test_dealers() -> None:
    p = estimated(("dealer",))
    table = p.to_frame()
    assert len(table) == 48 and table.columns[:2].tolist() == ["pain_point", "dealer"]
    truth = world().truth.prevalence(["dealer"]).merge(table, on=["pain_point", "dealer"])
    assert np.abs(truth["estimate"] - truth["prevalence"]).mean() < np.abs(truth["apparent"] - truth["prevalence"]).mean()
    network = (p.estimate * p.customers).sum(axis=1) / p.customers.sum()
    assert network == pytest.approx(estimated().estimate[:, 0], abs=0.02)
    both = p.contrast({"dealer": "D0001"}, {})
    assert both["a"].to_numpy() == pytest.approx(p.estimate[:, 0])
    crossed = p.silent_gap(["segment", "dealer"])
    assert len(crossed) == 4 * 36
    with pytest.raises(vs.InputError, match="dealer among by="):
        estimated().ranking("dealer")


def test_response_ties_are_said() -> None:
    """Answers far more frequent at dealers where fewer have the pain."""
    rows, people = [], []
    rng = np.random.default_rng(73_120)
    for d in range(40):
        rate, share = 0.15 + 0.015 * d, 0.5 - 0.01 * d
        engaged = int(500 * rate)
        rows.append(("noise", f"D{d:02d}", "engaged", "survey", rng.binomial(engaged, share), engaged))
        people += [(f"D{d:02d}", "engaged", engaged), (f"D{d:02d}", "silent", 500 - engaged)]
    seen, frame = cells(rows, "pain_point dealer response_group source positive n"), cells(people, "dealer response_group customers")
    p = vs.estimate_pain_points(seen, groups="dealer", frame=frame, perfect_sources="survey")
    assert p.diagnostics["response_tie_p"] < 1e-3 and "pain_response_tied" in codes(p)
    tie = p.response_tie()
    assert tie["difference"].iloc[0] > 0.03 and tie["p_value"].iloc[0] < 1e-3
    assert "pain_dealers_collapsed" in codes(estimated()) and estimated().diagnostics["response_tie_p"] > 0.01
