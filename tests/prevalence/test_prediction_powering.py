"""Prediction-powered means against ppi-python, the regression estimator, and the truth of ten classifiers on posts about cars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.prevalence import PredictionPowered, prediction_powered
from vocstats.results import load

ROWS = np.arange(1000)
AGE = (ROWS % 40) / 10
TRUTH = (1 / (1 + np.exp(2.5 - AGE)) > (ROWS * 37) % 101 / 101) * 1.0
GUESS = np.clip(0.15 + 0.6 * TRUTH + 0.5 * np.sin(ROWS), 0, 1)
LABELLED = (ROWS * 7) % 5 == 0
Y = np.where(LABELLED, TRUTH, np.nan)

# ppi-python 0.2.3, ppi_mean_pointestimate and ppi_mean_ci(..., alpha=0.05), November 2026: estimate and half a width over 1.96 by lam
PPI_PYTHON = {None: (0.37996853, 0.02738837), 1.0: (0.38534056, 0.02841451), 0.5: (0.37517028, 0.02810808)}


@pytest.mark.parametrize("weight", PPI_PYTHON)
def test_ppi_python(weight: float | None) -> None:
    """Variances there divide by n, and that of the predictions is the unlabelled rows' alone."""
    r = prediction_powered(Y, GUESS, weight=weight)
    assert r.estimate[0] == pytest.approx(PPI_PYTHON[weight][0], abs=1e-8)
    assert r.std_error[0] == pytest.approx(PPI_PYTHON[weight][1], rel=0.01)


def test_formula_of_the_paper() -> None:
    n, rest = LABELLED.sum(), (~LABELLED).sum()
    covariance = np.mean((TRUTH - TRUTH[LABELLED].mean())[LABELLED] * (GUESS - GUESS[LABELLED].mean())[LABELLED])
    tuned = covariance / ((1 + n / rest) * GUESS.var(ddof=1))
    r = prediction_powered(Y, GUESS)
    assert r.weight[0] == pytest.approx(tuned)
    residual = (TRUTH - tuned * GUESS)[LABELLED]
    assert r.std_error[0] ** 2 == pytest.approx(residual.var(ddof=2) / n + tuned**2 * GUESS.var(ddof=1) / rest)
    assert r.labels_worth[0] == pytest.approx(200 * (r.labels_only_error[0] / r.std_error[0]) ** 2)


def test_no_weight_is_labels_alone() -> None:
    r = prediction_powered(Y, GUESS, weight=0.0)
    assert r.estimate[0] == r.labels_only[0] == TRUTH[LABELLED].mean()
    assert r.std_error[0] == r.labels_only_error[0] == pytest.approx(TRUTH[LABELLED].std(ddof=1) / 200**0.5)


def test_about_these_rows_it_is_the_regression_estimator() -> None:
    r = prediction_powered(Y, GUESS, inference="registry")
    slope = r.weight[0] / 0.8
    assert r.estimate[0] == pytest.approx(TRUTH[LABELLED].mean() + slope * (GUESS.mean() - GUESS[LABELLED].mean()))
    assert r.std_error[0] ** 2 == pytest.approx(0.8 * (TRUTH - slope * GUESS)[LABELLED].var(ddof=2) / 200)
    census = prediction_powered(TRUTH, GUESS, inference="registry")
    assert census.estimate[0] == TRUTH.mean() and census.std_error[0] == 0.0
    assert prediction_powered(TRUTH, GUESS).std_error[0] == pytest.approx(TRUTH.std(ddof=1) / 1000**0.5, rel=1e-3)


def test_predictions_in_other_units_say_the_same() -> None:
    usual, scaled = prediction_powered(Y, GUESS), prediction_powered(Y, 7.0 - 100.0 * GUESS)
    for name in ("estimate", "std_error", "conf_low", "df"):
        np.testing.assert_allclose(getattr(usual, name), getattr(scaled, name), rtol=1e-9)
    order = np.random.default_rng(1).permutation(1000)
    np.testing.assert_allclose(prediction_powered(Y[order], GUESS[order]).conf_high, usual.conf_high, rtol=1e-12)


def test_worthless_predictions_cost_nothing() -> None:
    r = prediction_powered(Y, np.ones(1000))
    assert r.weight[0] == 0.0 and r.estimate[0] == r.labels_only[0]
    assert r.std_error[0] == pytest.approx(r.labels_only_error[0], rel=0.01)


def test_strata_are_estimated_apart_and_weighted() -> None:
    stratum = np.where(ROWS % 10 < 3, "新客户", "老客户")
    parts = [prediction_powered(Y[stratum == name], GUESS[stratum == name], inference="registry") for name in ("新客户", "老客户")]
    whole = prediction_powered(Y, GUESS, strata=stratum, inference="registry")
    assert whole.estimate[0] == pytest.approx(0.3 * parts[0].estimate[0] + 0.7 * parts[1].estimate[0])
    assert whole.std_error[0] ** 2 == pytest.approx(0.09 * parts[0].std_error[0] ** 2 + 0.49 * parts[1].std_error[0] ** 2)
    assert set(whole.strata) == {"新客户", "老客户"} and whole.weight.size == 2
    drawn = prediction_powered(Y, GUESS, strata=stratum)
    means = [prediction_powered(Y[stratum == name], GUESS[stratum == name]) for name in ("新客户", "老客户")]
    between = sum(w * (m.estimate[0] - drawn.estimate[0]) ** 2 for w, m in zip((0.3, 0.7), means, strict=True)) / 1000
    within = sum(w**2 * m.std_error[0] ** 2 for w, m in zip((0.3, 0.7), means, strict=True))
    assert drawn.std_error[0] ** 2 == pytest.approx(within + between)  # the strata's shares were drawn too


