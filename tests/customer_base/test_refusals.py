"""Every refusal names the column, the rows or ids, and the remedy, in English and Chinese."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from customer_base.small_base import FOLLOW_UP, KINDS, answers, base, converter, registry

from vocstats import CustomerBase, InputError, Reports, Source, texts


def cells(columns=(), *, scale=(1, 10), outcome="csi", **options):
    return base(**options).cells(columns, outcome=outcome, scale=scale)


def with_duplicate():
    frame = registry()
    frame.loc[3, "customer_id"] = "A02"
    return base(frame)


def weighted(value):
    return base(registry(w=[1.0] * 5 + [value] + [1.0] * 6), base_weight="w")


def drawn_with(p):
    return base(follow_up=Source(answers(["A04", "A05"], [7, 6], p=[0.5, p]), selection_probability="p"))


def window(**keys):
    frame = registry(joined=["2020-01-01"] * 11 + [None], left=[None] * 12)
    return base(
        frame, survey=answers(["A01"], [9]), window={"joined": "joined", "left": "left", "from": "2026-01-01", "to": "2026-09-30"} | keys
    )


def contact(frame, codes=None, **keys):
    return base(survey=Source(answers(["A01", "A02"], [9, 8]), contact={"frame": frame, "outcome": "how", "codes": codes} | keys))


LOG = pd.DataFrame({"customer_id": ["A01", "A02", "A05"], "how": ["complete", "complete", "refusal"], "calls": [1, 2, 3]})
TWICE = answers(["A01", "A01", "A02"], [9, 6, 8], day=["2026-07-01", "2026-07-01", "2026-07-02"])

def tickets(**options):
    table = pd.DataFrame({"customer_id": ["A01"], "code": ["late"], "opened": ["2026-05-01"]})
    return Reports(table, **({"date": "opened", "code": "code"} | options))


REFUSALS = {
    "registry: duplicate ids": (with_duplicate, "duplicate_ids", ["'customer_id'", "registry", "'A02'", "rows 1, 3", "unit='visit'"]),
    "registry: missing ids": (
        lambda: base(registry(customer_id=["A01", None, *[f"A{k:02}" for k in range(3, 13)]])),
        "missing_ids",
        ["'customer_id'", "rows 1"],
    ),
    "registry: blank id": (lambda: base(registry(customer_id=[" ", *[f"A{k:02}" for k in range(2, 13)]])), "missing_ids", ["rows 0"]),
    "answers: blank id": (lambda: base(survey=answers(["A01", ""], [9, 8])), "answers_without_id", ["'customer_id'", "rows 1"]),
    "registry: empty": (lambda: base(registry().iloc[:0]), "empty_table", ["no rows"]),
    "registry: nobody left": (lambda: base(where={"region": "east"}), "empty_table", ["where="]),
    "registry: not a table": (lambda: base([1, 2]), "unsupported_table", ["registry", "list", "read_table"]),
    "registry: column twice": (
        lambda: base(pd.concat([registry(), registry()[["region"]]], axis=1)),
        "duplicate_columns",
        ["registry", "region"],
    ),
    "registry: column in capitals": (lambda: base(churned="CHURNED"), "unknown_column", ["'CHURNED'", "Did you mean 'churned'?"]),
    "registry: dates without a day": (
        lambda: base(registry(gone=["2026-01-01", *[None] * 11]), churned="gone"),
        "not_true_false",
        ["'gone'", "'2026-01-01' and missing values", "reference_date="],
    ),
    "missing codes: one number": (lambda: base(missing_codes=99), "not_numbers", ["missing_codes", "99"]),
    "precedence: one name": (lambda: base(follow_up=answers(*FOLLOW_UP), precedence="survey"), "precedence_names", ["got 'survey'"]),
    "registry: unknown column": (lambda: base(churned="churnd"), "unknown_column", ["registry", "'churnd'", "Did you mean 'churned'?"]),
    "registry: unknown auxiliary": (lambda: cells(["Region"]), "unknown_column", ["'Region'", "'region'"]),
    "registry: ids that are dates": (
        lambda: base(registry(customer_id=pd.to_datetime("2026-01-01"))),
        "not_an_id",
        ["'customer_id'", "registry", "datetime"],
    ),
    "registry: ids that lost digits": (
        lambda: base(registry(customer_id=np.arange(12) + 1e17)),
        "inexact_ids",
        ["'customer_id'", "registry", "text_columns"],
    ),
    "churned: text without is": (
        lambda: base(registry(churned=["No"] * 9 + ["Yes"] * 3)),
        "not_true_false",
        ["'churned'", "'No', 'Yes'", "{'column': 'churned', 'is': [...]}"],
    ),
    "churned: a third value": (
        lambda: base(registry(churned=[0] * 9 + [1, 1, 2])),
        "not_true_false",
        ["'churned'", "'2'", "'A12'", "rows 11"],
    ),
    "churned: missing": (
        lambda: base(registry(churned=pd.array([False] * 9 + [True, True, None], "boolean"))),
        "not_true_false",
        ["'A12'", "rows 11"],
    ),
    "churned: missing level": (
        lambda: base(registry(status=["in"] * 9 + ["out", "out", None]), churned={"column": "status", "is": ["out"]}),
        "missing_status",
        ["'status'", "'A12'", "rows 11", "where="],
    ),
    "churned: no such level": (
        lambda: base(registry(status=["in"] * 9 + ["out"] * 3), churned={"column": "status", "is": ["Out"]}),
        "no_such_level",
        ["'Out'", "'in', 'out'", "churned=None"],
    ),
    "churned: wrong keys": (lambda: base(churned={"column": "churned", "equals": 1}), "churned_keys", ["'equals'", "'before'"]),
    "churned: date without reference": (
        lambda: base(registry(left=pd.to_datetime("2026-01-01")), churned="left"),
        "reference_date_needed",
        ["reference_date="],
    ),
    "churned: unparsable dates": (
        lambda: base(registry(left=["2026-13-01"] * 12), churned="left", reference_date="2026-09-30"),
        "unparsable_dates",
        ["'left'", "'2026-13-01'", "2026-09-30"],
    ),
    "churned: day first": (
        lambda: base(registry(left=["03/09/2026"] * 12), churned="left", reference_date="2026-09-30"),
        "unparsable_dates",
        ["'03/09/2026'", "year first"],
    ),
    "churned: timezone": (
        lambda: base(registry(left=pd.to_datetime(["2026-01-01"] * 12, utc=True)), churned="left", reference_date="2026-09-30"),
        "timezone",
        ["'left'", "UTC"],
    ),
    "reference date: no day": (lambda: base(reference_date="30.9.2026"), "not_a_day", ["reference_date", "'30.9.2026'"]),
    "window: keys": (lambda: base(window={"start": "2026-01-01"}), "window_keys", ["'start'", "'from'"]),
    "window: order": (lambda: window(to="2025-01-01"), "window_order", ["2025-01-01", "2026-01-01"]),
    "window: no joining date": (window, "undated", ["'joined'", "'A12'", "where="]),
    "base weight: negative": (lambda: weighted(-1.0), "unusable_base_weight", ["'w'", "'A06'", "rows 5"]),
    "base weight: infinite": (lambda: weighted(np.inf), "unusable_base_weight", ["'w'", "'A06'"]),
    "base weight: missing": (lambda: weighted(np.nan), "unusable_base_weight", ["'w'", "'A06'"]),
    "base weight: text": (lambda: base(registry(w=["1"] * 12), base_weight="w"), "text_as_number", ["'w'", "registry", "'1'"]),
    "stratum: missing": (lambda: cells(frame=registry(s=["a"] * 11 + [None]), stratum="s"), "missing_design", ["'s'", "1 customers"]),
    "where: wrong kind": (lambda: base(where={"region": 1}), "value_kind", ["'region'", "text", "1"]),
    "auxiliary: missing": (
        lambda: cells(["region"], frame=registry(region=["n"] * 10 + [None] * 2)),
        "missing_auxiliary",
        ["2 customers", "'region'", "'A11', 'A12'", "missing='level'"],
    ),
    "auxiliary: missing, not among those named": (
        lambda: cells(["region"], frame=registry(region=["n"] * 11 + [None]), missing={"tenure": "none"}),
        "missing_auxiliary",
        ["'A12'"],
    ),
    "auxiliary: dates": (lambda: cells(["d"], frame=registry(d=pd.to_datetime("2026-01-01"))), "unusable_type", ["'d'", "registry"]),
    "bands: of text": (
        lambda: cells(["b"], bands={"b": {"from": "region", "upper": [1], "labels": ["x", "y"]}}),
        "text_as_number",
        ["'region'", "'north'"],
    ),
    "bands: labels": (
        lambda: base(bands={"b": {"from": "tenure", "upper": [12, 24], "labels": ["x", "y"]}}),
        "bad_band",
        ["bands['b']", "2 limits and 2 labels"],
    ),
    "bands: order": (
        lambda: base(bands={"b": {"from": "tenure", "upper": [24, 12], "labels": ["x", "y", "z"]}}),
        "bad_band",
        ["ascending"],
    ),
    "missing: no such rule": (lambda: base(missing="drop"), "not_a_choice", ["missing", "'drop'", "'level'"]),
    "answers: no survey": (
        lambda: CustomerBase.from_frames(registry(), id="customer_id", churned="churned", answers={"servey": answers(["A01"], [9])}),
        "answer_sources",
        ["'servey'", "Did you mean 'survey'?"],
    ),
    "answers: empty": (lambda: base(survey=answers([], [])), "empty_table", ["answers['survey']"]),
    "answers: nothing left": (
        lambda: base(survey=Source(answers(["A01"], [9]), where={"csi": 5})),
        "empty_table",
        ["answers['survey']", "where, selected"],
    ),
    "answers: unknown id": (
        lambda: base(survey=answers(["A01", "B07"], [9, 8])),
        "unknown_ids",
        ["answers['survey']", "'B07'", "rows 1", "unmatched='set_aside'"],
    ),
    "answers: lost zeros": (
        lambda: base(registry(customer_id=[f"{k:05}" for k in range(1, 13)]), survey=pd.DataFrame({"customer_id": [1, 2], "csi": [9, 8]})),
        "unknown_ids",
        ["'1', '2'", "The registry has '00001' where the answers have '1'", "text_columns"],
    ),
    "answers: ids as decimals": (
        lambda: base(registry(customer_id=range(1, 13)), survey=answers(["1.0", "2.0"], [9, 8])),
        "unknown_ids",
        ["The registry has '1' where the answers have '1.0'"],
    ),
    "answers: no id": (
        lambda: base(survey=answers(["A01", None], [9, 8])),
        "answers_without_id",
        ["'customer_id'", "rows 1", "unmatched="],
    ),
    "answers: twice": (
        lambda: base(survey=answers(["A01", "A02", "A01"], [9, 8, 7])),
        "repeated_answers",
        ["answers['survey']", "'A01'", "rows 0, 2", "repeated='first'"],
    ),
    "answers: last without date": (lambda: base(survey=TWICE, repeated="last"), "repeated_needs_date", ["answers['survey']", "date="]),
    "answers: tie": (lambda: cells(survey=Source(TWICE, date="day", repeated="last")), "repeated_tie", ["'A01'", "repeated='mean'"]),
    "answers: undated": (
        lambda: cells(survey=Source(TWICE.assign(day=["2026-07-01", None, "2026-07-02"]), date="day", repeated="last")),
        "repeated_undated",
        ["'day'", "'A01'"],
    ),
    "answers: unparsable date": (
        lambda: base(survey=Source(TWICE.assign(day="soon"), date="day", repeated="last")),
        "unparsable_dates",
        ["'day'", "'soon'"],
    ),
    "answers: off the scale": (
        lambda: cells(survey=answers(["A01", "A02"], [9, 11])),
        "off_scale",
        ["'csi'", "answers['survey']", "1 to 10", "11.0", "'A02'", "missing_codes="],
    ),
    "answers: infinite": (lambda: cells(survey=answers(["A01", "A02"], [9, np.inf]), scale=None), "off_scale", ["'A02'"]),
    "answers: text": (
        lambda: cells(survey=answers(["A01", "A02"], ["9", "8"])),
        "text_as_number",
        ["'csi'", "'8', '9'", "Convert it to numbers"],
    ),
    "answers: one is text": (
        lambda: cells(survey=answers(["A01", "A02", "A04"], ["9", "good", None])),
        "text_as_number",
        ["'csi'", "('good') at rows 1", "Convert it to numbers"],
    ),
    "answers: unknown outcome": (lambda: cells(outcome="cis"), "unknown_column", ["answers['survey']", "'cis'", "'csi'"]),
    "answers: selected": (
        lambda: base(follow_up=Source(answers(["A04"], [7], drawn=["yes"]), selected="drawn")),
        "not_true_false",
        ["'drawn'", "answers['follow_up']", "'yes'", "where="],
    ),
    "answers: outcome frame": (
        lambda: cells(survey=Source(answers(["A01"], [9])[["customer_id"]], outcome_frame=answers(["A01", "A01"], [9, 8]))),
        "duplicate_outcomes",
        ["'A01'"],
    ),
    "items: weights": (lambda: base().cells(items={"csi": 0.9}), "item_weights", ["0.9"]),
    "probability: zero": (
        lambda: drawn_with(0.0),
        "unusable_probability",
        ["'p'", "answers['follow_up']", "'A05'", "above 0 and at most 1"],
    ),
    "probability: above one": (lambda: drawn_with(1.5), "unusable_probability", ["1.5"]),
    "probability: missing": (lambda: drawn_with(np.nan), "unusable_probability", ["'A05'"]),
    "probability: two of one customer": (
        lambda: cells(follow_up=Source(answers(["A04", "A04"], [7, 6], p=[0.5, 0.25]), selection_probability="p", repeated="mean")),
        "several_probabilities",
        ["'A04'", "answers['follow_up']"],
    ),
    "probability: of a survey": (
        lambda: base(survey=Source(answers(["A01"], [9], p=[1.0]), selection_probability="p")),
        "not_for_this_source",
        ["base_weight="],
    ),
    "attempt": (lambda: base(survey=Source(answers(["A01"], [9], a=[0]), attempt="a")), "unusable_attempt", ["'a'", "'A01'"]),
    "respondents who were selected": (
        lambda: base(follow_up=Source(answers(["A04"], [7], s=[1]), selected="s", issued="respondents")),
        "respondents_and_selected",
        ["issued='respondents'", "Keep one"],
    ),
    "follow-up of the engaged": (
        lambda: base(follow_up=answers(["A01", "A04"], [7, 7])),
        "two_sources",
        ["'survey'", "'follow_up'", "'A01'", "precedence=('survey', 'follow_up')"],
    ),
    "follow-up of the churned": (
        lambda: base(follow_up=answers(["A12", "A04"], [7, 7])),
        "follow_up_not_silent",
        ["answers['follow_up']", "not silent but churned", "'A12'", "exit_interview"],
    ),
    "follow-up of the never invited": (
        lambda: base(
            survey=Source(answers(["A01", "A02"], [9, 8]), contact={"frame": LOG, "outcome": "how"}),
            follow_up=answers(["A05", "A06"], [7, 7]),
        ),
        "follow_up_not_silent",
        ["not silent but never invited", "'A06'"],
    ),
    "exit interview of the active": (
        lambda: base(exits=answers(["A04", "A11"], [2, 2])),
        "exit_interview_not_churned",
        ["answers['exit_interview']", "not churned but silent", "'A04'", "reference date"],
    ),
    "precedence: names": (lambda: base(precedence=("survey", "telephone")), "precedence_names", ["'telephone'"]),
    "contact: keys": (lambda: base(survey=Source(answers(["A01"], [9]), contact={"table": LOG})), "contact_keys", ["'table'", "'frame'"]),
    "contact: codes": (lambda: contact(LOG, {"done": ["complete"]}), "contact_codes", ["'done'", "'complete'"]),
    "contact: no code": (lambda: contact(LOG, {"complete": ["complete"]}), "uncoded_contacts", ["'refusal'", "'how'", "codes="]),
    "contact: one value, two meanings": (
        lambda: contact(LOG, {"complete": ["complete", "refusal"], "refusal": "refusal"}),
        "contact_code_twice",
        ["answers['survey'].contact.codes", "'refusal'", "'how'"],
    ),
    "contact: twice": (lambda: contact(pd.concat([LOG, LOG.iloc[:1]])), "repeated_contacts", ["'A01'", "final outcome"]),
    "contact: unknown id": (lambda: contact(LOG.replace("A05", "X5")), "unknown_ids", ["answers['survey'].contact", "'X5'"]),
    "contact: no id": (lambda: contact(LOG.replace("A05", None)), "missing_ids", ["answers['survey'].contact"]),
    "contact: attempts": (lambda: contact(LOG.assign(calls=[1, 2, -1]), attempts="calls"), "unusable_attempts", ["'calls'", "'A05'"]),
    "reports: no Reports": (lambda: base(reports={"ticket": LOG}), "not_reports", ["reports['ticket']", "vocstats.Reports", "DataFrame"]),
    "reports: name": (lambda: base(reports={"survey": tickets()}), "report_names", ["'survey'"]),
    "reports: neither": (lambda: base(reports={"t": tickets(code=None)}), "report_columns", ["reports['t']", "code=", "columns="]),
    "reports: both": (lambda: base(reports={"t": tickets(columns=["code"])}), "report_columns", ["reports['t']"]),
    "reports: column": (lambda: base(reports={"t": tickets(code="cod")}), "unknown_column", ["'cod'", "'code'"]),
    "reports: id": (lambda: base(reports={"t": tickets(id="id")}), "unknown_column", ["'id'"]),
    "reports: date": (lambda: base(reports={"t": tickets(date="day")}), "unknown_column", ["'day'"]),
    "reports: looked_at": (lambda: base(reports={"t": tickets(looked_at="all")}), "not_a_choice", ["'everyone', 'listed'"]),
    "reports: columns": (lambda: base(reports={"t": tickets(code=None, columns="code")}), "pain_columns", ["reports['t'].columns"]),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name):
    attempt, code, fragments = REFUSALS[name]
    with pytest.raises(InputError) as caught:
        attempt()
    error = caught.value
    assert error.code == code, str(error)
    for fragment in fragments:
        assert fragment in str(error), f"{fragment!r} not in: {error}"
    chinese = texts.message(error, "zh")
    assert chinese != str(error) and any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def too_many(values):
    size = len(values)
    frame = pd.DataFrame({"customer_id": [f"C{k}" for k in range(size)], "churned": False, "x": values})
    return base(frame, survey=answers(["C1"], [9])).cells(["x"], outcome="csi")


@pytest.mark.parametrize("values", [np.arange(200_000), np.arange(400) / 7, [f"V{k}" for k in range(200)]])
def test_an_auxiliary_with_too_many_levels_is_refused(values):
    with pytest.raises(InputError, match=f"'x' has {len(values):,} levels.*Band it") as caught:
        too_many(values)
    assert caught.value.code == "too_many_levels" and "分段" in texts.message(caught.value, "zh")


def test_a_thousand_dealers_are_not_too_many():
    assert len(too_many([f"D{k % 1000}" for k in range(20_000)]).levels["x"]) == 1000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["duplicate_ids", "unknown_ids", "missing_auxiliary", "not_true_false", "unusable_base_weight", "repeated_answers", "off_scale"]
)
def test_refusals_name_the_ids_on_every_engine(kind, name):
    convert = converter(kind)
    frame, survey = registry(w=1.0), answers(["A01", "A02", "A03"], [9, 8, 10])
    frame["region"] = frame["region"].astype("string")
    if name == "duplicate_ids":
        frame.loc[11, "customer_id"] = "A07"
    elif name == "unknown_ids":
        survey.loc[0, "customer_id"] = "A77"
    elif name == "missing_auxiliary":
        frame.loc[6, "region"] = pd.NA
    elif name == "not_true_false":
        frame["churned"] = frame["churned"].astype(int)
        frame.loc[6, "churned"] = 7
    elif name == "unusable_base_weight":
        frame.loc[6, "w"] = -7.0
    elif name == "repeated_answers":
        survey.loc[1, "customer_id"] = "A01"
    else:
        survey.loc[0, "csi"] = 77
    with pytest.raises(InputError) as caught:
        base(convert(frame), survey=convert(survey), base_weight="w").cells(["region"], outcome="csi", scale=(1, 10))
    assert caught.value.code == name
    assert ("A77" if name == "unknown_ids" else "A01" if name in ("repeated_answers", "off_scale") else "A07") in str(caught.value)
    assert bool(caught.value.rows) == (kind in ("pandas", "polars", "pyarrow")) or name in ("repeated_answers", "missing_auxiliary")
