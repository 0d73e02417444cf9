"""Every way to represent the silent, against the estimator it stands on; the choice among them; the analyses beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from workflows.small_base import small_frames

import vocstats as vs
from vocstats.customer_base import GROUPS
from vocstats.nonresponse import follow_up, reweight_by_callbacks, shadow_variable

Build = Callable[..., vs.CustomerBase]
CSI = {"outcome": "csi", "scale": (1, 10)}
NONE = float("nan")


def refusing() -> dict[str, pd.DataFrame]:
    """The small base, a third of the follow-up refusing, the more so in the south."""
    frames = small_frames()
    calls = frames["follow_up"].merge(frames["registry"][["id", "region"]], on="id")
    refused = np.random.default_rng(5).random(len(calls)) < np.where(calls["region"] == "south", 0.5, 0.2)
    return frames | {"follow_up": calls.assign(csi=calls["csi"].where(~refused)).drop(columns="region")}


@pytest.fixture(scope="module")
def waves(data: Path) -> pd.DataFrame:
    """The telecom base, everybody asked, and the wave at which selection C heard a customer."""
    telco = pd.read_csv(data / "telco" / "telco.csv")
    return telco.merge(pd.read_csv(data / "telco" / "selection_C.csv"), how="left", on="Customer ID")


def in_waves(table: pd.DataFrame, waves: int = 3) -> vs.CustomerBase:
    heard = table[table["wave"] <= waves][["Customer ID", "Satisfaction Score", "wave"]]
    answers = {"survey": vs.Source(heard, attempt="wave")}
    return vs.CustomerBase.from_frames(table.drop(columns=["Satisfaction Score", "wave"]), id="Customer ID", churned=None, answers=answers)


SCORE = {"outcome": "Satisfaction Score", "scale": (1, 5)}


def test_doubly_robust_is_the_follow_up_estimator(make_base: Build) -> None:
    frames = refusing()
    base = make_base(frames=frames, documented=True)
    r = vs.correct(base, method="doubly_robust", auxiliaries=["region"], **CSI)
    table = frames["registry"].merge(frames["survey"], how="left").merge(
        frames["follow_up"].rename(columns={"csi": "later"}), how="left", on="id"
    )
    active = table[~table["churned"]]
    e = follow_up(
        active["csi"].fillna(active["later"]), active["csi"].notna(), active["drawn"].fillna(0) > 0, x={"region": active["region"]}
    )
    assert r.method == "doubly_robust"
    assert r.estimate[0, 1] == pytest.approx(float(e.estimate), rel=1e-12)
    assert r.std_error[0, 1] == pytest.approx(float(e.std_error), rel=1e-3)  # the models' weights of a whole base, not of the silent
    assert r.weights is not None and r.cells is not None
    y = r.cells.outcome[r.voices]
    active_voices = r.cells.group[r.voices] != GROUPS.index("churned")
    assert float((r.weights.mass * y)[active_voices].sum() / r.weights.mass[active_voices].sum()) == pytest.approx(r.estimate[0, 1])
    codes = {assumption.code for assumption in r.assumptions}
    assert {"follow_up_ignorable", "follow_up_model_right"} <= codes and "silent_by_follow_up" not in codes


def test_doubly_robust_by_domain_uses_one_pair_of_models(make_base: Build) -> None:
    base = make_base(frames=refusing(), documented=True)
    r = vs.correct(base, method="doubly_robust", auxiliaries=["region"], by="shop", small_groups="blank", **CSI)
    whole = r.overall
    assert whole is not None
    shown = np.isfinite(r.estimate[:, 1])
    assert shown.any()
    assert (r.std_error[shown, 1] > whole.std_error[0, 1]).all()


@pytest.mark.parametrize(("statistic", "truth"), [("mean", 3.24492), ("bottom_box", 0.20446)])
def test_callbacks_give_the_range_the_attempts_leave(waves: pd.DataFrame, statistic: str, truth: float) -> None:
    r = vs.correct(in_waves(waves), method="callbacks", statistic=statistic, **SCORE)  # type: ignore[arg-type]
    y = waves["Satisfaction Score"].where(waves["wave"].notna())
    value = y if statistic == "mean" else (y <= 2).where(y.notna()).astype(float)
    with pytest.warns(vs.nonresponse.LikelihoodWarning):
        e = reweight_by_callbacks(y, waves["wave"], of=value, inference="registry")
    assert r.estimate[0, 1] == pytest.approx(e.estimate[0], rel=1e-6)
    assert (r.conf_low[0, 1], r.conf_high[0, 1]) == pytest.approx((e.conf_low[0], e.conf_high[0]), rel=1e-6)
    assert r.conf_low[0, 1] < truth < r.conf_high[0, 1]
    assert r.assumptions[0].code == "callbacks_barely_tell"
    assert "flat" in r.summary() and "平坦" in r.summary("zh")


def test_limits_of_a_profile_go_on_to_everybody(data: Path, waves: pd.DataFrame) -> None:
    """With those who left beside the active the distances of the limits add up as squares."""
    table = waves.assign(left=waves["Churn Label"] == "Yes")
    heard = table[table["wave"].notna() & ~table["left"]][["Customer ID", "Satisfaction Score", "wave"]]
    exits = table[table["left"]].sample(200, random_state=1)[["Customer ID", "Satisfaction Score"]]
    base = vs.CustomerBase.from_frames(
        table.drop(columns=["Satisfaction Score", "wave"]), id="Customer ID", churned="left",
        answers={"survey": vs.Source(heard, attempt="wave"), "exit_interview": exits},
    )
    r = vs.correct(base, method="callbacks", **SCORE)
    share = r.customers[0, 1] / r.customers[0, 2]
    exit_margin = 1.959964 * (1 - share) * r.part_std_error[0, 3]
    for low_or_high in ("conf_low", "conf_high"):
        active, everybody = (abs(getattr(r, low_or_high)[0, t] - r.estimate[0, t]) for t in (1, 2))
        assert everybody == pytest.approx(float(np.hypot(share * active, exit_margin)), rel=2e-3)


def test_shadow_recovers_what_weighting_cannot(waves: pd.DataFrame) -> None:
    rng = np.random.default_rng(3)
    chance = waves["Satisfaction Score"].map({1: 0.15, 2: 0.2, 3: 0.3, 4: 0.4, 5: 0.5})
    table = waves.assign(wave=np.where(rng.random(len(waves)) < chance, 1, np.nan))
    base = in_waves(table)
    r = vs.correct(base, method="shadow", shadow="Churn Label", **SCORE)
    y = table["Satisfaction Score"].where(table["wave"].notna())
    e = shadow_variable(y, table["Churn Label"], inference="registry")
    assert r.estimate[0, 1] == pytest.approx(e.estimate[0], rel=1e-9)
    assert r.std_error[0, 1] == pytest.approx(e.std_error[0], rel=1e-6)
    assert abs(r.estimate[0, 1] - 3.24492) < 3 * r.std_error[0, 1] < 0.1
    assert vs.correct(base, method="weighting", **SCORE).conf_low[0, 1] > 3.5
    chosen = vs.correct(base, method="auto", shadow="Churn Label", **SCORE)
    assert (chosen.method, chosen.method_reason) == ("shadow", "chosen_shadow")
    assert "shadow" in set(vs.correct(base, shadow="Churn Label", **SCORE).sensitivity["analysis"])


def test_auto_says_what_it_chose_and_why(make_base: Build, waves: pd.DataFrame) -> None:
    chosen = vs.correct(make_base(frames=refusing(), documented=True), method="auto", auxiliaries=["region"], **CSI)
    assert (chosen.method, chosen.method_reason) == ("doubly_robust", "chosen_refusals")
    assert "Chosen by the software" in chosen.summary() and "由软件选定" in chosen.summary("zh")
    chosen = vs.correct(make_base(), method="auto", **CSI)
    assert (chosen.method, chosen.method_reason) == ("double_sampling", "chosen_follow_up")
    chosen = vs.correct(make_base(without=("follow_up",)), method="auto", **CSI)
    assert (chosen.method, chosen.method_reason) == ("weighting", "chosen_nothing_else")
    chosen = vs.correct(in_waves(waves), method="auto", **SCORE)
    assert (chosen.method, chosen.method_reason) == ("weighting", "chosen_attempts_flat")
    assert vs.correct(make_base(), **CSI).method_reason == ""


def test_nothing_is_identified_that_is_not(make_base: Build, waves: pd.DataFrame) -> None:
    once = waves.assign(wave=waves["wave"].where(waves["wave"] == 1))
    with pytest.raises(vs.IdentificationError):
        vs.correct(in_waves(once), method="callbacks", **SCORE)
    constant = waves.assign(same="a")
    with pytest.raises(vs.IdentificationError):
        vs.correct(in_waves(constant), method="shadow", shadow="same", **SCORE)
    unheard = vs.correct(make_base(without=("exit_interview",)), method="double_sampling", **CSI)
    assert np.isnan(unheard.estimate[0, 2]) and unheard.reasons[0][2] == "churned_unheard"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"method": "shadow"}, "no_shadow"),
        ({"method": "callbacks"}, "no_attempts"),
        ({"method": "doubly_robust", "trim": 3.0}, "trim_with_method"),
        ({"method": "shadow", "shadow": "nowhere"}, None),
    ],
)
def test_bad_combinations_are_named(make_base: Build, options: dict[str, object], code: str | None) -> None:
    with pytest.raises(vs.InputError) as caught:
        vs.correct(make_base(), **(CSI | options))  # type: ignore[arg-type]
    assert code is None or caught.value.code == code


def test_a_sampled_registry_has_no_error_for_these_methods(make_base: Build) -> None:
    frames = refusing()
    frames["registry"]["weight"] = 2.0
    with pytest.raises(vs.InputError) as caught:
        vs.correct(make_base(frames=frames, documented=True, base_weight="weight"), method="doubly_robust", auxiliaries=["region"], **CSI)
    assert caught.value.code == "method_sampled"


def test_sensitivity_holds_every_analysis_the_base_allows(make_base: Build) -> None:
    base = make_base(frames=refusing(), documented=True)
    r = vs.correct(base, auxiliaries=["region"], silent_shift=(-0.5, 0.0), mode_shift=(0.0, 0.4), **CSI)
    table = r.sensitivity.set_index(["analysis", "term"])
    assert {
        "declared_shift", "silent_shift", "mode_shift", "monotone", "worst_case", "weighting", "doubly_robust", "proxy_pattern_mixture",
        "exit_tilt", "registry_check",
    } == set(r.sensitivity["analysis"])
    other = vs.correct(base, auxiliaries=["region"], method="doubly_robust", **CSI)
    assert table.loc[("doubly_robust", "survivor_corrected"), "low"] == other.estimate[0, 2]
    assert table.loc[("doubly_robust", "survivor_corrected"), "conf_high"] == other.conf_high[0, 2]
    shares = r.mode_effect.set_index("term")
    moved = table.loc[("mode_shift", "survivor_corrected")]
    assert moved["low"] == pytest.approx(r.estimate[0, 2] - 0.4 * shares.loc["survivor_corrected", "share"])
    assert moved["high"] == r.estimate[0, 2]
    assert shares.loc["naive", "share"] == 0
    written = vs.load(r.with_analyses().to_dict())
    pd.testing.assert_frame_equal(written.sensitivity, r.sensitivity)
    assert set(vs.load(r.to_dict()).sensitivity["analysis"]) <= {"declared_shift", "silent_shift", "mode_shift", "monotone", "worst_case"}


def test_an_analysis_the_data_refuse_says_why(waves: pd.DataFrame) -> None:
    once = waves.assign(wave=waves["wave"].where(waves["wave"] == 1))
    refused = vs.correct(in_waves(once), **SCORE).sensitivity.query("analysis == 'callbacks'")
    assert refused["low"].isna().all() and refused["reason"].str.len().gt(0).all()


def test_weights_below_zero_do_no_harm(make_base: Build) -> None:
    """The outcome model of the follow-up may give the odd voice one; shares, shifts and small domains live with it."""
    frames = small_frames(seed=30)
    rng = np.random.default_rng(1)
    registry = frames["registry"].assign(kind=rng.choice(list("abcdef"), 900, p=[0.5, 0.3, 0.1, 0.04, 0.03, 0.03]))
    calls = frames["follow_up"].merge(registry[["id", "kind"]], on="id")
    refused = rng.random(len(calls)) < calls["kind"].map(dict(zip("abcdef", (0.1, 0.3, 0.5, 0.7, 0.2, 0.8), strict=True)))
    frames |= {"registry": registry, "follow_up": calls.assign(csi=calls["csi"].where(~refused)).drop(columns="kind")}
    base = make_base(frames=frames, documented=True)
    options = CSI | {"method": "doubly_robust", "auxiliaries": ["kind", "region"], "minimum_cell": 1, "silent_shift": (-1.0, 0.0)}
    r = vs.correct(base, statistic="nps", **options)  # type: ignore[arg-type]
    assert r.weights is not None and (r.weights.values < 0).any()
    assert np.isfinite(r.range_conf_low).all()
    assert np.isfinite(vs.correct(base, statistic="nps", by="shop", **options).estimate).all()  # type: ignore[arg-type]