def test_limits_cover_what_rows_were_drawn_from() -> None:
    """500 worlds of 1,000 rows, 150 labelled, a guess right in 88 % of rows; 20 % have it. Simple draws and strata."""
    rng, covered = np.random.default_rng(90004), []
    for _ in range(500):
        truth = (rng.random(1000) < 0.2) * 1.0
        guess = np.where(rng.random(1000) < 0.88, truth, 1 - truth)
        y = np.where(rng.permutation(1000) < 150, truth, np.nan)
        results = prediction_powered(y, guess), prediction_powered(y, guess, strata=guess)
        file = prediction_powered(y, guess, inference="registry")
        covered.append([*(r.conf_low[0] <= 0.2 <= r.conf_high[0] for r in results), file.conf_low[0] <= truth.mean() <= file.conf_high[0]])
    assert (np.abs(np.mean(covered, axis=0) - 0.95) < 0.03).all()


@pytest.fixture(scope="module")
def aspects(data: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Truth and the classifier's call of ten aspects of 10,653 posts about cars."""
    table = pd.read_csv(data / "aspects/car_posts_aspects.csv")
    names = [column[5:] for column in table if column.startswith("gold_")]
    return {name: (table[f"gold_{name}"].to_numpy(float), (table[f"p_Bert_{name}"].to_numpy() > 0.5) * 1.0) for name in names}


REFERENCE = {  # truth, apparent, sensitivity, specificity; standard errors with 600 labels, powered and of labels alone
    "power": (0.3242, 0.3405, 0.9438, 0.9490, 0.0098, 0.0191),
    "comfort": (0.1110, 0.0994, 0.7563, 0.9826, 0.0084, 0.0128),
    "fuel": (0.1294, 0.1249, 0.9268, 0.9943, 0.0057, 0.0137),
}


def test_ten_aspects(aspects: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """200 draws of 600 labels, the same posts for all aspects; about these posts, and about those they come from."""
    rng, size, found = np.random.default_rng(90010), 10_653, {}
    for draw in range(200):
        drawn = rng.permutation(size) < 600
        for name, (truth, call) in aspects.items():
            for inference in ("registry", "process"):
                r = prediction_powered(np.where(drawn, truth, np.nan), call, inference=inference)
                covered = r.conf_low[0] <= truth.mean() <= r.conf_high[0]
                found[draw, name, inference] = (covered, r.std_error[0], r.labels_only_error[0])
    table = pd.DataFrame(found, index=["covered", "error", "alone"]).T.astype(float)
    table.index.names = ["draw", "aspect", "inference"]
    mean = table.groupby(["inference", "aspect"]).mean()
    assert 0.93 <= mean.loc["registry", "covered"].mean() <= 0.97  # the truth is that of these posts
    assert mean.loc["registry", "covered"].mean() <= mean.loc["process", "covered"].mean() <= 0.98  # which pays for drawing them too
    for name, (share, apparent, sensitivity, specificity, powered, alone) in REFERENCE.items():
        truth, call = aspects[name]
        figures = truth.mean(), call.mean(), call[truth == 1].mean(), 1 - call[truth == 0].mean()
        assert figures == pytest.approx((share, apparent, sensitivity, specificity), abs=5e-5)
        assert mean.loc["process", "error"][name] == pytest.approx(powered, abs=1.5e-4)
        assert mean.loc["process", "alone"][name] == pytest.approx(alone, abs=1.5e-4)
    assert (mean.loc["process", "error"] < 0.7 * mean.loc["process", "alone"]).all()


def test_refusals() -> None:
    with pytest.raises(InputError, match="2 labels; at least 3"):
        prediction_powered([1, 0, np.nan], [1, 0, 1])
    with pytest.raises(InputError, match="labels in stratum 'b'"):
        prediction_powered(Y, GUESS, strata=np.where(LABELLED, "a", "b"))
    with pytest.raises(InputError, match="prediction has 3 entries; 4"):
        prediction_powered([1, 0, 1, np.nan], [1, 0, 1])
    with pytest.raises(InputError, match="prediction has 1 missing"):
        prediction_powered([1, 0, 1, np.nan], [1, 0, 1, np.nan])
    with pytest.raises(InputError, match="y must hold numbers"):
        prediction_powered(["1", "0", "1"], [1, 0, 1])
    with pytest.raises(InputError, match="inference"):
        prediction_powered(Y, GUESS, inference="r")
    with pytest.raises(IdentificationError, match="Label more rows") as caught:
        prediction_powered(np.where(LABELLED, 0.0, np.nan), GUESS)
    assert caught.value.code == "no_residual_variance"


def test_reading_and_writing() -> None:
    r = prediction_powered(Y, GUESS, strata=ROWS % 2)
    again = load(r.to_json())
    assert isinstance(again, PredictionPowered) and again.to_frame().equals(r.to_frame()) and again.strata == (0, 1)
    assert "labels_worth" in r.summary() and r.tidy()["term"].tolist() == ["mean"]
