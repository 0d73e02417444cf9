"""Who is in which group, and who was heard, counted by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from customer_base.small_base import EXITS, FOLLOW_UP, SURVEY, answers, base, registry

from vocstats import Source
from vocstats.customer_base import GROUPS, SOURCES
from vocstats.customer_base.contact import rates


def counts(cells):
    """{(group, source or None, drawn, outcome or None): customers}"""
    keys = zip(cells.group, cells.source, cells.drawn, cells.outcome, cells.counts, strict=True)
    return {(GROUPS[g], SOURCES[s] if s >= 0 else None, bool(d), None if np.isnan(y) else float(y)): int(n) for g, s, d, y, n in keys}


def test_groups_and_who_was_heard():
    cells = base(follow_up=answers(*FOLLOW_UP), exits=answers(*EXITS)).cells(outcome="csi", scale=(1, 10))
    assert counts(cells) == {
        ("engaged", "survey", False, 8.0): 1,
        ("engaged", "survey", False, 9.0): 1,
        ("engaged", "survey", False, 10.0): 1,
        ("silent", None, False, None): 3,
        ("silent", None, True, None): 1,
        ("silent", "follow_up", True, 6.0): 1,
        ("silent", "follow_up", True, 7.0): 1,
        ("churned", None, True, None): 1,
        ("churned", "survey", False, 4.0): 1,
        ("churned", "exit_interview", True, 2.0): 1,
    }
    assert cells.documented == {"survey": False, "follow_up": False, "exit_interview": False}
    assert cells.issued == {"survey": "listed", "follow_up": "listed", "exit_interview": "listed"}
    assert np.array_equal(cells.base_weight, np.ones(len(cells)))
    assert cells.stratum is None and cells.cluster is None


def test_item_nonresponse_stays_engaged_and_is_counted():
    cells = base(survey=answers(["A01", "A02", "A10"], [9, None, None])).cells(outcome="csi", scale=(1, 10))
    assert counts(cells)[("engaged", None, False, None)] == 1
    assert counts(cells)[("churned", None, False, None)] == 3
    assert [(r.source, r.reason, r.rows) for r in cells.set_aside] == [("survey", "item_nonresponse", 2)]
    table = base(survey=answers(["A01", "A02", "A10"], [9, None, None])).group_table("csi").set_index("group")
    assert table["item_nonresponse"].to_dict() == {"engaged": 1, "silent": 0, "churned": 1, "not_invited": 0}


def test_missing_codes_are_no_answers_and_are_counted():
    cells = base(survey=answers(["A01", "A02", "A03"], [9, 98, 99]), missing_codes=(98, 99)).cells(outcome="csi", scale=(1, 10))
    assert counts(cells)[("engaged", None, False, None)] == 2
    assert [(r.reason, r.rows, r.examples) for r in cells.set_aside] == [
        ("missing_code", 2, ("98: 1", "99: 1")),
        ("item_nonresponse", 2, ()),
    ]


def test_rows_not_selected_are_not_drawn():
    calls = answers(["A04", "A05", "A06", "A07"], [7, None, 6, None], selected=[1, 1, 1, 0])
    cells = base(follow_up=Source(calls, selected="selected")).cells(outcome="csi")
    assert int(cells.counts[cells.drawn].sum()) == 3
    assert cells.documented["follow_up"]


def test_an_export_of_all_invited_with_the_score_empty_for_the_silent():
    export = answers([f"A{k:02}" for k in range(1, 10)], [9, 8, 10, *[None] * 6])
    cells = base(survey=Source(export, answered="csi")).cells(outcome="csi")
    assert int(cells.counts[cells.group == GROUPS.index("silent")].sum()) == 6


def test_answered_in_a_follow_up_leaves_the_silent_drawn():
    calls = answers(["A04", "A05", "A06"], [7, 0, 0], called=["y", None, None])
    cells = base(follow_up=Source(calls, answered="called")).cells(outcome="csi", scale=(0, 10))
    assert int(cells.counts[cells.drawn].sum()) == 3 and cells.outcome[cells.source == 1].tolist() == [7.0]


def test_an_outcome_table_may_have_the_registrys_id_or_the_sources():
    listed = pd.DataFrame({"no": ["A01", "A02"]})
    scores = answers([f"A{k:02}" for k in range(1, 13)], [9, 8, *[10] * 10])
    for frame in (scores, scores.rename(columns={"customer_id": "no"})):
        cells = base(survey=Source(listed, id="no", outcome_frame=frame)).cells(outcome="csi")
        assert sorted(cells.outcome[cells.source == 0].tolist()) == [8.0, 9.0]


def test_a_callers_columns_may_have_any_name():
    survey = answers(["A01"], [9]).assign(row=1, id="x", count=2, y0=3, contact="z")
    frame = registry(row=1, id="x", count=2, population=3, contact="z", flag=1, a0="q")
    assert base(frame, survey=survey).cells(["row", "count", "a0", "id"], outcome="csi").counts.sum() == 12


def test_selection_probabilities_are_kept_for_all_drawn():
    calls = answers(["A04", "A05", "A06"], [7, None, 6], p=[0.5, 0.5, 0.25])
    cells = base(follow_up=Source(calls, selection_probability="p")).cells(outcome="csi")
    assert cells.documented["follow_up"]
    drawn = cells.drawn
    assert sorted(np.repeat(cells.selection_probability[drawn], cells.counts[drawn]).tolist()) == [0.25, 0.5, 0.5]
    assert np.isnan(cells.selection_probability[~drawn]).all()


def test_items_make_one_outcome_missing_where_any_is():
    survey = pd.DataFrame({"customer_id": ["A01", "A02", "A03"], "q1": [10, 8, 6], "q2": [5, 9, None]})
    cells = base(survey=survey).cells(items={"q1": 0.4, "q2": 0.6}, scale=(1, 10))
    assert sorted(cells.outcome[cells.source == 0].tolist()) == pytest.approx([7.0, 8.6])
    assert int(cells.counts[(cells.group == 0) & (cells.source < 0)].sum()) == 1


def test_outcome_from_another_table_is_read_for_those_listed_only():
    listed = pd.DataFrame({"customer_id": ["A01", "A02"]})
    scores = answers([f"A{k:02}" for k in range(1, 13)], [9, 8, *[10] * 10])
    cells = base(survey=Source(listed, outcome_frame=scores)).cells(outcome="csi")
    assert sorted(cells.outcome[cells.source == 0].tolist()) == [8.0, 9.0]


# ------------------------------------------------------------------ churn, window, where
LEFT = [None, None, None, None, None, None, None, "2026-12-01", "2026-09-30", "2026-08-01", "2026/7/1", "20260101"]


def churned_of(**options):
    made = base(registry(left=LEFT), survey=answers(["A01"], [9]), **options)
    return made, int(made.groups.set_index("group").loc["churned", "customers"])


def test_churn_by_date_counts_the_reference_day_itself():
    made, churned = churned_of(churned="left", reference_date="2026-09-30")
    assert churned == 4 and made.reference_date == date(2026, 9, 30)
    assert churned_of(churned={"column": "left", "before": "2026-09-30"})[1] == 3
    assert churned_of(churned={"column": "left", "before": "2026-10-01"})[0].reference_date == date(2026, 9, 30)


@pytest.mark.parametrize(
    "convert", [pd.to_datetime, lambda c: pd.to_datetime(c).dt.date, lambda c: pd.to_datetime(c).dt.strftime("%Y%m%d")]
)
def test_churn_dates_of_every_type(convert):
    frame = registry(left=["2026-12-01", *["2027-01-01"] * 6, "2026-12-01", "2026-09-30", "2026-08-01", "2026-07-01", "2026-01-01"])
    frame["left"] = convert(frame["left"])
    made = base(frame, churned="left", reference_date=date(2026, 9, 30))
    assert made.groups["customers"].tolist() == [3, 5, 4, 0]


def test_times_of_the_reference_day_count_as_that_day():
    frame = registry(left=pd.to_datetime(["2026-10-01 00:00"] * 8 + ["2026-09-30 23:59"] * 4))
    assert base(frame, survey=answers(["A01"], [9]), churned="left", reference_date="2026-09-30").groups["customers"].tolist() == [
        1,
        7,
        4,
        0,
    ]


def test_churn_by_levels_and_by_ones():
    frame = registry(status=["在用"] * 9 + ["流失"] * 2 + ["注销"], gone=[0] * 9 + [1] * 3)
    assert base(frame, churned={"column": "status", "is": ["流失", "注销"]}).groups["customers"].tolist() == [3, 6, 3, 0]
    assert base(frame, churned={"column": "status", "is": "流失"}, survey=answers(["A01"], [9])).groups["customers"].tolist() == [
        1,
        9,
        2,
        0,
    ]
    assert base(frame, churned="gone").groups["customers"].tolist() == [3, 6, 3, 0]
    assert base(frame, churned=None).groups["customers"].tolist() == [4, 8, 0, 0]


def test_window_keeps_those_who_were_customers_at_any_time_in_it():
    joined = ["2020-01-01"] * 10 + ["2026-10-01", "2020-01-01"]
    left = [None] * 9 + ["2025-09-30", None, "2025-10-01"]
    frame = registry(joined=joined, left=left)
    window = {"joined": "joined", "left": "left", "from": "2025-10-01", "to": "2026-09-30"}
    made = base(frame, churned="left", window=window)
    assert made.n == 10 and made.reference_date == date(2026, 9, 30)
    aside = made.set_aside
    assert aside[["source", "reason", "rows"]].values.tolist() == [["registry", "outside_window", 2], ["survey", "outside_window", 1]]
    assert aside["examples"].tolist() == ["", "A10"]


def test_where_keeps_rows_and_sets_answers_of_the_others_aside():
    made = base(where={"region": "north"})
    assert made.n == 7
    assert made.set_aside[["source", "reason", "rows"]].values.tolist() == [
        ["registry", "outside_where", 5],
        ["survey", "outside_where", 1],
    ]
    assert base(where={"region": ["north", "south"], "warranty": True}, survey=answers(["A01"], [9])).n == 6


def test_unmatched_answers_are_set_aside_and_listed():
    made = base(survey=answers(["A01", "B01", None], [9, 8, 7]), unmatched="set_aside")
    assert made.set_aside.values.tolist() == [["survey", "without_id", 1, ""], ["survey", "unmatched", 1, "B01"]]
    assert made.cells(outcome="csi").counts.sum() == 12


# ------------------------------------------------------------------ repeated answers, several sources
REPEATED = answers(["A01", "A01", "A01", "A02"], [9, 6, None, 8], day=["2026-07-01", "2026-08-01", "2026-09-01", "2026-07-01"])


@pytest.mark.parametrize(("rule", "score"), [("first", 9.0), ("last", 6.0), ("mean", 7.5)])
def test_repeated_answers_by_rule(rule, score):
    made = base(survey=Source(REPEATED, date="day", repeated=rule))
    cells = made.cells(outcome="csi")
    assert sorted(cells.outcome[cells.source == 0].tolist()) == sorted([score, 8.0])
    assert made.set_aside.values.tolist() == [["survey", "averaged" if rule == "mean" else "repeated", 2, "A01"]]


def test_precedence_decides_between_sources():
    calls = answers(["A01", "A04"], [3, 7])
    first = base(follow_up=calls, precedence=("survey", "follow_up"))
    assert first.groups["customers"].tolist() == [3, 6, 3, 0]
    assert first.set_aside.values.tolist() == [["follow_up", "lower_precedence", 1, "A01"]]
    second = base(follow_up=calls, precedence=("follow_up", "survey"))
    assert second.groups["customers"].tolist() == [2, 7, 3, 0]


# ------------------------------------------------------------------ contacts
CONTACTS = pd.DataFrame(
    {
        "customer_id": ["A01", "A02", "A03", "A04", "A05", "A06", "A07", "A10"],
        "disposition": ["成功", "成功", "成功", "拒访", "无人接听", "空号", "非车主", "成功"],
        "attempts": [1, 2, 1, 3, 5, 1, 1, 1],
    }
)
CODES = {"complete": ["成功"], "refusal": ["拒访"], "noncontact": ["无人接听"], "bad_number": ["空号"], "ineligible": ["非车主"]}


def with_contacts(**options):
    contact = {"frame": CONTACTS, "outcome": "disposition", "codes": CODES, "attempts": "attempts"}
    return base(survey=Source(answers(*SURVEY), contact=contact), **options)


def test_contact_outcomes_make_the_not_invited_and_the_rates():
    made = with_contacts()
    table = made.group_table("csi").set_index("group")
    assert table["customers"].to_dict() == {"engaged": 3, "silent": 4, "churned": 3, "not_invited": 2}
    assert table["invited"].to_dict() == {"engaged": 3, "silent": 4, "churned": 1, "not_invited": 0}
    assert table["reached"].to_dict() == {"engaged": 3, "silent": 1, "churned": 1, "not_invited": 0}
    assert table["heard"].to_dict() == {"engaged": 3, "silent": 0, "churned": 1, "not_invited": 0}
    e = 6 / 7  # of the 7 whose eligibility is known, 6 are eligible
    expected = {"RR1": 4 / 7, "RR3": 4 / (6 + e), "RR5": 4 / 6, "contact_rate": 5 / 7, "cooperation_rate": 4 / 5}
    assert made.response_rates == pytest.approx(expected)
    cells = made.cells(outcome="csi")
    assert int(cells.counts[cells.group == GROUPS.index("not_invited")].sum()) == 2


def test_contact_outcomes_in_a_column_of_the_survey():
    survey = answers(["A01", "A02", "A03", "A04"], [9, 8, None, None], how=["complete", "complete", "refusal", "noncontact"])
    made = base(survey=Source(survey, contact="how", answered="csi"))
    assert made.groups["customers"].tolist() == [2, 2, 3, 5]
    assert made.response_rates["RR1"] == 0.5


def test_rates_without_contact_data_are_missing():
    assert all(np.isnan(rate) for rate in base().response_rates.values())


def test_unknown_eligibility_counts_fully_without_ineligible():
    found = rates(np.array([10, 20, 30, 40, 0]))
    assert found["RR1"] == found["RR3"] == 0.1 and found["RR5"] == 10 / 60


def test_fieldwork_by_level():
    table = with_contacts().fieldwork("region").set_index("region")
    assert table.loc["north"].to_dict() == {"customers": 7, "invited": 5, "reached": 3, "cooperated": 3, "complete": 3}
    assert table.loc["south"].to_dict() == {"customers": 5, "invited": 3, "reached": 2, "cooperated": 1, "complete": 1}
    assert base().fieldwork("region")["invited"].isna().all()


# ------------------------------------------------------------------ findings
def test_findings_say_what_the_result_rests_on():
    codes = {finding.code for finding in with_contacts().findings}
    assert codes == {"silent_never_asked_again", "no_window", "churned_answered_survey", "not_invited"}
    alone = base(follow_up=Source(answers(["A04"], [7]), issued="respondents"), survey=answers(["A01"], [9]))
    assert {"respondents_only", "churned_never_heard", "no_contact_data"} <= {finding.code for finding in alone.findings}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_finding_has_a_text(language):
    made = base(survey=answers(["A01", "B01"], [9, 8]), unmatched="set_aside", exits=answers(["A11"], [2]))
    texts = [finding.text(language) for finding in made.findings]
    assert any(("not in the registry" if language == "en" else "不在客户名册") in text for text in texts)


def test_contacts_at_odds_with_the_answers_are_found():
    contact = {"frame": CONTACTS.iloc[1:7], "outcome": "disposition", "codes": CODES}
    made = base(survey=Source(answers(["A01", "A02", "A04"], [9, 8, 7]), contact=contact))
    found = {finding.code: finding.values.get("count") for finding in made.findings}
    assert found["heard_not_invited"] == 1 and found["heard_not_complete"] == 1 and found["complete_without_answer"] == 1
