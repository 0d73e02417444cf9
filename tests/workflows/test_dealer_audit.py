"""The audit of a network: what it lists, what it says, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from workflows.dealer_networks import audit, network, options

import vocstats as vs
from vocstats import texts
from vocstats.errors import InputError
from vocstats.workflows.audit_result import STATUSES
from vocstats.workflows.detectable import detectable_inflation

FRAME = [
    "dealer", "n", "score", "adjusted_score", "corrected_score", "conf_low", "conf_high", "inflation", "p_value", "q_value", "flagged",
    "status", "detectable", "reasons",
]


def test_table_of_a_network() -> None:
    responses, _, drawn = network()
    a, table = audit(), audit().to_frame()
    assert table.columns[: len(FRAME)].tolist() == FRAME and len(table) == responses["dealer"].nunique()
    assert table["p_value"].is_monotonic_increasing and (table["flagged"] == (table["q_value"] <= 0.10)).all()
    means = responses.groupby("dealer")["score"].agg(["size", "mean"]).loc[table["dealer"]]
    assert table["n"].tolist() == means["size"].tolist() and table["score"].to_numpy() == pytest.approx(means["mean"].to_numpy())
    truth = drawn.truth.dealers.set_index("dealer").loc[table["dealer"]]
    flagged = table["flagged"].to_numpy()
    assert flagged.sum() >= 2 and truth["inflated"].to_numpy()[flagged].mean() >= 0.7
    assert ((table["reasons"] != "") == table["status"].isin(["to be verified", "watch"])).all()
    assert a.expected_false == pytest.approx(0.1 * flagged.sum())
    assert set(a.status) <= set(STATUSES) and (np.array(a.status)[a.flagged] == "to_be_verified").all()


def test_status_says_when_nothing_could_be_seen() -> None:
    a = audit()
    quiet = ~a.flagged & (a.evidence.p_value > 0.05)
    unseen = ~(a.detectable <= a.matters)
    status = np.array(a.status)
    assert (status[quiet & unseen] == "cannot_tell").all() and (status[quiet & ~unseen] == "no_sign_found").all()
    small = a.scores.n < np.median(a.scores.n)
    assert np.nanmedian(a.detectable[small]) > np.nanmedian(a.detectable[~small])


def test_every_reason_has_words_in_both_languages() -> None:
    a = audit()
    for dealer in a.dealers.tolist():
        for reason in a.reasons(dealer):
            assert reason.code != "other", reason
            english, chinese = reason.text(), reason.text("zh")
            assert english.endswith(".") and chinese.endswith("。") and "nan" not in english + chinese
            assert not any(word in english + chinese for word in ("造假", "作弊", "违规", "fraud", "cheat"))
    named = {each.name for each in a.signals}
    codes = texts.namespace("evidence")
    assert all(any(code == name or code.startswith(f"{name}_") for code in codes) for name in named)


def test_one_dealer() -> None:
    a = audit()
    listed = a.to_frame()["dealer"].iloc[0]
    record = a.dealer(listed)
    assert record.flagged and record.reasons[0].signal == record.to_frame()["signal"].iloc[0]
    assert listed in record.summary() and "待核查" in record.summary("zh")
    assert record.figures["calls"] > 0 and 0 < record.figures["settles_below"] <= 1
    rows = a.evidence_rows(listed)
    responses, roster, _ = network()
    from_responses = rows[rows["response_id"].notna()]
    position = from_responses["position"].astype(int).to_numpy()
    assert responses["response_id"].to_numpy()[position].astype(str).tolist() == from_responses["response_id"].tolist()
    assert set(responses["dealer"].to_numpy()[position]) == {listed}
    visits = rows[rows["signal"] == "invitation_bias"]
    assert set(roster.set_index(roster["visit_id"].astype(str)).loc[visits["visit"], "dealer"]) <= {listed}
    with pytest.raises(InputError, match="no dealer 'nobody'"):
        a.dealer("nobody")


def test_next_checks_are_ranked_by_what_a_call_settles() -> None:
    a = audit()
    plan = a.next_checks(8)
    assert len(plan) == 8 and plan["worth"].is_monotonic_decreasing and (plan["calls"] <= plan["forms"]).all()
    assert a.next_checks(1)["dealer"].tolist() == plan["dealer"].tolist()[:1]
    assert set(plan["dealer"].head(3)) & set(a.dealers[a.flagged])
    with pytest.raises(InputError, match="k must lie in"):
        a.next_checks(0)


def test_written_down_and_read_back() -> None:
    a = audit()
    document = json.loads(a.to_json())
    assert "responses" not in document and "roster" not in document
    again = vs.load(document)
    pd.testing.assert_frame_equal(again.to_frame(), a.to_frame())
    pd.testing.assert_frame_equal(again.next_checks(3), a.next_checks(3))
    assert again.summary("zh") == a.summary("zh") and again.evidence_rows(a.dealers[0])["response_id"].isna().all()


def test_order_of_rows_and_kind_of_table_change_nothing() -> None:
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    responses, roster, _ = network()
    wanted = audit().to_frame()
    mixed = responses.sample(frac=1, random_state=1), roster.sample(frac=1, random_state=2)
    for left, right in (mixed, (pl.from_pandas(responses).lazy(), pl.from_pandas(roster)), (pa.table(responses), roster)):
        got = vs.audit_dealers(left, roster=right, **options()).to_frame()
        pd.testing.assert_frame_equal(got, wanted, rtol=1e-9)


def test_with_less_and_less_to_go_by() -> None:
    responses, _, _ = network()
    bare = vs.audit_dealers(responses[["dealer", "score", "channel"]])
    assert {each.name for each in bare.signals} == {"channel_gap", "level_excess", "shelter", "dispersion"}
    assert bare.left_out["near_duplicates"] == "no_items" and bare.left_out["invitation_bias"] == "no_roster"
    assert bare.assumptions[-1].code == "audit_no_roster"
    alone = vs.audit_dealers(responses[["dealer", "score"]], channel=None)
    assert alone.left_out["channel_gap"] == "no_channel" and not alone.scores.identified.any()
    assert set(alone.status) <= {"to_be_verified", "watch", "cannot_tell", "no_sign_found"}
    one = vs.audit_dealers(responses[responses["dealer"] == "D0001"][["dealer", "score", "channel"]])
    assert one.status == ("cannot_tell",) and np.isnan(one.evidence.p_value).all() and not one.flagged.any()
    assert one.summary() and one.to_frame()["reasons"].tolist() == [""]


def test_chinese_columns_and_numbered_dealers() -> None:
    responses, _, _ = network()
    renamed = responses.assign(经销商=responses["dealer"].str[1:].astype(int))[["经销商", "score", "channel"]]
    renamed = renamed.rename(columns={"score": "满意度", "channel": "渠道"}).replace({"manufacturer": "厂家直采", "dealer": "经销商邀约"})
    a = vs.audit_dealers(renamed, dealer="经销商", score="满意度", channel="渠道", independent_channel="厂家直采")
    assert a.dealers.dtype.kind == "i" and a.dealer(int(a.dealers[0])).status in STATUSES


def _spoiled(column: str, value: Any) -> pd.DataFrame:
    responses = network()[0].astype({column: object})
    responses.loc[[3, 5], column] = value
    return responses


@pytest.mark.parametrize(
    ("make", "changes", "message"),
    [
        (lambda: network()[0].head(0), {}, "responses holds no rows"),
        (lambda: _spoiled("dealer", None), {}, r"Column 'dealer' of responses is missing at 2 rows: 3, 5"),
        (lambda: _spoiled("score", np.nan), {}, r"Column 'score' of responses is missing at 2 rows: 3, 5"),
        (lambda: _spoiled("channel", None), {}, r"Column 'channel' of responses is missing at 2 rows"),
        (lambda: _spoiled("wait", None), {}, r"Column 'wait' of responses is missing at 2 rows"),
        (lambda: _spoiled("response_id", 7), {}, r"Column 'response_id' of responses has '7' more than once"),
        (lambda: network()[0].assign(score=network()[0]["score"].astype(str)), {}, "holds text, not numbers"),
        (lambda: network()[0], {"score": "scores"}, "no column 'scores'. Did you mean 'score'"),
        (lambda: network()[0], {"independent_channel": "maker"}, "channel 'maker'.*'dealer', 'manufacturer'"),
        (lambda: network()[0], {"threshold": 12.0}, "threshold must be a mean score above 1 and up to 10"),
        (lambda: network()[0], {"top": 11}, "top must lie above the lowest score"),
        (lambda: network()[0], {"kiosks": ["k"], "device": None}, "no column of devices was given"),
        (lambda: network()[0], {"outcomes": ["regret"]}, "roster has no column 'regret'"),
        (lambda: network()[0], {"fdr": 0.0}, "fdr"),
        (lambda: network()[0], {"matters": -1.0}, "matters"),
        (lambda: network()[0], {"items": ["q", "q"]}, "items names 'q' more than once"),
        (lambda: network()[0], {"visit": None}, "visit must name the column"),
    ],
)
def test_bad_input_is_refused_by_name(make: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        vs.audit_dealers(make(), roster=network()[1], **options(**changes))


def test_bad_rosters() -> None:
    responses, roster, _ = network()
    with pytest.raises(InputError, match="invited names a column of the roster, and no roster was given"):
        vs.audit_dealers(responses, **options(outcomes=None))
    with pytest.raises(InputError, match="No dealer of the roster is a dealer of the responses"):
        vs.audit_dealers(responses, roster=roster.assign(dealer="X" + roster["dealer"]), **options())
    with pytest.raises(InputError, match=r"Column 'visit_id' of roster has .* more than once"):
        vs.audit_dealers(responses, roster=pd.concat([roster, roster.head(1)]), **options())
    with pytest.raises(InputError, match="Column 'invited' of roster must hold true/false"):
        vs.audit_dealers(responses, roster=roster.assign(invited="yes"), **options())


def test_detectable_inflation_is_that_of_gap_and_level_together() -> None:
    """Dealer by dealer, with SciPy's quadrature and root finding in place of three spreads and bisection."""
    from scipy.integrate import quad
    from scipy.optimize import brentq
    from scipy.stats import norm

    a = audit()
    found, share = {each.name: each for each in a.signals}, a.n_own / a.scores.n
    got = detectable_inflation(found, a.evidence, share)
    assert np.array_equal(got, a.detectable, equal_nan=True) and np.isfinite(got).sum() > 50
    last = max(a.flagged.sum(), 1) * 0.1 / a.flagged.size

    def reached(name: str, k: int) -> float:
        signal = found[name]
        s = float(signal.effect[k] / signal.statistic[k])
        spread, error, centre = (float(signal.null[key][0]) for key in ("spread", "spread_error", "centre_error"))

        def chance(z: float) -> float:
            def tail(x: float) -> float:
                wide = np.sqrt(max(s**2 - spread**2, 0.0) + max(spread + x * error, 0.0) ** 2 + centre**2)
                return float(norm.pdf(x) * norm.sf(z * s / wide))

            return float(quad(tail, -8, 8, limit=200)[0])

        z = brentq(lambda z: chance(z) - last / np.isfinite(a.evidence.p_values[k]).sum(), 0, 40)
        return float((z + norm.ppf(0.8)) * s)

    for k in np.flatnonzero(np.isfinite(got))[::15]:
        both = [reached(name, k) for name in ("channel_gap", "level_excess") if np.isfinite(found[name].statistic[k])]
        assert got[k] == pytest.approx(share[k] / np.sqrt(sum(each**-2 for each in both)), rel=0.03)


def test_detectable_inflation_without_level_and_gap() -> None:
    a = audit()
    others = {each.name: each for each in a.signals if each.name not in ("channel_gap", "level_excess")}
    assert np.isnan(detectable_inflation(others, a.evidence, a.n_own / a.scores.n)).all()
