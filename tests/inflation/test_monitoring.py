"""Monitoring: evidence against brute force, bounds under repeated looks, late starters, resuming from JSON, and wrong use."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import numpy as np
import pytest
from inflation.honest_networks import flagged
from inflation.monthly_networks import DEVIATION, KNOWN, SPREAD, followed, monthly_answers, normal_paths
from scipy import special

from vocstats.errors import InputError
from vocstats.inflation import EmpiricalNull, MonitorState, channel_gap, e_bh, known_null, monitor
from vocstats.inflation.case_mix import dealer_moments
from vocstats.inflation.start_mixtures import LIFTS, mixed_evidence, start_chances
from vocstats.results import load
from vocstats.schemas import schema

TWO = EmpiricalNull(
    centre=0.0, centre_error=0.0, spread=0.05, spread_error=0.0, honest_share=1.0, dealers=0.0, level=0.9,
    centres=np.array([0.0, 0.04]), spreads=np.array([0.03, 0.10]), chances=np.array([0.7, 0.3]),
)


def density(gaps: Any, variance: Any, null: EmpiricalNull) -> float:
    """Of a dealer's gaps with the honest gap integrated out: a normal vector for each value of the null."""
    found = 0.0
    for chance, centre, spread in zip(null.chances, null.centres, null.spreads, strict=True):
        covariance = np.diag(variance) + spread**2
        away = gaps - centre
        found += chance * np.exp(-0.5 * away @ np.linalg.solve(covariance, away)) / np.sqrt(np.linalg.det(2 * np.pi * covariance))
    return float(found)


@pytest.mark.parametrize("null", [known_null(0.02, 0.0), known_null(0.02, 0.05), TWO])
def test_evidence_is_a_ratio_of_marginal_likelihoods(null: EmpiricalNull) -> None:
    rng = np.random.default_rng(1)
    c, gaps, runs = rng.uniform(2, 20, (7, 3)), rng.normal(0.1, 0.2, (7, 3)), np.arange(7)
    variance, chances = np.array([0.2, 0.25, 0.1]), start_chances(7)
    found, since = mixed_evidence(np.stack([c, c * gaps, 0 * c, 0 * c], axis=1), variance, np.zeros(3), null, 0.5)
    for d in range(3):
        error = variance[d] / c[:, d]
        lifted = [np.mean([density(gaps[:, d] - lift * (runs >= start), error, null) for lift in 0.5 * LIFTS]) for start in runs]
        assert found[d] == pytest.approx(chances[:-1] @ lifted / density(gaps[:, d], error, null) + chances[-1], rel=1e-9)
        assert since[d] == np.argmax(chances[:-1] * lifted)
    assert chances.sum() == pytest.approx(1.0)


def test_evidence_of_honest_dealers_has_mean_one() -> None:
    """With one small lift the mean is not ruled by rare large values."""
    rng, n = np.random.default_rng(2), 100_000
    gaps = rng.normal(0.02, 0.05, n) + rng.normal(0.0, 0.3, (2, n))
    compared = np.stack([np.ones((2, n)), gaps, np.zeros((2, n)), np.zeros((2, n))], axis=1)
    for runs in (1, 2):
        e, _ = mixed_evidence(compared[:runs], np.full(n, 0.09), np.zeros(n), known_null(0.02, 0.05), 0.1)
        assert e.mean() == pytest.approx(1.0, abs=4 * e.std() / n**0.5)


