"""Classifiers as response models: cross-fitted by cluster, reproducible, held fixed, and refused where they cannot serve."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from vocstats.errors import IdentificationError, InfeasibleError, InputError, MissingDependencyError
from vocstats.estimation import mean
from vocstats.weighting import weight_by_propensity

TREE = DecisionTreeClassifier(max_depth=3, min_samples_leaf=40)


@pytest.fixture
def world() -> dict[str, Any]:
    rng = np.random.default_rng(61)
    x = rng.normal(size=(900, 2))
    cluster = np.repeat(np.arange(90), 10)
    heard = rng.random(900) < 1.0 / (1.0 + np.exp(0.6 - x[:, 0]))
    return {"x": {"a": x[:, 0], "b": x[:, 1]}, "matrix": x, "heard": heard, "cluster": cluster, "d": rng.uniform(1.0, 3.0, 900)}


def test_every_unit_is_predicted_by_a_fit_on_the_other_folds(world: dict[str, Any]) -> None:
    model = LogisticRegression(C=1.0, tol=1e-10)
    step: Any = weight_by_propensity(world["x"], world["heard"], base_weights=world["d"], estimator=model, folds=4, seed=3).steps[0]
    assert np.bincount(step.folds).tolist() == [225] * 4
    for k in range(4):
        rest, own = step.folds != k, step.folds == k
        weights = world["d"][rest] * 900 / world["d"].sum()
        fitted = LogisticRegression(C=1.0, tol=1e-10).fit(world["matrix"][rest], world["heard"][rest], sample_weight=weights)
        np.testing.assert_allclose(step.probability[own], fitted.predict_proba(world["matrix"][own])[:, 1], rtol=1e-9)
    assert not hasattr(model, "coef_")  # the caller's object stays unfitted


def test_clusters_share_a_fold_and_folds_share_those_heard(world: dict[str, Any]) -> None:
    step: Any = weight_by_propensity(world["x"], world["heard"], estimator=TREE, clusters=world["cluster"]).steps[0]
    assert all(np.unique(step.folds[world["cluster"] == c]).size == 1 for c in range(90))
    rare = np.zeros(900, bool)
    rare[:20] = True
    alone: Any = weight_by_propensity(world["x"], rare | (np.arange(900) % 90 == 0), estimator=LogisticRegression(), folds=5).steps[0]
    assert np.ptp(np.bincount(alone.folds[alone.heard])) <= 1


def test_the_same_seed_gives_the_same_bits(world: dict[str, Any]) -> None:
    forest = RandomForestClassifier(n_estimators=5, min_samples_leaf=60)
    first, again, other = (weight_by_propensity(world["x"], world["heard"], estimator=forest, seed=s).values for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_flexible_model_removes_a_bias_a_line_cannot() -> None:
    rng = np.random.default_rng(62)
    x = rng.normal(size=6000)
    y = x**2 + rng.normal(size=6000)
    heard = rng.random(6000) < np.where(np.abs(x) > 1.0, 0.6, 0.2)
    errors = {}
    for name, model in {"line": "logistic", "tree": DecisionTreeClassifier(min_samples_leaf=100)}.items():
        w = weight_by_propensity({"x": x}, heard, estimator=model)
        errors[name] = abs(float(mean(np.where(heard, y, np.nan), w).estimate) - y.mean())
    assert errors["tree"] < 0.15 < errors["line"]


def test_the_error_is_conditional_on_the_weights(world: dict[str, Any]) -> None:
    w = weight_by_propensity(world["x"], world["heard"], estimator=TREE)
    assert w.accounts_for == ()
    assert w.held_fixed == ("propensity",)
    e = mean(np.where(world["heard"], 1.0 + world["x"]["b"], np.nan), w)
    assert "weights_held_fixed" in e.variance_accounts_for
    assert "视为固定" in e.accounts("zh")


class Unweighted(KNeighborsClassifier):
    """Takes no weights."""


@pytest.mark.parametrize(
    ("options", "error", "code"),
    [
        ({"estimator": Unweighted()}, InputError, "classifier_without_weights"),
        ({"estimator": LogisticRegression}, InputError, "not_a_classifier"),
        ({"estimator": 3}, InputError, "not_a_classifier"),
        ({"estimator": TREE, "folds": 1}, InputError, "out_of_bounds"),
        ({"estimator": TREE, "folds": 91, "clusters": np.repeat(np.arange(90), 10)}, InputError, "more_folds_than_clusters"),
        ({"estimator": TREE, "penalty": 0.1}, InputError, "argument_of_another_estimator"),
        ({"estimator": "logistic", "folds": 3}, InputError, "argument_of_another_estimator"),
        ({"estimator": "logistic", "clusters": np.arange(900)}, InputError, "argument_of_another_estimator"),
        ({"estimator": DummyClassifier(strategy="constant", constant=False)}, IdentificationError, "probability_zero"),
    ],
)
def test_bad_input(world: dict[str, Any], options: dict[str, Any], error: type[Exception], code: str) -> None:
    with pytest.raises(error) as caught:
        weight_by_propensity(world["x"], world["heard"], **options)
    assert caught.value.code == code  # type: ignore[attr-defined]


def test_a_fold_that_holds_everybody_heard_is_refused(world: dict[str, Any]) -> None:
    with pytest.raises(InfeasibleError, match="Without fold 0 either nobody or everybody was heard"):
        weight_by_propensity(world["x"], world["cluster"] == 4, estimator=TREE, clusters=world["cluster"], folds=3)


def test_without_scikit_learn_it_says_what_to_install(world: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"pip install scikit-learn \(or vocstats\[ml\]\)"):
        weight_by_propensity(world["x"], world["heard"], estimator=TREE)
