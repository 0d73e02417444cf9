"""Corrections of unusual bases: everybody heard, nobody active, equal answers, tiny domains; and what they say about it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import vocstats as vs


def tiny(score: list[float], churned: list[bool], follow_up: dict[int, float] | None = None, **columns: list[str]) -> vs.CustomerBase:
    """Customers 0, 1, ...; a score of nan did not answer the survey."""
    registry = pd.DataFrame({"id": [f"c{i}" for i in range(len(score))], "churned": churned, **columns})
    survey = registry[["id"]].assign(csi=score).dropna()
    answers = {"survey": survey}
    if follow_up:
        answers["follow_up"] = pd.DataFrame({"id": [f"c{i}" for i in follow_up], "csi": list(follow_up.values())})
    return vs.CustomerBase.from_frames(registry, id="id", churned="churned", answers=answers)


def test_pool_heard_in_full_in_a_domain_is_known() -> None:
    """The follow-up reached both silent customers of shop a: whatever their network weights, their mean is theirs."""
    nan, rng = np.nan, np.random.default_rng(1)
    n = 80
    shop = ["a"] * 4 + ["b"] * (n - 4)
    kind = ["x", "x", "x", "y"] + rng.choice(["x", "y"], n - 4).tolist()
    score = [3.0, 8.0, nan, nan] + np.where(np.arange(n - 4) % 2, rng.integers(1, 11, n - 4), nan).tolist()
    silent = [i for i in range(n) if np.isnan(score[i])]
    follow_up = {i: float(rng.integers(1, 11)) for i in silent[::3]} | {2: 2.0, 3: 9.0}
    base = tiny(score, [False] * n, follow_up, shop=shop, kind=kind)
    r = vs.correct(base, outcome="csi", scale=(1, 10), auxiliaries=["kind"], by="shop")
    assert r.estimate[0, 1] == pytest.approx((3 + 8 + 2 + 9) / 4, abs=1e-12)
    assert r.std_error[0, 1] == 0
    assert r.range_low[0, 1] == pytest.approx(r.worst_low[0, 1]) and r.range_high[0, 1] == pytest.approx(r.worst_high[0, 1])
    assert r.std_error[1, 1] > 0


def test_equal_survey_answers_have_an_interval() -> None:
    r = vs.correct(tiny([7.0] * 3 + [np.nan] * 9, [False] * 12), outcome="csi", scale=(1, 10))
    assert (r.estimate[0] == 7).all() and (r.conf_low[0] < 7).all() and (r.conf_high[0] > 7).all()
    assert r.std_error[0, 0] == pytest.approx(9 / 5 * np.sqrt(4 / 3))


def test_where_nobody_active_was_heard_the_worst_case_is_the_range() -> None:
    r = vs.correct(tiny([np.nan, np.nan, np.nan, 4.0], [False, False, True, True]), outcome="csi", scale=(1, 10))
    assert r.reasons[0][1:] == ("active_unheard", "active_unheard")
    assert (r.range_low[0, 1], r.range_high[0, 1]) == (1, 10)
    assert (r.range_conf_low[0, 2], r.range_conf_high[0, 2]) == ((1 + 1 + 1 + 4) / 4, (10 + 10 + 10 + 4) / 4)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_summary_of_churned_only_has_no_empty_range(language: str) -> None:
    text = vs.correct(tiny([5.0, 6.0, np.nan], [True] * 3), outcome="csi", scale=(1, 10)).summary(language)
    assert "nan" not in text


def test_assumption_without_auxiliaries_names_none() -> None:
    r = vs.correct(tiny([5.0, 6.0, np.nan], [False] * 3), outcome="csi", scale=(1, 10))
    assert [a.code for a in r.assumptions] == ["silent_like_all_respondents"]
    assert r.assumptions[0].text("en") == "Active customers who did not answer score like those who did."


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"outcome": None}, "outcome"),
        ({"seed": "a"}, "seed"),
        ({"seed": None}, "seed"),
        ({"silent_shift": (-np.inf, 0)}, "silent_shift"),
    ],
)
def test_unusable_arguments_are_named(options: dict[str, object], argument: str) -> None:
    with pytest.raises(vs.InputError, match=argument) as caught:
        vs.correct(tiny([5.0, 6.0, np.nan], [False] * 3), **{"outcome": "csi", "scale": (1, 10), **options})
    assert caught.value.argument == argument


def test_trim_too_low_is_named() -> None:
    rng = np.random.default_rng(2)
    n = 60
    score = np.where(np.arange(n) < 30, rng.integers(1, 11, n), np.nan).tolist()
    base = tiny(score, [False] * n, kind=["x"] * 24 + ["y"] * 6 + ["y"] * 30)
    with pytest.raises(vs.InfeasibleError, match="Raise trim") as caught:
        vs.correct(base, outcome="csi", scale=(1, 10), auxiliaries=["kind"], trim=1.1)
    assert caught.value.argument == "trim"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_summary_says_where_one_answer_leaves_no_interval(language: str) -> None:
    r = vs.correct(tiny([5.0, 6.0, 3.0, 9.0, np.nan, np.nan], [False] * 6, {4: 2.0}), outcome="csi", scale=(1, 10), silent_shift=(-1, 0))
    assert np.isnan(r.conf_low[0, 1]) and "nan" not in r.summary(language)
    assert f"{r.range_low[0, 1]:.2f}, {r.range_high[0, 1]:.2f}" in r.summary(language)


def test_shifts_of_those_not_heard_stay_within_the_worst_case() -> None:
    """Effects of a shift are those of the network; a dealer whose few silent score low already cannot lose as much."""
    rng = np.random.default_rng(4)
    n = 400
    shop = rng.choice(list("abcdefgh"), n)
    score = np.where(rng.random(n) < 0.6, rng.integers(1, 11, n), np.nan)
    silent = np.flatnonzero(np.isnan(score))[::2]
    base = tiny(score.tolist(), [False] * n, {int(i): float(rng.integers(1, 11)) for i in silent}, shop=shop.tolist())
    for statistic in ("top_box", "nps", "mean"):
        r = vs.correct(base, outcome="csi", scale=(1, 10), statistic=statistic, by="shop", silent_shift=(-9, 9))
        assert (r.range_low[:, 1] >= np.minimum(r.worst_low, r.estimate)[:, 1] - 1e-12).all()
        assert (r.range_high[:, 1] <= np.maximum(r.worst_high, r.estimate)[:, 1] + 1e-12).all()


def test_summary_of_one_follow_up_answer_and_churned_nobody_heard() -> None:
    base = tiny([5.0, 6.0, 3.0, 9.0, np.nan, np.nan, np.nan], [False] * 6 + [True], {4: 2.0})
    text = vs.correct(base, outcome="csi", scale=(1, 10)).summary()
    assert "nan" not in text and "Sensitivity range" in text