def test_first_run_by_hand() -> None:
    rng = np.random.default_rng(3)
    dealer, independent = np.repeat([3, 8], 40), np.tile(np.arange(40) < 10, 2)
    score = rng.integers(1, 11, 80).astype(float)
    r = monitor(score, dealer, independent, period="2026-09", null=known_null(0.5, 0.3), level=0.95)
    gap = channel_gap(score, dealer, independent, null=known_null(0.5, 0.3))
    moments = dealer_moments(score, (dealer == 8).astype(np.intp), 2)
    variance = moments.variance * (1 / 30 + 1 / 10)
    assert r.labels["dealer"].tolist() == [3, 8] and r.n.tolist() == [40, 40] and r.periods == ("2026-09",)
    assert r.effect == pytest.approx(gap.effect) and r.std_error == pytest.approx(np.sqrt(variance + 0.09))
    third = np.maximum(moments.third * (1 / 30**2 - 1 / 10**2), 0.0)
    tilt = r.sums.scale * LIFTS[:, None] / (variance + 0.09)
    each = np.exp(tilt * r.effect - tilt**2 * (variance + 0.09) / 2 - tilt**3 * third / 6)
    assert r.e_value == pytest.approx(0.5 * each.mean(axis=0) + 0.5) and r.e_max == pytest.approx(r.e_value)
    assert r.p_value == pytest.approx(np.minimum(1.0, 1.0 / r.e_value))


def test_few_answers_wait_for_the_next_run() -> None:
    """A single independent answer compares with nothing yet; the next month joins it."""
    one = monitor([9, 8, 7, 10.0], list("aaaa"), [0, 0, 0, 1], period="1", null=known_null(0, 1))
    assert one.reasons == ("few_responses",) and np.isnan(one.e_value[0]) and one.n[0] == 4
    two = monitor([6.0], ["a"], [1], period="2", null=None, state=one)
    assert two.reasons == ("",) and two.effect[0] == pytest.approx(8 - 8) and two.n[0] == 5
    three = monitor([6.0], ["a"], [0], period="3", state=two)
    assert three.effect[0] == two.effect[0] and three.n[0] == 6


def test_customers_who_are_harder_to_please_are_allowed_for() -> None:
    rng, state, raw = np.random.default_rng(4), None, None
    dealer, independent = np.repeat(np.arange(40), 50), np.tile(np.arange(50) < 15, 40)
    for month in range(8):
        repair = rng.random(dealer.size) < np.where(independent, 0.4, np.where(dealer == 0, 0.0, 0.4))
        score = 8 - 2.0 * repair + rng.normal(0, 1, dealer.size)
        period, x = f"2026-{month}", {"repair": np.where(repair, "yes", "no"), "kilometres": rng.uniform(0, 1e5, dealer.size)}
        raw = monitor(score, dealer, independent, period=period, state=raw)
        state = monitor(score, dealer, independent, period=period, state=state, x=x)
    assert raw is not None and state is not None
    assert raw.effect[0] == pytest.approx(0.8, abs=0.3) and raw.e_value[0] > 10
    assert abs(state.effect[0]) < 0.3 and state.e_value[0] < 10
    effects = dict(zip(state.sums.columns, np.linalg.pinv(state.sums.square) @ state.sums.cross, strict=True))
    assert effects["repair=yes"] - effects["repair=no"] == pytest.approx(-2.0, abs=0.1)


def test_honest_dealers_seldom_cross() -> None:
    """Ville: however often one looks; p-values of the same gaps, taken every month, have no such bound."""
    paths = normal_paths(np.random.default_rng(5), dealers=1500)
    highest = paths.e.max(axis=0)
    for alpha in (0.5, 0.2, 0.1, 0.05, 0.02):
        assert (highest >= 1 / alpha).mean() <= alpha
    assert (highest >= 5).mean() > 0.02  # not for want of evidence
    total = np.cumsum(paths.compared, axis=0)
    told = np.maximum(total[:, 0], 1e-9)
    z = (total[:, 1] / told - 0.02) / np.sqrt(DEVIATION**2 / told + SPREAD**2)
    assert (np.max(z, axis=0) > special.ndtri(0.95)).mean() > 0.15


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_lists_at_the_worst_moment(share: float) -> None:
    """False share of the list when the first honest dealer is on it, or else at the end."""
    rng, false = np.random.default_rng(6), []
    for _ in range(6):
        paths = normal_paths(rng, dealers=200, share=share, lift=0.2, start=6, every=3)
        lists = np.array([e_bh(e) for e in paths.e])
        wrong = (lists & ~paths.inflated).sum(axis=1) / np.maximum(lists.sum(axis=1), 1)
        false.append(wrong[np.argmax(wrong > 0)] if wrong.any() else 0.0)
    assert np.mean(false) <= 0.10


