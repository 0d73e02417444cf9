"""Response propensities: R's glm, the estimating equations, separation, adjustment classes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vocstats.errors import IdentificationError, InfeasibleError, InputError
from vocstats.weighting import poststratify, weight_by_propensity

R_SCRIPT = """
d <- read.csv("{folder}/data.csv"); d$region <- factor(d$region)
fit <- glm(heard ~ age + region, family=quasibinomial, weights=w, data=d, control=list(epsilon=1e-14, maxit=100))
writeLines(format(fitted(fit), digits=15), "{folder}/out.csv")
"""


def test_logistic_equals_r_glm(rscript: str, tmp_path: Path, base: dict[str, Any]) -> None:
    d = 1.0 + np.arange(base["n"]) % 4
    frame = pd.DataFrame({"age": base["age"], "region": base["margins"]["region"]})
    frame.assign(heard=base["heard"].astype(int), w=d * base["counts"]).to_csv(tmp_path / "data.csv", index=False)
    script = tmp_path / "fit.R"
    script.write_text(R_SCRIPT.format(folder=tmp_path.as_posix()))
    subprocess.run([rscript, "--vanilla", str(script)], check=True, capture_output=True)
    w = weight_by_propensity(frame, base["heard"], base_weights=d, counts=base["counts"])
    expected = np.where(base["heard"], d / np.loadtxt(tmp_path / "out.csv"), 0.0)
    np.testing.assert_allclose(w.values, expected, rtol=1e-7)
    assert w.accounts_for == ("propensity",)


def test_estimating_equations_hold(base: dict[str, Any]) -> None:
    x = np.column_stack([base["age"], base["margins"]["tenure"]])
    w = weight_by_propensity(x, base["heard"], counts=base["counts"])
    p = w.steps[0].probability  # type: ignore[attr-defined]
    residual = base["counts"] * (base["heard"] - p)
    np.testing.assert_allclose(np.column_stack([np.ones(base["n"]), x]).T @ residual, 0.0, atol=1e-7)
    np.testing.assert_allclose(w.values[base["heard"]], 1.0 / p[base["heard"]], rtol=1e-12)


def test_a_saturated_model_equals_classes_and_poststratification(base: dict[str, Any]) -> None:
    region = base["margins"]["region"]
    logistic = weight_by_propensity({"region": region}, base["heard"], counts=base["counts"])
    classes = weight_by_propensity(None, base["heard"], counts=base["counts"], estimator="classes", classes=region)
    totals = {name: float(base["counts"][region == name].sum()) for name in np.unique(region)}
    post = poststratify(region, totals, base_weights=base["heard"].astype(float), counts=base["counts"])
    np.testing.assert_allclose(logistic.values, classes.values, rtol=1e-8)
    np.testing.assert_allclose(post.values, classes.values, rtol=1e-12)


def test_scale_of_columns_does_not_matter(base: dict[str, Any]) -> None:
    first = weight_by_propensity({"age": base["age"]}, base["heard"])
    second = weight_by_propensity({"age": 1e7 * base["age"] + 1e7}, base["heard"])
    np.testing.assert_allclose(second.values, first.values, rtol=1e-6)


def test_separation_names_the_columns(base: dict[str, Any]) -> None:
    never = np.where(base["heard"], "reachable", "no address")
    with pytest.raises(IdentificationError, match="always or never, as 'contact=reachable'") as caught:
        weight_by_propensity({"age": base["age"], "contact": never}, base["heard"])
    assert caught.value.levels == ("contact=reachable",)
    with pytest.raises(IdentificationError, match="always or never"):
        weight_by_propensity({"score": base["heard"] * 1.0 + base["age"] / 1000.0}, base["heard"])


def test_quasi_separation_in_one_level_is_found(base: dict[str, Any]) -> None:
    heard = base["heard"] & (base["margins"]["region"] != "west")
    with pytest.raises(IdentificationError, match="region=west") as caught:
        weight_by_propensity({"age": base["age"], "region": base["margins"]["region"]}, heard)
    assert caught.value.levels == ("region=west",)


def test_small_probabilities_are_no_separation() -> None:
    heard = np.zeros(4, bool)
    heard[[0, 2]] = True
    w = weight_by_propensity({"x": [0.0, 0.0, 1.0, 1.0]}, heard, counts=[1, 10**7, 5, 5])
    np.testing.assert_allclose(w.values[[0, 2]], [1 + 1e7, 2.0], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"heard": np.zeros(60)}, InfeasibleError, "Nobody was heard"),
        ({"heard": np.ones(60)}, IdentificationError, "Everybody was heard"),
        ({"heard": np.full(60, 0.5)}, InputError, "true or false"),
        ({"heard": np.ones(59)}, InputError, "has 60 entries; 59 were expected"),
        ({"estimator": "classes"}, InputError, "classes= gives"),
        ({"classes": np.zeros(60)}, InputError, "classes= gives"),
        ({"estimator": "forest"}, InputError, "estimator must be one of"),
        ({"x": {"age": np.full(60, np.nan)}}, InputError, r"x\['age'\] has 60 missing"),
    ],
)
def test_bad_input(base: dict[str, Any], arguments: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        weight_by_propensity(**({"x": {"age": base["age"]}, "heard": base["heard"]} | arguments))


def test_class_without_anybody_heard_is_named(base: dict[str, Any]) -> None:
    heard = base["heard"] & (base["margins"]["region"] != "west")
    with pytest.raises(InfeasibleError, match="'west'") as caught:
        weight_by_propensity(None, heard, estimator="classes", classes=base["margins"]["region"])
    assert caught.value.levels == ("west",)
