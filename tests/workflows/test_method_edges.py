"""Methods for the silent on unusual bases: no figure off the scale or without an error, and refusals in the words of the caller."""

from __future__ import annotations

from collections.abc import Callable
from string import Formatter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from workflows.small_base import small_frames
from workflows.test_methods import refusing

import vocstats as vs
from vocstats import texts

Build = Callable[..., vs.CustomerBase]
CSI: dict[str, Any] = {"outcome": "csi", "scale": (1, 10)}


def called() -> dict[str, pd.DataFrame]:
    """The small base with a column of attempts and one that goes with the score."""
    frames = small_frames()
    rng = np.random.default_rng(8)
    wave = rng.choice([1, 2], len(frames["survey"]), p=[0.6, 0.4])
    every = pd.concat([frames[name] for name in ("survey", "follow_up", "exit_interview")]).set_index("id")["csi"]
    score = frames["registry"]["id"].map(every).fillna(6.0)
    visits = np.where(rng.random(len(score)) < score / 12, "many", "few")
    return frames | {
        "registry": frames["registry"].assign(visits=visits), "survey": frames["survey"].assign(wave=wave),
    }


def with_attempts(frames: dict[str, pd.DataFrame]) -> vs.CustomerBase:
    answers = {"survey": vs.Source(frames["survey"], attempt="wave"), "exit_interview": frames["exit_interview"]}
    return vs.CustomerBase.from_frames(frames["registry"], id="id", churned="churned", answers=answers)


def test_a_domain_never_leaves_what_its_answers_allow(make_base: Build) -> None:
    """The outcome model of a small domain may lead off the scale; nobody can stand there."""
    frames = small_frames(4)
    frames["follow_up"]["csi"] = frames["follow_up"]["csi"].where(frames["follow_up"].index % 3 > 0)
    base = make_base(frames=frames, documented=True)
    for statistic in ("bottom_box", "top_box"):
        r = vs.correct(base, method="doubly_robust", by="shop", statistic=statistic, **CSI)  # type: ignore[arg-type]
        shown = np.isfinite(r.estimate)
        assert shown[:, 1].any()
        slack = 1e-9
        assert (r.estimate[shown] >= r.worst_low[shown] - slack).all() and (r.estimate[shown] <= r.worst_high[shown] + slack).all()
        assert (r.conf_low[shown] <= r.estimate[shown] + slack).all() and (r.conf_high[shown] >= r.estimate[shown] - slack).all()


def test_equal_answers_of_a_follow_up_partly_refused_leave_an_error(make_base: Build) -> None:
    frames = refusing()
    frames["follow_up"]["csi"] = frames["follow_up"]["csi"].where(frames["follow_up"]["csi"].isna(), 7.0)
    base = make_base(frames=frames, documented=True)
    robust, plain = (vs.correct(base, method=method, **CSI) for method in ("doubly_robust", "double_sampling"))
    assert robust.std_error[0, 1] == pytest.approx(plain.std_error[0, 1]) and robust.std_error[0, 1] > 0.03


@pytest.mark.parametrize("method", ["callbacks", "shadow"])
def test_a_share_nobody_active_has_is_not_known_without_error(method: str) -> None:
    """No active customer heard stands in the bottom box: the error of everybody must not be that of the churned alone."""
    frames = called()
    frames["survey"] = frames["survey"].assign(csi=frames["survey"]["csi"].clip(5, 9))
    gone = frames["registry"].loc[frames["registry"]["churned"], "id"]
    frames["survey"] = frames["survey"][~frames["survey"]["id"].isin(gone)]
    r = vs.correct(with_attempts(frames), method=method, shadow="visits", statistic="bottom_box", **CSI)  # type: ignore[arg-type]
    assert r.estimate[0, 1] == 0 and r.conf_high[0, 1] > 0 and r.std_error[0, 1] > 0
    share = r.customers[0, 1] / r.customers[0, 2]
    assert r.std_error[0, 2] == pytest.approx(float(np.hypot(share * r.std_error[0, 1], (1 - share) * r.part_std_error[0, 3])))


def test_one_answer_of_a_domain_has_an_error_with_replacement(make_base: Build) -> None:
    frames = small_frames()
    registry = frames["registry"].set_index("id")
    answered = frames["survey"][frames["survey"]["id"].map(registry["churned"])]["id"]
    lonely = answered[answered.map(registry["shop"]) == 3].iloc[1:]
    frames["survey"] = frames["survey"][~frames["survey"]["id"].isin(lonely)]
    r = vs.correct(make_base(frames=frames), by="shop", inference="r", **CSI)
    assert np.isfinite(r.estimate).all() and np.isfinite(r.std_error).all() and (r.std_error > 0).all()