def test_late_starters_are_found_and_dated() -> None:
    paths = normal_paths(np.random.default_rng(7), dealers=100, months=42, answers=60, share=0.2, lift=0.25, start=24, every=6)
    found = e_bh(paths.e[-1])
    assert found[paths.inflated].mean() > 0.8 and not found[~paths.inflated].any()
    assert not e_bh(paths.e[3]).any()
    assert np.mean(np.abs(paths.since[-1, paths.inflated] - 24) <= 3) > 0.8


def test_answers_with_honest_gaps_fitted() -> None:
    months, inflated = monthly_answers(np.random.default_rng(8), dealers=150, months=18, share=0.06, lift=0.25, start=6)
    states = list(followed(months))
    last = states[-1]
    assert last.null is not None and not last.null_given and 0.0 < last.null.spread < 0.10
    assert (last.e_max[~inflated] >= 20).mean() <= 0.05 and last.e_max[inflated].max() > 100
    assert np.array_equal(last.e_max, np.fmax.reduce([state.e_value for state in states]))
    ever = np.array([state.flagged for state in states])
    first = np.where(ever.any(axis=0), np.array([f"{t:03d}" for t in range(18)])[ever.argmax(axis=0)], "")
    assert last.details["first_flagged"].tolist() == first.tolist()
    assert np.array_equal(last.flagged, e_bh(last.e_value, fdr=0.10))


def test_limits_hold_at_every_run() -> None:
    months, _ = monthly_answers(np.random.default_rng(9), dealers=300, months=24)
    missed = [~((state.conf_low <= 0) & (state.conf_high >= 0) | np.isnan(state.effect)) for state in followed(months, null=KNOWN)]
    # the honest gap of a dealer is part of his standard error, so that 0 is the effect of every honest dealer
    assert np.any(missed, axis=0).mean() <= 0.10


def mixed_run(rng: np.random.Generator, dealers: Any, *, colours: str = "rb") -> dict[str, Any]:
    dealer = rng.choice(dealers, 900)
    x = {"colour": rng.choice(list(colours), 900), "age": rng.normal(40, 10, 900)}
    return {"score": rng.integers(1, 11, 900).astype(float), "dealer": dealer, "independent": rng.random(900) < 0.3, "x": x}


@pytest.mark.parametrize("kind", ["text", "number"])
def test_resumed_from_json_bit_for_bit(kind: str, tmp_path: Any) -> None:
    """New dealers, dealers who stay away, new labels, and a month without any independent answers."""
    rng, names = np.random.default_rng(10), np.arange(45)
    labels = np.array([f"经销商{k:02d}" for k in names], object) if kind == "text" else names
    runs = [
        mixed_run(rng, labels[5:40]), mixed_run(rng, labels[:30]), mixed_run(rng, labels[10:], colours="grb"), mixed_run(rng, labels),
    ]
    runs[1]["independent"] = np.zeros(900, bool)
    straight = resumed = None
    for month, run in enumerate(runs):
        straight = monitor(**run, period=f"2026-{month}", state=straight)
        resumed = monitor(**run, period=f"2026-{month}", state=resumed)
        path = tmp_path / "state.json"
        path.write_text(resumed.to_json(), encoding="utf-8")
        resumed = load(path)
        assert isinstance(resumed, MonitorState) and resumed.to_json() == straight.to_json()
        jsonschema.validate(json.loads(straight.to_json()), schema("monitor_state"))
    assert straight is not None and straight.labels["dealer"].tolist() == labels.tolist() and straight.n.sum() == 3600
    assert straight.sums.columns == ("age", "colour=b", "colour=r", "colour=g")
    for name in ("e_value", "e_max", "effect", "conf_low"):
        assert np.array_equal(getattr(straight, name), getattr(resumed, name), equal_nan=True)
    assert len(straight.tidy()) == 45 and "first_flagged" in straight.to_frame() and straight.summary("zh")


