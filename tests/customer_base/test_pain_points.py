"""Pain points counted from rows: by hand, against simulated counts spread over customers, on every engine, and each refusal."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from customer_base.small_base import KINDS, converter, registry

from vocstats import CountedPainPoints, CustomerBase, Reports, Source, texts
from vocstats.datasets import simulate_pain_points
from vocstats.errors import InputError

WINDOW = {"from": "2025-10-01", "to": "2026-09-30"}
CELL = ["pain_point", "region", "response_group"]
SURVEY = pd.DataFrame(
    {
        "customer_id": ["A01", "A02", "A03", "A10"], "delivery": [1, 0, None, 1], "ethics": [0, 9, 1, 0],
        "day": ["2026-07-01", "2026-07-02", "2026-07-03", "2026-07-04"],
    }
)
CALLS = pd.DataFrame({"customer_id": ["A04", "A05", "A06"], "delivery": [1, None, 0], "ethics": [0, None, 1]})
EXITS = pd.DataFrame({"customer_id": ["A11", "A12"], "delivery": [1, None], "ethics": [1, None]})
TICKETS = pd.DataFrame(
    {
        "customer_id": ["A01", "A01", "A07", "A12", "A04", "A02"], "code": ["late", "lost", "late", "rude", "late", "late"],
        "opened": ["2026-05-01", "2026-06-01", "2025-10-01", "2026-09-30", "2026-10-01", None],
    }
)
CODES = {"late": "delivery", "lost": "delivery", "rude": "ethics"}


def base(convert=lambda frame: frame, *, survey=SURVEY, reports=None, **options) -> CustomerBase:
    answers = {
        "survey": Source(convert(survey), date="day"), "follow_up": Source(convert(CALLS)), "exit_interview": Source(convert(EXITS)),
    }
    given = {"window": WINDOW, "missing_codes": (9,), "answers": answers, "reports": reports} | options
    return CustomerBase.from_frames(convert(registry()), id="customer_id", churned="churned", **given)


def tickets(convert=lambda frame: frame, table=TICKETS, **options) -> Reports:
    return Reports(convert(table), **({"date": "opened", "code": "code", "mapping": CODES} | options))


def counted(counts: CountedPainPoints, source: str) -> dict[tuple[str, ...], tuple[int, int]]:
    rows = counts.observations[counts.observations["source"] == source].set_index(CELL)[["positive", "n"]]
    return {key: tuple(value) for key, value in zip(rows.index, rows.to_numpy().tolist(), strict=True)}


# by hand: A01, A03, A05, A07 and A09 of the north stay, A10 and A12 left; A02, A04, A06 and A08 of the south stay, A11 left


def test_answers_are_counted_by_pain_cell_group_and_source():
    counts = base().count_pain_points(["delivery", "ethics"], groups=["region"])
    assert counted(counts, "survey") == {
        ("delivery", "north", "engaged"): (1, 1), ("delivery", "south", "engaged"): (0, 1),
        ("delivery", "north", "churned_answered"): (1, 1), ("ethics", "north", "engaged"): (1, 2),
        ("ethics", "north", "churned_answered"): (0, 1),
    }
    assert counted(counts, "follow_up") == {("delivery", "south", "silent"): (1, 2), ("ethics", "south", "silent"): (1, 2)}
    assert counted(counts, "exit_interview") == {("delivery", "south", "churned"): (1, 1), ("ethics", "south", "churned"): (1, 1)}
    assert list(counts.observations) == ["pain_point", "region", "response_group", "source", "positive", "n"]
    assert counts.groups == ("region",)
    assert counts.window == (date(2025, 10, 1), date(2026, 9, 30))


def test_frame_counts_every_customer_once():
    frame = base().count_pain_points(["delivery"], groups="region").frame
    assert frame.set_index(["region", "response_group"])["customers"].to_dict() == {
        ("north", "engaged"): 2, ("south", "engaged"): 1, ("north", "silent"): 3, ("south", "silent"): 3, ("north", "churned"): 1,
        ("south", "churned"): 1, ("north", "churned_answered"): 1,
    }


def test_missing_answers_are_told_and_not_counted():
    answers = base().count_pain_points(["delivery", "ethics"], groups=["region"]).answers
    assert answers.to_numpy().tolist() == [
        ["survey", "delivery", 4, 3, 1], ["survey", "ethics", 4, 3, 1], ["follow_up", "delivery", 3, 2, 1],
        ["follow_up", "ethics", 3, 2, 1], ["exit_interview", "delivery", 2, 1, 1], ["exit_interview", "ethics", 2, 1, 1],
    ]


def test_sources_may_name_their_columns_otherwise_and_ask_for_fewer_pains():
    survey = SURVEY.rename(columns={"delivery": "q5_1"})
    counts = base(survey=survey).count_pain_points({"survey": {"delivery": "q5_1"}, "exit_interview": ["ethics"]}, groups=[])
    assert set(counts.observations["source"]) == {"survey", "exit_interview"}
    assert counts.answers[["source", "pain_point"]].to_numpy().tolist() == [["survey", "delivery"], ["exit_interview", "ethics"]]
    assert list(counts.observations) == ["pain_point", "response_group", "source", "positive", "n"]
    assert counts.frame["customers"].sum() == 12


def test_answers_from_before_the_window_speak_of_another_time():
    survey = SURVEY.assign(day=["2025-09-30", "2025-10-01", "2026-12-01", None])
    counts = base(survey=survey).count_pain_points(["delivery", "ethics"], groups=["region"])
    assert counts.set_aside.to_numpy().tolist() == [["survey", "undated", 1, "A10"], ["survey", "before_window", 1, "A01"]]
    assert counted(counts, "survey") == {("delivery", "south", "engaged"): (0, 1), ("ethics", "north", "engaged"): (1, 1)}


def test_the_last_answer_counts_where_asked():
    again = pd.DataFrame({"customer_id": ["A01", "A01"], "delivery": [0, None], "ethics": [1, None], "day": ["2026-08-01", "2026-09-01"]})
    survey = pd.concat([SURVEY, again])
    last = base(survey=survey, repeated="last").count_pain_points(["delivery", "ethics"], groups=["region"])
    assert counted(last, "survey")[("delivery", "north", "engaged")] == (0, 1)
    with pytest.raises(InputError, match=r"Column 'delivery' of .*must say 1 or 0 of each customer; it does not for ids 'A01'.*'last'"):
        base(survey=survey, repeated="mean").count_pain_points(["delivery"], groups=["region"])


# reports


def test_tickets_count_customers_of_everyone():
    counts = base(reports={"ticket": tickets()}).count_pain_points(["delivery", "ethics"], groups=["region"])
    found = {key: value for key, value in counted(counts, "ticket").items() if value[0]}
    frame = counts.frame.set_index(["region", "response_group"])["customers"]
    assert found == {
        ("delivery", "north", "engaged"): (1, frame[("north", "engaged")]),  # A01 twice
        ("delivery", "north", "silent"): (1, frame[("north", "silent")]),  # A07
        ("ethics", "north", "churned"): (1, frame[("north", "churned")]),  # A12
    }
    n = counts.observations.query("source == 'ticket'").groupby("pain_point")["n"].sum()
    assert n.to_dict() == {"delivery": 12, "ethics": 12}
    assert counts.set_aside.to_numpy().tolist() == [["ticket", "undated", 1, "A02"], ["ticket", "outside_time", 1, "A04"]]
    assert "ticket" not in set(counts.answers["source"])


def test_comments_count_those_who_wrote():
    comments = pd.DataFrame(
        {
            "customer_id": ["A01", "A01", "A02", "A09"], "late": [0, 1, None, 0],
            "opened": ["2026-05-01", "2026-06-01", "2026-07-01", "2026-07-02"],
        }
    )
    reports = {"comment": tickets(table=comments, code=None, mapping=None, columns={"delivery": "late"}, looked_at="listed")}
    counts = base(reports=reports).count_pain_points(["delivery", "ethics"], groups=["region"])
    assert counted(counts, "comment") == {
        ("delivery", "north", "engaged"): (1, 1), ("delivery", "south", "engaged"): (0, 1), ("delivery", "north", "silent"): (0, 1),
    }


def test_codes_without_a_pain_are_an_error_or_counted():
    praise = pd.concat([TICKETS, pd.DataFrame({"customer_id": ["A08", "A08"], "code": ["praise", None], "opened": "2026-05-05"})])
    message = r"2 rows of reports\['ticket'\] have no pain point: codes 'praise' in column 'code', 1 rows without a code"
    with pytest.raises(InputError, match=message):
        base(reports={"ticket": tickets(table=praise)}).count_pain_points(["delivery", "ethics"], groups=["region"])
    reports = {"ticket": tickets(table=praise, unmapped="set_aside", looked_at="listed")}
    counts = base(reports=reports).count_pain_points(["delivery", "ethics"], groups=["region"])
    assert ["ticket", "unmapped_code", 2, "praise"] in counts.set_aside.to_numpy().tolist()
    assert counted(counts, "ticket")[("delivery", "south", "silent")] == (0, 1)  # A08 wrote, and of no pain


def test_codes_may_be_the_pain_points_themselves():
    own = TICKETS.assign(code=["delivery", "delivery", "delivery", "ethics", "delivery", "delivery"])
    one = base(reports={"ticket": tickets(table=own, mapping=None)}).count_pain_points(["delivery", "ethics"], groups=["region"])
    other = base(reports={"ticket": tickets()}).count_pain_points(["delivery", "ethics"], groups=["region"])
    pd.testing.assert_frame_equal(one.observations, other.observations)


def test_reports_of_strangers_are_an_error_or_counted():
    strange = pd.concat([TICKETS, pd.DataFrame({"customer_id": ["Z1", None], "code": "late", "opened": "2026-05-05"})])
    for options, message in (({}, "1 rows without 'customer_id'"), ({"where": {"customer_id": ["Z1", "A01"]}}, "1 ids of .*'Z1'")):
        with pytest.raises(InputError, match=message):
            base(reports={"ticket": tickets(table=strange, **options)}).count_pain_points(["delivery", "ethics"], groups=["region"])
    lenient = base(reports={"ticket": tickets(table=strange, unmatched="set_aside")})
    reasons = lenient.count_pain_points(["delivery", "ethics"], groups=["region"]).set_aside
    assert reasons.set_index("reason")["rows"].to_dict() == {"without_id": 1, "undated": 1, "outside_time": 1, "unmatched": 1}
    assert all(texts.render(f"set_aside.{reason}", language) for reason in reasons["reason"] for language in texts.LANGUAGES)


def test_reports_of_nobody_in_the_window_count_as_none():
    counts = base(reports={"ticket": tickets()}).count_pain_points(
        ["delivery", "ethics"], groups=["region"], window={"from": "2024-01-01", "to": "2024-12-31"}
    )
    assert counts.observations.query("source == 'ticket'")["positive"].sum() == 0
    assert counts.window == (date(2024, 1, 1), date(2024, 12, 31))


# the same from every engine, and from simulated counts


@pytest.mark.parametrize("kind", KINDS)
def test_every_engine_counts_alike(kind):
    convert = converter(kind)
    expected = base(reports={"ticket": tickets()}).count_pain_points(["delivery", "ethics"], groups=["region", "warranty"])
    survey = SURVEY.assign(day=pd.to_datetime(SURVEY["day"]))
    table = TICKETS.assign(opened=pd.to_datetime(TICKETS["opened"]))
    found = base(convert, survey=survey, reports={"ticket": tickets(convert, table)}).count_pain_points(
        ["delivery", "ethics"], groups=["region", "warranty"]
    )
    for name in ("observations", "frame", "answers", "set_aside"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(expected, name), check_dtype=False)


def test_counts_spread_over_customers_are_counted_again():
    world = simulate_pain_points(12, seed=3, pains=5, segments=3, customers=(100, 400), comments=0.3, tickets=0.1)
    rows, pains = world.tables(), list(world.truth.prevalence()["pain_point"])
    given = CustomerBase.from_frames(
        rows["registry"], id="customer_id", churned="churned", dealer="dealer", window=WINDOW,
        answers={
            "survey": Source(rows["survey"], date="answered_on"), "follow_up": Source(rows["follow_up"], issued="respondents"),
            "exit_interview": Source(rows["exit_interview"], issued="respondents"),
        },
        reports={
            "ticket": Reports(rows["ticket"], date="opened_on", code="pain_point"),
            "comment": Reports(rows["comment"], date="answered_on", columns=pains, looked_at="listed"),
        },
    )
    counts = given.count_pain_points(pains, groups=world.groups)
    keys = ["source", "pain_point", *world.groups, "response_group"]
    there = world.frame.query("customers > 0")
    for tables, by in (((counts.observations, world.observations), keys), ((counts.frame, there), keys[2:])):
        pd.testing.assert_frame_equal(*(table.set_index(by).sort_index() for table in tables), check_dtype=False)


def test_never_invited_customers_are_a_response_group():
    log = pd.DataFrame({"customer_id": SURVEY["customer_id"].tolist() + ["A04", "A05", "A06"], "how": ["complete"] * 4 + ["refusal"] * 3})
    survey = Source(SURVEY, contact={"frame": log, "outcome": "how", "codes": {"complete": ["complete"], "refusal": ["refusal"]}})
    reports = {"ticket": tickets(table=TICKETS.assign(opened="2026-05-05"))}
    counts = base(answers={"survey": survey, "follow_up": CALLS}, reports=reports).count_pain_points(["delivery", "ethics"], groups=[])
    assert counts.frame.set_index("response_group")["customers"].to_dict() == {
        "engaged": 3, "silent": 3, "churned": 2, "not_invited": 3, "churned_answered": 1,
    }
    opened = counts.observations.query("source == 'ticket' and positive > 0").set_index(["pain_point", "response_group"])
    assert opened["positive"].to_dict() == {
        ("delivery", "engaged"): 2, ("delivery", "silent"): 1, ("delivery", "not_invited"): 1, ("ethics", "churned"): 1,
    }


# refusals

REFUSALS = {
    "no window": (lambda: base(window=None).count_pain_points(["delivery"], groups=[]), "pain_window_needed", ["window={'from'"]),
    "window order": (
        lambda: base().count_pain_points(["delivery"], groups=[], window={"from": "2026-02-01", "to": "2026-01-01"}), "window_order",
        ["2026-02-01"],
    ),
    "half a window": (lambda: base().count_pain_points(["delivery"], groups=[], window={"to": "2026-01-01"}), "pain_window_needed", []),
    "no columns": (lambda: base().count_pain_points([], groups=[]), "pain_columns", ["columns"]),
    "one column": (lambda: base().count_pain_points("delivery", groups=[]), "pain_columns", ["'delivery'"]),
    "unknown column": (lambda: base().count_pain_points(["delivry"], groups=[]), "unknown_column", ["'delivry'", "'delivery'"]),
    "absent source": (
        lambda: base().count_pain_points({"panel": ["delivery"]}, groups=[]), "columns_of_absent_source", ["'panel'", "'survey'"],
    ),
    "a score": (lambda: base(survey=SURVEY.assign(ethics=7)).count_pain_points(["ethics"], groups=[]), "off_scale", ["'ethics'", "7"]),
    "text": (lambda: base(survey=SURVEY.assign(ethics="yes")).count_pain_points(["ethics"], groups=[]), "text_as_number", ["'ethics'"]),
    "unknown group": (lambda: base().count_pain_points(["ethics"], groups=["regoin"]), "unknown_column", ["'regoin'", "'region'"]),
    "pain of reports alone": (
        lambda: base(reports={"t": tickets()}).count_pain_points(["delivery"], groups=[]), "pain_of_reports_alone",
        ["'ethics'", "'delivery'"],
    ),
    "reports on another scale": (
        lambda: base(
            reports={"t": tickets(table=TICKETS.assign(code=7), code=None, mapping=None, columns={"delivery": "code"})}
        ).count_pain_points(["delivery"], groups=[]),
        "neither_0_nor_1", ["'code'", "reports['t']", "7"],
    ),
    "weights": (
        lambda: CustomerBase.from_frames(
            registry(w=1.0), id="customer_id", churned="churned", answers={"survey": SURVEY}, base_weight="w", window=WINDOW
        ).count_pain_points(["delivery"], groups=[]),
        "weighted_pain_points", ["base_weight="],
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name):
    attempt, code, fragments = REFUSALS[name]
    with pytest.raises(InputError) as caught:
        attempt()
    assert caught.value.code == code, str(caught.value)
    assert all(fragment in str(caught.value) for fragment in fragments), str(caught.value)
    chinese = texts.message(caught.value, "zh")
    assert chinese != str(caught.value) and any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def test_repr_tells_what_is_missing():
    assert repr(base().count_pain_points(["delivery", "ethics"], groups=[])) == (
        "CountedPainPoints(2 pain points, 12 customers, 2025-10-01 to 2026-09-30; 6 answers missing)"
    )