@pytest.mark.parametrize("method", ["weighting", "callbacks", "shadow"])
def test_parts_of_the_active_add_up_with_scores_left_empty(method: str) -> None:
    frames = called()
    frames["survey"] = frames["survey"].assign(csi=frames["survey"]["csi"].clip(5, 9))
    frames["survey"].loc[frames["survey"].index[:15], "csi"] = np.nan
    r = vs.correct(with_attempts(frames), method=method, shadow="visits", **CSI)  # type: ignore[arg-type]
    people = r.part_customers[0, :3]
    assert np.nansum(people * r.part_mean[0, :3]) / people.sum() == pytest.approx(r.estimate[0, 1], rel=1e-10)
    assert r.part_std_error[0, 0] > 0


@pytest.mark.parametrize("method", ["callbacks", "shadow"])
def test_a_domain_that_borrows_is_not_surer_than_the_whole_base(method: str) -> None:
    """A shop nobody was heard in has the figure of the network, and at least its error."""
    frames = called()
    frames["survey"] = frames["survey"].assign(csi=frames["survey"]["csi"].clip(5, 9))
    registry = frames["registry"].set_index("id")
    frames["survey"] = frames["survey"][frames["survey"]["id"].map(registry["shop"]) != 3]
    r = vs.correct(with_attempts(frames), method=method, shadow="visits", by="shop", **CSI)  # type: ignore[arg-type]
    assert r.overall is not None
    assert r.std_error[3, 1] > r.overall.std_error[0, 1] > 0.2
    assert r.estimate[3, 1] == pytest.approx(r.overall.estimate[0, 1], abs=3 * r.overall.std_error[0, 1])


def refused(error: type[vs.VocstatsError], base: vs.CustomerBase, **options: Any) -> vs.VocstatsError:
    with pytest.raises(error) as caught:
        vs.correct(base, **(CSI | options))
    return caught.value


def test_refusals_name_columns_and_remedies_of_the_caller(make_base: Build) -> None:
    frames = called()
    base = with_attempts(frames)
    rare, gaps, once = (called() for _ in range(3))
    rare["survey"].loc[rare["survey"]["csi"] == 4, "wave"] = 1
    gaps["survey"] = gaps["survey"].assign(wave=gaps["survey"]["wave"].replace({2: 3}))
    once["survey"] = once["survey"].assign(wave=1)
    alone = small_frames()
    alone["follow_up"] = alone["follow_up"].assign(csi=alone["follow_up"]["csi"].where(alone["follow_up"].index == 0))
    left = small_frames()
    left["registry"] = left["registry"].assign(churned=True)
    found = [
        refused(vs.IdentificationError, with_attempts(rare), method="callbacks"),
        refused(vs.IdentificationError, with_attempts(gaps), method="callbacks"),
        refused(vs.IdentificationError, with_attempts(once), method="callbacks"),
        refused(vs.IdentificationError, base, method="shadow", shadow="shop"),
        refused(vs.IdentificationError, base, method="shadow", shadow="churned"),
        refused(vs.InputError, base, method="shadow", shadow="visits", auxiliaries=["visits"]),
        refused(vs.InputError, make_base(frames=alone), method="doubly_robust"),
        refused(vs.InfeasibleError, make_base(frames=left, without=("follow_up",)), method="shadow", shadow="region"),
    ]
    assert [error.code for error in found] == [
        "base_callback_separation", "base_attempt_not_heard", "base_single_attempt", "base_shadow_irrelevant", "base_shadow_constant",
        "shadow_is_auxiliary", "base_too_few_for_model", "base_nobody_heard",
    ]
    for error in found:
        chinese = texts.message(error, "zh")
        for message in (str(error), chinese):
            assert not any(word in message for word in ("dependence", " z ", " x ", "y has", "nan", "{", "estimation.", "sensitivity."))
        assert chinese != str(error) and error.argument in ("method", "shadow") and error.rows == ()
    assert "'shop'" in str(found[3]) and "shop" in texts.message(found[3], "zh")


def test_every_refusal_of_an_estimator_is_put_in_the_words_of_the_base() -> None:
    """Both languages of a text fill from the same values."""
    known = texts.namespace("error")
    mine = {code: text for code, text in known.items() if code.startswith("base_")}
    assert len(mine) > 20 and all(code.removeprefix("base_") in known and {"en", "zh"} <= set(text) for code, text in mine.items())
    for text in mine.values():
        fields = [{field for _, field, _, _ in Formatter().parse(text[language]) if field} for language in ("en", "zh")]
        assert fields[0] == fields[1]