def test_order_of_the_answers_and_units_of_the_score() -> None:
    rng = np.random.default_rng(11)
    run = mixed_run(rng, np.arange(30))
    order = rng.permutation(900)
    other = {**run, "score": 100 + 10 * run["score"]}
    turned = {key: run[key][order] for key in ("score", "dealer", "independent")}
    turned["x"] = {key: column[order] for key, column in run["x"].items()}
    one, two, three = (monitor(**each, period="1") for each in (run, turned, other))
    assert one.e_value == pytest.approx(two.e_value, rel=1e-6) and one.effect == pytest.approx(two.effect)
    assert one.e_value == pytest.approx(three.e_value, rel=1e-4) and 10 * one.effect == pytest.approx(three.effect, abs=1e-3)


def test_where_nothing_can_be_said() -> None:
    rng = np.random.default_rng(12)
    run = mixed_run(rng, np.arange(30))
    for dealers, reason in ((30, "one_channel"), (12, "few_dealers"), (30, "constant_scores")):
        few = run["dealer"] < dealers
        score = np.full(900, 0.1) if reason == "constant_scores" else run["score"]
        independent = run["independent"] & (reason != "one_channel")
        r = monitor(score[few], run["dealer"][few], independent[few], period="1")
        assert set(r.reasons) == {reason} and np.isnan([r.e_value, r.e_max, r.effect, r.p_value]).all() and not r.flagged.any()
        assert set(r.details["since"]) == {""} and r.summary("zh") and load(r.to_json()).to_json() == r.to_json()
        later = monitor(run["score"], run["dealer"], run["independent"], period="2", state=r)
        assert set(later.reasons) == {""} and np.isfinite(later.e_value).all()
    lone = monitor([7.0], ["甲"], [True], period="1")
    assert lone.reasons == ("constant_scores",)


def test_refusals() -> None:
    run = mixed_run(np.random.default_rng(13), np.arange(30))
    one = monitor(**run, period="2026-09", null=KNOWN, top=9)
    later: dict[str, Any] = {**run, "state": one, "period": "2026-10"}
    assert monitor(**later, null=load(one.to_json()).null, top=9).periods == ("2026-09", "2026-10")
    refused: list[tuple[dict[str, Any], str]] = [
        ({"period": "2026-09"}, "would count twice"), ({"period": "2026-08"}, "sorts before '2026-09'"),
        ({"period": 202610}, "period must be"), ({"period": ""}, "period must be"), ({"x": None}, "got none"),
        ({"x": {"colour": run["x"]["colour"]}}, "characteristics of the earlier runs, 'age', 'colour='"),
        ({"x": {**run["x"], "age": run["x"]["colour"]}}, "got 'age=', 'colour='"), ({"top": 8}, "top was 9"),
        ({"null": known_null(0, 1)}, "first run or never"), ({"dealer": run["dealer"].astype(str)}, "text in one"),
        ({"state": one.to_json()}, "Read a file with vocstats.load"), ({"independent": run["score"]}, "true or false"),
        ({key: run[key][:0] for key in ("score", "dealer", "independent")} | {"x": None}, "no responses"),
        ({"score": np.where(np.arange(900) == 3, np.nan, run["score"])}, "score has 1 missing"), ({"fdr": 0.0}, "fdr must lie"),
    ]
    for change, message in refused:
        with pytest.raises(InputError, match=message):
            monitor(**{**later, **change})
    document = {**one.to_dict(), "schema_version": 99}
    with pytest.raises(InputError, match="schema_version 99"):
        load(document)
    plain = monitor(run["score"], run["dealer"], run["independent"], period="1")
    with pytest.raises(InputError, match="characteristics of the earlier runs, none"):
        monitor(**run, period="2", state=plain)


def test_list_by_p_values_never_shrinks() -> None:
    """1 / e_max only falls; Benjamini and Hochberg's list of it holds every list of e-BH so far."""
    paths = normal_paths(np.random.default_rng(14), dealers=100, months=30, answers=80, share=0.2, lift=0.25, start=6, every=3)
    before = np.zeros(100, bool)
    for months in range(1, 11):
        lasting = flagged(np.minimum(1.0, 1.0 / paths.e[:months].max(axis=0)))
        assert (lasting >= before).all() and (lasting >= e_bh(paths.e[months - 1])).all()
        before = lasting
    assert before.sum() > 10
